"""The zip is the same for the same files."""

import os
import zipfile
from pathlib import Path

from tools.package import archive


def test_times_and_rights_and_the_order_of_writing_make_no_difference(tmp_path: Path) -> None:
    for folder, names in (("one", ("a", "b/c")), ("other", ("b/c", "a"))):
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"this is {name}")
    os.utime(tmp_path / "other" / "a", (1e9, 1e9))
    (tmp_path / "other" / "a").chmod(0o600)
    digests = []
    for folder in ("one", "other"):
        archive.write(tmp_path / folder, tmp_path / "out" / f"{folder}.zip")
        digests.append(archive.digest(tmp_path / "out" / f"{folder}.zip"))
    assert digests[0] == digests[1]


def test_the_zip_holds_the_files_under_their_paths_readable_for_all(tmp_path: Path) -> None:
    (tmp_path / "in" / "b").mkdir(parents=True)
    (tmp_path / "in" / "b" / "c").write_bytes(b"this")
    archive.write(tmp_path / "in", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as written:
        assert [(entry.filename, oct(entry.external_attr >> 16)) for entry in written.infolist()] == [
            ("b/c", "0o100644")
        ]
        assert written.read("b/c") == b"this"
