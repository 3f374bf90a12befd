"""The nearest name to a misspelled one. Owns how near is near enough; knows no lists of names."""

from collections.abc import Iterable
from difflib import get_close_matches

CANDIDATES_MAX = 2000
_NEARNESS_MIN = 0.6
_LISTED_MAX = 6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if there is one."""
    candidates = sorted(known)[:CANDIDATES_MAX]
    found = get_close_matches(name, candidates, n=1, cutoff=_NEARNESS_MIN)
    if found:
        return found[0]
    endings = [known_name for known_name in candidates if known_name.rpartition(".")[2] == name.rpartition(".")[2]]
    return endings[0] if len(endings) == 1 else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The hint of an unknown name: the nearest one, or the few there are."""
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean `{near}`?"
    return f"known: {', '.join(f'`{known_name}`' for known_name in names)}" if 0 < len(names) <= _LISTED_MAX else None
