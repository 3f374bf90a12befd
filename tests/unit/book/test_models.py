"""Models in a book: found by name, held to the rules, run by its tests, carried by its bundle."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from edgewise._core import Engine
from edgewise.book import BuildError, build, bundle_of, load, purposes_by_scenario
from edgewise.bundle import digest_of
from edgewise.intent import Verdicts, declared_in, probe, shipped_models

BOOK, SCENARIO = "book.yaml", "scenarios/a-return.yaml"
SHIPPED = Path(__file__).parents[3] / "models"
VIEWS = "  visit.views:   {type: int, source: session, count: {event: Product Viewed}}\n"
RISK = "  visit.risk: {type: float, source: model, model: ¦journey_intent, output: exit_now}\n"
INPUTS = "".join(
    f"  visit.{name}: {{type: {kind}, source: request}}\n"
    for name, kind in {
        **dict.fromkeys(("visitor", "system", "browser", "region", "traffic"), "string"),
        "weekend": "bool",
        "month": "int",
        "special_day": "float",
    }.items()
)
BUYS = "  visit.buys: {type: float, source: model, model: ¦purchase_intent, output: purchase}\n"
VIEWED = "{event: Product Viewed, properties: {product_id: A1, category: sale, price: 20, page: 1}}"


def declare(book, *lines):
    """Declare signals below the others; `¦` marks where a finding must point."""
    book.edit(BOOK, VIEWS, VIEWS + "".join(lines))
    marked = book.read(BOOK)
    book.write(BOOK, marked.replace("¦", ""))
    before = marked.partition("¦")[0]
    return (before.count("\n") + 1, len(before) - before.rfind("\n"))


def own_model(book, name="mine", model="journey_intent", change=None):
    data = (SHIPPED / f"{model}.onnx").read_bytes()
    book.write(f"models/{name}.onnx", change(data) if change else data)


def other_answer(data):
    """Let a model say that it once answered otherwise than it does."""
    return re.sub(rb'"p":\[0\.\d', b'"p":[0.9', data, count=1)


@pytest.fixture
def risky(book):
    """A book whose first pathway is for visitors who will leave."""
    declare(book, RISK)
    book.edit(SCENARIO, "pathways:\n", 'pathways:\n  - {id: leaving, when: "visit.risk >= 0.05"}\n')
    return book


class TestFindings:
    """Each seeded fault is found alone, where the signal names the model."""

    @pytest.mark.parametrize(
        ("line", "code", "message", "hint"),
        [
            (RISK.replace("journey_", "jurney_"), "EW207", "unknown model `jurney_intent`", "`journey_intent`?"),
            (RISK.replace("journey_intent", "x"), "EW207", "unknown model `x`", "known: `journey_intent`, `mine`, `p"),
            (
                RISK.replace("¦", "").replace("exit_now", "¦exit"),
                "EW207",
                "unknown output of `journey_intent`: `exit`",
                "did you mean `exit_now`?",
            ),
            (RISK.replace("type: float", "¦type: int").replace("model: ¦", "model: "), "EW008", "not int", "float"),
            (BUYS, "EW208", "reads `visit.", "declare it as `visit."),
            (
                INPUTS.replace("month: {type: int", "month: {type: string") + BUYS,
                "EW208",
                "reads `visit.month` as int, and it is declared as string",
                "`type: int`",
            ),
            (
                INPUTS.replace(
                    "day: {type: float, source: request",
                    "day: {type: float, source: model, model: mine, output: exit_now",
                )
                + BUYS,
                "EW208",
                "reads `visit.special_day`, which a model sets",
                None,
            ),
        ],
    )
    def test_what_a_signal_asks_for_is_not_there(self, book, line, code, message, hint):
        own_model(book)
        place = declare(book, line)

        findings = book.check()

        assert {(finding.code, finding.file, (finding.line, finding.column)) for finding in findings} == {
            (code, BOOK, place)
        }
        assert message in findings[0].message
        assert (hint or "") in (findings[0].hint or "")

    @pytest.mark.parametrize(
        ("change", "hint"),
        [
            (lambda data: b"no model", "stage `parse`, code `malformed`"),
            (lambda data: data[:-1], "stage `parse`, code `malformed`"),
            (lambda data: data.replace(b"Gather", b"GatheX", 1), "stage `policy`, code `operator`"),
            (lambda data: data.replace(b'"bits":14', b'"bits":13', 1), "stage `metadata`, code `spec_digest`"),
            (lambda data: data + bytes(9 * 1024 * 1024), "stage `size`, code `too_large`"),
        ],
    )
    def test_a_file_that_breaks_a_rule_is_refused_by_check(self, book, change, hint):
        own_model(book, change=change)
        place = declare(book, RISK.replace("journey_intent", "mine"))

        [finding] = book.check()

        assert (finding.code, (finding.line, finding.column), finding.hint) == ("EW010", place, hint)

    def test_a_file_that_cannot_be_read_is_said_to_be_so(self, book):
        (book.path / "models" / "mine.onnx").mkdir(parents=True)
        declare(book, RISK.replace("journey_intent", "mine"))

        [finding] = book.check()

        assert (finding.code, finding.hint) == ("EW010", "stage `read`, code `unreadable`")

    @pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
    def test_a_pipe_or_a_device_is_no_model(self, book, make):
        (book.path / "models").mkdir()
        make(book.path / "models" / "mine.onnx")
        declare(book, RISK.replace("journey_intent", "mine"))

        [finding] = book.check()

        assert finding.message.endswith("the file cannot be read: it is no regular file")

    def test_a_model_keeps_no_more_state_than_there_is_room_beside_the_signals(self, book):
        ring = "  visit.r{0}: {{type: string_set, source: session, ring: {{event: E, property: p{0}, size: 32}}}}\n"
        while not book.check():
            fitting = book.read(BOOK)
            declare(book, ring.format(fitting.count("ring:")))
        book.write(BOOK, fitting)
        place = declare(book, RISK)

        [finding] = book.check()

        assert (finding.code, (finding.line, finding.column)) == ("EW009", place)
        assert "the model `journey_intent` is refused" in finding.message

    def test_a_broken_registry_makes_no_input_unknown(self, book):
        declare(book, INPUTS.replace("month: {", "month: [{"), BUYS)

        assert book.codes() == ["EW001"]


class TestWhereModelsComeFrom:
    def test_the_shipped_models_are_those_of_the_repository(self):
        assert {name: path.read_bytes() for name, path in shipped_models().items()} == {
            path.stem: path.read_bytes() for path in SHIPPED.glob("*.onnx")
        }

    def test_a_model_of_the_book_comes_before_a_shipped_one(self, book):
        shutil.copytree(SHIPPED, book.path / "models")
        own_model(book, "journey_intent", change=other_answer)
        declare(book, RISK)

        assert load(book.path).models["journey_intent"].digest == digest_of(
            other_answer((SHIPPED / "journey_intent.onnx").read_bytes())
        )

    def test_models_that_no_signal_names_are_left_where_they_are(self, book):
        book.write("models/broken.onnx", b"no model")

        assert book.check() == []
        assert build(book.path).models == {}


class TestBundle:
    def test_it_carries_the_models_that_signals_name(self, risky):
        bundle = build(risky.path)
        data = (SHIPPED / "journey_intent.onnx").read_bytes()
        [(name, model)] = bundle.document()["models"].items()

        assert bundle.models == {digest_of(data): data}
        assert (name, model["digest"]) == ("journey_intent", digest_of(data))
        assert model["outputs"] == ["engaged", "sale_seeker", "exit_now"]
        assert digest_of(model["spec"].encode()) == load(risky.path).models[name].metadata.spec_digest
        assert Engine.from_bundle(bundle.data).self_test() == 1

    def test_a_changed_model_is_a_changed_scenario_where_it_is_read(self, risky):
        before = build(risky.path).document()["scenarios"][0]["digest"]
        own_model(risky, "journey_intent", change=lambda data: data.replace(b"CC BY 4.0", b"CC BY 4.1", 1))

        assert build(risky.path).document()["scenarios"][0]["digest"] != before

    def test_what_a_model_reads_belongs_to_the_scenario_too(self, book):
        declare(book, INPUTS, BUYS)
        book.edit(SCENARIO, "pathways:\n", 'pathways:\n  - {id: buying, when: "visit.buys >= 0.9"}\n')
        before = build(book.path).document()["scenarios"][0]["digest"]
        book.edit(BOOK, "visit.month: {type: int,", "visit.month: {type: int, min: 1,")

        assert build(book.path).document()["scenarios"][0]["digest"] != before

    def test_a_model_is_tried_once_where_verdicts_are_kept(self, risky, tmp_path):
        own_model(risky, "journey_intent")
        verdicts = Verdicts(tmp_path / "probes")

        bundle = bundle_of(load(risky.path, verdicts))

        [declared] = declared_in(bundle.data).values()
        named = (bundle.models[declared.digest], declared.digest, declared.spec_digest, declared.slots)
        assert probe(*named, verdicts=verdicts).is_cached

    def test_a_model_that_does_not_answer_as_it_did_is_not_built(self, book):
        own_model(book, change=other_answer)
        place = declare(book, RISK.replace("journey_intent", "mine"))
        assert book.check() == []

        with pytest.raises(BuildError) as caught:
            build(book.path)

        [finding] = caught.value.findings
        assert (finding.code, (finding.line, finding.column)) == ("EW010", place)
        assert finding.hint == "stage `golden`, code `mismatch`"


class TestPurposes:
    def test_a_signal_of_a_model_has_those_of_what_its_model_reads(self, risky):
        assert purposes_by_scenario(load(risky.path)) == {"a-return": ["personalize"]}
        risky.edit(BOOK, "{basis: consent}", "{basis: consent}\n  remember: {basis: consent}")
        risky.edit(BOOK, "count: {event: Product Viewed}}", "count: {event: Product Viewed}, purposes: [remember]}")
        risky.edit(SCENARIO, "      - {segment: browsing", "#")

        assert load(risky.path).inherited_purposes["visit.risk"] == ["remember"]
        assert purposes_by_scenario(load(risky.path)) == {"a-return": ["remember", "personalize"]}


class TestTests:
    """Tests of a book run the model, unless they say what it gave."""

    def add(self, book, test):
        book.edit(SCENARIO, "tests:\n", f"tests:\n  - {test}\n")

    def test_events_run_the_model(self, risky):
        self.add(
            risky,
            f"{{name: t, signals: {{order.channel: online}}, events: [{VIEWED}], expect: {{pathway: leaving}}}}",
        )
        bundle = build(risky.path)
        golden = bundle.document()["golden"][0]

        assert set(golden["outputs"]) == {"journey_intent"}
        assert all(output == round(output, 5) for output in golden["outputs"]["journey_intent"])
        assert golden["decisions"]["page.header"]["pathway"] == "leaving"
        assert Engine.from_bundle(bundle.data).self_test() == 2

    def test_outputs_in_a_bundle_are_what_its_golden_decisions_rest_on(self, risky):
        self.add(
            risky,
            f"{{name: t, signals: {{order.channel: online}}, events: [{VIEWED}], expect: {{pathway: leaving}}}}",
        )
        document = build(risky.path).document()
        document["golden"][0]["outputs"]["journey_intent"][2] = 0.04

        with pytest.raises(Exception, match="golden `a-return: t`"):
            Engine.from_bundle(json.dumps(document).encode()).self_test()

    @pytest.mark.parametrize(("given", "pathway"), [("0.9", "leaving"), ("0.01", "unknown"), ("null", "unknown")])
    def test_a_test_may_say_what_the_model_gave(self, risky, given, pathway):
        signals = f"signals: {{order.channel: online, visit.risk: {given}}}"
        self.add(risky, f"{{name: t, {signals}, events: [{VIEWED}], expect: {{pathway: {pathway}}}}}")

        assert risky.check() == []

    def test_without_events_there_is_nothing_to_run_it_on(self, risky):
        self.add(risky, "{name: t, signals: {order.channel: online}, expect: {pathway: unknown}}")

        assert risky.check() == []

    def test_a_model_that_is_refused_when_a_test_needs_it_is_found_once(self, risky):
        own_model(risky, "journey_intent", change=other_answer)
        for number in range(2):
            self.add(
                risky,
                f"{{name: t{number}, signals: {{order.channel: online}}, events: [{VIEWED}], "
                "expect: {pathway: leaving}}",
            )

        [finding] = risky.check()

        assert (finding.code, finding.hint) == ("EW010", "stage `golden`, code `mismatch`")

    @pytest.mark.parametrize("model", [b"no model", None])
    def test_without_the_model_no_test_that_needs_it_is_said_to_fail(self, risky, model):
        """What is wrong is the model: whoever mends it should not look for mistakes in tests that have none."""
        if model is None:
            risky.edit(BOOK, "model: journey_intent", "model: jurney_intent")
        else:
            risky.write("models/journey_intent.onnx", model)
        self.add(
            risky,
            f"{{name: t, signals: {{order.channel: online}}, events: [{VIEWED}], expect: {{pathway: leaving}}}}",
        )

        assert risky.codes() == ["EW010" if model else "EW207"]
