"""`builder labels check` shows the questions with their kinds, labels and keys."""

from dataclasses import replace
from unittest import mock

import pytest

from builder.commands.workspace import labels
from builder.errors import ConfigError
from builder.questions.interface import keys_of
from tests.composing import composed
from tests.results import printed


def test_questions_are_shown_with_their_labels_and_keys() -> None:
    config = composed()
    made = labels(config)
    assert made.kinds == {
        "entities": "entities",
        "stance": "stance",
        "evidence": "evidence",
        "problems": "problems",
        "comment": "comment",
    }
    assert made.keys["entities"]["PERSON"] == ["1"]
    assert len(made.keys["stance"]["favor"]) == len(config.labels.questions["stance"].targets)
    assert made.page == ""
    shown = printed("labels", made)
    assert "PERSON (1), ORG (2)" in shown
    assert f"favor ({' '.join(made.keys['stance']['favor'])})" in shown
    assert "news_stance, version 1" in shown


def test_no_key_is_given_twice() -> None:
    keys = [key for question in keys_of(composed().labels).values() for of in question.values() for key in of]
    assert len(keys) == len(set(keys))


def test_another_word_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"has no 'chekc'\. It does `check` or `preview`\."):
        labels(composed(), "chekc")


def test_a_preview_says_where_its_page_is() -> None:
    config = composed()

    def progress(*_: object) -> None:
        pass

    with mock.patch("builder.campaigns.previewed", return_value="http://x/1") as previewed:
        made = labels(config, "preview", progress=progress)
    previewed.assert_called_once_with(config, progress)
    assert made == replace(labels(config), page="http://x/1")
