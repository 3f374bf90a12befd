"""What the commands that run a node are asked: which store it follows, and as whom."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import rich_click as click

from edgewise._core import parse_duration_ms
from edgewise.agent.settings import LABELS_MAX, POLL_MAX_MS, POLL_MIN_MS, AgentSettings
from edgewise.errors import EdgewiseError

NODE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LABEL: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._/-]{0,63})=([^=]{0,128})")
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)

Command = TypeVar("Command", bound=Callable[..., Any])


class NodeError(EdgewiseError):
    """The node cannot be started as asked."""


def node_options(command: Command) -> Command:
    """The options of a process that belongs to a node."""
    for option in (
        click.option("--node-id", help="Name of this node in answers and in the store.  [default: the host's name]"),
        click.option(
            "--data-dir",
            type=_FOLDER,
            default=Path(".edgewise"),
            show_default=True,
            help="Folder of this node's bundles, sessions and counters.",
        ),
    ):
        command = option(command)
    return command


def store_options(command: Command) -> Command:
    """The options of a process that follows a store, beside the store itself."""
    for option in (
        click.option("--poll", default="2s", show_default=True, help="How often the store is asked."),
        click.option("--label", multiple=True, metavar="NAME=VALUE", help="Label that rollout plans select by."),
        click.option("--keys", type=_FOLDER, help="Where keys of development stores lie."),
        click.option("--node-key", type=_FILE, help="Key that signs this node's status, by `edgewise keys enroll`."),
        click.option("--root", type=_FILE, help="Root of trust; needed for all but your own development stores."),
    ):
        command = option(command)
    return command


def node_name(given: str | None) -> str:
    """Give the node's name: as asked, or the host's."""
    name = given if given is not None else re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "node"
    if not NODE_ID.fullmatch(name):
        raise NodeError(f"`{name}` is no node id; use 1 to 64 letters, digits, `.`, `_` and `-`")
    return name


def agent_settings(store: str, options: dict[str, Any]) -> AgentSettings:
    """Put what was asked into an agent's settings; `options` are those of `node_options` and `store_options`."""
    return AgentSettings(
        node=node_name(options["node_id"]),
        store=_absolute(store),
        data_dir=str(options["data_dir"].resolve()),
        root=_text(options["root"]),
        node_key=_text(options["node_key"]),
        keys=_text(options["keys"]),
        labels=_labels(options["label"]),
        poll_ms=_poll_ms(options["poll"]),
    )


def duration_ms(text: str, option: str) -> int:
    """Read a duration as `2s` or `24h`."""
    try:
        return parse_duration_ms(text)
    except ValueError as error:
        raise NodeError(f"`{text}` of {option} is no duration; write it as `2s`, `5m` or `24h`") from error


def _poll_ms(text: str) -> int:
    poll_ms = duration_ms(text, "--poll")
    if not POLL_MIN_MS <= poll_ms <= POLL_MAX_MS:
        raise NodeError(f"--poll is {POLL_MIN_MS} ms to {POLL_MAX_MS // 60_000} minutes, not `{text}`")
    return poll_ms


def _labels(given: tuple[str, ...]) -> dict[str, str]:
    labels = {}
    for text in given:
        found = LABEL.fullmatch(text)
        if found is None:
            raise NodeError(f"`{text}` is no label; write it as `NAME=VALUE`")
        labels[found[1]] = found[2]
    if len(labels) > LABELS_MAX:
        raise NodeError(f"a node has at most {LABELS_MAX} labels")
    return labels


def _absolute(store: str) -> str:
    """Name a folder in full: the agent may run elsewhere, and the same store should always be called the same."""
    return store if "://" in store else str(Path(store).expanduser().absolute())


def _text(path: Path | None) -> str | None:
    return str(path.expanduser().absolute()) if path is not None else None
