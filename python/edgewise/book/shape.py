"""Tree -> typed struct, with every mistake of form found. Owns the walk over a type; knows no meaning of any field.

The walk is driven by the structs themselves, so the form, the JSON Schema and the types are one declaration. What does
not fit is left out of the struct; a required text that is missing is filled with a placeholder, so that the rest is
still checked.
"""

from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import inspect as types

from edgewise.book.codes import finding
from edgewise.book.fieldtypes import allows_null, fields_of, may_hold, placeholder, required_of, struct_type, unwrap
from edgewise.book.findings import Finding
from edgewise.book.forms import problem_of
from edgewise.book.names import did_you_mean
from edgewise.book.registry import Signal
from edgewise.book.scalars import is_old_bool
from edgewise.book.scenario import Delta, Overlay
from edgewise.book.slips import quote_hint
from edgewise.book.tree import Entry, Mapping, Mark, Node, Scalar, Sequence, is_broken, plain
from edgewise.book.wording import choice_hint, kind, text_hint, type_name

T = TypeVar("T", bound=msgspec.Struct)
_OUTCOME = ("EW306", "an overlay may not touch the outcome", "the outcome is the scenario's, whatever the segment")
_FORBIDDEN_FIELDS: dict[tuple[type, str], tuple[str, str, str]] = {
    (Overlay, "outcome"): _OUTCOME,
    (Delta, "outcome"): _OUTCOME,
}
_QUOTED_ROLES = {"condition": "a condition", "explanation": "an explanation"}


class Shaped(NamedTuple):
    """What fits: the pruned tree, whose paths are those of the struct, and the struct."""

    tree: Mapping
    value: Any


def shape(root: Node, form: type[T], file: str, findings: list[Finding]) -> Shaped | None:
    """The struct of a file; None when the file holds no fields at all."""
    walk = _Walk(file, findings)
    if not isinstance(root, Mapping):
        walk.found("EW004", root.mark, f"expected fields, got {kind(root)}", "begin with `apiVersion: edgewise/v1`")
        return None
    tree = walk.struct(root, struct_type(form), "the file")
    return Shaped(tree, msgspec.convert(plain(tree), form))


def _lacking(kept: Mapping, form: types.StructType) -> list[types.Field]:
    return [field for field in required_of(form.cls) if field.encode_name not in kept.entries]


class _Walk:
    """One file's walk. Each method answers the part that fits, or None."""

    def __init__(self, file: str, findings: list[Finding]) -> None:
        self._file = file
        self._findings = findings

    def found(self, code: str, mark: Mark, message: str, hint: str | None = None) -> None:
        self._findings.append(finding(code, self._file, mark.line, mark.column, message, hint))

    def struct(self, node: Mapping, form: types.StructType, label: str) -> Mapping:
        fields = fields_of(form.cls)
        kept = Mapping(node.mark, written=_written(node))
        for key, entry in _rejoined(node, fields).items():
            if key not in fields:
                self._unknown(form.cls, key, entry, list(fields))
            elif (value := self._field(entry.node, fields[key], key)) is not None:
                kept.entries[key] = Entry(entry.key_mark, value)
        for field in _lacking(kept, form):
            self._require(node, kept, field, label, form.cls)
        return kept

    def _unknown(self, owner: type, key: str, entry: Entry, known: list[str]) -> None:
        if is_broken(entry.node):
            return
        code, message, hint = _FORBIDDEN_FIELDS.get((owner, key), ("EW002", f"unknown field `{key}`", None))
        self.found(code, entry.key_mark, message, hint or did_you_mean(key, known))

    def _field(self, node: Node, field: types.Field, key: str) -> Node | None:
        if _is_null(node):
            keeps_null = not field.required and field.default is msgspec.NODEFAULT is field.default_factory
            return node if keeps_null and allows_null(field.type) else None
        return self.value(node, field.type, key)

    def _require(self, node: Mapping, kept: Mapping, field: types.Field, label: str, owner: type) -> None:
        key = field.encode_name
        written = node.get(key)
        if written is None or _is_null(written):
            mark = written.mark if written is not None else node.mark
            self.found("EW005", mark, f"`{key}` is missing in `{label}`")
        value = placeholder(field.type)
        if value is not None and owner is not Signal:
            kept.entries[key] = Entry(node.mark, Scalar(node.mark, str(value), value, broken=True))

    def value(self, node: Node, form: types.Type, label: str) -> Node | None:
        form, extra = unwrap(form)
        if isinstance(node, Scalar) and node.broken:
            return None
        if isinstance(form, types.AnyType):
            return node
        if isinstance(form, types.UnionType):
            return self._union(node, form, label)
        if isinstance(node, Mapping):
            return self._mapping(node, form, label)
        if isinstance(node, Sequence):
            return self._sequence(node, form, label)
        return self._scalar(node, form, label, extra)

    def _union(self, node: Node, form: types.UnionType, label: str) -> Node | None:
        options = [option for option in form.types if not isinstance(option, types.NoneType)]
        fitting = [option for option in options if may_hold(unwrap(option)[0], node)]
        if not fitting:
            if len(options) == 1:
                return self.value(node, options[0], label)
            expected = " or ".join(type_name(option) for option in options)
            self.found(
                "EW004", node.mark, f"`{label}`: expected {expected}, got {kind(node)}", text_hint(node, options)
            )
            return None
        return self.value(node, fitting[0], label)

    def _mapping(self, node: Mapping, form: types.Type, label: str) -> Node | None:
        if isinstance(form, types.StructType):
            kept = self.struct(node, form, label)
            return None if _lacking(kept, form) else kept
        if isinstance(form, types.DictType):
            return self._dict(node, form)
        self._wrong(node, form, label)
        return None

    def _dict(self, node: Mapping, form: types.DictType) -> Mapping:
        kept = Mapping(node.mark, written=_written(node))
        for key, entry in node.entries.items():
            key_scalar = Scalar(entry.key_mark, key, key, "double")
            if self.value(key_scalar, form.key_type, key) is None:
                continue
            value = self._item(entry.node, form.value_type, key)
            if value is not None:
                kept.entries[key] = Entry(entry.key_mark, value)
        return kept

    def _sequence(self, node: Sequence, form: types.Type, label: str) -> Node | None:
        if not isinstance(form, types.ListType):
            self._wrong(node, form, label)
            return None
        items = [self._item(item, form.item_type, label) for item in node.items]
        self._length(node, len(node.items), form, label, "items")
        fits = len(node.items) >= (form.min_length or 0)
        kept = Sequence(node.mark, [item for item in items if item is not None][: form.max_length])
        return kept if fits and len(kept.items) >= (form.min_length or 0) else None

    def _item(self, node: Node, form: types.Type, label: str) -> Node | None:
        if _is_null(node) and not isinstance(unwrap(form)[0], types.AnyType):
            self.found("EW004", node.mark, f"`{label}` is empty", "give it a value or remove it")
            return None
        return self.value(node, form, label)

    def _scalar(self, node: Scalar, form: types.Type, label: str, extra: dict[str, Any]) -> Node | None:
        role = extra.get("role", "")
        if role in _QUOTED_ROLES and node.style == "plain":
            message = f"`{label}` is {_QUOTED_ROLES[role]} and must be quoted"
            self.found("EW001", node.mark, message, quote_hint(label, node.text))
            return node if isinstance(node.value, str) else None
        if not may_hold(form, node):
            self._wrong(node, form, label, extra)
            return None
        return node if self._in_bounds(node, form, label, role) else None

    def _in_bounds(self, node: Scalar, form: types.Type, label: str, role: str) -> bool:
        if isinstance(form, types.StrType):
            problem = problem_of(role, node.text)
            if problem is not None:
                self.found("EW004", node.mark, f"`{label}`: {problem[0]}", problem[1])
            return self._length(node, len(node.value), form, label, "characters") and problem is None
        if isinstance(form, types.IntType | types.FloatType):
            return self._range(node, form, label)
        return True

    def _length(self, node: Node, length: int, form: types.StrType | types.ListType, label: str, what: str) -> bool:
        least, most = form.min_length or 0, form.max_length
        if length < least:
            self.found("EW004", node.mark, f"`{label}` is empty", "give it a value or remove it")
        elif most is not None and length > most:
            self.found("EW004", node.mark, f"`{label}` has {length} {what}; at most {most} are taken")
        return length >= least and (most is None or length <= most)

    def _range(self, node: Scalar, form: types.IntType | types.FloatType, label: str) -> bool:
        least, most = form.ge, form.le
        fits = (least is None or node.value >= least) and (most is None or node.value <= most)
        if not fits:
            expected = f"from {least} to {most}" if most is not None else f"of at least {least}"
            self.found("EW004", node.mark, f"`{label}`: expected a number {expected}, got `{node.text}`")
        return fits

    def _wrong(self, node: Node, form: types.Type, label: str, extra: dict[str, Any] | None = None) -> None:
        role, code = (extra or {}).get("role", ""), (extra or {}).get("code", "EW004")
        if isinstance(form, types.BoolType) and isinstance(node, Scalar) and is_old_bool(node.text):
            meant = "true" if node.text.lower() in ("yes", "on", "y") else "false"
            message = f"`{node.text}` is a text, not a bool"
            self.found("EW001", node.mark, message, f"write `{label}: {meant}`")
            return
        if isinstance(form, types.LiteralType) and isinstance(node, Scalar):
            self._wrong_choice(node, form, label, code)
            return
        message = f"`{label}`: expected {type_name(form, role)}, got {kind(node)}"
        self.found(code, node.mark, message, text_hint(node, [form], role))

    def _wrong_choice(self, node: Scalar, form: types.LiteralType, label: str, code: str) -> None:
        choices = [str(value) for value in form.values]
        if len(choices) == 1:
            self.found(code, node.mark, f"`{label}`: expected `{choices[0]}`, got `{node.text}`")
        else:
            self.found(code, node.mark, f"`{label}`: unknown value `{node.text}`", choice_hint(node.text, choices))


def _rejoined(node: Mapping, fields: dict[str, types.Field]) -> dict[str, Entry]:
    """The entries, with each plain text that YAML has cut at its commas (`{explain: Well, yes}`) whole again."""
    if node.entries.keys() <= fields.keys():
        return node.entries
    entries: dict[str, Entry] = {}
    cut: str | None = None
    for key, entry in node.entries.items():
        if cut is not None and key not in fields and _is_null(entry.node):
            entries[cut] = Entry(entries[cut].key_mark, _joined(entries[cut].node, key))
            continue
        entries[key] = entry
        is_quoted = key in fields and unwrap(fields[key].type)[1].get("role") in _QUOTED_ROLES
        cut = key if is_quoted and isinstance(entry.node, Scalar) and entry.node.style == "plain" else None
    return entries


def _joined(node: Node, rest: str) -> Node:
    text = f"{node.text}, {rest}" if isinstance(node, Scalar) else rest
    return Scalar(node.mark, text, text, index=node.index if isinstance(node, Scalar) else 0)


def _written(node: Mapping) -> frozenset[str]:
    return frozenset(key for key, entry in node.entries.items() if not _is_null(entry.node))


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None and not node.broken
