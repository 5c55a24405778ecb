"""What a developer runs: the local Functions host, the Azure OpenAI simulator and the benchmark."""
