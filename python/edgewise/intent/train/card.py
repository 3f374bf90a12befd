"""Model cards after Mitchell et al. (2019), written by the training itself. Owns their form, not the figures."""

from typing import Any, Final

from edgewise.intent.train.judging import Figures
from edgewise.intent.train.recipes import Recipe
from edgewise.intent.train.stories import LICENCES, STORIES

FILES: Final = {"clicks": "eshop_clicks.csv", "shoppers": "online_shoppers.csv"}
SITE_WIDE: Final = "`PageValues`, `BounceRates` and `ExitRates`"


def render(recipe: Recipe, figures: Figures, data_digest: str, trained_at: str) -> str:
    """Write the card of one model."""
    story, source = STORIES[recipe.name], LICENCES[recipe.source]
    parts = [
        f"# {recipe.name}\n\n{story.summary}",
        _identity(recipe, data_digest, trained_at),
        f"## Intended use\n\n{story.use}",
        f"## Not for\n\n{story.not_for}",
        f"## Data\n\n{story.data.format(source=source)}\n\n{_facts(figures)}",
        f"## What it looks at\n\n{story.features}",
        f"## Quality\n\n{_protocol(figures)}\n\n{_quality(figures)}",
        *(_head(recipe, name, head) for name, head in figures["heads"].items()),
        _rivals(figures),
        *_beyond(figures),
        f"## Limits\n\n{story.limits}",
        _rebuild(recipe, trained_at),
    ]
    return "\n\n".join(parts) + "\n"


def _identity(recipe: Recipe, data_digest: str, trained_at: str) -> str:
    rows = [
        ["heads", ", ".join(f"`{head}`" for head in recipe.heads)],
        ["form", "hashed logistic regression, calibrated by Platt's method; ONNX opset 18, IR 8"],
        ["trained on", f"`{data_digest}`"],
        ["stated date", trained_at],
        ["licence of the data", "CC BY 4.0"],
    ]
    return _table(["", ""], rows)


def _facts(figures: Figures) -> str:
    facts = ", ".join(f"{count:,} {name}" for name, count in figures["facts"].items())
    return f"Trained on {facts}."


def _protocol(figures: Figures) -> str:
    judged = f"{figures['rows']:,} rows of {figures['sessions']:,} sessions are judged"
    return f"""\
Protocol: {figures["protocol"]}; {judged}. Intervals are
of 95 %, by a bootstrap that draws whole sessions, since rows of one session are not independent. The calibration
error is of 15 bins with equally many rows. The shipped weights are fitted afterwards to all rows with the same
settings: the newest rows are the ones most like those to come, and to hold them back would only cost quality.
These figures are therefore of models that had less to learn from."""


def _quality(figures: Figures) -> str:
    columns = ["head", "base rate", "AUC", "PR-AUC", "log loss", "calibration error"]
    return _table(columns, [_quality_row(name, head) for name, head in figures["heads"].items()])


def _quality_row(name: str, head: Figures) -> list[str]:
    numbers = [f"{head[key]:.3f}" for key in ("pr_auc", "log_loss", "ece")]
    return [f"`{name}`", f"{head['base_rate']:.3f}", _interval(head["auc"]), *numbers]


def _head(recipe: Recipe, name: str, head: Figures) -> str:
    bands = [
        [band["band"], f"{band['rows']:,}", f"{band['base_rate']:.3f}", _interval(band["auc"]), f"{band['ece']:.3f}"]
        for band in head["by_length"]
    ]
    tenths = [[f"{part['rows']:,}", f"{part['said']:.3f}", f"{part['found']:.3f}"] for part in head["calibration"]]
    by_length = _table([recipe.length, "rows", "base rate", "AUC", "calibration error"], bands)
    calibration = _table(["rows", "said", "found"], tenths)
    return f"### `{name}`\n\n{by_length}\n\nCalibration, in tenths by probability:\n\n{calibration}"


def _rivals(figures: Figures) -> str:
    columns = ["head", "this model", "LightGBM", "above LightGBM", "log loss", "LightGBM's"]
    rows = [
        [
            f"`{name}`",
            *(_interval(head[key]) for key in ("auc", "lightgbm_auc", "over_lightgbm")),
            *(f"{head[key]:.4f}" for key in ("log_loss", "lightgbm_log_loss")),
        ]
        for name, head in figures["heads"].items()
    ]
    worst = min(head["over_lightgbm"][0] for head in figures["heads"].values())
    lost = (
        f"The small form gives up {-worst:.4f} of AUC at most." if worst < 0 else "The small form gives up no AUC here."
    )
    text = f"""\
## Against other models

LightGBM learns from plain columns of the same facts (trees of 15 leaves), on the same split. {lost} By its form it
gives up interactions that nobody wrote down as a cross, and shades between the edges of buckets. For that it is
64 KiB a head, one look-up and one sum, and costs a few microseconds.

{_table(columns, rows)}"""
    return text + _markov(figures)


def _markov(figures: Figures) -> str:
    rows = [
        [f"`{name}`", _interval(head["markov_auc"]), _interval(head["over_markov"])]
        for name, head in figures["heads"].items()
        if "markov_auc" in head
    ]
    if not rows:
        return ""
    table = _table(["head", "Markov", "above Markov"], rows)
    return f"\n\nThe Markov baseline knows the category of the click and its position:\n\n{table}"


def _beyond(figures: Figures) -> list[str]:
    parts = []
    if "hidden" in figures:
        parts.append(f"Without the codes and the special day: {_brief(figures['hidden'])}.")
    if "later" in figures:
        parts.append(
            f"Trained on the months up to October, tested on November and December: {_brief(figures['later'])}."
        )
    if "site_wide_lightgbm_auc" in figures:
        with_all, without = figures["site_wide_lightgbm_auc"], figures["heads"]["purchase"]["lightgbm_auc"][0]
        parts.append(
            f"With {SITE_WIDE} LightGBM reaches an AUC of {with_all:.3f} instead of {without:.3f}: this is what they "
            "add, and what no edge session has."
        )
    return ["## Under other conditions\n\n" + "\n\n".join(parts)] if parts else []


def _brief(figures: Figures) -> str:
    numbers = f"log loss {figures['log_loss']:.3f}, calibration error {figures['ece']:.3f}"
    return f"AUC {_interval(figures['auc'])}, {numbers}, {figures['rows']:,} rows"


def _rebuild(recipe: Recipe, trained_at: str) -> str:
    return f"""\
## Rebuild

```
edgewise model train {recipe.name} --input {FILES[recipe.source]} --out models/ --trained-at {trained_at}
```

The same file gives the same bytes, of model and card, with the same versions of the packages that train it."""


def _interval(figures: list[float]) -> str:
    figure, low, high = figures
    return f"{figure:.4f} ({low:.4f} to {high:.4f})"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines: list[Any] = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
