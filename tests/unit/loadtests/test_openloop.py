"""The generator of load tells the truth about a server that answers, sheds, fails or hangs up."""

import asyncio
import contextlib
import itertools
import threading

import pytest

from openloop import closed_loop, kind_of, missing_bytes, open_loop, planned_times, post

FULL = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
SHED = b'HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{"reason":"SHED"}'
FAILED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture
def server():
    """Answer each request by what its body says; `late` is answered 200 ms later, `gone` not at all."""
    loop = asyncio.new_event_loop()

    async def talk(reader, writer):
        with contextlib.closing(writer):
            while head := await reader.readline():
                while line := (await reader.readline()).strip():
                    head = line if line.startswith(b"content-length") else head
                body = await reader.readexactly(int(head.split()[-1]))
                if body == b"gone":
                    break
                if body == b"late":
                    await asyncio.sleep(0.2)
                writer.write({b"shed": SHED, b"fail": FAILED}.get(body, FULL))

    async def stop():
        listening.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    listening = loop.run_until_complete(asyncio.start_server(talk, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield listening.sockets[0].getsockname()
    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_every_answer_is_counted_for_what_it_is(server):
    requests = itertools.cycle([post("/", b"full"), post("/", b"shed"), post("/", b"fail")])
    outcome = open_loop(server, requests, rate=200, seconds=0.6, connections=8)
    assert outcome.answered == outcome.planned > 60
    assert outcome.unanswered == 0
    assert outcome.failures == outcome.answers["503"]
    assert max(outcome.answers.values()) - min(outcome.answers.values()) <= 1


def test_a_caller_that_hangs_up_is_a_failure(server):
    outcome = open_loop(server, itertools.repeat(post("/", b"gone")), rate=100, seconds=0.2, connections=200)
    assert outcome.failures == outcome.planned > 0


def test_latency_counts_from_when_a_request_was_planned(server):
    outcome = open_loop(server, itertools.repeat(post("/", b"late")), rate=50, seconds=0.4, connections=1)
    assert outcome.planned > 8
    assert max(outcome.latencies_ms) > 200 * (outcome.planned - 5), "the last waited for all before it"


def test_the_closed_loop_asks_again_once_answered(server):
    outcome = closed_loop(server, itertools.repeat(post("/", b"late")), connections=3, seconds=1)
    assert 6 <= outcome.answered <= 15
    assert outcome.answers == {"full": outcome.answered}


def test_arrivals_are_planned_alike_in_every_run_and_at_the_rate():
    times = list(planned_times(1000, 5, seed=3))
    assert times == list(planned_times(1000, 5, seed=3)) == sorted(times)
    assert 4_500 < len(times) < 5_500


def test_the_parts_of_an_answer_are_told_apart():
    assert missing_bytes(FULL[:20]) == -1
    assert missing_bytes(FULL[:-1]) == 1
    assert (kind_of(FULL), kind_of(SHED), kind_of(FAILED)) == ("full", "shed", "503")
