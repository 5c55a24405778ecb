"""The version of the app, which `python -m tools.release` writes here and into pyproject.toml."""

VERSION = "0.1.0"
