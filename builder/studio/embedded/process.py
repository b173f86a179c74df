"""The process of the embedded server: whether it lives, whether it answers, and how it is stopped.

Processes are known by their command line as well as by their number, because the system gives numbers out again.
"""

import contextlib
import signal
import time
from typing import Any

import httpx
import psutil

from builder.studio.connection import default_tls
from builder.studio.embedded.vault import Vault

STOP_SECONDS = 30.0


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


def supervisor_mark(vault: Vault) -> str:
    return f"builder.studio.embedded.supervise {vault.folder.resolve()} "


def label_studio_mark(record: dict[str, Any]) -> str:
    # Another workspace may have a server too, on another port.
    return f"label-studio start -b --port {record['port']} "


def lives(vault: Vault) -> dict[str, Any] | None:
    """The record of the embedded server whose process lives, whether or not it answers, or None."""
    record = vault.server()
    return record if record is not None and is_process(record["pid"], label_studio_mark(record)) else None


def find(vault: Vault) -> dict[str, Any] | None:
    """The record of the running embedded server, or None: its process lives and its port takes our token."""
    record = lives(vault)
    return record if record is not None and whoami(record["url"], vault.secrets().token) == 200 else None


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


def stop(vault: Vault, seconds: float = STOP_SECONDS) -> bool:
    """No embedded server of this workspace runs any more; False when none did.

    A process that does not end within `seconds` is killed.
    """
    record = vault.server()
    vault.keep.unlink(missing_ok=True)
    if record is None:
        return False
    running = False
    # The supervisor first: it stops its server. The server itself in case its supervisor was killed.
    for pid, mark in ((record["supervisor"], supervisor_mark(vault)), (record["pid"], label_studio_mark(record))):
        if is_process(pid, mark):
            running = True
            _signal(pid, signal.SIGTERM)
            if not wait_gone(pid, seconds):
                _signal(pid, signal.SIGKILL)
                wait_gone(pid, seconds)
    vault.write_server(None)
    return running


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).send_signal(number)
