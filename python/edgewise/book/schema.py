"""The JSON Schema of both kinds of file, made from the structs that files are read with. Owns what structs cannot say.

That is: what every file begins with, what each stage requires, and the choices between two fields.
"""

from typing import Any

import msgspec

from edgewise.book.registry import Registry
from edgewise.book.rules.stages import REQUIRED
from edgewise.book.scenario import STAGES, Scenario

KINDS = ("registry", "scenario")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FORMS = {"registry": Registry, "scenario": Scenario}
_ALWAYS = {"registry": ["apiVersion", "kind"], "scenario": ["apiVersion", "kind", "id", "status"]}
_SET_OR_OMIT = [{"required": ["set"]}, {"required": ["omit"]}]
_CHOICES = {
    "Pathway": [{"required": ["when"]}, {"required": ["otherwise"]}],
    "Delta": _SET_OR_OMIT,
    "Overlay": _SET_OR_OMIT,
}
Schema = dict[str, Any]


def schema_of(kind: str) -> Schema:
    """The schema of one kind of file, complete in itself."""
    schema = {"$schema": DIALECT, **_body(kind)}
    return {"title": f"edgewise {kind}", **schema}


def schema_of_both() -> Schema:
    """One schema that takes either kind."""
    bodies = [_body(kind) for kind in KINDS]
    definitions = {name: body for part in bodies for name, body in part.pop("$defs").items()}
    return {"title": "edgewise book", "$schema": DIALECT, "oneOf": bodies, "$defs": definitions}


def _body(kind: str) -> Schema:
    (body,), definitions = msgspec.json.schema_components([_FORMS[kind]], ref_template="#/$defs/{name}")
    own = definitions[_FORMS[kind].__name__]
    own["required"] = _ALWAYS[kind]
    for name, choices in _CHOICES.items():
        if name in definitions:
            definitions[name]["oneOf"] = choices
    for definition in definitions.values():
        _take_dates(definition)
    if kind == "scenario":
        own["allOf"] = [_stage(stage) for stage in sorted(set(STAGES.values()))]
        definitions["Cap"]["required"] = ["max", "per"]
        definitions["PointDesign"]["required"].append("default")
        for name in ("Review", "StressTest"):
            _take_on(definitions[name])
    return {**body, "$defs": definitions}


def _take_dates(schema: object) -> None:
    """Let plain dates pass also where the reader of the YAML has made date objects of them: no JSON type is named."""
    if isinstance(schema, list):
        for part in schema:
            _take_dates(part)
    if not isinstance(schema, dict):
        return
    if schema.get("format") in ("date", "date-time") and schema.pop("type", None) is not None:
        schema["not"] = {"type": ["null", "boolean", "number", "array", "object"]}
    for part in list(schema.values()):
        _take_dates(part)


def _take_on(schema: Schema) -> None:
    """Let the key `on` pass also where the reader of the YAML follows version 1.1 and takes it for true."""
    schema["required"].remove("on")
    schema["properties"]["true"] = schema["properties"]["on"]
    del schema["additionalProperties"]
    schema["propertyNames"] = {"enum": [*schema["properties"], True]}
    written_as = {"not": {"propertyNames": {"not": {"const": True}}}}
    schema["anyOf"] = [{"required": ["on"]}, {"required": ["true"]}, written_as]


def _stage(stage: int) -> Schema:
    """What scenarios that have come this far must have."""
    reached = [status for status, reached in STAGES.items() if reached >= stage]
    paths = [path for required_from, path, _ in REQUIRED if required_from == stage]
    then: Schema = {"required": sorted({path[0] for path in paths})}
    inner = [path[1] for path in paths if len(path) > 1]
    if inner:
        then["properties"] = {"evidence": {"required": inner}}
    if stage == max(STAGES.values()):
        then = {"required": ["experiment"], "properties": {"outcome": {"required": ["baseline"]}}}
    return {"if": {"properties": {"status": {"enum": reached}}, "required": ["status"]}, "then": then}
