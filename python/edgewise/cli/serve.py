"""`edgewise serve`: workers on a slot, and what fills it: a book, or an agent that follows a store.

The one place where book, agent and service meet.
"""

import os
import re
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from edgewise._core import Sessions, StateError
from edgewise.agent.settings import AgentSettings
from edgewise.bundle import Bundle
from edgewise.bundle.contact import ContactFile
from edgewise.bundle.slot import Slot, SlotError, SlotWriter
from edgewise.cli.node_options import agent_settings, duration_ms, node_name, node_options, store_options
from edgewise.edge.age import TRUSTED_BY_DEFAULT, Trust
from edgewise.edge.companion import Companion
from edgewise.edge.listener import ServeError, listen, listen_unix, url_of
from edgewise.edge.rundir import count_held, take_node
from edgewise.edge.settings import STALE_POLICIES, WORKERS_MAX, Settings
from edgewise.edge.supervisor import Supervisor, clear_run_folder
from edgewise.edge.tokens import read_tokens
from edgewise.errors import BundleError

ORPHANS_WAIT_S = 5.0
MODE = re.compile(r"[0-7]{3}")
AGENT = (sys.executable, "-m", "edgewise.agent")


@click.command()
@click.option("--book", type=click.Path(path_type=Path), help="Folder of the book to serve.")
@click.option("--store", help="URL of the store to follow.")
@click.option("--slot", is_flag=True, help="Serve what an `edgewise agent` on the same --data-dir brings.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; without --tokens only loopback."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--workers", type=click.IntRange(1, WORKERS_MAX), help="Processes that answer requests.  [default: one per core]"
)
@node_options
@click.option("--tokens", type=click.Path(path_type=Path), help="JSON list of {name, token or sha256, scopes}.")
@click.option("--uds", type=click.Path(path_type=Path), help="Unix socket to listen on besides.")
@click.option("--uds-mode", default="660", show_default=True, help="Permissions of the Unix socket, in octal.")
@click.option(
    "--trusted-proxy",
    "trusted",
    multiple=True,
    default=TRUSTED_BY_DEFAULT,
    show_default=True,
    help="Peer whose X-Request-Start is believed: `unix`, `loopback`, an address or a network; may be repeated.",
)
@click.option(
    "--admission/--no-admission", default=True, help="Answer with fallbacks what would wait too long.  [default: on]"
)
@click.option(
    "--stale",
    type=click.Choice(STALE_POLICIES),
    default="serve",
    show_default=True,
    help="What to do once the store has been silent for --stale-after: go on, serve every fallback, or refuse.",
)
@click.option("--stale-after", default="24h", show_default=True, help="How long the store may be silent.")
@store_options
def command(**options: Any) -> None:  # noqa: ANN401, a parameter an option
    """Serve decisions over HTTP.

    Example: edgewise serve --book examples/book --port 8787 --workers 2
    """
    book, store = options["book"], options["store"]
    if [book is not None, store is not None, options["slot"]].count(True) != 1:
        raise click.UsageError("say what to serve with one of --book, --store and --slot")
    tokens = options["tokens"]
    settings = Settings(
        node=node_name(options["node_id"]),
        data_dir=str(options["data_dir"].resolve()),
        workers=options["workers"] or min(os.cpu_count() or 1, WORKERS_MAX),
        allow_at=book is not None,
        grants=read_tokens(tokens) if tokens else None,
        admission=options["admission"],
        trusted=Trust(options["trusted"]).names,
        stale=options["stale"],
        stale_after_ms=duration_ms(options["stale_after"], "--stale-after"),
    )
    with ExitStack() as held:
        listeners = [held.enter_context(listen(options["host"], options["port"], anywhere=tokens is not None))]
        if options["uds"] is not None:
            listeners.append(held.enter_context(listen_unix(options["uds"], _mode(options["uds_mode"]))))
        companion = None
        if book is not None:
            writer = held.enter_context(SlotWriter.open(settings.folder))
            _take_node(settings)
            _fill(writer, book, settings.folder)
        else:
            _take_node(settings)
        if store is not None:
            companion = _agent(agent_settings(store, options))
        _serve(settings, tokens, listeners, companion)


def _mode(given: str) -> int:
    if not MODE.fullmatch(given):
        raise ServeError(f"`{given}` is no mode of a socket; give three octal digits as 660")
    return int(given, 8)


def _serve(
    settings: Settings, tokens: Path | None, listeners: list[socket.socket], companion: Companion | None
) -> None:
    sessions = settings.folder / "sessions"
    is_prepared = _prepare_sessions(sessions)
    clear_run_folder(settings.folder)
    if not Slot(settings.folder).file.exists():
        click.echo(f"listening on {url_of(listeners[0])}; there is nothing to serve yet")
        sys.stdout.flush()
    supervisor = Supervisor(
        settings,
        listeners,
        on_ready=lambda: _say_ready(settings, url_of(listeners[0])),
        renew=lambda: msgspec.structs.replace(settings, grants=read_tokens(tokens) if tokens else None),
        companion=companion,
    )
    supervisor.run()
    if is_prepared:
        _mark_sessions_clean(sessions)
    if supervisor.has_failed:
        raise ServeError("the node could not start; what was said above says why")


def _fill(writer: SlotWriter, book: Path, folder: Path) -> None:
    """Put a book's bundle into the slot, once its models were tried."""
    from edgewise.cli.findings import build_or_exit
    from edgewise.edge.loading import PROBES
    from edgewise.intent import Verdicts

    bundle = build_or_exit(book, Verdicts(folder / PROBES))
    try_models(bundle, folder)
    writer.write(bundle, "book")


def try_models(bundle: Bundle, folder: Path) -> None:
    """Try each model before anything is written: workers find the verdict. A failure that may pass stops nobody.

    Raises:
        ServeError: a model is refused.
    """
    from edgewise.edge.loading import PROBES
    from edgewise.intent import ModelError, Verdicts, declared_in, probe

    for name, declared in declared_in(bundle.data).items():
        data, verdicts = bundle.models[declared.digest], Verdicts(folder / PROBES)
        try:
            probe(data, declared.digest, declared.spec_digest, declared.slots, verdicts=verdicts)
        except ModelError as error:
            if not error.may_pass:
                raise ServeError(f"the model `{name}` is refused: {error}") from error
            sys.stderr.write(f"the model `{name}` could not be tried yet: {error}\n")


def _agent(settings: AgentSettings) -> Companion:
    """Prepare the agent's process, once nobody else fills the folder."""
    until = time.monotonic() + ORPHANS_WAIT_S
    while True:  # the agent of a node that was killed notices by itself, soon
        try:
            SlotWriter.open(settings.folder).close()
            break
        except SlotError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    ContactFile(settings.folder).begin_anew()
    return Companion(AGENT, msgspec.structs.replace(settings, supervised=True).environment())


def _take_node(settings: Settings) -> None:
    """Let no other node run on the folder, and let workers leave whose supervisor was killed: they notice soon."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    if not take_node(settings.folder / "run"):
        raise ServeError(f"`{settings.data_dir}` is in use by another node; stop it or pass another --data-dir")
    until = time.monotonic() + ORPHANS_WAIT_S
    while count_held(settings.folder / "run"):
        if time.monotonic() > until:
            raise ServeError(f"workers of an earlier node still hold `{settings.folder / 'run'}`; stop them")
        time.sleep(0.05)


def _prepare_sessions(folder: Path) -> bool:
    """Make the session store usable; without it the node decides all the same, and says so."""
    try:
        Sessions.prepare(folder)
    except (StateError, OSError) as error:
        sys.stderr.write(f"sessions are not available: {error}\n")
        return False
    return True


def _mark_sessions_clean(folder: Path) -> None:
    """Let the next boot use the store; the node has stopped as it should even if that cannot be noted."""
    try:
        Sessions.mark_clean(folder)
    except (StateError, OSError) as error:
        sys.stderr.write(f"sessions will not outlive a restart of the machine: {error}\n")


def _say_ready(settings: Settings, url: str) -> None:
    token = "" if settings.grants is None else "-H 'authorization: Bearer TOKEN' "
    request = msgspec.json.encode({"decisionPoints": [_some_point(Slot(settings.folder))]}).decode()
    click.echo(f"ready on {url} with {settings.workers} workers; try: curl -s {token}{url}/v1/decide -d '{request}'")
    sys.stdout.flush()


def _some_point(slot: Slot) -> str:
    """Name a decision point to try; without one the request still shows the form."""
    try:
        manifest = slot.manifest()
        points = slot.bundle(manifest.digest).document()["decisionPoints"] if manifest else {}
    except (BundleError, OSError, KeyError):
        return ""
    return next(iter(points), "")
