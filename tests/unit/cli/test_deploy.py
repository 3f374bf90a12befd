"""What `deploy/` has for CI and for those who watch at night does what the page on the store says of it."""

import configparser
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edgewise.cli.main import load
from edgewise.store import NodeStatus, NodeStore


@pytest.fixture
def ci(tmp_path, root):
    """Runs a program as CI would, beside a store and a copy of the example book."""
    book = tmp_path / "book"
    for path in (root / "examples/book").rglob("*"):
        if path.is_file():
            copy = book / path.relative_to(root / "examples/book")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    keys = str(tmp_path / "keys")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {
        "PATH": path,
        "EDGEWISE_STORE": str(tmp_path / "store"),
        "RELEASE_KEYS": keys,
        "ROLLOUT_KEYS": keys,
        "EDGEWISE_BY": "ci",
    }

    def run(*command):
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    assert run("edgewise", "keys", "create", keys).returncode == 0
    assert run("edgewise", "store", "init", "store", "--keys", keys).returncode == 0
    return run


def test_a_change_goes_from_git_to_a_canary_and_a_bad_one_no_further_than_the_check(ci, tmp_path, root):
    script = root / "deploy/ci/release.sh"
    first = ci(script, "book", "first")
    assert first.returncode == 0, first.stderr
    assert "generation 1 (start)" in first.stdout

    again = ci(script, "book", "again")
    assert (again.returncode, "runs already" in again.stdout) == (0, True)

    scenario = tmp_path / "book/scenarios/in-store-return.yaml"
    good = scenario.read_text()
    scenario.write_text(good.replace("priority: 20", "priority: high"))
    before = sorted((tmp_path / "store").rglob("*"))
    bad = ci(script, "book", "bad")
    assert (bad.returncode, "in-store-return.yaml:7:11" in bad.stdout) == (1, True)
    assert sorted((tmp_path / "store").rglob("*")) == before

    scenario.write_text(good.replace("Shown because you are returning", "Shown since you are returning"))
    changed = ci(script, "book", "reworded")
    assert changed.returncode == 0, changed.stderr
    assert "in-store-return" in changed.stdout, "what changes is printed"
    assert "at stage canary" in changed.stdout
    assert ci(script, "book", "reworded").returncode == 0, "it is on its way already"

    scenario.write_text(good.replace("Shown because you are returning", "As you are returning"))
    second = ci(script, "book", "too early")
    assert (second.returncode, "is being rolled out; let it finish" in second.stderr) == (2, True)


def test_what_a_node_once_tried_is_not_on_its_way(ci, tmp_path, root):
    script, scenario = root / "deploy/ci/release.sh", tmp_path / "book/scenarios/in-store-return.yaml"
    first, keys = ci(script, "book", "first").stdout.split()[0], tmp_path / "keys"
    assert ci("edgewise", "keys", "enroll", "n-1", "--keys", keys, "-o", "nodes").returncode == 0
    node = NodeStore.open(str(tmp_path / "store"), tmp_path / "cache", root=keys / "root.json")
    reporter = node.reporter("n-1", key=tmp_path / "nodes/n-1.pem")
    scenario.write_text(scenario.read_text().replace("Shown because you are returning", "As you are returning"))
    digest = json.loads(ci("edgewise", "publish", "book", "--keys", "keys", "--json").stdout)["digest"]
    reporter.write(NodeStatus(generation=1, digest=first, candidate=digest))  # of a rollout that was aborted

    again = ci(script, "book", "once more")

    assert again.returncode == 0, again.stderr
    assert "at stage canary" in again.stdout


def test_where_others_must_sign_the_job_is_red_until_they_have_and_goes_on_when_it_is_run_again(ci, tmp_path, root):
    script, keys = root / "deploy/ci/release.sh", tmp_path / "keys"
    assert ci("edgewise", "keys", "add", "release", "--sign", "2", "--keys", keys).returncode == 0
    ours, theirs = sorted(keys.glob("release.*.pem"))
    colleague = tmp_path / "colleague"
    shutil.copytree(keys, colleague)
    (colleague / ours.name).unlink()
    theirs.unlink()

    for _ in range(2):
        waits = ci(script, "book", "first")
        assert (waits.returncode, "waits for others to sign" in waits.stderr) == (3, True), waits.stderr
    digest = waits.stderr.split()[0]
    assert ci("edgewise", "publish", "--sign", digest, "--keys", colleague).returncode == 0
    again = ci(script, "book", "first")

    assert again.returncode == 0, again.stderr
    assert "generation 1 (start)" in again.stdout


def test_the_workflow_runs_the_script_and_what_reviewers_see(root):
    workflow = yaml.safe_load((root / "deploy/ci/github-actions.yml").read_text())
    runs = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert './release.sh book "$GITHUB_SHA"' in runs
    assert [run for run in runs if run.startswith("edgewise")] == [
        "edgewise check book",
        "edgewise bundle diff stable book --root root.json",
    ]


@pytest.mark.parametrize(
    ("unit", "command"),
    [("edgewise-watch.service", "rollout watch --every 10"), ("edgewise-refresh.service", "store refresh")],
)
def test_the_units_call_what_there_is(root, unit, command):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(root / "deploy/systemd" / unit)
    assert parser["Service"]["ExecStart"] == f"edgewise {command}"
    group, name, *options = command.split()
    found = load(group).commands[name]
    known = {option for parameter in found.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known
