"""Give the process what Azure's worker gives it: a handler for INFO on the root logger.

Azure's hands every record to a thread that sends it to the host over gRPC; this one writes a line to standard error,
which costs less.
"""

import logging

logging.basicConfig(level=logging.INFO)
