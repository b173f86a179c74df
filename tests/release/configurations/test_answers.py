"""Rows of answers: golden rows for a question per target, about the whole chunk, and with many answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.release.configurations import answers
from builder.release.settings import Export
from builder.scheme import Label, Question, Scheme, Target
from builder.settings import setting
from tests.release.configurations.test_annotations import UNSUGGESTED
from tests.release.world import World, entropy, hard, rows, sample, splits_of
from tests.samples import scheme


def question(name: str, labels: dict[str, Label], targets: dict[str, Target], *, many: bool = False) -> Question:
    """A question about the whole chunk."""
    made = Question()
    made.name, made.labels, made.targets, made.many = name, labels, targets, many
    return made


def votes(**counts: int) -> dict[str, Any]:
    """The columns about votes, and those about shares where they are those of the votes."""
    shares = {label: count / sum(counts.values()) for label, count in counts.items()}
    spread = entropy(*shares.values())
    return {"votes": counts, "shares": shares, "posterior": shares, "entropy": spread, **hard(spread)}


TOPIC = question("topic", {"war": Label("War"), "trade": Label("Trade", "Money")}, {})
FRAMES = question(
    "frame",
    {"yes": Label(), "no": Label()},
    {"moral": Target("Moral"), "legal": Target("Legal"), "cost": Target("Cost")},
    many=True,
)


def asking(*more: Question) -> Scheme:
    """The sample scheme with further questions."""
    made = scheme()
    made.questions |= {question.name: question for question in more}
    return made


def world(tmp_path: Path, answers: list[dict[str, dict[str, str]]], *questions: Question) -> World:
    """The first chunk of article 2 gets these further answers, one per annotator."""
    made = sample(tmp_path, labels=asking(*questions))
    for number, given in enumerate(answers):
        made.dissent[number, made.chunk(2, 0)] = {"answers": given}
    return made


def test_a_row_per_chunk_and_target_has_label_votes_and_status(tmp_path: Path) -> None:
    made = sample(tmp_path)
    chunk = made.chunk(0, 0)
    found = [r for r in rows(made.build().folder, "stance") if r["chunk_id"] == chunk]
    shared = {"article_id": made.articles[0].id, "chunk_id": chunk, "text": made.articles[0].chunks[0]}
    assert found == [
        {"id": f"{chunk}:ukraine", **shared, "target": "ukraine", "label": 0,
         **votes(favor=2, against=0, neutral=1, none=0), "probability": 2 / 3, "status": "adjudicated",
         "evidence": []},
        {"id": f"{chunk}:japan", **shared, "target": "japan", "label": 3,
         **votes(favor=0, against=0, neutral=0, none=3), "probability": 1.0, "status": "agreed",
         "evidence": []},
    ]  # fmt: skip


def test_targets_that_the_scheme_does_not_name_follow_by_name(tmp_path: Path) -> None:
    made = sample(tmp_path)
    for n in range(3):
        given = {"zambia": "favor", "japan": "none", "chad": "favor", "ukraine": "none"}
        made.dissent[n, made.chunk(2, 0)] = {"stances": given}
    found = [r["target"] for r in rows(made.build().folder, "stance") if r["chunk_id"] == made.chunk(2, 0)]
    assert found == ["ukraine", "japan", "chad", "zambia"]


def test_labels_may_be_merged_renamed_and_left_out(tmp_path: Path) -> None:
    settings = Export(stance={"neutral": "none", "against": None, "favor": "for"}, targets=["japan"])
    made = sample(tmp_path).build(settings)
    assert made.manifest.labels["stance"] == ["for", "none"]
    found = rows(made.folder, "stance")
    assert {r["target"] for r in found} == {"japan"}
    assert set(found[0]["votes"]) == {"for", "none"}
    # Japan is the target of 16 chunks; in a third of them somebody is against it.
    assert len(found) == 48 - sum(s["japan"] == "against" for a in sample(tmp_path).articles for s in a.stances)


def test_older_names_of_labels_are_translated(tmp_path: Path) -> None:
    made = sample(tmp_path, labels=scheme(stance=["pro", "against", "neutral", "none"],
                                          migrations={"0": {"stance": {"favor": "pro"}}}))  # fmt: skip
    found = made.build()
    assert found.manifest.labels["stance"] == ["pro", "against", "neutral", "none"]
    assert found.manifest.counts.labels["stance"]["pro"] == 16


def undecided(tmp_path: Path) -> tuple[World, str]:
    """The world with one stance that nobody can decide."""
    made = sample(tmp_path)
    chunk = made.chunk(2, 0)
    for number, label in enumerate(("favor", "against", "neutral")):
        made.dissent[number, chunk] = {"stances": {"ukraine": label, "japan": "none"}}
    return made, chunk


def test_unresolved_answers_are_apart_and_counted(tmp_path: Path) -> None:
    made, chunk = undecided(tmp_path)
    found = made.export()
    assert f"{chunk}:ukraine" not in {r["id"] for r in rows(found.folder, "stance")}
    assert rows(found.folder, "stance_unresolved") == [
        {"id": f"{chunk}:ukraine", "article_id": made.articles[2].id, "chunk_id": chunk,
         "text": made.articles[2].chunks[0], "target": "ukraine",
         **votes(favor=1, against=1, neutral=1, none=0), "status": "unresolved"}
    ]  # fmt: skip
    assert (
        splits_of(found.folder, "stance_unresolved").items()
        <= {f"{chunk}:ukraine": splits_of(found.folder, "entities")[chunk]}.items()
    )
    assert found.manifest.counts.left_out["stance"]["unresolved"] == 1
    assert list(found.manifest.labels) == ["entities", "stance"]
    card = (found.folder / "README.md").read_text(encoding="utf-8")
    assert "`stance`: 1 answers without a decision" in card
    assert "- **`stance_unresolved`**: one row per window and target without a decision" in card


def test_unresolved_answers_may_be_rows_without_a_label_or_left_out(tmp_path: Path) -> None:
    made, chunk = undecided(tmp_path)
    found = made.build(Export(unresolved="rows"))
    row = next(r for r in rows(found.folder, "stance") if r["id"] == f"{chunk}:ukraine")
    assert (row["label"], row["status"], sum(row["votes"].values())) == (None, "unresolved", 3)
    assert "unresolved" not in found.manifest.counts.left_out["stance"]
    assert found.manifest.counts.labels["stance"]["none"] + 1 < len(rows(found.folder, "stance"))
    assert "stance_unresolved" not in found.manifest.configs
    left = made.build(Export(unresolved="none", variant="less"))
    assert f"{chunk}:ukraine" not in {r["id"] for r in rows(left.folder, "stance")}
    assert "stance_unresolved" not in left.manifest.configs


def test_released_evidence_is_with_its_answer(tmp_path: Path) -> None:
    made = sample(tmp_path, evidence=True)
    root = made.build().folder
    spans = {
        (r["chunk_id"], r["target"], r["start"], r["end"], r["span"], r["votes_for"]) for r in rows(root, "evidence")
    }
    found = rows(root, "stance")
    inside = {
        (r["chunk_id"], r["target"], s["start"], s["end"], s["text"], s["votes_for"])
        for r in found
        for s in r["evidence"]
    }
    assert inside == spans
    assert len(spans) > 20


def test_two_mentions_of_one_name_are_two_rows(tmp_path: Path) -> None:
    """In the shape of sets for target-dependent sentiment: text, from, to, mention, polarity."""
    made = sample(tmp_path, labels=scheme(mode="mention", evidence=False))
    first, chunk = made.articles[2].start(1), made.chunk(2, 1)
    text = made.articles[2].chunks[1]
    word = text.split()[0]
    places = [(first, first + len(word)), (first + 20, first + 20 + len(word))]
    made.articles[2].chunks[1] = text[:20] + word + text[20 + len(word) :]
    chunk, text = made.chunk(2, 1), made.articles[2].chunks[1]
    for number, second in enumerate(("against", "against", "favor")):
        made.dissent[number, chunk] = {"spans": [], "stances": {places[0]: "favor", places[1]: second}}
    root = made.build(Export(configs=["stance", "annotations"])).folder
    keys = {"article_id": made.articles[2].id, "chunk_id": chunk, "text": text, "target": word, "mention": word}
    n = len(word)
    assert [r for r in rows(root, "stance") if r["chunk_id"] == chunk] == [
        {"id": f"{chunk}:0:{n}", **keys, "from": 0, "to": n, "label": 0, "polarity": "favor",
         **votes(favor=3, against=0, neutral=0, none=0), "probability": 1.0, "status": "agreed"},
        {"id": f"{chunk}:20:{20 + n}", **keys, "from": 20, "to": 20 + n, "label": 1, "polarity": "against",
         **votes(favor=1, against=2, neutral=0, none=0), "probability": 2 / 3, "status": "adjudicated"},
    ]  # fmt: skip
    said = next(r for r in rows(root, "annotations") if r["id"] == "1:2012")
    assert said["stances"] == [
        {"target": word, "from": 0, "to": n, "label": "favor", **UNSUGGESTED},
        {"target": word, "from": 20, "to": 20 + n, "label": "favor", **UNSUGGESTED},
    ]


@pytest.mark.parametrize(("setting", "reason"), [("min_agreement", "disputed"), ("min_probability", "improbable")])
def test_doubtful_gold_may_be_left_out(setting: str, reason: str, tmp_path: Path) -> None:
    made = sample(tmp_path).build(Export(**{setting: 0.67}))
    assert made.manifest.counts.left_out["stance"][reason] == 1
    assert all(max(r["votes"].values()) == 3 for r in rows(made.folder, "stance"))
    kept = sample(tmp_path).build(Export(**{setting: 0.66}, variant="kept"))
    assert kept.manifest.counts.left_out["stance"][reason] == 0


def test_a_question_about_the_whole_chunk_has_one_row_per_chunk_and_no_target(tmp_path: Path) -> None:
    made = world(tmp_path, [{"topic": {"": label}} for label in ("war", "trade", "war")], TOPIC)
    found = made.export(Export(configs=["topic", "annotations"]))
    chunk = made.chunk(2, 0)
    assert rows(found.folder, "topic") == [
        {"id": chunk, "article_id": made.articles[2].id, "chunk_id": chunk, "text": made.articles[2].chunks[0],
         "label": 0, **votes(war=2, trade=1), "probability": 2 / 3, "status": "adjudicated"}
    ]  # fmt: skip
    assert found.manifest.labels["topic"] == ["war", "trade"]
    assert found.manifest.counts.labels["topic"] == {"war": 1, "trade": 0}
    said = {r["id"]: r["topic"] for r in rows(found.folder, "annotations")}
    assert [said[f"1:{2000 + n}"] for n in range(3)] == ["war", "trade", "war"]
    assert said["1:3000"] is None
    card = (found.folder / "README.md").read_text("utf-8")
    assert "**`topic`**: one row per window." in card
    assert "| trade | Money |" in card
    assert "topic-detection" in card


def options(*chosen: str, of: tuple[str, ...] = ("moral", "legal", "cost")) -> dict[str, dict[str, str]]:
    return {"frame": {option: "yes" if option in chosen else "no" for option in of}}


def test_a_question_with_many_answers_has_one_row_per_chunk(tmp_path: Path) -> None:
    given = [options("moral", "legal"), options("moral", "legal"), options("moral")]
    made = world(tmp_path, given, FRAMES)
    found = made.build(Export(configs=["frame", "annotations"]))
    chunk = made.chunk(2, 0)
    assert rows(found.folder, "frame") == [
        {"id": chunk, "article_id": made.articles[2].id, "chunk_id": chunk, "text": made.articles[2].chunks[0],
         "labels": [0, 1], "undecided": [], "votes": {"moral": 3, "legal": 2, "cost": 0}, "annotators": 3,
         "difficulty": {"moral": 1.0, "legal": 1 + entropy(2 / 3, 1 / 3), "cost": 1.0}}
    ]  # fmt: skip
    assert found.manifest.labels["frame"] == ["moral", "legal", "cost"]
    assert found.manifest.counts.labels["frame"] == {"moral": 1, "legal": 1, "cost": 0}
    said = {r["id"]: r["frames"] for r in rows(found.folder, "annotations")}
    assert said["1:2000"] == ["legal", "moral"]
    assert said["1:2002"] == ["moral"]
    assert said["1:3000"] == []


def test_options_without_a_decision_are_undecided_not_absent(tmp_path: Path) -> None:
    made = world(tmp_path, [options("moral", "legal"), options("moral")], FRAMES)
    found = made.build(Export(configs=["frame"]))
    row = rows(found.folder, "frame")[0]
    assert (row["labels"], row["undecided"], row["annotators"]) == ([0], [1], 2)
    assert found.manifest.counts.left_out["frame"]["unresolved"] == 1


def test_a_chunk_without_any_decided_option_has_no_row(tmp_path: Path) -> None:
    every = ("moral", "legal", "cost")
    made = world(tmp_path, [options(*every), options()], FRAMES)
    for n, chosen in enumerate((["cost"], ["cost"])):
        made.dissent[n, made.chunk(5, 0)] = {"answers": options(*chosen)}
    found = rows(made.build(Export(configs=["frame"])).folder, "frame")
    assert [row["chunk_id"] for row in found] == [made.chunk(5, 0)]
    assert (found[0]["labels"], found[0]["votes"]["cost"]) == ([2], 2)
    asked = rows(made.build(Export(configs=["frame"], unresolved="rows")).folder, "frame")
    assert {row["chunk_id"]: (row["labels"], row["undecided"]) for row in asked} == {
        made.chunk(2, 0): ([], [0, 1, 2]),
        made.chunk(5, 0): ([2], []),
    }


def test_doubtful_options_are_undecided(tmp_path: Path) -> None:
    given = [options("moral", "legal"), options("moral", "legal"), options("moral")]
    made = world(tmp_path, given, FRAMES).build(Export(configs=["frame"], min_agreement=0.9))
    row = rows(made.folder, "frame")[0]
    assert (row["labels"], row["undecided"]) == ([0], [1])
    assert made.manifest.counts.left_out["frame"]["disputed"] == 1


@dataclass
class MergedFrames(Export):
    """The settings of an export with one for the question `frame`."""

    frame: dict[str, str | None] = setting({"moral": "norms", "legal": "norms", "cost": None}, "Frames to rename.")


def test_options_may_be_merged_and_left_out(tmp_path: Path) -> None:
    given = [options("moral", "legal"), options("legal"), options("moral", "legal")]
    settings = MergedFrames(configs=["frame"])
    row = rows(world(tmp_path, given, FRAMES).build(settings).folder, "frame")[0]
    assert row["labels"] == [0]
    assert row["votes"] == {"norms": 3}


def test_changed_labels_are_told_by_name(tmp_path: Path) -> None:
    made = world(tmp_path, [options("moral"), options("moral"), options("moral")], FRAMES)
    made.export()
    for n in range(3):
        made.dissent[n, made.chunk(2, 0)]["answers"] = options("moral", "cost")
    found = made.export()
    assert found.folder.name == "v1.0.1"
    assert found.manifest.changes.rows["frame"].labels == {"moral -> moral, cost": 1}
    assert "`frame`: moral -> moral, cost: 1." in (found.folder / "CHANGELOG.md").read_text("utf-8")


def test_what_a_row_is_traced_to() -> None:
    supports = answers.SPEC.traced["gold_answers"]
    row: dict[str, Any] = {"chunk_id": "c", "question": "stance", "target": "japan", "place": (100, 200)}
    gold = {"chunk_id": "c", "question": "stance", "target": "japan", "start": None}
    assert supports(row, gold)
    for change in ({"chunk_id": "d"}, {"question": "topic"}, {"target": "china"}):
        assert not supports(row, {**gold, **change})
    assert supports({"chunk_id": "c", "question": "stance"}, gold)
    mention = {**row, "from": 7, "to": 9}
    assert supports(mention, {**gold, "start": 107})
    assert not supports(mention, {**gold, "start": 108})
