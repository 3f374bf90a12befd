"""What a generation asks of this node, and the manifest that comes of it with what the node can run. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from edgewise.bundle import Manifest
from edgewise.bundle.slot import SwitchedOff, Trial
from edgewise.store import Generation

SUBJECT_SALT = ":subject"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The bundle for everybody, and the one that is tried on some beside it."""

    digest: str | None
    trial: Trial | None

    @property
    def digests(self) -> list[str]:
        """The bundles that are needed."""
        return [digest for digest in (self.digest, self.trial.digest if self.trial else None) if digest is not None]


def wanted_of(generation: Generation, node: str, labels: Mapping[str, str], refused: Collection[str]) -> Wanted:
    """Say what a generation asks of a node that has put some bundles aside."""
    candidate = None
    if generation.candidate not in refused and generation.takes_candidate(node, dict(labels)):
        candidate = generation.candidate
    stable = generation.stable if generation.stable not in refused else None
    if generation.stable is None:  # nothing was ever promoted: the candidate is all there is
        return Wanted(candidate, None)
    return Wanted(stable, _trial(generation, candidate) if stable is not None else None)


def _trial(generation: Generation, candidate: str | None) -> Trial | None:
    if candidate is None or generation.progress is None or generation.subject_percent <= 0:
        return None
    salt = generation.progress.salt + SUBJECT_SALT
    return Trial(digest=candidate, salt=salt, percent=generation.subject_percent)


def manifest_of(
    generation: Generation,
    wanted: Wanted,
    can_run: Callable[[str], bool],
    last_good: Manifest | None,
    floor: int = 0,
) -> Manifest | None:
    """Give what should run: what is wanted as far as it is here, else the last good, but what is off is off.

    The last good keeps the generation that it ran under, or takes `floor` when workers have seen that already. None
    when there is nothing to run.
    """
    off = tuple(
        SwitchedOff(scenario=entry.scenario, point=entry.point, reason=entry.reason, until=entry.until)
        for entry in generation.disabled
    )
    if wanted.digest is not None and can_run(wanted.digest):
        trial = wanted.trial if wanted.trial and can_run(wanted.trial.digest) else None
        number, digest = generation.generation, wanted.digest
        return Manifest(generation=number, digest=digest, source="store", disabled=off, trial=trial)
    if last_good is None or not can_run(last_good.digest):
        return None
    number = max(last_good.generation if last_good.source == "store" else 0, floor)
    return Manifest(generation=number, digest=last_good.digest, source="store", disabled=off)


def without(manifest: Manifest, refused: str, last_good: Manifest | None) -> Manifest | None:
    """Give what should run of a manifest when one of its bundles is refused and no generation is known."""
    if manifest.trial is not None and manifest.trial.digest == refused:
        return Manifest(
            generation=manifest.generation, digest=manifest.digest, source=manifest.source, disabled=manifest.disabled
        )
    if last_good is None or last_good.digest == refused:
        return None
    return Manifest(
        generation=manifest.generation, digest=last_good.digest, source=manifest.source, disabled=manifest.disabled
    )
