"""A book in a temporary folder, to break in one place at a time."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from edgewise.book import Finding, check

REGISTRY = """\
apiVersion: edgewise/v1
kind: Registry
timezone: Europe/Berlin
policy: {window_days: 30}
signals:
  order.channel: {type: enum, values: [online, store], source: request}
  order.days:    {type: int, min: 0, source: request}
  order.final:   {type: bool, source: request}
  user.contacts: {type: int, min: 0, source: profile, max_age: 1d, purposes: [personalize], label: your contacts}
  visit.views:   {type: int, source: session, count: {event: Product Viewed}}
segments:
  needs_help: {when: "user.contacts >= 1"}
  browsing:   {when: "visit.views >= 3"}
purposes:
  personalize: {basis: consent}
state: {session: {ttl: 30m}}
decision_points:
  page.header: {surface: "web:/page#header", fallback: {content: plain}}
  page.footer: {surface: "web:/page#footer", fallback: {content: plain}}
outcomes:
  done:   {event: Done, measure: rate, window: 14d, join: [userId], direction: up, level: outcome}
  looked: {event: Looked, measure: rate, window: 1d, join: [userId], direction: up, level: leading}
global_holdout: {percent: 2, unit: user, salt: holdout}
"""

SCENARIO = """\
apiVersion: edgewise/v1
kind: Scenario
id: a-return
version: 4
status: live
owner: squad
priority: 20
situation: Somebody wants to return something.
goal: Finish it in one visit.
context: "order.channel == 'online'"
pathways:
  - {id: in_window, when: "order.days <= policy.window_days"}
  - {id: late, when: "order.days > policy.window_days"}
  - {id: unknown, otherwise: true}
decision_points:
  - id: page.header
    default: {content: how-to, tone: plain}
    by_pathway:
      late: {set: {content: closed}}
    overlays:
      - {segment: needs_help, set: {tone: kind}, explain: "You contacted us."}
      - {segment: browsing, pathways: [in_window], omit: true, explain: "You are looking around."}
outcome:
  primary: done
  baseline: {value: 0.22, unit: per user, measured: 2026-09-01/2026-09-30, source: log}
experiment: {id: e-1, arms: {as_is: 10, default: 45, personalized: 45}, unit: user, salt: s-1}
explanation: "Because you return something."
readiness: {feasibility: 4, operations: [{change: staff trained, team: stores, done: true}]}
evidence:
  review: {accuracy: 5, frequency: 4, impact: 5, on: 2026-08-12}
  as_is: [calls]
  opportunities: [say what to bring]
  stress_test: {prototype: true, on: 2026-08-30}
tests:
  - {name: closed, signals: {order.channel: online, order.days: 45}, expect: {pathway: late}}
"""


@dataclass
class BookFolder:
    """A book whose files can be rewritten."""

    path: Path

    def write(self, file: str, text: str | bytes) -> None:
        target = self.path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def read(self, file: str) -> str:
        return (self.path / file).read_text(encoding="utf-8")

    def edit(self, file: str, old: str, new: str) -> None:
        text = self.read(file)
        assert text.count(old) == 1, f"`{old}` stands {text.count(old)} times in {file}"
        self.write(file, text.replace(old, new))

    def check(self) -> list[Finding]:
        return check(self.path)

    def codes(self) -> list[str]:
        return [finding.code for finding in self.check()]


@pytest.fixture
def book(tmp_path: Path) -> BookFolder:
    folder = BookFolder(tmp_path / "book")
    folder.write("book.yaml", REGISTRY)
    folder.write("scenarios/a-return.yaml", SCENARIO)
    return folder
