"""What `builder status` says about a workspace, without changing it."""

from pathlib import Path
from typing import Any

import pytest

from builder import status
from builder.config import Paths
from builder.studio.settings import LabelStudio
from tests.results import printed


def test_only_finished_releases_are_listed_in_their_order(make_sample: Any, tmp_path: Path) -> None:
    config = make_sample(chunks=1).config
    config.paths = Paths(workspace=str(tmp_path / "workspace"), exports=str(tmp_path / "exports"))
    for name in ("v1.10.0", "v1.9.0", "v1.9.0.bak", "v2.0.0"):
        (config.release_folder / name).mkdir(parents=True)
        if name != "v2.0.0":
            (config.release_folder / name / "manifest.json").write_text("{}", encoding="utf-8")
    assert status(config).releases == ["v1.9.0", "v1.10.0"]
    assert not (tmp_path / "workspace" / "studio").exists()


def test_a_server_elsewhere_that_does_not_answer_is_no_error(make_sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0" * 40)
    config = make_sample(chunks=1, label_studio=LabelStudio(url="http://127.0.0.1:9")).config
    found = status(config)
    assert found.label_studio is not None
    assert (found.label_studio.url, found.label_studio.answers) == ("http://127.0.0.1:9", False)
    assert "Nothing answers at http://127.0.0.1:9" in printed("status", found)
