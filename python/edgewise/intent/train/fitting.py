"""Logistic regression over hashed rows, one head at a time. Owns the fit, its calibration and the rounding of weights.

The same rows give the same weights: one thread, no randomness, weights rounded to a step that float32 holds exactly.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from edgewise.intent.train.dataset import Floats, Ids, Rows, Vals
from edgewise.intent.train.errors import TrainingError

STEP: Final = 2.0**-12
"""Weights are whole multiples of it: sums of them are exact in float32, in a trainer as in a runtime."""

ITERATIONS_MAX: Final = 200
TOLERANCE: Final = 1e-4
FOLDS: Final = 5  # one of them calibrates
UNPENALIZED: Final = 1e6
SCALES: Final = (0.5, 2.0)  # a calibration beyond them is noise of a small sample
CALIBRATION_MIN: Final = 100  # of each class


@dataclass(frozen=True)
class Weights:
    """What a model is: a table with a row for each id and a column for each head, and a bias for each head."""

    table: NDArray[np.float32]
    bias: NDArray[np.float32]

    def probabilities(self, ids: Ids, vals: Vals) -> Floats:
        """Answer rows, float64[n, heads]."""
        table, design = self.table.astype(np.float64), _design(ids, vals, len(self.table))
        return np.asarray(sigmoid(design @ table + self.bias.astype(np.float64)))


def sigmoid(scores: Floats) -> Floats:
    """The logistic function."""
    return np.asarray(1.0 / (1.0 + np.exp(-scores)))


def fit(rows: Rows, width: int, strengths: tuple[float, ...]) -> Weights:
    """Fit all heads; `strengths` are the inverses of the penalties on their weights.

    Raises:
        TrainingError: all rows have the same label.
    """
    table, bias = np.zeros((width, len(strengths))), np.zeros(len(strengths))
    design = _design(rows.ids, rows.vals, width)
    used = np.flatnonzero(np.diff(design.tocsc().indptr))
    design = design[:, used]
    with threadpool_limits(1):
        for head, strength in enumerate(strengths):
            model = LogisticRegression(C=strength, tol=TOLERANCE, max_iter=ITERATIONS_MAX, warm_start=True)
            scale, shift = _calibration(model, design, rows, head)
            _fit_head(model, design, rows, head)
            table[used, head] = model.coef_[0] * scale
            bias[head] = model.intercept_[0] * scale + shift
    return Weights(_rounded(table), _rounded(bias))


def _rounded(weights: Floats) -> NDArray[np.float32]:
    return np.asarray(np.round(weights / STEP) * STEP + 0.0, np.float32)  # + 0.0: there is one zero only


def _design(ids: Ids, vals: Vals, width: int) -> Any:  # noqa: ANN401, scipy has no types
    rows, slots = ids.shape
    ends = np.arange(0, rows * slots + 1, slots)
    # Copies: what follows sorts the numbers in place.
    design = csr_matrix((vals.ravel().astype(np.float64), ids.ravel().copy(), ends), shape=(rows, width))
    design.sum_duplicates()
    design.eliminate_zeros()
    return design


def _fit_head(model: Any, design: Any, rows: Rows, head: int) -> None:  # noqa: ANN401, scikit-learn has no types
    labels = rows.labels[:, head]
    if not 0 < labels.mean() < 1:
        raise TrainingError(f"head {head + 1}: all {len(rows)} rows have the same label: give more data")
    model.fit(design, labels, sample_weight=rows.weight)


def _calibration(model: Any, design: Any, rows: Rows, head: int) -> tuple[float, float]:  # noqa: ANN401
    """Platt's scale and shift of the score, from sessions that the fit behind it has not seen."""
    apart = rows.session % FOLDS == FOLDS - 1
    found = rows.labels[apart, head]
    if min(found.sum(), len(found) - found.sum()) < CALIBRATION_MIN:
        return 1.0, 0.0
    _fit_head(model, design[~apart], rows.where(~apart), head)
    score = model.decision_function(design[apart])[:, None]
    platt = LogisticRegression(C=UNPENALIZED).fit(score, found, sample_weight=rows.weight[apart])
    return float(np.clip(platt.coef_[0, 0], *SCALES)), float(platt.intercept_[0])
