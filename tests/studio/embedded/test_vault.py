"""The folder of the embedded server: secrets for its owner alone, and who uses and keeps the server."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import Timeout

from builder.errors import StoreError
from builder.store import read_json, write_json
from builder.studio.embedded.vault import Secrets, ServerRecord, Vault


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    made = Vault(tmp_path / "studio")
    made.create()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_in_one_folder(tmp_path: Path) -> None:
    places = {name: path.relative_to(tmp_path) for name, path in vars(Vault(tmp_path)).items() if path != tmp_path}
    assert {name: str(path) for name, path in places.items()} == {
        "data": "data", "home": "home", "log": "server.log", "users": "users", "keep": "keep",
        "initialised": "initialised", "_secrets": "secrets.json", "_server": "server.json",
    }  # fmt: skip


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "a" / "studio")
    made = vault.secrets()
    assert vault.secrets() == made
    assert (mode(vault.folder), mode(vault.folder.parent)) == (0o700, 0o700)
    assert mode(vault.folder / "secrets.json") == 0o600
    vault.initialised.touch()
    assert vault.secrets() == made
    (vault.folder / "secrets.json").unlink()
    with pytest.raises(StoreError, match=r"secrets\.json is missing, but .*data holds projects made with it"):
        vault.secrets()


@pytest.mark.parametrize("lost", ["admin_password", "secret_key", "annotators"])
def test_secrets_that_lack_one_are_not_made_anew(tmp_path: Path, lost: str) -> None:
    vault = Vault(tmp_path)
    vault.secrets()
    kept = read_json(tmp_path / "secrets.json")
    del kept[lost]
    write_json(tmp_path / "secrets.json", kept)
    with pytest.raises(StoreError, match=rf"secrets\.json is not what was written there: .*`{lost}`"):
        vault.secrets()
    write_json(tmp_path / "server.json", {"port": 1})
    with pytest.raises(StoreError, match=r"server\.json is not what was written there: .*`url`"):
        vault.server()


def test_secrets_are_drawn_long_and_never_shown() -> None:
    one, two = Secrets(annotators={"ada@example.org": "hers"}), Secrets()
    assert [len(one.admin_password), len(one.token), len(one.secret_key)] == [24, 40, 64]
    assert set(one.token) <= set("0123456789abcdef")
    assert not {one.admin_password, one.token, one.secret_key} & {two.admin_password, two.token, two.secret_key}
    assert repr(one) == "Secrets(admin_email='admin@builder.local')"
    assert two.annotators == {}


def test_an_earlier_vault_is_tightened(tmp_path: Path) -> None:
    (tmp_path / "studio").mkdir(mode=0o755)
    Vault(tmp_path / "studio").create()
    assert mode(tmp_path / "studio") == mode(tmp_path) == 0o700


def test_it_is_used_as_long_as_a_lock_is_held(vault: Vault) -> None:
    assert not vault.is_used()
    first, second = vault.use(), vault.use()
    locks = [Path(first.lock_file), Path(second.lock_file)]
    assert sorted(vault.users.iterdir()) == sorted(locks)
    assert [mode(path) for path in locks] == [0o600, 0o600]
    first.release()
    assert vault.is_used()
    second.release()
    for path in locks:
        path.touch()
    assert not vault.is_used()
    assert list(vault.users.glob("*.lock")) == [], "what ended processes left is removed"


def test_any_thread_may_say_that_it_is_not_used_any_more(vault: Vault) -> None:
    lock = vault.use()
    with ThreadPoolExecutor(1) as other:
        other.submit(lock.release).result()
    assert not vault.is_used()
    assert not lock.is_locked


def test_turn_and_secrets_are_locked_apart(vault: Vault) -> None:
    with vault.turn(), vault.secrets_lock():
        assert mode(vault.folder / "turn.lock") == mode(vault.folder / "secrets.lock") == 0o600
        with pytest.raises(Timeout):
            vault.turn().acquire(blocking=False)
        with pytest.raises(Timeout):
            vault.secrets_lock().acquire(blocking=False)


def test_it_is_kept_for_the_supervisor_that_is_named(vault: Vault) -> None:
    assert not vault.is_kept(7)
    vault.keep.write_text("7\n", encoding="utf-8")
    assert (vault.is_kept(7), vault.is_kept(77)) == (True, False)


def test_the_record_of_the_server_is_there_until_it_is_stopped(vault: Vault) -> None:
    assert vault.server() is None
    where: ServerRecord = {"url": "http://127.0.0.1:1", "port": 1, "roles": "open", "pid": 7, "supervisor": 8}
    vault.write_server(where)
    assert vault.server() == where
    vault.write_server(None)
    vault.write_server(None)
    assert vault.server() is None
