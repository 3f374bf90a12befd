"""The models of a bundle as the decision loop asks them: within a budget, behind a breaker, counted, swapped whole."""

import json
import math
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from edgewise.intent import (
    Ledger,
    ModelError,
    ModelSet,
    Verdicts,
    add_up,
    buckets_of,
    declarations,
    declared_in,
    read_ledger,
    statuses,
    worst_states,
)


class Clock:
    """A clock that moves by `step_s` whenever it is read."""

    def __init__(self) -> None:
        self.now, self.step_s = 100.0, 0.0

    def __call__(self) -> float:
        self.now += self.step_s
        return self.now


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory) -> Verdicts:
    return Verdicts(tmp_path_factory.mktemp("verdicts"))


@pytest.fixture
def made(recipe):
    return recipe()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger.open(tmp_path / "worker-0.models")


@pytest.fixture
def models(made, verdicts, clock, ledger) -> ModelSet:
    model = made.make()
    return ModelSet.prepare(
        {"intent": model.declaration},
        {model.digest: model.data}.__getitem__,
        verdicts=verdicts,
        clock=clock,
        ledger=ledger,
    )


def run(models: ModelSet, ids, vals, budget_ms=None):
    """Ask about one row: its probabilities, or None for any reason."""
    answer = models.run("intent", ids, vals, budget_ms)
    if isinstance(answer, str):
        return None
    [row] = answer
    return row


def counts(models: ModelSet, name: str = "intent"):
    return models.members[name].tally.read()


def skipped(models: ModelSet, name: str = "intent") -> dict[str, int]:
    return {reason: count for reason, count in counts(models, name).skipped.items() if count}


class TestRun:
    def test_probabilities_by_head(self, models, made) -> None:
        found = run(models, *made.rows_of([1, 2], [1, 1]), budget_ms=50)
        scores = made.weights[1] + made.weights[2] + made.bias
        assert found == pytest.approx(1 / (1 + np.exp(-scores)), abs=1e-6)
        assert (counts(models).runs, counts(models).failures, skipped(models)) == (1, 0, {})

    def test_a_model_that_no_bundle_declares_gives_nothing(self, models, made) -> None:
        assert models.run("other", *made.rows_of([], []), budget_ms=None) == "absent"
        assert ModelSet().run("intent", *made.rows_of([], [])) == "absent"

    def test_rows_together_get_what_they_get_alone_in_one_run(self, models, made) -> None:
        ids = np.concatenate([made.rows_of([number], [1])[0] for number in range(7)])
        vals = np.concatenate([made.rows_of([number], [1])[1] for number in range(7)])
        together = models.run("intent", ids, vals)
        assert (counts(models).runs, counts(models).rows) == (1, 7)
        assert together == [pytest.approx(run(models, ids[[row]], vals[[row]]), abs=1e-6) for row in range(7)]

    def test_one_bad_row_fails_its_run_and_counts_for_all(self, models, made) -> None:
        ids = np.concatenate([made.rows_of([1], [1])[0]] * 3)
        vals = np.concatenate([made.rows_of([1], [value])[1] for value in (1, np.nan, 1)])
        assert models.run("intent", ids, vals) == "failed"
        assert (counts(models).failures, skipped(models)) == (1, {"failed": 3})

    @pytest.mark.parametrize("budget_ms", [0.99, 0.0, -3.0, math.nan])
    def test_with_too_little_budget_it_is_not_even_begun(self, models, made, budget_ms) -> None:
        assert run(models, *made.rows_of([], []), budget_ms=budget_ms) is None
        assert (counts(models).runs, skipped(models)) == (0, {"budget": 1})

    @pytest.mark.parametrize("budget_ms", [1.0, 100.0, math.inf, None])
    def test_with_enough_budget_or_none_set_it_runs(self, models, made, budget_ms) -> None:
        assert run(models, *made.rows_of([], []), budget_ms=budget_ms) is not None

    def test_an_answer_that_comes_too_late_does_not_count(self, models, made, clock) -> None:
        clock.step_s = 0.008
        assert run(models, *made.rows_of([], []), budget_ms=5) is None
        assert (counts(models).runs, counts(models).failures, skipped(models)) == (1, 0, {"late": 1})
        assert run(models, *made.rows_of([], []), budget_ms=9) is not None

    def test_time_spent_adds_up(self, models, made, clock) -> None:
        clock.step_s = 0.002
        for _ in range(3):
            run(models, *made.rows_of([], []))
        assert counts(models).seconds == pytest.approx(0.006)


class TestBreaker:
    def bad(self, made):
        return made.rows_of([1], [np.nan])

    def test_after_failures_in_a_row_it_rests_and_then_is_tried_again(self, models, made, clock) -> None:
        assert [run(models, *self.bad(made)) for _ in range(7)] == [None] * 7
        assert (counts(models).runs, counts(models).failures) == (5, 5)
        assert skipped(models) == {"failed": 5, "resting": 2}
        state = models.states()["intent"]
        assert (state.state, state.stage, state.code, counts(models).openings) == ("resting", "run", "input", 1)
        assert models.is_degraded
        clock.now += 30
        assert run(models, *made.rows_of([1], [1])) is not None
        assert models.states()["intent"].state == "ready"
        assert not models.is_degraded

    def test_runs_that_keep_everybody_waiting_are_failures_too(self, models, made, clock) -> None:
        clock.step_s = 0.1
        assert all(run(models, *made.rows_of([], [])) for _ in range(5))
        assert run(models, *made.rows_of([], [])) is None
        assert (counts(models).failures, skipped(models)) == (5, {"resting": 1})
        assert models.states()["intent"].code == "slow"

    def test_many_rows_may_take_longer_than_one(self, models, made, clock) -> None:
        clock.step_s = 0.1
        ids, vals = (np.repeat(part, 100, axis=0) for part in made.rows_of([1], [1]))
        assert len(models.run("intent", ids, vals)) == 100
        assert counts(models).failures == 0

    def test_a_failure_of_any_kind_never_gets_out(self, models) -> None:
        assert models.run("intent", ["nonsense"], None) == "failed"
        assert skipped(models) == {"failed": 1}


class TestSwap:
    def test_a_model_that_is_the_same_is_kept_with_all_it_has(self, models, made, verdicts, ledger) -> None:
        run(models, *made.rows_of([], []))
        declared = {"intent": made.make().declaration}
        after = ModelSet.prepare(declared, unread, before=models, verdicts=verdicts, ledger=ledger)
        assert after.members["intent"] is models.members["intent"]
        assert counts(after).runs == 1

    def test_another_model_takes_its_place_and_counts_go_on(self, models, made, recipe, verdicts, ledger) -> None:
        run(models, *made.rows_of([], []))
        other = recipe(seed=2)
        after = ModelSet.prepare(
            {"intent": other.make().declaration},
            lambda _: other.make().data,
            before=models,
            verdicts=verdicts,
            ledger=ledger,
        )
        found = run(after, *made.rows_of([7], [1]))
        assert found == pytest.approx(1 / (1 + np.exp(-other.weights[7] - other.bias)), abs=1e-6)
        assert counts(after).runs == 2

    def test_a_refused_model_is_named_and_gives_nothing(self, made, recipe, verdicts) -> None:
        good, bad = made.make(), recipe(seed=3)
        bad.tensors["b"] = bad.array(bad.bias + 1, "b")
        spoiled = bad.make()
        data = {good.digest: good.data, spoiled.digest: spoiled.data}
        models = ModelSet.prepare(
            {"good": good.declaration, "bad": spoiled.declaration}, data.__getitem__, verdicts=verdicts
        )
        assert {name: (error.stage, error.code) for name, error in models.refusals.items()} == {
            "bad": ("golden", "mismatch")
        }
        assert models.is_degraded
        assert len(models.run("good", *made.rows_of([], []))) == 1
        assert models.run("bad", *made.rows_of([], [])) == "absent"
        assert skipped(models, "bad") == {"absent": 1}
        assert {name: state.state for name, state in models.states().items()} == {"good": "ready", "bad": "refused"}

    def test_a_file_that_is_gone_is_a_refusal_and_tried_again_with_the_next_bundle(self, made, verdicts) -> None:
        model = made.make()
        models = ModelSet.prepare({"intent": model.declaration}, unread, verdicts=verdicts)
        assert models.refusals["intent"].stage == "read"
        after = ModelSet.prepare({"intent": model.declaration}, lambda _: model.data, before=models, verdicts=verdicts)
        assert after.refusals == {}

    def test_other_heads_than_the_bundle_expects(self, made, recipe, verdicts) -> None:
        model = made.make()
        swapped = declarations(
            {"models": {"m": {"digest": model.digest, "spec": model.spec, "outputs": ["exit_now", "engaged"]}}}
        )
        models = ModelSet.prepare(swapped, lambda _: model.data, verdicts=verdicts)
        assert "expects the heads exit_now, engaged, the model gives engaged, exit_now" in str(models.refusals["m"])


def unread(digest: str) -> bytes:
    raise FileNotFoundError(2, "No such file or directory")


class TestStatus:
    def test_age_is_the_time_since_it_was_trained(self, models) -> None:
        status = statuses(models.states(), {}, datetime(2026, 1, 3, tzinfo=UTC))["intent"]
        assert (status.state, status.age_seconds) == ("ready", 2 * 86400)
        assert status.trained_at == datetime(2026, 1, 1, tzinfo=UTC)
        assert statuses(models.states(), {}, datetime(2025, 1, 1, tzinfo=UTC))["intent"].age_seconds == 0

    def test_the_worst_state_of_any_worker_is_the_nodes(self, models, made, verdicts) -> None:
        broken = ModelSet.prepare({"intent": made.make().declaration}, unread, verdicts=verdicts)
        worst = worst_states([models.states(), broken.states(), models.states()])["intent"]
        assert (worst.state, worst.stage) == ("refused", "read")


class TestLedger:
    def test_what_workers_count_adds_up(self, models, made, tmp_path) -> None:
        run(models, *made.rows_of([], []))
        run(models, *made.rows_of([], []), budget_ms=0)
        one = read_ledger(tmp_path / "worker-0.models")
        counted = statuses(models.states(), add_up([one, {}, one, {"other": one["intent"]}]))["intent"].counts
        assert (counted.runs, counted.rows, counted.skipped["budget"]) == (2, 2, 2)
        assert sum(buckets_of(one["intent"])) == 1

    def test_counting_goes_on_in_the_file_of_a_worker_before(self, models, made, tmp_path) -> None:
        run(models, *made.rows_of([], []))
        tally = Ledger.open(tmp_path / "worker-0.models").tally("intent")
        tally.ran(3, 0.5, has_failed=True)
        tally.opened()
        found = tally.read()
        assert (found.runs, found.rows, found.failures, found.openings) == (2, 4, 1, 1)
        assert found.seconds == pytest.approx(0.5, abs=0.1)

    def test_durations_fall_into_buckets(self, ledger, tmp_path) -> None:
        for seconds in (0.0, 1e-5, 2e-5, 60.0):
            ledger.tally("m").ran(1, seconds, has_failed=False)
        assert buckets_of(read_ledger(tmp_path / "worker-0.models")["m"]) == [2, 1] + [0] * 11 + [1]

    @pytest.mark.parametrize("content", [b"", b"edgemdl1", bytes(50_000)])
    def test_a_file_of_another_form_is_started_anew(self, tmp_path, content) -> None:
        path = tmp_path / "worker-0.models"
        path.write_bytes(content)
        assert read_ledger(path) == {}
        Ledger.open(path).tally("m").skipped(2, "late")
        assert list(read_ledger(path)) == ["m"]

    def test_more_models_than_there_are_places_are_counted_for_the_worker_alone(self, ledger, tmp_path) -> None:
        for number in range(70):
            ledger.tally(f"m{number}").skipped(1, "late")
        ledger.tally("m" * 200).skipped(1, "late")
        assert len(read_ledger(tmp_path / "worker-0.models")) == 64
        assert ledger.tally("m69").read().skipped["late"] == ledger.tally("m" * 200).read().skipped["late"] == 1


class TestDeclarations:
    def test_a_bundle_without_models_declares_none(self) -> None:
        assert declarations({}) == declarations({"models": None}) == declared_in(b'{"golden": []}') == {}

    def test_they_are_found_in_the_bytes_of_a_bundle(self, made) -> None:
        model = made.make()
        document = {"signals": {}, "models": {"m": {"digest": model.digest, "spec": model.spec, "outputs": ["a"]}}}
        assert declared_in(json.dumps(document).encode()) == declarations(document)

    @pytest.mark.parametrize("models", [[], {"m": {}}, {"m": {"digest": 1, "spec": "", "outputs": []}}])
    def test_malformed_ones_are_refused(self, models) -> None:
        with pytest.raises(ModelError, match="`models` are malformed"):
            declarations({"models": models})
        with pytest.raises(ModelError, match="`models` are malformed"):
            declared_in(json.dumps({"models": models}).encode())


def test_importing_the_package_brings_no_runtime() -> None:
    script = "import sys, edgewise.intent; print([m for m in ('numpy', 'onnx', 'onnxruntime') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
