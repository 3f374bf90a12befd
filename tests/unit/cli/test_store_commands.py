"""The commands at a store as people and machines meet them: the contract's words, from init to rollback."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from edgewise.book import build
from edgewise.cli.main import cli
from edgewise.errors import EdgewiseError
from edgewise.store import NodeStore


@pytest.fixture
def store(run, tmp_path):
    """A development store in a folder."""
    run("store", "init", tmp_path / "store")
    return tmp_path / "store"


def test_a_place_that_is_no_new_one_gets_no_store_and_no_keys(run, store, tmp_path):
    keys = sorted((tmp_path / "keys").iterdir())
    for place, says in {store: "is a store already", "": "is empty", "file://s": "no URL of a folder"}.items():
        with pytest.raises(EdgewiseError, match=says):
            run("store", "init", place)
    assert sorted((tmp_path / "keys").iterdir()) == keys


@pytest.fixture
def other_book(root, tmp_path):
    """The example book with another text in one scenario."""
    book = tmp_path / "other"
    for path in (root / "examples/book").rglob("*"):
        if path.is_file():
            copy = book / path.relative_to(root / "examples/book")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    scenario = book / "scenarios/in-store-return.yaml"
    changed = scenario.read_text().replace("Shown because you are returning", "Shown since you are returning")
    scenario.write_text(changed)
    return book


def test_from_publish_to_everywhere_and_back(run, store, root, other_book):
    first = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", first, "--store", store, "--all")
    second = run("publish", other_book, "--store", f"file://{store}", "--json")["digest"]
    run("rollout", "start", second, "--store", store, "--all")

    status = run("rollout", "status", "--store", store, "--json")
    assert (status["generation"], status["stable"], status["candidate"]) == (2, second, None)
    assert (status["stage"], status["verdict"], status["disabled"], status["nodes"]) == (None, None, [], [])

    run("rollback", "--store", store)
    assert run("rollout", "status", "--store", store, "--json")["stable"] == first
    run("rollback", "--store", store, "--to", second)
    status = run("rollout", "status", "--store", store, "--json")
    assert (status["generation"], status["stable"]) == (4, second)


def test_the_first_release_is_rolled_out_everywhere(run, store, root):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]

    assert "(start)" in run("rollout", "start", digest, "--store", store)
    status = run("rollout", "status", "--store", store, "--json")
    assert (status["stable"], status["candidate"]) == (digest, None)


def test_models_travel_with_their_bundle(run, store, root, tmp_path):
    published = run("publish", root / "examples/book", "--store", store, "--json")
    run("rollout", "start", published["digest"], "--store", store, "--all")

    node = NodeStore.open(str(store), tmp_path / "cache")
    node.refresh()
    fetched = node.fetch(published["digest"])

    built = build(root / "examples/book")
    assert (fetched.bundle, fetched.models) == (built.data, built.models)
    assert published["models"] == sorted(built.models)


def test_off_and_on(run, store, root):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", digest, "--store", store, "--all")

    run("off", "in-store-return", "--store", store, "--reason", "wrong shops")
    [entry] = run("rollout", "status", "--store", store, "--json")["disabled"]
    assert (entry["scenario"], entry["point"], entry["reason"], entry["by"]) == (
        "in-store-return",
        None,
        "wrong shops",
        "ada",
    )

    run("on", "in-store-return", "--store", store)
    assert run("rollout", "status", "--store", store, "--json")["disabled"] == []


def test_a_candidate_goes_through_the_stages_of_the_default_plan(run, store, root, other_book):
    first = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", first, "--store", store, "--all")
    second = run("publish", other_book, "--store", store, "--json")["digest"]

    stages = [run("rollout", "start", second, "--store", store, "--json")["stage"]]
    while stages[-1] is not None:
        stages.append(run("rollout", "advance", "--store", store, "--json")["stage"])

    assert stages == ["canary", "1 %", "10 %", "50 %", "100 %", None]
    assert run("rollout", "status", "--store", store, "--json")["stable"] == second


def test_status_and_history_are_tables_for_people(run, store, root):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", digest, "--store", store, "--all", "--reason", "launch")

    status = run("rollout", "status", "--store", store)
    assert "generation 1" in status
    assert "because: launch" in status
    history = run("rollout", "history", "--store", store)
    assert "ada" in history
    assert "launch" in history


def test_the_live_table_ends_quietly(run, store, root, monkeypatch):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", digest, "--store", store, "--all")

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("edgewise.cli.rollout.time.sleep", interrupt)
    assert "generation 1" in run("rollout", "status", "--store", store, "--watch")
    assert "idle" in run("rollout", "watch", "--store", store)


def test_a_sound_store_checks_clean(run, store, root):
    run("publish", root / "examples/book", "--store", store)

    findings = run("store", "check", "--store", store, "--json")["findings"]

    assert [finding for finding in findings if not finding["holds"]] == []
    assert any(finding["what"] == "a release is whole" for finding in findings)


@pytest.mark.parametrize("arguments", [("rollout", "status"), ("rollback",), ("publish", "examples/book")])
def test_a_place_without_a_store_says_how_to_make_one(run, root, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(root)
    (tmp_path / "empty").mkdir()

    with pytest.raises(EdgewiseError, match="edgewise store init"):
        run(*arguments, "--store", tmp_path / "empty")


def test_without_the_root_nothing_is_believed(run, store, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEWISE_KEYS", str(tmp_path / "nobody"))

    with pytest.raises(EdgewiseError, match="pass --root FILE"):
        run("rollout", "status", "--store", store)


def test_a_production_store_gets_its_keys_where_it_was_told(run, tmp_path):
    made = run("store", "init", tmp_path / "s", "--keys", tmp_path / "held", "--json")

    assert made["development"] is False
    assert (tmp_path / "held/root.json").is_file()
    assert len(list((tmp_path / "held").glob("root.*.pem"))) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "held").glob("*.pem"))


def test_no_private_key_lies_in_the_store(run, store, root):
    run("publish", root / "examples/book", "--store", store)

    assert [path for path in store.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()] == []


def test_the_difference_between_what_runs_and_a_book(run, store, root, other_book):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", digest, "--store", store, "--all")

    changes = run("bundle", "diff", "stable", other_book, "--store", store, "--json")["changes"]
    assert [(change["scenario"], change["what"]) for change in changes] == [("in-store-return", "explanation")]
    assert "in-store-return" in run("bundle", "diff", digest, other_book, "--store", store)
    assert "no decision changes" in run("bundle", "diff", digest, root / "examples/book", "--store", store)


def test_watch_looks_once_and_says_what_it_would_do(run, store, root, other_book):
    first = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", first, "--store", store, "--all")
    assert "idle: nothing is being rolled out" in run("rollout", "watch", "--store", store, "--once")

    second = run("publish", other_book, "--store", store, "--json")["digest"]
    run("rollout", "start", second, "--store", store)
    looked = run("rollout", "watch", "--store", store, "--once", "--dry-run", "--json")
    assert (looked["deed"], looked["generation"]) == ("wait", 2)
    assert "no node is enrolled or has written a status" in looked["reasons"]


def test_nodes_are_listed_and_asked_to_try_again(run, store, root):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", digest, "--store", store, "--all")

    assert "no node has written a status yet" in run("nodes", "--store", store)
    assert run("nodes", "retry", "n-1", "--store", store, "--json")["action"] == "retry"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stages: []\nname: p", ["1: a plan has 1 to 32 stages"]),
        ("name: p\nstages: [{name: a, nodePercent: 10, bake: 3}]", ["2: stage 1 says `bake`, which no plan knows"]),
        ("stages: 3", ["1: `stages`: expected `array`, got `int`", "1: the plan lacks `name`"]),
        ("name: [", ["1: expected the node content, but found '<stream end>'"]),
        ("", ["1: there is nothing in it"]),
        ("[" * 20_000, ["1: is no YAML: maximum recursion depth exceeded"]),
        ("name: p\nname: q\nstages: [7]", ["2: the plan: `name` stands here twice", "3: stage 1: expected fields"]),
        (
            "name: p\nquorumPercent: lots\nguardrail: {}\nstages:\n  - {nodePercent: 5}\n",
            [
                "2: `quorumPercent`: expected `float`, got `str`",
                "3: the plan says `guardrail`, which no plan knows; did you mean `guardrails`?",
                "5: stage 1 lacks `name`",
            ],
        ),
        (
            "name: p\nguardrails: {errorRatioMax: .nan}\nstages:\n  - {name: a, nodePercent: 50}\n  - {name: b}\n",
            [
                "1: `guardrails`: `errorRatioMax` is at least 0",
                "5: stage `b` takes no node; give it `nodePercent` or `labels`",
                "5: stage `b` takes fewer nodes or visitors than the one before",
            ],
        ),
    ],
)
def test_every_mistake_of_a_plan_file_is_named_with_its_line(run, store, root, tmp_path, text, said):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    (tmp_path / "plan.yaml").write_text(text)

    with pytest.raises(EdgewiseError) as refused:
        run("rollout", "start", digest, "--store", store, "--plan", tmp_path / "plan.yaml")
    lines = str(refused.value).splitlines()
    assert len(lines) == len(said)
    assert all(line.startswith(f"{tmp_path}/plan.yaml:{told}") for line, told in zip(lines, said, strict=True))


def test_pruning_keeps_what_is_named_and_what_is_young(run, store, root):
    run("publish", root / "examples/book", "--store", store)
    (store / "bundles" / ("0" * 64 + ".bundle")).write_bytes(b"left behind")

    assert run("store", "prune", "--store", store, "--json")["removed"] == []


def test_off_until_a_time_or_for_a_span(run, store, root):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", digest, "--store", store, "--all")

    for until, ends in {
        "2099-11-21T10:00:00Z": "2099-11-21T10:00:00+00:00",
        "2099-11-21T10:00:00+01:00": "2099-11-21T10:00:00+01:00",
        "2099-11-21T10:00": "2099-11-21T10:00:00+00:00",
        "2099-11-21": "2099-11-21T00:00:00+00:00",
    }.items():
        run("off", "in-store-return", "--store", store, "--reason", "r", "--until", until)
        assert [entry["until"] for entry in run("rollout", "status", "--store", store, "--json")["disabled"]] == [ends]

    run("off", "in-store-return", "--store", store, "--reason", "r", "--until", "2h")
    [entry] = run("rollout", "status", "--store", store, "--json")["disabled"]
    assert timedelta(minutes=119) < datetime.fromisoformat(entry["until"]) - datetime.now(UTC) <= timedelta(hours=2)

    run("off", "in-store-return", "--store", store, "--reason", "r", "--until", "1s")
    time.sleep(1.1)
    assert run("rollout", "status", "--store", store, "--json")["disabled"] == []


@pytest.mark.parametrize(("until", "says"), [("2020-01-01", "is over already"), ("tomorrow", "is no time")])
def test_off_until_a_time_that_makes_no_sense(store, until, says):
    order = ["off", "in-store-return", "--store", str(store), "--reason", "r", "--until", until]
    result = CliRunner().invoke(cli, order)
    assert (result.exit_code, says in result.output) == (2, True)


def test_a_slip_of_the_hand_switches_nothing_off(run, store, root):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", digest, "--store", store, "--all")

    with pytest.raises(EdgewiseError, match="did you mean `in-store-return`"):
        run("off", "in-store-retrun", "--store", store, "--reason", "r")
    with pytest.raises(EdgewiseError, match=r"did you mean `returns\.header`"):
        run("off", "in-store-return", "--point", "returns.headr", "--store", store, "--reason", "r")
    assert run("off", "gone", "--store", store, "--reason", "r", "--anyway", "--json")["generation"] == 2
    assert run("off", "in-store-return", "--point", "returns.header", "--store", store, "--reason", "r", "--json")


def test_a_scenario_is_switched_off_even_when_no_release_can_be_read(run, store, root):
    digest = run("publish", root / "examples/book", "--store", store, "--json")["digest"]
    run("rollout", "start", digest, "--store", store, "--all")
    (store / "bundles" / f"{digest[7:]}.bundle").unlink()

    assert run("off", "anything", "--store", store, "--reason", "r", "--json")["generation"] == 2


def test_the_start_of_a_digest_names_a_release(run, store, root, other_book):
    first = run("publish", root / "examples/book", "--store", store, "--note", "first", "--json")["digest"]
    second = run("publish", other_book, "--store", store, "--json")["digest"]

    assert run("rollout", "start", first[7:19], "--store", store, "--all", "--json")["stable"] == first
    assert run("rollout", "start", second[:19], "--store", store, "--all", "--json")["stable"] == second
    assert run("rollback", "--to", first[7:15], "--store", store, "--json")["stable"] == first
    with pytest.raises(EdgewiseError, match="is no release of this store"):
        run("rollout", "start", "abc", "--store", store, "--all")

    assert [each["note"] for each in run("rollout", "releases", "--store", store, "--json")["releases"]] == [
        "",
        "first",
    ]
    assert "stable" in run("rollout", "releases", "--store", store)
