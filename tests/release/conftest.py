"""Opening every release with `datasets` takes most of a test's time: only the tests about it do so."""

from collections.abc import Iterator
from unittest import mock

import pytest

from builder.release import export, verify


@pytest.fixture(autouse=True, scope="module")
def _unopened() -> Iterator[None]:
    """Those that a module makes once for all its tests are not opened either."""
    with mock.patch.object(export, "check_loads"):
        yield


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases are opened with `load_dataset` before they take their place, as always outside these tests."""
    monkeypatch.setattr(export, "check_loads", verify.check_loads)
