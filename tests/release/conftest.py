"""Opening every release with `datasets` takes most of a test's time: only the tests about it do so."""

import pytest

from builder.release import export


@pytest.fixture(autouse=True)
def _unopened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "opened" not in request.fixturenames:
        monkeypatch.setattr(export, "check_loads", lambda root, made: None)


@pytest.fixture
def opened() -> None:
    """Releases are opened with `load_dataset` before they take their place, as always outside these tests."""
