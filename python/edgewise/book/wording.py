"""How types, and what stands in their place, are called in messages. Owns words only; the walk is elsewhere."""

from msgspec import inspect as types

from edgewise.book.fieldtypes import unwrap
from edgewise.book.names import did_you_mean
from edgewise.book.tree import Mapping, Node, Scalar, Sequence


def choice_hint(text: str, choices: list[str]) -> str:
    """The choice that was probably meant, or all of them."""
    near = did_you_mean(text, choices)
    return near if near is not None and near.startswith("did") else f"one of {', '.join(f'`{c}`' for c in choices)}"


def type_name(form: types.Type, role: str = "") -> str:
    """What a type expects, as a message says it."""
    form, _ = unwrap(form)
    if role == "duration":
        return "a length of time"
    if isinstance(form, types.LiteralType):
        return " or ".join(f"`{value}`" for value in form.values)
    return {
        types.BoolType: "`true` or `false`",
        types.IntType: "a whole number",
        types.FloatType: "a number",
        types.StrType: "a text",
        types.ListType: "a list",
    }.get(type(form), "fields")


def kind(node: Node) -> str:
    """What stands in the file, as a message says it."""
    if isinstance(node, Mapping):
        return "fields"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return f"the bool `{node.text}`"
    return f"the number `{node.text}`" if isinstance(node.value, int | float) else f"the text `{node.text}`"


def text_hint(node: Node, forms: list[types.Type], role: str = "") -> str | None:
    """The hint for a number or bool where a text is meant."""
    if role == "duration" and isinstance(node, Scalar):
        return f"write it with its unit: `{node.text}s`, `{node.text}m`, `{node.text}h` or `{node.text}d`"
    takes_text = any(isinstance(unwrap(form)[0], types.StrType) for form in forms)
    if takes_text and isinstance(node, Scalar) and node.style == "plain" and node.value is not None:
        return f'quote it: "{node.text}"'
    return None
