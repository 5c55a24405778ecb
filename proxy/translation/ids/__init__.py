"""Ids that say by themselves which resource keeps their object, so that nothing has to be remembered between requests.

On the way in ids are read and lose their tags (`claims`), on the way out they get them (`answers`); lists go through
the resources one after another (`pages`). What other documents say, as a batch's lines and results, is not touched.
"""

from proxy.translation.ids.answers import brings_ids, tag_answer
from proxy.translation.ids.claims import (
    FORM_PARTS,
    Claim,
    Claims,
    bare_body,
    bare_fields,
    bare_query,
    bare_route,
    claimed,
)
from proxy.translation.ids.pages import Page, open_page, spans_resources
from proxy.translation.ids.tags import Tags, tag_of

__all__ = [
    "FORM_PARTS",
    "Claim",
    "Claims",
    "Page",
    "Tags",
    "bare_body",
    "bare_fields",
    "bare_query",
    "bare_route",
    "brings_ids",
    "claimed",
    "open_page",
    "spans_resources",
    "tag_answer",
    "tag_of",
]
