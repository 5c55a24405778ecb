"""Chromium, and the flags with which it asks for nothing of its own on the network."""

import os
import shutil

import pytest

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def environ(home: str) -> dict[str, str]:
    """Return what a script needs to start it; skip the test without one."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("Chromium is not installed")
    return {"CHROMIUM": found, "FLAGS": FLAGS, "HOME": home}
