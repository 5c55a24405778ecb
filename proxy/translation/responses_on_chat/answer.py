"""What comes back for a translated request: a whole chat completion, its chunks or an error."""

from collections.abc import Mapping, Sequence

from proxy.azure_api.stream import Stream
from proxy.errors import ProxyError, UpstreamError
from proxy.openai_api.json_members import BYTE_ORDER_MARK, ENCODE, UNREADABLE
from proxy.translation.interface import EventStream
from proxy.translation.responses_on_chat.errors import Origins, name_for_client
from proxy.translation.responses_on_chat.response_object import Asked
from proxy.translation.responses_on_chat.shapes import decode_completion
from proxy.translation.responses_on_chat.stream import ResponseStream
from proxy.translation.responses_on_chat.writer import Writer

_NO_CHAT = "Azure OpenAI's answer is not the chat completion it should be."


class Reader:
    """Turns what came back of one chat completion into a response."""

    def __init__(self, asked: Asked, origins: Origins) -> None:
        self._asked = asked
        self._origins = origins

    @property
    def reasoning(self) -> Mapping[str, Sequence[bytes]]:
        """Return nothing: a response has its reasoning in it."""
        return {}

    def answer(self, raw: bytes) -> bytes:
        """Return a whole answer; raise `UpstreamError` if it is no chat completion."""
        writer = Writer(self._asked)
        try:
            completion, restore = decode_completion(raw.removeprefix(BYTE_ORDER_MARK))
            if not completion.choices:
                raise UpstreamError(_NO_CHAT)
            writer.take(completion, restore)
            writer.close()
            return ENCODE(writer.end())
        except UNREADABLE:
            raise UpstreamError(_NO_CHAT) from None

    def open_stream(self, upstream: Stream) -> EventStream:
        """Begin the events of a response over the chunks of a chat."""
        return ResponseStream(upstream, Writer(self._asked), self.error)

    def error(self, error: ProxyError) -> ProxyError:
        """Return an error that names the client's parameter."""
        return name_for_client(error, self._origins)
