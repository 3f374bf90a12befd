"""The models of a bundle as the decision loop asks them: within a budget, behind a breaker, counted, swapped whole."""

import math
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from edgewise.intent import ModelError, ModelSet, Verdicts, add_up, declarations


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
def models(made, verdicts, clock) -> ModelSet:
    model = made.make()
    return ModelSet.prepare(
        {"intent": model.declaration}, {model.digest: model.data}.__getitem__, verdicts=verdicts, clock=clock
    )


def counts(models: ModelSet, name: str = "intent"):
    return next(status.counts for status in models.statuses() if status.name == name)


def skipped(models: ModelSet, name: str = "intent") -> dict[str, int]:
    return {reason: count for reason, count in counts(models, name).skipped.items() if count}


class TestRun:
    def test_probabilities_by_head(self, models, made) -> None:
        found = models.run("intent", *made.rows_of([1, 2], [1, 1]), budget_ms=50)
        scores = made.weights[1] + made.weights[2] + made.bias
        assert found == pytest.approx(1 / (1 + np.exp(-scores)), abs=1e-6)
        assert (counts(models).runs, counts(models).failures, skipped(models)) == (1, 0, {})

    def test_a_model_that_no_bundle_declares_gives_nothing(self, models, made) -> None:
        assert models.run("other", *made.rows_of([], []), budget_ms=None) is None
        assert ModelSet().run("intent", *made.rows_of([], [])) is None

    @pytest.mark.parametrize("budget_ms", [0.99, 0.0, -3.0, math.nan])
    def test_with_too_little_budget_it_is_not_even_begun(self, models, made, budget_ms) -> None:
        assert models.run("intent", *made.rows_of([], []), budget_ms=budget_ms) is None
        assert (counts(models).runs, skipped(models)) == (0, {"budget": 1})

    @pytest.mark.parametrize("budget_ms", [1.0, 100.0, math.inf, None])
    def test_with_enough_budget_or_none_set_it_runs(self, models, made, budget_ms) -> None:
        assert models.run("intent", *made.rows_of([], []), budget_ms=budget_ms) is not None

    def test_an_answer_that_comes_too_late_does_not_count(self, models, made, clock) -> None:
        clock.step_s = 0.008
        assert models.run("intent", *made.rows_of([], []), budget_ms=5) is None
        assert (counts(models).runs, counts(models).failures, skipped(models)) == (1, 0, {"late": 1})
        assert models.run("intent", *made.rows_of([], []), budget_ms=9) is not None

    def test_time_spent_adds_up(self, models, made, clock) -> None:
        clock.step_s = 0.002
        for _ in range(3):
            models.run("intent", *made.rows_of([], []))
        assert counts(models).seconds == pytest.approx(0.006)


class TestBreaker:
    def bad(self, made):
        return made.rows_of([1], [np.nan])

    def test_after_failures_in_a_row_it_rests_and_then_is_tried_again(self, models, made, clock) -> None:
        assert [models.run("intent", *self.bad(made)) for _ in range(7)] == [None] * 7
        assert (counts(models).runs, counts(models).failures) == (5, 5)
        assert skipped(models) == {"failed": 5, "resting": 2}
        [status] = models.statuses()
        assert (status.state, status.openings, status.stage, status.code) == ("resting", 1, "run", "input")
        assert models.is_degraded
        clock.now += 30
        assert models.run("intent", *made.rows_of([1], [1])) is not None
        assert models.statuses()[0].state == "ready"
        assert not models.is_degraded

    def test_runs_that_keep_everybody_waiting_are_failures_too(self, models, made, clock) -> None:
        clock.step_s = 0.1
        assert all(models.run("intent", *made.rows_of([], [])) for _ in range(5))
        assert models.run("intent", *made.rows_of([], [])) is None
        assert (counts(models).failures, skipped(models)) == (5, {"resting": 1})
        assert models.statuses()[0].code == "slow"

    def test_a_failure_of_any_kind_never_gets_out(self, models) -> None:
        assert models.run("intent", None, "nonsense") is None
        assert skipped(models) == {"failed": 1}


class TestSwap:
    def test_a_model_that_is_the_same_is_kept_with_all_it_has(self, models, made, verdicts) -> None:
        models.run("intent", *made.rows_of([], []))
        after = ModelSet.prepare({"intent": made.make().declaration}, unread, before=models, verdicts=verdicts)
        assert after.members["intent"] is models.members["intent"]
        assert counts(after).runs == 1

    def test_another_model_takes_its_place_and_counts_go_on(self, models, made, recipe, verdicts) -> None:
        models.run("intent", *made.rows_of([], []))
        other = recipe(seed=2)
        after = ModelSet.prepare(
            {"intent": other.make().declaration}, lambda _: other.make().data, before=models, verdicts=verdicts
        )
        found = after.run("intent", *made.rows_of([7], [1]))
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
        assert models.run("good", *made.rows_of([], [])) is not None
        assert models.run("bad", *made.rows_of([], [])) is None
        assert skipped(models, "bad") == {"absent": 1}
        assert [status.state for status in models.statuses()] == ["refused", "ready"]

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
        [status] = models.statuses(datetime(2026, 1, 3, tzinfo=UTC))
        assert (status.name, status.state, status.age_seconds) == ("intent", "ready", 2 * 86400)
        assert status.trained_at == "2026-01-01T00:00:00+00:00"
        assert models.statuses(datetime(2025, 1, 1, tzinfo=UTC))[0].age_seconds == 0

    def test_what_workers_count_adds_up_and_the_worst_state_shows(self, models, made, verdicts) -> None:
        models.run("intent", *made.rows_of([], []))
        models.run("intent", *made.rows_of([], []), budget_ms=0)
        broken = ModelSet.prepare({"intent": made.make().declaration}, unread, verdicts=verdicts)
        broken.run("intent", *made.rows_of([], []))
        node = add_up([models.statuses(), broken.statuses(), models.statuses()])
        assert node["intent"].counts.runs == 2
        assert node["intent"].counts.skipped["budget"] == 2
        assert node["intent"].counts.skipped["absent"] == 1
        assert (node["intent"].state, node["intent"].stage) == ("refused", "read")


class TestDeclarations:
    def test_a_bundle_without_models_declares_none(self) -> None:
        assert declarations({}) == declarations({"models": None}) == {}

    @pytest.mark.parametrize("models", [[], {"m": {}}, {"m": {"digest": 1, "spec": "", "outputs": []}}])
    def test_malformed_ones_are_refused(self, models) -> None:
        with pytest.raises(ModelError, match="`models` are malformed"):
            declarations({"models": models})


def test_importing_the_package_brings_no_runtime() -> None:
    script = "import sys, edgewise.intent; print([m for m in ('numpy', 'onnx', 'onnxruntime') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
