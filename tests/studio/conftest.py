"""A stand-in for a Label Studio that answers what a test tells it to."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from builder.scheme import Scheme
from builder.studio.campaign import Campaign
from builder.studio.client import Client
from builder.studio.embedded.server import StudioServer
from builder.studio.projects import ensure_project
from builder.studio.pull import Pulled, pull
from builder.studio.settings import Annotators, LabelStudio
from tests import samples
from tests.studio.fake import TOKEN, FakeLabelStudio


@dataclass
class Answer:
    """One answer; a status of 0 closes the connection without any."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    #: The server works on it until this is set.
    until: threading.Event | None = None


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
                if until := getattr(found, "until", None):
                    until.wait()
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

        client = Client(StudioServer(standin.url + prefix, token), LabelStudio(**settings), sleep=sleep)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@dataclass
class World:
    """A campaign on a fake Label Studio, rows of its chunks and articles, and a client that waits for nothing."""

    fake: FakeLabelStudio
    campaign: Campaign
    client: Client
    chunks: list[dict[str, Any]]
    articles: list[dict[str, Any]]
    #: Seconds that the client would have waited.
    waits: list[float]

    @property
    def ids(self) -> list[str]:
        return [chunk["chunk_id"] for chunk in self.chunks]

    def project(self, slot: str = "all") -> int:
        """The id of the project of a slot, made when there is none."""
        return ensure_project(self.client, self.campaign, slot).id

    def as_user(self, token: str) -> Client:
        return Client(StudioServer(self.fake.url, token), self.campaign.server, sleep=self.waits.append)


class Direct:
    """A request as the handler of the fake has it, and what the fake answers."""

    def __init__(self, request: httpx.Request) -> None:
        self.command, self.path, self.headers = request.method, request.url.raw_path.decode(), request.headers
        self.close_connection = False
        self.status = 0
        self.sent: list[tuple[str, str]] = []
        self.wfile = io.BytesIO()

    def send_response_only(self, status: int) -> None:
        self.status = status

    def send_header(self, name: str, value: str) -> None:
        self.sent.append((name, value))

    def end_headers(self) -> None:
        pass


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[FakeLabelStudio]:
    """What is asked of these fakes over HTTP reaches them without a socket, in a third of the time.

    `test_client.py` shows what goes over a connection, and what becomes of it.
    """
    fakes: list[FakeLabelStudio] = []
    connected = httpx.HTTPTransport.handle_request

    def handle(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        asked = next((f for f in fakes if f.runs and f.url == f"http://{request.url.netloc.decode()}"), None)
        if asked is None:
            return connected(transport, request)
        handler: Any = Direct(request)
        try:
            asked.respond(handler, request.read())
        except Exception as e:  # as over a connection, which is closed then
            raise httpx.RemoteProtocolError(f"The fake failed: {e!r}.") from e
        if handler.close_connection:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        answer = httpx.ByteStream(handler.wfile.getvalue())
        return httpx.Response(handler.status, headers=handler.sent, stream=answer)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
    return fakes


@pytest.fixture
def make_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct: list[FakeLabelStudio]
) -> Iterator[Callable[..., World]]:
    """Makes a world: `make_world(articles=1, scheme=..., annotators=..., **settings of LabelStudio)`.

    An article has four chunks; pages have two tasks. Whatever is gone from the server does not stop a pull.
    """
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    made: list[World] = []

    def make(
        articles: int = 1,
        scheme: Scheme | None = None,
        annotators: Annotators | None = None,
        folder: str = "workspace",
        **settings: Any,
    ) -> World:
        fake = FakeLabelStudio()
        fake.start()
        direct.append(fake)
        server = LabelStudio(**{"url": fake.url, "page_size": 2, "retries": 1, "gone_share": 1.0, **settings})
        workspace = tmp_path / folder
        campaign = Campaign(
            dataset="sample",
            folder=workspace / "sample",
            workspace=workspace,
            scheme=scheme or samples.scheme(),
            annotators=annotators or Annotators(overlap=2),
            server=server,
            description="What the papers say.",
        )
        crowd = samples.Crowd().read(*(samples.article(number) for number in range(articles)))
        waits: list[float] = []
        client = Client(StudioServer(fake.url, TOKEN), server, sleep=waits.append)
        rows = crowd.chunks.to_pylist(), crowd.articles.to_pylist()
        made.append(World(fake, campaign, client, *rows, waits))
        return made[-1]

    yield make
    for world in made:
        world.client.close()
        world.fake.stop()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Four chunks to annotate, nothing pushed yet."""
    return make_world()


@pytest.fixture
def first(world: World, ids: list[int]) -> Pulled:
    """The first pull of a world with tasks (`ids`, a fixture of the test); an hour passes after it."""
    made = pull(world.campaign)
    world.fake.tick(3600)
    return made
