"""What is known of one sending, and that it is reported once."""

from proxy.azure_services.sending import Sending


def test_a_sending_is_reported_once_with_the_first_word() -> None:
    reported: list[tuple[str | None, Sending]] = []
    sending = Sending(lambda ended: reported.append((ended.outcome, ended)))
    assert reported == []
    sending.end("completed")
    duration = sending.duration
    sending.end("client_left")
    assert reported == [("completed", sending)]
    assert sending.duration == duration


def test_the_bytes_are_counted_and_the_first_of_them_has_its_time() -> None:
    sending = Sending(lambda _: None)
    firsts = []
    for size in (0, 5, 6):
        sending.take(size)
        firsts.append(sending.first_byte)
    sending.end("completed")
    nothing, first, same = firsts
    assert first is not None
    assert (sending.received, nothing, same) == (11, None, first)
    assert 0 <= first <= sending.duration


def test_a_sending_that_has_no_answer_knows_nothing_of_one() -> None:
    sending = Sending(lambda _: None)
    sending.end("reset")
    assert (sending.status, sending.first_byte, sending.usage, sending.sent, sending.received) == (
        None,
        None,
        None,
        0,
        0,
    )
