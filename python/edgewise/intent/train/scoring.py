"""Scores a file with a model: the extractor of its own spec, the runtime that serves it. Needs no training package."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from edgewise._core import FeatureSpec
from edgewise.intent.library import shipped_models
from edgewise.intent.loading import MODEL_BYTES_MAX, load
from edgewise.intent.metadata import SPEC
from edgewise.intent.policy import inspect
from edgewise.intent.probing import probe
from edgewise.intent.train.clicks import extract_clicks, read_clicks
from edgewise.intent.train.dataset import Ids, Vals
from edgewise.intent.train.errors import TrainingError
from edgewise.intent.train.shoppers import extract_shoppers, read_shoppers
from edgewise.intent.train.table import digest_of, read_bytes

if TYPE_CHECKING:
    from edgewise.intent.model import Model

SOURCE: Final = "edgewise.source"
"""The metadata's key for the form of the data that a model was trained on."""

Score = dict[str, float]


@dataclass(frozen=True)
class Scorer:
    """A model, ready to be asked about files of the form it was trained on."""

    model: "Model"
    spec: FeatureSpec
    source: str

    def score(self, data: bytes, name: str) -> Iterator[Score]:
        """Answer each row of a file, in its order; rows are counted from 0.

        Raises:
            TrainingError: the file is not of the model's form.
        """
        ids, vals, places = self._extract(data, name)
        answers = np.empty((len(ids), len(self.model.outputs)), np.float32)
        answers[places] = self.model.run_batch(ids, vals)
        for row, answer in enumerate(answers.tolist()):
            yield {"row": row, **dict(zip(self.model.outputs, answer, strict=True))}

    def _extract(self, data: bytes, name: str) -> tuple[Ids, Vals, "np.typing.NDArray[np.int64]"]:
        if self.source == "clicks":
            clicks = read_clicks(data, name, months=False)
            return *extract_clicks(self.spec, clicks), clicks.file_row
        shoppers = read_shoppers(data, name, labelled=False)
        return *extract_shoppers(self.spec, shoppers.snapshots), np.arange(len(shoppers.snapshots))


def open_scorer(path: Path) -> Scorer:
    """Load a model as a node does, by the spec that it carries, and once it was tried where it can do no harm.

    The models that come with edgewise need no trial, wherever they lie: they are known by their digests.

    Raises:
        ModelError: it is no model, or breaks a rule.
        TrainingError: it was not trained on data of a form that is known here.
        OSError: the file cannot be read.
    """
    data = _read_model(path)
    entries = inspect(data).metadata
    source = entries.get(SOURCE, "")
    if source not in {"clicks", "shoppers"} or SPEC not in entries:
        raise TrainingError(f"`{path}` does not say which form of data it is for: train it with `edgewise model train`")
    spec = FeatureSpec(entries[SPEC])
    named = (data, digest_of(data), spec.digest, spec.slots)
    if named[1] not in {digest_of(shipped.read_bytes()) for shipped in shipped_models().values()}:
        probe(*named)
    return Scorer(load(*named), spec, source)


def _read_model(path: Path) -> bytes:
    data = read_bytes(path)
    if len(data) > MODEL_BYTES_MAX:
        raise TrainingError(f"`{path}` is larger than {MODEL_BYTES_MAX} bytes, which no model may be")
    return data
