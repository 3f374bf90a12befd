"""What nodes say of themselves, whether it is true, and what a verdict may rest on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from edgewise.store import Measures, Nack, NodeStatus, steps
from edgewise.store.desk import Desk
from edgewise.store.fleet import Enrolled, Fleet, change_fleet
from edgewise.store.generation import Guardrails, Plan, Stage
from edgewise.store.keys import KeyFolder
from edgewise.store.names import status_name
from edgewise.store.setup import read_store_file
from edgewise.store.status import Account, Reporter, Sequences, public_of, read_accounts, seal
from edgewise.store.verdict import judge, state_of
from edgewise.store.view import look

FIRST = b'{"bundle":"first"}'
SECOND = b'{"bundle":"second"}'
PLAN = Plan(
    name="p", stages=(Stage(name="half", node_percent=100, subject_percent=50), Stage(name="all", node_percent=100))
)


@pytest.fixture
def enroll(shop, tmp_path):
    """Lets a node in and answers what writes its status."""

    def make(node):
        key = KeyFolder(tmp_path / "nodes").of_node(node)
        entry = Enrolled(key=public_of(key), by="t", at="")
        change_fleet(shop.writer, lambda fleet: Fleet(nodes={**fleet.nodes, node: entry}))
        return Reporter(shop.objects, node, key, tmp_path / f"{node}.sequence")

    return make


def desk_of(shop):
    return Desk(shop.objects, read_store_file(shop.objects), shop.keys, shop.root)


def account_of(shop, node):
    return next(account for account in look(desk_of(shop)).accounts if account.node == node)


def test_a_node_reports_and_is_seen_serving(shop, enroll):
    digest = shop.everywhere()
    enroll("n-1").write(NodeStatus(generation=1, digest=digest, engine="0.1", source="origin"))

    [node] = look(desk_of(shop)).document()["nodes"]

    assert (node["id"], node["generation"], node["digest"], node["state"], node["nack"]) == (
        "n-1",
        1,
        digest,
        "serving",
        None,
    )
    assert 0 <= node["ageSeconds"] < 60


def test_an_enrolled_node_without_a_status_is_missing(shop, enroll):
    shop.everywhere()
    enroll("n-1")

    [node] = look(desk_of(shop)).document()["nodes"]
    assert (node["id"], node["state"], node["generation"]) == ("n-1", "missing", None)


def test_nodes_of_a_development_store_share_a_key(shop):
    digest = shop.everywhere()
    reporter = shop.node("x").reporter("any-node", keys=shop.keys.folder)
    reporter.write(NodeStatus(generation=1, digest=digest))

    assert account_of(shop, "any-node").status.digest == digest


def test_sequences_only_grow_even_when_the_file_is_lost(shop, enroll):
    reporter = enroll("n-1")
    first = reporter.write(NodeStatus(generation=1, digest=None))
    second = reporter.write(NodeStatus(generation=1, digest=None))
    reporter._file.unlink()  # noqa: SLF001, a lost disk
    assert first < second < reporter.write(NodeStatus(generation=1, digest=None))


# Lies


def test_a_status_signed_by_another_key_counts_for_nothing(shop, enroll, tmp_path):
    digest = shop.everywhere()
    enroll("n-1")
    forged = KeyFolder(tmp_path / "thief").of_node("n-1")
    Reporter(shop.objects, "n-1", forged, tmp_path / "s").write(NodeStatus(generation=1, digest=digest))

    account = account_of(shop, "n-1")
    assert account.status is None
    assert "not signed by the node's enrolled key" in account.problem


def test_a_status_of_another_node_counts_for_nothing(shop, enroll):
    digest = shop.everywhere()
    enroll("n-1").write(NodeStatus(generation=1, digest=digest))
    enroll("n-2")
    shop.objects.replace(status_name("n-2"), shop.objects.read(status_name("n-1"), 10**5))

    assert account_of(shop, "n-2").status is None


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * 10**5, b'{"payload":"{}","signature":"00"}', b"[" * 10**4])
def test_rubbish_for_a_status_is_told_and_nothing_else(shop, enroll, data):
    shop.everywhere()
    enroll("n-1")
    shop.objects.replace(status_name("n-1"), data)

    account = account_of(shop, "n-1")
    assert account.status is None
    assert account.problem


def test_an_old_status_written_again_does_not_count(shop, enroll, tmp_path):
    digest = shop.everywhere()
    enroll("n-1")
    key = KeyFolder(tmp_path / "nodes").of_node("n-1")
    old = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    status = NodeStatus(generation=1, digest=digest, node="n-1", sequence=1, at=old)
    shop.objects.replace(status_name("n-1"), seal(status, key))

    account = account_of(shop, "n-1")
    assert "away from when it was written" in account.problem
    assert state_of(look(desk_of(shop)).generation, account) == "unverified"


def test_a_node_whose_clock_is_wrong_reports_by_the_stores_time(shop, enroll, monkeypatch):
    from edgewise.store import status

    digest = shop.everywhere()
    reporter = enroll("n-1")

    class Wrong(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(hours=2)

    with monkeypatch.context() as patched:
        patched.setattr(status, "datetime", Wrong)
        reporter.write(NodeStatus(generation=1, digest=digest))

    account = account_of(shop, "n-1")
    assert (account.problem, account.status.digest) == (None, digest)


def test_a_node_that_is_not_enrolled_is_shown_and_does_not_count(make_shop, tmp_path):
    shop = make_shop(tmp_path, str(tmp_path / "store"), development=False)
    digest = shop.everywhere()
    key = KeyFolder(tmp_path / "wild").of_node("wild")
    Reporter(shop.objects, "wild", key, tmp_path / "s").write(NodeStatus(generation=1, digest=digest))

    [node] = look(desk_of(shop)).document()["nodes"]
    assert (node["state"], node["generation"]) == ("unverified", None)
    assert "not enrolled" in node["problem"]


def test_who_keeps_looking_sees_an_older_status_come_back(shop, enroll):
    digest = shop.everywhere()
    reporter = enroll("n-1")
    sequences = Sequences()
    reporter.write(NodeStatus(generation=1, digest=digest))
    first = shop.objects.read(status_name("n-1"), 10**5)
    reporter.write(NodeStatus(generation=1, digest=digest, degraded=("models",)))
    assert look(desk_of(shop), sequences).accounts[0].problem is None

    shop.objects.replace(status_name("n-1"), first)

    [account] = look(desk_of(shop), sequences).accounts
    assert "was seen" in account.problem
    assert state_of(look(desk_of(shop)).generation, account) == "unverified"


# Verdicts


def rolling(guardrails=None):
    """A generation with candidate B of a plan without bake time."""
    plan = PLAN if guardrails is None else msgspec.structs.replace(PLAN, guardrails=guardrails)
    by = steps.Signature(by="t", at="2026-11-21T09:00:00Z")
    first = msgspec.structs.replace(steps.start_everywhere(steps.FIRST, "A", by), generation=1)
    return msgspec.structs.replace(steps.start(first, "B", plan, by), generation=2)


def well(node, **changed):
    status = NodeStatus(generation=2, digest="A", candidate="B", node=node)
    return Account(node, msgspec.structs.replace(status, **changed), 1.0)


def verdict(accounts, now=None):
    return judge(now or rolling(), accounts).verdict


def test_nothing_rolled_out_has_no_verdict():
    assert judge(steps.FIRST, []) is None


def test_all_well_is_success():
    assert verdict([well("a"), well("b"), well("c")]) == "success"


def test_no_data_is_inconclusive():
    assert verdict([]) == "inconclusive"


NACK = Nack(generation=2, digest="B", stage="selftest", code="golden", detail="returns.header differs")


def test_a_nack_is_failure_and_says_which():
    found = judge(rolling(), [well("a"), well("b", nack=NACK)])
    assert found.verdict == "failure"
    assert "`b` refused the candidate: selftest/golden returns.header differs" in found.reasons


def test_a_nack_of_another_bundle_or_of_before_is_no_failure():
    other = msgspec.structs.replace(NACK, digest="C")
    before = msgspec.structs.replace(NACK, generation=1)
    assert verdict([well("a"), well("b"), well("c"), well("d", nack=other), well("e", nack=before)]) == "success"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda account: replace(account, age_s=10_000.0),
        lambda account: replace(account, problem="is not signed by the node's enrolled key", status=None),
        lambda account: replace(account, problem="was signed 600 s away from when it was written"),
        lambda account: replace(account, status=None, age_s=None),
    ],
    ids=["stale", "forged", "replayed", "missing"],
)
def test_what_cannot_be_proven_can_only_hold(spoil):
    """Neither as good news nor as bad: not even a nack."""
    assert verdict([well("a"), spoil(well("b"))]) == "inconclusive"
    assert verdict([well("a"), spoil(well("b", nack=NACK))]) == "inconclusive"


def test_a_quorum_is_enough():
    stale = replace(well("e"), age_s=10_000.0)
    assert verdict([*map(well, "abcd"), stale]) == "success"
    assert verdict([*map(well, "abc"), stale, stale]) == "inconclusive"


def test_nodes_that_have_not_come_along_hold():
    assert verdict([well("a"), well("b", generation=1, candidate=None)]) == "inconclusive"
    assert verdict([well("a"), well("b", candidate=None)]) == "inconclusive"


def test_a_stage_bakes():
    now = rolling()
    stage = msgspec.structs.replace(PLAN.stages[0], bake_seconds=600)
    plan = msgspec.structs.replace(PLAN, stages=(stage, PLAN.stages[1]))
    now = msgspec.structs.replace(now, progress=msgspec.structs.replace(now.progress, plan=plan))
    began = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    assert judge(now, [well("a")], began + timedelta(seconds=590)).verdict == "inconclusive"
    assert judge(now, [well("a")], began + timedelta(seconds=601)).verdict == "success"


STABLE = Measures(decisions=1000, errors=1, fallbacks=100, p95_ms=2.0)


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        (Measures(decisions=1000, errors=20, fallbacks=100, p95_ms=2.0), "decisions fail"),
        (Measures(decisions=1000, errors=1, fallbacks=300, p95_ms=2.0), "fall back"),
        (Measures(decisions=1000, errors=1, fallbacks=100, p95_ms=9.0), "p95 is 9.0 ms"),
    ],
)
def test_a_breached_guardrail_is_failure(candidate, said):
    found = judge(rolling(), [well("a", stable_measures=STABLE, candidate_measures=candidate)])
    assert found.verdict == "failure"
    assert said in found.reasons[0]


def test_measures_within_the_guardrails_are_success():
    fine = Measures(decisions=1000, errors=2, fallbacks=110, p95_ms=3.0)
    assert verdict([well("a", stable_measures=STABLE, candidate_measures=fine)]) == "success"


def test_too_few_decisions_hold():
    few = Measures(decisions=5)
    now = rolling(Guardrails(min_decisions=100))
    assert verdict([well("a", candidate_measures=few)], now) == "inconclusive"


def test_many_statuses_are_read_within_their_bound(shop, enroll):
    digest = shop.everywhere()
    for number in range(5):
        enroll(f"n-{number}").write(NodeStatus(generation=1, digest=digest))
    fleet = look(desk_of(shop)).fleet

    assert [account.node for account in read_accounts(shop.objects, fleet, development=True)] == fleet.named
