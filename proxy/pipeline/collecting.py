"""An answer that Azure streams and the client waits for as a whole: while it comes, Azure is not silent."""

from typing import TYPE_CHECKING

from proxy.azure_services.upstream import BROKEN
from proxy.errors import UpstreamError
from proxy.server.deadline import Deadline, Limit
from proxy.translation.collected_response import CollectedResponse

if TYPE_CHECKING:
    from proxy.azure_services.http_client import UpstreamAnswer


async def collect(answer: "UpstreamAnswer", collected: CollectedResponse, deadline: Deadline, *, idle: float) -> None:
    """Read a stream to its end; behind its first content Azure may be silent for `idle` seconds."""
    try:
        while not collected.ended:
            if collected.begun:
                deadline.set(Limit.IDLE, deadline.now() + idle)
            chunk = await answer.read()
            answer.sending.take(len(chunk))
            if chunk:
                collected.feed(chunk)
            else:
                collected.end()
    except UpstreamError as error:
        collected.fail(error)
    except answer.breaks:
        collected.fail(UpstreamError(BROKEN))
    finally:
        deadline.clear(Limit.IDLE)
