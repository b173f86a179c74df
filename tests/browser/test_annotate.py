"""A person labels in a real browser, and the labels arrive in the release at the right characters."""

from pathlib import Path
from typing import Any

import pytest

from builder import pipeline, run
from builder.config import Config
from builder.studio.people import ensure_accounts
from tests.browser.label_studio import browser_page, choose, log_in, mark, open_next_task, submit
from tests.composing import composed
from tests.conftest import connected

pytestmark = [pytest.mark.studio, pytest.mark.browser]

ARTICLE = """Kyiv asks for more interceptors
🛡️ Radosław Sikorski told Naïve Weekly in Kyiv 🇺🇦 that Patriot batteries are “the roof over our heads”.
China’s Foreign Ministry blamed Washington – and the 𝗣𝗔𝗖-𝟯 line of Lockheed Martin – for fuelling the war.
"""


def people_of(workspace: Path, raw: Path, exports: Path, name: str, port: int) -> Config:
    """The shipped scheme and defaults, one annotator a chunk."""
    return composed(
        f"paths.workspace='{workspace}'",
        f"paths.raw='{raw}'",
        f"paths.exports='{exports}'",
        f"dataset.name={name}",
        f"label_studio.port={port}",
        "annotators.overlap=1",
    )


def test_a_label_made_in_the_browser_reaches_the_release(studio: Any, tmp_path: Path, monkeypatch: Any) -> None:
    from datasets import load_dataset

    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "kyiv.txt").write_text(ARTICLE, encoding="utf-8")
    config = people_of(studio.workspace, raw, tmp_path / "exports", "browser", studio.settings.port)

    waiting = run(config)
    assert waiting.export is None
    assert (waiting.progress.done, waiting.progress.tasks) == (0, 1)
    text = "\n".join(ARTICLE.splitlines()[1:])

    with connected(config) as (server, client):
        ((email, password),) = ensure_accounts(server.vault, client, pipeline.campaign(config).people).items()
        url = waiting.progress.projects["all"].url
        with browser_page() as page:
            log_in(page, server.url, email, password)
            open_next_task(page, url)
            mark(page, "PERSON", text, "Radosław Sikorski")
            mark(page, "GPE", text, "Washington")
            mark(page, "WEAPON", text, "𝗣𝗔𝗖-𝟯")
            choose(page, "United States", "Against")
            choose(page, "Japan", "Not addressed")
            choose(page, "Ukraine", "Favor")
            choose(page, "China", "Neutral / mixed")
            submit(page)

    done = run(config)
    assert done.export.new
    folder = str(tmp_path / "exports" / "browser" / "v1.0.0")
    (row,) = (row for split in load_dataset(folder, "entities").values() for row in split)
    assert row["text"] == text
    assert [(row["text"][e["start"] : e["end"]], e["label"]) for e in row["entities"]] == [
        ("Radosław Sikorski", "PERSON"),
        ("Washington", "GPE"),
        ("𝗣𝗔𝗖-𝟯", "WEAPON"),
    ]
    stances = load_dataset(folder, "stance")
    names = next(iter(stances.values())).features["label"].names
    assert {row["target"]: names[row["label"]] for split in stances.values() for row in split} == {
        "united_states": "against",
        "japan": "none",
        "ukraine": "favor",
        "china": "neutral",
    }
    again = run(config)
    assert not again.export.new
