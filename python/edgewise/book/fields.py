"""The kinds of text that fields take: ids, conditions, durations, dates. Owns their form, as types that say it.

`role` is what the form check looks at beyond the type; `extra_json_schema` is the same for editors.
"""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

NAME_CHARACTERS_MAX = 128
TEXT_CHARACTERS_MAX = 2000
CONDITION_CHARACTERS_MAX = 8000
PLACEHOLDER = "\ue000"

ID_PATTERN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")
_ID_SCHEMA = {"pattern": f"^{ID_PATTERN.pattern}$"}

Id = Annotated[
    str, Meta(min_length=1, max_length=NAME_CHARACTERS_MAX, extra={"role": "id"}, extra_json_schema=_ID_SCHEMA)
]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS_MAX)]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Condition = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=CONDITION_CHARACTERS_MAX,
        description="A condition over signals, always quoted or a block scalar.",
        examples=["order.channel == 'online'"],
        extra={"role": "condition"},
    ),
]
Explanation = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=TEXT_CHARACTERS_MAX,
        description="What a visitor may read about why this is shown, always quoted or a block scalar.",
        extra={"role": "explanation"},
    ),
]
Duration = Annotated[
    str,
    Meta(description="A length of time.", examples=["30s", "10m", "14h", "1d", "2w"], extra={"role": "duration"}),
]
Date = Annotated[
    str, Meta(extra={"role": "date"}, extra_json_schema={"format": "date"}, description="A day, as 2026-11-21.")
]
Period = Annotated[
    str, Meta(extra={"role": "period"}, description="A day, or its first and last day: 2026-09-01/2026-09-30.")
]
Instant = Annotated[
    str,
    Meta(extra={"role": "instant"}, extra_json_schema={"format": "date-time"}, description="An instant, RFC 3339."),
]
Score = Annotated[int, Meta(ge=1, le=5)]
Count = Annotated[int, Meta(ge=0)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Number = int | float
Unit = Literal["user", "visitor", "session", "account"]


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of everything a file may hold: no field that is not declared."""


JsonObject = dict[str, Any]
