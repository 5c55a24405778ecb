"""Pure: what OpenAI's clients send and read."""
