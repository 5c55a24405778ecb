"""What becomes of a request's parameters, tools, items and parts, as the table that the documents are written from."""

from collections.abc import Iterator

import msgspec

from proxy.translation.responses_on_chat.content import PARTS
from proxy.translation.responses_on_chat.draft import Fate
from proxy.translation.responses_on_chat.items import ITEMS
from proxy.translation.responses_on_chat.parameters import PARAMETERS
from proxy.translation.responses_on_chat.tools import OFFERS

_TOOLS = {
    "function": "a function, strict only where it is true; a long description goes on in the instructions",
    "custom": "a function with the member input, its grammar in the description",
    "namespace": "functions with the name of the namespace in front",
    "tool_search": "a function where the client searches; a hosted search is left out",
}


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `area` is where the client has it, `chat` what it is there, empty where its fate says all."""

    area: str
    name: str
    fate: Fate
    chat: str = ""


def mapping() -> Iterator[Mapped]:
    """Yield the rows, in the order of the code that they come from."""
    for name, row in PARAMETERS.items():
        yield Mapped(area="parameter", name=name, fate=row.fate, chat=row.chat)
    for name in OFFERS:
        yield Mapped(area="tool", name=name, fate=Fate.SENT, chat=_TOOLS[name])
    yield Mapped(area="tool", name="any other, which is hosted", fate=Fate.DROPPED, chat="400 where it is forced")
    for name, item in ITEMS.items():
        yield Mapped(area="item", name=name, fate=item.fate, chat=item.chat)
    yield Mapped(area="item", name="any other", fate=Fate.REFUSED)
    for name, (part, _) in PARTS.items():
        yield Mapped(area="part", name=name, fate=Fate.SENT, chat=part)
    yield Mapped(area="part", name="refusal", fate=Fate.SENT, chat="refusal, or text at other makers' models")
    yield Mapped(area="part", name="any other", fate=Fate.REFUSED)
