"""Usage and costs of a proxy in numbers and pictures."""
