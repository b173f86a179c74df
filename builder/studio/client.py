"""One connection to a Label Studio server: every request of this room goes through `Client.send`.

Reads are tried again after a failure that may pass; writes never are, because the server may have done the work before
its answer got lost. Whoever writes decides what to do after `Unreachable`: look what is there, then write what is
missing. Authorization, also the renewal of personal access tokens, is the SDK's.
"""

import email.utils
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from builder.errors import ConfigError, Refused, Unauthorized, Unreachable
from builder.studio.server import Server
from builder.studio.settings import LabelStudio

#: Answers after which the same read may succeed, besides those of 500 and above.
_PASSING = frozenset({408, 425, 429})
#: Answers that leave open whether a write was done, besides those of 500 and above.
_DOUBTFUL = frozenset({408, 499})
_LONGEST_WAIT = 60.0
_OLDEST = (1, 13)

Params = Mapping[str, str | int]
T = TypeVar("T")


class Client:
    """A connection; raises `Unreachable`, `Unauthorized` or `Refused` and nothing else of httpx or the SDK."""

    def __init__(self, server: Server, settings: LabelStudio, sleep: Callable[[float], None] = time.sleep) -> None:
        # The SDK is imported here: it is needed by nobody who only reads a configuration.
        from label_studio_sdk.client import LabelStudio as Sdk
        from label_studio_sdk.core.api_error import ApiError

        self.url = server.url.rstrip("/")
        self.embedded = server.embedded
        self._settings = settings
        self._sleep = sleep
        self._date: datetime | None = None
        self._api_error = ApiError
        sdk: Any = Sdk  # it has no annotations
        self._http = _connection(self.url, settings)
        try:
            # The slash at the end keeps a path prefix when the SDK joins the address of the token's renewal.
            self._sdk = sdk(base_url=f"{self.url}/", api_key=server.token, httpx_client=self._http, max_retries=0)
        except ApiError as e:
            raise self._unauthorized(_detail_of(e.body)) from e

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, params: Params | None = None) -> Any:
        """The decoded JSON at a path such as `api/version`."""
        return self._json(path, self.send("GET", path, params))

    def post(self, path: str, body: Any = None, params: Params | None = None) -> Any:
        """The decoded answer to one POST, sent once. `Unreachable` means that it may have been done."""
        return self._json(path, self.send("POST", path, params, msgspec.json.encode(body)))

    def patch(self, path: str, body: Any) -> Any:
        """The decoded answer to one PATCH of absolute values, which is safe to repeat."""
        return self._json(path, self.send("PATCH", path, None, msgspec.json.encode(body)))

    def delete(self, path: str) -> None:
        """Nothing is at the path any more; that it was gone already is no error."""
        try:
            self.send("DELETE", path)
        except NotFound:
            return

    def send(self, method: str, path: str, params: Params | None = None, content: bytes | None = None) -> bytes:
        """The body of the answer to one request; reads are tried again, writes are not.

        Raises `Unreachable` without an answer or when the answer leaves open what happened, `Unauthorized` on 401 and
        403, `Refused` (`NotFound` on 404) on any other answer that is no success.
        """
        attempts = self._settings.retries + 1 if method == "GET" else 1
        for attempt in range(attempts):
            last = attempt == attempts - 1
            try:
                response = self._once(method, path, params, content)
            except Unreachable:
                if last:
                    raise
                self.pause(attempt)
                continue
            wait = _retry_after(response.headers.get("retry-after"), attempt)
            # 429 is answered before any work is done, so that even a write may come again.
            if response.status_code == 429 and method != "GET" and wait <= _LONGEST_WAIT:
                self._sleep(wait)
                response = self._once(method, path, params, content)
            if (response.status_code in _PASSING or response.status_code >= 500) and not last and wait <= _LONGEST_WAIT:
                self._sleep(wait)
                continue
            return self._body(method, path, response)
        raise AssertionError("a request has at least one attempt")

    def pause(self, attempt: int) -> None:
        """Waits before the next attempt, twice as long each time."""
        self._sleep(min(2.0**attempt * 0.5, _LONGEST_WAIT))

    def version(self) -> str:
        """The server's version, such as "1.23.2"; raises `Refused` when it is too old for this room."""
        answer = self.get("api/version")
        version = answer.get("release") if isinstance(answer, dict) else None
        if not isinstance(version, str):
            raise Refused(
                f"{self.url}/api/version names no version of Label Studio.",
                "Check that label_studio.url names the Label Studio itself, with its path prefix if it has one.",
            )
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if len(numbers) == 2 and numbers < _OLDEST:
            raise Refused(
                f"Label Studio at {self.url} is version {version}.", "Upgrade it to 1.13 or later; 1.23.2 is tested."
            )
        return version

    def start_clock(self) -> None:
        """The next request is the first one."""
        self._date = None

    @property
    def first_asked(self) -> datetime:
        """When the server was first asked something since `start_clock`: by its own clock, up to a second early."""
        return self._date or datetime.now(UTC)

    def whoami(self) -> dict[str, Any]:
        """The account of the token."""
        found: dict[str, Any] = self.get("api/current-user/whoami")
        return found

    def _once(self, method: str, path: str, params: Params | None, content: bytes | None) -> httpx.Response:
        where = f"{method} {self.url}/{path}"
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            # The SDK's own transport: it puts the token into the header and renews it when it expired.
            answer: httpx.Response = self._sdk._client_wrapper.httpx_client.request(
                path,
                method=method,
                params=dict(params) if params else None,
                content=content,
                headers=headers,
                request_options={"max_retries": 0},
            )
        except self._api_error as e:
            # Renewing the token failed.
            raise self._unauthorized(_detail_of(e.body)) from e
        except ValueError as e:
            raise Refused(
                f"{self.url} did not renew the personal access token: it answered with something else than JSON.",
                "Check that label_studio.url names the Label Studio itself, with its path prefix if it has one.",
            ) from e
        except httpx.TimeoutException as e:
            raise Unreachable(
                f"{where} got no answer within {self._settings.timeout:g} s.",
                "Look whether the server is overloaded, or raise label_studio.timeout; then run the command again.",
            ) from e
        except httpx.ConnectError as e:
            root = _root(e)
            if isinstance(root, ssl.SSLError) and not isinstance(root, ssl.SSLCertVerificationError):
                raise Unreachable(f"{self.url} speaks no proper TLS: {e}.", "Is its address one of http://?") from e
            if isinstance(root, ssl.SSLError):
                raise Unreachable(
                    f"{self.url} has a certificate that is not trusted: {e}.",
                    "Set label_studio.ca_file to the certificate of its authority, or correct the address.",
                ) from e
            proxy = ", or label_studio.proxy" if self._settings.proxy else ""
            raise Unreachable(
                f"Nothing answers at {self.url}: {e}.", f"Start Label Studio there, or correct label_studio.url{proxy}."
            ) from e
        except httpx.RequestError as e:
            raise Unreachable(f"{where}: the connection broke: {e}.", "Run the command again.") from e
        except httpx.InvalidURL as e:
            raise ConfigError(f"label_studio.url is {self.url!r}: {e}.", "Correct it.") from e
        if self._date is None:
            # An answer is dated when it was ready; what changed meanwhile may not be in it.
            self._date = _date(answer.headers.get("date", "")) - answer.elapsed
        return answer

    def _body(self, method: str, path: str, response: httpx.Response) -> bytes:
        status = response.status_code
        where = f"{method} {self.url}/{path}"
        if 200 <= status < 300:
            return response.content
        detail = _detail(response)
        if status in (401, 403):
            raise self._unauthorized(f"HTTP {status}: {detail}" if detail else f"HTTP {status}")
        if status == 404:
            raise NotFound(
                f"{where} does not exist (404).",
                "Check that label_studio.url names the Label Studio itself, with its path prefix if it has one.",
            )
        if 300 <= status < 400:
            raise Refused(
                f"{where} was sent on to {response.headers.get('location', '')} ({status}).",
                "Set label_studio.url to that address.",
            )
        if status == 429:
            wait = response.headers.get("retry-after", "a while")
            raise Refused(f"{self.url} asks to slow down (429).", f"Run the command again after {wait} s.")
        if status in _DOUBTFUL or status >= 500:
            raise Unreachable(
                f"{where} failed on the server ({status}). {detail}".rstrip(),
                "Read the server's log; then run the command again, which finishes what was left.",
            )
        raise Refused(f"{where} was refused ({status}): {detail or 'no reason given'}")

    def decode(self, path: str, body: bytes, kind: type[T]) -> T:
        """The body of an answer as `kind`; raises `Refused` when it is something else."""
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as e:
            raise Refused(
                f"{self.url}/{path} answered with something else than its JSON.",
                "Something in between answered, such as a login page or a proxy: check label_studio.url.",
            ) from e

    def _json(self, path: str, body: bytes) -> Any:
        return self.decode(path, body, object) if body else None

    def _unauthorized(self, detail: str) -> Unauthorized:
        hint = "Copy a valid token from Account & Settings there into LABEL_STUDIO_API_KEY or label_studio.token_file."
        if self.embedded:
            hint = "Restart the embedded server: `builder serve --stop`, then `builder serve`."
        return Unauthorized(f"{self.url} does not accept the token ({detail}).", hint)


class NotFound(Refused):
    """What was asked for is not there."""


def _connection(url: str, settings: LabelStudio) -> httpx.Client:
    try:
        return httpx.Client(
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


def _tls(settings: LabelStudio) -> ssl.SSLContext | bool:
    if not settings.ca_file:
        return True
    context = ssl.create_default_context()
    path = Path(settings.ca_file).expanduser()
    try:
        context.load_verify_locations(cafile=str(path))
    except (OSError, ssl.SSLError) as e:
        raise ConfigError(
            f"label_studio.ca_file {path} cannot be used: {e}.", "Give a PEM file of certificates."
        ) from e
    return context


def _limits(url: str) -> httpx.Limits:
    """How many connections are kept for the next request: none over plain http."""
    # Label Studio's own web server sends an answer in two parts. On a connection used before, the second part waits for
    # the first to be acknowledged, which the kernel puts off for 40 ms; a new connection costs less than one. Behind
    # https there is another web server, which does not wait, and a new connection costs a handshake.
    return httpx.Limits(max_keepalive_connections=0 if urlsplit(url).scheme == "http" else None)


def is_loopback(url: str) -> bool:
    """True when the address is this machine, to which no proxy leads."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error


def _date(header: str) -> datetime:
    """What a server calls now, or what we do when it does not say."""
    try:
        return email.utils.parsedate_to_datetime(header)
    except ValueError:
        return datetime.now(UTC)


def _retry_after(header: str | None, attempt: int) -> float:
    """Seconds to wait: what the server asks for (seconds or a date), or twice as long each time."""
    if header is None:
        return min(2.0**attempt * 0.5, _LONGEST_WAIT)
    if header.strip().isdigit():
        return float(header)
    try:
        until = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return _LONGEST_WAIT
    return max(0.0, until.timestamp() - time.time())


def _detail(response: httpx.Response) -> str:
    try:
        return _detail_of(msgspec.json.decode(response.content))
    except msgspec.DecodeError:
        return ""


def _detail_of(body: object) -> str:
    """The reason in an error answer, shortened; an HTML page gives none."""
    if isinstance(body, str):
        return "" if "<" in body else body[:500]
    if not isinstance(body, dict):
        return ""
    reasons = [str(body[key]) for key in ("validation_errors", "detail", "exc_info") if body.get(key)]
    return (reasons[0] if reasons else "; ".join(f"{key}: {value}" for key, value in body.items()))[:500]
