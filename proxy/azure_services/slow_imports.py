"""A lock for slow imports, which run in threads: two at the same time may see modules that are not complete."""

import threading

ONE_AT_A_TIME = threading.Lock()
