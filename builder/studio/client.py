"""One client of a Label Studio server: every request of this room goes through it.

Projects, accounts and single annotations go through public methods of the Label Studio SDK (`ask`, `tell`). Raw
requests (`get`, `post`, `patch`, `send`) are for what it has no method for, and for imports and listings of tasks:
decoding a listing into the SDK's models takes 2.9 times as long as the whole pull.

Reads are tried again after a failure that may pass. Writes are not, because the server may have done the work before
its answer got lost: after `Unreachable`, callers look at what is there and write what is missing.
"""

import email.utils
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, TypeVar

import httpx
import msgspec

from builder.errors import Refused, Unreachable
from builder.memory import without
from builder.studio import connection
from builder.studio.embedded.server import StudioServer
from builder.studio.settings import LabelStudio

#: Answers after which the same read may succeed, besides those of 500 and above.
_PASSING = frozenset({408, 425, 429})
#: Answers that leave open whether a write was done, besides those of 500 and above.
_DOUBTFUL = frozenset({408, 499})
_LONGEST_WAIT = 60.0
_OLDEST = (1, 13)

Params = Mapping[str, str | int]
T = TypeVar("T")


class NotFound(Refused):
    """What was asked for does not exist."""


@dataclass(eq=False)
class _Failed(Exception):
    """An answer that is not a success."""

    status: int
    headers: Mapping[str, str]
    body: object


class Client:
    """A connection; raises `Unreachable`, `Unauthorized` or `Refused`, never an error of httpx or the SDK."""

    def __init__(
        self, server: StudioServer, settings: LabelStudio, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.url = server.url.rstrip("/")
        #: Where the accounts of the embedded server are; None for a server elsewhere.
        self.vault = server.vault
        self.sleep = sleep
        self.settings = settings
        self._date: datetime | None = None
        #: Seconds by which the server's clock is ahead of ours, to a second.
        self.ahead = 0.0
        self._where = ""
        self._http = connection.open_connection(self.url, server.token, settings)
        self._http.event_hooks = {"request": [self._note_where], "response": [connection.limit]}

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def key(self) -> str:
        """Names the server in notes of the workspace. The embedded one may get another port at its next start."""
        return "embedded" if self.vault else self.url

    def address(self, project: int) -> str:
        """Where people open a project."""
        return f"{self.url}/projects/{project}/"

    def ask(self, call: Callable[[Any], Any], kind: type[T]) -> T:
        """What a call of the SDK returns that changes nothing, as `kind`: `ask(lambda sdk: sdk.projects.get(7), ...)`.

        Raises `Refused` when it is something else.
        """
        return self._attempt(partial(self._call, self._sdk, call, kind), self.settings.retries + 1)

    def tell(self, call: Callable[[Any], Any], kind: type[T] = object) -> T:  # type: ignore[assignment]
        """What a call of the SDK returns that changes something; sent once. `Unreachable`: it may have been done."""
        return self._attempt(partial(self._call, self._sdk, call, kind), 1)

    def get(self, path: str, params: Params | None = None, kind: Any = object) -> Any:
        """The decoded JSON at a path such as `api/version`; raises `Refused` when it is no `kind`."""
        return self.decode(path, self.send("GET", path, params), kind)

    def post(self, path: str, body: Any = None, params: Params | None = None) -> Any:
        """The decoded answer to one POST, sent once. `Unreachable`: it may have been done."""
        answer = self.send("POST", path, params, msgspec.json.encode(body))
        return self.decode(path, answer, object) if answer else None

    def patch(self, path: str, body: Any) -> None:
        """One PATCH, sent once."""
        self.send("PATCH", path, None, msgspec.json.encode(body))

    def send(self, method: str, path: str, params: Params | None = None, content: bytes | None = None) -> bytes:
        """The body of the answer to one request; reads are tried again, writes are not.

        Raises `Unreachable` without an answer or when the answer leaves open what happened, `Unauthorized` on 401 and
        403, `Refused` (`NotFound` on 404) on any other answer that is not a success.
        """
        attempts = self.settings.retries + 1 if method == "GET" else 1
        return self._attempt(lambda: self._once(method, path, params, content), attempts)

    def decode(self, path: str, body: bytes, kind: type[T]) -> T:
        """The body of an answer as `kind`; raises `Refused` when it is something else."""
        try:
            return msgspec.json.decode(body, type=kind)
        except (ValueError, RecursionError) as e:
            raise self._no_json(f"{self.url}/{path}", e) from e

    def pause(self, attempt: int) -> None:
        """Waits before the next attempt, twice as long each time."""
        self.sleep(_backoff(attempt))

    def version(self) -> str:
        """The server's version, such as "1.23.2"; raises `Refused` when it is too old for this room."""
        # Raw: the SDK takes any JSON object for a version.
        answer = self.get("api/version")
        version = answer.get("release") if isinstance(answer, dict) else None
        if not isinstance(version, str):
            raise Refused(f"{self.url}/api/version gives no version of Label Studio.", connection.CHECK_URL)
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if len(numbers) == 2 and numbers < _OLDEST:
            hint = "Upgrade it to 1.13 or later; 1.23.2 is tested."
            raise Refused(f"Label Studio at {self.url} is version {connection.visible(version)}.", hint)
        return version

    @property
    def now(self) -> str:
        """The time by the server's clock, to a second: UTC, as ISO 8601 has it."""
        time = datetime.now(UTC) + timedelta(seconds=self.ahead)
        return time.isoformat(timespec="seconds")

    @property
    def first_asked(self) -> datetime:
        """When the server was first asked something: by its own clock, up to a second early."""
        return self._date or datetime.now(UTC)

    @cached_property
    def _sdk(self) -> Any:
        # Imported here: it is not needed to read a configuration, and takes longer than a request may.
        # Its schema checker would compile a grammar of internationalised addresses, half of what the import takes.
        with without("rfc3987_syntax"):
            from label_studio_sdk.client import LabelStudio as Sdk

        # The connection puts the token into each request in place of this one, and has its timeout. Repeating is left
        # to `_attempt`.
        made: Any = Sdk  # its constructor has no annotations
        return made(base_url=self.url, api_key="none", httpx_client=self._http, max_retries=0)

    def _call(self, sdk: Any, call: Callable[[Any], Any], kind: type[T]) -> T:
        from label_studio_sdk.core.api_error import ApiError
        from label_studio_sdk.core.parse_error import ParsingError

        try:
            with warnings.catch_warnings(action="ignore"):  # what the SDK finds odd is looked at here
                found = call(sdk)
            return found if kind is object else msgspec.convert(found, kind, from_attributes=True)
        except ApiError as e:
            if e.status_code is not None and 200 <= e.status_code < 300:
                raise self._no_json(self._where) from e
            raise _Failed(e.status_code or 0, e.headers or {}, e.body) from e
        except (ParsingError, RecursionError, ValueError, TypeError, AttributeError, KeyError) as e:
            # The SDK takes whatever comes for what it expects.
            raise self._no_json(self._where, e) from e

    def _once(self, method: str, path: str, params: Params | None, content: bytes | None) -> bytes:
        headers = {"Content-Type": "application/json"} if content is not None else None
        address, wanted = f"{self.url}/{path}", dict(params) if params else None
        answer = self._http.request(method, address, params=wanted, content=content, headers=headers)
        if self._date is None:
            # An answer is dated when it was ready; what changed in the meantime may not be in it.
            now = datetime.now(UTC)
            dated = _date(answer.headers.get("date", "")) or now
            self._date, self.ahead = dated - answer.elapsed, (dated - now).total_seconds()
        if answer.is_success:
            return answer.content
        raise _Failed(answer.status_code, answer.headers, answer.content)

    def _attempt(self, once: Callable[[], T], attempts: int) -> T:
        attempt = 0
        while True:
            attempt += 1
            try:
                return connection.within(self.settings.timeout, once)
            except (httpx.RequestError, httpx.InvalidURL) as e:
                problem = connection.no_answer(e, self.url, self._where, self.settings)
                if attempt >= attempts or not isinstance(problem, Unreachable):
                    raise problem from e
                wait = _backoff(attempt - 1)
            except _Failed as e:
                wait = _wait(e.headers.get("retry-after"), attempt - 1)
                # A server that answers 429 has not begun any work, so even a write may be sent once more.
                once_more = e.status == 429 and attempts == attempt == 1
                passing = attempt < attempts and (e.status in _PASSING or e.status >= 500)
                if wait > _LONGEST_WAIT or not (once_more or passing):
                    raise self._error(e) from e
            self.sleep(wait)

    def _error(self, failed: _Failed) -> Exception:
        status, where, detail = failed.status, self._where, connection.reason(failed.body)
        if status in (401, 403):
            said = f"HTTP {status}: {detail}" if detail else f"HTTP {status}"
            return connection.unauthorized(self.url, said, self.vault is not None)
        if status == 404:
            return NotFound(f"{where} does not exist (404).", connection.CHECK_URL)
        if 300 <= status < 400:
            target = connection.visible(failed.headers.get("location", ""))
            return Refused(f"{where} was redirected to {target} ({status}).", "Set label_studio.url to that address.")
        if status == 429:
            wait = connection.visible(failed.headers.get("retry-after", "some")[:40])
            return Refused(f"{self.url} asks to slow down (429).", f"Run the command again after {wait} seconds.")
        if status in _DOUBTFUL or status >= 500:
            hint = "Read the server's log; then run the command again, which finishes what was left."
            return Unreachable(f"{where} failed on the server ({status}). {detail}".rstrip(), hint)
        return Refused(f"{where} was refused ({status}): {detail or 'no reason given'}")

    def _no_json(self, where: str, error: Exception | None = None) -> Refused:
        # What msgspec says names a place, and no words of the server.
        detail = f": {error}" if isinstance(error, msgspec.ValidationError) else ""
        hint = "A login page or a proxy may have answered, or a Label Studio before 1.13: check label_studio.url."
        return Refused(f"{where} answered with something else than its JSON{detail}.", hint)

    def _note_where(self, request: httpx.Request) -> None:
        self._where = f"{request.method} {str(request.url).partition('?')[0]}"


def _date(header: str) -> datetime | None:
    """The time that a header gives, if any; one without a zone is UTC.

    >>> _date("Mon, 05 Jan 2026 09:00:00 -0000") == _date("Mon, 05 Jan 2026 10:00:00 +0100")
    True
    >>> _date("soon"), _date("Fri, 31 Dec 9999 23:59:59 GMT"), _date("Mon, 05 Jan 2026 09:00:00 +999999999")
    (None, None, None)
    """
    try:
        found = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    # The last year has no room for the sums that are made of a date; in the first hundred, years have two digits.
    return (found if found.tzinfo else found.replace(tzinfo=UTC)) if found.year < MAXYEAR else None


def _backoff(attempt: int) -> float:
    """Seconds to wait after attempt 0, 1, 2 ...

    >>> [_backoff(attempt) for attempt in (0, 1, 2, 9)]
    [0.5, 1.0, 2.0, 60.0]
    """
    return min(2.0**attempt * 0.5, _LONGEST_WAIT)


def _wait(header: str | None, attempt: int) -> float:
    """Seconds to wait: what the header Retry-After asks for (seconds or a date), or else twice as long each time.

    >>> [_wait(header, 1) for header in ("7", None, "soon", "-5", "²")]
    [7.0, 1.0, 1.0, 1.0, 1.0]
    """
    asked = (header or "").strip()
    if asked.isascii() and asked.isdecimal():
        return float(asked)
    until = _date(asked)
    return max(0.0, until.timestamp() - time.time()) if until else _backoff(attempt)
