"""`edgewise decide`: one request against a book, here and now, remembering nothing; prints the service's answer."""

import sys
import time
from pathlib import Path
from typing import BinaryIO, NoReturn

import rich_click as click

from edgewise._core import Engine, Node, RequestError

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

    engine = Engine.from_bundle(build_or_exit(book).data)
    node = Node(engine, node=NODE_ID, generation=1, allow_at=True)
    try:
        answer = node.decide(request_file.read(), now_ns=time.time_ns(), debug=True)
    except RequestError as error:
        _refuse(error.problem)
    sys.stdout.buffer.write(answer + b"\n")


def _refuse(problem: bytes) -> NoReturn:
    sys.stderr.buffer.write(problem + b"\n")
    sys.exit(EXIT_REFUSED)
