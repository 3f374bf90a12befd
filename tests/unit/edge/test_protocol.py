"""The server's protocol over real sockets, with an application of ours behind it: order, slow readers, idle ends."""

import asyncio

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from edgewise.edge import protocol
from edgewise.edge.protocol import BoundedProtocol

MEGABYTE = 1024 * 1024


class Large:
    """An application without a front that answers each request with as many bytes as its path says."""

    async def __call__(self, scope, receive, send):
        await receive()
        body = b"x" * int(scope["path"].removeprefix("/"))
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def serve(talk, keep_alive_s=75):
    """Serve on loopback and run `talk(reader, writer)` against it."""

    async def run():
        config = Config(Large(), ws="none", lifespan="off", log_config=None, timeout_keep_alive=keep_alive_s)
        config.load()
        loop, state = asyncio.get_running_loop(), ServerState()
        server = await loop.create_server(
            lambda: BoundedProtocol(config=config, server_state=state, app_state={}, _loop=loop), "127.0.0.1", 0
        )
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            return await asyncio.wait_for(talk(reader, writer, state), 20)
        finally:
            writer.close()
            server.close()

    return asyncio.run(run())


def request(size):
    return b"GET /%d HTTP/1.1\r\nhost: node\r\n\r\n" % size


async def gone(state, seconds=10):
    async with asyncio.timeout(seconds):
        while state.connections:  # noqa: ASYNC110, another task's doing
            await asyncio.sleep(0.01)


def test_a_caller_that_takes_nothing_of_its_answer_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(protocol, "WRITE_TIMEOUT_S", 0.2)

    async def talk(reader, writer, state):
        writer.transport.pause_reading()
        writer.write(request(64 * MEGABYTE))
        await gone(state)

    serve(talk)


def test_a_slow_reader_gets_its_whole_answer(monkeypatch):
    monkeypatch.setattr(protocol, "WRITE_TIMEOUT_S", 0.2)

    async def talk(reader, writer, state):
        writer.write(request(40 * MEGABYTE))
        await reader.readuntil(b"\r\n\r\n")
        left = 40 * MEGABYTE
        while left:
            await asyncio.sleep(0.05)
            left -= len(await reader.readexactly(min(left, 4 * MEGABYTE)))

    serve(talk)


def test_an_idle_caller_is_hung_up_on():
    async def talk(reader, writer, state):
        assert await reader.read() == b""

    serve(talk, keep_alive_s=0.2)


@pytest.mark.parametrize("count", [1, 3])
def test_answers_come_in_the_order_of_requests(count):
    sizes = [5, 70_000, 1][:count]

    async def talk(reader, writer, state):
        writer.write(b"".join(request(size) for size in sizes))
        for size in sizes:
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: %d\r\n" % size in head
            await reader.readexactly(size)

    serve(talk)
