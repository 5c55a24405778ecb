"""The package says of which commit it was built, where its sources are in a repository."""

import subprocess
from pathlib import Path

import pytest

from tools.package.build import write_commit


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "file").write_text("1")
    author = ("-c", "user.name=tester", "-c", "user.email=tester@example.com")
    for command in (("init", "-q"), ("add", "file"), (*author, "commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", root, *command], check=True)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "package" / "proxy").mkdir(parents=True)
    return tmp_path / "package"


def test_it_is_the_commit_that_is_checked_out(repository: Path, folder: Path) -> None:
    head = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    write_commit(repository, folder)
    assert (folder / "proxy" / "commit.txt").read_text() == head.stdout
    (repository / "file").write_text("2")
    write_commit(repository, folder)
    assert (folder / "proxy" / "commit.txt").read_text() == f"{head.stdout.strip()}-changed\n"


def test_sources_outside_of_a_repository_have_none(tmp_path: Path, folder: Path) -> None:
    write_commit(tmp_path, folder)
    assert list((folder / "proxy").iterdir()) == []
