"""How good probabilities are, and how sure that is. Owns the measures and the bootstrap by session; knows no model."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgewise.intent.train.dataset import Floats, Ints

RESAMPLES: Final = 200
SEED: Final = 7
ECE_BINS: Final = 15
TENTHS: Final = 10
QUANTILES: Final = (0.025, 0.975)
EDGE: Final = 1e-12

Interval = list[float]
"""A figure, and the ends of its interval of 95 %."""


class Ranking:
    """Scores put in order once, so that their AUC under many weightings costs little. Ties count half."""

    def __init__(self, labels: Floats, scores: Floats) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self._positive = labels[self._order]

    def auc(self, weights: Floats | None = None) -> float:
        """The area under the ROC curve; NaN where there is but one class."""
        weight = np.ones(len(self._order)) if weights is None else weights[self._order]
        positive = np.add.reduceat(weight * self._positive, self._starts)
        negative = np.add.reduceat(weight * (1 - self._positive), self._starts)
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative / 2
        return float((positive * below).sum() / pairs) if pairs > 0 else float("nan")


def average_precision(labels: Floats, scores: Floats) -> float:
    """The area under the precision-recall curve, stepwise; ties in the order of the rows."""
    found = labels[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(found) / np.arange(1, len(found) + 1)
    return float((precision * found).sum() / found.sum())


def log_loss(labels: Floats, p: Floats) -> float:
    """Mean negative log likelihood."""
    p = np.clip(p, EDGE, 1 - EDGE)
    return float(-(labels * np.log(p) + (1 - labels) * np.log(1 - p)).mean())


def calibration(labels: Floats, p: Floats, bins: int = TENTHS) -> list[dict[str, float]]:
    """Mean probability against what happened, in bins of equally many rows."""
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return [
        {"rows": len(part), "said": float(p[part].mean()), "found": float(labels[part].mean())}
        for part in parts
        if len(part)
    ]


def calibration_error(labels: Floats, p: Floats) -> float:
    """The expected calibration error over `ECE_BINS` bins of equally many rows."""
    parts = calibration(labels, p, ECE_BINS)
    return sum(part["rows"] * abs(part["said"] - part["found"]) for part in parts) / len(p)


@dataclass(frozen=True)
class Resamples:
    """Weights of rows for each time that sessions are drawn again, with replacement and with all their rows."""

    weights: list[Floats]

    @classmethod
    def of(cls, sessions: Ints, count: int = RESAMPLES) -> "Resamples":
        """Draw `count` times as many sessions as there are."""
        _, place = np.unique(sessions, return_inverse=True)
        size, random = int(place.max()) + 1, np.random.default_rng(SEED)
        draws = (np.bincount(random.integers(0, size, size), minlength=size) for _ in range(count))
        return cls([draw[place].astype(np.float64) for draw in draws])

    def auc(self, labels: Floats, scores: Floats) -> Interval:
        """AUC with its interval."""
        ranking = Ranking(labels, scores)
        return _interval(ranking.auc(), [ranking.auc(weights) for weights in self.weights])

    def gain(self, labels: Floats, scores: Floats, other: Floats) -> Interval:
        """How far one AUC is above another on the same rows, with its interval."""
        one, two = Ranking(labels, scores), Ranking(labels, other)
        drawn = [one.auc(weights) - two.auc(weights) for weights in self.weights]
        return _interval(one.auc() - two.auc(), drawn)


def _interval(figure: float, drawn: list[float]) -> Interval:
    known = [value for value in drawn if not np.isnan(value)]
    low, high = np.quantile(known, QUANTILES) if known else (figure, figure)
    return [figure, float(low), float(high)]
