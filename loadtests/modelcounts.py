"""What a node's models did under load, and whether they were there at all: decisions go on without one that is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from client import CallError, Node
from gates import Gate


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """The models of the node's bundle as its status names them, by name; why there is no status otherwise."""

    models: Mapping[str, Mapping[str, Any]]
    error: str | None = None

    @classmethod
    def of(cls, url: str) -> Self:
        """Ask a node."""
        try:
            return cls(Node(url).call("GET", "/v1/status").get("models", {}))
        except CallError as error:
            return cls({}, str(error))

    def gates(self, limits: Mapping[str, float]) -> list[Gate]:
        """Judge: each model of the bundle is ready, and ran. A bundle without models has nothing to judge."""
        found = [Gate("status of models", 0, "at least", 1)] if self.error else []
        for name, one in self.models.items():
            found.append(Gate(f"model {name} ready", int(one["state"] == "ready"), "at least", 1))
            found.append(Gate(f"model {name} runs", one["counts"]["runs"], "at least", limits.get("runs_min", 1)))
        return found

    def in_words(self) -> list[str]:
        """Say what each did; they run only for decisions that ask them."""
        if self.error:
            return [f"  the node does not answer: {self.error}"]
        return [_in_words(name, one) for name, one in self.models.items()]


def _in_words(name: str, one: Mapping[str, Any]) -> str:
    counts = one["counts"]
    skipped = ", ".join(f"{count} {reason}" for reason, count in counts["skipped"].items() if count)
    runs = f"{counts['runs']} runs of {counts['rows']} rows, {counts['failures']} failed"
    return f"  model {name} ({one['state']}): {runs}; skipped {skipped or 'none'}"
