"""Client keys: makes, lists, limits, rotates and revokes them, in a vault or in a local file."""
