import os
import subprocess
import sys

from calls import BASE_URL, KEY, MODEL, PROMPT, run

QUIET = ("no-git", "no-check-update", "no-analytics", "no-show-model-warnings", "no-show-release-notes", "no-pretty")
environ = {**os.environ, "OPENAI_API_BASE": BASE_URL, "OPENAI_API_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def _aider(*arguments):
    models = ("--model", f"openai/{MODEL}", "--weak-model", f"openai/{MODEL}")
    command = (sys.executable, "-m", "aider", *(f"--{name}" for name in QUIET), "--yes-always", *models)
    done = subprocess.run(
        [*command, "--message", PROMPT, *arguments], cwd=environ["HOME"], env=environ, capture_output=True, check=False
    )
    printed = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, printed
    return next((line for line in printed.splitlines() if "You said" in line), printed)


def chat():
    return _aider("--no-stream")


def stream():
    return _aider("--stream")


run(chat, stream)
