"""The deployment guide is true: its parameters exist and its sums are right."""

import json
import re
from math import prod
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
BICEP = (ROOT / "infra" / "resources.bicep").read_text("utf-8")
# A product of quantities with units and its result in dollars, as `2 GB x 720 h x $0.01 = $14.40`.
SUM = re.compile(r"((?:\d[\d.,]*(?: \w+)? x )+\$[\d.]+)((?: \+ \d+ \w+ x \$[\d.]+)*) = \$([\d.]+)")
CAMEL_CASE = re.compile(r"`([a-z]+(?:[A-Z][a-z]*)+)")


def value(product: str) -> float:
    """Return what quantities come to, whatever their units."""
    return prod(float(re.sub(r"[^\d.]", "", factor)) for factor in product.split(" x "))


def test_every_parameter_and_output_that_it_names_is_in_the_bicep() -> None:
    named = set(CAMEL_CASE.findall(GUIDE)) | set(re.findall(r"--parameters (\w+)=", GUIDE))
    there = set(re.findall(r"^(?:param|output) (\w+)", BICEP, re.MULTILINE))
    assert named - there == set()
    assert len(named) > 15


def test_the_first_deployment_uses_parameters_and_outputs_that_exist() -> None:
    page = (ROOT / "docs" / "first-deployment.md").read_text("utf-8")
    there = set(re.findall(r"^(?:param|output) (\w+)", BICEP, re.MULTILINE))
    given = set(re.findall(r"(?<=[ ;])([a-z]+[A-Z][A-Za-z]+)=", page)) | set(re.findall(r"outputs\.(\w+)\.value", page))
    assert given - there == set()
    assert len(given) > 8
    for part in ("--http1.1", "--http2", "Upgrade: websocket", "outcome"):
        assert part in page


def test_the_sums_are_right() -> None:
    sums = SUM.findall(GUIDE)
    assert len(sums) == 3
    for first, more, result in sums:
        terms = [first, *filter(None, more.split(" + "))]
        assert round(sum(map(value, terms)), 2) == float(result), first


def test_the_table_of_a_million_requests_is_right() -> None:
    rows = re.findall(r"^\| (\d+) \| ([\d,]+) GB-s, \$([\d.]+) \| \$(.+) \| \$(.+) \| \$(.+) \|$", GUIDE, re.MULTILINE)
    assert [int(row[0]) for row in rows] == [1, 4, 16, 64]
    for shared, gigabyte_seconds, time, requests, logs, together in rows:
        assert float(gigabyte_seconds.replace(",", "")) == 1_000_000 * 5 * 2 / int(shared)
        assert float(time) == round(1_000_000 * 5 * 2 / int(shared) * 0.000026, 2)
        assert float(together) == pytest.approx(float(time) + float(requests) + float(logs))
        assert (requests, logs) == ("0.40", f"{2 * 2.30:.2f}")


def test_the_defaults_that_guard_the_bill_are_those_of_the_bicep() -> None:
    said = dict(re.findall(r"`(maximumInstanceCount|logDailyCapGb|perInstanceConcurrency)`\s\((\d+)", GUIDE))
    assert said.items() <= dict(re.findall(r"^param (\w+) int = (\d+)", BICEP, re.MULTILINE)).items()
    assert len(said) == 3


def test_the_files_for_containers_can_be_read() -> None:
    dev = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    assert "make install" in dev["postCreateCommand"]
    assert services.keys() == {"proxy", "chat"}
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service["ports"])


def test_the_image_has_the_files_of_the_package() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    copied = {name.rstrip("/") for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert copied == {"function_app.py", "host.json", "proxy", "requirements.txt"}
