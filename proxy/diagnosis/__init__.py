"""Pure: what can be wrong with a set-up, why it matters, and the command that mends it."""
