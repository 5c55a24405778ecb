"""Cells that are known not to be as expected: by fault and call, with what is so. A cell that is cured must go."""

from collections.abc import Mapping

DEVIATIONS: Mapping[tuple[str, str], str] = {}
