"""The spool: bytes kept in memory, then on the disk, and gone with it."""

import resource
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from proxy.errors import BodyTooLarge, ConfigurationError
from proxy.server.request_body import MAX_SPOOL_BYTES, PIECE, SPOOL_MEMORY, Spool


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def full_disk(disk: Path) -> Iterator[Path]:
    """A disk on which no file may be larger than the memory of a spool."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SPOOL_MEMORY, hard))
    yield disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def open_files() -> set[str]:
    """Return what the open files of this process are called; a file without a name has one here."""
    return {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, SPOOL_MEMORY, SPOOL_MEMORY + 1, 3 * SPOOL_MEMORY])
def test_what_was_written_is_read_in_pieces_as_often_as_wanted(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    with closing(Spool()) as spool:
        for start in range(0, size, 50_000):
            spool.write(data[start : start + 50_000])
        assert spool.size == size
        for _ in range(2):
            pieces = list(spool.chunks())
            assert b"".join(pieces) == data
            assert all(len(piece) == PIECE for piece in pieces[:-1])
            assert all(pieces)
        assert b"".join(spool.chunks(7000)) == data


def test_writing_goes_on_behind_a_reading_that_was_left() -> None:
    with closing(Spool()) as spool:
        spool.write(b"abcdef")
        assert next(spool.chunks(2)) == b"ab"
        spool.write(b"gh")
        assert list(spool.chunks(3)) == [b"abc", b"def", b"gh"]


def test_a_small_body_never_touches_the_disk(disk: Path) -> None:
    before = open_files()
    with closing(Spool()) as spool:
        spool.write(bytes(SPOOL_MEMORY))
        assert open_files() == before
        assert list(disk.iterdir()) == []


def test_a_large_body_is_on_the_disk_until_the_spool_is_closed(disk: Path) -> None:
    with closing(Spool()) as spool:
        spool.write(bytes(SPOOL_MEMORY + 1))
        assert any(name.startswith(str(disk)) for name in open_files())
    assert not any(name.startswith(str(disk)) for name in open_files())
    assert list(disk.iterdir()) == []


def test_nothing_is_left_on_the_disk_when_the_request_fails(disk: Path) -> None:
    def fail(spool: Spool) -> None:
        with closing(spool):
            spool.write(bytes(2 * SPOOL_MEMORY))
            raise BodyTooLarge("x")

    with pytest.raises(BodyTooLarge):
        fail(Spool())
    assert not any(name.startswith(str(disk)) for name in open_files())
    assert list(disk.iterdir()) == []


def test_a_spool_may_be_closed_twice() -> None:
    with closing(Spool()) as spool:
        spool.write(b"a")
        spool.close()


def test_a_body_may_be_as_large_as_the_bound_and_no_larger() -> None:
    piece = bytes(4 * SPOOL_MEMORY)
    with closing(Spool()) as spool:
        for _ in range(MAX_SPOOL_BYTES // len(piece)):
            spool.write(piece)
        with pytest.raises(BodyTooLarge) as caught:
            spool.write(b"a")
        assert spool.size == MAX_SPOOL_BYTES
    assert caught.value.status == 413


def test_a_full_disk_is_an_error_for_the_client_and_the_spool_still_closes(full_disk: Path) -> None:
    with closing(Spool()) as spool:
        spool.write(bytes(SPOOL_MEMORY))
        with pytest.raises(ConfigurationError) as caught:
            spool.write(b"a" * 100)
        assert (caught.value.status, caught.value.reason) == (503, "disk_full")
    assert not any(name.startswith(str(full_disk)) for name in open_files())
