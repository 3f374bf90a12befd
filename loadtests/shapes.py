"""How many visitors are there when: the shapes of a load, as plain functions of time."""

from dataclasses import dataclass

STEPS = 5
SPIKE_FROM, SPIKE_TO, SPIKE_BASE = 0.4, 0.6, 0.2
RAMP_S = 5.0
PARTS = 1000

# Visitors at the peak and seconds, unless told otherwise.
DEFAULTS = {"smoke": (100, 60.0), "step": (250, 300.0), "spike": (300, 180.0), "soak": (100, 1800.0)}


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape, sized."""

    name: str
    users: int
    seconds: float

    def users_at(self, at_s: float) -> int | None:
        """Tell how many visitors there should be; None when it is over."""
        if at_s >= self.seconds:
            return None
        return max(1, round(self.users * self._share(at_s / self.seconds)))

    def visitor_seconds(self, until_s: float) -> float:
        """Add up how long all visitors together are there in the seconds from the start."""
        parts = [at * until_s / PARTS for at in range(PARTS)]
        return sum(self.users_at(at) or 0 for at in parts) * until_s / PARTS

    def _share(self, part: float) -> float:
        if self.name == "step":
            return (int(part * STEPS) + 1) / STEPS
        if self.name == "spike":
            return 1.0 if SPIKE_FROM <= part < SPIKE_TO else SPIKE_BASE
        return 1.0

    @property
    def spawn_rate(self) -> float:
        """Tell how many visitors may come within a second; the first page of each is spread out further."""
        return max(1.0, self.users / min(RAMP_S, self.seconds / 4))


def shape(name: str, users: int | None = None, seconds: float | None = None) -> Shape:
    """Size a shape by what was asked for, else as usual."""
    usual_users, usual_seconds = DEFAULTS[name]
    return Shape(name, users or usual_users, seconds or usual_seconds)
