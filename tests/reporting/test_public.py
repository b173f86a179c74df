"""The public page holds no word of an article that is the answer to a question."""

import re
from pathlib import Path
from unittest import mock

import builder
from builder.config import Config
from builder.release.settings import Export
from tests.outcomes import pulled
from tests.samples import NAMES, Project, scheme
from tests.test_reports import shown


def released(config: Config) -> Path:
    with mock.patch("builder.release.export.check_loads"):
        return builder.export(config).folder / "report.html"


def test_mentions_that_are_targets_are_words_of_articles_and_stay_inside(tmp_path: Path) -> None:
    changes = {"labels": scheme(mode="mention", evidence=False), "export": Export(configs=["stance"], below_gates=True)}
    project = Project(tmp_path, articles=4, **changes)
    project.dissent[1, 0, 0] = {"stances": dict.fromkeys(NAMES["GPE"], "neutral")}
    pulled(project)
    text = shown(released(project.config))
    assert not [name for names in NAMES.values() for name in names if re.search(rf"\b{re.escape(name)}\b", text)]
    assert "annotator-" not in text
    assert "Stance" in text
