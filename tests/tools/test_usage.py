"""The command that shows usage: rows by day, client and model, as a table, CSV and bars."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from proxy.usage.counts import DAY, Counts, Key, Line
from proxy.usage.pages import encode_page
from proxy.usage.query import parse_query
from tools.usage.__main__ import main
from tools.usage.report import Row, as_csv, by_day, days_of, layers, plot, rows_of, table

START = 1_790_000_000 - 1_790_000_000 % DAY
ROWS = [
    Row(
        day="2026-09-21",
        client="alice",
        model="gpt-5",
        requests=2,
        input=20,
        cached=4,
        output=6,
        reasoning=2,
        milliseconds=90,
        cost=0.5,
    ),
    Row(day="2026-09-22", client="=bob", model="", requests=1, input=5, errors=1),
]


def buckets(endpoint: str, group: str) -> Any:
    lines: list[Line] = [
        (
            Key(START, "alice", "gpt-5", "completions"),
            Counts(requests=2, input=20, cached=4, output=6, reasoning=2, cost=500_000, milliseconds=90),
        ),
        (Key(START + DAY, "=bob", "", "completions"), Counts(requests=1, input=5, errors=1)),
    ]
    query = parse_query(endpoint, f"start_time={START}&details=true&group_by={group},api_key_id", START + 2 * DAY - 1)
    return json.loads(encode_page(query, lines))["data"]


def test_usage_and_costs_of_the_endpoints_become_rows() -> None:
    assert rows_of(buckets("completions", "model"), buckets("costs", "line_item")) == ROWS


def test_a_table_has_its_sum_and_csv_no_formula() -> None:
    assert table(ROWS).splitlines()[-1].split() == ["total", "3", "25", "4", "6", "2", "1", "0", "90", "0.500000"]
    read = list(csv.DictReader(io.StringIO(as_csv(ROWS))))
    assert [line["client"] for line in read] == ["alice", "'=bob"]
    assert read[0]["cost"] == "0.5"


def test_bars_are_as_long_as_their_days() -> None:
    first, second = plot(ROWS, "input").splitlines()
    assert (first.count("#"), second.count("#")) == (50, 12)
    assert plot([], "cost") == ""
    assert by_day(ROWS, "model", "input") == {"gpt-5": {"2026-09-21": 20}, "(none)": {"2026-09-22": 5}}


def test_a_picture_has_every_day_and_no_more_names_than_colours() -> None:
    rows = [Row(day="2026-09-30", client=f"client-{number}", model="m", requests=number) for number in range(1, 5)]
    rows.append(Row(day="2026-10-02", client="client-1", model="m", requests=7))
    days = days_of(rows)
    assert days == ["2026-09-30", "2026-10-01", "2026-10-02"]
    assert layers(rows, "client", "requests", days, most=3) == [
        ("client-1", [1, 0, 7]),
        ("client-4", [4, 0, 0]),
        ("2 others", [5, 0, 0]),
    ]
    assert [name for name, _ in layers(rows, "client", "requests", days)] == [f"client-{n}" for n in (1, 4, 3, 2)]
    assert (days_of([]), layers([], "client", "cost", [])) == ([], [])


class _Proxy(BaseHTTPRequestHandler):
    """Answers every query with one page, and a wrong key with 403."""

    def do_GET(self) -> None:
        right = self.headers["authorization"] == "Bearer sk-right"
        name = "costs" if "costs" in self.path else "completions"
        data = buckets(name, "line_item" if name == "costs" else "model") if right else []
        kept = data if name == "costs" or "completions" in self.path else []
        body = json.dumps({"data": kept, "next_page": None}).encode()
        self.send_response(200 if right else 403)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class
        """Print nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_command_prints_what_the_proxy_tells(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADMIN_KEY", "sk-right")
    assert main(["--url", url, "--plot", "--value", "input"]) == 0
    printed = capsys.readouterr().out
    assert "alice" in printed
    assert "input by day" in printed
    assert main(["--url", url, "--csv"]) == 0
    assert capsys.readouterr().out == as_csv(ROWS)


@pytest.mark.parametrize(("key", "words"), [("sk-wrong", "answers 403"), ("", "ADMIN_KEY")])
def test_the_command_says_why_it_cannot(
    url: str, key: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADMIN_KEY", key)
    assert main(["--url", url]) == 1
    assert words in capsys.readouterr().err
