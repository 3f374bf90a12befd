"""`edgewise serve`: fills the slot from a book and runs a node on it. The one place where book and service meet."""

import contextlib
import os
import re
import socket
import sys
import time
from pathlib import Path

import msgspec
import rich_click as click

from edgewise._core import Sessions, StateError
from edgewise.bundle import Bundle
from edgewise.bundle.slot import SlotWriter
from edgewise.cli.findings import build_or_exit
from edgewise.edge.activation import PROBES
from edgewise.edge.age import TRUSTED_BY_DEFAULT, Trust
from edgewise.edge.listener import ServeError, listen, listen_unix, url_of
from edgewise.edge.rundir import count_held
from edgewise.edge.settings import WORKERS_MAX, Settings
from edgewise.edge.supervisor import Supervisor, clear_run_folder
from edgewise.edge.tokens import read_tokens
from edgewise.intent import ModelError, Verdicts, declared_in, probe

ORPHANS_WAIT_S = 5.0
MODE = re.compile(r"[0-7]{3}")
NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@click.command()
@click.option("--book", type=click.Path(path_type=Path), required=True, help="Folder of the book to serve.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; without --tokens only loopback."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="Port; 0 takes a free one."
)
@click.option(
    "--workers", type=click.IntRange(1, WORKERS_MAX), help="Processes that answer requests.  [default: one per core]"
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".edgewise"),
    show_default=True,
    help="Folder of this node's bundle, sessions and counters.",
)
@click.option("--node-id", help="Name of this node in answers.  [default: the host's name]")
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
def command(  # noqa: PLR0913, one parameter an option
    book: Path,
    host: str,
    port: int,
    workers: int | None,
    data_dir: Path,
    node_id: str | None,
    tokens: Path | None,
    uds: Path | None,
    uds_mode: str,
    trusted: tuple[str, ...],
    admission: bool,  # noqa: FBT001, as options are handed over
) -> None:
    """Serve decisions over HTTP.

    Example: edgewise serve --book examples/book --port 8787 --workers 2
    """
    settings = Settings(
        node=_node_id(node_id),
        data_dir=str(data_dir.resolve()),
        workers=workers or min(os.cpu_count() or 1, WORKERS_MAX),
        allow_at=True,
        grants=read_tokens(tokens) if tokens else None,
        admission=admission,
        trusted=Trust(trusted).names,
    )
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(listen(host, port, anywhere=tokens is not None))]
        if uds is not None:
            listeners.append(stack.enter_context(listen_unix(uds, _mode(uds_mode))))
        _serve(book, settings, tokens, listeners)


def _mode(given: str) -> int:
    if not MODE.fullmatch(given):
        raise ServeError(f"`{given}` is no mode of a socket; give three octal digits as 660")
    return int(given, 8)


def _node_id(given: str | None) -> str:
    name = given if given is not None else re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "node"
    if not NODE_ID.fullmatch(name):
        raise ServeError(f"`{name}` is no node id; use 1 to 64 letters, digits, `.`, `_` and `-`")
    return name


def _serve(book: Path, settings: Settings, tokens: Path | None, listeners: list[socket.socket]) -> None:
    with SlotWriter.open(settings.folder) as writer:
        _wait_for_orphans(settings.folder / "run")
        bundle = build_or_exit(book)
        try_models(bundle, settings.folder)
        writer.write(bundle, "book")
        sessions = settings.folder / "sessions"
        is_prepared = _prepare_sessions(sessions)
        clear_run_folder(settings.folder)
        supervisor = Supervisor(
            settings,
            listeners,
            on_ready=lambda: _say_ready(settings, url_of(listeners[0]), bundle),
            renew=lambda: msgspec.structs.replace(settings, grants=read_tokens(tokens) if tokens else None),
        )
        supervisor.run()
        if is_prepared:
            _mark_sessions_clean(sessions)
    if supervisor.has_failed:
        raise ServeError("the workers could not start; the log says why")


def try_models(bundle: Bundle, folder: Path) -> None:
    """Try each model before anything is written: workers find the verdict. A failure that may pass stops nobody.

    Raises:
        ServeError: a model is refused.
    """
    for name, declared in declared_in(bundle.data).items():
        data, verdicts = bundle.models[declared.digest], Verdicts(folder / PROBES)
        try:
            probe(data, declared.digest, declared.spec_digest, declared.slots, verdicts=verdicts)
        except ModelError as error:
            if not error.may_pass:
                raise ServeError(f"the model `{name}` is refused: {error}") from error
            sys.stderr.write(f"the model `{name}` could not be tried yet: {error}\n")


def _wait_for_orphans(run_folder: Path) -> None:
    """Let workers leave whose supervisor was killed: they notice by themselves, soon."""
    until = time.monotonic() + ORPHANS_WAIT_S
    while count_held(run_folder):
        if time.monotonic() > until:
            raise ServeError(f"workers of an earlier node still hold `{run_folder}`; stop them")
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


def _say_ready(settings: Settings, url: str, bundle: Bundle) -> None:
    point = next(iter(bundle.document()["decisionPoints"]), "")
    token = "" if settings.grants is None else "-H 'authorization: Bearer TOKEN' "
    request = msgspec.json.encode({"decisionPoints": [point]}).decode()
    click.echo(f"ready on {url} with {settings.workers} workers; try: curl -s {token}{url}/v1/decide -d '{request}'")
    sys.stdout.flush()
