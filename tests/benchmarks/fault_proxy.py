"""A proxy before a real Label Studio that spoils chosen requests, and remembers which it spoilt."""

import contextlib
import http.client
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

#: What can happen to a request. "after" means that the server did the work, "before" that it never heard of it.
KINDS = (
    "reset before",
    "502 before",
    "html before",
    "half a request",
    "reset after",
    "504 after",
    "html after",
    "half an answer",
    "late",
)


@dataclass
class Fault:
    """Spoils the `nth` request (from 1) whose method and path begin so. `act` runs for kinds made by the caller."""

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
                proxy.handle(self, body)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = spoilt  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        # A client that goes away is what this is about.
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
        if kind == "reset before":
            return _reset(request)
        if kind == "502 before":
            return _answer(request, 502, b"bad gateway")
        if kind == "html before":
            return _answer(request, 200, b"<html>Please log in</html>")
        if kind == "401":
            return _answer(request, 401, b'{"detail": "Invalid token."}')
        if kind == "429":
            return _answer(request, 429, b"{}", {"Retry-After": "1"})
        if kind == "half a request":
            self._half(request, body)
            return _reset(request)
        if kind == "late" and fault:
            time.sleep(fault.seconds)
        if kind == "kill server" and fault and fault.act:
            killer = threading.Timer(fault.seconds, fault.act)
            killer.start()
        try:
            status, headers, answer = self._forward(request, body)
        except (OSError, http.client.HTTPException):
            return _reset(request)
        if fault and fault.act and kind == "kill client after":
            fault.act()
        if kind == "reset after":
            return _reset(request)
        if kind == "504 after":
            return _answer(request, 504, b"gateway timeout")
        if kind == "html after":
            return _answer(request, 200, b"<html>Please log in</html>")
        if kind == "half an answer":
            with contextlib.suppress(OSError):
                _answer(request, status, answer[: len(answer) // 2], headers, len(answer))
            return _reset(request)
        with contextlib.suppress(OSError):
            _answer(request, status, answer, headers)
        return None

    def _chosen(self, request: BaseHTTPRequestHandler) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.fired or request.command != fault.method or not request.path.startswith(fault.path):
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


def _answer(
    request: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> None:
    request.send_response_only(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.end_headers()
    request.wfile.write(body)
    request.wfile.flush()


def _reset(request: BaseHTTPRequestHandler) -> None:
    # A close that sends RST instead of FIN: no lingering.
    request.close_connection = True
    with contextlib.suppress(OSError):
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()
