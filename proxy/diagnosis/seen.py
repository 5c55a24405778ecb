"""What a check has seen to be wrong, before its texts are filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A code of the table of findings, what it is about, and more places of its texts."""

    code: str
    subject: str
    facts: Mapping[str, str] = field(default_factory=dict)
