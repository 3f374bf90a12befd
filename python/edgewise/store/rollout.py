"""Rolling out: makes a step of `steps` the next generation in the store, once, whoever else tries at the same time."""

from collections.abc import Callable

import msgspec
from tuf.api.metadata import TargetFile, Targets

from edgewise.store import limits
from edgewise.store.commit import Draft, Writer
from edgewise.store.documents import current_generation, newest_generation
from edgewise.store.errors import BusyError, RolloutError
from edgewise.store.generation import Generation, check, encode
from edgewise.store.names import bundle_name, generation_in, generation_name
from edgewise.store.steps import FIRST
from edgewise.store.trust import View

Step = Callable[[Generation], Generation]


def take_step(writer: Writer, step: Step, *, on: int | None = None) -> Generation:
    """Make a step the next generation.

    Args:
        writer: The store, with keys of rollout, snapshot and timestamp.
        step: The present generation -> the next one; what it raises ends the attempt.
        on: The generation that the step was decided on; when it is no longer the present one, nothing is done.
    """
    made: list[Generation] = []

    def change(view: View) -> Draft:
        before = current_generation(writer.objects, view) or FIRST
        if on is not None and before.generation != on:
            raise RolloutError(f"the rollout has moved on from generation {on} to {before.generation}; look again")
        after = step(before)
        _require_releases(view, after)
        document, data = _put_document(writer, view, after)
        made[:] = [document]
        return Draft(roles={"rollout": _with_generation(view, document, data)})

    writer.commit(change)
    return made[0]


def _require_releases(view: View, document: Generation) -> None:
    for digest in document.digests():
        if view.target("release", bundle_name(digest)) is None:
            raise RolloutError(f"`{digest}` is no release of this store; `edgewise publish` brings one in")


def _put_document(writer: Writer, view: View, after: Generation) -> tuple[Generation, bytes]:
    """Write the document under the first free number: one that somebody squats is skipped, never overwritten."""
    first = newest_generation(view) + 1
    for number in range(first, first + limits.NUMBERS_SKIPPED_MAX):
        started_here = after.min_generation == after.previous + 1
        document = msgspec.structs.replace(
            after, generation=number, min_generation=number if started_here else after.min_generation
        )
        check(document)
        data = encode(document)
        if len(data) > limits.GENERATION_BYTES_MAX:
            raise RolloutError(f"the document of a generation may have {limits.GENERATION_BYTES_MAX} bytes")
        if writer.objects.create(generation_name(number), data):
            return document, data
    raise BusyError(
        "too many numbers of generations are taken by objects that nobody signed; see `edgewise store check`"
    )


def _with_generation(view: View, document: Generation, data: bytes) -> Targets:
    """What `rollout` signs for: the new generation and the ones before it that the history shows."""
    listed = sorted(view.roles["rollout"].targets.items(), key=lambda item: generation_in(item[0]), reverse=True)
    targets = Targets(targets=dict(listed[: limits.GENERATIONS_LISTED - 1]))
    name = generation_name(document.generation)
    targets.targets[name] = TargetFile.from_data(name, data, ["sha256"])
    return targets
