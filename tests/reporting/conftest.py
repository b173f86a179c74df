"""The generated campaign, made once for all tests of this room."""

import pytest

from tests.reporting.campaign import Campaign


@pytest.fixture(scope="session")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """The campaign with its first pull; a test that changes it makes one of its own."""
    made = Campaign(tmp_path_factory.mktemp("campaign"))
    made.pull()
    return made
