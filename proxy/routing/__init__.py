"""Pure: which deployment serves a model."""
