"""What keeps a package from being built."""


class PackageError(Exception):
    """The package cannot be built; the text says why and what to do."""
