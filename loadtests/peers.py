"""What a node is compared with, on its own server with its own flags: applications that do less, or the same otherwise.

    python loadtests/peers.py noop --uds peer.sock

- `raw`: bare ASGI; reads the body and answers fixed bytes as long as a decision's answer.
- `noop`: a stock Litestar `@post` that reads nothing and returns nothing.
- `struct`: the same decisions as a stock Litestar handler: the request as a `msgspec.Struct`, the answer as one.
"""

import argparse
import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, post
from uvicorn import Server
from uvicorn.config import Config

from edgewise._core import Engine, Node
from edgewise.book import build
from edgewise.edge.listener import listen, listen_unix, url_of
from edgewise.edge.schemas import DecideAnswer, DecideRequest
from edgewise.edge.supervisor import SERVER

ANSWER = json.dumps({"decisions": "x" * 1_000}).encode()
BOOK = Path(__file__).parent.parent / "examples" / "book"


def raw() -> Any:  # noqa: ANN401, an application is whatever the server takes
    """Answer fixed bytes."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]

    async def app(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})

    return app


def noop() -> Any:  # noqa: ANN401
    """Answer nothing, as the framework does it."""

    @post("/v1/decide", status_code=200)
    async def decide() -> None:
        return None

    return Litestar([decide], openapi_config=None, logging_config=None)


def struct() -> Any:  # noqa: ANN401
    """Decide as the framework would have it: typed data in, typed data out."""
    import time  # noqa: PLC0415, only here

    node = Node(Engine.from_bundle(build(BOOK).data), node="n-1", generation=1)
    encode, decoder = msgspec.json.encode, msgspec.json.Decoder(DecideAnswer)

    @post("/v1/decide", status_code=200)
    async def decide(data: DecideRequest) -> DecideAnswer:
        return decoder.decode(node.decide(encode(data), now_ns=time.time_ns()))

    return Litestar([decide], openapi_config=None, logging_config=None)


APPS = {"raw": raw, "noop": noop, "struct": struct}


class QuietServer(Server):
    """Says when it is ready, as a node does."""

    async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401, the server's interface
        """Start, then say so."""
        await super().startup(sockets)
        print(f"ready on {url_of(sockets[0])}", flush=True)


def main() -> None:
    """Serve one application until asked to stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("app", choices=APPS)
    parser.add_argument("--uds", type=Path, required=True)
    options = parser.parse_args()
    config = Config(APPS[options.app](), http="httptools", **SERVER)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(listen("127.0.0.1", 0, anywhere=False))]
        sockets.append(stack.enter_context(listen_unix(options.uds, 0o600)))
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            QuietServer(config).run(sockets)


if __name__ == "__main__":
    main()
