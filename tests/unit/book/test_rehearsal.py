"""The tests of a book run in the real engine, and fail with what was expected and what came."""
# ruff: noqa: E501, ISC004 -- one row a test

import pytest

SCENARIO = "scenarios/a-return.yaml"
TESTS = "  - {name: closed, signals: {order.channel: online, order.days: 45}, expect: {pathway: late}}\n"


def with_test(book, test):
    book.edit(SCENARIO, TESTS, f"{TESTS}  - {test}\n")


def failures(book):
    findings = book.check()
    assert {finding.code for finding in findings} <= {"EW901"}, findings
    return [finding.message.partition(" fails: ")[2] for finding in findings]


GIVEN = "order.channel: online, order.days: 5"


@pytest.mark.parametrize(
    "test",
    [
        "{name: t, signals: {GIVEN}, expect: {pathway: in_window, segment: null, action: render}}",
        "{name: t, signals: {GIVEN}, expect: {value: {tone: plain, content: how-to}}}",
        "{name: t, signals: {GIVEN, visit.views: 3}, expect: {segment: browsing, action: omit, value: null}}",
        "{name: t, signals: {GIVEN, user.contacts: 1}, expect: {segment: needs_help, arm: personalized}}",
        "{name: t, signals: {GIVEN, user.contacts: 1}, arm: default, expect: {segment: needs_help, arm: default, "
        "value: {content: how-to, tone: plain}}}",
        "{name: t, signals: {GIVEN, user.contacts: 1}, arm: as_is, expect: {action: own, segment: needs_help, value: null}}",
        "{name: t, signals: {GIVEN, user.contacts: 1}, arm: as_is, "
        "expect: {decision_points: {page.header: {segment: needs_help}}}}",
        "{name: t, signals: {GIVEN, user.contacts: 1}, consent: {purposes: {personalize: false}}, expect: {segment: null}}",
        "{name: t, signals: {GIVEN, user.contacts: {value: 1, observedAt: '2025-12-30T00:00:00Z'}}, expect: {segment: null}}",
        "{name: t, signals: {GIVEN, user.contacts: {value: 1, observedAt: '2026-01-01T00:00:00Z'}}, "
        "expect: {segment: needs_help}}",
        "{name: t, signals: {order.channel: store}, expect: {scenario: null, pathway: null, reason: FALLBACK}}",
        "{name: t, signals: {GIVEN}, events: [{event: Product Viewed}, {event: Product Viewed}, {event: Product Viewed}], "
        "expect: {segment: browsing}}",
        "{name: t, signals: {GIVEN}, events: [{event: Product Viewed}, {event: Product Viewed}], expect: {segment: null}}",
        "{name: t, signals: {GIVEN}, at: 2026-11-21T10:00:00Z, expect: {decision_points: {page.header: {pathway: in_window}}}}",
    ],
)
def test_what_is_so_passes(book, test):
    with_test(book, test.replace("GIVEN", GIVEN))

    assert failures(book) == []


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("{name: t, signals: {GIVEN}, expect: {pathway: late}}", "expected pathway `late`, got `in_window`"),
        ("{name: t, signals: {GIVEN}, expect: {segment: browsing}}", "expected segment `browsing`, got `null`"),
        (
            "{name: t, signals: {GIVEN, visit.views: 3}, expect: {segment: null}}",
            "expected segment `null`, got `browsing`",
        ),
        (
            "{name: t, signals: {GIVEN}, expect: {reason: FALLBACK}}",
            "expected reason `FALLBACK`, got `TARGETING_MATCH`",
        ),
        ("{name: t, signals: {GIVEN}, expect: {action: omit}}", "expected action `omit`, got `render`"),
        (
            "{name: t, signals: {GIVEN}, expect: {value: {content: x}}}",
            'expected value `{"content":"x"}`, got `{"content":"how-to","tone":"plain"}`',
        ),
        (
            "{name: t, signals: {GIVEN}, expect: {decision_points: {page.header: {segment: browsing}}}}",
            "at `page.header` expected segment `browsing`, got `null`",
        ),
    ],
)
def test_what_is_not_so_fails_with_both_sides(book, test, message):
    with_test(book, test.replace("GIVEN", GIVEN))

    assert failures(book) == [message]


def test_all_failures_of_a_test_show_in_their_places(book):
    with_test(
        book,
        "{name: t, signals: {order.channel: online, order.days: 5},\n     expect: {pathway: late,\n       reason: SPLIT}}",
    )

    findings = book.check()

    assert [(finding.line, finding.column) for finding in findings] == [(37, 24), (38, 16)]


@pytest.mark.parametrize(
    ("given", "expected", "hint"),
    [
        ("order.channel: store", "scenario: a-return, pathway: late", "the context is false"),
        ("order.channel: store", "pathway: late, reason: SPLIT", "the context is false"),
        ("order.days: 45", "pathway: late, action: omit", "the context is unknown: `order.channel` is missing"),
        ("order.channel: 3", "reason: SPLIT, action: omit", "the context is unknown: `order.channel` is invalid"),
    ],
)
def test_a_context_that_is_not_true_is_one_failure_with_its_reason(book, given, expected, hint):
    with_test(book, f"{{name: t, signals: {{{given}}}, expect: {{{expected}}}}}")

    assert [finding.hint for finding in book.check() if finding.code == "EW901"] == [hint]


def test_what_is_expected_of_another_answer_than_the_scenarios_is_compared_field_by_field(book):
    with_test(book, "{name: t, signals: {order.channel: store}, expect: {scenario: null, action: omit, value: 3}}")

    assert [finding.hint for finding in book.check()] == [None, None]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("signals: {order.channel: onlin}", "`onlin` is not a value of `order.channel`"),
        ("signals: {order.days: soon}", "`signals.order.days` "),
        ("events: [{event: 3}]", "`events[0]` "),
        ("events: [{event: A, timestamp: yesterday}]", "`events[0]` "),
        ("context: {timezone: Nowhere}", "`context.timezone` "),
    ],
)
def test_what_the_engine_does_not_take_is_a_warning(book, given, message):
    with_test(book, f"{{name: t, {given}, expect: {{scenario: null}}}}")

    [finding] = book.check()

    assert (finding.code, finding.severity) == ("EW904", "warning")
    assert finding.message.startswith(f"the test `t`: {message}")


def test_events_take_the_clock_of_the_last_one(book):
    events = ", ".join(f"{{event: Product Viewed, timestamp: 2026-11-2{day}T10:00:00Z}}" for day in (1, 2))
    with_test(
        book, f"{{name: t, signals: {{{GIVEN}}}, events: [{events}], expect: {{pathway: in_window, segment: null}}}}"
    )

    assert failures(book) == []


def test_a_designed_scenario_is_tried_as_if_it_alone_were_live(book):
    text = (
        book.read(SCENARIO)
        .replace("id: a-return", "id: b")
        .replace("id: e-1", "id: e-2")
        .replace("salt: s-1", "salt: s-2")
    )
    text = text.replace("status: live", "status: designed").replace("expect: {pathway: late}", "expect: {scenario: b}")
    book.write("scenarios/b.yaml", text)

    assert book.check() == []


def test_a_live_scenario_is_tried_among_the_others(book):
    text = (
        book.read(SCENARIO)
        .replace("id: a-return", "id: b")
        .replace("id: e-1", "id: e-2")
        .replace("salt: s-1", "salt: s-2")
    )
    book.write("scenarios/b.yaml", text.replace("priority: 20", "priority: 30"))
    book.edit(SCENARIO, "expect: {pathway: late}", "expect: {scenario: b}")

    assert book.check() == []


def test_a_fault_elsewhere_does_not_keep_tests_from_running(book):
    book.edit("book.yaml", "timezone: Europe/Berlin", "timezone: Nowhere")
    book.edit(SCENARIO, "expect: {pathway: late}", "expect: {pathway: in_window}")

    assert book.codes() == ["EW004", "EW901"]
