"""PURE what a call costs: which price counts, the cost of a usage, and the most that a call may cost."""
