"""What a declared type may hold, asked of the structs that files are read with. Walks no file, words no message."""

from functools import cache
from typing import Any

from msgspec import inspect as types

from edgewise.book.forms import stand_in
from edgewise.book.tree import Mapping, Node, Sequence

_SCALAR_TYPES: dict[type, tuple[type, ...]] = {
    bool: (types.BoolType,),
    int: (types.IntType, types.FloatType),
    float: (types.FloatType,),
    str: (types.StrType,),
}


@cache
def struct_type(form: type) -> types.StructType:
    """The declaration of a struct."""
    found = types.type_info(form)
    if not isinstance(found, types.StructType):
        raise TypeError(f"`{form}` is not a struct")
    return found


@cache
def fields_of(form: type) -> dict[str, types.Field]:
    """The fields of a struct by the keys they have in a file."""
    return {field.encode_name: field for field in struct_type(form).fields}


@cache
def required_of(form: type) -> tuple[types.Field, ...]:
    """The fields that a struct cannot do without."""
    return tuple(field for field in fields_of(form).values() if field.required)


def unwrap(form: types.Type) -> tuple[types.Type, dict[str, Any]]:
    """The type inside of annotations and `| None`, with what the annotation adds."""
    if isinstance(form, types.Metadata):
        return form.type, form.extra or {}
    if isinstance(form, types.UnionType):
        options = [option for option in form.types if not isinstance(option, types.NoneType)]
        return unwrap(options[0]) if len(options) == 1 else (form, {})
    return form, {}


def allows_null(form: types.Type) -> bool:
    """Whether a null is a value of the type."""
    if isinstance(form, types.UnionType):
        return any(isinstance(option, types.NoneType) for option in form.types)
    return isinstance(form, types.AnyType)


def may_hold(form: types.Type, node: Node) -> bool:
    """Whether a node is of a type at all, bounds and inner fields aside."""
    if isinstance(form, types.AnyType):
        return True
    if isinstance(node, Mapping):
        return isinstance(form, types.StructType | types.DictType)
    if isinstance(node, Sequence):
        return isinstance(form, types.ListType)
    if isinstance(form, types.LiteralType):
        return isinstance(node.value, str) and node.value in form.values
    return isinstance(form, _SCALAR_TYPES.get(type(node.value), ()))


def placeholder(form: types.Type) -> str | int | None:
    """What stands in for a required value, so that what is around it is still checked."""
    form, extra = unwrap(form)
    if isinstance(form, types.StrType):
        return stand_in(extra.get("role", ""))
    if isinstance(form, types.LiteralType):
        return str(form.values[0])
    if isinstance(form, types.IntType | types.FloatType):
        return int(form.ge or 0)
    return None
