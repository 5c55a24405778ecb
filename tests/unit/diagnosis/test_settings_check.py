"""Every wrong setting is named, and none of its value."""

from proxy.config.resources import read_no_file
from proxy.diagnosis.settings import judge_settings

SOUND = {"AZURE_OPENAI_ENDPOINT": "https://contoso.openai.azure.com", "PATH": "/bin"}


def subjects(environ: dict[str, str]) -> list[tuple[str, str]]:
    _, seen = judge_settings(environ, b"{}", read_no_file)
    return [(one.code, one.subject) for one in seen]


def test_sound_settings_are_returned() -> None:
    settings, seen = judge_settings(SOUND, b"{}", read_no_file)
    assert seen == ()
    assert settings is not None
    assert settings.resources[0].endpoint == SOUND["AZURE_OPENAI_ENDPOINT"]


def test_each_wrong_setting_is_named_with_what_is_expected() -> None:
    environ = {**SOUND, "MAX_IN_FLIGHT": "secret-1", "FRONT_PAGE": "secret-2"}
    settings, seen = judge_settings(environ, b"{}", read_no_file)
    assert settings is None
    assert {one.subject: one.facts["problem"] for one in seen} == {
        "FRONT_PAGE": "must be true or false",
        "MAX_IN_FLIGHT": "must be a whole number above 0",
    }


def test_settings_that_are_wrong_only_together_are_named_too() -> None:
    assert subjects({**SOUND, "AZURE_OPENAI_AUTH": "key"}) == [("setting_wrong", "AZURE_OPENAI_API_KEY")]
    assert subjects({}) == [("setting_wrong", "AZURE_OPENAI_ENDPOINT")]


def test_a_misspelt_name_is_named_beside_what_is_wrong() -> None:
    assert subjects({**SOUND, "AZURE_OPENAI_KEY": "x"}) == [("setting_unknown", "AZURE_OPENAI_KEY")]
    assert subjects({"CLIENT_KEYZ": "x", "FRONT_PAGE": "x", **SOUND}) == [
        ("setting_wrong", "FRONT_PAGE"),
        ("setting_unknown", "CLIENT_KEYZ"),
    ]
