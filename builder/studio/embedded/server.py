"""The embedded Label Studio of a workspace: found or started, shared by the workspace's processes, and stopped.

Started by a run, it ends with the last run that uses it; started by `builder serve`, it stays until
`builder serve --stop`. See supervise.py for how that holds when a run crashes. Processes are known by their command
line as well as by their number, because the system gives numbers out again.
"""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from filelock import FileLock, Timeout

from builder.errors import StudioError, Unauthorized, Unreachable
from builder.stage import Progress
from builder.studio.connection import default_tls
from builder.studio.embedded.vault import ServerRecord, Vault
from builder.studio.settings import LabelStudio

PORTS = 200
#: How long a running server may be silent, as it is during a large import, before another is started in its place.
BUSY_SECONDS = 60.0
#: Starts that end on the port of another program before we give up.
_ATTEMPTS = 3
_STOP_SECONDS = 30.0
_POLL = 0.3


@dataclass
class StudioServer:
    """A Label Studio that answered. Close it, or use it in a `with` block. Only the embedded one has a vault."""

    url: str
    token: str = field(repr=False)
    vault: Vault | None = field(default=None, repr=False)
    lock: FileLock | None = field(default=None, repr=False)

    def __enter__(self) -> "StudioServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """This process does not use the server any more; the embedded one has ended if nobody else uses or keeps it."""
        if self.lock is None or self.vault is None:
            return
        self.lock.release()
        self.lock = None
        with self.vault.turn():
            record = self.vault.server()
            if record is not None and not self.vault.is_kept(record["supervisor"]) and not self.vault.is_used():
                stop_server(self.vault)


def open_embedded(vault: Vault, settings: LabelStudio, progress: Progress, keep: bool = False) -> StudioServer:
    """The embedded server of a workspace, started when it does not run; with `keep` it outlives this process.

    Raises `StudioError` when Label Studio is not installed, ends while starting or runs with other roles, `Unreachable`
    when it does not answer within `settings.boot_timeout`, `Unauthorized` when it does not take the token of the vault.
    """
    vault.create()
    turn = vault.turn()
    try:
        turn.acquire(blocking=False)
    except Timeout:
        progress("Another builder process is starting or stopping Label Studio", 0, None)
        turn.acquire()
    try:
        lock = vault.use()
        try:
            record = _running(vault, progress) or _start(vault, settings, progress)
            if record.get("roles") != _roles(settings):
                raise StudioError(
                    f"Label Studio on {record['url']} was started with label_studio.roles={not settings.roles}.",
                    "Stop it with `builder serve --stop`, so that the next command starts it as configured.",
                )
            if keep:
                vault.keep.write_text(str(record["supervisor"]), encoding="utf-8")
        except BaseException:
            lock.release()
            raise
    finally:
        turn.release()
    return StudioServer(record["url"], vault.secrets().token, vault, lock)


def lives(vault: Vault) -> ServerRecord | None:
    """The record of the embedded server whose process lives, whether or not it answers, or None."""
    record = vault.server()
    return record if record is not None and is_process(record["pid"], _server_mark(record)) else None


def find_server(vault: Vault) -> ServerRecord | None:
    """The record of the running embedded server, or None: its process lives and its port takes our token."""
    record = lives(vault)
    return record if record is not None and whoami(record["url"], vault.secrets().token) == 200 else None


def stop_server(vault: Vault, seconds: float = _STOP_SECONDS) -> bool:
    """No embedded server of this workspace runs any more, killed if it does not end in time; False when none did."""
    record = vault.server()
    vault.keep.unlink(missing_ok=True)
    if record is None:
        return False
    running = False
    # The supervisor first: it stops its server. The server itself in case its supervisor was killed.
    for pid, mark in ((record["supervisor"], _supervisor_mark(vault)), (record["pid"], _server_mark(record))):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if is_process(pid, mark):
                running = True
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).send_signal(number)
                wait_gone(pid, seconds)
    vault.write_server(None)
    return running


def whoami(url: str, token: str) -> int:
    """HTTP status of asking who we are: 200 means that the server is ours; 0 means that nothing answers yet."""
    try:
        # Loopback never goes through a proxy of the environment.
        with httpx.Client(trust_env=False, timeout=10, verify=default_tls()) as client:
            if client.get(f"{url}/health").status_code != 200:
                return 0
            asked = client.get(f"{url}/api/current-user/whoami", headers={"Authorization": f"Token {token}"})
            return asked.status_code
    except httpx.TransportError:
        return 0


def is_process(pid: int, mark: str) -> bool:
    """True when the process lives and its command line holds `mark`."""
    return mark in command_line(pid)


def command_line(pid: int) -> str:
    """The words that started a process, or nothing when it has ended."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def wait_gone(pid: int, seconds: float) -> bool:
    """True when the process ended within the time."""
    end = time.monotonic() + seconds
    # psutil's own wait does not return for a process that ended and whose parent never asked for it.
    while command_line(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def script() -> Path:
    """The `label-studio` command of this Python environment; it need not exist."""
    return Path(sys.executable).parent / "label-studio"


def free_ports(first: int) -> Iterator[int]:
    """The ports from `first` on that nobody uses, at most `PORTS` of them."""
    for port in range(first, min(first + PORTS, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # A program that listens on all interfaces would answer for us, and Label Studio asks by connecting.
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


def _roles(settings: LabelStudio) -> str:
    return "roles" if settings.roles else "open"


def _supervisor_mark(vault: Vault) -> str:
    return f"builder.studio.embedded.supervise {vault.folder.resolve()} "


def _server_mark(record: ServerRecord) -> str:
    # Another workspace may have a server too, on another port.
    return f"label-studio start -b --port {record['port']} "


def _running(vault: Vault, progress: Progress) -> ServerRecord | None:
    """The server that runs; None when there is none that takes our token. A busy server is waited for."""
    start = time.monotonic()
    while (record := lives(vault)) is not None:
        status = whoami(record["url"], vault.secrets().token)
        waited = time.monotonic() - start
        if status or waited > BUSY_SECONDS:
            return record if status == 200 else None
        progress(f"Label Studio on {record['url']} runs but does not answer", int(waited), None)
        time.sleep(_POLL)
    return None


def _start(vault: Vault, settings: LabelStudio, progress: Progress) -> ServerRecord:
    """The record of the server just started: url, port, and the process ids of server and supervisor."""
    program = script()
    if not program.exists():
        raise StudioError(
            f"Label Studio is not installed beside {sys.executable}.",
            "Run `pip install 'annotated-dataset-builder[studio]'`, or set label_studio.url to a server's address.",
        )
    stop_server(vault)
    if settings.database == "sqlite" and not vault.initialised.exists() and vault.data.exists():
        # The first start was interrupted: nobody can have put anything into it, and its user may lack our token.
        shutil.rmtree(vault.data)
    token = vault.secrets().token
    for attempt, port in enumerate(free_ports(settings.port), 1):
        record = _launch(vault, port, settings, program)
        try:
            status = _wait_ready(vault, record, token, settings.boot_timeout, progress)
        except BaseException:
            stop_server(vault)
            raise
        if status == 200:
            vault.initialised.touch()
            return record
        stop_server(vault)
        # Another program took the port after we looked, and Label Studio moved to the next one without saying so.
        if attempt == _ATTEMPTS:
            raise Unauthorized(
                f"Label Studio on {record['url']} rejects the token in {vault.folder}/secrets.json (HTTP {status}).",
                "Another program may keep taking its ports (set label_studio.port), or the secrets and the database"
                f" do not belong together; see {vault.log}.",
            )
    last = settings.port + PORTS - 1
    raise StudioError(f"No free port between {settings.port} and {last}.", "Set label_studio.port.")


def _launch(vault: Vault, port: int, settings: LabelStudio, program: Path) -> ServerRecord:
    """Starts the supervisor in the background and returns its record of the server."""
    module = "builder.studio.embedded.supervise"
    given = [str(vault.folder.resolve()), str(port), settings.database, _roles(settings), str(program)]
    command = [sys.executable, "-m", module, *given]
    started = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if started.returncode:
        raise StudioError(f"The supervisor of Label Studio did not start: {started.stderr.strip()}")
    if record := vault.server():
        return record
    raise _ended(vault)


def _wait_ready(vault: Vault, record: ServerRecord, token: str, limit: float, progress: Progress) -> int:
    """The HTTP status that whoami finally gave to our token; raises when the server ends or takes too long."""
    start = time.monotonic()
    usual = "about ten seconds" if vault.initialised.exists() else "the first start takes about a minute"
    while (waited := time.monotonic() - start) < limit:
        progress(f"Starting Label Studio on {record['url']} ({usual})", int(waited), None)
        if not is_process(record["pid"], _server_mark(record)) and waited > 1:
            raise _ended(vault)
        if status := whoami(record["url"], token):
            return status
        time.sleep(_POLL)
    raise Unreachable(
        f"Label Studio on {record['url']} did not answer within {limit:.0f} s.",
        f"Read {vault.log}, or raise label_studio.boot_timeout.",
    )


def _ended(vault: Vault) -> StudioError:
    return StudioError(f"Label Studio ended while starting: {_last_error(vault.log)}", f"The whole log is {vault.log}.")


def _last_error(log: Path) -> str:
    """The last error in the server's log, or its last line."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (errors or lines or ["it printed nothing"])[-1]
