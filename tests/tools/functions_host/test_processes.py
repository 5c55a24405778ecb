"""The life of the two processes, and what the host reads before it starts them."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.processes import host_that_fails, running_host
from tests.tools.functions_host.conftest import APPS
from tests.tools.functions_host.raw import connected, get


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_both_processes_cleanly(number: signal.Signals) -> None:
    async with running_host(APPS / "echo", {}) as host, connected(host) as connection:
        await connection.send("GET", "/stream/x")
        await connection.head()
        host.process.send_signal(number)
        assert await host.ended() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(host.worker_pid, 0)
        assert "Traceback" not in host.output()


async def test_the_worker_ends_when_its_host_dies() -> None:
    async with running_host(APPS / "echo", {}) as host:
        host.process.kill()
        assert await host.ended() == -signal.SIGKILL  # returns only once the worker, too, has let go of the output
        assert host.output().count("Functions host ready: ") == 1


async def test_a_worker_that_dies_resets_its_streams_and_is_replaced() -> None:
    async with running_host(APPS / "echo", {}) as host, connected(host) as stream, connected(host) as waiting:
        worker = host.worker_pid
        await stream.send("GET", "/stream/x")
        await stream.head()
        assert await stream.chunk() == b"first"
        await waiting.send("GET", "/patient/x")
        await get(host, "/await/x%20reached")
        os.kill(worker, signal.SIGKILL)
        assert await stream.is_reset()
        assert (await waiting.reply()).is_empty(500)
        await host.wait_for_output(f"The worker process {worker} ended with code -9")
        successor = (await get(host, "/process")).json()["pid"]
        assert successor != worker
        await host.wait_for_output(f"worker process {successor}\n")


async def test_the_message_of_an_app_that_cannot_be_imported_is_the_last_line() -> None:
    code, output = await host_that_fails(APPS / "broken", {})
    assert code != 0
    assert output.splitlines()[-1] == "COLOUR is not set: expected the name of a colour"


async def test_an_app_without_a_web_extension_is_told_so() -> None:
    code, output = await host_that_fails(APPS / "classic", {})
    assert code != 0
    assert "The app imports no web extension" in output


async def test_a_folder_without_an_app_is_told_so() -> None:
    code, output = await host_that_fails(APPS, {})
    assert code != 0
    assert "There is no function_app.py in " in output


async def test_a_setting_that_cannot_be_read_is_named() -> None:
    code, output = await host_that_fails(APPS / "echo", {"AzureFunctionsJobHost__functionTimeout": "soon"})
    assert code != 0
    assert output == "functionTimeout is 'soon', expected hh:mm:ss or -1\n"


async def test_what_the_app_prints_reaches_the_hosts_output() -> None:
    async with running_host(APPS / "echo", {}) as host:
        await get(host, "/say/hello")
        await host.wait_for_output("the app says hello\n")


async def test_a_worker_that_cannot_be_replaced_ends_the_host_with_its_message(tmp_path: Path) -> None:
    app = shutil.copytree(APPS / "echo", tmp_path / "app")
    async with running_host(app, {}) as host:
        (app / "function_app.py").unlink()
        os.kill(host.worker_pid, signal.SIGKILL)
        assert await host.ended() == 1
        assert "There is no function_app.py in " in host.output().splitlines()[-1]


async def test_prefix_settings_and_log_level_are_read(tmp_path: Path) -> None:
    app = shutil.copytree(APPS / "settings", tmp_path / "app")
    values = {"IsEncrypted": False, "Values": {"COLOUR": "red", "SHAPE": "round"}}
    (app / "local.settings.json").write_text(json.dumps(values))
    async with running_host(app, {"SHAPE": "square"}) as host:
        assert (await get(host, "/environ")).is_empty(404)
        seen = (await get(host, "/api/environ")).json()
        assert (seen["COLOUR"], seen["SHAPE"]) == ("red", "square")
        assert seen["AZURE_FUNCTIONS_ENVIRONMENT"] == "Development"
        await host.wait_for_output("a line on standard error\n")
        assert "a line on standard output" not in host.output()
        assert (await get(host, "/api/forever")).is_empty(500)  # functionTimeout of host.json: one second


async def test_the_environment_goes_over_host_json() -> None:
    environ = {"AZURE_FUNCTIONS_ENVIRONMENT": "Staging", "AzureFunctionsJobHost__functionTimeout": "-1"}
    async with running_host(APPS / "settings", environ, "--activity-timeout", "1.5") as host:
        worker = host.worker_pid
        assert (await get(host, "/api/forever")).is_empty(500)  # silence came first, not the second of host.json
        assert (await get(host, "/api/environ")).json()["AZURE_FUNCTIONS_ENVIRONMENT"] == "Staging"
        assert host.worker_pid == worker
        await get(host, "/api/release")
