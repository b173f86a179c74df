"""Processes by their number, known by their command line, because numbers come again."""

import contextlib
import os
import subprocess
import time
from pathlib import Path


def is_process(pid: int, mark: str) -> bool:
    """True when the process lives and its command line holds `mark`; a number used again is not taken for ours."""
    return mark in command_line(pid)


def command_line(pid: int) -> str:
    """The words that started a process, or nothing when it is gone or waits to be buried."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    listed = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout


def send_signal(pid: int, number: int) -> None:
    """The process got the signal, or is gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_gone(pid: int, seconds: float) -> bool:
    """True when the process ended within the time."""
    end = time.monotonic() + seconds
    while command_line(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
