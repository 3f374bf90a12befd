"""From a data file to a model and its card: judged on a split, then fitted to all rows, written, read back and asked.

Owns that order. The same file and the same date give the same bytes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgewise._core import FeatureSpec
from edgewise.intent.loading import load
from edgewise.intent.train import card
from edgewise.intent.train.dataset import Dataset, Golden, Rows
from edgewise.intent.train.errors import TrainingError
from edgewise.intent.train.fitting import Weights, fit
from edgewise.intent.train.graph import build, compact
from edgewise.intent.train.judging import Figures, judge
from edgewise.intent.train.recipes import Recipe, recipe
from edgewise.intent.train.scoring import SOURCE
from edgewise.intent.train.stories import LICENCES
from edgewise.intent.train.table import digest_of, read_bytes

TRAINED_AT: Final = "2026-11-21"
"""The date in a model unless another one is given: today's would make each rebuild another file."""

MODEL_BYTES_MAX: Final = 256 * 1024
TOLERANCE: Final = 1e-6


@dataclass(frozen=True)
class Trained:
    """A model and its card, not yet written."""

    name: str
    model: bytes
    card: str
    figures: Figures
    gap: float
    """How far the runtime's answers are from the trainer's, at most."""


def train(name: str, path: Path, trained_at: str = TRAINED_AT) -> Trained:
    """Train one model.

    Raises:
        TrainingError: there is no such model, or the data cannot teach it.
        OSError: the file cannot be read.
    """
    chosen = recipe(name)
    raw = read_bytes(path)
    spec = FeatureSpec(chosen.spec_text())
    data = chosen.read(spec, raw, path.name)
    figures = judge(chosen, data, spec.width)
    weights = fit(data.rows, spec.width, chosen.strengths)
    text = card.render(chosen, figures, digest_of(raw), trained_at)
    model = _model(chosen, spec, weights, data, (figures, digest_of(raw), text, trained_at))
    gap = _require_same(model, spec, weights, data.rows)
    return Trained(name, model, text, figures, gap)


def write(trained: Trained, folder: Path) -> list[Path]:
    """Put the model and its card into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{trained.name}.onnx", folder / f"{trained.name}.md"]
    paths[0].write_bytes(trained.model)
    paths[1].write_text(trained.card, encoding="utf-8")
    return paths


def _model(
    chosen: Recipe, spec: FeatureSpec, weights: Weights, data: Dataset, said: tuple[Figures, str, str, str]
) -> bytes:
    figures, data_digest, text, trained_at = said
    metadata = {
        "edgewise.feature_spec": spec.canonical,
        "edgewise.feature_spec_sha256": spec.digest.removeprefix("sha256:"),
        "edgewise.outputs": compact(list(chosen.heads)),
        "edgewise.golden": compact(golden_rows(spec, weights, data.golden)),
        "edgewise.metrics": compact(figures),
        "edgewise.data_sha256": data_digest.removeprefix("sha256:"),
        "edgewise.data_licence": LICENCES[chosen.source],
        "edgewise.trained_at": trained_at,
        "edgewise.model_card": text,
        SOURCE: chosen.source,
    }
    model = build(weights, spec.slots, metadata, f"{chosen.name}: {', '.join(chosen.heads)}")
    if len(model) > MODEL_BYTES_MAX:
        raise TrainingError(f"the model has {len(model)} bytes, more than {MODEL_BYTES_MAX}: use fewer bits")
    return model


def golden_rows(spec: FeatureSpec, weights: Weights, examples: list[Golden]) -> list[Golden]:
    """Say for each example what the extractor and the model make of it."""
    found = []
    for example in examples:
        ids, vals = extract(spec, example)
        used = int(np.count_nonzero(vals))
        row: dict[str, Any] = {"ids": ids[0, :used].tolist(), "vals": vals[0, :used].tolist()}
        found.append(example | row | {"p": weights.probabilities(ids, vals)[0].tolist()})
    return found


def extract(spec: FeatureSpec, example: Golden) -> tuple[Any, Any]:
    """Make the one row of a golden example."""
    if "values" in example:
        return spec.extract_values([example["values"]])
    ids, vals, _, _ = spec.extract_events([example["events"]], inputs=[example["inputs"]])
    return ids, vals


def _require_same(model: bytes, spec: FeatureSpec, weights: Weights, rows: Rows) -> float:
    """Load the model as a node does, and hold its answers to the trainer's, on every row."""
    loaded = load(model, digest_of(model), spec.digest, spec.slots)
    gap = float(np.abs(loaded.run_batch(rows.ids, rows.vals) - weights.probabilities(rows.ids, rows.vals)).max())
    if not gap <= TOLERANCE:
        raise TrainingError(f"the model's answers are up to {gap:.2g} from the trainer's, more than {TOLERANCE}")
    return gap
