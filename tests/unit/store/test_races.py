"""Several write at once: every change is made, and every step is made once."""

from concurrent.futures import ThreadPoolExecutor

from edgewise.store import RolloutError, StoreRefusedError, steps
from edgewise.store.documents import history
from edgewise.store.generation import Disabled, Plan, Stage
from edgewise.store.names import digest_of
from edgewise.store.releases import publish, releases
from edgewise.store.rollout import take_step

WRITERS = 6
PLAN = Plan(name="p", stages=tuple(Stage(name=str(percent), node_percent=percent) for percent in (10, 50, 100)))


def at_once(work):
    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(work, range(WRITERS)))


def sign():
    return steps.Signature(by="somebody", at="2026-11-21T09:00:00Z")


def test_publishers_at_the_same_time_all_get_their_release_in(any_shop):
    at_once(lambda number: publish(any_shop.writer, b"%d" % number, {}))

    assert set(releases(any_shop.writer.read())) == {digest_of(b"%d" % number) for number in range(WRITERS)}


def test_watchers_at_the_same_time_make_a_step_once(any_shop):
    any_shop.everywhere(b"first")
    started = any_shop.step(steps.start, any_shop.release(b"second"), PLAN)

    def advance(_):
        try:
            step = lambda before: steps.advance(before, sign())  # noqa: E731, as the commands do
            return take_step(any_shop.writer, step, on=started.generation).generation
        except RolloutError as error:
            return str(error)

    answers = at_once(advance)

    view = any_shop.writer.read()
    assert sorted("has moved on" in str(answer) for answer in answers) == [False, *[True] * (WRITERS - 1)]
    assert [each.action for each in history(any_shop.objects, view, 10)] == ["advance", "start", "start"]
    assert history(any_shop.objects, view, 1)[0].progress.stage == 1


def test_switches_at_the_same_time_all_count(any_shop):
    any_shop.everywhere(b"first")

    def switch(number):
        entry = Disabled(scenario=f"s{number}", reason="r")
        take_step(any_shop.writer, lambda before: steps.switch_off(before, entry, sign()))

    at_once(switch)

    now = any_shop.node().refresh().generation
    assert sorted(entry.scenario for entry in now.disabled) == [f"s{number}" for number in range(WRITERS)]
    numbers = [each.generation for each in history(any_shop.objects, any_shop.writer.read(), 50)]
    assert numbers == sorted(set(numbers), reverse=True)


def test_two_first_makers_of_a_store_make_one(make_shop, tmp_path):
    def make(number):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            return make_shop(folder, str(tmp_path / "store"))
        except StoreRefusedError:
            return None

    made = [shop for shop in at_once(make) if shop is not None]

    assert len(made) == 1
    assert made[0].writer.read().timestamp.version == 1
