"""Prices of Azure: `python -m tools.prices update` reads its public list, `check` looks at the table, `docs` writes."""
