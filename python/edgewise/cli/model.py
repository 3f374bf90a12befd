"""`edgewise model`: train a shipped model, score a file with one. Owns no learning and no features."""

import sys
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NoReturn

import orjson
import rich_click as click

from edgewise.errors import EdgewiseError

EXIT_REFUSED: Final = 1
EXIT_CANNOT_RUN: Final = 2
NEEDED: Final = ("lightgbm", "onnx", "scipy", "sklearn")
FILE: Final = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Train an intent model, or score a file with one.

    Example: edgewise model train journey_intent --input eshop_clicks.csv --out models/
    """


@command.command("train")
@click.argument("name", type=click.Choice(["journey_intent", "purchase_intent"]))
@click.option("--input", "source", required=True, type=FILE, help="The data file (CSV).")
@click.option("--out", default=Path("models"), type=FILE, show_default=True, help="Folder for the model and its card.")
@click.option(
    "--trained-at", type=click.DateTime(["%Y-%m-%d"]), help="The date that the model states; it has a fixed one."
)
def train_command(name: str, source: Path, out: Path, trained_at: datetime | None) -> None:
    """Train a model: NAME.onnx and its card NAME.md.

    It is judged on sessions that it has not seen, then fitted to all of them. The same file gives the same bytes.

    Example: edgewise model train purchase_intent --input online_shoppers.csv --out models/
    """
    _require_packages()
    from edgewise.intent.train import training

    stated: date | None = trained_at.date() if trained_at else None
    try:
        trained = training.train(name, source, stated.isoformat() if stated else training.TRAINED_AT)
    except EdgewiseError as error:
        _refuse(error)
    for path in training.write(trained, out):
        click.echo(f"wrote {path}, {path.stat().st_size} bytes")
    for head, figures in trained.figures["heads"].items():
        figure, low, high = figures["auc"]
        click.echo(f"{head}: AUC {figure:.4f} ({low:.4f} to {high:.4f}), calibration error {figures['ece']:.4f}")


@command.command("score")
@click.argument("model", type=FILE)
@click.option("--input", "source", required=True, type=FILE, help="A file of the form that the model was trained on.")
def score_command(model: Path, source: Path) -> None:
    """Score each row of a file: a line of JSON with the row, counted from 0, and each head's probability.

    Example: edgewise model score models/journey_intent.onnx --input eshop_clicks.csv
    """
    from edgewise.intent.train.scoring import open_scorer
    from edgewise.intent.train.table import read_bytes

    try:
        scores = open_scorer(model).score(read_bytes(source), source.name)
        for score in scores:
            sys.stdout.write(orjson.dumps(score, option=orjson.OPT_APPEND_NEWLINE).decode())
    except EdgewiseError as error:
        _refuse(error)


def _refuse(error: EdgewiseError) -> NoReturn:
    click.echo(str(error), err=True)
    sys.exit(EXIT_REFUSED)


def _require_packages() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        click.echo(f"training needs {', '.join(missing)}: pip install 'edgewise[train]'", err=True)
        sys.exit(EXIT_CANNOT_RUN)
