"""The process that runs the embedded server: what it passes on, when it ends it, and what it leaves on record."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.studio.embedded import supervise
from builder.studio.embedded.supervise import environment, run_server
from builder.studio.embedded.vault import Vault
from tests.waiting import until

ROOT = str(Path(__file__).resolve().parents[3])


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    made = Vault(tmp_path / "studio")
    made.create()
    return made


def test_secrets_travel_in_the_environment_and_nothing_foreign_with_them(vault: Vault) -> None:
    needed = {
        name: f"/{name}"
        for name in [
            "PATH",
            "LANG",
            "LANGUAGE",
            "TZ",
            "TMPDIR",
            "TEMP",
            "TMP",
            "SYSTEMROOT",
            "VIRTUAL_ENV",
            "PYTHONPATH",
            "PYTHONHOME",
            "PYTHONUTF8",
            "LD_LIBRARY_PATH",
            "DYLD_LIBRARY_PATH",
            "SSL_CERT_FILE",
            "LC_ALL",
            "LC_TIME",
        ]
    }
    database = {"POSTGRE_HOST": "db", "PGSSLMODE": "require"}
    foreign = dict.fromkeys(
        ("LABEL_STUDIO_API_KEY", "LABEL_STUDIO_HOST", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "HOME"), "mine"
    )
    outer = {**needed, **database, **foreign, "DJANGO_SETTINGS_MODULE": "mine"}
    secrets, home = vault.secrets(), str(vault.home.resolve())
    fixed = {
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
    assert environment(vault, "sqlite", "open", outer) == {**needed, **fixed, "DJANGO_DB": "sqlite"}
    on_postgresql = environment(vault, "postgresql", "open", outer)
    assert on_postgresql == {**needed, **database, **fixed, "DJANGO_DB": "default"}
    guarded = environment(vault, "sqlite", "roles", outer)
    assert guarded == {
        **needed, **fixed, "DJANGO_DB": "sqlite", "PYTHONPATH": f"{ROOT}:/PYTHONPATH",
        "DJANGO_SETTINGS_MODULE": "builder.studio.embedded.server_settings",
    }  # fmt: skip
    assert environment(vault, "sqlite", "roles", {})["PYTHONPATH"] == ROOT


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, Any]]:
    """The signals that the supervisor handles; this process goes on as before."""
    found: dict[int, Any] = {}
    monkeypatch.setattr(supervise.signal, "signal", found.__setitem__)
    monkeypatch.setattr(supervise, "_POLL", 0.01)
    before = os.umask(0o022)
    yield found
    os.umask(before)


Run = Callable[..., None]


@pytest.fixture
def run(vault: Vault, tmp_path: Path) -> Run:
    """Runs a program as the server, to its end: `run("lines of Python")`."""

    def supervised(lines: str) -> None:
        program = tmp_path / "label-studio"
        program.write_text(f"#!{sys.executable}\nimport os, signal, sys, time\n{lines}\n", encoding="utf-8")
        program.chmod(0o700)
        watched, ready = os.pipe()
        run_server(vault, 8123, "sqlite", "roles", str(program), ready)
        assert os.read(watched, 1) == b"", "who waits for the record is told"
        os.close(watched)

    return supervised


def test_the_server_runs_in_its_folder_and_is_off_the_record_when_it_has_ended(
    vault: Vault, run: Run, handled: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    records: list[Any] = []
    write = vault.write_server
    monkeypatch.setattr(vault, "write_server", lambda record: (records.append(record), write(record)))
    lock = vault.use()
    vault.log.write_text("before\n", encoding="utf-8")
    run("open('made', 'w').close(); print(sys.argv[1:], flush=True); os.write(2, os.environ['HOME'].encode())")
    lock.release()
    said = f"before\n['start', '-b', '--port', '8123', '--internal-host', '127.0.0.1']\n{vault.home}"
    assert vault.log.read_text("utf-8") == said
    assert ((vault.data / "made").stat().st_mode & 0o777, vault.home.is_dir()) == (0o600, True)
    started, ended = records
    where = {"url": "http://127.0.0.1:8123", "port": 8123, "roles": "roles", "supervisor": os.getpid()}
    assert {name: value for name, value in started.items() if name != "pid"} == where
    assert (ended, vault.server()) == (None, None)
    assert handled[signal.SIGINT] == signal.SIG_IGN


def test_a_server_that_nobody_uses_is_stopped_and_may_finish(vault: Vault, run: Run, handled: dict[int, Any]) -> None:
    lock = vault.use()
    ready = vault.data / "ready"
    leaving = threading.Thread(target=lambda: (until(ready.exists), lock.release()))
    leaving.start()
    finish = "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.1), print('finished', flush=True), sys.exit()))"
    run(f"{finish}; open('ready', 'w').close(); time.sleep(3600)")
    leaving.join()
    assert vault.server() is None
    assert vault.log.read_text("utf-8") == "finished\n"


def test_a_server_that_does_not_stop_is_killed(
    vault: Vault, run: Run, handled: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_GRACE", 0.05)
    lock = vault.use()
    deaf = vault.data / "deaf"
    heard = threading.Thread(target=lambda: (until(deaf.exists), lock.release()))
    heard.start()
    run("signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').close(); time.sleep(3600)")
    heard.join()
    assert vault.server() is None


@pytest.mark.parametrize("why", ["used", "kept", "taken over"])
def test_a_server_stays_while_it_is_used_or_kept_or_somebody_comes(
    vault: Vault, run: Run, handled: dict[int, Any], why: str
) -> None:
    """It ends by itself here, and says so: it was not stopped."""
    vault.keep.write_text(str(os.getpid()) if why == "kept" else "1", encoding="utf-8")
    lock = vault.use() if why == "used" else vault.turn() if why == "taken over" else vault.secrets_lock()
    lock.acquire()
    run("time.sleep(0.3); print('by itself')")
    lock.release(force=True)
    assert vault.log.read_text("utf-8") == "by itself\n"


def test_who_stops_the_supervisor_stops_the_server(vault: Vault, run: Run, handled: dict[int, Any]) -> None:
    lock = vault.use()
    ready = vault.data / "ready"
    stopper = threading.Thread(target=lambda: (until(ready.exists), handled[signal.SIGTERM](signal.SIGTERM, None)))
    stopper.start()
    run("open('ready', 'w').close(); time.sleep(3600)")
    stopper.join()
    lock.release()
