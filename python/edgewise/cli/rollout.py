"""`edgewise rollout`: which release runs where. Owns what is asked and shown; the steps are the store's."""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
import rich_click as click
from rich.console import Console

from edgewise.cli.at_store import (
    FILE,
    at_store,
    desk_at,
    facts_of,
    json_option,
    release_named,
    signed,
    tell,
    told,
    why_option,
)
from edgewise.cli.findings import console_on, print_json
from edgewise.store import steps
from edgewise.store.desk import Desk
from edgewise.store.documents import current_generation, history
from edgewise.store.errors import BusyError, StoreUnavailableError, TrustError
from edgewise.store.generation import Generation
from edgewise.store.pending import proposals
from edgewise.store.releases import releases
from edgewise.store.rollout import take_step
from edgewise.store.status import Sequences
from edgewise.store.view import look, look_with_waiting

LIVE_EVERY_S: Final = 2.0


@click.group()
def command() -> None:
    """Roll a release out by stages, look at it, stop it.

    Example: edgewise rollout start sha256:... --store s3://bucket/edgewise
    """


@command.command("start")
@click.argument("digest")
@at_store
@click.option("--plan", type=FILE, help="Plan file (YAML or JSON).  [default: the plan that ships]")
@click.option("--all", "everywhere", is_flag=True, help="On every node at once, without stages.")
@why_option
@json_option
def start_command(  # noqa: PLR0913, one parameter an option
    digest: str,
    url: str,
    keys: Path | None,
    root: Path | None,
    plan: Path | None,
    everywhere: bool,  # noqa: FBT001, an option
    reason: str,
    as_json: bool,  # noqa: FBT001, an option
) -> None:
    """Begin to roll out a release.

    By the plan's stages, or with --all everywhere at once. So is the first release of a store, which has nothing to be
    compared with.

    Example: edgewise rollout start sha256:... --store s3://bucket/edgewise --plan plan.yaml
    """
    from edgewise.cli.plan_file import read_plan

    if plan is not None and everywhere:
        raise click.UsageError("`--plan` and `--all` exclude each other")
    desk = desk_at(url, keys, root)
    digest = release_named(desk, digest)
    if everywhere:
        made = take_step(desk.writer, lambda before: steps.start_everywhere(before, digest, signed(reason)))
    elif plan is None and _is_first(desk):
        click.echo("nothing is stable yet, so there is nothing to compare with: on every node at once", err=True)
        made = take_step(desk.writer, lambda before: steps.start_everywhere(before, digest, signed(reason)))
    else:
        chosen = read_plan(plan)
        nodes = look(desk).nodes
        made = take_step(
            desk.writer, lambda before: steps.reaching(steps.start(before, digest, chosen, signed(reason)), nodes)
        )
    tell(made, as_json=as_json)


def _is_first(desk: Desk) -> bool:
    now = current_generation(desk.objects, desk.writer.read())
    return now is None or now.stable is None


@command.command("status")
@at_store
@json_option
@click.option("--watch", "live", is_flag=True, help="Keep the table up to date until Ctrl-C.")
def status_command(url: str, keys: Path | None, root: Path | None, as_json: bool, live: bool) -> None:  # noqa: FBT001
    """Show what runs where, and every node.

    Example: edgewise rollout status --store s3://bucket/edgewise --watch
    """
    from edgewise.cli.status_table import render

    desk = desk_at(url, keys, root)
    if as_json:
        print_json(look_with_waiting(desk).document())
        return
    console = console_on(sys.stdout)
    if not live:
        console.print(render(look_with_waiting(desk)))
        return
    with contextlib.suppress(KeyboardInterrupt):
        _live(desk, console)


def _live(desk: Desk, console: Console) -> None:
    """Keep the table up to date; a store that does not answer is told in its place, and tried again."""
    from rich.live import Live

    from edgewise.cli.status_table import render

    sequences = Sequences()
    with Live(console=console, auto_refresh=False) as screen:
        while True:
            try:
                screen.update(render(look_with_waiting(desk, sequences)), refresh=True)
            except (StoreUnavailableError, TrustError) as error:
                screen.update(str(error), refresh=True)
            time.sleep(LIVE_EVERY_S)


def _step(name: str, step: Callable[[Generation, steps.Signature], Generation], text: str, example: str) -> None:
    """A command that makes one step of the rollout that is going on."""

    @command.command(
        name, help=f"{text}\n\nExample: edgewise rollout {name} --store s3://bucket/edgewise {example}".rstrip()
    )
    @at_store
    @why_option
    @click.option("--on", "generation", type=int, help="Only if this is still the present generation.")
    @json_option
    def step_command(
        url: str,
        keys: Path | None,
        root: Path | None,
        reason: str,
        generation: int | None,
        as_json: bool,  # noqa: FBT001
    ) -> None:
        desk = desk_at(url, keys, root)
        nodes = look(desk).nodes
        after = take_step(
            desk.writer, lambda before: steps.reaching(step(before, signed(reason)), nodes), on=generation
        )
        tell(after, as_json=as_json)


_step("advance", steps.advance, "Go to the next stage; after the last one the candidate is stable.", "")
_step(
    "hold", steps.hold, "Stay at this stage until somebody resumes, advances or aborts.", '--reason "looking into p95"'
)
_step("resume", steps.resume, "Let a held rollout go on.", "")
_step("abort", steps.abort, "Take the candidate off every node.", '--reason "fallbacks doubled"')


@command.command("watch")
@at_store
@click.option("--every", default=10.0, show_default=True, type=click.FloatRange(1, 3600), help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Look once, for a cron or CI job.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done; needs no keys but the root of trust.")
@json_option
def watch_command(  # noqa: PLR0913, one parameter an option
    url: str,
    keys: Path | None,
    root: Path | None,
    every: float,
    once: bool,  # noqa: FBT001, an option
    dry_run: bool,  # noqa: FBT001, an option
    as_json: bool,  # noqa: FBT001, an option
) -> None:
    """Take the steps that the verdicts call for, until Ctrl-C.

    Success goes to the next stage, failure takes the candidate off, everything else waits. Keeps nothing between two
    looks: any number may run, each step is made once, and losing all of them leaves the rollout where it is. Needs the
    keys of `rollout`, `snapshot` and `timestamp`.

    Example: edgewise rollout watch --store s3://bucket/edgewise --dry-run
    """
    desk = desk_at(url, keys, root)
    if once:
        click.echo(_turn(desk, Sequences(), dry_run=dry_run, as_json=as_json))
        return
    with contextlib.suppress(KeyboardInterrupt):
        _watch(desk, every, dry_run=dry_run, as_json=as_json)


def _watch(desk: Desk, every_s: float, *, dry_run: bool, as_json: bool) -> None:
    """Look again and again, and say what is new."""
    last, sequences = "", Sequences()
    while True:
        line = _turn(desk, sequences, dry_run=dry_run, as_json=as_json)
        if line != last:
            click.echo(line)
            sys.stdout.flush()
        last = line
        time.sleep(every_s)


def _turn(desk: Desk, sequences: Sequences, *, dry_run: bool, as_json: bool) -> str:
    """One look, as a line. A store that does not answer is told and tried again: nothing moves meanwhile."""
    from edgewise.store.watching import Turn, take_turn

    try:
        turn = take_turn(desk, sequences, dry_run=dry_run)
    except (StoreUnavailableError, BusyError, TrustError) as error:
        turn = Turn("wait", None, (f"error: {error}",))
    facts: dict[str, Any] = {"deed": turn.deed, "generation": turn.generation, "reasons": list(turn.reasons)}
    if turn.made is not None:
        facts["made"] = facts_of(turn.made)
    if as_json:
        return orjson.dumps(facts).decode()
    would = "would " if dry_run and turn.deed in ("advance", "promote", "abort") else ""
    after = "" if turn.made is None else f" -> {told(turn.made)}"
    return f"{would}{turn.deed}: {'; '.join(turn.reasons)}{after}"


@command.command("releases")
@at_store
@json_option
def releases_command(url: str, keys: Path | None, root: Path | None, as_json: bool) -> None:  # noqa: FBT001, an option
    """Show what can be rolled out and gone back to.

    Example: edgewise rollout releases --store s3://bucket/edgewise
    """
    from edgewise.cli.status_table import render_releases

    desk = desk_at(url, keys, root)
    view = desk.writer.read()
    known = releases(view)
    now = current_generation(desk.objects, view) or steps.FIRST
    waiting = proposals(desk.objects, view)
    if as_json:
        listed = [{"digest": digest, **msgspec.to_builtins(facts)} for digest, facts in known.items()]
        print_json({"releases": listed, "waiting": [each.document() for each in waiting]})
    else:
        console_on(sys.stdout).print(render_releases(known, now, waiting))


@command.command("history")
@at_store
@click.option("--last", type=click.IntRange(1, 50), default=20, show_default=True, help="How many.")
@json_option
def history_command(url: str, keys: Path | None, root: Path | None, last: int, as_json: bool) -> None:  # noqa: FBT001
    """Show who did what, when and why.

    Example: edgewise rollout history --store s3://bucket/edgewise
    """
    from edgewise.cli.status_table import render_history

    desk = desk_at(url, keys, root)
    found = history(desk.objects, desk.writer.read(), last)
    if as_json:
        print_json({"generations": [msgspec.to_builtins(document) for document in found]})
    else:
        console_on(sys.stdout).print(render_history(found))
