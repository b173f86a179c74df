"""Gold questions: reading them, mixing them among chunks, and scoring annotators."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from builder.errors import SourceError
from builder.quality.known_answers import (
    KnownAnswers,
    KnownAnswerScore,
    known_by_chunk,
    number_due,
    read_known_answers,
    score,
    spread_among,
)
from tests.quality.helpers import asking, frames, topic
from tests.samples import Crowd, scheme

WHERE = {"article_id": "c", "start": 0, "end": 68}


def written(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "known.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n", encoding="utf-8")
    return path


def test_every_question_has_its_field(tmp_path: Path) -> None:
    entities = [{"start": 0, "end": 5, "label": "GPE"}]
    full = {**WHERE, "entities": entities, "stance": {"japan": "favor"}, "topic": "war", "frames": ["risk"]}
    path = written(tmp_path, full, {**WHERE, "start": 1, "stance": None, "tone": {"japan": "x"}, "entities": []})
    assert read_known_answers(path, asking(topic(), frames())) == {
        ("c", 0, 68): KnownAnswers(
            {(0, 5, "GPE")},
            {("stance", "japan"): "favor", ("topic", ""): "war", ("frames", "money"): "no", ("frames", "risk"): "yes"},
        ),
        ("c", 1, 68): KnownAnswers(set(), {}),
    }
    assert read_known_answers(written(tmp_path, WHERE), scheme())["c", 0, 68] == KnownAnswers(None, {})


@pytest.mark.parametrize("wrong", [{"start": "x"}, {"entities": [{"start": 0}]}, {"stance": ["favor"]}, {"stance": 3}])
def test_a_broken_line_is_named(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match=r"known.jsonl:2 is no gold question"):
        read_known_answers(written(tmp_path, WHERE, {**WHERE, **wrong}), scheme())


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_known_answers(tmp_path / "none.jsonl", scheme())
    (tmp_path / "latin.jsonl").write_bytes(b"\xff")
    with pytest.raises(SourceError, match="cannot be read"):
        read_known_answers(tmp_path / "latin.jsonl", scheme())


def known(crowd: Crowd, *, spans: Any = None, **answers: str) -> dict[str, KnownAnswers]:
    """Known stances of the chunk c."""
    right = KnownAnswers(spans, {("stance", target): label for target, label in answers.items()})
    return known_by_chunk({("c", 0, 68): right, ("else", 0, 68): right, ("c", 1, 68): right}, crowd.windows)


def test_annotators_are_scored_on_answers_and_spans() -> None:
    crowd = Crowd().add(
        "c", "eve", [(0, 5, "GPE"), (0, 5, "EVIDENCE", ["japan"])], {"japan": "favor", "ukraine": "none"}
    )
    crowd.add("c", "ben", [(17, 24, "ORG")], {"japan": "favor"}, quarantined=True)
    crowd.add("c", "ada", [(0, 5, "GPE"), (17, 24, "ORG")], {"japan": "none", "ukraine": "none"})
    crowd.add("c", "gus", state="skipped").add("d", "fay", [(0, 5, "GPE")])
    crowd.add("c", "rex", stances={"japan": "favor"}, project_id=2, parent_id="1:1")
    asked = known(crowd, spans={(0, 5, "GPE")}, japan="favor", ukraine="none")
    assert list(asked) == ["c"]
    scores = score(asked, crowd.annotations, crowd.spans, crowd.answers)
    assert list(scores) == ["ada", "ben", "eve"]
    assert scores == {
        "eve": KnownAnswerScore(1, 1.0, 1.0, 1.0),
        "ben": KnownAnswerScore(1, 0.5, 0.0, 0.25),
        "ada": KnownAnswerScore(1, 0.5, 0.666667, 0.583333),
    }


def test_known_answers_are_those_of_the_article_and_the_place() -> None:
    crowd = Crowd().window("c2", start=68, article_id="a").window("c1", article_id="a").window("a", article_id="b")
    first, second = KnownAnswers(set(), {}), KnownAnswers(None, {})
    found = known_by_chunk({("a", 68, 136): second, ("a", 0, 68): first, ("c1", 0, 68): second}, crowd.windows)
    assert list(found.items()) == [("c1", first), ("c2", second)]


def test_labels_that_were_not_asked_for_are_not_scored() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE")]).add("c", "ben", [(0, 5, "GPE")])
    asked = known(crowd, spans={(0, 5, "GPE"), (17, 24, "ORG")})
    scores = score(asked, crowd.annotations, crowd.spans, crowd.answers, {"ada": ["GPE"], "eve": ["ORG"]})
    assert {name: found.span_f1 for name, found in scores.items()} == {"ada": 1.0, "ben": 0.666667}
    scores = score(asked, crowd.annotations, crowd.spans, crowd.answers, {"ada": ["ORG"]})
    assert scores["ada"].span_f1 == 0, "what was marked without being asked for is not counted, either"


def test_a_score_without_a_basis_is_none() -> None:
    crowd = Crowd().add("c", "ada", stances={"japan": "favor"})
    tables = (crowd.annotations, crowd.spans, crowd.answers)
    assert score(known(crowd), *tables) == {"ada": KnownAnswerScore(1, None, None, None)}
    assert score(known(crowd, japan="favor"), *tables) == {"ada": KnownAnswerScore(1, 1.0, None, 1.0)}
    assert score(known(crowd, spans=set()), *tables) == {"ada": KnownAnswerScore(1, None, None, None)}
    assert score({}, *tables) == {}


def test_an_answer_to_another_question_is_no_answer() -> None:
    crowd = Crowd().add("c", "ada", answers={"tone": {"japan": "favor"}})
    assert score(known(crowd, japan="favor"), crowd.annotations, crowd.spans, crowd.answers)["ada"].accuracy == 0


def test_chunks_are_scored_together() -> None:
    crowd = Crowd().window("c2", article_id="c2").add("c", "ada", stances={"japan": "favor"})
    crowd.add("c2", "ada", stances={"japan": "none", "ukraine": "none"})
    right = {
        "c": KnownAnswers(None, {("stance", "japan"): "favor"}),
        "c2": KnownAnswers(None, {("stance", "japan"): "favor", ("stance", "ukraine"): "none"}),
    }
    found = score(right, crowd.annotations, crowd.spans, crowd.answers)["ada"]
    assert (found.chunks, found.answer_accuracy) == (2, 0.666667)


@pytest.mark.parametrize(
    ("chunks", "rate", "expected"), [(95, 0.05, 5), (1, 0.05, 1), (10, 0.5, 10), (7, 0.0, 0), (96, 0.05, 6)]
)
def test_how_many_questions_are_due(chunks: int, rate: float, expected: int) -> None:
    assert number_due(chunks, rate) == expected


@pytest.mark.parametrize(("chunks", "asked"), [(4, 2), (5, 0), (0, 2), (2, 5), (9, 3)])
def test_questions_are_spread_evenly_and_none_is_lost(chunks: int, asked: int) -> None:
    given, questions = [{"n": n} for n in range(chunks)], [{"q": n} for n in range(asked)]
    mixed = spread_among(given, questions)
    assert [row for row in mixed if "n" in row] == given
    assert [row for row in mixed if "q" in row] == questions
    places = [i for i, row in enumerate(mixed) if "q" in row]
    if chunks >= asked > 1:
        gaps = {b - a for a, b in pairwise(places)}
        assert max(gaps) - min(gaps) <= 1


def test_where_questions_stand() -> None:
    assert ["q" in row for row in spread_among([{"n": n} for n in range(4)], [{"q": 0}, {"q": 1}])] == [
        False, True, False, False, True, False
    ]  # fmt: skip
