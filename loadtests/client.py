"""A caller of one node over one kept-alive connection. Knows HTTP and JSON, nothing of visits."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

REQUEST_TIMEOUT_S = 10.0
SHOWN_BODY_CHARS = 400


class CallError(Exception):
    """A node that cannot be reached, or an answer other than the one asked for."""


class Node:
    """One running node, called in turn; remembers how long each call took."""

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise CallError(f"`{url}` is not an http:// address")
        self._http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=REQUEST_TIMEOUT_S)
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self.latencies_ms: list[float] = []

    def call(self, method: str, path: str, body: object = None, *, accept: tuple[int, ...] = (200,)) -> Any:  # noqa: ANN401, JSON
        """Send one request and give the parsed answer."""
        data = None if body is None else json.dumps(body).encode()
        started = time.perf_counter()
        try:
            self._http.request(method, path, data, self._headers)
            answer = self._http.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise CallError(f"{method} {path}: no answer: {error}") from error
        self.latencies_ms.append((time.perf_counter() - started) * 1000)
        if answer.status not in accept:
            raise CallError(f"{method} {path}: {answer.status} {text[:SHOWN_BODY_CHARS].decode(errors='replace')}")
        return json.loads(text) if text else None

    def decide(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask for decisions."""
        answer: dict[str, Any] = self.call("POST", "/v1/decide", request)
        return answer
