"""Conflict, review, decision, gold, release: an expert decides in a real browser."""

import re
from pathlib import Path
from typing import Any

import pytest

from builder import adjudicate, export, pull, push, review, validate
from builder.config import Paths
from builder.quality.settings import Aggregation
from builder.release.settings import Split
from tests.browser.label_studio import browser_page, choose, log_in, open_next_task, refused, submit
from tests.conftest import connected

pytestmark = [pytest.mark.studio, pytest.mark.browser]


def about_japan(config: Any) -> dict[str, dict[str, Any]]:
    """Gold stances toward Japan by chunk."""
    rows = adjudicate(config).table("gold_answers").to_pylist()
    return {row["chunk_id"]: row for row in rows if row["target"] == "japan"}


def released(folder: Path) -> list[tuple[str, str]]:
    """Label and status of every released stance toward Japan."""
    from datasets import load_dataset

    splits = load_dataset(str(folder), "stance")
    names = next(iter(splits.values())).features["label"].names
    rows = (row for split in splits.values() for row in split if row["target"] == "japan")
    return sorted((names[row["label"]], row["status"]) for row in rows)


def test_an_expert_decides_and_the_next_release_says_so(studio: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    # With method "expert", two against one is not settled: the annotators differ about Japan in every chunk.
    paths = Paths(workspace=str(studio.workspace), exports=str(tmp_path / "exports"))
    # With one split, no text is left out of the release for being like one in another split.
    split = Split(ratios={"train": 1.0})
    sample = studio.dataset(chunks=4, aggregation=Aggregation(method="expert"), paths=paths, split=split)
    config = sample.config
    for command in (push, pull, validate, adjudicate):
        command(config)
    assert {row["status"] for row in about_japan(config).values()} == {"unresolved"}
    first = export(config)
    sent = review(config).sent
    assert sent is not None
    assert sent.imported == 4

    with connected(config) as (server, _):
        # Without experts among the people, the manager decides.
        secrets = server.vault.secrets()
        with browser_page(1400, 1000) as page:
            log_in(page, server.url, secrets.admin_email, secrets.admin_password)
            open_next_task(page, sent.url)
            reasons = page.locator(".bd-review").inner_text()
            assert "Why this chunk is here" in reasons
            assert re.search(r"stance for Japan: A (Favor|None), B (Favor|None), C (Favor|None)", reasons)
            for name in ("ada", "ben", "cyd"):
                assert name not in reasons
            # What the annotators agree on is filled in; what they do not is left to the expert.
            assert page.locator(".bd-target:has(h4:has-text('China')) input:checked").count() == 1
            assert page.locator(".bd-target:has(h4:has-text('Japan')) input:checked").count() == 0
            choose(page, "Japan", "Against")
            # Nothing is rejected by pressing Submit: the expert says that every point was decided.
            refused(page, "Decide on every point under")
            page.click(".bd-decided label")
            submit(page)

    for command in (pull, validate, adjudicate):
        command(config)
    [decided] = [row for row in about_japan(config).values() if row["status"] == "expert"]
    assert (decided["label"], len(decided["votes"])) == ("against", 4)
    second = export(config)
    assert second.new
    assert second.version != first.version
    assert ("against", "expert") in released(Path(second.folder))
    after = review(config)
    assert (len(after.open), after.sent.imported) == (3, 0)
