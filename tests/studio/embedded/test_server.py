"""The embedded server: shared by the processes of a workspace, and gone when nobody uses it."""

import contextlib
import itertools
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from builder.errors import StudioError, Unauthorized, Unreachable
from builder.studio.campaign import Campaign, open_server
from builder.studio.embedded import server
from builder.studio.embedded.server import find_server, is_process, lives, stop_server
from builder.studio.embedded.vault import ServerRecord, Vault
from builder.studio.settings import LabelStudio
from tests import samples

_USER = """
import os, sys
from pathlib import Path
from builder.studio.embedded import server as module
from builder.studio.embedded.vault import Vault
from builder.studio.settings import LabelStudio

folder, port, program = sys.argv[1:]
module.script = lambda: Path(program)
server = module.open_embedded(Vault(Path(folder)), LabelStudio(port=int(port)), lambda *step: None)
print(server.url, flush=True)
sys.stdin.read()
os.kill(os.getpid(), 9)
"""


@contextlib.contextmanager
def use(campaign: Campaign) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server, until it is killed or its input ends; then it dies without a goodbye."""
    command = [sys.executable, "-c", _USER, str(campaign.vault.folder), str(campaign.server.port), str(server.script())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout is not None
        assert made.stdout.readline().startswith("http://127.0.0.1:")
        yield made
        made.kill()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def answers(record: dict[str, Any]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", record["port"])) == 0


def test_label_studio_is_installed_beside_python() -> None:
    assert server.script() == Path(sys.executable).parent / "label-studio"


def test_without_label_studio_the_error_says_what_to_install(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.script().name == "label-studio"
    monkeypatch.setattr(server, "script", lambda: tmp_path / "nowhere")
    with pytest.raises(StudioError, match="is not installed") as caught:
        open_server(campaign)
    assert "[studio]" in caught.value.hint
    assert not campaign.vault.is_used()


def test_it_runs_while_it_is_used_and_not_longer(campaign: Campaign) -> None:
    heard: list[tuple[str, int, int | None]] = []
    with open_server(campaign, lambda *step: heard.append(step)) as running:
        record = campaign.vault.server()
        assert record is not None
        assert (record["url"], record["port"]) == (running.url, campaign.server.port)
        assert running.token not in repr(running)
        assert httpx.get(f"{running.url}/api/version", headers={"Authorization": f"Token {running.token}"}).is_success
        assert find_server(campaign.vault) == lives(campaign.vault) == record
        assert campaign.vault.initialised.exists()
        with open_server(campaign) as second:
            assert second.url == running.url
        assert campaign.vault.server() == record, "the first one still uses it"
        assert answers(record)
        lock = running.lock
        assert lock is not None
        assert lock.is_locked
    assert not lock.is_locked
    running.close()
    assert campaign.vault.server() is None
    assert find_server(campaign.vault) is lives(campaign.vault) is None
    assert not is_process(record["pid"], "label-studio")
    assert not answers(record)
    assert heard[0] == (f"Starting Label Studio on {running.url} (the first start takes about a minute)", 0, None)
    assert mode(campaign.vault.log) == 0o600
    assert "--internal-host" in campaign.vault.log.read_text("utf-8")
    assert list(campaign.vault.users.glob("*.lock")) == []


def test_the_second_start_is_said_to_be_quicker(campaign: Campaign) -> None:
    campaign.vault.create()
    campaign.vault.secrets()
    campaign.vault.initialised.touch()
    heard: list[str] = []
    with open_server(campaign, lambda what, *_: heard.append(what)):
        assert "about ten seconds" in heard[0]


def test_a_taken_port_is_passed_over(campaign: Campaign) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", campaign.server.port))
        taken.listen()
        with open_server(campaign) as running:
            assert int(running.url.rpartition(":")[2]) > campaign.server.port


def test_free_ports_end_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PORTS", 3)
    with socket.socket() as bound:
        # Bound without listening: nobody answers there, but nobody else can have it.
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        found = list(server.free_ports(port))
        assert port not in found
        assert set(found) <= {port + 1, port + 2}
    assert set(server.free_ports(65535)) <= {65535}


def test_without_a_free_port_there_is_no_server(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "free_ports", lambda first: iter(()))
    first = campaign.server.port
    with pytest.raises(StudioError, match=f"No free port between {first} and {first + 199}"):
        open_server(campaign)


def test_crashed_runs_leave_no_server_behind(campaign: Campaign) -> None:
    with use(campaign) as second:
        with use(campaign):
            record = campaign.vault.server()
            assert record is not None
        assert campaign.vault.is_used()
        assert lives(campaign.vault) == record
        assert second.stdin is not None
        second.stdin.close()
        assert second.wait() == -signal.SIGKILL
    assert wait_until(lambda: campaign.vault.server() is None)
    assert wait_until(lambda: not answers(record))


def test_a_kept_server_stays_until_it_is_stopped(campaign: Campaign) -> None:
    with open_server(campaign, keep=True) as first:
        record = campaign.vault.server()
    assert record is not None
    assert campaign.vault.is_kept(record["supervisor"])
    assert not campaign.vault.is_kept(record["supervisor"] + 1)
    # Its supervisor looks every half second.
    assert not wait_until(lambda: campaign.vault.server() is None, 0.7)
    with open_server(campaign) as second:
        assert (second.url, campaign.vault.server()) == (first.url, record)
    assert find_server(campaign.vault) == record
    assert stop_server(campaign.vault)
    assert not is_process(record["pid"], "label-studio")
    assert not is_process(record["supervisor"], "supervise")
    assert campaign.vault.server() is None
    assert not campaign.vault.keep.exists()
    assert not stop_server(campaign.vault)


def test_a_server_whose_supervisor_was_killed_ends_with_the_last_run(campaign: Campaign) -> None:
    with open_server(campaign):
        record = campaign.vault.server()
        assert record is not None
        os.kill(record["supervisor"], signal.SIGKILL)
        assert wait_until(lambda: not is_process(record["supervisor"], "supervise"))
        with open_server(campaign) as second:
            assert second.url == record["url"]
        assert lives(campaign.vault) == record, "somebody still uses it"
    assert not is_process(record["pid"], "label-studio")
    assert campaign.vault.server() is None


def test_a_server_that_ends_while_it_is_used_is_started_again(campaign: Campaign) -> None:
    with open_server(campaign):
        record = campaign.vault.server()
        assert record is not None
        os.kill(record["pid"], signal.SIGKILL)
        assert wait_until(lambda: campaign.vault.server() is None)
        with open_server(campaign):
            again = campaign.vault.server()
            assert again is not None
            assert again["pid"] != record["pid"]


def test_a_process_that_does_not_end_is_killed(campaign: Campaign, program: Callable[[str], None]) -> None:
    program("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    with open_server(campaign, keep=True):
        record = campaign.vault.server()
    assert record is not None
    assert stop_server(campaign.vault, 0.3)
    assert not is_process(record["pid"], "label-studio")
    assert not is_process(record["supervisor"], "supervise")


def test_a_busy_server_is_waited_for(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = iter([0, 0, 200])
    heard: list[str] = []
    with open_server(campaign) as first:
        record = campaign.vault.server()
        monkeypatch.setattr(server, "whoami", lambda url, token: next(statuses))
        with open_server(campaign, lambda what, *_: heard.append(what)) as second:
            assert (second.url, campaign.vault.server()) == (first.url, record)
    assert heard == [f"Label Studio on {first.url} runs but does not answer"] * 2


@pytest.mark.parametrize("silent", [True, False])
def test_a_server_that_is_silent_or_not_ours_is_replaced(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    monkeypatch.setattr(server, "BUSY_SECONDS", 0.0)
    with open_server(campaign):
        before = campaign.vault.server()
        assert before is not None
        real, statuses = server.whoami, iter([0 if silent else 401])
        # Of the one that runs; the one that takes its place is asked itself.
        monkeypatch.setattr(server, "whoami", lambda *asked: real(*asked) if (s := next(statuses, None)) is None else s)
        with open_server(campaign):
            after = campaign.vault.server()
            assert after is not None
            assert after["pid"] != before["pid"]
            assert not is_process(before["pid"], "label-studio")


def test_who_comes_while_it_starts_waits(campaign: Campaign) -> None:
    campaign.vault.create()
    turn = campaign.vault.turn()
    turn.acquire()
    heard: list[str] = []
    opened: list[server.StudioServer] = []
    waiting = threading.Thread(target=lambda: opened.append(open_server(campaign, lambda what, *_: heard.append(what))))
    waiting.start()
    assert wait_until(lambda: len(heard) == 1)
    assert "Another builder process" in heard[0]
    assert not opened
    turn.release()
    waiting.join(60)
    opened[0].close()


def test_the_server_of_another_workspace_is_not_taken_for_ours(campaign: Campaign, tmp_path: Path) -> None:
    """The system gives process numbers out again, so that an old record may name a process of somebody else."""
    with open_server(campaign):
        theirs = campaign.vault.server()
        assert theirs is not None
        ours = Vault(tmp_path / "studio")
        ours.create()
        ours.write_server({**theirs, "port": 18999, "url": "http://127.0.0.1:18999"})
        assert not stop_server(ours)
        assert ours.server() is None
        assert lives(campaign.vault) == theirs


def test_a_program_that_ends_shows_its_last_error(campaign: Campaign, program: Callable[[str], None]) -> None:
    program("raise ValueError('the port is cursed')")
    with pytest.raises(StudioError, match="ended while starting: ValueError: the port is cursed") as caught:
        open_server(campaign)
    assert str(campaign.vault.log) in caught.value.hint
    assert campaign.vault.server() is None
    assert not campaign.vault.is_used()
    program("print('goodbye', flush=True); sys.exit(3)")
    with pytest.raises(StudioError, match="ended while starting: goodbye"):
        open_server(campaign)


def test_a_program_that_never_answers_is_given_up(campaign: Campaign, program: Callable[[str], None]) -> None:
    program("time.sleep(3600)")
    campaign.server = replace(campaign.server, boot_timeout=0.6)
    with pytest.raises(Unreachable, match="did not answer within 1 s"):
        open_server(campaign)
    assert lives(campaign.vault) is None


def test_a_server_that_never_takes_our_token(campaign: Campaign, program: Callable[[str], None]) -> None:
    program("os.environ['LABEL_STUDIO_USER_TOKEN'] = 'other'; open('started', 'a').write('x')")
    campaign.vault.create()
    campaign.vault.secrets()
    campaign.vault.initialised.touch()
    with pytest.raises(Unauthorized, match=r"rejects the token in .*secrets\.json \(HTTP 401\)") as caught:
        open_server(campaign)
    assert "label_studio.port" in caught.value.hint
    assert (campaign.vault.data / "started").read_text("utf-8") == "xxx"
    assert campaign.vault.server() is None


def test_a_program_that_cannot_be_run(campaign: Campaign) -> None:
    server.script().chmod(0o600)
    with pytest.raises(StudioError, match="ended while starting: PermissionError"):
        open_server(campaign)


@pytest.mark.parametrize("initialised", [True, False])
def test_a_first_start_that_was_interrupted_begins_again(campaign: Campaign, initialised: bool) -> None:
    """Its user may lack our token; nobody can have put anything into it."""
    vault = campaign.vault
    vault.create()
    vault.data.mkdir()
    vault.secrets()
    (vault.data / "half").write_text("made", encoding="utf-8")
    if initialised:
        vault.initialised.touch()
    with open_server(campaign):
        assert (vault.data / "half").exists() == initialised


def test_a_database_elsewhere_is_not_thrown_away(campaign: Campaign) -> None:
    campaign.server.database = "postgresql"
    campaign.vault.create()
    campaign.vault.data.mkdir()
    (campaign.vault.data / "media").write_text("theirs", encoding="utf-8")
    with open_server(campaign):
        assert (campaign.vault.data / "media").exists()


@pytest.mark.parametrize("roles", [True, False])
def test_a_server_that_was_started_with_other_roles_is_refused(campaign: Campaign, roles: bool) -> None:
    campaign.server = replace(campaign.server, roles=roles)
    with open_server(campaign, keep=True):
        campaign.server = replace(campaign.server, roles=not roles)
        with pytest.raises(StudioError, match=f"was started with label_studio.roles={roles}"):
            open_server(campaign)
    assert not campaign.vault.is_used()


@pytest.mark.parametrize(
    ("health", "asked", "status"), [(200, 200, 200), (200, 401, 401), (503, 200, 0), (302, 200, 0)]
)
def test_a_server_is_ours_when_it_is_well_and_takes_our_token(
    standin: Any, health: int, asked: int, status: int
) -> None:
    standin.at = {"/health": SimpleNamespace(status=health, body={}, headers={})}
    standin.answers = [SimpleNamespace(status=asked, body={}, headers={})]
    assert server.whoami(standin.url, "mine") == status
    paths = ["/health", "/api/current-user/whoami"][: 2 if health == 200 else 1]
    assert [one.path for one in standin.asked] == paths
    assert standin.asked[-1].headers.get("Authorization") == ("Token mine" if health == 200 else None)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (1, "The supervisor of Label Studio did not start: no room"),
        (0, "Label Studio ended while starting: it printed nothing"),
    ],
)
def test_a_supervisor_that_does_not_start_says_why(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    given: list[list[str]] = []

    def run(command: list[str], **more: Any) -> Any:
        given.append(command)
        assert more == {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": False}
        return SimpleNamespace(returncode=code, stderr=" no room\n")

    monkeypatch.setattr(server.subprocess, "run", run)
    campaign.server = replace(campaign.server, database="postgresql", roles=False)
    with pytest.raises(StudioError) as caught:
        open_server(campaign)
    assert caught.value.message == says
    (command,) = given
    assert command[:3] == [sys.executable, "-m", "builder.studio.embedded.supervise"]
    folder = str(campaign.vault.folder.resolve())
    assert command[3:] == [folder, str(campaign.server.port), "postgresql", "open", str(server.script())]


@pytest.mark.parametrize(
    ("log", "error"),
    [
        (None, "it printed nothing"),
        ("\n \n", "it printed nothing"),
        ("one\ntwo\n\n", "two"),
        ("KeyError: a\ndjango.db.OperationalError: no\n  ValueError: x\nbye\n", "django.db.OperationalError: no"),
        ("SomeException\nErrors: 3\nbye", "SomeException"),
    ],
)
def test_the_last_error_of_a_log(tmp_path: Path, log: str | None, error: str) -> None:
    if log is not None:
        (tmp_path / "log").write_text(log, encoding="utf-8")
    assert server._last_error(tmp_path / "log") == error


def test_a_process_is_waited_for_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    alive = iter(["x", "x", "x", ""])
    monkeypatch.setattr(server, "command_line", lambda pid: next(alive))
    clock = itertools.count(0.0, 1.0)
    slept: list[float] = []
    monkeypatch.setattr(server, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=slept.append))
    assert server.wait_gone(1, 3), "its last moment counts"
    assert slept == [0.05] * 3
    alive, clock = iter(["x"] * 9), itertools.count(0.0, 1.0)
    assert not server.wait_gone(1, 3)
    assert next(clock) == 5.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[float]]:
    """Sets what the clock says, reading by reading; gives the seconds that were slept."""

    def set_clock(*readings: float) -> list[float]:
        slept: list[float] = []
        left = iter(readings)
        monkeypatch.setattr(server, "time", SimpleNamespace(monotonic=lambda: next(left), sleep=slept.append))
        monkeypatch.setattr(server, "_POLL", 0.3)
        return slept

    return set_clock


RECORD: ServerRecord = {"url": "http://127.0.0.1:1", "port": 1, "roles": "roles", "pid": 7, "supervisor": 8}
Heard = list[tuple[str, int, int | None]]


def test_a_busy_server_is_given_a_minute(
    tmp_path: Path, clock: Callable[..., list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "lives", lambda vault: RECORD)
    monkeypatch.setattr(server, "whoami", lambda url, token: 0)
    heard: Heard = []
    slept = clock(100.0, 101.5, 160.0, 160.1)
    assert server._running(Vault(tmp_path), lambda *step: heard.append(step)) is None
    busy = "Label Studio on http://127.0.0.1:1 runs but does not answer"
    assert (heard, slept) == ([(busy, 1, None), (busy, 60, None)], [0.3, 0.3])
    clock(100.0, 100.5)
    monkeypatch.setattr(server, "whoami", lambda url, token: 200)
    assert server._running(Vault(tmp_path), lambda *step: heard.append(step)) == RECORD
    clock(100.0)
    monkeypatch.setattr(server, "lives", lambda vault: None)
    assert server._running(Vault(tmp_path), lambda *step: heard.append(step)) is None


def test_a_start_is_waited_for_while_the_program_lives_and_no_longer_than_asked(
    tmp_path: Path, clock: Callable[..., list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, heard = Vault(tmp_path), Heard()
    monkeypatch.setattr(server, "whoami", lambda url, token: 0)
    monkeypatch.setattr(server, "is_process", lambda pid, mark: (pid, mark) != (7, "label-studio start -b --port 1 "))
    slept = clock(10.0, 10.5, 11.0, 11.1)
    with pytest.raises(StudioError, match="ended while starting: it printed nothing"):
        server._wait_ready(vault, RECORD, "t", 5.0, lambda *step: heard.append(step))
    first = "Starting Label Studio on http://127.0.0.1:1 (the first start takes about a minute)"
    assert (heard, slept) == ([(first, 0, None), (first, 1, None), (first, 1, None)], [0.3, 0.3])
    monkeypatch.setattr(server, "is_process", lambda pid, mark: True)
    slept = clock(10.0, 14.9, 15.0)
    with pytest.raises(Unreachable, match="did not answer within 5 s"):
        server._wait_ready(vault, RECORD, "t", 5.0, lambda *step: None)
    assert slept == [0.3]
    clock(10.0, 10.0)
    monkeypatch.setattr(server, "whoami", lambda url, token: 401)
    assert server._wait_ready(vault, RECORD, "t", 5.0, lambda *step: None) == 401


@pytest.mark.parametrize(("lasts", "sent"), [(0, []), (1, [signal.SIGTERM]), (2, [signal.SIGTERM, signal.SIGKILL])])
def test_supervisor_and_server_are_stopped_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasts: int, sent: list[int]
) -> None:
    vault = Vault(tmp_path)
    vault.write_server(RECORD)
    vault.keep.touch()
    asked, done, waits = list[tuple[int, str]](), list[tuple[int, int]](), list[tuple[int, float]]()

    def alive(pid: int, mark: str) -> bool:
        asked.append((pid, mark))
        return sum(one == pid for one, _ in done) < lasts

    monkeypatch.setattr(server, "is_process", alive)
    monkeypatch.setattr(
        server.psutil, "Process", lambda pid: SimpleNamespace(send_signal=lambda number: done.append((pid, number)))
    )
    monkeypatch.setattr(server, "wait_gone", lambda pid, seconds: waits.append((pid, seconds)))
    assert stop_server(vault) is bool(lasts)
    assert done == [(pid, number) for pid in (8, 7) for number in sent]
    assert waits == [(pid, 30.0) for pid, _ in done]
    supervisor = f"builder.studio.embedded.supervise {tmp_path.resolve()} "
    assert set(asked) == {(8, supervisor), (7, "label-studio start -b --port 1 ")}
    assert (vault.server(), vault.keep.exists(), stop_server(vault)) == (None, False, False)


def test_only_the_address_of_a_server_is_shown(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    assert repr(server.StudioServer("http://x", "token", vault, vault.turn())) == "StudioServer(url='http://x')"


def test_ports_are_tried_up_to_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Free:
        """A machine on which nobody uses a port."""

        def __enter__(self) -> "Free":
            return self

        def __exit__(self, *_: object) -> None: ...

        def connect_ex(self, address: tuple[str, int]) -> int:
            # As where a program listens on all addresses, and this one could be taken all the same.
            return 0 if address[1] == 65_002 else 111

        def setsockopt(self, *_: int) -> None: ...

        def bind(self, address: tuple[str, int]) -> None:
            if address[1] == 65_000:
                raise OSError

    monkeypatch.setattr(server.socket, "socket", lambda *_: Free())
    assert list(server.free_ports(8080)) == list(range(8080, 8280))
    assert list(server.free_ports(64_999))[:3] == [64_999, 65_001, 65_003]
    assert list(server.free_ports(65_530)) == list(range(65_530, 65_536))


def test_nothing_answers_where_no_server_is() -> None:
    assert server.whoami("http://127.0.0.1:9", "t") == 0
    assert server.command_line(2**22 + 1) == ""
    assert server.wait_gone(2**22 + 1, 0)
    assert not server.wait_gone(os.getpid(), 0.1)


# On the real one.


@pytest.mark.studio
def test_the_server_is_closed_to_others(studio: Any) -> None:
    vault = Vault(studio.workspace / "studio")
    record = vault.server()
    assert record is not None
    assert find_server(vault) is not None
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
def test_a_server_without_its_database_shows_its_last_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRE_HOST", "127.0.0.1")
    monkeypatch.setenv("POSTGRE_PORT", "1")
    settings = LabelStudio(port=18180, database="postgresql")
    campaign = Campaign("sample", tmp_path / "sample", tmp_path, samples.scheme(), server=settings)
    with pytest.raises(StudioError, match="ended while starting") as caught:
        open_server(campaign)
    assert "refused" in caught.value.message
    assert "\n" not in str(caught.value)
    assert campaign.vault.server() is None
