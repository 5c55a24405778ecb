"""Realtime over HTTP: ephemeral keys, and calls that WebRTC makes with them."""

from collections.abc import Mapping

import msgspec

from tools.azure_openai_simulator.answers import Answer, Ask, Document, document
from tools.azure_openai_simulator.crud import Kind, add, one
from tools.azure_openai_simulator.rows import NO_VERSION, Names, Row, Surface, model, nothing
from tools.azure_openai_simulator.state import Record

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=simulator\r\nt=0 0\r\n"
MINUTES_10 = 600


def _session(ask: Ask) -> Mapping[str, object]:
    """Return the session that a JSON body or a form describes."""
    if ask.form is not None:
        return msgspec.json.decode(ask.form.fields.get("session", "{}"), type=Record)
    if ask.headers.get("Content-Type", "").startswith("application/sdp"):
        return ask.query
    session = ask.members().get("session")
    return session if isinstance(session, Mapping) else {}


def _session_model(ask: Ask) -> str:
    return str(_session(ask).get("model", ""))


def _call_model(ask: Ask) -> str | None:
    """Name the deployment of a call, unless the ephemeral key has settled it."""
    return _session_model(ask) or None


def _create_secret(ask: Ask) -> Answer:
    value = ask.state.new_id("ek_")
    ask.state.secrets.add(value)
    session: Record = {
        "type": "realtime",
        "object": "realtime.session",
        "id": ask.state.new_id("sess_"),
        "expires_at": 0,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
    }
    return document({"value": value, "expires_at": ask.created + MINUTES_10, "session": {**session, **_session(ask)}})


def _create_call(ask: Ask) -> Answer:
    call = add(ask, CALL, {"object": "realtime.call", "status": "ringing"})
    location = f"{ask.origin}/openai/v1/realtime/calls/{call['id']}"
    return Document(SDP.encode(), status=201, media_type="application/sdp", headers={"Location": location})


def _settling(verb: str, status: str, names: Names = nothing) -> Row:
    """Return the row of what becomes of a call."""

    def operation(ask: Ask) -> Answer:
        one(ask, CALL)["status"] = status
        return Document(b"", media_type="text/plain")

    return Row(
        method="POST",
        path=f"{CALL.item}/{verb}",
        operation=operation,
        surfaces=Surface.V1,
        names=names,
        versions=NO_VERSION,
    )


def _none(_ask: Ask) -> Record:
    return {}


CALL = Kind(path="realtime/calls", key="call_id", prefix="rtc_", make=_none, verbs=(), surfaces=Surface.V1)

ROWS: tuple[Row, ...] = (
    Row(
        method="POST",
        path="realtime/client_secrets",
        operation=_create_secret,
        surfaces=Surface.V1,
        names=_session_model,
        versions=NO_VERSION,
    ),
    Row(
        method="POST",
        path="realtime/calls",
        operation=_create_call,
        surfaces=Surface.V1,
        names=_call_model,
        versions=NO_VERSION,
    ),
    _settling("accept", "active", model),
    _settling("hangup", "ended"),
    _settling("refer", "referred"),
    _settling("reject", "rejected"),
)
