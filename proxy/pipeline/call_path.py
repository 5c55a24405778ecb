"""How a call reaches a deployment: at its usual place, on `/openai/v1` alone, or as a call of the other API.

Settings and Azure's list come first, then what the deployment has answered before, then what it answers now: native on
its surface, native on v1, translated, so that no call takes more than two requests beyond the first. What was found out
is remembered when the call has succeeded; what is no longer so is forgotten without another try.
"""

from collections.abc import Callable

import msgspec

from proxy.azure_api.api_refusals import (
    ApiRefusal,
    find_api_refusal,
    has_functions_and_reasoning,
    is_missing_there,
    refuses_stream,
)
from proxy.azure_api.errors import MISSING_CODES, parse_texts
from proxy.azure_api.request import Call
from proxy.azure_api.urls import Surfaces
from proxy.openai_api.operations import Operation, Surface
from proxy.pipeline.attempt import Refused
from proxy.pipeline.translated_call import APIS, CHAT, Translated, Translators
from proxy.routing.learned import Learned, Path
from proxy.routing.targets import Target, is_of_other_maker
from proxy.values import Api, Repair

_NOT_FOUND = 404
# What the path of a deployment may answer for a model of another maker, in place of 404.
_UNKNOWN_MODEL = "unknown_model"
_TRANSLATED = (Path.TRANSLATED, Path.TRANSLATED_WITH_TOOLS)


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    """What calls know of deployments, and learn; `clock` never goes back.

    `repairs` is None where refused parameters stay refused, `translators` where no call is translated.
    """

    repairs: Learned[Repair] | None
    paths: Learned[Path]
    translators: Translators | None
    clock: Callable[[], float]


class CallPath(msgspec.Struct, kw_only=True):
    """The path of one call to one target; `place` names the deployment of all resources.

    `is_alone` tells that there is no other target. `on_v1` and `translates` say where the call goes, `tried` what this
    request has found out and nobody knows yet; `gave_up` that the other API does not take the call either.
    """

    __repr__ = object.__repr__  # without what is in it

    knows: Knowledge
    call: Call
    target: Target
    place: str
    is_alone: bool
    on_v1: bool
    translates: bool = False
    gave_up: bool = False
    tried: tuple[Path, ...] = ()

    def choose(self) -> None:
        """Take the path that is known of the deployment."""
        self.on_v1 = self.on_v1 or Path.ON_V1 in self._known(Path.ON_V1)
        self.translates = needs_translation(self.knows, self.call, self.target, self.place)

    def is_known(self, path: Path) -> bool:
        """Tell whether a path was learned, or was found out by this request."""
        return path in self.tried or path in self._known(path)

    def learn(self) -> None:
        """Remember what this request has found out."""
        for path in self.tried:
            self.knows.paths.learn(self._key_of(path), path, self.knows.clock())

    def goes_on_v1(self, refused: Refused, operation: Operation, surfaces: Surfaces) -> bool:
        """Go on with v1 where a deployment has no path of its own, as those of other makers than OpenAI."""
        if self.on_v1 or operation.name != CHAT or surfaces.surface_for(operation) is not Surface.DEPLOYMENT:
            return False
        # Azure's own code: what is told of a model that is not there has one code for all of them.
        _, code, _ = parse_texts(refused.body)
        is_missing = refused.failure.status == _NOT_FOUND and code.lower() not in MISSING_CODES
        if not is_missing and (code.lower() != _UNKNOWN_MODEL or refused.failure.status not in (400, _NOT_FOUND)):
            return False
        self.on_v1, self.tried = True, (*self.tried, Path.ON_V1)
        return True

    def missed_on_v1(self, refused: Refused) -> bool:
        """Tell whether v1, which was only tried, knows no such operation or deployment either."""
        return Path.ON_V1 in self.tried and refused.failure.status == _NOT_FOUND

    def starts_translation(self, refused: Refused) -> bool:
        """Go on with the other API where a refusal says that it is the one to call."""
        if not self._may_translate():
            return False
        on_chat = self.call.route.operation.name == CHAT
        refusal = find_api_refusal(refused.failure.status, refused.body, on_chat=on_chat)
        if refused.failure.is_unsupported and not on_chat and self.is_alone:
            refusal = ApiRefusal.OPERATION  # every server of OpenAI's API has chat completions
        is_of_other = self.on_v1 or is_of_other_maker(self.target)
        if refusal is None or (refusal is ApiRefusal.OTHER_MAKER and not is_of_other):
            return False
        path = Path.TRANSLATED_WITH_TOOLS if refusal is ApiRefusal.TOOLS else Path.TRANSLATED
        self.tried, self.translates = (*self.tried, path), True
        return True

    def ends_translation(self, refused: Refused, translated: Translated) -> bool:
        """Tell whether the other API refuses the call as such, and forget it if it was known to take such calls.

        Where it was only tried, the client's own call is the one to go on with.
        """
        status, body = refused.failure.status, refused.body
        refusal = find_api_refusal(status, body, on_chat=translated.api is Api.CHAT)
        if not is_missing_there(status, body) and refusal is not ApiRefusal.OPERATION:
            return False
        if any(path in self.tried for path in _TRANSLATED):
            self.translates, self.gave_up = False, True
            self.tried = tuple(path for path in self.tried if path is Path.ON_V1)
        else:
            for path in _TRANSLATED:
                self.knows.paths.forget(self._key_of(path), path)
        return True

    def ends_streaming(self, refused: Refused, translated: Translated) -> bool:
        """Go on without a stream where the client has not asked for the one that is refused."""
        if not translated.collects or not refuses_stream(refused.failure.status, refused.body):
            return False
        self.tried = (*self.tried, Path.NOT_STREAMED)
        return True

    def _may_translate(self) -> bool:
        """Tell whether the other API may be tried: the settings and Azure's list say nothing, and it was not tried."""
        knows, call = self.knows, self.call
        if knows.translators is None or call.route.operation.name not in APIS or call.document is None:
            return False
        return self.target.api is None and not self.translates and not self.gave_up

    def _known(self, path: Path) -> tuple[Path, ...]:
        return self.knows.paths.known(self._key_of(path), self.knows.clock())

    def _key_of(self, path: Path) -> str:
        """Return what a path is remembered by: it is one of chat, or one of the client's operation."""
        return f"{CHAT if path is Path.ON_V1 else self.call.route.operation.name} {self.place}"


def needs_translation(knows: Knowledge, call: Call, target: Target, place: str) -> bool:
    """Tell whether a deployment is known to take a call only by the other API."""
    operation, document = call.route.operation.name, call.document
    if knows.translators is None or document is None or operation not in APIS:
        return False
    if target.api is not None:
        return target.api is not APIS[operation]
    known = knows.paths.known(f"{operation} {place}", knows.clock())
    return Path.TRANSLATED in known or (Path.TRANSLATED_WITH_TOOLS in known and has_functions_and_reasoning(document))
