"""Rules over several files, stages and limits; and everything at once."""

import os
from pathlib import Path

import pytest

from edgewise.book import CODES, checking, load, purposes_by_scenario
from edgewise.errors import BundleError

BOOK, SCENARIO = "book.yaml", "scenarios/a-return.yaml"


def second(book, **changes):
    """A second live scenario, sound beside the first."""
    text = book.read(SCENARIO)
    for old, new in {
        "id: a-return": "id: b-return",
        "priority: 20": "priority: 21",
        "id: e-1": "id: e-2",
        "salt: s-1": "salt: s-2",
        **changes,
    }.items():
        assert old in text
        text = text.replace(old, new, 1)
    book.write("scenarios/b-return.yaml", text)


def places(findings):
    return [(finding.code, finding.file, finding.line) for finding in findings]


def test_a_sound_book_has_no_findings(book):
    assert book.check() == []


def test_a_second_scenario_is_sound_beside_the_first(book):
    second(book)

    # its context is the same, so the first is never reached: its test is tried among both
    assert [finding.code for finding in book.check()] == []


def test_everything_is_found_at_once_over_all_files(book):
    second(book)
    book.edit(BOOK, "percent: 2", "percent: two")
    book.edit(BOOK, "visit.views >= 3", "visit.view >= 3")
    book.edit(BOOK, "timezone: Europe/Berlin", "timzone: Europe/Berlin")
    book.edit(SCENARIO, "segment: needs_help", "segment: need_help")
    book.edit(SCENARIO, "personalized: 45", "personalized: 46")
    book.edit(
        SCENARIO, '{id: late, when: "order.days > policy.window_days"}', "{id: late, when: order.final in [true]}"
    )
    book.edit("scenarios/b-return.yaml", "id: e-2", "id: e-1")
    book.write("scenarios/d.yaml", "[1, 2]\n")
    book.write("scenarios/e.yml", "kind: Scenario\n")

    findings = book.check()

    assert places(findings) == [
        ("EW002", BOOK, 3),
        ("EW201", BOOK, 13),
        ("EW004", BOOK, 23),
        ("EW001", SCENARIO, 13),
        ("EW203", SCENARIO, 21),
        ("EW305", SCENARIO, 26),
        ("EW003", "scenarios/b-return.yaml", 26),
        ("EW004", "scenarios/d.yaml", 1),
        ("EW006", "scenarios/e.yml", 1),
    ]
    assert all(finding.severity is CODES[finding.code].severity for finding in findings)


def test_a_broken_registry_does_not_hide_the_scenarios(book):
    book.write(BOOK, "signals: [\n")
    book.edit(SCENARIO, "personalized: 45", "personalized: 46")

    codes = {finding.code for finding in book.check() if finding.file == SCENARIO}

    assert "EW305" in codes


def test_names_that_could_not_be_read_are_not_called_unknown(book):
    book.edit(
        BOOK, "  order.channel: {type: enum, values: [online, store], source: request}", "  order.channel: {type: ["
    )
    book.edit(BOOK, '  needs_help: {when: "user.contacts >= 1"}', "  needs_help: {when: !x && y}")

    assert [finding.code for finding in book.check()] == ["EW001", "EW001"]


def test_a_book_without_scenarios_is_sound(book):
    (book.path / SCENARIO).unlink()

    assert book.check() == []


def test_contested_decision_points_need_priorities(book):
    second(book, **{"priority: 21": "priority: 20"})

    [finding] = book.check()

    assert places([finding]) == [("EW120", "scenarios/b-return.yaml", 16)]
    assert finding.message == "`a-return` serves `page.header` too, also at priority 20"


def test_a_paused_scenario_contests_nothing(book):
    second(book, **{"priority: 21": "priority: 20", "status: live": "status: paused"})

    assert book.check() == []


def test_an_id_names_one_scenario(book):
    second(book, **{"id: b-return": "id: a-return"})

    assert places(book.check()) == [("EW003", "scenarios/b-return.yaml", 3)]


@pytest.mark.parametrize(("limit", "codes"), [(0, ["EW601"]), (1, [])])
def test_live_scenarios_are_limited(book, limit, codes):
    book.edit(BOOK, "global_holdout", f"limits: {{max_live_scenarios: {limit}}}\nglobal_holdout")

    assert book.codes() == codes


@pytest.mark.parametrize(("limit", "codes"), [(3, ["EW602"]), (4, [])])
def test_signals_of_a_scenario_are_limited(book, limit, codes):
    book.edit(BOOK, "global_holdout", f"limits: {{max_signals_per_scenario: {limit}}}\nglobal_holdout")

    findings = book.check()

    assert [finding.code for finding in findings] == codes
    assert not findings or "`order.channel`, `order.days`, `user.contacts`, `visit.views`" in findings[0].message


def rings(number, size):
    return "".join(
        f"  visit.ring{n}: {{type: string_set, source: session, ring: {{event: E{n}, property: p, size: {size}}}}}\n"
        for n in range(number)
    )


def test_more_state_than_a_record_holds_is_refused(book):
    book.edit(BOOK, "segments:\n", f"{rings(64, 32)}segments:\n")

    [finding] = book.check()

    assert finding.code == "EW009"
    assert "a record could take" in finding.message


def test_an_aggregate_beyond_a_bound_is_shown_where_it_is(book):
    decay = "  visit.heat: {type: float, source: session, decay: {event: E, half_life: 9999w}}\n"
    book.edit(BOOK, "segments:\n", f"{decay}{rings(1, 4)}segments:\n")

    [finding] = book.check()

    assert places([finding]) == [("EW008", BOOK, 11)]
    assert finding.message.startswith("`visit.heat`: the half-life of")


def test_a_gap_is_capped_within_a_day(book):
    dwell = "  visit.stay: {type: duration, source: session, dwell: {event: E, cap: 2d}}\n"
    book.edit(BOOK, "segments:\n", f"{dwell}segments:\n")

    [finding] = book.check()

    assert places([finding]) == [("EW008", BOOK, 11)]
    assert finding.message == "`visit.stay`: the cap of `172800000` ms is out of range: use 1 ms to a day"


@pytest.mark.parametrize("name", ["time", "time.hour.x", "geo", "geo.country.x", "time.hour"])
def test_names_do_not_collide_with_those_that_are_built_in(book, name):
    book.edit(BOOK, "  order.final:   {type: bool", f"  {name}:   {{type: bool")

    findings = book.check()

    assert [finding.code for finding in findings] == ["EW003" if name == "time.hour" else "EW007"]
    assert places(findings)[0][1:] == (BOOK, 8)


def test_a_syntax_error_brings_nothing_else_along(book):
    for text, expected in [("a: [\n", 1), (book.read(BOOK).replace("timezone", "\ttimezone"), 3)]:
        book.write(BOOK, text)
        assert places(book.check()) == [("EW001", BOOK, expected)]


@pytest.mark.parametrize(
    "line", ["owner: squad", "situation: Somebody", "context: ", "pathways:", "outcome:", "tests:"]
)
def test_a_tab_in_a_scenario_brings_nothing_else_along(book, line):
    book.edit(SCENARIO, f"\n{line}", f"\n\t{line}")

    assert {(finding.code, finding.file) for finding in book.check()} == {("EW001", SCENARIO)}


def test_an_enum_value_that_a_test_misspells_is_named(book):
    book.edit(SCENARIO, "signals: {order.channel: online", "signals: {order.channel: onlin")

    found = [(finding.code, finding.column, finding.hint) for finding in book.check()]

    assert found == [
        ("EW904", 45, "did you mean `online`?"),
        ("EW901", 87, "the context is unknown: `order.channel` is invalid"),
    ]


def test_content_is_checked_when_it_is_listed(book):
    book.edit(BOOK, "global_holdout", "content: [plain, how-to, close]\nglobal_holdout")

    [finding] = book.check()

    assert places([finding]) == [("EW205", SCENARIO, 19)]
    assert (finding.message, finding.hint) == ("unknown content `closed`", "did you mean `close`?")


STAGES = ["strawman", "refined", "mapped", "designed", "stress_tested", "live", "paused", "retired"]
STRAWMAN = """\
apiVersion: edgewise/v1
kind: Scenario
id: idea
status: STATUS
owner: squad
situation: Somebody has an idea.
goal: See whether it is one.
evidence: {review: {accuracy: 3, frequency: 3, impact: 3, on: 2026-08-12}}
"""
NEEDED = {
    "strawman": [],
    "refined": [],
    "mapped": ["evidence.as_is", "evidence.opportunities"],
    "designed": ["context", "pathways", "decision_points", "outcome"],
    "stress_tested": ["tests", "evidence.stress_test"],
    "live": ["experiment"],
    "paused": ["experiment"],
    "retired": ["experiment"],
}


@pytest.mark.parametrize("status", STAGES)
def test_what_is_required_grows_with_the_stage(book, status):
    book.write("scenarios/idea.yaml", STRAWMAN.replace("STATUS", status))
    reached = STAGES[: STAGES.index(status) + 1] if status not in ("paused", "retired") else STAGES[:6]

    messages = [finding.message for finding in book.check()]

    needed = {field for stage in reached for field in NEEDED[stage]}
    assert sorted(messages) == sorted(f"`{status}` needs `{field}`" for field in needed)


def test_a_cut_scenario_keeps_its_reason(book):
    book.write("scenarios/idea.yaml", STRAWMAN.replace("STATUS", "cut\nreason: nobody wanted it"))

    assert book.check() == []


def test_an_idea_may_read_signals_that_do_not_exist_yet(book):
    drafted = STRAWMAN + "context: \"weather.rain && order.channel == 'online'\"\n"
    book.write("scenarios/idea.yaml", drafted.replace("STATUS", "mapped\n") + 'pathways: [{id: a, when: "x.y > 3"}]\n')

    assert {finding.code for finding in book.check()} == {"EW702"}


def test_an_idea_is_checked_for_what_it_does_say(book):
    drafted = STRAWMAN.replace("STATUS", "strawman") + "context: \"order.channel == 'onlin' && x.y\"\n"
    book.write("scenarios/idea.yaml", drafted)

    assert places(book.check()) == [("EW202", "scenarios/idea.yaml", 9)]


def test_a_scenario_without_an_experiment_says_why(book):
    book.edit(SCENARIO, "{id: e-1, arms: {as_is: 10, default: 45, personalized: 45}, unit: user, salt: s-1}", "none")
    book.edit(SCENARIO, "version: 4", "version: 4\nreason: everybody must get it by law")

    assert book.check() == []


def test_purposes_are_derived_from_what_is_read(book):
    second(book, **{'      - {segment: needs_help, set: {tone: kind}, explain: "You contacted us."}\n': ""})

    assert purposes_by_scenario(load(book.path)) == {"a-return": ["personalize"], "b-return": []}


def test_the_findings_of_a_file_are_bounded(book):
    book.edit(BOOK, "segments:\n", "segments:\n" + "".join(f'  s{n}: {{whn: "a"}}\n' for n in range(1200)))

    findings = book.check()

    assert len(findings) == 1001
    assert findings[-1].code == "EW006"
    assert findings[-1].message.endswith("more findings")


def test_a_book_without_a_registry_is_one_finding(book):
    (book.path / BOOK).unlink()

    [finding] = book.check()

    assert (finding.code, finding.message) == ("EW006", "the book has no registry")
    assert places([finding]) == [("EW006", BOOK, 1)]


def test_a_file_that_cannot_be_read_is_a_finding(book):
    (book.path / "scenarios/gone.yaml").symlink_to(book.path / "nowhere")
    (book.path / "scenarios/folder.yaml").mkdir()

    assert places(book.check()) == [("EW006", "scenarios/folder.yaml", 1), ("EW006", "scenarios/gone.yaml", 1)]


def test_a_book_that_only_the_engine_refuses_is_a_finding(book, monkeypatch):
    class Refusing:
        @staticmethod
        def from_bundle(data):
            raise BundleError("scenarios[0]: not like this")

    monkeypatch.setattr(checking, "Engine", Refusing)

    [finding] = book.check()

    assert (finding.code, finding.message) == ("EW903", "the engine refuses the book: scenarios[0]: not like this")


def test_every_code_is_shown_by_a_test():
    texts = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))

    assert [code for code in CODES if f'"{code}"' not in texts] == []


def test_a_missing_otherwise_brings_no_unknown_pathway_in_tests_along(book):
    book.edit(SCENARIO, "  - {id: unknown, otherwise: true}\n", "")
    book.edit(SCENARIO, "expect: {pathway: late}", "expect: {pathway: unknown}")

    assert book.codes() == ["EW101"]


def test_a_tab_below_a_decision_point_brings_nothing_else_along(book):
    book.edit(SCENARIO, "    default: {content: how-to", "\tdefault: {content: how-to")

    assert [(finding.code, finding.hint) for finding in book.check()] == [("EW001", "indent with spaces, not tabs")]


def test_a_value_of_an_enum_without_quotes_is_said_to_need_them(book):
    book.edit(SCENARIO, "order.channel == 'online'", "order.channel == online")

    [finding] = book.check()

    assert (finding.code, finding.hint) == ("EW201", "a text stands in quotes: `'online'`")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("file", [BOOK, SCENARIO])
def test_what_is_no_regular_file_is_not_read(book, file, make):
    (book.path / file).unlink()
    make(book.path / file)

    found = [finding for finding in book.check() if finding.file == file]

    assert [(finding.code, finding.message) for finding in found] == [
        ("EW006", "the file cannot be read: it is no regular file")
    ]
