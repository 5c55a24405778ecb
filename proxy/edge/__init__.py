"""The rooms that wait for the world. Each opens lazily, on the event loop that serves the requests."""
