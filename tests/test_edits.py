"""Edited articles keep what was annotated of them: ids, labels and splits, through to the next release."""

import copy
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from builder import export, pipeline, prepare, verify
from builder.config import Paths
from builder.store import digest
from builder.tables import ARTICLES, CHUNKS
from tests.corpus.workspace import Workspace
from tests.outcomes import short_exports
from tests.samples import Project

ADDED = "In the meantime the harbour was closed to all vessels, and nobody knew for how long it would stay so."


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a pull and a release."""
    made = Project(tmp_path_factory.mktemp("released"), articles=8)
    stage = pipeline.prepared(made.config)
    made.pull(stage.table("articles", ARTICLES).to_pylist(), stage.table("selected", CHUNKS).to_pylist())
    with short_exports():
        assert export(made.config).version == "v1.0.0"
    return made


@pytest.fixture
def project(released: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of it; another release is neither opened nor has a page, which `tests/release/` shows."""
    made = copy.copy(released)
    for name in ("raw", "workspace", "exports"):
        shutil.copytree(getattr(released.config.paths, name), tmp_path / name)
    paths = Paths(*(str(tmp_path / name) for name in ("raw", "workspace", "exports")))
    made.config = replace(released.config, paths=paths)
    with short_exports():
        yield made


def rows(project: Project, version: str, name: str = "entities") -> dict[str, dict[str, Any]]:
    folder = project.config.release_folder / version / name
    found = [
        {**row, "split": path.stem.split("-")[0]}
        for path in sorted(folder.glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    return {row["id"]: row for row in found}


def edit(project: Project, number: int, old: str, new: str) -> None:
    path = project.config.raw / f"{number:03d}.txt"
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())


def test_an_edit_costs_the_chunk_that_it_changes_and_moves_the_others(project: Project) -> None:
    before = pipeline.prepared(project.config).table("chunks", CHUNKS).to_pylist()
    edit(project, 1, "Title of 1\n\n", f"Title of 1\n\n{ADDED}\n\n")
    third = [c["text"] for c in before if c["ordinal"] == 2][2]
    edit(project, 2, third[:20], f"Changed {third[:20]}")
    made = prepare(project.config)
    after = made.table("chunks", CHUNKS).to_pylist()
    assert (made.new, made.gone) == (2, 1)
    old, new = ({c["chunk_id"]: c for c in some} for some in (before, after))
    gone, fresh = set(old) - set(new), set(new) - set(old)
    assert {old[c]["text"] for c in gone} == {third}
    assert {new[c]["text"] for c in fresh} == {ADDED, f"Changed {third}"}
    assert any(new[c]["start"] != old[c]["start"] for c in set(old) & set(new))


def test_labels_follow_their_text_into_the_next_release(project: Project) -> None:
    first = rows(project, "v1.0.0")
    edit(project, 1, "Title of 1\n\n", f"Title of 1\n\n{ADDED}\n\n")
    text = next(
        iter(
            c["text"]
            for c in pipeline.prepared(project.config).table("chunks", CHUNKS).to_pylist()
            if c["ordinal"] == 1
        )
    )
    number = next(n for n in range(8) if text in (project.config.raw / f"{n:03d}.txt").read_text())
    edit(project, number, text[:12], f"Then {text[:12]}")
    release = export(project.config)
    assert release.new
    second = rows(project, release.version)
    lost = set(first) - set(second)
    assert {first[row]["text"] for row in lost} == {text}
    assert not set(second) - set(first)
    for row in second:
        assert second[row] == first[row], row
    assert verify(project.config, release.version).rebuilt == "same bytes"
    assert verify(project.config, "v1.0.0", hashes_only=True)


def test_what_is_only_metadata_changes_no_id(tmp_path: Path) -> None:
    work = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    record = {"id": "a-1", "url": "https://example.org/1", "text": "Ministers met on Monday in the harbour."}
    work.put("a.jsonl", json.dumps(record))
    work.put("b.csv", 'text\n"Nobody knew of the second meeting."\n')
    work.prepare()
    before = {c["chunk_id"] for c in work.rows("chunks")}
    work.put(
        "a.jsonl", json.dumps({**record, "url": "https://example.org/other", "title": "New", "date": "2024-05-01"})
    )
    work.put("b.csv", 'text,author\n"Nobody knew of the second meeting.",Ann Lee\n')
    work.prepare()
    assert {c["chunk_id"] for c in work.rows("chunks")} == before
    assert {a["article_id"] for a in work.rows("articles")} == {c["article_id"] for c in work.rows("chunks")}
    work.put("a.jsonl", json.dumps({**record, "text": "Ministers met on Tuesday in the harbour."}))
    work.prepare()
    assert len({c["chunk_id"] for c in work.rows("chunks")} & before) == 1


@pytest.mark.parametrize("number", [1, "17", "00042", 99999])
def test_numbers_of_records_count_within_their_file(tmp_path: Path, number: object) -> None:
    work = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    texts = {"m": "Ministers met on Monday.", "b": "A storm closed the harbour for days.", "z": "Nobody won the cup."}
    seen: dict[str, str] = {}
    for name in "mbz":
        work.put(f"{name}.jsonl", json.dumps({"id": number, "text": texts[name]}))
        summary = work.prepare()
        found = {a["text"]: a["article_id"] for a in work.rows("articles")}
        assert seen.items() <= found.items()
        assert summary.unused_fields == {}
        seen = found
    assert len(set(seen.values())) == 3


@pytest.mark.parametrize(
    "name",
    [
        "https://example.org/1",
        "urn:newsml:example.org:20240729:1",
        "tag:example.org,2024:1",
        "<17.abc@example.org>",
        "0191029f-7c3a-7d62-9f0e-3b1f5e0c2a11",
        "100000",
        "news-17",
        "2024-07-29-1",
    ],
)
def test_other_ids_follow_their_article_into_another_file(tmp_path: Path, name: str) -> None:
    work = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    record = {"id": name, "text": "Ministers met on Monday."}
    work.put("a.jsonl", json.dumps(record))
    work.prepare()
    (before,) = work.rows("articles")
    (tmp_path / "raw" / "a.jsonl").unlink()
    work.put("b.jsonl", "\n" + json.dumps({**record, "text": "Ministers met on Tuesday."}))
    work.prepare()
    (after,) = work.rows("articles")
    assert after["article_id"] == before["article_id"] == digest("id", name)[:16]


def test_records_that_share_an_address_are_articles_of_their_own(tmp_path: Path) -> None:
    work = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    texts = [
        "Ministers met on Monday.",
        "A storm closed the harbour for days.",
        "The team won the cup again, nine to two.",
    ]
    address = "https://example.org"
    for name, text in zip("abc", texts, strict=True):
        work.put(f"{name}.jsonl", json.dumps({"url": address, "text": text}))
    work.put("d.jsonl", json.dumps({"url": address, "text": texts[0]}))
    summary = work.prepare()
    articles, chunks = work.rows("articles"), work.rows("chunks")
    assert [a["text"] for a in articles] == texts
    assert len({a["article_id"] for a in articles}) == len({c["chunk_id"] for c in chunks}) == 3
    assert [c["article_id"] for c in chunks] == [a["article_id"] for a in articles]
    assert summary.rejected == {"duplicate-record": 1}
    assert summary.unused_fields == {"field-id": 2}
    first = digest("url", address)[:16]
    assert [a["article_id"] for a in articles] == [
        first,
        *(digest("again", first, f"record 0 of {name}.jsonl")[:16] for name in "bc"),
    ]
    work.put("b.jsonl", json.dumps({"url": address, "text": texts[1] + " It came at night."}))
    (tmp_path / "raw" / "d.jsonl").unlink()
    work.prepare()
    assert [a["article_id"] for a in work.rows("articles")] == [a["article_id"] for a in articles]
