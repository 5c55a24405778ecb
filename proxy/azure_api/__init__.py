"""Pure: what Azure OpenAI takes and answers."""
