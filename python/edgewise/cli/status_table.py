"""Tables that are read at three in the morning: what runs, how far, which nodes are not well, why."""

from collections import Counter
from typing import Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from edgewise.cli.at_store import short
from edgewise.cli.tables import plain_table
from edgewise.store.generation import Generation, Stage
from edgewise.store.pending import Proposal
from edgewise.store.releases import Facts, right_now
from edgewise.store.status import Account
from edgewise.store.verdict import state_of
from edgewise.store.view import Picture

NODES_SHOWN: Final = 60
_STYLES: Final = {
    "serving": "green",
    "behind": "yellow",
    "nacked": "bold red",
    "stale": "yellow",
    "unverified": "bold red",
    "missing": "yellow",
}
_VERDICTS: Final = {"success": "green", "failure": "bold red", "inconclusive": "yellow", "error": "bold red"}
_WORST_FIRST: Final = ("nacked", "unverified", "missing", "stale", "behind", "serving")


def render(picture: Picture) -> RenderableType:
    """The whole picture."""
    parts: list[RenderableType] = [_head(picture.generation), *_verdict(picture), *_disabled(picture.generation)]
    if picture.is_expired:
        until = f"{picture.view.expires_at:%Y-%m-%d %H:%M} UTC"
        parts.append(
            Text(f"expired    {until}: nodes take nothing new; run `edgewise store refresh`", style="bold red")
        )
    parts += [Text(f"waits      {waiting(each)}", style="yellow") for each in picture.waiting or ()]
    if picture.waiting is None:
        parts.append(Text("waits      not known: what waits for signatures cannot be read", style="yellow"))
    parts += [Text(f"skipped: {problem}", style="yellow") for problem in picture.view.problems]
    return Group(*parts, render_nodes(picture))


def _head(now: Generation) -> RenderableType:
    if now.generation == 0:
        return Text("nothing is rolled out yet")
    lines = [f"[bold]generation {now.generation}[/]  {now.action} by {escape(now.by)} at {escape(now.at)}"]
    if now.why:
        lines.append(f"because: {escape(now.why)}")
    lines.append(f"stable     {short(now.stable)}")
    if now.progress is not None:
        stage = now.progress.current
        where = f"stage {now.progress.stage + 1} of {len(now.progress.plan.stages)}, {escape(stage.name)}"
        dials = f"{_nodes_of(stage)}, {stage.subject_percent:g} % of their visitors"
        lines.append(f"candidate  {short(now.candidate)}  {where} ({dials}), {now.progress.state}")
    return Text.from_markup("\n".join(lines))


def _nodes_of(stage: Stage) -> str:
    labels = " ".join(f"{name}={value}" for name, value in stage.labels.items())
    percent = f"{stage.node_percent:.3g} % of nodes" if stage.node_percent or not labels else ""
    return escape(" and ".join(part for part in (percent, f"nodes with {labels}" if labels else "") if part))


def _verdict(picture: Picture) -> list[RenderableType]:
    judgement = picture.judgement
    if judgement is None:
        return []
    style = _VERDICTS[judgement.verdict]
    return [Text.from_markup(f"verdict    [{style}]{judgement.verdict}[/]  {escape('; '.join(judgement.reasons))}")]


def _disabled(now: Generation) -> list[RenderableType]:
    found: list[RenderableType] = []
    for entry in now.switched_off(right_now()):
        what = entry.scenario if entry.point is None else f"{entry.scenario} at {entry.point}"
        until = f" until {entry.until}" if entry.until else ""
        found.append(Text.from_markup(f"[bold red]off[/]        {escape(what)}{escape(until)}: {escape(entry.reason)}"))
    return found


def render_nodes(picture: Picture) -> RenderableType:
    """Every node, the unwell first."""
    now = picture.generation
    if not picture.accounts:
        return Text("no node has written a status yet")
    table = plain_table("node", "state", "generation", "serves", "age", "what is wrong")
    ordered = sorted(picture.accounts, key=lambda account: _WORST_FIRST.index(state_of(now, account)))
    for account in ordered[:NODES_SHOWN]:
        table.add_row(*_row(now, account))
    rest = len(ordered) - NODES_SHOWN
    counted = Counter(state_of(now, account) for account in ordered)  # in the order of the table
    head = Text("nodes      " + ", ".join(f"{count} {state}" for state, count in counted.items()))
    return Group(head, table, *([Text(f"and {rest} more; --json has all")] if rest > 0 else []))


def _row(now: Generation, account: Account) -> list[str]:
    state = state_of(now, account)
    status = account.status
    serves = short(status.digest) if status else "-"
    if status and status.candidate:
        serves += f" + {short(status.candidate)}"
    age = "-" if account.age_s is None else f"{account.age_s:.0f} s"
    generation = str(status.generation) if status else "-"
    return [escape(account.node), f"[{_STYLES[state]}]{state}[/]", generation, serves, age, escape(_wrong(account))]


def _wrong(account: Account) -> str:
    status = account.status
    found = [account.problem] if account.problem else []
    if status and status.nack:
        found.append(f"{status.nack.stage}/{status.nack.code} {status.nack.detail}".rstrip())
    if status and status.degraded:
        found.append("degraded: " + ", ".join(status.degraded))
    return "; ".join(found)


def render_history(found: list[Generation]) -> RenderableType:
    """Who did what, newest first."""
    table = plain_table("generation", "what", "stable", "candidate", "by", "at", "why")
    for each in found:
        stage = f" {each.progress.current.name}" if each.progress else ""
        table.add_row(
            str(each.generation),
            escape(each.action + stage),
            short(each.stable),
            short(each.candidate),
            escape(each.by),
            escape(each.at),
            escape(each.why),
        )
    return table


def waiting(each: Proposal) -> str:
    """What a release that nobody can roll out yet waits for."""
    more = f"{each.missing} more {'signature' if each.missing == 1 else 'signatures'} of `release`"
    what = more if each.missing else "somebody with the keys of `snapshot` and `timestamp`"
    return f"{short(each.digest)} by {each.facts.by}: {what}; edgewise publish --sign {short(each.digest)}"


def render_releases(known: dict[str, Facts], now: Generation, proposed: list[Proposal]) -> RenderableType:
    """What can be rolled out, newest first."""
    table = plain_table("release", "runs as", "by", "at", "note")
    names = {now.candidate: "candidate", now.stable: "stable"}
    for digest, facts in known.items():
        earlier = "was stable" if digest in now.earlier else ""
        table.add_row(short(digest), names.get(digest, earlier), escape(facts.by), escape(facts.at), escape(facts.note))
    return Group(table, *(Text(f"waits  {waiting(each)}", style="yellow") for each in proposed))
