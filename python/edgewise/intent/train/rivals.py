"""What the shipped form is held against: a Markov table, and boosted trees over plain columns. Never shipped."""

from typing import Any, Final

import lightgbm
import numpy as np

from edgewise.intent.train.clicks import CATEGORIES, Clicks, Event, Inputs
from edgewise.intent.train.dataset import Floats, Ints, Mask
from edgewise.intent.train.shoppers import AREAS, CODED, SITE_WIDE, Shoppers

POSITIONS: Final = 20
"""Positions beyond it are one state to the Markov table."""

PRIOR_ROWS: Final = 10.0
TREES: Final = {"clicks": 200, "shoppers": 100}
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.05,
    "num_threads": 1,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def markov_states(clicks: Clicks) -> Ints:
    """The category of each click and its position: all that the Markov table knows."""
    return np.array([_state(event, at) for session in clicks.sessions for at, event in enumerate(session)], np.int64)


def _state(event: Event, at: int) -> int:
    return CATEGORIES.index(event["properties"]["category"]) * POSITIONS + min(at, POSITIONS - 1)


def markov(states: Ints, labels: Floats, train: Mask, test: Mask) -> Floats:
    """Guess each label by how often it came in the same state, drawn a little to the mean."""
    size = len(CATEGORIES) * POSITIONS
    seen = np.bincount(states[train], minlength=size).astype(np.float64)
    came = np.bincount(states[train], labels[train], minlength=size)
    rate = (came + PRIOR_ROWS * labels[train].mean()) / (seen + PRIOR_ROWS)
    return np.asarray(rate[states[test]])


def trees(table: Floats, categories: tuple[int, ...], labels: Floats, split: tuple[Mask, Mask], count: int) -> Floats:
    """Fit LightGBM on one part and answer the other."""
    train, test = split
    data = lightgbm.Dataset(table[train], labels[train], categorical_feature=list(categories))
    return np.asarray(lightgbm.train(PARAMETERS, data, num_boost_round=count).predict(table[test]), np.float64)


CLICK_CATEGORIES: Final = (0, 1, 2, 3)
"""The first columns of a click are codes."""


def click_table(clicks: Clicks) -> Floats:
    """One line of plain numbers for each click, about as much as the feature spec looks at."""
    codes: dict[str, int] = {}
    return np.array(
        [line for at, session in enumerate(clicks.sessions) for line in _lines(session, codes, clicks.inputs[at])],
        np.float64,
    )


def _lines(session: list[Event], codes: dict[str, int], inputs: Inputs) -> list[list[float]]:
    lines: list[list[float]] = []
    prices: list[float] = []
    seen: list[str] = []
    categories: list[int] = [len(CATEGORIES)]  # stands for none before
    pages: list[float] = []
    for event in session:
        now = event["properties"]
        prices.append(now["price"])
        pages.append(now["page"])
        categories.append(CATEGORIES.index(now["category"]))
        named = [now["product_id"], inputs["country"]]
        code = [float(codes.setdefault(f"{kind}={text}", len(codes))) for kind, text in enumerate(named)]
        repeats = [float(now["product_id"] in seen), float(len({*seen, now["product_id"]}))]
        seen.append(now["product_id"])
        shares = [float(categories.count(at)) for at in range(len(CATEGORIES))]
        switches = float(np.count_nonzero(np.diff(categories[1:])))
        levels = [prices[-1], float(np.mean(prices)), max(prices), pages[-1], max(pages), float(np.mean(pages[-3:]))]
        last = [float(at) for at in categories[-2:]]
        lines.append([*last, *code, float(len(seen)), *repeats, *shares, switches, *levels])
    return lines


def shopper_table(shoppers: Shoppers) -> tuple[Floats, tuple[int, ...]]:
    """The columns that the feature spec looks at, as plain numbers, and which of them are codes."""
    columns = shoppers.columns
    numbers = [*AREAS.values(), *(f"{column}_Duration" for column in AREAS.values()), "SpecialDay", "Weekend"]
    named = ["Month", "VisitorType", *CODED.values()]
    codes = [np.unique(columns[name], return_inverse=True)[1] for name in named]
    table = np.array([*(columns[name] for name in numbers), *codes], np.float64).T
    return table, tuple(range(len(numbers), table.shape[1]))


def site_wide_table(shoppers: Shoppers) -> Floats:
    """The columns that no edge session has."""
    return np.array([shoppers.columns[name] for name in SITE_WIDE], np.float64).T
