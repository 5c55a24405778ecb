"""The bound of a call is never below the cost of what the simulator then counts, for random calls of every operation.

The simulator is asked without HTTP, with random prices; tests/integration/test_bounds.py asks the whole app. Operations
that cost nothing are not billed, and those without a bound are refused: tests/unit/prices has them.
"""

import json
from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.azure_api.request import parse_call
from proxy.config.price_table import Amounts, ModelSize, PriceTable, Source, ToolPrice
from proxy.openai_api.operations import OPERATIONS, Surface
from proxy.openai_api.router import Route
from proxy.prices.asked import Asked, read_asked, read_form
from proxy.prices.billed_usage import billed_answer
from proxy.prices.bounds import Bound, Priced, bound
from proxy.prices.choice import Tariff, call_price
from proxy.prices.cost import BilledUsage, cost
from proxy.prices.rules import BOUNDINGS, Rule
from tools.azure_openai_simulator import Simulator
from tools.azure_openai_simulator.answers import Ask, Document, Stream
from tools.azure_openai_simulator.metering import FIDELITY, GIVEN, MADE
from tools.azure_openai_simulator.multipart import Form, Part
from tools.azure_openai_simulator.routes import find_route
from tools.azure_openai_simulator.state import Content, content_of

DAY = date(2026, 11, 28)
SIMULATOR = Simulator()
ROWS = {row.name: row for row in OPERATIONS}
SIZE = ModelSize(
    model="m",
    input=8000,
    output=2000,
    long_context=900,
    image_input=GIVEN + FIDELITY,
    image_output=MADE["high"][1],
    source="list",
)
TABLE = PriceTable(
    sources={"list": Source(title="list", url="https://example.com", date=DAY)},
    tools=[ToolPrice(tool=tool, sku="GlobalStandard", call=2500, source="list") for tool in ("file_search",)],
    models=[SIZE],
)
MODELS = {
    "createCompletion": "gpt-35-turbo-instruct",
    "createEmbedding": "text-embedding-3-small",
    "createImage": "gpt-image-1",
    "createImageEdit": "gpt-image-1",
    "createSpeech": "gpt-4o-mini-tts",
    "createTranscription": "gpt-4o-transcribe",
    "createTranslation": "gpt-4o-transcribe",
    "createVideo": "sora-2",
}
FORMS = frozenset({"createImageEdit", "createTranscription", "createTranslation", "createVideo"})
# The simulator keeps no vector store or container whose use it bills.
WITHOUT_USAGE = frozenset({"searchVectorStore", "CreateContainer", "CreateContainerFile"})

TOKENS = tuple(name for name in Amounts.__struct_fields__ if name not in {"characters", "audio_hour", "image"})
# One draw for a whole line: each number is a price, or none where it is the least.
AMOUNTS = st.lists(st.integers(-1, 10**8), min_size=len(TOKENS), max_size=len(TOKENS)).map(
    lambda drawn: Amounts(**{name: None if price < 0 else price for name, price in zip(TOKENS, drawn, strict=True)})
)
TARIFFS = st.builds(Tariff, short=AMOUNTS, long=st.none() | AMOUNTS, long_context=st.just(900), sku=st.none())
TEXT = st.builds(lambda piece, times: piece * times, st.text(max_size=12), st.integers(1, 200))
PARTS = st.lists(
    st.builds(lambda text: {"type": "text", "text": text}, TEXT)
    | st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}),
    max_size=4,
)
ITEMS = st.lists(st.builds(lambda content: {"role": "user", "content": content}, TEXT | PARTS), min_size=1, max_size=4)
BODIES: Mapping[str, st.SearchStrategy[dict[str, object]]] = {
    "createChatCompletion": st.fixed_dictionaries(
        {"messages": ITEMS, "n": st.integers(1, 4)}, optional={"max_completion_tokens": st.integers(1, 50)}
    ),
    "createCompletion": st.fixed_dictionaries(
        {"prompt": TEXT | st.lists(TEXT, min_size=1, max_size=3), "n": st.integers(1, 3)},
        optional={"max_tokens": st.integers(1, 50)},
    ),
    "createResponse": st.fixed_dictionaries(
        {"input": TEXT},
        optional={"max_output_tokens": st.integers(16, 50), "tools": st.just([{"type": "file_search"}])},
    ),
    "Compactconversation": st.fixed_dictionaries({"input": TEXT}),
    "createEmbedding": st.fixed_dictionaries(
        {"input": TEXT | st.lists(TEXT, min_size=1, max_size=3) | st.lists(st.integers(0, 9), min_size=1)}
    ),
    "createImage": st.fixed_dictionaries(
        {"prompt": TEXT},
        optional={"n": st.integers(1, 4), "stream": st.booleans(), "partial_images": st.integers(0, 3)},
    ),
    "createImageEdit": st.fixed_dictionaries({"prompt": TEXT, "n": st.integers(1, 4).map(str)}),
    "createSpeech": st.fixed_dictionaries({"input": TEXT, "voice": st.just("alloy"), "stream_format": st.just("sse")}),
    "createTranscription": st.fixed_dictionaries({"stream": st.sampled_from(["true", "false"])}),
    "createTranslation": st.fixed_dictionaries({}),
    "createVideo": st.fixed_dictionaries({"prompt": TEXT, "seconds": st.sampled_from(["4", "8", "12"])}),
}


def test_every_operation_with_a_bound_is_drawn() -> None:
    bounded = {name for name, found in BOUNDINGS.items() if found.rule not in {Rule.FREE, Rule.REFUSED}}
    assert bounded == BODIES.keys() | WITHOUT_USAGE


def answered(operation: str, body: Mapping[str, object]) -> bytes:
    """Return what the simulator answers to a call: the whole body, or the last event that has a usage."""
    row, simulator = ROWS[operation], SIMULATOR
    deployment = MODELS.get(operation, "gpt-4o")
    by_path = row.surface is Surface.DEPLOYMENT
    folder = f"deployments/{deployment}" if by_path else "v1"
    query = {"api-version": "2025-04-01-preview"} if by_path else {}
    route = find_route(row.method, f"/openai/{folder}{row.path}", query, ())
    form = _form(operation, body) if operation in FORMS else None
    ask = Ask(
        serial=1,
        created=1,
        origin="http://127.0.0.1",
        state=simulator.state,
        ids=route.ids,
        query=query,
        headers={},
        body=b"" if form is not None else json.dumps(body).encode(),
        form=form,
        deployment=deployment,
        model=simulator.deployments[deployment],
        by_path=by_path,
    )
    answer = route.row.operation(ask)
    if isinstance(answer, Stream):
        return [chunk.data for chunk in answer.chunks if b'"usage"' in chunk.data][-1]
    assert isinstance(answer, Document)
    return answer.body


def _form(operation: str, body: Mapping[str, object]) -> Form:
    name = "image" if operation == "createImageEdit" else "file"
    content: Content = content_of(b"content", "application/octet-stream")
    files = [] if operation == "createVideo" else [Part(name=name, filename="a b c", content=content)]
    return Form(fields={key: str(value) for key, value in body.items()}, files=files)


def asked_of(operation: str, body: Mapping[str, object]) -> Asked:
    if operation in FORMS:
        return read_form({key: str(value) for key, value in body.items()}, images=operation == "createImageEdit")
    raw = json.dumps({"model": "m", **body}).encode()
    return read_asked(parse_call(Route(operation=ROWS[operation]), raw))


def billed(operation: str, body: Mapping[str, object], tariff: Tariff) -> int:
    """Return what the simulator's answer costs."""
    usage = billed_answer(operation, answered(operation, body)).usage or BilledUsage()
    prices = [call_price(TABLE, tool, tariff.sku, DAY) for tool, _ in usage.calls]
    return cost(usage, tariff, [price[0] for price in prices if price is not None])


@pytest.mark.hypothesis
@pytest.mark.parametrize("operation", BODIES)
@settings(max_examples=30)
@given(data=st.data(), tariff=TARIFFS)
def test_a_bound_is_never_below_the_cost(operation: str, data: st.DataObject, tariff: Tariff) -> None:
    body = data.draw(BODIES[operation])
    asked = asked_of(operation, body)
    found = bound(operation, asked, Priced(tariff=tariff, size=SIZE, table=TABLE, day=DAY))
    if isinstance(found, Bound):
        assert billed(operation, body, tariff) <= found.micro_dollars
    else:
        assert found.cause == "video_without_price"


def test_the_simulator_counts_what_these_calls_use() -> None:
    """Otherwise a bound of zero would do."""
    tariff = Tariff(short=Amounts(input=1_000_000, output=1_000_000, video_second=1))
    without = {"createTranslation"}  # only whisper translates, which counts no tokens
    for operation, bodies in BODIES.items():
        example = {"prompt": "a b", "input": "a b", "messages": [{"role": "user", "content": "a b"}], "voice": "alloy"}
        names = {"createSpeech": {"stream_format": "sse"}, "createVideo": {"seconds": "4"}}.get(operation, {})
        assert (billed(operation, {**example, **names}, tariff) > 0) == (operation not in without), (operation, bodies)
