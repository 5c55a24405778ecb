"""What was read of a client's body before it was known where the body goes."""

import contextlib
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from proxy.errors import BodyTooLarge, ConfigurationError

# Most forms are smaller and never touch the disk; many at once must not fill the memory.
MEMORY = 1024 * 1024
# A model may stand behind the files: audio of 25 MB, or 16 images. The disk of an instance is small.
MAX_BYTES = 100 * 1024 * 1024
# As much as one read of a connection gives.
PIECE = 64 * 1024


class Spool:
    """Keeps bytes in memory or, when they are many, in a file that has no name and goes with the spool.

    Nothing here is awaited: the disk is local, a piece goes to the page cache or comes from it in some ten
    microseconds, and a thread for each would hold the event loop for longer.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=MEMORY)  # noqa: SIM115  `close` closes it
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add a piece; raise `BodyTooLarge` when it is one too many, `ConfigurationError` when the disk is full."""
        if self.size + len(data) > MAX_BYTES:
            raise BodyTooLarge(
                f"Your form has more than {MAX_BYTES} bytes that must be read before it is sent. "
                "Put its model or purpose before its files."
            )
        try:
            self._file.seek(self.size)
            self._file.write(data)
            self._file.flush()
        except OSError:
            raise ConfigurationError("The proxy has no disk space left for your request.", reason="disk_full") from None
        self.size += len(data)

    def chunks(self, size: int = PIECE) -> Iterator[bytes]:
        """Yield all bytes from the beginning, at most `size` at a time; more than once if need be."""
        for start in range(0, self.size, size):
            self._file.seek(start)
            yield self._file.read(size)

    def close(self) -> None:
        """Give the memory and the disk back."""
        # A disk that was full is so again when the last write is tried once more; the file is closed all the same.
        with contextlib.suppress(OSError):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
