"""Plan files: how a candidate becomes stable, as people write it. Reads YAML or JSON; the words are the document's."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from msgspec import inspect

from edgewise.store.errors import RolloutError
from edgewise.store.generation import Plan, mistakes_of

PLAN_BYTES_MAX: Final = 64 * 1024

# The plan that ships. A stage's name is the share of all visits that get the candidate.
DEFAULT: Final = """\
name: default
quorumPercent: 80        # of all nodes must be proven, fresh and up to date before a stage is passed
freshSeconds: 120        # a status older than this says nothing
guardrails:
  nacksMax: 0            # nodes that may refuse the candidate
  errorRatioMax: 0.01
  p95RatioMax: 1.5       # against stable, beyond p95SlackMs
  p95SlackMs: 5
  fallbackRiseMax: 0.05
  mixShiftMax: 0.1       # only where no rule has changed
  minDecisions: 0
stages:
  - {name: canary, labels: {ring: canary}, subjectPercent: 10, bakeSeconds: 600}
  - {name: "1 %", nodePercent: 10, subjectPercent: 10, bakeSeconds: 900}
  - {name: "10 %", nodePercent: 50, subjectPercent: 20, bakeSeconds: 1800}
  - {name: "50 %", nodePercent: 100, subjectPercent: 50, bakeSeconds: 3600}
  - {name: "100 %", nodePercent: 100, subjectPercent: 100, bakeSeconds: 3600}
"""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong in a plan file, and the line that it is on, counted from 1."""

    line: int
    text: str


def read_plan(path: Path | None) -> Plan:
    """The plan in a file, or the one that ships. Refused with every mistake that is in it, each at its line."""
    text = DEFAULT if path is None else _text_of(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        raise _refused(path, [Mistake(at.line + 1 if at else 1, str(error.problem or error))]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _refused(path, [Mistake(1, f"is no YAML: {error}")]) from error
    if node is None:
        raise _refused(path, [Mistake(1, "there is nothing in it")])
    mistakes = list(_mistakes(node, inspect.type_info(Plan), "the plan"))
    if not mistakes:
        plan = msgspec.convert(_value(node), Plan)
        mistakes = [Mistake(_line_of_stage(node, number), told) for number, told in mistakes_of(plan)]
        if not mistakes:
            return plan
    raise _refused(path, mistakes)


def _refused(path: Path | None, mistakes: list[Mistake]) -> RolloutError:
    name = path or "the default plan"
    ordered = sorted(mistakes, key=lambda mistake: mistake.line)
    return RolloutError("\n".join(f"{name}:{mistake.line}: {mistake.text}" for mistake in ordered))


def _mistakes(node: yaml.Node, wanted: inspect.Type, what: str) -> Iterator[Mistake]:
    """Everything in a part of the file that is not of the form that it should have."""
    if isinstance(wanted, inspect.StructType):
        yield from _mistakes_of_struct(node, wanted, what)
    elif isinstance(wanted, inspect.VarTupleType) and isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value, start=1):
            yield from _mistakes(item, wanted.item_type, f"stage {number}")
    else:
        try:
            msgspec.convert(_value(node), _plain(wanted))
        except (msgspec.ValidationError, yaml.YAMLError) as error:
            told = str(error).partition(" - at ")[0]
            yield Mistake(node.start_mark.line + 1, f"{what}: {told[:1].lower()}{told[1:]}")


def _mistakes_of_struct(node: yaml.Node, wanted: inspect.StructType, what: str) -> Iterator[Mistake]:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        yield Mistake(line, f"{what}: expected fields, as `name: ...`")
        return
    fields = {field.encode_name: field for field in wanted.fields}
    seen: set[str] = set()
    for key, value in node.value:
        name, at = str(key.value), key.start_mark.line + 1
        if name in seen:
            yield Mistake(at, f"{what}: `{name}` stands here twice")
        elif name in fields:
            yield from _mistakes(value, fields[name].type, f"`{name}`")
        else:
            yield Mistake(at, f"{what} says `{name}`, which no plan knows{_nearest(name, fields)}")
        seen.add(name)
    for name, field in fields.items():
        if field.required and name not in seen:
            yield Mistake(line, f"{what} lacks `{name}`")


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _plain(wanted: inspect.Type) -> Any:  # noqa: ANN401, a type of the values that YAML has
    """The Python type of a field that has no fields of its own."""
    if isinstance(wanted, inspect.DictType):
        return dict[str, str]
    kinds = {inspect.StrType: str, inspect.FloatType: float, inspect.IntType: int, inspect.VarTupleType: list[Any]}
    return kinds[type(wanted)]


def _value(node: yaml.Node) -> Any:  # noqa: ANN401, plain values
    return yaml.SafeLoader("").construct_document(node)


def _line_of_stage(node: yaml.Node, number: int | None) -> int:
    """The line on which a stage begins; of the plan as a whole, its first."""
    parts = {key.value: value for key, value in node.value}
    place = parts["stages"].value[number] if number is not None else node
    return int(place.start_mark.line) + 1


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(PLAN_BYTES_MAX + 1)
    if len(data) > PLAN_BYTES_MAX:
        raise RolloutError(f"`{path}` is larger than {PLAN_BYTES_MAX} bytes")
    return data.decode(errors="replace")
