"""Opening every release with `datasets` takes most of a test's time, and its pages take half of the rest.

Only the tests about opening do so; tests that read no page may leave pages out.
"""

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
def opened(paged: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases are opened with `load_dataset` before they take their place, as always outside these tests."""
    monkeypatch.setattr(export, "check_loads", verify.check_loads)


@pytest.fixture
def unread(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases that a test makes have no card and no other page for people but the changelog."""
    if "paged" not in request.fixturenames:
        monkeypatch.setattr(export, "release_pages", lambda *_: {})


@pytest.fixture
def paged() -> None:
    """Releases have all their pages, in a module of tests that reads none otherwise."""
