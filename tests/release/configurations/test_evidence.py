"""Rows of `evidence`: golden rows with votes, and what leaves them out."""

from pathlib import Path

import pytest

from builder.errors import ConfigError
from builder.release.configurations import evidence
from builder.release.settings import Export
from tests.release.world import World, entropy, hard, rows, sample
from tests.samples import scheme


def marked(tmp_path: Path) -> tuple[World, str, str]:
    """The world with evidence; in one chunk a span for two targets by all, one by two, and one by one annotator."""
    world = sample(tmp_path, evidence=True)
    chunk = world.chunk(2, 1)
    spans = [(4, 9, "EVIDENCE", ["ukraine", "japan"]), (0, 3, "EVIDENCE", ["japan"]), (6, 12, "EVIDENCE", ["japan"])]
    for n, given in enumerate((spans, spans[:2], spans[:1])):
        world.dissent[n, chunk] = {"spans": given}
    return world, chunk, world.articles[2].chunks[1]


def test_a_row_per_span_and_target_has_its_place_and_votes(tmp_path: Path) -> None:
    world, chunk, text = marked(tmp_path)
    made = world.export()
    keys = {"article_id": world.articles[2].id, "chunk_id": chunk, "text": text}
    agreed = {"start": 4, "end": 9, "span": text[4:9], "votes_for": 3, "votes_against": 0, "probability": 1.0,
              "share": 1.0, "entropy": 0.0, **hard(0), "status": "agreed"}  # fmt: skip
    assert [r for r in rows(made.folder, "evidence") if r["chunk_id"] == chunk] == [
        {"id": f"{chunk}:0:3:japan", **keys, "target": "japan", "start": 0, "end": 3, "span": text[:3],
         "votes_for": 2, "votes_against": 1, "probability": 2 / 3, "share": 2 / 3, "entropy": entropy(2 / 3, 1 / 3),
         **hard(entropy(2 / 3, 1 / 3)), "status": "adjudicated"},
        {"id": f"{chunk}:4:9:japan", **keys, "target": "japan", **agreed},
        {"id": f"{chunk}:4:9:ukraine", **keys, "target": "ukraine", **agreed},
    ]  # fmt: skip
    assert made.manifest.counts.left_out["evidence"]["rejected"] == 1
    assert "**`evidence`**: one row per span of evidence and target" in (made.folder / "README.md").read_text("utf-8")


def test_every_marked_reason_of_the_world_is_released(tmp_path: Path) -> None:
    world = sample(tmp_path, evidence=True)
    world.dissent.clear()
    found = rows(world.build().folder, "evidence")
    assert all(row["text"][row["start"] : row["end"]] == row["span"] for row in found)
    expected = {
        (a.chunk_id(i), start, end, targets[0])
        for a in world.articles for i in range(4) for start, end, _, targets in a.evidence[i]
    }  # fmt: skip
    assert {(row["chunk_id"], row["start"], row["end"], row["target"]) for row in found} == expected
    assert len(found) == len({row["id"] for row in found}) == len(expected) > 20


def test_evidence_stays_with_its_window_under_another_chunking(tmp_path: Path) -> None:
    plain = rows(sample(tmp_path / "a", evidence=True).build().folder, "evidence")
    world = sample(tmp_path / "b", evidence=True)
    world.chunked = [(made, 0, len(made.text)) for made in world.articles]
    found = rows(world.build().folder, "evidence")
    assert sorted(found, key=lambda r: r["id"]) == sorted(plain, key=lambda r: r["id"])


def test_targets_and_doubtful_spans_may_be_left_out(tmp_path: Path) -> None:
    world, chunk, _ = marked(tmp_path)
    made = world.build(Export(targets=["ukraine"], configs=["evidence"]))
    assert [r["id"] for r in rows(made.folder, "evidence") if r["chunk_id"] == chunk] == [f"{chunk}:4:9:ukraine"]
    made = world.build(Export(min_agreement=0.9, variant="sure"))
    assert made.manifest.counts.left_out["evidence"]["disputed"] == 2
    assert {r["status"] for r in rows(made.folder, "evidence") if r["chunk_id"] == chunk} == {"agreed"}


def test_evidence_without_a_target_is_released(tmp_path: Path) -> None:
    """Where stances are toward mentions, evidence names none."""
    world = sample(tmp_path, evidence=True, labels=scheme(mode="mention"))
    chunk, text = world.chunk(2, 1), world.articles[2].chunks[1]
    for n in range(3):
        world.dissent[n, chunk] = {"spans": [(4, 9, "EVIDENCE", [])], "stances": {}}
    found = [r for r in rows(world.build().folder, "evidence") if r["chunk_id"] == chunk]
    assert [(r["id"], r["span"], r["votes_for"]) for r in found] == [(f"{chunk}:4:9", text[4:9], 3)]
    assert "target" not in found[0], "a column of nulls says nothing, and no tensor holds it"


def test_changed_votes_are_a_patch(tmp_path: Path) -> None:
    world, chunk, _ = marked(tmp_path)
    world.export(Export(configs=["evidence"]))
    world.dissent[2, chunk] = world.dissent[1, chunk]
    found = world.export(Export(configs=["evidence"]))
    assert found.folder.name == "v1.0.1"
    assert found.manifest.changes.rows["evidence"].changed == 1
    assert "`evidence`: 1 span of evidence changed." in (found.folder / "CHANGELOG.md").read_text("utf-8")


def test_without_evidence_in_the_scheme_there_is_no_such_configuration(tmp_path: Path) -> None:
    world = sample(tmp_path, labels=scheme(evidence=False))
    assert "evidence" not in world.build().manifest.configs
    with pytest.raises(ConfigError, match="evidence"):
        world.build(Export(configs=["evidence"]))


def test_what_a_row_is_traced_to() -> None:
    supports = evidence.SPEC.traced["gold_spans"]
    row = {"chunk_id": "c", "target": "japan", "span": "why"}
    gold = {"kind": "evidence", "chunk_id": "c", "targets": ["china", "japan"], "text": "why"}
    assert supports(row, gold)
    for change in ({"kind": "entity"}, {"chunk_id": "d"}, {"targets": ["china"]}, {"targets": []}, {"text": "how"}):
        assert not supports(row, {**gold, **change})
    assert supports({**row, "target": None}, {**gold, "targets": []})
    assert not supports({**row, "target": None}, gold)
