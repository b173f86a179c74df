"""The public page of a hostile campaign: nobody's name, and no text that the release does not hold."""

import re
from pathlib import Path
from unittest import mock

import builder
from builder.config import Config
from builder.release.settings import Export
from tests.outcomes import pulled
from tests.reporting.campaign import COMMENT, EMAILS, HOSTILE, NAMED, PEOPLE, Campaign
from tests.samples import NAMES, Project, scheme
from tests.test_reports import shown


def released(config: Config) -> Path:
    with mock.patch("builder.release.export.check_loads"):
        return builder.export(config).folder / "report.html"


def test_names_addresses_comments_and_texts_stay_inside(tmp_path: Path) -> None:
    made = Campaign(tmp_path)
    made.pull()
    page = released(made.config)
    raw, text = page.read_text("utf-8"), shown(page)
    assert not [email for email in EMAILS if email in raw or email.partition(".")[0] + ".person" in raw]
    assert COMMENT not in text
    assert not [words for words in HOSTILE if words in text]
    # Stretches of five words of any article.
    for words in (body[: body.index(" ", 40)] for body, *_ in NAMED.values() if " " in body[40:]):
        assert words not in text
    assert all(name in text for name in PEOPLE)
    assert "Corpus" in text
    assert "Stance: favor" not in text


def test_mentions_that_are_targets_are_words_of_articles_and_stay_inside(tmp_path: Path) -> None:
    changes = {"labels": scheme(mode="mention", evidence=False), "export": Export(configs=["stance"], below_gates=True)}
    project = Project(tmp_path, articles=4, **changes)
    project.dissent[1, 0, 0] = {"stances": dict.fromkeys(NAMES["GPE"], "neutral")}
    pulled(project)
    text = shown(released(project.config))
    assert not [name for names in NAMES.values() for name in names if re.search(rf"\b{re.escape(name)}\b", text)]
    assert "annotator-" not in text
    assert "Stance" in text
