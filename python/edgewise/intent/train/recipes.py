"""The models that can be trained: for each its data, feature spec, heads, settings and how it is judged."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, TypeVar

import numpy as np

from edgewise._core import FeatureSpec
from edgewise.intent.train import clicks as clickstream
from edgewise.intent.train import rivals
from edgewise.intent.train import shoppers as shopping
from edgewise.intent.train.clicks import Clicks
from edgewise.intent.train.dataset import Dataset, Floats, Golden, Ints, Mask, Rows, Split
from edgewise.intent.train.errors import TrainingError
from edgewise.intent.train.shoppers import Shoppers

Bands = tuple[tuple[str, int], ...]
"""Names of bands of lengths, and the greatest length in each."""

T = TypeVar("T")

NO_END: Final = 1 << 30
GOLDEN_ROWS: Final = 32
GOLDEN_EVENTS_MAX: Final = 12
PARTS: Final = 5
HOLD_OUT: Final = 4  # without months to part by, every fourth session is for testing
NOVEMBER: Final = 11
HIDDEN_WEIGHT: Final = 0.5


@dataclass(frozen=True)
class Recipe:
    """How one model is made."""

    name: str
    source: str
    """The form of its data: `clicks` or `shoppers`."""
    heads: tuple[str, ...]
    strengths: tuple[float, ...]
    bands: Bands
    length: str
    """What is counted as length, in words."""
    read: Callable[[FeatureSpec, bytes, str], Dataset]

    def spec_text(self) -> str:
        """The feature spec as it lies in the package."""
        return (files("edgewise.intent.train") / "specs" / f"{self.name}.json").read_text(encoding="utf-8")


def recipe(name: str) -> Recipe:
    """Find a recipe by its model's name.

    Raises:
        TrainingError: there is none.
    """
    if name not in RECIPES:
        raise TrainingError(f"`{name}` is not a model that can be trained: use {' or '.join(RECIPES)}")
    return RECIPES[name]


def _journeys(spec: FeatureSpec, data: bytes, name: str) -> Dataset:
    clicks = clickstream.read_clicks(data, name, months=True)
    ids, vals = clickstream.extract_clicks(spec, clicks)
    sizes = np.array([len(session) for session in clicks.sessions])
    session = np.repeat(np.arange(len(sizes)), sizes)
    length = np.concatenate([np.arange(1, size + 1) for size in sizes])
    count = len(session)
    rows = Rows(ids, vals, clickstream.labels(clicks), session, length, np.ones(count), np.zeros(count, np.bool_))
    test, protocol = _last_month(clicks)
    by_row = test[session]
    return Dataset(
        rows=rows,
        splits=(Split(~by_row, by_row),),
        later=None,
        protocol=protocol,
        table=rivals.click_table(clicks),
        table_categories=rivals.CLICK_CATEGORIES,
        markov=rivals.markov_states(clicks),
        golden=_golden_sessions(clicks),
        facts={"sessions": len(sizes), "clicks": count},
    )


def _last_month(clicks: Clicks) -> tuple[Mask, str]:
    months = clicks.months if clicks.months is not None else np.zeros(len(clicks.sessions), np.int64)
    first, last = int(months.min()), int(months.max())
    if first == last:
        return np.arange(len(months)) % HOLD_OUT == 0, f"one session in {HOLD_OUT} tests, the others train"
    trained = f"month {first}" if first == last - 1 else f"months {first} to {last - 1}"
    return months == last, f"{trained} of 2008 train, month {last} tests"


def _golden_sessions(clicks: Clicks) -> list[Golden]:
    sessions = zip(clicks.sessions, clicks.inputs, strict=True)
    short = [{"events": session, "inputs": inputs} for session, inputs in sessions if len(session) <= GOLDEN_EVENTS_MAX]
    return _spread(short)


def _spread(items: list[T]) -> list[T]:
    return items[:: max(1, len(items) // GOLDEN_ROWS)][:GOLDEN_ROWS]


def _purchases(spec: FeatureSpec, data: bytes, name: str) -> Dataset:
    shoppers = shopping.read_shoppers(data, name, labelled=True)
    count = len(shoppers.snapshots)
    everything = shoppers.snapshots + [shopping.hidden(snapshot) for snapshot in shoppers.snapshots]
    ids, vals = shopping.extract_shoppers(spec, everything)
    labels = shopping.labels(shoppers)
    pages = np.array([sum(snapshot[area] for area in shopping.AREAS) for snapshot in shoppers.snapshots], np.int64)
    weight = np.repeat([1.0, HIDDEN_WEIGHT], count)
    session, length = np.tile(np.arange(count), 2), np.tile(pages, 2)
    rows = Rows(ids, vals, np.tile(labels, (2, 1)), session, length, weight, weight < 1)
    table, categories = rivals.shopper_table(shoppers)
    return Dataset(
        rows=rows,
        splits=_parts(labels[:, 0], rows),
        later=_later(shoppers, rows),
        protocol=f"{PARTS}-fold, stratified, each session judged by a model that has not seen it",
        table=table,
        table_categories=categories,
        markov=None,
        golden=[{"values": values} for values in _spread(everything)],
        facts={"sessions": count, "purchases": int(labels.sum())},
        more=rivals.site_wide_table(shoppers),
    )


def _parts(bought: Floats, rows: Rows) -> tuple[Split, ...]:
    """Deal the sessions out to parts, so that each has its share of purchases."""
    part = np.empty(len(bought), np.int64)
    random = np.random.default_rng(7)
    for label in (0, 1):
        of_label = random.permutation(np.flatnonzero(bought == label))
        part[of_label] = np.arange(len(of_label)) % PARTS
    by_row = part[rows.session]
    return tuple(Split(by_row != number, by_row == number) for number in range(PARTS))


def _later(shoppers: Shoppers, rows: Rows) -> Split | None:
    months: Ints = np.array(shoppers.columns["Month"], np.int64)
    late = (months >= NOVEMBER)[rows.session]
    known = rows.labels[:, 0]
    enough = all(0 < known[part].sum() < part.sum() for part in (late, ~late))
    return Split(~late, late) if enough else None


RECIPES: Final = {
    "journey_intent": Recipe(
        name="journey_intent",
        source="clicks",
        heads=clickstream.HEADS,
        strengths=(0.01, 0.01, 0.01),
        bands=(("1", 1), ("2", 2), ("3-5", 5), ("6-10", 10), ("11 and more", NO_END)),
        length="clicks seen",
        read=_journeys,
    ),
    "purchase_intent": Recipe(
        name="purchase_intent",
        source="shoppers",
        heads=shopping.HEADS,
        strengths=(0.03,),
        bands=(("up to 5", 5), ("6-15", 15), ("16-40", 40), ("41 and more", NO_END)),
        length="pages seen",
        read=_purchases,
    ),
}
