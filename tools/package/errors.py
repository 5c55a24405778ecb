"""The error of a build."""


class PackageError(Exception):
    """The package cannot be built; the text says why and what to do."""
