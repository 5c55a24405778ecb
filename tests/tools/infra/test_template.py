"""Sample folders: main.bicep in, template.json out."""

import json
from pathlib import Path

import pytest

from tools.infra.syntax import BicepError
from tools.infra.template import translate

SAMPLES = Path(__file__).parent / "samples"


@pytest.mark.parametrize("case", ["modules", "resources"])
def test_a_bicep_file_becomes_its_template(case: str) -> None:
    folder = SAMPLES / case
    template = translate("main.bicep", lambda path: (folder / path).read_text("utf-8"))
    assert template == json.loads((folder / "template.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("param a string =", "syntax error"),
        ("var a = b", "b is not declared"),
        ("var a = a.b.c()", "c is no method that is known"),
        ("var a = -1\nvar b = -a", "- is not known"),
        ("var a = 'x' =~ 'y'", "=~ is not known"),
        ("var a = [for i in range(0, 3): i]", "Loop cannot stand here"),
        ("type a = string", "is not understood: type_declaration"),
        ("resource a 'A/b@1' existing = {\n  name: 'x'\n}\nvar b = a.location", "a.location is not known"),
        ("resource a 'A/b@1' existing = {\n  name: 'x'\n}\nvar b = a", "a is no value"),
        ("resource a 'A/b@1' = {\n  location: 'x'\n}", "a has no name"),
        ("resource a 'A/b@1' = [for i in range(0, 1): any(1)]", "a has no body"),
        ("module a 'a.bicep' = {\n  name: 'a'\n  params: any(1)\n}", "the params of a are no object"),
        ("module a 'a.bicep' = {\n  name: 'a'\n  scope: subscription()\n}", "a scope should be"),
        ("resource a 'A/b@1' = {\n  name: 'a'\n  '${1}': 2\n}", "should be a plain string"),
        ("resource a '${b}' = {\n  name: 'a'\n}", "should be a plain string"),
        ("output a string", "syntax error"),
    ],
)
def test_what_goes_beyond_the_known_part_of_bicep_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BicepError) as caught:
        translate("main.bicep", lambda path: text if path == "main.bicep" else "")
    assert problem in str(caught.value)


def test_an_error_names_the_line() -> None:
    with pytest.raises(BicepError, match="line 3: syntax error"):
        translate("main.bicep", lambda _: "param a string\n\nparam b c d e\n")
