"""How to quote: the hints for conditions and texts that were written plain. Owns wording; finds nothing by itself."""

import re

import yaml

QUOTED_FIELDS = ("when", "context", "explain", "explanation", "filter")
_FIELD = re.compile(rf"(?<![\w.])(?P<field>{'|'.join(QUOTED_FIELDS)})\s*:[ \t]+(?P<value>[^\s\"'|>].*)")
_SHOWN_CHARACTERS_MAX = 120


def quoted(text: str) -> str:
    """A text as a YAML scalar that is read as it is written: single quotes outside when it holds double ones."""
    if "\n" in text:
        return "|"
    if '"' in text:
        return "'" + text.replace("'", "''") + "'"
    return '"' + text.replace("\\", "\\\\") + '"'


def quote_hint(field: str, text: str) -> str:
    """The hint for a field whose text must be quoted."""
    return f"quote it: `{field}: {quoted(_shown(text))}`"


def tag_hint(tag: str, event: yaml.Event) -> str:
    """The hint for what YAML takes for a tag, most often a condition that begins with `!`."""
    value = event.value if isinstance(event, yaml.ScalarEvent) else ""
    return f"quote it: `{quoted(_shown(f'{tag} {value}'.strip()))}`"


def line_hint(line: str) -> str | None:
    """The hint for a line that does not parse, when a plain condition or explanation on it is the likely reason."""
    match = _FIELD.search(line)
    if match is None or match["value"][0] in "{[#":
        return None
    return quote_hint(match["field"], _without_closing(match["value"]))


def _without_closing(value: str) -> str:
    """Cuts off where the surrounding `{...}` ends or its next field begins."""
    value = re.split(r",\s*[a-z_]+\s*:(?:\s|$)", value, maxsplit=1)[0].rstrip()
    while value.endswith("}") and value.count("}") > value.count("{"):
        value = value[:-1].rstrip()
    return value


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else text[:_SHOWN_CHARACTERS_MAX] + "..."
