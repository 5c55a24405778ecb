"""The apps that are measured, and what all are told."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.processes import REPOSITORY

LOCAL = Path(__file__).parent
KEY = "sk-bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """An app: its folder, its paths, where it answers by itself or forwards, and what it finds on its PYTHONPATH.

    `root` is the checkout whose modules it and its worker import.
    """

    name: str
    root: Path = REPOSITORY
    folder: Path
    path: tuple[Path, ...] = ()
    health: str
    chat: str
    response: str


OURS = Variant(name="ours", folder=REPOSITORY, health="/health", chat="/v1/chat/completions", response="/v1/responses")
DEFAULT = Variant(
    name="default",
    folder=LOCAL / "default_app",
    path=(LOCAL / "default_install",),
    health="/api/health",
    chat="/api/v1/chat/completions",
    response="/api/v1/chat/completions",  # it forwards what it is given
)
LAYERS = Variant(name="layers", folder=LOCAL / "layers", health="/server", chat="/server", response="/server")
FORWARDING = replace(LAYERS, name="layers, forwarding", chat="/aiohttp")


def checkout(root: Path) -> Variant:
    """Return our app of another checkout, to be compared in place of the default one."""
    return replace(OURS, name=root.name, root=root, folder=root)


def environ(variant: Variant, port: int) -> Mapping[str, str]:
    """Return the whole environment of a variant's worker; `port` is the upstream's."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, (*variant.path, LOCAL / "root_logging", variant.root))),
        "AZURE_OPENAI_ENDPOINT": f"http://127.0.0.1:{port}",
        "AZURE_OPENAI_API_KEY": "azure-key-of-the-bench",
        "CLIENT_KEYS": f"bench={KEY}",
    }
