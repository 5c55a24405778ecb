"""A release is named once and everywhere."""

from urllib.parse import unquote

import pytest

from tests.infra import world
from tools.infra.release import Release, ReleaseError, button, named_in, stamped

RELEASE = Release("someone/openai-proxy", "v1.2.3")
BICEP = (world.INFRA / "resources.bicep").read_text("utf-8")
README = (world.ROOT / "README.md").read_text("utf-8")


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
        *world.INFRA.rglob("*.bicep"),
        world.INFRA / "createUiDefinition.json",
        world.INFRA / "main.parameters.json",
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
