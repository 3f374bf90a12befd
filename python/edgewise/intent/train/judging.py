"""Judges a model: fits it on a part, asks it about the rest. Owns which figures there are, not how they look."""

from typing import Any, Final

import numpy as np

from edgewise.intent.train import rivals
from edgewise.intent.train.dataset import Dataset, Floats, Mask, Rows, Split
from edgewise.intent.train.fitting import fit
from edgewise.intent.train.measures import (
    Ranking,
    Resamples,
    average_precision,
    calibration,
    calibration_error,
    log_loss,
)
from edgewise.intent.train.recipes import Recipe

DIGITS: Final = 4
Figures = dict[str, Any]


def judge(recipe: Recipe, data: Dataset, width: int) -> Figures:
    """Find every figure of the card, rounded."""
    original = ~data.rows.copy
    tested = np.logical_or.reduce([split.test for split in data.splits])
    rows = data.rows.where(tested & original)
    resamples = Resamples.of(rows.session)
    answers = _answers(recipe, data, width)
    heads = {
        name: _head(recipe, data, rows, (head, answers[tested & original, head]), resamples)
        for head, name in enumerate(recipe.heads)
    }
    found: Figures = {"protocol": data.protocol, "rows": len(rows), "sessions": len(np.unique(rows.session))}
    found |= {"length": recipe.length, "facts": data.facts, "heads": heads} | _beyond(recipe, data, answers, width)
    return dict(_rounded(found))


def _answers(recipe: Recipe, data: Dataset, width: int) -> Floats:
    """Answer each row with a model that has not seen its session; NaN where nothing is tested."""
    answers = np.full((len(data.rows), len(recipe.heads)), np.nan)
    for split in data.splits:
        answers[split.test] = _asked(recipe, data.rows, split, width)
    return answers


def _asked(recipe: Recipe, rows: Rows, split: Split, width: int) -> Floats:
    test = rows.where(split.test)
    return fit(rows.where(split.train), width, recipe.strengths).probabilities(test.ids, test.vals)


def _head(recipe: Recipe, data: Dataset, rows: Rows, answer: tuple[int, Floats], resamples: Resamples) -> Figures:
    head, p = answer
    labels = rows.labels[:, head]
    boosted = _boosted(recipe, data, head, data.table)
    found: Figures = {
        "base_rate": labels.mean(),
        "auc": resamples.auc(labels, p),
        "pr_auc": average_precision(labels, p),
        "log_loss": log_loss(labels, p),
        "ece": calibration_error(labels, p),
        "lightgbm_auc": resamples.auc(labels, boosted),
        "over_lightgbm": resamples.gain(labels, p, boosted),
        "lightgbm_log_loss": log_loss(labels, boosted),
        "calibration": calibration(labels, p),
        "by_length": _by_length(recipe, rows, labels, p),
    }
    if data.markov is not None:
        split = data.splits[0]
        guess = rivals.markov(data.markov, data.rows.labels[:, head], split.train, split.test)
        found |= {"markov_auc": resamples.auc(labels, guess), "over_markov": resamples.gain(labels, p, guess)}
    return found


def _by_length(recipe: Recipe, rows: Rows, labels: Floats, p: Floats) -> list[Figures]:
    found, least = [], 0
    for name, most in recipe.bands:
        band = (rows.length > least) & (rows.length <= most)
        least = most
        if 0 < labels[band].sum() < band.sum():
            figures = {"auc": Resamples.of(rows.session[band]).auc(labels[band], p[band])}
            rate = {"base_rate": labels[band].mean(), "ece": calibration_error(labels[band], p[band])}
            found.append({"band": name, "rows": int(band.sum())} | rate | figures)
    return found


def _boosted(recipe: Recipe, data: Dataset, head: int, table: Floats) -> Floats:
    """LightGBM's answers about the rows that are tested, learned from the same ones."""
    original = ~data.rows.copy
    labels = data.rows.labels[original, head]
    answers = np.full(len(labels), np.nan)
    for split in data.splits:
        train, test = split.train[original], split.test[original]
        count = rivals.TREES[recipe.source]
        answers[test] = rivals.trees(table, data.table_categories, labels, (train, test), count)
    return np.asarray(answers[~np.isnan(answers)])


def _beyond(recipe: Recipe, data: Dataset, answers: Floats, width: int) -> Figures:
    found: Figures = {}
    if data.rows.copy.any():
        found["hidden"] = _brief(data.rows, data.rows.copy, answers)
    if data.later is not None:
        later = np.full_like(answers, np.nan)
        later[data.later.test] = _asked(recipe, data.rows, data.later, width)
        found["later"] = _brief(data.rows, data.later.test & ~data.rows.copy, later)
    if data.more is not None:
        labels = data.rows.labels[~data.rows.copy, 0]
        more = _boosted(recipe, data, 0, np.hstack([data.table, data.more]))
        found["site_wide_lightgbm_auc"] = Ranking(labels, more).auc()
    return found


def _brief(rows: Rows, mask: Mask, answers: Floats) -> Figures:
    labels, p = rows.labels[mask, 0], answers[mask, 0]
    auc = Resamples.of(rows.session[mask]).auc(labels, p)
    return {"rows": int(mask.sum()), "auc": auc, "log_loss": log_loss(labels, p), "ece": calibration_error(labels, p)}


def _rounded(found: Any) -> Any:  # noqa: ANN401, JSON
    if isinstance(found, dict):
        return {key: _rounded(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_rounded(value) for value in found]
    return round(float(found), DIGITS) if isinstance(found, float) else found
