"""What `deploy/` has for CI and for those who watch at night does what the page on the store says of it."""

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edgewise.cli.main import load


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
