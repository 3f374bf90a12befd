"""What probes found is kept: a model is tried once per engine, and again when in doubt."""

import json
import subprocess
import sys
import time

import pytest

from edgewise.intent import Limits, ModelError, Verdicts, probe
from edgewise.intent.probing import _environment, subject_of
from edgewise.intent.verdicts import VERDICTS_MAX, Verdict


def test_a_model_is_tried_once(recipe, tmp_path) -> None:
    made, verdicts = recipe().make(), Verdicts(tmp_path / "verdicts")
    first, second = (probe(*made.named, verdicts=verdicts) for _ in range(2))
    assert (first.is_cached, second.is_cached) == (False, True)
    assert second.verdict == first.verdict
    assert second.probe_ms < 100
    assert 0 < (first.verdict.run_us or 0) < 2000


def test_a_refusal_is_remembered_too(recipe, tmp_path) -> None:
    made, verdicts = recipe(), Verdicts(tmp_path)
    made.tensors["b"] = made.array(made.bias + 1, "b")
    for seconds in (30, 0.1):
        start = time.perf_counter()
        with pytest.raises(ModelError, match="golden row 0") as caught:
            probe(*made.make().named, verdicts=verdicts)
        assert (caught.value.stage, caught.value.code) == ("golden", "mismatch")
        assert time.perf_counter() - start < seconds


def test_a_timeout_is_not_remembered(recipe, tmp_path) -> None:
    made, verdicts = recipe().make(), Verdicts(tmp_path)
    with pytest.raises(ModelError, match=r"not done after 0\.001 s"):
        probe(*made.named, verdicts=verdicts, limits=Limits(wall_s=0.001))
    assert probe(*made.named, verdicts=verdicts).is_cached is False


def test_a_child_that_the_system_ended_is_not_remembered(recipe, tmp_path, monkeypatch) -> None:
    made, verdicts = recipe().make(), Verdicts(tmp_path)
    with monkeypatch.context() as patch:
        script = tmp_path / "ended"
        script.write_text("#!/bin/sh\nkill -KILL $$\n")
        script.chmod(0o700)
        patch.setattr("edgewise.intent.probing.sys.executable", str(script))
        with pytest.raises(ModelError, match="the system ended it") as caught:
            probe(*made.named, verdicts=verdicts)
    assert (caught.value.stage, caught.value.code) == ("probe", "killed")
    assert probe(*made.named, verdicts=verdicts).is_cached is False


def test_a_probe_that_cannot_be_started_is_not_remembered(recipe, tmp_path, monkeypatch) -> None:
    made, verdicts = recipe().make(), Verdicts(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("edgewise.intent.probing.sys.executable", str(tmp_path / "absent"))
        with pytest.raises(ModelError, match="cannot be started") as caught:
            probe(*made.named, verdicts=verdicts)
    assert (caught.value.stage, caught.value.code) == ("probe", "start")
    assert probe(*made.named, verdicts=verdicts).is_cached is False


def test_a_torn_verdict_only_costs_another_probe(recipe, tmp_path) -> None:
    made, verdicts = recipe().make(), Verdicts(tmp_path)
    probe(*made.named, verdicts=verdicts)
    [path] = tmp_path.glob("*.json")
    path.write_bytes(path.read_bytes()[:20])
    assert probe(*made.named, verdicts=verdicts).is_cached is False
    assert probe(*made.named, verdicts=verdicts).is_cached is True


def test_a_verdict_holds_for_one_engine_and_one_use(recipe, tmp_path, monkeypatch) -> None:
    made, verdicts = recipe().make(), Verdicts(tmp_path)
    data, digest, spec_digest, slots = made.named
    probe(data, digest, spec_digest, slots, verdicts=verdicts)
    with pytest.raises(ModelError, match="expected 9 slots"):
        probe(data, digest, spec_digest, slots + 1, verdicts=verdicts)
    monkeypatch.setattr("edgewise.intent.probing.__version__", "99.0.0")
    assert probe(data, digest, spec_digest, slots, verdicts=verdicts).is_cached is False


def test_processes_that_ask_at_the_same_time_try_a_model_once(recipe, tmp_path) -> None:
    made = recipe().make()
    (tmp_path / "model").write_bytes(made.data)
    script = (
        "import sys; from pathlib import Path; from edgewise.intent import Verdicts, probe;"
        "folder = Path(sys.argv[1]); data = (folder / 'model').read_bytes();"
        "print(probe(data, *sys.argv[2:4], 8, verdicts=Verdicts(folder / 'verdicts')).is_cached)"
    )
    command = [sys.executable, "-c", script, tmp_path, made.digest, made.named[2]]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sorted(process.communicate()[0] for process in asking) == ["False\n", "True\n", "True\n"]


def test_a_folder_that_cannot_be_written_changes_nothing(recipe, tmp_path) -> None:
    (tmp_path / "verdicts").write_text("a file where a folder should be")
    assert probe(*recipe().make().named, verdicts=Verdicts(tmp_path / "verdicts")).is_cached is False


def test_only_the_newest_verdicts_are_kept(tmp_path) -> None:
    verdicts = Verdicts(tmp_path)
    for number in range(VERDICTS_MAX + 3):
        verdicts.keep(Verdict(subject=subject_of(f"sha256:{number:064}", "sha256:0", 8)))
    assert len(list(tmp_path.glob("*.json"))) == VERDICTS_MAX


def test_the_child_is_told_no_secrets(monkeypatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert "secret" not in json.dumps(_environment())
