"""`edgewise decide`: one request against a book, here and now, remembering nothing; prints the service's answer."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import rich_click as click

from edgewise._core import Engine, Node, RequestError

if TYPE_CHECKING:
    from edgewise.bundle import Bundle
    from edgewise.intent import ModelSet

NODE_ID = "local"
EXIT_REFUSED = 1


@click.command()
@click.option("--book", required=True, metavar="BOOK", type=click.Path(path_type=Path), help="The book to decide with.")
@click.argument("request_file", metavar="REQUEST.json", type=click.File("rb"))
def command(book: Path, request_file: BinaryIO) -> None:
    """Decide one request against a book.

    Prints the body that a node with an empty memory would answer; `-` reads the request from standard input.
    Explanations in full, `options.at` and forced arms are allowed. A refused request prints its problem document to
    standard error and exits with 1.

    Example: edgewise decide --book examples/book request.json
    """
    from edgewise.cli.findings import build_or_exit
    from edgewise.engine.decider import Active

    bundle = build_or_exit(book)
    engine = Engine.from_bundle(bundle.data)
    node = Node(engine, node=NODE_ID, generation=1, allow_at=True)
    active = Active(node, models_of(bundle), engine.defaults())
    try:
        answer = active.decide(request_file.read(), now_ns=time.time_ns(), debug=True)
    except RequestError as error:
        _refuse(error.problem)
    sys.stdout.buffer.write(answer + b"\n")


def models_of(bundle: "Bundle") -> "ModelSet":
    """Load the models of a bundle; without one of them its signals are missing, and that is said."""
    from edgewise.intent import ModelSet, declared_in

    models = ModelSet.prepare(declared_in(bundle.data), bundle.models.__getitem__)
    for name, error in models.refusals.items():
        sys.stderr.write(f"decided without the model `{name}`: {error}\n")
    return models


def _refuse(problem: bytes) -> NoReturn:
    sys.stderr.buffer.write(problem + b"\n")
    sys.exit(EXIT_REFUSED)
