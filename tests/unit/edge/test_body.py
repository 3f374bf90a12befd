"""Reading heads and bodies: bounded before anything is parsed."""

import asyncio

import pytest

from edgewise.edge import body
from edgewise.edge.body import ClientGoneError, Head, read_body, read_head, refuse_foreign
from edgewise.edge.problem import ProblemError


def receiving(*chunks, hangs_up=False):
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if hangs_up:
        messages.append({"type": "http.disconnect"})
    else:
        messages[-1]["more_body"] = False
    queue = iter(messages)

    async def receive():
        try:
            return next(queue)
        except StopIteration:
            await asyncio.sleep(3600)

    return receive


def read(receive, bytes_max=10, length=0):
    return asyncio.run(read_body(receive, Head(length=length), bytes_max))


def refusal(*args, **kwargs):
    with pytest.raises(ProblemError) as refused:
        read(*args, **kwargs)
    return refused.value


def test_chunks_are_joined():
    assert read(receiving(b"abc")) == b"abc"
    assert read(receiving(b"abc", b"", b"def")) == b"abcdef"


def test_a_body_may_be_exactly_as_large_as_the_bound():
    assert read(receiving(b"12345", b"67890")) == b"1234567890"


@pytest.mark.parametrize("chunks", [[b"12345678901"], [b"12345", b"678901"], [b"12345678901", b"", b"2"]])
def test_a_larger_body_is_413_and_the_connection_lives(chunks):
    refused = refusal(receiving(*chunks))
    assert (refused.status, refused.headers) == (413, [])


def test_a_body_that_says_it_is_too_large_is_not_read():
    assert refusal(receiving(b"{}"), length=11).status == 413


def test_an_endless_body_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(body, "DISCARD_BYTES_MAX", 100)
    refused = refusal(receiving(*[b"0123456789"] * 50))
    assert (refused.status, refused.headers) == (413, [(b"connection", b"close")])


def test_a_body_that_does_not_arrive_is_408(monkeypatch):
    monkeypatch.setattr(body, "READ_TIMEOUT_S", 0.01)
    slow = receiving(b"a", b"b")

    async def stuck():
        message = await slow()
        return {**message, "more_body": True}

    assert refusal(stuck).status == 408


def test_a_body_of_which_nothing_arrives_is_408(monkeypatch):
    monkeypatch.setattr(body, "READ_TIMEOUT_S", 0.01)

    async def silent():
        await asyncio.sleep(3600)

    assert refusal(silent, length=10).status == 408


def test_a_body_may_come_after_a_while():
    ready = receiving(b"abc", b"def")

    async def late():
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        return await ready()

    assert read(late) == b"abcdef"


@pytest.mark.parametrize("chunks", [[], [b"abc"]])
def test_a_caller_that_hangs_up_gets_no_answer(chunks):
    with pytest.raises(ClientGoneError):
        read(receiving(*chunks, hangs_up=True))


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "application/json; charset=utf-8", "text/plain;charset=UTF-8", "application/x-ndjson",
     "application/x-www-form-urlencoded", "application/cloudevents+json", "application/octet-stream", "nonsense"],
)  # fmt: skip
def test_what_may_be_json_is_read_as_json(content_type):
    refuse_foreign(read_head([(b"content-type", content_type.encode())]))


@pytest.mark.parametrize(
    "header",
    [(b"content-type", b"text/xml"), (b"content-type", b"image/png"), (b"content-type", b"Application/SOAP+XML"),
     (b"content-type", b"multipart/form-data; boundary=x"), (b"content-encoding", b"gzip")],
)  # fmt: skip
def test_what_is_plainly_no_json_is_415(header):
    with pytest.raises(ProblemError) as refused:
        refuse_foreign(read_head([header]))
    assert refused.value.status == 415


def test_the_head_keeps_what_matters():
    head = read_head(
        [
            (b"host", b"x"),
            (b"sec-gpc", b"1"),
            (b"authorization", b"Bearer t"),
            (b"content-length", b"7"),
            (b"accept", b"*"),
        ]
    )
    assert head == Head(gpc=True, authorization=b"Bearer t", length=7)
    assert read_head([(b"sec-gpc", b"0")]).gpc is False
