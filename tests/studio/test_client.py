"""What a client sends, how often, and what it says when the answer is no."""

import base64
import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from builder.errors import BuilderError, ConfigError, Refused, Unauthorized, Unreachable
from builder.studio import client, connection
from builder.studio.client import Client, NotFound, _wait
from builder.studio.connection import Limited, _limits, reason, remote_token, within
from builder.studio.embedded.server import StudioServer
from builder.studio.embedded.vault import Vault
from builder.studio.people import accounts
from builder.studio.settings import LabelStudio

Connect = Callable[..., Client]


def answer(status: int = 200, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(status=status, body=body if body is not None else {}, headers=named)


def jwt(kind: str, seconds: float) -> str:
    """A token that looks as Label Studio's do; nobody here checks its signature."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"token_type": kind, "exp": int(time.time() + seconds), "jti": "x"}]
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts), "c2ln"])


@pytest.mark.parametrize("status", [0, 500, 502, 503, 504, 524, 429, 425, 408])
def test_a_read_is_tried_again(standin: Any, connect: Connect, status: int) -> None:
    standin.answers = [answer(status), answer(status), answer(body={"ok": 1})]
    assert connect().get("api/version") == {"ok": 1}
    assert len(standin.asked) == 3


@pytest.mark.parametrize("status", [0, 408, 499, 500, 502, 503, 504, 524])
@pytest.mark.parametrize("method", ["post", "patch"])
def test_a_write_is_sent_once(standin: Any, connect: Connect, method: str, status: int) -> None:
    standin.answers = [answer(status)]
    with pytest.raises(Unreachable):
        getattr(connect(), method)("api/projects/", {"title": "x"})
    assert len(standin.asked) == 1


def test_a_write_that_was_turned_away_waits_as_long_as_asked(standin: Any, connect: Connect) -> None:
    waits: list[float] = []
    standin.answers = [answer(429, retry_after="7"), answer(201, {"id": 1})]
    assert connect(waits=waits).post("api/projects/") == {"id": 1}
    assert waits == [7.0]


def test_retry_after_may_be_a_date(standin: Any, connect: Connect) -> None:
    waits: list[float] = []
    standin.answers = [answer(503, retry_after=formatdate(time.time() + 30, usegmt=True)), answer(body={})]
    connect(waits=waits).get("api/version")
    assert 25 < waits[0] <= 30


def test_a_wait_longer_than_a_minute_is_left_to_the_user(standin: Any, connect: Connect) -> None:
    standin.answers = [answer(429, retry_after="3600")]
    with pytest.raises(Refused, match="slow down") as caught:
        connect().get("api/version")
    assert "3600 s" in caught.value.hint
    assert len(standin.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (401, {"detail": "Invalid token."}, Unauthorized, "does not accept the token"),
        (403, {"detail": "You do not have permission"}, Unauthorized, "You do not have permission"),
        (404, b"<html>not here</html>", NotFound, "path prefix"),
        (302, b"", Refused, "https://elsewhere.example"),
        (400, {"validation_errors": {"title": ["too short"]}}, Refused, "too short"),
        (413, b"<html>", Refused, "was refused (413): no reason given"),
        (300, b"", Refused, "was redirected to https://elsewhere.example (300)"),
        (399, b"", Refused, "was redirected to https://elsewhere.example (399)"),
        (400, b"", Refused, "was refused (400)"),
        (499, b"", Unreachable, "failed on the server (499)"),
        (425, b"", Refused, "was refused (425)"),
        (500, {"detail": "database is locked"}, Unreachable, "database is locked"),
    ],
)
def test_an_answer_of_no_says_what_to_do(
    standin: Any, connect: Connect, status: int, body: Any, error: type[BuilderError], says: str
) -> None:
    standin.answers = [answer(status, body, location="https://elsewhere.example")]
    with pytest.raises(error) as caught:
        connect(retries=0).get("api/projects/1/")
    assert says in str(caught.value)
    assert caught.value.hint or error is Refused
    assert "0" * 40 not in str(caught.value), "the token is never shown"


def test_a_page_instead_of_json_is_no_answer(standin: Any, connect: Connect) -> None:
    standin.answers = [answer(200, b"<html>Log in</html>")]
    with pytest.raises(Refused, match="something else than its JSON"):
        connect().get("api/version")


@pytest.mark.parametrize(("url", "kept"), [("http://labels.example", 0), ("https://labels.example", None)])
def test_over_plain_http_no_connection_is_used_twice(url: str, kept: int | None) -> None:
    # Label Studio's own web server answers in two parts; on a used connection the second part comes 40 ms later.
    assert _limits(url).max_keepalive_connections == kept


def test_silence_is_told_from_refusal(standin: Any) -> None:
    standin.close()
    with (
        Client(StudioServer(standin.url, "t" * 40), LabelStudio(retries=0)) as client,
        pytest.raises(Unreachable, match="Nothing answers"),
    ):
        client.get("api/version")


def test_a_server_that_is_too_slow(standin: Any, connect: Connect) -> None:
    slow = answer()
    slow.until = threading.Event()
    standin.answers = [slow]
    with pytest.raises(Unreachable, match=r"within 0\.2 s"):
        connect(timeout=0.2, retries=0).get("api/version")
    slow.until.set()


def test_the_clock_starts_when_the_server_was_asked(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is dated when it was ready: what changed while it was made may not be in it."""
    slow = httpx.Response(200, headers={"Date": "Mon, 02 Mar 2026 09:00:10 GMT"}, json={})
    slow.elapsed = timedelta(seconds=7)
    client = connect()
    monkeypatch.setattr(client._http, "request", lambda *_, **__: slow)
    client.get("api/tasks")
    assert client.first_asked == datetime(2026, 3, 2, 9, 0, 3, tzinfo=UTC)
    ahead = slow.elapsed + client.first_asked - datetime.now(UTC)
    assert client.ahead == pytest.approx(ahead.total_seconds(), abs=60)


def test_an_answer_without_a_proper_date_is_dated_here(standin: Any, connect: Connect) -> None:
    standin.answers = [answer(date="yesterday")]
    client = connect()
    client.get("api/version")
    assert abs(client.first_asked.timestamp() - time.time()) < 5


def test_an_old_server_is_refused(standin: Any, connect: Connect) -> None:
    standin.answers = [answer(body={"release": "1.7.3"})]
    with pytest.raises(Refused, match=r"version 1\.7\.3"):
        connect().version()


@pytest.mark.parametrize("body", [[], {"status": "ok"}, b"null", {"release": {"of": "something"}}])
def test_another_service_is_not_taken_for_label_studio(standin: Any, connect: Connect, body: Any) -> None:
    standin.answers = [answer(body=body)]
    with pytest.raises(Refused, match="gives no version of Label Studio"):
        connect().version()


def test_an_answer_that_cannot_be_unpacked(standin: Any, connect: Connect) -> None:
    standin.answers = [answer(body=b"plain", content_encoding="gzip")]
    with pytest.raises(Unreachable, match="the connection broke"):
        connect(retries=0).version()


@pytest.mark.parametrize("proxy", ["localhost", "ftp://localhost"])
def test_a_proxy_that_cannot_be_used(proxy: str) -> None:
    with pytest.raises(ConfigError, match="The proxy before") as caught:
        Client(StudioServer("https://labels.example", "t" * 40), LabelStudio(proxy=proxy))
    assert "label_studio.proxy" in caught.value.hint


def test_http_where_https_was_asked_for(standin: Any) -> None:
    url = standin.url.replace("http://", "https://")
    with Client(StudioServer(url, "t" * 40), LabelStudio(retries=0)) as client, pytest.raises(Unreachable) as caught:
        client.version()
    assert "TLS handshake" in caught.value.message
    assert "http://" in caught.value.hint


def test_a_legacy_token_and_a_path_prefix(standin: Any, connect: Connect) -> None:
    connect("/labels").get("api/version")
    (asked,) = standin.asked
    assert asked.path == "/labels/api/version"
    assert asked.headers["Authorization"] == f"Token {'0' * 40}"


def test_a_personal_access_token_is_renewed_under_the_prefix(standin: Any, connect: Connect) -> None:
    fresh = jwt("access", 300)
    standin.at = {"/labels/api/token/refresh/": answer(body={"access": fresh})}
    client = connect("/labels", token=jwt("refresh", 3600))
    client.get("api/version")
    client.get("api/version")
    assert [asked.path for asked in standin.asked] == ["/labels/api/token/refresh/", *["/labels/api/version"] * 2]
    assert standin.asked[-1].headers["Authorization"] == f"Bearer {fresh}"


def test_an_access_token_that_expired_is_renewed_and_the_write_sent_again(standin: Any, connect: Connect) -> None:
    renewal = answer(body={"access": "new"})
    standin.answers = [renewal, answer(401, {"detail": "expired"}), renewal, answer(201, {"id": 7})]
    assert connect(token="a.b.c").post("api/projects/", {"title": "x"}) == {"id": 7}
    sent = [asked for asked in standin.asked if asked.path == "/api/projects/"]
    assert [(asked.headers["Authorization"], asked.body) for asked in sent] == [("Bearer new", b'{"title":"x"}')] * 2


def test_a_token_that_is_refused_although_it_is_new(standin: Any, connect: Connect) -> None:
    renewal = answer(body={"access": "new"})
    standin.answers = [renewal, answer(401), renewal, answer(401, {"detail": "no such user"})]
    with pytest.raises(Unauthorized, match="no such user"):
        connect(token="a.b.c").get("api/version")
    assert len(standin.asked) == 4


def test_a_personal_access_token_that_was_revoked(standin: Any, connect: Connect) -> None:
    standin.answers = [answer(401, {"detail": "Token is blacklisted"})]
    with pytest.raises(Unauthorized, match="blacklisted"):
        connect(token=jwt("refresh", 3600)).get("api/version")


@pytest.mark.parametrize("said", [b"<html>not here</html>", b"[]", b'"access"'])
def test_a_renewal_answered_by_something_else(standin: Any, connect: Connect, said: bytes) -> None:
    standin.answers = [answer(404, said)]
    with pytest.raises(Refused, match="renew"):
        connect(token=jwt("refresh", 3600)).get("api/version")


def test_a_proxy_gets_the_whole_address(standin: Any) -> None:
    standin.answers = [answer(body={"release": "1.23.2"})]
    settings = LabelStudio(proxy=standin.url, retries=0)
    with Client(StudioServer("http://labels.example", "t" * 40), settings) as client:
        assert client.version() == "1.23.2"
    assert standin.asked[0].path == "http://labels.example/api/version"


def test_a_certificate_is_trusted_only_when_named(standin: Any, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    standin.http.socket = context.wrap_socket(standin.http.socket, server_side=True)
    url = standin.url.replace("http://", "https://")
    with (
        Client(StudioServer(url, "t" * 40), LabelStudio(retries=0)) as client,
        pytest.raises(Unreachable, match="not trusted"),
    ):
        client.get("api/version")
    with Client(StudioServer(url, "t" * 40), LabelStudio(retries=0, ca_file=str(certificate))) as client:
        assert client.get("api/version") == {}


def test_the_token_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LabelStudio(url="https://labels.example.org")
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    with pytest.raises(Unauthorized, match="no token"):
        remote_token(settings)
    settings.token_file = str(tmp_path / "token")
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    assert remote_token(settings) == "from-file"
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "from-environment")
    assert remote_token(settings) == "from-environment"
    (tmp_path / "token").write_text("from-file\n# of the team\n", encoding="utf-8")
    for secret in ("se cret", "sec\nret", "“secret”"):
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", secret)
        with pytest.raises(ConfigError, match="LABEL_STUDIO_API_KEY holds") as caught:
            remote_token(settings)
        assert "sec" not in str(caught.value).replace(" sec", "")
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    assert remote_token(settings) == "from-file"
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "from-environment")
    assert "from-environment" not in repr(StudioServer("https://labels.example.org", remote_token(settings)))


# Calls of the SDK.


class Shown(msgspec.Struct):
    id: int
    title: str | None = None


def project(number: int) -> Callable[[Any], Any]:
    return lambda sdk: sdk.projects.get(number)


@pytest.mark.parametrize("status", [0, 500, 503, 429, 408])
def test_a_read_of_the_sdk_is_tried_again(standin: Any, connect: Connect, status: int) -> None:
    standin.answers = [answer(status), answer(status), answer(body={"id": 7, "title": "x"})]
    waits: list[float] = []
    found = connect("/labels", waits=waits).ask(project(7), Shown)
    assert (found.id, found.title) == (7, "x")
    assert {asked.path for asked in standin.asked} == {"/labels/api/projects/7/"}
    assert {asked.headers["Authorization"] for asked in standin.asked} == {f"Token {'0' * 40}"}
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize("status", [0, 500, 503, 408, 409])
def test_a_write_of_the_sdk_is_sent_once(standin: Any, connect: Connect, status: int) -> None:
    standin.answers = [answer(status)]
    with pytest.raises(Refused if status == 409 else Unreachable):
        connect().tell(lambda sdk: sdk.projects.create(title="x"))
    assert [(asked.method, json.loads(asked.body)) for asked in standin.asked] == [("POST", {"title": "x"})]


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (401, {"detail": "Invalid token."}, Unauthorized, "Invalid token"),
        (404, {"detail": "Not found."}, NotFound, "GET http://127.0.0.1:PORT/api/projects/7/ does not exist"),
        (404, b"<html>", NotFound, "path prefix"),
        (400, {"validation_errors": {"title": ["too short"]}}, Refused, "too short"),
        (200, b"<html>Log in</html>", Refused, "something else than its JSON"),
        (302, b"", Refused, "https://elsewhere.example"),
        (500, {"detail": "database is locked"}, Unreachable, "database is locked"),
    ],
)
def test_what_the_sdk_raises_says_what_to_do(
    standin: Any, connect: Connect, status: int, body: Any, error: type[BuilderError], says: str
) -> None:
    standin.answers = [answer(status, body, location="https://elsewhere.example")]
    with pytest.raises(error) as caught:
        connect(retries=0).ask(project(7), Shown)
    assert says.replace("PORT", str(standin.http.server_port)) in str(caught.value)


def test_the_sdk_is_loaded_without_the_grammar_of_its_schema_checker(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = list[str]()
    monkeypatch.setattr(client, "without", lambda name: contextlib.nullcontext(hidden.append(name)))
    assert connect()._sdk
    assert hidden == ["rfc3987_syntax"]


def test_loading_the_sdk_takes_nothing_of_the_time_of_a_request(
    standin: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[str] = []
    loaded = cached_property(lambda client: timed.append("loaded") or SimpleNamespace(get=lambda: {"id": 7}))
    loaded.__set_name__(Client, "_sdk")
    monkeypatch.setattr(Client, "_sdk", loaded)
    monkeypatch.setattr(connection, "within", lambda seconds, work: timed.append("begins") or work())
    assert connect().ask(lambda sdk: sdk.get(), Shown).id == 7
    assert timed == ["loaded", "begins"]


def test_the_time_limit_holds_for_the_sdk_too(standin: Any, connect: Connect) -> None:
    slow = answer(body={"id": 7})
    slow.until = threading.Event()
    standin.answers = [slow]
    with pytest.raises(Unreachable, match=r"within 0\.2 s"):
        connect(timeout=0.2, retries=0).ask(project(7), Shown)
    slow.until.set()


@pytest.mark.parametrize(
    ("header", "attempt", "seconds"),
    [
        *((None, 0, 0.5), (None, 3, 4.0), (None, 6, 32.0), (None, 7, 60.0), (" 7 ", 0, 7.0), ("0", 3, 0.0)),
        *(("soon", 1, 1.0), ("-5", 1, 1.0), ("²", 1, 1.0), ("Mon, 05 Jan 2015 09:00:00 GMT", 1, 0.0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1, 1.0),
    ],
)
def test_how_long_to_wait(header: str | None, attempt: int, seconds: float) -> None:
    assert _wait(header, attempt) == seconds


def test_a_write_that_is_turned_away_twice_is_refused(standin: Any, connect: Connect) -> None:
    waits: list[float] = []
    standin.answers = [answer(429, retry_after="60")]
    with pytest.raises(Refused, match="slow down"):
        connect(waits=waits).post("api/projects/")
    assert (waits, len(standin.asked)) == ([60.0], 2)
    standin.answers = [answer(429, retry_after="61")]
    with pytest.raises(Refused, match="slow down"):
        connect(waits=waits).post("api/projects/")
    assert (waits, len(standin.asked)) == ([60.0], 3)


@pytest.mark.parametrize(
    "dated",
    [
        "Mon, 05 Jan 2026 09:00:00 -0000",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "\xe9",
        "Mon, 05 Jan 2026 09:00:00 +999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ],
)
def test_an_odd_date_of_an_answer_stops_nothing(standin: Any, connect: Connect, dated: str) -> None:
    standin.answers = [answer(body={}, date=dated)]
    client = connect()
    client.get("api/version")
    assert client.first_asked.tzinfo is not None
    assert client.now.endswith("+00:00")


def test_what_a_server_asks_to_wait_is_shown_without_controls(standin: Any, connect: Connect) -> None:
    standin.answers = [answer(429, retry_after="\x1b[31m" + 99 * "9")]
    with pytest.raises(Refused) as caught:
        connect(retries=0).get("api/version")
    assert "after \\x1b[31m99999999999999999999999999999999999 seconds" in str(caught.value)


@pytest.mark.parametrize(("release", "accepted"), [("1.12.9", False), ("1.13", True), ("2.0.1", True), ("dev", True)])
def test_the_oldest_version(standin: Any, connect: Connect, release: str, accepted: bool) -> None:
    standin.answers = [answer(body={"release": release})]
    if accepted:
        assert connect().version() == release
    else:
        with pytest.raises(Refused, match="Upgrade"):
            connect().version()


@pytest.mark.parametrize("body", [b"[" * 200_000, b'"\xff\xfe"', b'{"id": "\xff"}'])
def test_answers_that_are_too_deep_or_not_utf8_end_in_one_line(standin: Any, connect: Connect, body: bytes) -> None:
    standin.answers = [answer(body=body)]
    for ask in (lambda: connect().get("api/version"), lambda: connect().ask(project(7), Shown)):
        with pytest.raises(Refused, match="something else than its JSON"):
            ask()
    standin.answers = [answer(500, body)]
    with pytest.raises(Unreachable, match=r"failed on the server \(500\)\. Read the server's log"):
        connect(retries=0).get("api/version")


@pytest.mark.parametrize("body", [7, None, "x", [7], [[]], {}, {"id": "x"}, {"id": None}, {"id": 7, "title": []}, b""])
def test_answers_of_another_form_end_in_one_line(standin: Any, connect: Connect, body: Any) -> None:
    standin.answers = [answer(body=body)]
    for ask in (
        lambda: connect().ask(project(7), Shown),
        lambda: connect().tell(lambda sdk: sdk.projects.create(title="x"), Shown),
        lambda: connect().get("api/projects/7/", kind=Shown),
        lambda: connect().version(),
    ):
        with pytest.raises(Refused, match=r"something else than its JSON|gives no version"):
            ask()


@pytest.mark.parametrize("body", [7, None, {}, {"id": 7}, [{}], [{"id": 7}], [{"id": 7, "email": None}], [None], ["x"]])
def test_a_listing_of_accounts_that_is_none_is_refused(standin: Any, connect: Connect, body: Any) -> None:
    """A pull without its people would look like one whose annotators are unknown."""
    standin.answers = [answer(body=body)]
    with pytest.raises(Refused, match="something else than its JSON"):
        accounts(connect())


@pytest.mark.parametrize("start", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_an_answer_that_trickles_ends_in_time(start: bytes) -> None:
    """Each byte comes in time, of the headers or of the body."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(start)
                    while not over.wait(0.02):
                        connection.sendall(b"0")

        trickling = threading.Thread(target=trickle)
        trickling.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with (
            Client(StudioServer(url, "t" * 40), LabelStudio(retries=0, timeout=0.5)) as client,
            pytest.raises(Unreachable, match=r"got no answer within 0\.5 s"),
        ):
            client.get("api/version")
        over.set()
        trickling.join()


def test_what_a_request_raises_is_raised() -> None:
    assert within(9.0, lambda: 7) == 7
    for error in (TimeoutError("own"), httpx.ReadError("x"), KeyboardInterrupt()):

        def fail(error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)) as caught:
            within(9.0, fail)
        assert caught.value is error


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.studio.connection.LARGEST", 3)
    assert list(Limited(Parts(b"xy", b"z"))) == [b"xy", b"z"]
    with pytest.raises(httpx.ReadError, match="larger than"):
        list(Limited(Parts(b"xy", b"zz")))


def test_an_answer_does_not_go_on_after_its_time() -> None:
    """Nobody waits for it any more, and what still comes would fill the memory."""
    assert list(Limited(Parts(b"xy"), seconds=99)) == [b"xy"]
    with pytest.raises(httpx.ReadTimeout, match="did not end in time"):
        list(Limited(Parts(b"xy"), seconds=-1))


def test_a_packed_answer_is_unpacked_and_no_more_than_it_may_be(
    standin: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"id": 7, "title": "x" * 5000}).encode()
    for packing, packed in (
        ("gzip", gzip.compress(text)),
        ("GZIP", gzip.compress(text)),
        ("deflate", zlib.compress(text)),
    ):
        standin.answers = [answer(body=packed, content_encoding=packing)]
        assert connect().get("api/projects/7/")["id"] == 7
        assert connect().ask(project(7), Shown).id == 7
    assert {asked.headers["Accept-Encoding"] for asked in standin.asked} == {"gzip"}
    monkeypatch.setattr("builder.studio.connection._PART", 10)
    parts = list(Limited(Parts(gzip.compress(text)), packed=True))
    assert b"".join(parts) == text
    assert max(map(len, parts)) <= 10, "never much at once"
    monkeypatch.setattr("builder.studio.connection.LARGEST", len(text) - 1)
    standin.answers = [answer(body=gzip.compress(text), content_encoding="gzip")]
    for ask in (lambda: connect(retries=0).get("api/version"), lambda: connect(retries=0).ask(project(7), Shown)):
        with pytest.raises(Unreachable, match="the answer is larger than"):
            ask()


@pytest.mark.parametrize("packing", ["br", "gzip, gzip", "\x1b"])
def test_a_packing_that_was_not_asked_for_is_refused(standin: Any, connect: Connect, packing: str) -> None:
    standin.answers = [answer(body=b"{}", content_encoding=packing)]
    with pytest.raises(Unreachable, match="which was not asked for"):
        connect(retries=0).get("api/version")


def test_every_answer_is_limited(standin: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.studio.connection.LARGEST", 3)
    standin.answers = [answer(body={"id": 7})]
    for ask in (lambda: connect(retries=0).get("api/version"), lambda: connect(retries=0).ask(project(7), Shown)):
        with pytest.raises(Unreachable, match="the answer is larger than"):
            ask()


class Parts(httpx.SyncByteStream):
    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts


def test_what_would_control_a_terminal_is_escaped(standin: Any, connect: Connect) -> None:
    standin.answers = [answer(400, {"detail": "\x1b[2Jno\r\n"})]
    with pytest.raises(Refused) as caught:
        connect().get("api/version")
    assert caught.value.message.endswith(r"was refused (400): \x1b[2Jno\r\n")


def test_a_token_of_the_embedded_server_is_renewed_by_starting_it_again(standin: Any, tmp_path: Path) -> None:
    standin.answers = [answer(401, {})]
    with Client(StudioServer(standin.url, "t" * 40, Vault(tmp_path)), LabelStudio()) as client:
        with pytest.raises(Unauthorized, match=r"\(HTTP 401\)") as caught:
            client.get("api/version")
        assert "builder serve --stop" in caught.value.hint
        assert client.key == "embedded"
    with Client(StudioServer(standin.url + "/", "t" * 40), LabelStudio()) as client:
        with pytest.raises(Unauthorized) as caught:
            client.get("api/version")
        assert "LABEL_STUDIO_API_KEY" in caught.value.hint
        assert client.key == standin.url


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "no", "validation_errors": "why"}, "why"),
        ({"detail": "", "exc_info": "trace"}, "trace"),
        ({"email": ["taken"], "code": 4}, "email: ['taken']; code: 4"),
        ({"detail": "x" * 501}, "x" * 500),
        ("y" * 501, "y" * 500),
        ("<p>no</p>", ""),
        (b'{"detail": "no"}', "no"),
        (b"<html>", ""),
        ([1], ""),
        (b"[1]", ""),
        (None, ""),
        ({}, ""),
    ],
)
def test_the_reason_of_a_refusal_is_what_the_server_says_first(body: object, said: str) -> None:
    assert reason(body) == said


@pytest.mark.parametrize("name", ["none.pem", "text.pem"])
def test_certificates_that_cannot_be_read_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"label_studio.ca_file .*{name} cannot be used"):
        Client(StudioServer("https://labels.example", "t" * 40), LabelStudio(ca_file=str(tmp_path / name)))


def test_an_address_that_is_none_is_named() -> None:
    with (
        Client(StudioServer("http://127.0.0.1:x", "t" * 40), LabelStudio()) as client,
        pytest.raises(ConfigError, match=r"label_studio.url is 'http://127.0.0.1:x'"),
    ):
        client.get("api/version")


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    file = tmp_path / "token"
    settings = LabelStudio(url="http://labels.example", token_file=str(file))
    with pytest.raises(ConfigError, match=r"label_studio\.token_file cannot be read"):
        remote_token(settings)
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"label_studio\.token_file cannot be read"):
        remote_token(settings)


@pytest.mark.parametrize(("timeout", "to_connect"), [(120.0, 20.0), (5.0, 5.0)])
def test_how_long_a_request_may_take(timeout: float, to_connect: float) -> None:
    with connection.open_connection("http://labels.example", "t", LabelStudio(timeout=timeout)) as made:
        assert made.timeout == httpx.Timeout(timeout, connect=to_connect)


def test_how_much_an_answer_may_hold() -> None:
    assert (connection.LARGEST, connection._PART) == (1024**3, 1024**2)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        *(("http://127.0.0.1:8080", True), ("http://127.9.9.9", True), ("http://[::1]:80", True)),
        *(("https://localhost/x", True), ("http://10.0.0.1", False), ("http://localhost.example", False), ("", False)),
    ],
)
def test_only_this_machine_is_asked_without_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, here: bool
) -> None:
    assert connection.is_loopback(url) is here
    monkeypatch.setenv("ALL_PROXY", "socks9://nowhere")
    if here:
        connection.open_connection(url, "t", LabelStudio()).close()
    elif url:
        with pytest.raises(ConfigError, match="ALL_PROXY"):
            connection.open_connection(url, "t", LabelStudio())


def test_a_connection_is_made_within_twenty_seconds_and_answers_within_what_is_set() -> None:
    for seconds, connecting in ((120.0, 20.0), (5.0, 5.0)):
        made = connection.open_connection("http://labels.example", "t" * 40, LabelStudio(timeout=seconds))
        assert made.timeout == httpx.Timeout(seconds, connect=connecting)


def test_work_that_does_not_end_keeps_no_process_alive() -> None:
    assert within(60, lambda: threading.current_thread().daemon)


def test_an_answer_of_no_is_an_exception_like_others() -> None:
    """Those are told apart by what they are, not by what they say."""
    assert len({client._Failed(500, {}, b"") for _ in range(2)}) == 2


def test_what_a_terminal_can_show_is_shown_as_it_is() -> None:
    assert connection.visible(r"C:\data 'größer' 🚀") == r"C:\data 'größer' 🚀"
    assert connection.visible("\x1b[2J\n\u202e") == r"\x1b[2J\n\u202e"
