"""When a request is tried again and when a target cools down: the failover numbers, and which models may stand in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from proxy.config.environment import decode_json, is_model_name, json_object, printable_member

MAX_FALLBACKS = 10  # a request makes fewer attempts than that
MAX_NUMBER = 86_400.0  # seconds: a day; no count or share is larger
# A zero would make no sense for these.
POSITIVE = frozenset(
    {"attempts", "breaker_calls", "breaker_failures", "breaker_share", "breaker_window", "breaker_open", "probe_wait"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The failover numbers; all times are in seconds. The text of each is its row in docs/settings.md."""

    attempts: int = field(
        default=3,
        metadata={
            "text": "How many attempts a request gets at most, counting the first. What is sent again to the same "
            "deployment without a refused parameter, with a fresh credential or on a new connection is no attempt of "
            "its own."
        },
    )
    same_target_wait: float = field(
        default=2.0,
        metadata={
            "text": "The longest wait, in seconds, after which a request is tried again on the same deployment, when "
            "no other one can serve it. If Azure asks for a longer wait, the client gets the error. After a 429 a "
            "request is tried again once."
        },
    )
    retries_timeouts: bool = field(
        default=False,
        metadata={"text": "Whether to try again when Azure did not answer in time. Azure may bill both attempts."},
    )
    prompt_affinity: bool = field(
        default=True,
        metadata={
            "text": "Whether prompts with the same beginning go to the same one of several deployments of the same "
            "priority, which may have it in its [cache](resources.md#prompt-caching). With `false` requests are spread "
            "at random."
        },
    )
    jitter: float = field(
        default=0.025,
        metadata={
            "text": "The upper bound, in seconds, of the random extra wait before the same deployment is tried again. "
            "It doubles with each attempt."
        },
    )
    max_jitter: float = field(default=0.25, metadata={"text": "What `jitter` doubles to at most, in seconds."})
    cooldown: float = field(
        default=10.0,
        metadata={"text": "How many seconds a deployment is skipped after a 429 that does not say how long to wait."},
    )
    min_wait: float = field(
        default=0.1,
        metadata={"text": "The shortest time, in seconds, that a deployment is skipped, even if it asks for less."},
    )
    # OpenAI's SDKs do not try again after a longer wait.
    max_wait: float = field(
        default=120.0,
        metadata={"text": "The longest time, in seconds, that a deployment is skipped, even if it asks for more."},
    )
    breaker_failures: int = field(
        default=5,
        metadata={
            "text": "How many failures in a row open the circuit breaker, so that other deployments get the requests "
            "for a while. A 429 does not count as a failure."
        },
    )
    breaker_share: float = field(
        default=0.5,
        metadata={"text": "The share of failed calls, from 0 to 1, that opens the circuit breaker as well."},
    )
    breaker_calls: int = field(
        default=10, metadata={"text": "How many calls there must be before `breaker_share` counts."}
    )
    breaker_window: float = field(
        default=30.0, metadata={"text": "The period, in seconds, over which `breaker_share` is measured."}
    )
    breaker_open: float = field(
        default=5.0,
        metadata={
            "text": "How many seconds the circuit breaker stays open at first. Then one request probes the "
            "deployment; each failed probe doubles the time."
        },
    )
    breaker_max_open: float = field(
        default=60.0, metadata={"text": "What `breaker_open` doubles to at most, in seconds."}
    )
    probe_wait: float = field(
        default=1.0,
        metadata={"text": "How many seconds other requests are told to wait while one probes the deployment."},
    )
    retry_share: float = field(
        default=0.2,
        metadata={
            "text": "How many repetitions may be in flight, as a share of all requests in flight. They are attempts "
            "at a deployment that was tried before, or is probed; the first one at another deployment is always made."
        },
    )
    min_retries: int = field(
        default=3, metadata={"text": "How many repetitions may be in flight however few requests there are."}
    )

    def cooldown_after(self, wait: float | None) -> float:
        """Return how long a target cools down that asked for a wait, None when it did not say."""
        return min(max(self.cooldown if wait is None else wait, self.min_wait), self.max_wait)

    def jitter_after(self, attempts: int, draw: float) -> float:
        """Return how long to wait before the same target gets another attempt; `draw` is from 0 to 1.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("full jitter")
        """
        return draw * min(self.max_jitter, self.jitter * 2.0 ** (attempts - 1))


_DEFAULTS: Mapping[str, float | bool] = asdict(Policy())


def parse_policy(text: str) -> Policy:
    """Return the failover numbers, with changes from a JSON object by name; a whole number stays one."""
    numbers = {name: _parse_number(name, value) for name, value in json_object(decode_json(text)).items()}
    return Policy(**numbers)  # type: ignore[arg-type]  # checked one by one


def _parse_number(name: str, value: object) -> float | bool:
    if not (name.isascii() and name.isidentifier()):
        raise ValueError("must have nothing but names of letters, digits and '_' on the left")
    if not isinstance(value, int | float) or not 0 <= value <= MAX_NUMBER:
        raise ValueError(f"must have a number from 0 to {MAX_NUMBER:.0f}, true or false for {printable_member(name)}")
    if name not in _DEFAULTS:
        raise ValueError("has a member that docs/settings.md does not know")
    default = _DEFAULTS[name]
    kinds = (int, float) if isinstance(default, float) else (type(default),)
    if type(value) not in kinds:
        raise ValueError(f"has a value of another kind for {name}")
    if not value and name in POSITIVE:
        raise ValueError(f"must have a number above 0 for {name}")
    return value


def parse_fallbacks(text: str) -> Mapping[str, tuple[str, ...]]:
    """Return the fallbacks of each model, in order, from a JSON object `{model: [model, ...]}`.

    Only what is written counts: the fallbacks of a fallback are not looked up, so two models may stand in for each
    other.
    """
    found = json_object(decode_json(text))
    return {model: _models(number, model, names) for number, (model, names) in enumerate(found.items(), start=1)}


def _models(number: int, model: str, names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not 0 < len(names) <= MAX_FALLBACKS:
        raise ValueError(f"must have a list of 1 to {MAX_FALLBACKS} models in entry {number}")
    if not all(map(is_model_name, (model, *names))):
        raise ValueError(f"must have nothing but names of models in entry {number}")
    if len({model, *names}) <= len(names):
        raise ValueError(f"names a model twice in entry {number}")
    return tuple(names)
