"""Pure: OpenAI's calls into Azure OpenAI's, and Azure's answers back. Bytes and values in, bytes and values out."""
