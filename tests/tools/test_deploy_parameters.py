"""What azd sets and what the guide lists are the parameters of the template."""

import pytest

from tools import deploy_parameters as made
from tools.deploy_parameters import AZD, BEGIN, END, GUIDE


def test_the_file_of_azd_is_made_from_the_template() -> None:
    assert AZD.read_text("utf-8") == made.azd_parameters(made.declared()), "run: python -m tools.deploy_parameters"


def test_the_table_of_the_guide_is_made_from_the_template() -> None:
    page = GUIDE.read_text("utf-8")
    assert page == made.with_table(page, made.table(made.declared())), "run: python -m tools.deploy_parameters"


@pytest.mark.parametrize(
    ("parameter", "variable"),
    [
        ("recoverVault", "RECOVER_VAULT"),
        ("restoreOpenAi", "RESTORE_OPENAI"),
        ("instanceMemoryMB", "INSTANCE_MEMORY_MB"),
        ("assignOpenAiRole", "ASSIGN_OPENAI_ROLE"),
        ("openAiResourceId", "AZURE_OPENAI_RESOURCE_ID"),
    ],
)
def test_a_variable_is_the_name_of_the_parameter_in_capitals(parameter: str, variable: str) -> None:
    assert made.variable(parameter) == variable


def test_the_rest_of_the_guide_stays() -> None:
    assert made.with_table(f"a\n{BEGIN}old\n{END}b\n", "new\n") == f"a\n{BEGIN}new\n{END}b\n"
