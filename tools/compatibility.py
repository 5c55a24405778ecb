"""Write docs/compatibility.md from the table of operations: `python -m tools.compatibility`."""

from collections.abc import Iterator
from pathlib import Path

from proxy.openai_api.operations import OPERATIONS, Body, Operation, Surface
from proxy.translation.chat_on_responses.members import MEMBERS, MESSAGE_MEMBERS
from proxy.translation.responses_on_chat.mapping import mapping

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
LIMITS = "## What it cannot do\n"

HEAD = """# Which operations work

This page is generated from the table of operations (`python -m tools.compatibility`).

*deployment* goes to `/openai/deployments/NAME/...` with an api-version, or to `/openai/v1` when
`AZURE_OPENAI_API_VERSION` is `v1` (legacy completions stay, because v1 may not have them). *classic* goes to
`/openai/...` with an api-version. *v1* goes to `/openai/v1/...`. `AZURE_OPENAI_OPERATION_SURFACES` sends single
operations elsewhere, by the names in the first column. Operations marked *stored* are about objects that Azure keeps:
all client keys share them unless `STORED_OBJECTS` is `owned` or `off`.

- In the input file of a batch, the model of each line is mapped to its deployment. The output file has the names of
  deployments.
- The `model` of a fine-tuning job is a base model and is not mapped.
- Realtime WebSockets cannot pass through Azure Functions. Create a client secret and connect to Azure with it. With
  such a secret a browser also posts its SDP to Azure directly, at
  `https://NAME.openai.azure.com/openai/v1/realtime/calls`.
"""

TRANSLATED = """## Translated calls

Where a deployment offers only one of chat completions and Responses, the proxy makes calls of the other one. A
parameter that is in no table goes over as it came. What is *left out and named* only tunes the answer, and
`x-proxy-repaired` names it; a 400 comes only where no deployment of the model serves the call itself. Errors and
streams are those of the API that the client speaks.

- [Chat clients on codex and pro models](clients.md#chat-clients-on-codex-and-pro-models): nothing has to be set. Pro
  and deep-research models are streamed by Azure even where the client waits for a whole answer.
- [Codex CLI on any deployment](clients.md#codex-cli-on-any-deployment): do not name the provider *Azure*. The CLI is
  tested with its patches, a namespace, an interrupted call and a change of models; the Agents SDK, the AI SDK
  (`store: false`) and LangChain say the same by either API on every deployment.
"""

SURFACES = {
    Surface.DEPLOYMENT: "deployment",
    Surface.CLASSIC: "classic",
    Surface.V1: "v1",
    Surface.LOCAL: "answered by the proxy",
}
MODELS = {
    Body.MODEL: "model mapped",
    Body.MODEL_IF_ANY: "model mapped if given",
    Body.SESSION: "session's model mapped",
    Body.DATA_SOURCE: "data source's model mapped",
    Body.SESSION_FORM: "session's model mapped",
    Body.FORM: "model mapped",
    Body.FILE: "batch lines mapped",
}
# Operations of OpenAI that Azure does not document: answered with 404, or forwarded with FORWARD_UNKNOWN_OPERATIONS.
UNKNOWN = {
    "/skills": "OpenAI's hosted skills; not in Azure's reference",
    "/chatkit": "OpenAI's hosted chat; not in Azure's reference",
    "/audio/voices, /audio/voice_consents": "custom voices; Azure has Speech for them",
    "/content_provenance_checks": "not in Azure's reference",
    "/decisions, /live, /agents, /safety": "beta operations of the SDKs, not in Azure's reference",
}


def page() -> str:
    """Return the page."""
    return "\n".join((HEAD, *_served(), "", *_missing(), "", _limits(), "", *_translated(), ""))


def _served() -> Iterator[str]:
    yield "| Operation | Request | Goes to | Notes | Last event |"
    yield "|---|---|---|---|---|"
    for operation in OPERATIONS:
        if operation.surface is not Surface.UNSUPPORTED:
            place = SURFACES[operation.surface]
            notes = ", ".join(_notes(operation))
            yield f"| `{operation.name}` | `{_request(operation)}` | {place} | {notes} | {_last(operation)} |"


def _missing() -> Iterator[str]:
    yield "## What Azure does not offer"
    yield ""
    yield "| Request | Instead |"
    yield "|---|---|"
    for operation in OPERATIONS:
        if operation.surface is Surface.UNSUPPORTED:
            yield f"| `{_request(operation)}` | {operation.substitute} |"
    for path, reason in UNKNOWN.items():
        yield f"| `{path}` | Unknown to the proxy: {reason}. `FORWARD_UNKNOWN_OPERATIONS` forwards it. |"


def _limits() -> str:
    """Return what the README says of it, with links from here."""
    section = (ROOT / "README.md").read_text("utf-8").partition(LIMITS)[2].partition("\n## ")[0]
    return f"{LIMITS}{section.rstrip()}".replace("](docs/", "](")


def _translated() -> Iterator[str]:
    yield TRANSLATED
    yield "| Of a chat, on Responses | becomes | |"
    yield "|---|---|---|"
    for name, member in (*MEMBERS.items(), *MESSAGE_MEMBERS.items()):
        became = f"`{member.place}`" if member.place else member.fate.value
        yield f"| `{name}` | {became} | {member.note} |"
    yield ""
    yield "| Of a response, on chat | becomes | |"
    yield "|---|---|---|"
    for row in mapping():
        name = row.name if " " in row.name else f"`{row.name}`"
        yield f"| {row.area} {name} | {row.fate.value} | {row.chat} |"


def _request(operation: Operation) -> str:
    below = "" if operation.public and not operation.admin else "/v1"
    return f"{operation.method} {below}{operation.path}"


def _notes(operation: Operation) -> Iterator[str]:
    if operation.body in MODELS:
        yield MODELS[operation.body]
    if operation.stream is not None:
        yield "streams"
    if operation.download:
        yield "bytes pass unchanged"
    if operation.stored:
        yield "stored"


def _last(operation: Operation) -> str:
    return ", ".join(f"`{name}`" for name in sorted(operation.stream.last)) if operation.stream else ""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
