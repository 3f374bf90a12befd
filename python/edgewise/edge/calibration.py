"""What requests cost on this machine, measured once when a worker starts, so that its first crowd is not misjudged.

A few dozen requests to an application that does nothing, over a socket of our own and the server's own protocol; and a
few dozen decisions that nobody sees. Under a hundred milliseconds, in between whatever else the worker does.
"""

import asyncio
import socket
import time
from typing import Any, Final

import msgspec
from uvicorn.config import Config
from uvicorn.server import ServerState

from edgewise.edge.admission import Admission
from edgewise.engine.decider import Decider
from edgewise.errors import EdgewiseError

ROUNDS: Final = 50
UNTIL_S: Final = 0.05  # for each of the two measurements
COST_MIN_S: Final = 0.000_001
COST_MAX_S: Final = 0.000_5
BATCH_FACTOR: Final = 10  # nobody knows yet how large batches are; the first ones tell
ANSWER_BYTES_MAX: Final = 64 * 1024

_BODY: Final = b"x" * 1024
_REQUEST: Final = b"POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


async def calibrate(admission: Admission, decider: Decider) -> None:
    """Measure what the server and a decision cost."""
    admission.server_s = await _server_cost_s() or admission.server_s
    decide_s = await _decide_cost_s(decider)
    if decide_s is not None:
        for route, factor in {"decide": 1, "decide_batch": BATCH_FACTOR, "events": 1}.items():
            admission.costs_s[route] = decide_s * factor


async def _decide_cost_s(decider: Decider) -> float | None:
    active = decider.active
    if active is None:
        return None
    points = list(msgspec.json.decode(active.defaults)["decisionPoints"])[:1]
    request = msgspec.json.encode({"decisionPoints": points})
    until, times = time.perf_counter() + UNTIL_S, list[float]()
    try:
        while len(times) < ROUNDS and time.perf_counter() < until:
            started = time.thread_time()
            decider.rehearse(request)
            times.append(time.thread_time() - started)
            await asyncio.sleep(0)
    except EdgewiseError:
        return None
    return _typical(times) if times else None


def _typical(times: list[float]) -> float:
    """Give the lower quartile, within reason: this thread may have served others in between."""
    return min(max(sorted(times)[len(times) // 4], COST_MIN_S), COST_MAX_S)


class _Shell:
    """An application that reads a body and answers with as much."""

    front: Any = None

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, the server's interface
        body = (await receive()).get("body", b"")
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _server_cost_s() -> float | None:
    from edgewise.edge.protocol import BoundedProtocol  # noqa: PLC0415, it knows the worker, which calibrates

    loop = asyncio.get_running_loop()
    config = Config(_Shell(), http=BoundedProtocol, ws="none", lifespan="off", log_config=None, access_log=False)
    config.proxy_headers = False
    config.load()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    transport, _ = await loop.connect_accepted_socket(
        lambda: BoundedProtocol(config=config, server_state=ServerState(), app_state={}, _loop=loop), theirs
    )
    try:
        until, times = loop.time() + UNTIL_S, list[float]()
        while len(times) < ROUNDS and loop.time() < until:
            started = time.thread_time()
            ours.sendall(_REQUEST)
            await _answered(ours)
            times.append(time.thread_time() - started)
    except OSError:
        return None
    finally:
        transport.close()
        ours.close()
    return _typical(times) if times else None


async def _answered(ours: socket.socket) -> None:
    while True:
        try:
            ours.recv(ANSWER_BYTES_MAX)
        except BlockingIOError:
            await asyncio.sleep(0)
        else:
            return
