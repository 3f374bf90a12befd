"""The models of one bundle, by name, as the decision loop asks them: made whole, swapped whole, never raising in a run.

Owns which models there are; what happens to each is its own.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self

from edgewise.intent.declaration import Declaration
from edgewise.intent.errors import ModelError
from edgewise.intent.ledger import Ledger
from edgewise.intent.loading import load
from edgewise.intent.member import Answer, Clock, Member
from edgewise.intent.probing import probe
from edgewise.intent.state import ModelState
from edgewise.intent.verdicts import Verdicts

if TYPE_CHECKING:
    from edgewise.intent.model import Ids, Model, Vals

ReadModel = Callable[[str], bytes]


class ModelSet:
    """The models that one bundle declares; without arguments, those of a bundle that declares none."""

    def __init__(self, members: Mapping[str, Member] | None = None) -> None:
        self.members: Mapping[str, Member] = members or {}

    @classmethod
    def prepare(
        cls,
        declared: Mapping[str, Declaration],
        read: ReadModel,
        *,
        before: Self | None = None,
        verdicts: Verdicts | None = None,
        ledger: Ledger | None = None,
        clock: Clock = time.monotonic,
    ) -> Self:
        """Probe and load what a bundle declares, keeping models that the set before has already.

        Without `verdicts` nothing is probed, and all other rules hold: for who serves nobody, and runs a model once.
        `read` gives the bytes of a digest, or raises OSError. A model that is refused is in the set as refused:
        whoever activates the bundle decides on `refusals` whether that stops it. Counts go on in the ledger, by name.
        """
        ledger = ledger or Ledger()
        members = {}
        for name, declaration in declared.items():
            old = before.members.get(name) if before else None
            if old is not None and old.model is not None and declaration.names_the_same(old.declaration):
                members[name] = old
            else:
                model = _load_or_refuse(declaration, read, verdicts)
                members[name] = Member(declaration, model, clock, ledger.tally(name))
        return cls(members)

    @property
    def refusals(self) -> dict[str, ModelError]:
        """The models that were refused, and why."""
        return {name: member.refusal for name, member in self.members.items() if member.refusal}

    @property
    def is_degraded(self) -> bool:
        """Whether a model is refused or rests."""
        return any(member.is_degraded for member in self.members.values())

    def run(self, name: str, ids: "Ids", vals: "Vals", budget_ms: float | None = None) -> Answer:
        """Give a model's probabilities for rows of features, one for each head; or the reason why there are none.

        `budget_ms` is the time that is left for optional work; None means that nobody set a limit.
        """
        member = self.members.get(name)
        return "absent" if member is None else member.run(ids, vals, budget_ms)

    def states(self) -> dict[str, ModelState]:
        """Say how every model stands."""
        return {name: member.state() for name, member in self.members.items()}


def _load_or_refuse(declaration: Declaration, read: ReadModel, verdicts: Verdicts | None) -> "Model | ModelError":
    try:
        return _load(declaration, read, verdicts)
    except ModelError as error:
        return error
    except OSError as error:
        return ModelError("read", "unreadable", f"the model cannot be read: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001, such as a runtime that is not installed as it should be
        return ModelError("session", "runtime", f"the model cannot be loaded: {type(error).__name__}: {error}")


def _load(declaration: Declaration, read: ReadModel, verdicts: Verdicts | None) -> "Model":
    data = read(declaration.digest)
    spec_digest, slots = declaration.spec_digest, declaration.slots
    if verdicts is not None:
        probe(data, declaration.digest, spec_digest, slots, verdicts=verdicts)
    model = load(data, declaration.digest, spec_digest, slots)
    if model.outputs != declaration.outputs:
        said, found = ", ".join(declaration.outputs), ", ".join(model.outputs)
        raise ModelError("metadata", "outputs", f"the bundle expects the heads {said}, the model gives {found}")
    return model
