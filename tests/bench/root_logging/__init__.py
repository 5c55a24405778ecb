"""A folder for PYTHONPATH: the interpreter imports its sitecustomize.py at its start."""
