"""The errors of Azure OpenAI as frozen samples; the name of a sample is the deployment that answers it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSample:
    """One answer of Azure OpenAI, to the byte."""

    name: str
    status: int
    headers: Mapping[str, str] = field(hash=False)
    body: bytes


class RefusalError(Exception):
    """Azure OpenAI answers with an error sample."""

    def __init__(self, name: str, sample: ErrorSample | None = None) -> None:
        super().__init__(name)
        self.sample = sample or ERROR_SAMPLES[name]


class InvalidError(RefusalError):
    """Azure OpenAI refuses an invalid call with an error in OpenAI's shape."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        headers = {"Content-Type": "application/json"}
        body = msgspec.json.encode({"error": error})
        super().__init__(message, ErrorSample(name=message, status=status, headers=headers, body=body))


def parse_samples(text: str) -> Iterator[ErrorSample]:
    """Read HTTP messages, each under a line `### name`; lines that start with `# ` are comments."""
    for block in text.split("\n### ")[1:]:
        name, *lines = [line for line in block.splitlines() if not line.startswith("# ")]
        blank = lines.index("")
        yield ErrorSample(
            name=name,
            status=int(lines[0].split()[1]),
            headers=MappingProxyType(dict(_header(line) for line in lines[1:blank])),
            body=lines[blank + 1].encode(),
        )


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name, value


ERROR_SAMPLES: Mapping[str, ErrorSample] = MappingProxyType(
    {sample.name: sample for sample in parse_samples(Path(__file__).with_name("error_samples.http").read_text("utf-8"))}
)
