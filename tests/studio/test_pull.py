"""What a pull remembers is only a shortcut: without it, or with something else in its place, everything is read."""

from pathlib import Path
from typing import Any

import pytest

from builder.store import write_json
from builder.studio import pull
from builder.studio.notes import recall


@pytest.mark.parametrize("state", [{"projects": {"1": 5}}, {"since": 3}, ["no", "object"]])
def test_a_state_that_cannot_be_read_is_none(tmp_path: Path, state: Any) -> None:
    write_json(tmp_path / "state.json", state)
    assert pull._state(tmp_path) == pull._State()


def test_a_note_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    class Project:
        url, embedded = "http://labels.example", False

        def send(self, *_: object) -> bytes:
            return b'{"tasks": [{"id": 3}], "total": 1}'

        def decode(self, path: str, body: bytes, kind: Any) -> Any:
            import msgspec

            return msgspec.json.decode(body, type=kind)

    write_json(tmp_path / "note.json", {"http://labels.example 7": {"count": "one"}})
    assert recall(Project(), 7, tmp_path / "note.json", 0) is None  # type: ignore[arg-type]
