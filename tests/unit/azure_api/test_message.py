"""What of Azure's words may reach a client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.error_text import MAX_MESSAGE, ClientText, clean, cut

NOTHING = b""
GUID = "11111111-2222-4333-8444-555555555555"
KEY = "0123456789abcdef0123456789abcdef"
LINK = "https://a.example/x.png?a=1&b=2"


def cleaned(text: str, said: bytes = NOTHING) -> str:
    return clean(text, ClientText(said))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Bad. See https://aka.ms/x for more. Good.", "Bad. Good."),
        ("Bad! See: https://aka.ms/x", "Bad!"),
        ("Bad? (See https://aka.ms/x.) Good.", "Bad? Good."),
        ("Sorry. Call https://aka.ms/x. (Name the ID x.) Good.", "Sorry. Good."),
        ("Sorry. (Really.) Good. See wss://a.b/c", "Sorry. (Really.) Good."),
        ("First line\nsee https://aka.ms/x\n\nlast line", "First line\nlast line"),
        ("https://aka.ms/x", ""),
        ("see_https://aka.ms/x.y?z=1. Good.", "Good."),
        ("Two  spaces.  Kept\n as they are. ", "Two  spaces.  Kept\n as they are. "),
        ("a://", ""),
        ("://", "://"),
    ],
)
def test_a_sentence_with_a_foreign_link_is_dropped(text: str, left: str) -> None:
    assert cleaned(text) == left


@pytest.mark.parametrize("around", ["Bad {}.", "Bad ({}), really.", "Bad '{}'!", "Bad <{}>: no."])
@pytest.mark.parametrize(
    "said",
    [LINK.encode(), LINK.replace("/", r"\/").encode(), LINK.replace("&", r"\u0026").encode()],
    ids=["plain", "escaped slashes", "escaped ampersand"],
)
def test_a_link_of_the_client_stays(around: str, said: bytes) -> None:
    text = around.format(LINK)
    assert cleaned(text, b'{"url":"%s"}' % said) == text
    assert cleaned(f"{text} See https://aka.ms/x", said) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("At my-own.openai.azure.com.", "At [host]."),
        ("At X.AZURE.US:443, a.b.windows.net; a.microsoft.com/x", "At [host]:443, [host]; [host]/x"),
        ("At azure.cn", "At [host]"),
        ("Not notazure.com, azure.community or azure.com-x", "Not notazure.com, azure.community or azure.com-x"),
        (f"Key {KEY}!", "Key [key]!"),
        (f"Key '{KEY * 3}'", "Key '[key]'"),
        (f"Not resp_{KEY}, file-{KEY}, {KEY[1:]} or {KEY}_x", f"Not resp_{KEY}, file-{KEY}, {KEY[1:]} or {KEY}_x"),
        (f"Tenant {GUID.upper()}, batch_{GUID}, `{GUID}`", f"Tenant [id], batch_{GUID}, `[id]`"),
        (f"Of /subscriptions/{GUID}/resourceGroups/a-b/x.", "Of [resource]."),
        (f"Of (/Subscriptions/{GUID})", "Of ([resource])"),
        ("Of /subscriptions/", "Of /subscriptions/"),
    ],
)
def test_what_names_things_of_azure_is_replaced(text: str, left: str) -> None:
    assert cleaned(text) == left
    assert cleaned(text, text.encode()) == text


def test_a_client_that_says_much_makes_no_endless_search() -> None:
    links = [f"https://a.example/{n}" for n in range(100)]
    left = cleaned(" ".join(f"Bad {link}." for link in links), " ".join(links).encode())
    assert left == " ".join(f"Bad {link}." for link in links[:8])


def test_a_message_that_is_too_long_ends_with_a_whole_word() -> None:
    assert cut("x " * MAX_MESSAGE) == "x " * (MAX_MESSAGE // 2 - 1) + "x"
    assert cut("x" * MAX_MESSAGE) == "x" * MAX_MESSAGE
    assert cut("x" * 100_000) == "x" * MAX_MESSAGE
    assert cut(f"{'x' * (MAX_MESSAGE - 10)} my-own.openai.azure.com") == "x" * (MAX_MESSAGE - 10)


@given(st.text() | st.text(st.sampled_from("ab0-_./: \n!?()")), st.binary(max_size=9))
def test_words_without_a_link_or_a_long_one_are_kept_as_they_are(text: str, said: bytes) -> None:
    if "://" not in text and "azure" not in text and "/subscriptions/" not in text:
        assert clean(text[:31], ClientText(said)) == text[:31]


@given(st.lists(st.sampled_from(["https://h.example/p", "Bad.", "(x", "ok", "\n", KEY, GUID, "a.azure.com", "!"])))
def test_no_foreign_word_is_left_whatever_stands_around_it(words: list[str]) -> None:
    left = cleaned(" ".join(words))
    assert not any(word in left for word in ("h.example", KEY, GUID, "a.azure.com"))
