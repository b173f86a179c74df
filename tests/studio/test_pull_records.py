"""What is recorded of pulls is read as it was written, or refused with the name of the file."""

from pathlib import Path
from typing import Any

import pytest

from builder.errors import StoreError
from builder.store import write_json
from builder.studio.pull_records import emails_of, ensure_key, latest, named, read_key, record_of


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Two pulls, whose hashes begin alike; the second is the latest."""
    for name in ("ab" + "0" * 14, "ab" + "1" * 14):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "pull.json", {"hash": name + "f" * 48, "projects": {}})
    write_json(tmp_path / "latest.json", {"hash": "ab" + "1" * 14 + "f" * 48})
    return tmp_path


def test_the_latest_pull_is_the_one_that_is_pointed_at(kept: Path) -> None:
    path, record = latest(kept) or (kept, {})
    assert (path, record) == (kept / ("ab" + "1" * 14), {"hash": "ab" + "1" * 14 + "f" * 48, "projects": {}})
    write_json(path / "pull.json", {"hash": "other", "projects": {}})
    with pytest.raises(StoreError, match="name two pulls"):
        latest(kept)
    write_json(kept / "latest.json", {"sha": "x"})
    with pytest.raises(StoreError, match="is not what was written"):
        latest(kept)


def test_a_pull_is_named_by_how_its_hash_begins(kept: Path) -> None:
    first, second = sorted(path for path in kept.iterdir() if path.is_dir())
    assert named(kept, "ab0") == (first, {"hash": "ab" + "0" * 14 + "f" * 48, "projects": {}})
    assert named(kept, "ab" + "1" * 14 + "a different end")[0] == second
    for name, says in (("ab", "2 kept pulls"), ("b0", "no kept pull"), ("ab" + "1" * 13 + "2", "no kept pull")):
        with pytest.raises(StoreError, match=f"dataset.pull={name} is {says}") as caught:
            named(kept, name)
        assert caught.value.hint == f"Kept are {first.name}, {second.name}."
    with pytest.raises(StoreError) as caught:
        named(kept / "nowhere", "ab")
    assert caught.value.hint == "Kept are none."


def test_the_key_of_pseudonyms_is_made_once_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "pseudonyms.key"
    with pytest.raises(StoreError, match="is missing"):
        read_key(path)
    ensure_key(path)
    whole = path.read_bytes()
    assert (len(whole), path.stat().st_mode & 0o777) == (40, 0o600)
    assert read_key(path) == whole[:32]
    ensure_key(path)
    assert path.read_bytes() == whole
    path.write_bytes(whole[:32])
    assert read_key(path) == whole[:32], "as earlier versions wrote it"
    path.write_bytes(whole[:31])
    with pytest.raises(StoreError, match="is too short for a key"):
        read_key(path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StoreError, match="is not what was written"):
        read_key(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pull.json", []),
        ("pull.json", {"projects": {}}),
        ("pull.json", {"hash": "ab", "projects": []}),
        ("pull.json", {"hash": "ab", "projects": {"all": {"title": "x"}}}),
        ("pull.json", {"hash": "ab", "projects": {}, "counts": [1]}),
        ("users.json", "x"),
        ("users.json", {"x": {"email": "ada@example.org"}}),
        ("users.json", {"1": {"mail": "ada@example.org"}}),
        ("users.json", {"1": {"email": None}}),
        ("latest.json", {"hash": 1}),
    ],
)
def test_whatever_else_is_in_a_record_is_an_error_that_names_it(kept: Path, name: str, value: Any) -> None:
    folder = kept / ("ab" + "1" * 14)
    path = kept / name if name == "latest.json" else folder / name
    write_json(path, value)
    with pytest.raises(StoreError, match=f"{name} is not what was written there"):
        (latest(kept), emails_of(folder))


def test_of_the_first_pulls_less_is_known(kept: Path) -> None:
    folder = kept / ("ab" + "1" * 14)
    assert (emails_of(folder), record_of(folder).get("counts")) == ({}, None)
    write_json(folder / "users.json", {"3": {"email": "ada@example.org", "name": "of later versions"}})
    assert emails_of(folder) == {3: "ada@example.org"}
    with pytest.raises(StoreError, match="ab0 is missing"):
        record_of(kept / "ab0")
