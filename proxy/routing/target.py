"""Where a request may go."""

from dataclasses import dataclass, field

# A resource's place in the list of the settings, and the deployment there or, without one, the operation.
Key = tuple[int, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A deployment of a resource, as one of those that may serve a request.

    `deployment` is None for what has none, such as files; then the `operation` tells them apart: that no batch can be
    made says nothing about files. `model` is the name under which it was found: the client's,
    or that of a fallback; `version` is None when nobody knows it. Lower `priority` goes first; `weight` is its share
    among equals, 0 when it only stands in for them.
    """

    resource: int
    deployment: str | None = None
    priority: int = 0
    weight: float = 1.0
    model: str | None = None
    version: str | None = None
    operation: str | None = None
    key: Key = field(init=False, repr=False, compare=False)
    """What health is known by; made once, as it is asked for with every request."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.resource, self.deployment or self.operation))

    def stands_for_the_same(self, other: "Target") -> bool:
        """Tell whether a request may go from one to the other: another version of a model is another model."""
        return self.model != other.model or self.version == other.version or None in (self.version, other.version)
