"""Any stream of chunks, written in any way that the standard allows and cut anywhere, gives the same events."""

import json
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.openai_api.operations import StreamFormat
from proxy.values import AuthMode
from tests.unit.azure_api import readers

ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)
TEXTS = st.text(max_size=12) | st.sampled_from(["😀", "data: x", "\u2028\u0085", "\n\n", "[DONE]", '"}]}', "\ud83d"])
CHOICE = st.fixed_dictionaries(
    {
        "index": st.integers(0, 2),
        "delta": st.fixed_dictionaries({"content": TEXTS}),
        "finish_reason": st.sampled_from([None, None, "stop", "length"]),
    },
    optional={"content_filter_results": st.just({}), "logprobs": st.none()},
)
CHUNK: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=3)},
    optional={"usage": st.sampled_from([None, {"total_tokens": 1}]), "prompt_filter_results": st.just([])},
)
CHUNKS = st.lists(CHUNK, max_size=6)
NOISE = (": keepalive", "event: chunk", "id: 4", "retry: 9", ":", "unknown: field", "nothing")


def written_somehow(chunks: list[dict[str, object]], random: Random) -> bytes:
    """Return the chunks as a stream with one kind of line end, comments, other fields and spare blank lines."""
    lines = []
    for chunk in chunks:
        lines += random.choices(NOISE, k=random.choice((0, 0, 1, 2)))
        ascii_only = random.random() < 0.5
        text = json.dumps(chunk, ensure_ascii=ascii_only or "\\ud83d" in json.dumps(chunk))
        lines += [random.choice(("data: ", "data:")) + text, *[""] * random.choice((1, 1, 2, 3))]
        lines += random.choice(([], [": ping", ""], ["event: ping", ""]))
    lines += random.choice(([], ["data: [DONE]"], ["data: [DONE]", ""], ["data: [DONE]", "", "data: [DONE]", ""]))
    mark = random.choice(("", "\ufeff"))
    end = random.choice(("\n", "\r\n", "\r"))
    return (mark + "".join(line + end for line in lines)).encode().removesuffix(random.choice((b"", end.encode())))


def cut(received: bytes, random: Random) -> list[bytes]:
    places = sorted({0, len(received), *(random.randint(0, len(received)) for _ in range(random.randint(0, 12)))})
    return [received[start:end] for start, end in pairwise(places)]


def run(parts: list[bytes]) -> bytes:
    stream = open_stream(StreamFormat.CHAT, ERRORS)
    return b"".join([*map(stream.feed, parts), stream.end()])


def kept(chunks: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the chunks that the client shall read, made in the plainest way."""
    cleaned = []
    for chunk in chunks:
        clean = {name: value for name, value in chunk.items() if name != "prompt_filter_results"}
        choices = chunk["choices"]
        assert isinstance(choices, list)
        clean["choices"] = [{n: v for n, v in choice.items() if n != "content_filter_results"} for choice in choices]
        if clean["choices"] or clean.get("usage"):
            cleaned.append(clean)
    return cleaned


@given(CHUNKS, st.randoms(use_true_random=True))
def test_the_events_are_the_same_whatever_the_split(chunks: list[dict[str, object]], random: Random) -> None:
    received = written_somehow(chunks, random)
    assert run(cut(received, random)) == run([received])


@given(CHUNKS, st.randoms(use_true_random=True))
def test_the_client_reads_every_chunk_whatever_the_line_ends(chunks: list[dict[str, object]], random: Random) -> None:
    written = run(cut(written_somehow(chunks, random), random))
    events = [json.loads(event) for event in readers.whole(written)]
    assert [event for event in events if "error" not in event] == kept(chunks)


@given(CHUNKS, st.randoms(use_true_random=True))
def test_a_stream_that_stops_anywhere_is_complete_or_an_error(chunks: list[dict[str, object]], random: Random) -> None:
    received = written_somehow(chunks, random)
    received = received[: random.randint(0, len(received))]
    written = run(cut(received, random))
    assert readers.errors(written) or readers.complete(received)


@given(st.binary(max_size=200), st.randoms(use_true_random=True))
def test_bytes_of_any_kind_become_whole_events(received: bytes, random: Random) -> None:
    written = run(cut(received, random))
    assert readers.errors(written[written.index(b"data: ") :])
