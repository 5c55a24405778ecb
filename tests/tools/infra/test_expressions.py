"""Operators bind as Bicep documents it, whatever the nesting of the syntax tree."""

import pytest

from tools.infra import arm
from tools.infra.source import parse
from tools.infra.symbols import Scope
from tools.infra.values import json_of, value_of


def _translated(expression: str) -> str:
    file = parse(f"var result = {expression}\n")
    (declared,) = file.of("var")
    assert declared.value is not None
    scope = Scope(file).bind({name: arm.Call(name) for name in "abc"})
    return arm.write(value_of(declared.value, scope)).replace("()", "")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a ?? b.x", "[coalesce(a, b.x)]"),
        ("(a ?? b).x", "[coalesce(a, b).x]"),
        ("c ? a.x : b.y[0].z", "[if(c, a.x, b.y[0].z)]"),
        ("c ? c ? 1 : 2 : c ? 3 : 4", "[if(c, if(c, 1, 2), if(c, 3, 4))]"),
        ("!c || c && !c == c", "[or(not(c), and(c, equals(not(c), c)))]"),
        ("1 + 2 * 3 - 4 / 5 % 6", "[sub(add(1, mul(2, 3)), mod(div(4, 5), 6))]"),
        ("1 - 2 - 3", "[sub(sub(1, 2), 3)]"),
        ("1 + 2 > 3 == true", "[equals(greater(add(1, 2), 3), true)]"),
        ("a.?x ?? b.?y.z", "[coalesce(tryGet(a, 'x'), tryGet(b, 'y').z)]"),
        ("a[?'x y'] ?? null", "[coalesce(tryGet(a, 'x y'), null)]"),
        ("a!.x", "[a.x]"),
        ("a['x']['not plain']", "[a.x['not plain']]"),
        (
            "map([a, b], one => one.x ?? a.y)",
            "[map(createArray(a, b), lambda('one', coalesce(lambdaVariables('one').x, a.y)))]",
        ),
        ("[\n  1 // one\n  {\n    // nothing\n    x: 'y'\n  }\n]", "[createArray(1, createObject('x', 'y'))]"),
    ],
)
def test_an_expression_is_read_as_bicep_reads_it(expression: str, expected: str) -> None:
    assert _translated(expression) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'plain'", "plain"),
        ("''", ""),
        ("'it\\'s \\\\ \\$ \\n \\t \\r \\u{41}'", "it's \\ $ \n \t \r A"),
        ("'[looks like an expression]'", "[[looks like an expression]"),
        ("'''\nas it ${is}\\n\n'''", "as it ${is}\\n\n"),
        ("'{a} ${1}'", "[format('{{a}} {0}', 1)]"),
        ("'it\\'s ${1}'", "[format('it''s {0}', 1)]"),
    ],
)
def test_text_is_what_it_says(text: str, expected: str) -> None:
    file = parse(f"var result = {text}\n")
    (declared,) = file.of("var")
    assert declared.value is not None
    assert json_of(declared.value, Scope(file)) == expected
