"""Settings that cannot work are refused when they are read, with what to do."""

from typing import Any

import pytest

from builder.errors import ConfigError
from builder.studio.settings import Annotators, LabelStudio


@pytest.mark.parametrize(
    "given",
    [
        {"url": "labels.example.org"},
        {"url": "ftp://labels.example.org"},
        {"url": "http://[::1"},
        {"url": "https://me:secret@labels.example.org"},
        {"database": "mysql"},
        {"port": 0},
        {"batch_bytes": 10},
        {"retries": -1},
        {"concurrent_imports": 2},
    ],
)
def test_label_studio_refuses(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        LabelStudio(**given)
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "robot"},
        {"layout": "both"},
        {"overlap": 0},
        {"kind": "recorded"},
        {"overlap": 2, "people": {"ada": "ada@example.org"}},
        {"people": {"ada": "a@example.org", "ben": "A@example.org"}, "overlap": 1},
        {"people": {"ada": "nowhere"}, "overlap": 1},
    ],
)
def test_annotators_refuse(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        Annotators(**given)
    assert caught.value.hint


def test_concurrent_imports_are_for_postgresql() -> None:
    assert LabelStudio(database="postgresql", concurrent_imports=4).concurrent_imports == 4
