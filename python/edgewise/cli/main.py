"""Entry of the `edgewise` program: finds a command, imports only its module, turns known errors into one clear line.

Holds no command's logic and imports nothing heavy: `edgewise --help` must answer at once.
"""

import contextlib
import os
import sys
from importlib import import_module
from typing import NoReturn

import rich_click as click

from edgewise import __version__
from edgewise._core import EdgewiseError

EXIT_ERROR = 2

# Name -> one line for the list of commands; `tests/unit/cli` holds it equal to what each command says of itself.
COMMANDS = {
    "new": "Write a starter book.",
    "check": "Check a book and list every mistake.",
    "show": "Show a scenario: pathways x segments with the value each would get.",
    "build": "Build a book to one content-addressed bundle.",
    "decide": "Decide one request against a book.",
    "eval": "Evaluate one condition over given signals.",
    "serve": "Serve decisions over HTTP.",
    "agent": "Follow a store for workers that run apart: `edgewise serve --slot`.",
    "store": "Make, check and keep a store.",
    "keys": "Make, replace and revoke keys, and let nodes in.",
    "publish": "Build a book and bring it into a store as a release.",
    "rollout": "Roll a release out by stages, look at it, stop it.",
    "rollback": "Go back to what was stable before, or to a named release.",
    "nodes": "Show every node, or have nodes try again what they put aside.",
    "bundle": "Look into bundles.",
    "off": "Switch a scenario off on every node.",
    "on": "Switch a scenario on again on every node.",
    "defaults": "Print every decision point's fallback and the signals it reads.",
    "model": "Train an intent model, or score a file with one.",
    "schema": "Print the JSON Schema of the book's files.",
}


class LazyGroup(click.RichGroup):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, click's interface
        """Name the commands in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Describe a command without importing it: enough for the list, for completion and for suggestions."""
        line = COMMANDS.get(cmd_name)
        return None if line is None else click.Command(cmd_name, help=line)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Import the command that was called, or name the nearest one."""
        try:
            name, found, rest = super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(error.message + _suggestion(args[0]), ctx) from error
        return name, found and load(found.name or ""), rest


def _suggestion(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1)
    return f" Did you mean `{near[0]}`?" if near else ""


def load(name: str) -> click.Command:
    """Import the module of one command."""
    command: click.Command = import_module(f"edgewise.cli.{name}").command
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgewise", message="%(prog)s %(version)s")
def cli() -> None:
    """Decide which situation a visitor is in and which experience to serve, and say why.

    Example: edgewise serve --book examples/book --port 8787
    """


def main() -> NoReturn:
    """Run the command line: 0 done, 1 done and the answer is no, 2 not done."""
    try:
        cli(prog_name="edgewise", standalone_mode=True)
    except EdgewiseError as error:
        _fail(str(error))
    except OSError as error:
        _fail(_describe(error))
    except SystemExit as stop:
        _leave(stop.code)
    _leave(0)


def _describe(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"`{error.filename}`: {reason}" if error.filename else reason


def _fail(message: str) -> NoReturn:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"{message}\n")
    _leave(EXIT_ERROR)


def _leave(code: int | str | None) -> NoReturn:
    """Exit quietly even when the reader of our output has gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
