"""The HTTP connection to a Label Studio server: token, TLS, proxy, and what its failures mean."""

import math
import os
import re
import ssl
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from builder.errors import BuilderError, ConfigError, Refused, Unauthorized, Unreachable
from builder.studio.settings import LabelStudio

#: Bytes of an answer, many times those of the largest page that is asked for.
LARGEST = 1 << 30
#: Bytes that are unpacked at once.
_PART = 1 << 20
CHECK_URL = "Check that label_studio.url is the address of Label Studio itself, with its path prefix if it has one."

T = TypeVar("T")


class Token(httpx.Auth):
    """Puts the token into each request. A personal access token is exchanged for one that is valid for minutes."""

    requires_response_body = True

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        # Personal access tokens are JSON web tokens, which have two dots. The older kind has none.
        self._is_personal = token.count(".") == 2
        self._access = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if not self._is_personal:
            request.headers["Authorization"] = f"Token {self._token}"
            yield request
            return
        if not self._access:
            self._renewed((yield self._renewal()))
        request.headers["Authorization"] = f"Bearer {self._access}"
        response = yield request
        if response.status_code == 401:
            # It has expired. Nothing was done, so even a write may be sent again.
            self._renewed((yield self._renewal()))
            request.headers["Authorization"] = f"Bearer {self._access}"
            yield request

    def _renewal(self) -> httpx.Request:
        return httpx.Request("POST", f"{self._url}/api/token/refresh/", json={"refresh": self._token})

    def _renewed(self, answer: httpx.Response) -> None:
        try:
            body = msgspec.json.decode(answer.content, type=dict[str, object])
        except (ValueError, RecursionError) as e:
            problem = f"{self._url} did not renew the personal access token: its answer is not JSON."
            raise Refused(problem, CHECK_URL) from e
        if not isinstance(access := body.get("access"), str):
            raise unauthorized(self._url, reason(body) or f"HTTP {answer.status_code}")
        self._access = access


def remote_token(settings: LabelStudio) -> str:
    """The token of a remote server, from the environment or the file that the configuration names."""
    where, token = "LABEL_STUDIO_API_KEY", os.environ.get("LABEL_STUDIO_API_KEY", "").strip()
    if not token and not settings.token_file:
        raise Unauthorized(
            f"There is no token for {settings.url}.",
            "Copy one from Account & Settings there and set LABEL_STUDIO_API_KEY, or label_studio.token_file.",
        )
    if not token:
        path = Path(settings.token_file).expanduser()
        where = f"label_studio.token_file {path}"
        try:
            token = path.read_text(encoding="utf-8").strip().partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigError(f"label_studio.token_file cannot be read: {e}.", "Correct the path or its rights.") from e
    # What a header cannot hold would come back in an error that shows the token.
    if not re.fullmatch("[!-~]+", token):
        raise ConfigError(
            f"{where} holds no token, or blanks or characters that no token has.",
            "Copy the token alone, without quotes or a word before it.",
        )
    return token


def unauthorized(url: str, detail: str, embedded: bool = False) -> Unauthorized:
    """The error for a token that a server does not accept."""
    hint = "Copy a valid token from Account & Settings there into LABEL_STUDIO_API_KEY or label_studio.token_file."
    if embedded:
        hint = "Restart the embedded server: `builder serve --stop`, then `builder serve`."
    return Unauthorized(f"{url} does not accept the token ({detail}).", hint)


def open_connection(url: str, token: str, settings: LabelStudio) -> httpx.Client:
    """A connection that authorizes its requests; raises `ConfigError` when TLS or proxy settings cannot be used."""
    try:
        return httpx.Client(
            auth=Token(url, token),
            headers={"Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(settings.timeout, connect=min(settings.timeout, 20.0)),
            verify=_tls(settings),
            # Loopback never goes through a proxy of the environment.
            trust_env=not is_loopback(url),
            proxy=settings.proxy or None,
            limits=_limits(url),
            # A redirect of a POST would arrive as a GET; a login page is not an answer.
            follow_redirects=False,
        )
    except (ValueError, ImportError, httpx.InvalidURL) as e:
        raise ConfigError(
            f"The proxy before {url} cannot be used: {e}",
            "Correct label_studio.proxy, or HTTP_PROXY, HTTPS_PROXY and ALL_PROXY of the environment.",
        ) from e


class Limited(httpx.SyncByteStream):
    """The body of an answer, unpacked; it ends in `httpx.ReadError` when it is too large, packed or unpacked.

    httpx itself unpacks whatever comes, for as long as something comes; here it may take so many seconds.
    """

    def __init__(self, stream: httpx.SyncByteStream, packed: bool = False, seconds: float = math.inf) -> None:
        self._stream, self._packed, self._until = stream, packed, time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._unpacked() if self._packed else self._stream:
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("the answer did not end in time")
            size += len(part)
            if size > LARGEST:
                raise httpx.ReadError(f"the answer is larger than {LARGEST >> 20} MiB")
            yield part

    def _unpacked(self) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its first bytes
        try:
            for part in self._stream:
                while part:
                    yield unpacker.decompress(part, _PART)
                    part = unpacker.unconsumed_tail
            yield unpacker.flush()
        except zlib.error as e:
            raise httpx.DecodingError(f"the answer cannot be unpacked: {e}") from e

    def close(self) -> None:
        self._stream.close()


def limit(response: httpx.Response) -> None:
    """The body of the answer is no larger than `LARGEST`, also unpacked; a hook of httpx."""
    packing = response.headers.pop("content-encoding", "identity").lower()
    if packing not in ("identity", "gzip", "deflate"):
        raise httpx.DecodingError(f"the answer is packed as {visible(packing)}, which was not asked for")
    assert isinstance(response.stream, httpx.SyncByteStream)
    seconds = response.request.extensions.get("timeout", {}).get("read") or math.inf
    response.stream = Limited(response.stream, packing != "identity", seconds)


def within(seconds: float, work: Callable[[], T]) -> T:
    """What a request returns or raises; `httpx.ReadTimeout` when it takes longer in all.

    httpx limits the time between two parts only, and an answer may trickle. The thread that still waits for it ends
    with the process.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as e:  # noqa: BLE001 - it is raised again below
            result.set_exception(e)

    Thread(target=run, daemon=True).start()
    try:
        return result.result(seconds)
    except TimeoutError:
        if result.done():
            raise
        raise httpx.ReadTimeout("the answer did not end in time") from None


def no_answer(
    error: httpx.RequestError | httpx.InvalidURL, url: str, where: str, settings: LabelStudio
) -> BuilderError:
    """What a request without an answer means. `where` is its method and address."""
    if isinstance(error, httpx.InvalidURL):
        return ConfigError(f"label_studio.url is {url!r}: {error}.", "Correct it.")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(
            f"{where} got no answer within {settings.timeout:g} s.",
            "See whether the server is overloaded, or raise label_studio.timeout; then run the command again.",
        )
    root = _root(error)
    if isinstance(root, ssl.SSLCertVerificationError):
        return Unreachable(
            f"{url} has a certificate that is not trusted: {error}.",
            "Set label_studio.ca_file to the certificate of its authority, or correct the address.",
        )
    if isinstance(root, ssl.SSLError):
        return Unreachable(
            f"TLS handshake with {url} failed: {error}.",
            "If the server uses plain HTTP, write http:// in label_studio.url.",
        )
    if isinstance(error, httpx.ConnectError):
        proxy = ", or label_studio.proxy" if settings.proxy else ""
        hint = f"Start Label Studio there, or correct label_studio.url{proxy}."
        return Unreachable(f"Nothing answers at {url}: {error}.", hint)
    return Unreachable(f"{where}: the connection broke: {error}.", "Run the command again.")


def reason(body: object) -> str:
    """The reason in the body of an error answer, at most 500 characters; an HTML page gives none."""
    if isinstance(body, bytes):
        try:
            body = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return ""
    if isinstance(body, str):
        return "" if "<" in body else visible(body[:500])
    if not isinstance(body, dict):
        return ""
    reasons = [str(body[key]) for key in ("validation_errors", "detail", "exc_info") if body.get(key)]
    return visible((reasons[0] if reasons else "; ".join(f"{key}: {value}" for key, value in body.items()))[:500])


def visible(text: str) -> str:
    r"""Words of a server without what would control a terminal.

    >>> visible("no\x1b[2J\nwhy"), visible("größer 🚀")
    ('no\\x1b[2J\\nwhy', 'größer 🚀')
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def is_loopback(url: str) -> bool:
    """True when the address is this machine.

    >>> is_loopback("http://127.0.0.1:8080"), is_loopback("http://localhost"), is_loopback("http://10.0.0.1")
    (True, True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def default_tls() -> ssl.SSLContext:
    """The usual authorities, read once: reading them takes a tenth of a second."""
    return httpx.create_ssl_context()


def _tls(settings: LabelStudio) -> ssl.SSLContext:
    if not settings.ca_file:
        return default_tls()
    context, path = ssl.create_default_context(), Path(settings.ca_file).expanduser()
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as e:
        hint = "Give a PEM file of certificates."
        raise ConfigError(f"label_studio.ca_file {path} cannot be used: {e}.", hint) from e
    return context


def _limits(url: str) -> httpx.Limits:
    """How many connections are kept for the next request: none over plain http."""
    # Label Studio's own web server sends an answer in two parts. On a connection used before, the second part waits for
    # the first to be acknowledged, which the kernel delays by 40 ms; a new connection costs less than one. Over https
    # another web server is in front, which does not wait, and a new connection costs a handshake.
    return httpx.Limits(max_keepalive_connections=0 if urlsplit(url).scheme == "http" else None)


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error
