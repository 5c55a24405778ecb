"""What stays out of the package is what .funcignore says."""

from pathlib import Path

import pytest

from tools.package import ignored
from tools.package.build import ROOT
from tools.package.errors import PackageError


def kept(tmp_path: Path, text: str, *paths: str) -> list[str]:
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return [str(path) for path in ignored.files(tmp_path, ignored.parse(text))]


def test_without_a_rule_everything_is_kept_in_order(tmp_path: Path) -> None:
    assert kept(tmp_path, "", "b/c.py", "a.py", ".hidden") == [".hidden", "a.py", "b/c.py"]


def test_comments_and_empty_lines_are_no_rules(tmp_path: Path) -> None:
    assert kept(tmp_path, "# a.py\n\n  \n", "a.py") == ["a.py"]


def test_a_name_is_left_out_wherever_it_is(tmp_path: Path) -> None:
    assert kept(tmp_path, "a.py", "a.py", "b/a.py", "b/c.py") == ["b/c.py"]


def test_a_name_with_a_star_stands_for_many(tmp_path: Path) -> None:
    assert kept(tmp_path, "*.pyc\n.git*", "a.py", "a.pyc", ".gitignore", ".github/ci.yml") == ["a.py"]


def test_a_slash_at_the_end_leaves_out_folders_alone(tmp_path: Path) -> None:
    assert kept(tmp_path, "docs/", "docs/a.md", "b/docs/a.md", "c/docs") == ["c/docs"]


def test_a_slash_before_the_end_counts_from_the_root(tmp_path: Path) -> None:
    assert kept(tmp_path, "/dist/\nx/a.py", "dist/a", "b/dist/a", "x/a.py", "b/x/a.py") == ["b/dist/a", "b/x/a.py"]


@pytest.mark.parametrize("line", ["!a.py", "a/**", "a[bc]", "a\\ b", "/"])
def test_what_func_and_azd_may_read_otherwise_is_refused(line: str) -> None:
    with pytest.raises(PackageError, match=r"^\.funcignore: "):
        ignored.parse(line)


def test_of_this_project_only_the_app_is_kept() -> None:
    found = ignored.files(ROOT, ignored.parse((ROOT / ".funcignore").read_text()))
    tops = {path.parts[0] for path in found}
    assert tops - {".python_packages"} == {"function_app.py", "host.json", "proxy", "requirements.txt"}
