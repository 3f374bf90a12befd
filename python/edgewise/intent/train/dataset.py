"""Rows to learn from, of whatever set: hashed features, labels, sessions. Owns their form, not their making."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Vals = NDArray[np.float32]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Golden = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """One row for each example; all arrays are equally long."""

    ids: Ids
    vals: Vals
    labels: Floats
    """One column for each head, 0 or 1."""
    session: Ints
    """Rows of one session are dependent: they are split, folded and resampled together."""
    length: Ints
    """How much of its session a row has seen."""
    weight: Floats
    copy: Mask
    """Rows that repeat another one with inputs missing: they teach, and are judged apart."""

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.session)

    def where(self, mask: Mask) -> "Rows":
        """Keep some of the rows."""
        return Rows(
            ids=self.ids[mask],
            vals=self.vals[mask],
            labels=self.labels[mask],
            session=self.session[mask],
            length=self.length[mask],
            weight=self.weight[mask],
            copy=self.copy[mask],
        )


@dataclass(frozen=True)
class Split:
    """One way to part the rows: a model learns from `train` and is judged by `test`."""

    train: Mask
    test: Mask


@dataclass(frozen=True)
class Dataset:
    """Everything a recipe makes of a file."""

    rows: Rows
    splits: tuple[Split, ...]
    """Each row is in one `test` at most; the main figures are of all of them together."""
    later: Split | None
    """Parted by time where the main split is not."""
    protocol: str
    """The main split in words."""
    table: Floats
    """Plain columns for the model to compare with, in the order of the rows that are no copies."""
    table_categories: tuple[int, ...]
    """Which of those columns are codes."""
    markov: Ints | None
    """A state for each row, from which a Markov model would guess."""
    golden: list[Golden]
    """Examples as they come in: `events` or `values`."""
    facts: dict[str, int]
    """How much there is of what."""
    more: Floats | None = None
    """Columns that no edge session has, to say what they would add."""
