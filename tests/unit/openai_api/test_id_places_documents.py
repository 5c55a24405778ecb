"""Every id of the API documents of OpenAI and Azure has its place in the table, or a reason not to have one."""

import re
from collections.abc import Iterator, Mapping
from typing import cast

import pytest

from proxy.openai_api.id_places import ANSWERS, EVENTS, REQUESTS, form_parts
from proxy.openai_api.operations import OPERATIONS, Surface
from tests.documents import AZURE_DATED, AZURE_V1, OPENAI, Node, load, needed
from tests.unit.openai_api.paths import BY_NAME, template

# Members that may hold an id or what only one resource can read.
_NAMES = re.compile(
    r"(?:^|_)ids?\Z|\A(?:encrypted_content|container|conversation|training_file|validation_file|result_files)\Z"
)
# Ends of paths that are no place, whatever the operation, and why.
REASONS: Mapping[str, str] = {
    "call_id": "tool calls are never tagged",
    "tool_call_id": "tool calls are never tagged",
    "tool_calls[*].id": "tool calls are never tagged",
    "caller_id": "tool calls are never tagged",
    "safety_checks[*].id": "a check goes back beside the item that it is of",
    "connector_id": "not an object of Azure OpenAI",
    "tunnel_id": "not an object of Azure OpenAI",
    "skill_id": "no operation here makes or reads skills",
    "prompt.id": "prompts are made elsewhere, and no operation here reads them",
    "voice.id": "no operation here makes or reads voices",
    "prompt.variables{}.file_id": "the client's own words; only a request for a response is looked into, for tags",
    "chunk_id": "a document of a search service",
    "group_id": "the client's own word for its traces",
    "end_user_id": "the client's own user",
    "end_user_tenant_id": "the client's own user",
    "organization_id": "not an object of Azure OpenAI",
    "datasource_item_id": "the number of a line in the client's data",
    "details[*].id": "the name of a block list in an annotation of Azure's filter",
    "segments[*].id": "the number of a piece of a transcript",
    "segment_id": "the number of a piece of a transcript",
}
# What is found through another object, whose id is in the path as well.
THROUGH_ANOTHER = {
    ("addUploadPart", "id"),
    ("completeUpload", "part_ids"),
    ("listFineTuningEvents", "data[*].id"),
    *(("listFineTuningJobCheckpoints", path) for path in ("data[*].id", "first_id", "last_id")),
    *((f"{verb}VectorStoreFileBatch", "id") for verb in ("create", "get", "cancel")),
    *((name, "id") for name in ("createEvalRun", "getEvalRun", "cancelEvalRun")),
    *(("getEvalRuns", path) for path in ("data[*].id", "first_id", "last_id")),
    *(("deleteEvalRun", path) for path in ("run_id", "eval_run_id")),
    *(("getEvalRunOutputItem", path) for path in ("id", "run_id")),
    *(("getEvalRunOutputItems", path) for path in ("data[*].id", "data[*].run_id", "first_id", "last_id")),
}
# What nobody keeps.
NOT_KEPT = {
    ("createCompletion", "id"),
    ("createTranscription", "id"),
    *((f"create-realtime-{what}", path) for what in ("session", "client-secret", "translation-client-secret")
      for path in ("id", "session.id")),
    ("create-realtime-client-secret", "session.client_secret.id"),
}  # fmt: skip
# Places that the documents leave out: a list's ends, and what only items of requests have so far.
OF_NO_DOCUMENT = {
    # The session is a part of a form, in which the place begins.
    ("create-realtime-call", "requests"): {"prompt.variables{}.file_id"},
    ("listPaginatedFineTuningJobs", "answers"): {"first_id", "last_id"},
    ("createResponse", "events"): {"item.content[*].file_id", "response.output[*].content[*].file_id"},
    **{
        (name, "answers"): {"output[*].content[*].file_id"}
        for name in ("createResponse", "getResponse", "cancelResponse", "Compactconversation")
    },
}

Found = set[tuple[str, str, str]]


@needed
@pytest.mark.parametrize("document", [OPENAI, AZURE_V1, *AZURE_DATED])
def test_every_id_in_a_document_has_its_place_or_a_reason(document: str) -> None:
    table = {"requests": REQUESTS, "answers": ANSWERS, "events": EVENTS}
    missing = {
        (name, kind, path)
        for name, kind, path in ids_of(document)
        if path not in {each.rstrip("?").removesuffix("[*]") for each in table[kind].get(name, ())}
        and (name, path) not in THROUGH_ANOTHER | NOT_KEPT
        and not any(path.endswith(end) for end in REASONS)
    }
    assert missing == set()


@needed
def test_every_place_is_in_a_document() -> None:
    odd: dict[tuple[str, str], set[str]] = {}
    documented = set().union(*map(ids_of, (OPENAI, AZURE_V1, *AZURE_DATED)))
    for kind, table in (("requests", REQUESTS), ("answers", ANSWERS), ("events", EVENTS)):
        for name, paths in table.items():
            known = {path for operation, what, path in documented if (operation, what) == (name, kind)}
            placed = {path.rstrip("?").removesuffix("[*]") for path in paths}
            if known and placed - known:
                odd[name, kind] = placed - known
    assert odd == OF_NO_DOCUMENT


@needed
def test_every_reason_is_needed() -> None:
    documented = set().union(*map(ids_of, (OPENAI, AZURE_V1, *AZURE_DATED)))
    paths = {path for _, _, path in documented}
    assert {end for end in REASONS if not any(path.endswith(end) for path in paths)} == set()


def test_the_table_names_operations_of_ours() -> None:
    assert {*REQUESTS, *ANSWERS, *EVENTS} <= set(BY_NAME)
    assert {name for name, operation in BY_NAME.items() if form_parts(operation)} <= set(REQUESTS)


def test_no_place_is_a_tool_call() -> None:
    for table in (REQUESTS, ANSWERS, EVENTS):
        for paths in table.values():
            assert not [path for path in paths if path.rstrip("?").endswith(("call_id", "calls[*].id"))]


def ids_of(document: str) -> Found:
    """Return the operation, the kind of text and the path of each id that a document describes."""
    root = load(document).root
    ours = {
        (row.method, template(row.path)): row.name
        for row in OPERATIONS
        if row.surface not in (Surface.LOCAL, Surface.UNSUPPORTED)
    }
    found: Found = set()
    for path, methods in cast("dict[str, Node]", root["paths"]).items():
        plain = template(re.sub(r"\A/deployments/{[^}]*}", "", path))
        for method, described in methods.items():
            if name := ours.get((method.upper(), plain)):
                operation = cast("Node", described)
                found |= {
                    (name, kind, each) for kind, schema in schemas(operation, root) for each in paths(schema, root)
                }
    return found


def schemas(operation: Node, root: Node) -> Iterator[tuple[str, object]]:
    """Yield what a client sends and gets, forms as the JSON that they could be."""
    request = followed(operation.get("requestBody", {}), root)
    for content in cast("dict[str, Node]", request.get("content", {})).values():
        yield "requests", content.get("schema")
    for status, answer in cast("dict[str, object]", operation["responses"]).items():
        if status.startswith("2"):
            for media, content in cast("dict[str, Node]", followed(answer, root).get("content", {})).items():
                yield ("events" if media == "text/event-stream" else "answers"), content.get("schema")


def paths(node: object, root: Node, at: str = "", seen: tuple[str, ...] = ()) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference not in seen:
            yield from paths(followed(node, root), root, at, (*seen, reference))
        return
    for word in ("anyOf", "oneOf", "allOf"):
        for one in node.get(word, ()):
            yield from paths(one, root, at, seen)
    yield from paths(node.get("items"), root, f"{at}[*]", seen)
    yield from paths(node.get("additionalProperties"), root, f"{at}{{}}", seen)
    for name, value in (node.get("properties") or {}).items():
        path = f"{at}.{name}" if at else name
        if _NAMES.search(name):
            yield path
        yield from paths(value, root, path, seen)


def followed(node: object, root: Node) -> Node:
    while isinstance(node, dict) and isinstance(node.get("$ref"), str):
        reference, node = node["$ref"], root
        for step in reference.split("/")[1:]:
            node = cast("Node", node)[step.replace("~1", "/")]
    return cast("Node", node)
