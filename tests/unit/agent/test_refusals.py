"""What a node has put aside."""

import pytest

from edgewise.agent.refusals import ATTEMPTS_MAX, REFUSALS_MAX, Refusals
from edgewise.bundle.contact import Refusal


def refusal(digest="a", stage="compile"):
    return Refusal(generation=3, digest=digest, stage=stage, code="BundleError", detail="why")


def test_a_refusal_holds_over_restarts_and_for_one_engine_alone(tmp_path):
    Refusals(tmp_path / "r.json", engine="1.0").put_aside(refusal())
    again = Refusals(tmp_path / "r.json", engine="1.0")
    assert (again.of("a"), again.of("b"), again.digests) == (refusal(), None, ("a",))
    newer = Refusals(tmp_path / "r.json", engine="1.1")
    assert (newer.of("a"), newer.digests) == (None, ())


@pytest.mark.parametrize("stage", ["fetch", "disk"])
def test_what_may_pass_by_itself_is_not_put_aside(tmp_path, stage):
    refusals = Refusals(tmp_path / "r.json")
    refusals.put_aside(refusal(stage=stage))
    assert refusals.digests == ()


def test_asking_again_forgets_all_and_is_remembered(tmp_path):
    refusals = Refusals(tmp_path / "r.json")
    refusals.put_aside(refusal())
    refusals.clear(retry=4)
    again = Refusals(tmp_path / "r.json")
    assert (again.digests, again.retry) == ((), 4)


def test_a_bundle_that_ends_the_process_each_time_is_not_tried_for_ever(tmp_path):
    tries = [Refusals(tmp_path / "r.json").begin("a") for _ in range(ATTEMPTS_MAX + 1)]
    assert tries == [True] * ATTEMPTS_MAX + [False]


def test_a_bundle_that_passed_may_be_tried_as_often_as_it_comes(tmp_path):
    refusals = Refusals(tmp_path / "r.json")
    for _ in range(3 * ATTEMPTS_MAX):
        assert refusals.begin("a")
        refusals.passed("a")


def test_only_so_many_are_kept_the_newest(tmp_path):
    refusals = Refusals(tmp_path / "r.json")
    for number in range(REFUSALS_MAX + 5):
        refusals.put_aside(refusal(digest=str(number)))
    assert len(refusals.digests) == REFUSALS_MAX
    assert refusals.digests[-1] == str(REFUSALS_MAX + 4)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"put_aside": 7}', b"x" * 300_000])
def test_a_damaged_file_is_as_good_as_none(tmp_path, content):
    (tmp_path / "r.json").write_bytes(content)
    assert Refusals(tmp_path / "r.json").digests == ()


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("")
    refusals = Refusals(tmp_path / "file" / "r.json")
    refusals.put_aside(refusal())
    assert refusals.of("a") == refusal()
