"""Runs one embedded Label Studio and stops it when no builder process uses it any more.

Every builder process that uses the server holds a lock file in `users/`; the kernel releases it however the process
ends. When no lock is held, this process stops the server, so none outlives a crashed run. `builder serve` writes
this process's id into `keep`; then the server stays until it is asked to stop.

    python -m builder.studio.embedded.supervise FOLDER PORT DATABASE ROLES PROGRAM
        goes to the background and ends when the server is on record; ROLES is "roles" or "open", PROGRAM is the
        `label-studio` command
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from filelock import Timeout

from builder.studio.embedded.vault import Vault

_POLL = 0.5
_GRACE = 20.0
#: What reaches the embedded server of the variables around it: what any program needs, and nothing with a secret.
_KEPT = (
    *("PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "VIRTUAL_ENV"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE"),
)


def environment(vault: Vault, database: str, roles: str, outer: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: secrets travel here because arguments are visible to every user of the machine."""
    secrets, home = vault.secrets(), str(vault.home.resolve())
    begins = ("LC_", "POSTGRE_", "PGSSL") if database == "postgresql" else ("LC_",)
    kept = {name: value for name, value in outer.items() if name in _KEPT or name.startswith(begins)}
    if roles == "roles":
        kept["DJANGO_SETTINGS_MODULE"] = "builder.studio.embedded.server_settings"
        root = Path(__file__).resolve().parents[3]
        if "site-packages" not in root.parts:
            # Run from a checkout: Label Studio runs in another folder.
            kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), outer.get("PYTHONPATH", "")]))
    return kept | {
        "DJANGO_DB": "default" if database == "postgresql" else "sqlite",
        "LABEL_STUDIO_BASE_DATA_DIR": str(vault.data.resolve()),
        "LABEL_STUDIO_USERNAME": secrets.admin_email,
        "LABEL_STUDIO_PASSWORD": secrets.admin_password,
        "LABEL_STUDIO_USER_TOKEN": secrets.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LOCAL_FILES_SERVING_ENABLED": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "CORS_ALLOW_ALL_ORIGINS": "false",
        "SECRET_KEY": secrets.secret_key,
        "LOG_LEVEL": "WARNING",
        "LATEST_VERSION_CHECK": "false",
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "HOME": home,
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_DATA_HOME": f"{home}/.local/share",
    }


def run_server(vault: Vault, port: int, database: str, roles: str, program: str, ready: int) -> None:
    """Returns when Label Studio has ended, by itself or because nobody uses it; closes `ready` when it is on record."""
    os.umask(0o077)  # what it writes is for its owner alone
    for folder in (vault.data, vault.home):
        folder.mkdir(exist_ok=True)
    command = [program, "start", "-b", "--port", str(port), "--internal-host", "127.0.0.1"]
    with vault.log.open("ab") as log:
        inner = environment(vault, database, roles, os.environ)
        child = subprocess.Popen(command, env=inner, cwd=vault.data, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    url, ours = f"http://127.0.0.1:{port}", os.getpid()
    vault.write_server({"url": url, "port": port, "roles": roles, "pid": child.pid, "supervisor": ours})
    os.close(ready)

    def stop(signum: int, frame: FrameType | None) -> None:
        child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while not _ends(child, _POLL):
        if vault.is_kept(os.getpid()):
            continue
        # Whoever comes now waits for its turn until the server is gone, and then starts another.
        with contextlib.suppress(Timeout), vault.turn().acquire(blocking=False):
            if not vault.is_used():
                child.terminate()
                if not _ends(child, _GRACE):
                    child.kill()
                    child.wait()
                vault.write_server(None)
                return
    vault.write_server(None)


def _ends(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """True as soon as the process has ended; False when the time is over."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def detach(arguments: list[str]) -> None:
    """Goes to the background and runs the server there."""
    folder, port, database, roles, program = arguments
    vault = Vault(Path(folder))
    watched, ready = os.pipe()
    if os.fork():
        # The caller's child ends here, so that nobody has to wait for it.
        os.close(ready)
        os.read(watched, 1)
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(vault.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream, target in ((0, null), (1, log), (2, log)):
        os.dup2(target, stream)
    run_server(vault, int(port), database, roles, program, ready)


if __name__ == "__main__":
    detach(sys.argv[1:])
