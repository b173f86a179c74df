"""The embedded server: closed to others, shared by the processes of a workspace, and gone when nobody uses it."""

import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from builder.studio.supervise import environment
from builder.studio.vault import Vault

from builder.config import Config, Paths
from builder.errors import StoreError, StudioError
from builder.studio import server
from builder.studio.settings import LabelStudio

_PROGRAM = """
import os, sys
from builder.config import Config, Paths
from tests.samples import scheme
from builder.studio.server import ensure
from builder.studio.settings import LabelStudio

labels = scheme(entities=["GPE"], stance=[])
config = Config(paths=Paths(workspace=sys.argv[1]), label_studio=LabelStudio(port=int(sys.argv[2])), labels=labels)
print(ensure(config).url, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def prepared(studio: Any, tmp_path: Path) -> Iterator[Config]:
    """A workspace of its own whose server starts quickly: its database is a copy of the session's."""
    theirs, ours = Vault(studio.workspace / "studio"), Vault(tmp_path / "studio")
    ours.create()
    ours.data.mkdir()
    with sqlite3.connect(theirs.data / "label_studio.sqlite3") as source:
        with sqlite3.connect(ours.data / "label_studio.sqlite3") as copy:
            source.backup(copy)
        copy.close()
    source.close()
    ours.write_secrets(theirs.secrets())
    ours.initialised.touch()
    config = Config(paths=Paths(workspace=str(tmp_path)), label_studio=LabelStudio(port=18180), labels=Any)
    yield config
    server.stop(ours)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def wait_until(holds: Any, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_secrets_travel_in_the_environment_and_nothing_foreign_with_them(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "studio")
    outer = {
        "LABEL_STUDIO_API_KEY": "mine",
        "LABEL_STUDIO_HOST": "x",
        "POSTGRE_HOST": "db",
        "PATH": "/bin",
        "HOME": "/h",
    }
    inner = environment(vault, "sqlite", outer)
    assert inner["LABEL_STUDIO_USER_TOKEN"] == vault.secrets().token
    assert not {"LABEL_STUDIO_API_KEY", "LABEL_STUDIO_HOST", "POSTGRE_HOST"} & set(inner)
    assert (inner["PATH"], inner["HOME"]) == ("/bin", str(vault.home.resolve()))
    assert environment(vault, "postgresql", outer)["POSTGRE_HOST"] == "db"


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "studio")
    made = vault.secrets()
    assert vault.secrets() == made
    assert made.token not in repr(made)
    assert mode(vault.folder) == 0o700
    assert mode(vault.folder / "secrets.json") == 0o600
    vault.initialised.touch()
    (vault.folder / "secrets.json").unlink()
    with pytest.raises(StoreError, match="missing"):
        vault.secrets()


def test_without_label_studio_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_sample: Any
) -> None:
    monkeypatch.setattr(server, "script", lambda: tmp_path / "nowhere")
    with pytest.raises(StudioError, match=r"\[studio\]"):
        server.ensure(make_sample().config)


@pytest.mark.studio
def test_the_server_is_closed_to_others(studio: Any) -> None:
    vault = Vault(studio.workspace / "studio")
    record = vault.server()
    assert record is not None
    assert server.find(vault) is not None
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1", "127.0.1.1"}:
        with socket.socket() as probe:
            assert probe.connect_ex((str(address), record["port"])) != 0
    with httpx.Client(trust_env=False) as client:
        page = client.get(f"{record['url']}/user/signup/")
        form = {"email": "x@example.org", "password": "long enough", "csrfmiddlewaretoken": page.cookies["csrftoken"]}
        closed = client.post(f"{record['url']}/user/signup/", data=form, headers={"Referer": record["url"]})
        assert closed.status_code == 403
        assert client.get(f"{record['url']}/health", headers={"Host": "evil.example"}).status_code == 400
        assert client.get(f"{record['url']}/api/projects/").status_code == 401
    assert mode(vault.log) == 0o600
    assert vault.secrets().token not in vault.log.read_text("utf-8")
    assert (vault.home / ".config").is_dir(), "what it writes to the home folder stays in the workspace"


@pytest.mark.studio
def test_a_crashed_run_leaves_no_server_behind(prepared: Config, tmp_path: Path) -> None:
    """It also finds another port, as the first one is taken."""
    vault = server.vault_of(prepared)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", prepared.label_studio.port))
        taken.listen()
        command = [sys.executable, "-c", _PROGRAM, str(tmp_path), str(prepared.label_studio.port)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == -signal.SIGKILL, run.stderr
        url = run.stdout.strip()
        assert url.startswith("http://127.0.0.1:")
        assert not url.endswith(f":{prepared.label_studio.port}")
        assert wait_until(lambda: vault.server() is None)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


@pytest.mark.studio
def test_a_kept_server_is_found_again_until_it_is_stopped(prepared: Config) -> None:
    vault = server.vault_of(prepared)
    with server.ensure(prepared, keep=True) as first:
        record = vault.server()
    assert record is not None
    with server.ensure(prepared) as second:
        assert second.url == first.url
    # Even when its supervisor was killed.
    os.kill(record["supervisor"], signal.SIGKILL)
    with server.ensure(prepared) as third:
        assert third.url == first.url
    assert server.find(vault) is not None
    assert server.stop(vault)
    assert not server.is_process(record["pid"], "label-studio")
    assert not server.stop(vault)


@pytest.mark.studio
def test_a_server_whose_supervisor_was_killed_ends_with_the_last_run(prepared: Config) -> None:
    vault = server.vault_of(prepared)
    with server.ensure(prepared):
        record = vault.server()
        assert record is not None
        os.kill(record["supervisor"], signal.SIGKILL)
        with server.ensure(prepared) as second:
            assert second.url == record["url"]
        assert server.lives(vault) is not None, "somebody still uses it"
    assert not server.is_process(record["pid"], "label-studio")
    assert vault.server() is None


@pytest.mark.studio
def test_a_busy_server_is_waited_for(prepared: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = server.vault_of(prepared)
    answers = iter([0, 0, 200])
    heard: list[str] = []
    with server.ensure(prepared) as first:
        record = vault.server()
        monkeypatch.setattr(server, "_whoami", lambda url, token: next(answers))
        with server.ensure(prepared, heard.append) as second:
            assert (second.url, vault.server()) == (first.url, record)
    assert any("does not answer" in line for line in heard)


@pytest.mark.studio
def test_the_server_of_another_workspace_is_not_taken_for_ours(studio: Any, tmp_path: Path) -> None:
    """Process numbers come again, so that an old record may name a server that is somebody else's."""
    theirs = Vault(studio.workspace / "studio").server()
    assert theirs is not None
    ours = Vault(tmp_path / "studio")
    ours.create()
    ours.write_server({**theirs, "port": 18181, "url": "http://127.0.0.1:18181"})
    assert not server.stop(ours)
    assert server.lives(Vault(studio.workspace / "studio")) == theirs


@pytest.mark.studio
def test_a_server_that_ends_while_starting_shows_its_last_words(
    prepared: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRE_HOST", "127.0.0.1")
    monkeypatch.setenv("POSTGRE_PORT", "1")
    prepared.label_studio = LabelStudio(port=18180, database="postgresql")
    with pytest.raises(StudioError, match="ended while starting") as caught:
        server.ensure(prepared)
    assert "refused" in caught.value.message
    assert "\n" not in str(caught.value)
    assert server.vault_of(prepared).server() is None


@pytest.mark.studio
def test_a_first_start_that_was_interrupted_begins_again(prepared: Config, tmp_path: Path) -> None:
    """Its user may lack our token; nobody can have put anything into it."""
    vault = server.vault_of(prepared)
    vault.initialised.unlink()
    (vault.data / "half").write_text("made", encoding="utf-8")
    assert shutil.which("label-studio", path=str(Path(sys.executable).parent))
    monitored: list[str] = []
    with server.ensure(prepared, monitored.append):
        assert not (vault.data / "half").exists()
    assert any("first start" in line for line in monitored)
    assert vault.server() is None
