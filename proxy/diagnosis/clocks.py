"""Judges the clock of this machine by the dates of answers, and the version of the app by that of its template."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from proxy.diagnosis.seen import Seen

# Seconds; what checks tokens bears five minutes.
MOST_SKEW = 300.0


def skew_of(date: str, now: float) -> float | None:
    """Return how many seconds this clock is ahead of an answer's `Date`, None where there is none."""
    try:
        return now - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None


def judge_clock(skews: Mapping[str, float]) -> Seen | None:
    """Return that the clock is wrong if it is so for every server that was asked; one may be wrong itself."""
    if not skews or min(map(abs, skews.values())) <= MOST_SKEW:
        return None
    host, skew = min(skews.items(), key=lambda one: abs(one[1]))
    return Seen(code="clock_skewed", subject=host, facts={"seconds": f"{skew:.0f}"})


def judge_template(template: str | None, version: str) -> Seen | None:
    """Return that the template is of another version than the app; None where nobody says which it is."""
    if template is None or template.removeprefix("v") == version:
        return None
    return Seen(code="template_differs", subject="template", facts={"template": template, "version": f"v{version}"})
