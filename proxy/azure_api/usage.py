"""How many tokens an answer used, as Azure counted them or as its size suggests."""

from decimal import ROUND_CEILING, Decimal

import msgspec

from proxy.openai_api.json_members import UNREADABLE, decode
from proxy.values import Usage

# English text has about four bytes a token. https://help.openai.com/en/articles/4936856
BYTES_PER_TOKEN = 4
# An answer with images is tens of megabytes; to look into it would hold up other requests.
MAX_SEARCHED_BYTES = 1024 * 1024
_MARK = b'"usage"'
_MILLISECONDS = 1000
_LONGEST_SOUND = Decimal(10**9)  # seconds


class Details(msgspec.Struct):
    """Parts of the tokens of an input or an output."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    reasoning_tokens: int | None = None


_NO_DETAILS = Details()


class Counts(msgspec.Struct):
    """The member `usage` of an answer, in each of the forms of OpenAI's API.

    Chat, completions, embeddings and runs speak of prompt and completion, the others of input and output. Sound that is
    written down is counted in tokens or in seconds. https://platform.openai.com/docs/api-reference
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: Details | None = None
    input_token_details: Details | None = None
    output_tokens_details: Details | None = None
    cached_tokens: int | None = None
    seconds: Decimal | None = None

    @property
    def input(self) -> int:
        """Return all tokens of the input."""
        return self.prompt_tokens or self.input_tokens or 0

    @property
    def output(self) -> int:
        """Return all tokens of the output."""
        return self.completion_tokens or self.output_tokens or 0

    @property
    def given(self) -> Details:
        """Return the parts of the input."""
        return self.prompt_tokens_details or self.input_tokens_details or self.input_token_details or _NO_DETAILS

    @property
    def made(self) -> Details:
        """Return the parts of the output."""
        return self.completion_tokens_details or self.output_tokens_details or _NO_DETAILS

    @property
    def cached(self) -> int:
        """Return how many tokens of the input came from the cache."""
        return self.given.cached_tokens or self.cached_tokens or 0

    @property
    def milliseconds(self) -> int:
        """Return the length of the sound."""
        return milliseconds_of(self.seconds)


class _Answer(msgspec.Struct):
    usage: Counts | None = None


_COUNTS = msgspec.json.Decoder(Counts | None).decode
_ANSWER = msgspec.json.Decoder(_Answer).decode


def find_usage(answer: bytes) -> Usage | None:
    """Return the tokens that a whole JSON answer counts; None when it counts none, or is too large to look into."""
    if len(answer) > MAX_SEARCHED_BYTES or _MARK not in answer:
        return None
    try:
        return _usage(decode(answer, _ANSWER).usage)
    except UNREADABLE:
        return None


def count_images(answer: bytes) -> int:
    """Return how many images a whole JSON answer has, or the addresses of them."""
    return answer.count(b'"b64_json"') + answer.count(b'"url"')


def parse_usage(usage: bytes | None) -> Usage | None:
    """Return the tokens of the `usage` member of a stream's event; None when it counts none."""
    try:
        return None if usage is None else _usage(_COUNTS(usage))
    except UNREADABLE:
        return None


def estimate_usage(sent: int, received: int) -> Usage:
    """Return the usage that the sizes of the bodies in bytes suggest."""
    return Usage(input_tokens=sent // BYTES_PER_TOKEN, output_tokens=received // BYTES_PER_TOKEN, estimated=True)


def milliseconds_of(seconds: Decimal | None) -> int:
    """Return seconds in milliseconds, rounded up; a number that no sound has counts as the longest."""
    if seconds is None or seconds <= 0:
        return 0
    return int((min(seconds, _LONGEST_SOUND) * _MILLISECONDS).to_integral_value(ROUND_CEILING))


def _usage(counts: Counts | None) -> Usage | None:
    """Return what the log and the limits need; without the properties of `Counts`, because every request comes here."""
    if counts is None:
        return None
    given = counts.prompt_tokens_details or counts.input_tokens_details or counts.input_token_details or _NO_DETAILS
    made = counts.completion_tokens_details or counts.output_tokens_details or _NO_DETAILS
    return Usage(
        input_tokens=counts.prompt_tokens or counts.input_tokens or 0,
        output_tokens=counts.completion_tokens or counts.output_tokens or 0,
        cached_tokens=given.cached_tokens or counts.cached_tokens or 0,
        reasoning_tokens=made.reasoning_tokens or 0,
        seconds=0 if counts.seconds is None else -(-milliseconds_of(counts.seconds) // _MILLISECONDS),
    )
