"""What happens when Azure OpenAI fails in every way we know, before the real gateway over real sockets.

`raw` serves bytes and broken connections, `operations` are the calls, `faults` and the tables beside it say what goes
wrong and what the client must see, `cell` makes one call, `matrix` all of them, `report` writes docs/reliability.md:

    python -m tests.faults
"""
