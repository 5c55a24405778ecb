"""Where a request may go."""

from dataclasses import replace

import pytest

from proxy.routing.targets import Target, is_of_mistral, is_of_openai, is_of_other_maker
from tests.unit.routing.samples import target


def test_health_is_kept_by_resource_and_deployment() -> None:
    assert Target(resource=2, deployment="chat", model="gpt-4o").key == (2, "chat")
    assert Target(resource=1).key == (1, None)
    assert replace(target(1), resource=3).key == (3, "chat")


def test_a_target_is_one_of_equals_unless_it_says_otherwise() -> None:
    plain = Target(resource=0)
    assert (plain.deployment, plain.priority, plain.weight, plain.model, plain.version) == (None, 0, 1.0, None, None)


def test_targets_are_values() -> None:
    assert target(1) == target(1)
    assert len({target(1), target(1), target(2)}) == 2


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [("1", "1", True), ("1", "2", False), (None, "2", True), ("1", None, True), (None, None, True)],
)
def test_versions_of_one_model_differ_where_both_are_known(first: str | None, second: str | None, same: bool) -> None:
    assert target(0, version=first).is_same_model(target(1, version=second)) is same


def test_another_model_is_there_because_it_was_configured_whatever_its_version() -> None:
    fallback = Target(resource=0, deployment="mini", model="gpt-4o-mini", version="2")
    assert fallback.is_same_model(target(version="1"))


@pytest.mark.parametrize(
    ("target", "is_so"),
    [
        (Target(resource=0, model="gpt-4o", deployment="prod"), True),
        (Target(resource=0, model="prod", deployment="my-GPT"), True),
        (Target(resource=0, model="o3-mini", deployment="prod"), True),
        (Target(resource=0, model="x", deployment="codex-team"), True),
        (Target(resource=0, model="DeepSeek-V3", deployment="deepseek"), False),
        (Target(resource=0, model="gpt-oss-120b", deployment="gpt-oss", on_v1=True), False),
        (Target(resource=0, model="gpt-oss-120b", deployment="gptoss"), False),
        (Target(resource=0), False),
    ],
)
def test_a_model_of_openai_is_told_by_its_name(target: Target, is_so: bool) -> None:
    assert is_of_openai(target) is is_so


def test_a_model_of_mistral_is_told_by_its_name() -> None:
    assert is_of_mistral(Target(resource=0, model="Mistral-Medium-3.5", deployment="d"))
    assert is_of_mistral(Target(resource=0, deployment="my-codestral"))
    assert not is_of_mistral(Target(resource=0, model="DeepSeek-V4-Pro", deployment="d"))


@pytest.mark.parametrize(
    ("target", "is_so"),
    [
        (Target(resource=0, model="DeepSeek-V4-Pro", deployment="d"), True),
        (Target(resource=0, model="m", deployment="my-grok"), True),
        (Target(resource=0, model="phi-4", deployment="d"), True),
        (Target(resource=0, model="gpt-oss-120b", deployment="d"), True),
        (Target(resource=0, model="m", deployment="d", on_v1=True), True),
        (Target(resource=0, model="gpt-4o", deployment="delphi"), False),
        (Target(resource=0, model="m", deployment="prod"), False),
        (Target(resource=0), False),
    ],
)
def test_a_model_of_another_maker_is_told_by_its_name_or_azures_list(target: Target, is_so: bool) -> None:
    assert is_of_other_maker(target) is is_so
