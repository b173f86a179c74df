"""Finds or starts the Label Studio of a configuration, and stops the embedded one.

The embedded server is shared by every builder process of a workspace. Started by a run, it ends with the last run that
uses it; started by `builder serve`, it stays until `builder serve --stop`. See supervise.py for how that holds when
a run crashes.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import httpx

from builder.config import Config
from builder.errors import ConfigError, StudioError, Unauthorized, Unreachable
from builder.studio.processes import command_line, is_process, send_signal, wait_gone
from builder.studio.supervise import script
from builder.studio.vault import Vault

Progress = Callable[[str], None]
_PORTS = 200
_STOP_SECONDS = 30.0
#: How long a server that runs may be silent, as it is under a large import, before another is started in its place.
_BUSY_SECONDS = 60.0


class Server:
    """A Label Studio that answered: its address and the token it takes. Close it, or use it in a `with` block."""

    def __init__(self, url: str, token: str, vault: Vault | None = None, lock: IO[str] | None = None) -> None:
        self.url = url
        self.token = token
        self.vault = vault
        self._lock = lock

    def __repr__(self) -> str:
        return f"Server({self.url!r})"

    @property
    def embedded(self) -> bool:
        return self.vault is not None

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the server; the embedded one is down afterwards when nobody else uses or keeps it."""
        if self._lock is None or self.vault is None:
            return
        self._lock.close()
        self._lock = None
        record = self.vault.server()
        if record is None or _is_kept(self.vault, record) or _is_used(self.vault):
            return
        if is_process(record["supervisor"], _supervisor(self.vault)):
            wait_gone(record["supervisor"], _STOP_SECONDS)
        else:
            _stop_unused(self.vault)


def ensure(config: Config, progress: Progress = lambda _: None, keep: bool = False) -> Server:
    """The server to work with: the one at `label_studio.url`, or the embedded one, started when it does not run.

    With `keep` the embedded server stays when this process ends. `progress` hears what is waited for. Raises
    `Unauthorized` without a token, `Unreachable` or `StudioError` when the embedded server does not come up.
    """
    if config.label_studio.url:
        return Server(config.label_studio.url, remote_token(config))
    vault = vault_of(config)
    vault.create()
    lock = vault.in_use.open("a", encoding="utf-8")
    try:
        # Waits while a server that nobody used is being stopped.
        fcntl.flock(lock, fcntl.LOCK_SH)
        with vault.starting.open("a", encoding="utf-8") as starting:
            _take_turn(starting, progress)
            record = _running(vault, progress) or _start(config, vault, progress)
            if keep:
                vault.keep.write_text(str(record["supervisor"]), encoding="utf-8")
    except BaseException:
        lock.close()
        raise
    return Server(record["url"], vault.secrets().token, vault, lock)


def vault_of(config: Config) -> Vault:
    """The folder of the embedded server of a workspace."""
    return Vault(config.workspace / "studio")


def remote_token(config: Config) -> str:
    """The token of a remote server, from the environment or the file the configuration names."""
    token = os.environ.get("LABEL_STUDIO_API_KEY", "").strip()
    if token:
        return _plain(token, "LABEL_STUDIO_API_KEY")
    if not config.label_studio.token_file:
        raise Unauthorized(
            f"There is no token for {config.label_studio.url}.",
            "Copy one from Account & Settings there and set LABEL_STUDIO_API_KEY, or label_studio.token_file.",
        )
    path = Path(config.label_studio.token_file).expanduser()
    try:
        token = path.read_text(encoding="utf-8").strip().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"label_studio.token_file cannot be read: {e}.", "Correct the path or its rights.") from e
    if not token:
        raise ConfigError(f"label_studio.token_file {path} is empty.", "Put the token on its first line.")
    return _plain(token, f"label_studio.token_file {path}")


def _plain(token: str, where: str) -> str:
    # What no header can hold would come back in an error that shows the token.
    if not re.fullmatch("[!-~]+", token):
        raise ConfigError(
            f"{where} holds blanks or signs that no token has.",
            "Copy the token alone, without quotes or a word before it.",
        )
    return token


def find(vault: Vault) -> dict[str, Any] | None:
    """The record of the running embedded server, or None: its process lives and its port takes our token."""
    record = lives(vault)
    return record if record is not None and _whoami(record["url"], vault.secrets().token) == 200 else None


def lives(vault: Vault) -> dict[str, Any] | None:
    """The record of the embedded server whose process lives, whether or not it answers, or None."""
    record = vault.server()
    return record if record is not None and is_process(record["pid"], _label_studio(record)) else None


def stop(vault: Vault) -> bool:
    """No embedded server of this workspace runs any more; False when none did."""
    record = vault.server()
    vault.keep.unlink(missing_ok=True)
    if record is None:
        return False
    running = False
    # The supervisor first: it takes its server along. The server itself in case its supervisor was killed.
    for pid, mark in ((record["supervisor"], _supervisor(vault)), (record["pid"], _label_studio(record))):
        if is_process(pid, mark):
            running = True
            send_signal(pid, signal.SIGTERM)
            if not wait_gone(pid, _STOP_SECONDS):
                send_signal(pid, signal.SIGKILL)
                wait_gone(pid, _STOP_SECONDS)
    vault.write_server(None)
    return running


def _supervisor(vault: Vault) -> str:
    return f"builder.studio.supervise {vault.folder.resolve()} "


def _label_studio(record: dict[str, Any]) -> str:
    # Another workspace may have a server too, and a process number may come again.
    return f"label-studio start -b --port {record['port']} "


def _is_kept(vault: Vault, record: dict[str, Any]) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return vault.keep.read_text(encoding="utf-8").strip() == str(record["supervisor"])
    return False


def _is_used(vault: Vault) -> bool:
    with vault.in_use.open("a", encoding="utf-8") as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _stop_unused(vault: Vault) -> None:
    """The server is down when nobody uses it; for when its supervisor, who does this, was killed."""
    with vault.in_use.open("a", encoding="utf-8") as lock, contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stop(vault)


def _running(vault: Vault, progress: Progress) -> dict[str, Any] | None:
    """The server that runs, waited for while it is too busy to answer; None when there is none that takes our token."""
    start = time.monotonic()
    while (record := lives(vault)) is not None:
        status = _whoami(record["url"], vault.secrets().token)
        waited = time.monotonic() - start
        if status or waited > _BUSY_SECONDS:
            return record if status == 200 else None
        progress(f"Label Studio on {record['url']} runs but does not answer: {waited:.0f} s")
        time.sleep(0.3)
    return None


def _take_turn(starting: IO[str], progress: Progress) -> None:
    try:
        fcntl.flock(starting, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress("Another builder process is starting Label Studio")
        fcntl.flock(starting, fcntl.LOCK_EX)


def _start(config: Config, vault: Vault, progress: Progress) -> dict[str, Any]:
    if not script().exists():
        raise StudioError(
            f"Label Studio is not installed beside {sys.executable}.",
            "Run `pip install 'annotated-dataset-builder[studio]'`, or point label_studio.url at a server.",
        )
    stop(vault)
    database = config.label_studio.database
    if database == "sqlite" and not vault.initialised.exists() and vault.data.exists():
        # A first start that never answered: nobody can have put anything into it, and its user may lack our token.
        shutil.rmtree(vault.data)
    vault.secrets()
    for strangers, port in enumerate(_free_ports(config.label_studio.port)):
        record = _launch(vault, port, database)
        try:
            status = _wait_ready(config, vault, record, progress)
        except BaseException:
            stop(vault)
            raise
        if status == 200:
            vault.initialised.touch()
            return record
        stop(vault)
        # Another program took the port between our look and Label Studio's own, which then moved on silently.
        if strangers == 2:
            raise Unauthorized(
                f"Label Studio on {record['url']} rejects the token in {vault.folder}/secrets.json (HTTP {status}).",
                "Another program may keep taking its ports (set label_studio.port), or the secrets and the database"
                f" do not belong together; see {vault.log}.",
            )
    raise StudioError(
        f"No free port between {config.label_studio.port} and {config.label_studio.port + _PORTS - 1}.",
        "Set label_studio.port.",
    )


def _free_ports(first: int) -> Iterator[int]:
    for port in range(first, min(first + _PORTS, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # What listens on all interfaces would shadow us too, and Label Studio asks by connecting.
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


def _launch(vault: Vault, port: int, database: str) -> dict[str, Any]:
    """Starts the supervisor in the background and returns its record of the server."""
    command = [sys.executable, "-m", "builder.studio.supervise", str(vault.folder.resolve()), str(port), database]
    started = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if started.returncode:
        raise StudioError(f"The supervisor of Label Studio did not start: {started.stderr.strip()}")
    supervisor = int(started.stdout)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        record = vault.server()
        if record is not None and record["supervisor"] == supervisor:
            return record
        if not command_line(supervisor):
            break
        time.sleep(0.05)
    raise StudioError("Label Studio did not start.", f"Read {vault.log}.")


def _wait_ready(config: Config, vault: Vault, record: dict[str, Any], progress: Progress) -> int:
    """The status that whoami finally gave to our token; raises when the server ends or takes too long."""
    start = time.monotonic()
    limit = config.label_studio.boot_timeout
    token = vault.secrets().token
    usual = "about ten seconds" if vault.initialised.exists() else "the first start takes about a minute"
    while (waited := time.monotonic() - start) < limit:
        progress(f"Starting Label Studio on {record['url']}: {waited:.0f} s ({usual})")
        if not is_process(record["pid"], _label_studio(record)) and waited > 1:
            raise StudioError(
                f"Label Studio ended while starting: {_last_words(vault.log)}", f"The whole log is {vault.log}."
            )
        status = _whoami(record["url"], token)
        if status:
            return status
        time.sleep(0.3)
    raise Unreachable(
        f"Label Studio on {record['url']} did not answer within {limit:.0f} s.",
        f"Read {vault.log}, or raise label_studio.boot_timeout.",
    )


def _whoami(url: str, token: str) -> int:
    """HTTP status of asking who we are: 200 means ours; 0 means that nothing answers yet."""
    try:
        # Loopback never goes through a proxy of the environment.
        with httpx.Client(trust_env=False, timeout=10) as client:
            if client.get(f"{url}/health").status_code != 200:
                return 0
            asked = client.get(f"{url}/api/current-user/whoami", headers={"Authorization": f"Token {token}"})
            return asked.status_code
    except httpx.TransportError:
        return 0


def _last_words(log: Path) -> str:
    """The last error that the server wrote down, or its last line."""
    lines: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (errors or lines or ["it said nothing"])[-1]
