"""Pure: a call of one of OpenAI's APIs made as a call of another one, for deployments that serve only the other."""
