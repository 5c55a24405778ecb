"""Who may call: the keys of the resource and the tokens of its tenant."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from tools.azure_openai_simulator.errors import RefusalError

_BEARER = "bearer "


def _none(_token: str) -> bool:
    return False


@dataclass(slots=True, kw_only=True, repr=False)
class Credentials:
    """What the resource accepts; every member may be changed while calls come in."""

    keys: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    accepts_token: Callable[[str], bool] = _none

    def check(self, headers: Mapping[str, str], *, on_v1: bool, secrets: Collection[str] = ()) -> None:
        """Raise RefusalError unless the headers authenticate a caller; only v1 accepts a key as bearer token.

        `secrets` are ephemeral keys, which are valid only for what they were created for.
        """
        key = headers.get("api-key")
        if key is not None:
            if key not in self.keys:
                raise RefusalError("error-401-key")
            return
        authorization = headers.get("Authorization", "")
        bearer = authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
        if bearer in secrets or (on_v1 and bearer in self.keys):
            return
        if not (bearer in self.tokens or self.accepts_token(bearer)):
            raise RefusalError("error-401-token")
