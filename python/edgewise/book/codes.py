"""The table of finding codes: each with its severity and what it means. The one place a code is declared.

Numbers are grouped: 0xx files and forms, 1xx pathways and reachability, 2xx references and types, 3xx outcomes and
experiments, 5xx explanations, 6xx limits, 7xx stages, 9xx tests.
"""

from typing import NamedTuple

from edgewise.book.findings import Finding, Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING


class Code(NamedTuple):
    """What a code stands for."""

    severity: Severity
    description: str


CODES: dict[str, Code] = {
    "EW001": Code(ERROR, "the file does not parse, repeats a key, or YAML would read it otherwise than it is written"),
    "EW002": Code(ERROR, "an unknown field, `apiVersion` or `kind`"),
    "EW003": Code(ERROR, "an id or a salt is used twice"),
    "EW004": Code(ERROR, "a value of the wrong form: not the type, range or choice the field takes"),
    "EW005": Code(ERROR, "a required field is missing"),
    "EW006": Code(ERROR, "the book's folder, or a file in it, cannot be read or is beyond a bound"),
    "EW007": Code(ERROR, "a name that cannot be read in conditions: a keyword, malformed, or a prefix of another"),
    "EW008": Code(ERROR, "a signal whose declaration does not fit its type or source"),
    "EW009": Code(ERROR, "the aggregates of a scope, those of models too, need more state than a record may hold"),
    "EW010": Code(ERROR, "a model file that cannot be read or is refused"),
    "EW101": Code(ERROR, "no `otherwise` pathway"),
    "EW102": Code(ERROR, "a pathway after `otherwise` is never reached"),
    "EW103": Code(ERROR, "a decision point without a default"),
    "EW105": Code(ERROR, "a pathway with both or neither of `when` and `otherwise`"),
    "EW106": Code(ERROR, "an overlay or pathway delta with both or neither of `set` and `omit`"),
    "EW107": Code(ERROR, "a cap that is incomplete or has nothing to count"),
    "EW120": Code(ERROR, "two live scenarios contest a decision point at equal priority"),
    "EW200": Code(ERROR, "a condition that does not parse"),
    "EW201": Code(ERROR, "an unknown signal or policy constant"),
    "EW202": Code(ERROR, "a condition that does not fit the types of its signals"),
    "EW203": Code(ERROR, "an unknown segment"),
    "EW204": Code(ERROR, "an unknown pathway"),
    "EW205": Code(ERROR, "an unknown content id"),
    "EW206": Code(ERROR, "an unknown outcome, purpose or decision point"),
    "EW207": Code(ERROR, "an unknown model, or an output it does not have"),
    "EW208": Code(ERROR, "a model reads a signal that is not declared, or is declared with another type"),
    "EW301": Code(ERROR, "no primary outcome"),
    "EW302": Code(ERROR, "no baseline on a live scenario"),
    "EW303": Code(WARNING, "the primary outcome is only a leading one"),
    "EW304": Code(ERROR, "a live scenario without an experiment, or without a reason for having none"),
    "EW305": Code(ERROR, "the arms do not sum to 100"),
    "EW306": Code(ERROR, "an overlay touches the outcome"),
    "EW501": Code(WARNING, "an overlay without an explanation"),
    "EW601": Code(WARNING, "more live scenarios than the limit"),
    "EW602": Code(WARNING, "more signals in a scenario than the limit"),
    "EW701": Code(ERROR, "live while an operation is not done"),
    "EW702": Code(ERROR, "what the stage of a scenario requires is missing"),
    "EW901": Code(ERROR, "a test fails"),
    "EW903": Code(ERROR, "the engine refuses the compiled book"),
    "EW904": Code(WARNING, "a test gives what the engine does not take as it is written"),
}


def finding(code: str, file: str, line: int, column: int, message: str, hint: str | None = None) -> Finding:
    """A finding with the severity its code has in the table."""
    return Finding(code, CODES[code].severity, file, line, column, message, hint)
