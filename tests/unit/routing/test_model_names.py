"""The names under which clients know a model."""

import pytest

from proxy.routing.targets import is_reasoning, names_of, takes_long
from proxy.values import Deployed


@pytest.mark.parametrize(
    ("model", "version", "names"),
    [
        ("gpt-4o", "2024-08-06", ("gpt-4o", "gpt-4o-2024-08-06")),
        ("gpt-4o", None, ("gpt-4o",)),
        ("gpt-4o", "", ("gpt-4o",)),
        ("gpt-4", "0613", ("gpt-4", "gpt-4-0613")),
        ("gpt-4", "0125-Preview", ("gpt-4", "gpt-4-0125-preview")),
        ("gpt-4", "turbo-2024-04-09", ("gpt-4", "gpt-4-turbo-2024-04-09")),
        (
            "gpt-35-turbo",
            "0125",
            ("gpt-35-turbo", "gpt-3.5-turbo", "gpt-35-turbo-0125", "gpt-3.5-turbo-0125"),
        ),
        ("text-embedding-ada-002", "2", ("text-embedding-ada-002",)),
        ("whisper", "001", ("whisper", "whisper-1")),
        ("tts-hd", "001", ("tts-hd", "tts-1-hd")),
        ("dall-e-3", "3.0", ("dall-e-3",)),
    ],
)
def test_a_model_has_azures_name_and_openais_without_and_with_the_version(
    model: str, version: str | None, names: tuple[str, ...]
) -> None:
    assert names_of(Deployed(name="any", model=model, version=version)) == names


@pytest.mark.parametrize(
    "name", ["o1", "o3-mini", "O4-mini-2025-04-16", "gpt-5", "gpt-5.1-codex", "my-o3", "team_gpt5", "deep-research"]
)
def test_models_that_think_are_known_by_their_names(name: str) -> None:
    assert is_reasoning(name)


@pytest.mark.parametrize("name", [None, "", "gpt-4o", "gpt-4.1", "gpt-35-turbo", "chat", "gpt-4o-mini", "video1"])
def test_others_are_not_taken_for_such(name: str | None) -> None:
    assert not is_reasoning(name)


@pytest.mark.parametrize(
    "name", ["o1-pro", "o3-pro-2025-06-10", "my-GPT-5.2-Pro", "o3-deep-research", "o4-mini-deep-research"]
)
def test_models_that_may_answer_after_many_minutes_are_known_by_their_names(name: str) -> None:
    assert takes_long(name)


@pytest.mark.parametrize("name", [None, "o3", "gpt-5-codex", "DeepSeek-V4-Pro", "gpt-5-prototype", "gemini-pro"])
def test_others_are_not_taken_for_those(name: str | None) -> None:
    assert not takes_long(name)
