"""Imports that take long are made in threads, one after the other: two that meet may see each other unfinished."""

import threading

ONE_AT_A_TIME = threading.Lock()
