"""Rows of `annotations`: what each annotator submitted, under a pseudonym."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.questions.choice import Choice
from builder.release.settings import Export
from builder.scheme import Label
from tests.release.world import rows, sample
from tests.samples import DAY, scheme

UNSUGGESTED = {"suggested": None, "suggestion_model": None, "suggestion_score": None}


def test_a_row_is_what_one_annotator_submitted(tmp_path: Path) -> None:
    world = sample(tmp_path, 3, evidence=True)
    chunk, made = world.chunk(0, 1), world.articles[0]
    world.dissent[2, chunk] = {"comment": "see me: ada.b@mail.example.com!", "problems": ["unsure"]}
    row = next(r for r in rows(world.build().folder, "annotations") if r["id"] == "1:12")
    assert row.pop("created") == row.pop("updated")
    assert row == {
        "id": "1:12",
        "article_id": made.id,
        "chunk_id": chunk,
        "text": made.chunks[1],
        "annotator": "annotator-678901",
        "state": "labelled",
        "prediction": "none",
        "quarantined": False,
        "entities": [
            {"start": a, "end": b, "label": label, "text": made.chunks[1][a:b], **UNSUGGESTED}
            for a, b, label in sorted(made.spans[1])
        ],
        "stances": [
            {"target": target, "label": made.stances[1][target], **UNSUGGESTED} for target in ("japan", "ukraine")
        ],
        "evidence": [
            {"start": a, "end": b, "text": made.chunks[1][a:b], "targets": targets}
            for a, b, _, targets in made.evidence[1]
        ],
        "problems": ["unsure"],
        "comment": "see me: [e-mail]!",
        "lead_time": 30.0,
        "scheme_version": "sample@1",
    }
    assert row["evidence"]


def test_rows_are_in_the_order_of_windows_and_ids(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    root = world.build().folder
    found = [r["id"] for r in rows(root, "annotations", "train")]
    chunks = [r["chunk_id"] for r in rows(root, "entities", "train")]
    order = {world.chunk(n, i): f"1:{n * 1000 + i * 10}" for n in range(3) for i in range(4)}
    assert found == [f"{order[chunk][:-1]}{n}" for chunk in chunks for n in range(3)]


def test_skipped_windows_are_said_and_drafts_are_not(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    world.dissent[1, world.chunk(0, 1)] = {"state": "skipped"}
    world.dissent[2, world.chunk(0, 1)] = {"state": "draft"}
    found = [r for r in rows(world.build().folder, "annotations") if r["chunk_id"] == world.chunk(0, 1)]
    assert [r["state"] for r in found] == ["labelled", "skipped"]
    assert (found[1]["entities"], found[1]["stances"]) == ([], [])
    assert found[0]["created"] == f"{DAY:%Y-%m-%d}"
    exact = rows(world.build(Export(times="second")).folder, "annotations")
    assert {len(row["created"]) for row in exact} == {len("2026-03-02T10:00:00Z")}


def test_what_was_suggested_is_beside_each_span_and_answer(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    paths = world.paths()
    for name in ("spans", "answers"):
        table = pq.read_table(paths[name])
        given = [
            {**row, "suggested": "ORG", "suggestion_model": f"m-{row['label']}", "suggestion_score": 0.5}
            if row["annotation_id"] == "1:12" and row["label"] in ("PERSON", "none")
            else row
            for row in table.to_pylist()
        ]
        pq.write_table(pa.Table.from_pylist(given, table.schema), paths[name])
    found = {r["id"]: r for r in rows(world.build(tables=paths).folder, "annotations")}
    shown = [
        {r["label"]: tuple(r[key] for key in UNSUGGESTED) for r in found["1:12"][name]}
        for name in ("entities", "stances")
    ]
    assert shown[0] == {"PERSON": ("ORG", "m-PERSON", 0.5), "ORG": (None,) * 3, "GPE": (None,) * 3}
    assert shown[1]["none"] == ("ORG", "m-none", 0.5)
    assert all(span["suggested"] is None for row in found.values() if row["id"] != "1:12" for span in row["entities"])


def test_answers_have_a_column_of_their_own_whatever_their_question_is_called(tmp_path: Path) -> None:
    labels = scheme()
    for name, many in (("language", False), ("state", False), ("stances", False), ("stance_", True)):
        labels.questions[name] = Choice(many=many, options={"yes": Label(), "no": Label()})
        labels.questions[name].name = name
    world = sample(tmp_path, 3, labels=labels)
    said = {"language": {"": "yes"}, "state": {"": "no"}, "stances": {"": "yes"}, "stance_": {"yes": "no", "no": "yes"}}
    world.dissent[0, world.chunk(2, 0)] = {"answers": said}
    made = world.build(Export(configs=["annotations"]))
    row = next(r for r in rows(made.folder, "annotations", about=True) if r["id"] == "1:2000")
    own = {name: row[name] for name in row if name.startswith("answer_")}
    assert own == {"answer_language": "yes", "answer_state": "no", "answer_stances": "yes"}
    assert (row["language"], row["state"], row["stance_s"]) == (None, "labelled", ["no"])
    assert [set(answer) for answer in row["stances"]] == [{"target", "label", *UNSUGGESTED}] * 2
