"""CPU time and memory of another process."""

import ctypes
import os
import time
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
_LIBC = ctypes.CDLL(None, use_errno=True)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that all threads of a process have used, user and system.

    The sum in /proc/PID/stat is the same, but counts in hundredths of a second.
    https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html
    """
    clock = ctypes.c_int()
    if error := _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def resident_bytes(pid: int) -> int:
    """Return how much memory of a process is resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
