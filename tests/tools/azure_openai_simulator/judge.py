"""OpenAI's own document as the judge of every JSON answer that an SDK receives here, when the document is at hand."""

import os
import re
from functools import cache

import httpx2

from tests import documents

_PREFIX = re.compile(r"^/openai/(v1|deployments/[^/]+)?/?")
_VARIABLE = re.compile(r"\{\w+\}")

EXCUSED = {
    "/chat/completions/{completion_id}/messages",  # messages of users are in it, as in the document's own example
    "/models",  # Azure's catalogue has a shape of its own
    "/models/{model}",
}


async def judge(response: httpx2.Response) -> None:
    """Fail when an answer is not what the document says."""
    if documents.VARIABLE not in os.environ or response.headers.get("content-type") != documents.JSON:
        return
    method, path = response.request.method, "/" + _PREFIX.sub("", response.request.url.path)
    template = next((name for name, pattern in _templates() if pattern.fullmatch(path)), None)
    await response.aread()
    if template is None or template in EXCUSED or response.is_error:
        return
    for status in _described(method, template):
        faults = documents.load(documents.OPENAI).faults_of_answer(method, template, status, response.json())
        assert faults == [], f"{method} {template} {faults}"


def _described(method: str, template: str) -> list[int]:
    """Return the status of a success that has a body; Azure's may differ (200 for OpenAI's 201)."""
    node: object = documents.load(documents.OPENAI).root["paths"]
    for name in (template, method.lower(), "responses"):
        node = node.get(name, {}) if isinstance(node, dict) else {}
    answers = node.items() if isinstance(node, dict) else ()
    return [int(status) for status, answer in answers if status.startswith("2") and "content" in answer]


@cache
def _templates() -> list[tuple[str, re.Pattern[str]]]:
    paths = documents.load(documents.OPENAI).root["paths"]
    assert isinstance(paths, dict)
    plain_first = sorted(paths, key=lambda path: path.count("{"))
    return [(path, re.compile(_VARIABLE.sub("[^/]+", path))) for path in plain_first]
