"""What is known about one operation."""

from dataclasses import FrozenInstanceError

import pytest

from proxy.openai_api.operations import Body, Operation, StreamFormat, Surface

PLAIN = Operation(name="listFiles", method="GET", path="/files", surface=Surface.V1)


def test_an_operation_carries_nothing_and_needs_a_key_unless_it_says_otherwise() -> None:
    assert PLAIN.body is Body.NONE
    assert (PLAIN.stream, PLAIN.header, PLAIN.substitute) == (None, None, "")
    assert (PLAIN.clean, PLAIN.download, PLAIN.stored, PLAIN.public) == (False, False, False, False)
    assert PLAIN.on_v1


def test_an_operation_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PLAIN.public = True  # type: ignore[misc]


def test_the_surfaces_that_can_be_chosen_are_spelt_as_in_the_setting() -> None:
    assert (Surface.V1.value, Surface.DEPLOYMENT.value) == ("v1", "classic")


@pytest.mark.parametrize(
    ("form", "last"),
    [
        (StreamFormat.CHAT, {"[DONE]"}),
        (StreamFormat.COMPLETION, {"[DONE]"}),
        (StreamFormat.RESPONSE, {"response.completed", "response.incomplete", "response.failed"}),
        (StreamFormat.IMAGE, {"image_generation.completed", "image_edit.completed"}),
        (StreamFormat.TRANSCRIPT, {"transcript.text.done"}),
        (StreamFormat.SPEECH, {"speech.audio.done"}),
        (StreamFormat.RUN, {"done"}),
    ],
)
def test_a_stream_ends_with_the_last_event_of_its_format(form: StreamFormat, last: set[str]) -> None:
    assert form.last == last
    assert form.events


def test_no_two_formats_are_the_same() -> None:
    assert len(set(StreamFormat)) == len(StreamFormat.__members__) == 7
