"""A folder for the default app's PYTHONPATH: it hides what only our own requirements install."""
