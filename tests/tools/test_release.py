"""A release is named once and everywhere."""

import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from tools import release
from tools.release import Release, ReleaseError, button, named_in, stamped

RELEASE = Release("someone/openai-proxy", "v1.2.3")
INFRA = release.ROOT / "infra"
BICEP = (INFRA / "resources.bicep").read_text("utf-8")
README = (release.ROOT / "README.md").read_text("utf-8")


def test_the_button_leads_to_template_and_form_of_the_release() -> None:
    link = button(RELEASE).rpartition("(")[2].removesuffix(")")
    head, template, form = link.replace("/createUIDefinitionUri/", "/uri/").split("/uri/")
    assert head == "https://portal.azure.com/#create/Microsoft.Template"
    raw = "https://raw.githubusercontent.com/someone/openai-proxy/v1.2.3/infra"
    assert [unquote(template), unquote(form)] == [f"{raw}/azuredeploy.json", f"{raw}/createUiDefinition.json"]
    assert "/" not in template


def test_a_stamped_bicep_deploys_the_package_of_the_release() -> None:
    changed = stamped(BICEP, RELEASE)
    assert named_in(changed) == RELEASE
    assert len(changed.splitlines()) == len(BICEP.splitlines())
    assert stamped(changed, named_in(BICEP)) == BICEP


def test_a_stamped_page_has_the_button_of_the_release() -> None:
    page = f"before {button(Release('o/n', 'v0.0.1'))} after"
    assert stamped(page, RELEASE) == f"before {button(RELEASE)} after"


def test_the_repository_is_named_once_in_the_infrastructure() -> None:
    repository = named_in(BICEP).repository
    sources = [
        *INFRA.rglob("*.bicep"),
        INFRA / "createUiDefinition.json",
        INFRA / "main.parameters.json",
    ]
    assert sum(path.read_text("utf-8").count(repository) for path in sources) == 1


def test_the_readme_leads_to_the_same_release_as_the_template() -> None:
    assert stamped(README, named_in(BICEP)) == README


@pytest.mark.parametrize(
    ("repository", "tag"), [("o/n", "latest"), ("o/n", "1.2.3"), ("o", "v1.2.3"), ("o/n x", "v1.2.3")]
)
def test_what_is_no_version_or_no_repository_is_refused(repository: str, tag: str) -> None:
    with pytest.raises(ReleaseError):
        Release(repository, tag)


def test_a_bicep_without_a_package_names_no_release() -> None:
    with pytest.raises(ReleaseError):
        named_in("param packageUri string")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with the files that name a release."""
    for path in release.FILES:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copyfile(release.ROOT / path, tmp_path / path)
    shutil.copytree(INFRA / "modules", tmp_path / "infra" / "modules")
    return tmp_path


def test_one_command_stamps_every_file(copied: Path) -> None:
    assert list(release.unstamped(RELEASE, copied)) == list(release.FILES)
    release.stamp(RELEASE, None, copied)
    assert list(release.unstamped(RELEASE, copied)) == []
    assert list(release.unstamped(None, copied)) == []
    assert 'version = "1.2.3"\n' in (copied / "pyproject.toml").read_text("utf-8")
    assert 'VERSION = "1.2.3"\n' in (copied / "proxy" / "version.py").read_text("utf-8")
    assert "var templateVersion = 'v1.2.3'\n" in (copied / release.SOURCE).read_text("utf-8")
    assert '"templateVersion": "v1.2.3"' in (copied / release.TEMPLATE).read_text("utf-8")
    assert button(RELEASE) in (copied / "README.md").read_text("utf-8")


def test_stamping_again_changes_nothing(copied: Path) -> None:
    release.stamp(RELEASE, None, copied)
    before = {path: (copied / path).read_bytes() for path in release.FILES}
    release.stamp(RELEASE, None, copied)
    assert {path: (copied / path).read_bytes() for path in release.FILES} == before


def test_a_file_without_a_release_is_named(copied: Path) -> None:
    nobody = Release("OWNER/azure-openai-functions-proxy", "v0.1.0")
    release.stamp(nobody, None, copied)
    named = ["infra/resources.bicep", "infra/azuredeploy.json", *release.READMES]
    assert list(release.unstamped(None, copied)) == named


def test_the_version_of_the_project_is_that_of_its_release() -> None:
    assert list(release.unstamped(named_in(BICEP))) == []


def test_a_stamp_that_is_missing_fails_a_release_and_is_a_note_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["--check"]) == 0
    assert release.main(["--check", "--repository", "someone/else", "v99.0.0"]) == 1
    assert "Not stamped with someone/else v99.0.0: infra/resources.bicep" in capsys.readouterr().out


@pytest.mark.parametrize(
    "url", ["https://github.com/someone/fork.git", "git@github.com:someone/fork.git", "https://github.com/someone/fork"]
)
def test_the_repository_is_that_of_origin(tmp_path: Path, url: str) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", url], check=True)
    assert release.origin(tmp_path) == "someone/fork"


def test_without_a_remote_the_repository_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="say --repository"):
        release.origin(tmp_path)


def test_a_wrong_tag_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["--repository", "o/n", "latest"]) == 1
    assert "latest is no tag" in capsys.readouterr().err
