"""Examines a set-up step by step: what `python -m tools.doctor` and `POST /doctor` do.

    run.py          the steps in their order, as events
    examination.py  what one run knows and has found out
    azure.py        identity and vault
    ledger.py       the table of the limits
    resource.py     one resource and its deployments

Nothing here is imported before somebody asks for it.
"""
