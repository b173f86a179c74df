"""A stand-in for a Label Studio that answers what a test tells it to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from builder.studio.client import Client
from builder.studio.server import Server
from builder.studio.settings import LabelStudio


@dataclass
class Answer:
    """One answer; a status of 0 closes the connection without any."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    #: How long the server works on it.
    seconds: float = 0.0


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Standin:
    """An HTTP server whose answers are taken from a list; the last one is repeated."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Answer] = [Answer(body={})]
        #: Answers by path go before the list.
        self.at: dict[str, Answer] = {}
        standin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                standin.asked.append(Asked(self.command, self.path, dict(self.headers), self.rfile.read(length)))
                found = standin.at.get(self.path.split("?")[0])
                if found is None:
                    found = standin.answers.pop(0) if len(standin.answers) > 1 else standin.answers[0]
                time.sleep(getattr(found, "seconds", 0.0))
                if not found.status:
                    self.close_connection = True
                    return
                body = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
                # Without its own date where a test gives one.
                (self.send_response_only if "date" in found.headers else self.send_response)(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def standin() -> Iterator[Standin]:
    """A stand-in server; its answers and requests are lists."""
    made = Standin()
    yield made
    made.close()


@pytest.fixture
def connect(standin: Standin) -> Iterator[Callable[..., Client]]:
    """Connects a client to the stand-in, without waiting between attempts: `connect(prefix, token, **settings)`."""
    clients = []

    def make(prefix: str = "", token: str = "0" * 40, waits: list[float] | None = None, **settings: Any) -> Client:
        def sleep(seconds: float) -> None:
            if waits is not None:
                waits.append(seconds)

        client = Client(Server(standin.url + prefix, token), LabelStudio(**settings), sleep=sleep)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
