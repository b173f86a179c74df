"""A proxy before a real Label Studio that spoils chosen requests, and remembers which it spoilt."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

#: Seconds for which an answer trickles: longer than any client may wait.
TRICKLING = 60
_LOGIN = b"<html>Please log in</html>"


@dataclass(frozen=True)
class Answer:
    """What the client gets instead of the server's answer; no status resets the connection."""

    status: int = 0
    #: Made from the server's answer, which is empty when it was not asked.
    body: Callable[[bytes], bytes] = lambda whole: whole
    headers: tuple[tuple[str, str], ...] = ()
    #: Bytes that are announced, more than are sent; the connection is reset after them.
    announced: int = 0


def _otherwise(value: Any) -> Any:
    """JSON of the same shape in which every value is of another type."""
    if isinstance(value, dict):
        return {key: _otherwise(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_otherwise(inner) for inner in value]
    return {} if isinstance(value, str) else "x"


def _changed(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    return lambda whole: json.dumps(change(json.loads(whole or b"{}"))).encode()


def _says(body: bytes) -> Callable[[bytes], bytes]:
    return lambda _: body


#: What can happen to a request by name. "after" means that the server did the work, "before" that it never heard of it.
ANSWERS = {
    "reset before": Answer(),
    "502 before": Answer(502, _says(b"bad gateway")),
    "html before": Answer(200, _says(_LOGIN)),
    "401 before": Answer(401, _says(b'{"detail": "Invalid token."}')),
    "429 before": Answer(429, _says(b"{}"), (("Retry-After", "1"),)),
    "controls before": Answer(400, _says(b'{"detail": "\\u001b[2J\\u001b]0;gone\\u0007"}')),
    "redirect before": Answer(302, _says(b""), (("Location", "http://127.0.0.1:9/\x1b[2J"),)),
    "reset after": Answer(),
    "504 after": Answer(504, _says(b"gateway timeout")),
    "html after": Answer(200, _says(_LOGIN)),
    "half an answer after": Answer(200, lambda whole: whole[: len(whole) // 2], announced=1 << 20),
    "empty after": Answer(200, _says(b"")),
    "not UTF-8 after": Answer(200, lambda whole: whole.replace(b'"', b'"\xff\xfe', 1)),
    "too deep after": Answer(200, _says(b"[" * 200_000 + b"]" * 200_000)),
    "a number after": Answer(200, _says(b"7")),
    "null after": Answer(200, _says(b"null")),
    "a list after": Answer(200, _says(b"[[], 7]")),
    "an object after": Answer(200, _says(b"{}")),
    "other types after": Answer(200, _changed(_otherwise)),
    "packed wrongly after": Answer(200, headers=(("Content-Encoding", "gzip"),)),
    "large headers after": Answer(200, headers=(("X-Large", "x" * 60_000), ("X-Larger", "x" * 60_000))),
    "odd headers after": Answer(200, headers=(("Date", "Mon, 01 Jan 2024 00:00:00 -0000"), ("Content-Type", "\xe9"))),
}
#: Those that never end by themselves: the client has to.
ENDLESS = ("trickling after", "endless after", "half a request before")


@dataclass
class Fault:
    """Spoils the `nth` request (from 1) of a method whose path matches. `act` runs for kinds made by the caller."""

    kind: str
    method: str
    path: str
    nth: int = 1
    seconds: float = 0.0
    act: Callable[[], None] | None = None
    seen: int = 0
    fired: bool = False


class FaultProxy:
    """Listens on a port of its own; `upstream` may change when the server comes back elsewhere."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.faults: list[Fault] = []
        self.lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def spoilt(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                with contextlib.suppress(OSError):  # a client that goes away is what this is about
                    proxy.handle(self, body)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = spoilt  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def handle(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        fault = self._chosen(request)
        kind = fault.kind if fault else ""
        if fault and fault.act and kind == "kill client before":
            fault.act()
        if kind == "half a request before":
            self._half(request, body)
            return _reset(request)
        if kind.endswith("before") and kind in ANSWERS:
            return _send(request, ANSWERS[kind], b"", {})
        if fault and kind == "late":
            time.sleep(fault.seconds)
        if fault and fault.act and kind == "kill server":
            threading.Timer(fault.seconds, fault.act).start()
        try:
            status, headers, answer = self._forward(request, body)
        except (OSError, http.client.HTTPException):
            return _reset(request)
        if fault and fault.act and kind == "kill client after":
            fault.act()
        if kind in ANSWERS:
            return _send(request, ANSWERS[kind], answer, headers)
        if kind in ENDLESS:
            return _stream(request, kind)
        return _send(request, Answer(status), answer, headers)

    def _chosen(self, request: BaseHTTPRequestHandler) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.fired or request.command != fault.method or not re.match(fault.path, request.path):
                    continue
                fault.seen += 1
                if fault.seen == fault.nth:
                    fault.fired = True
                    return fault
        return None

    def _connection(self) -> http.client.HTTPConnection:
        at = urlsplit(self.upstream)
        return http.client.HTTPConnection(at.hostname or "", at.port, timeout=120)

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = self._connection()
        try:
            connection.request(request.command, request.path, body or None, _headers(request))
            answer = connection.getresponse()
            kept = {k: v for k, v in answer.getheaders() if k.lower() in ("content-type", "date", "retry-after")}
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _half(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        connection = self._connection()
        with contextlib.suppress(OSError):
            connection.putrequest(request.command, request.path, skip_host=True)
            for name, value in _headers(request).items():
                connection.putheader(name, value)
            connection.putheader("Host", urlsplit(self.upstream).netloc)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body[: len(body) // 2] if body else None)
        connection.close()


def kill(pid: int) -> Callable[[], None]:
    """Ends a process as a power cut would."""

    def act() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    return act


def _headers(request: BaseHTTPRequestHandler) -> dict[str, str]:
    left_out = ("host", "connection", "content-length", "accept-encoding", "transfer-encoding")
    return {name: value for name, value in request.headers.items() if name.lower() not in left_out}


def _send(request: BaseHTTPRequestHandler, answer: Answer, whole: bytes, headers: dict[str, str]) -> None:
    if not answer.status:
        return _reset(request)
    body = answer.body(whole)
    request.send_response_only(answer.status)
    for name, value in (headers | dict(answer.headers)).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(answer.announced or len(body)))
    request.end_headers()
    request.wfile.write(body)
    request.wfile.flush()
    return _reset(request) if answer.announced else None


def _stream(request: BaseHTTPRequestHandler, kind: str) -> None:
    """An answer that goes on until the client leaves: a byte at a time, or as fast as it can."""
    request.send_response_only(200)
    request.send_header("Content-Type", "application/json")
    request.end_headers()
    request.close_connection = True
    for part in _trickle() if kind.startswith("trickling") else _flood():
        request.wfile.write(part)
        request.wfile.flush()


def _trickle() -> Iterator[bytes]:
    until = time.monotonic() + TRICKLING
    while time.monotonic() < until:
        yield b" "
        time.sleep(0.1)


def _flood() -> Iterator[bytes]:
    while True:
        yield b" " * (1 << 20)


def _reset(request: BaseHTTPRequestHandler) -> None:
    # A close that sends RST instead of FIN: no lingering.
    request.close_connection = True
    with contextlib.suppress(OSError):
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()
