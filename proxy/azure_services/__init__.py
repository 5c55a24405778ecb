"""I/O to Azure: OpenAI, identity, Key Vault, Resource Manager. Connections open with the first call."""
