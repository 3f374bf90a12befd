"""The signed documents besides releases: which generation counts, and the ones before it. Reads; decides nothing."""

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile

from edgewise.store import limits
from edgewise.store.errors import TooLargeError, TrustError
from edgewise.store.generation import Generation, decode
from edgewise.store.names import generation_in, generation_name
from edgewise.store.objects import Objects
from edgewise.store.trust import View


def newest_generation(view: View) -> int:
    """The number of the generation that counts; 0 before the first."""
    return max((generation_in(name) for name in view.roles["rollout"].targets), default=0)


def current_generation(objects: Objects, view: View) -> Generation | None:
    """The generation that counts; None before the first."""
    number = newest_generation(view)
    return read_generation(objects, view, number) if number else None


def read_generation(objects: Objects, view: View, number: int) -> Generation:
    """A generation's document, proven to be the one that `rollout` signed for."""
    name = generation_name(number)
    entry = view.target("rollout", name)
    if entry is None:
        raise TrustError("absent", f"no generation {number} is signed for")
    return decode(read_document(objects, entry, limits.GENERATION_BYTES_MAX), number)


def read_document(objects: Objects, entry: TargetFile, bytes_max: int) -> bytes:
    """A document that is signed for, proven."""
    if entry.length > bytes_max:
        raise TrustError("length", f"`{entry.path}` is larger than {bytes_max} bytes")
    try:
        data = objects.read(entry.path, entry.length)
        if data is None:
            raise TrustError("absent", f"`{entry.path}` is signed for, but not in the store")
        entry.verify_length_and_hashes(data)
    except TooLargeError as error:
        raise TrustError("length", f"`{entry.path}` is longer than what was signed for") from error
    except LengthOrHashMismatchError as error:
        raise TrustError("hash", f"`{entry.path}` is not what was signed for") from error
    return data


def history(objects: Objects, view: View, most: int) -> list[Generation]:
    """The last generations, newest first."""
    numbers = sorted((generation_in(name) for name in view.roles["rollout"].targets), reverse=True)
    return [read_generation(objects, view, number) for number in numbers[:most] if number]
