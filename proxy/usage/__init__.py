"""PURE what was used: counts by time, client and model, their rows in a table, and how they are read."""
