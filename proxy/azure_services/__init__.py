"""I/O to Azure: OpenAI, identity, Key Vault, Resource Manager. Everything opens lazily, on the serving loop."""
