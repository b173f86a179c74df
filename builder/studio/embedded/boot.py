"""Starts the embedded Label Studio on a free port, and waits until it takes our token."""

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.errors import StudioError, Unauthorized, Unreachable
from builder.studio import Progress
from builder.studio.embedded.process import command_line, is_process, label_studio_mark, stop, whoami
from builder.studio.embedded.vault import Vault
from builder.studio.settings import LabelStudio

PORTS = 200
#: Starts that end on the port of another program before we give up.
_ATTEMPTS = 3
_SUPERVISOR_SECONDS = 30.0
_POLL = 0.3


def script() -> Path:
    """The `label-studio` command of this Python environment; it need not exist."""
    return Path(sys.executable).parent / "label-studio"


def start(vault: Vault, settings: LabelStudio, progress: Progress) -> dict[str, Any]:
    """The record of the server just started: url, port, and the process ids of server and supervisor.

    Raises `StudioError` when Label Studio is not installed or ends while starting, `Unreachable` when it does not
    answer within `settings.boot_timeout`, `Unauthorized` when it does not take the token of the vault.
    """
    program = script()
    if not program.exists():
        raise StudioError(
            f"Label Studio is not installed beside {sys.executable}.",
            "Run `pip install 'annotated-dataset-builder[studio]'`, or set label_studio.url to a server's address.",
        )
    stop(vault)
    if settings.database == "sqlite" and not vault.initialised.exists() and vault.data.exists():
        # The first start was interrupted: nobody can have put anything into it, and its user may lack our token.
        shutil.rmtree(vault.data)
    token = vault.secrets().token
    for attempt, port in enumerate(free_ports(settings.port), 1):
        record = _launch(vault, port, settings.database, program)
        try:
            status = _wait_ready(vault, record, token, settings.boot_timeout, progress)
        except BaseException:
            stop(vault)
            raise
        if status == 200:
            vault.initialised.touch()
            return record
        stop(vault)
        # Another program took the port after we looked, and Label Studio moved to the next one without saying so.
        if attempt == _ATTEMPTS:
            raise Unauthorized(
                f"Label Studio on {record['url']} rejects the token in {vault.folder}/secrets.json (HTTP {status}).",
                "Another program may keep taking its ports (set label_studio.port), or the secrets and the database"
                f" do not belong together; see {vault.log}.",
            )
    raise StudioError(
        f"No free port between {settings.port} and {settings.port + PORTS - 1}.",
        "Set label_studio.port.",
    )


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


def _launch(vault: Vault, port: int, database: str, program: Path) -> dict[str, Any]:
    """Starts the supervisor in the background and returns its record of the server."""
    module = "builder.studio.embedded.supervise"
    command = [sys.executable, "-m", module, str(vault.folder.resolve()), str(port), database, str(program)]
    started = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if started.returncode:
        raise StudioError(f"The supervisor of Label Studio did not start: {started.stderr.strip()}")
    supervisor = int(started.stdout)
    end = time.monotonic() + _SUPERVISOR_SECONDS
    while time.monotonic() < end:
        record = vault.server()
        if record is not None and record["supervisor"] == supervisor:
            return record
        if not command_line(supervisor):
            break
        time.sleep(0.05)
    raise StudioError("Label Studio did not start.", f"Read {vault.log}.")


def _wait_ready(vault: Vault, record: dict[str, Any], token: str, limit: float, progress: Progress) -> int:
    """The HTTP status that whoami finally gave to our token; raises when the server ends or takes too long."""
    start = time.monotonic()
    usual = "about ten seconds" if vault.initialised.exists() else "the first start takes about a minute"
    while (waited := time.monotonic() - start) < limit:
        progress(f"Starting Label Studio on {record['url']} ({usual})", int(waited), None)
        if not is_process(record["pid"], label_studio_mark(record)) and waited > 1:
            raise StudioError(
                f"Label Studio ended while starting: {_last_error(vault.log)}", f"The whole log is {vault.log}."
            )
        status = whoami(record["url"], token)
        if status:
            return status
        time.sleep(_POLL)
    raise Unreachable(
        f"Label Studio on {record['url']} did not answer within {limit:.0f} s.",
        f"Read {vault.log}, or raise label_studio.boot_timeout.",
    )


def _last_error(log: Path) -> str:
    """The last error in the server's log, or its last line."""
    lines: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (errors or lines or ["it printed nothing"])[-1]
