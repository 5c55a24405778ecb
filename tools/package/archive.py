"""A zip that has the same bytes for the same files."""

import hashlib
import zipfile
from pathlib import Path

# The oldest time that the format allows.
_WHEN = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644
_UNIX = 3


def write(folder: Path, output: Path) -> None:
    """Write all files of a folder, in order, without the times and owners of this machine."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _WHEN)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=6)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
