"""A mistake inside of a condition is shown where it stands in the file, however the text is written."""

import pytest

SCENARIO = "scenarios/a-return.yaml"
CONTEXT = "context: \"order.channel == 'online'\""


@pytest.mark.parametrize(
    "written",
    [
        "context: \"¦order.chanel == 'online'\"",
        "context: 'order.days >= 1 && ¦order.chanel == \"online\"'",
        "context: 'order.channel == ''online'' && ¦order.dayz > 3'",
        'context: "order.channel == \\"online\\" && ¦order.dayz > 3"',
        'context: "order.channel == \\u0022online\\u0022 && ¦order.dayz > 3"',
        "context: |\n  order.channel == 'online'\n  && ¦order.dayz > 3",
        "context: |-\n    order.channel == 'online'\n      && ¦order.dayz > 3\n      && order.final",
        "context: >\n  order.channel == 'online'\n  && ¦order.dayz > 3",
        "context: \"order.channel == 'online'\n  && ¦order.dayz > 3\"",
        "context: \"order.channel == 'online' \\\n  && ¦order.dayz > 3\"",
        "context:\n  # a comment\n  '¦order.dayz > 3'",
        "context: |\n  order.channel == 'ö' || order.channel == '😀' || ¦order.dayz > 3",
    ],
)
def test_an_unknown_signal_is_shown_in_the_file(book, written):
    book.edit(SCENARIO, CONTEXT, written)
    marked = book.read(SCENARIO)
    book.write(SCENARIO, marked.replace("¦", ""))
    before = marked[: marked.index("¦")]

    [finding] = [finding for finding in book.check() if finding.code == "EW201"]

    assert (finding.line, finding.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))


def test_line_ends_of_windows_move_nothing(book):
    book.edit(SCENARIO, CONTEXT, "context: |\n  order.channel == 'online'\n  && order.dayz > 3")
    [expected] = [finding for finding in book.check() if finding.code == "EW201"]
    book.write(SCENARIO, book.read(SCENARIO).replace("\n", "\r\n"))

    [finding] = [finding for finding in book.check() if finding.code == "EW201"]

    assert (finding.line, finding.column) == (expected.line, expected.column)


def test_all_unknown_names_and_the_wrong_type_of_one_condition_show_at_once(book):
    book.edit(SCENARIO, CONTEXT, "context: \"order.chanel == 'a' && order.final > 3 && policy.window_day == 2\"")

    findings = [(finding.code, finding.column) for finding in book.check() if finding.line == 10]

    assert [code for code, _ in findings] == ["EW201", "EW202", "EW201"]
