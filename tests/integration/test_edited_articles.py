"""Articles edited after they were annotated: the other chunks keep ids, tasks and labels, on the real server."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from builder import export, prepare, pull, push, verify
from builder.config import Dataset, Paths
from builder.studio.settings import Annotators
from builder.tables import CHUNKS
from tests.conftest import record, small_scheme
from tests.samples import Project

pytestmark = pytest.mark.studio
ARTICLES, EDITED = 5, 2


def annotated(project: Project) -> dict[str, tuple[int, list[Any]]]:
    """By chunk id, the number of its task in a new pull, and number, author and result of each annotation."""
    pulled = pull(project.config)
    found = {}
    for line in (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines():
        task = json.loads(line)
        said = [(a["id"], a["completed_by"], a["result"]) for a in task["annotations"]]
        assert task["data"]["chunk_id"] not in found
        found[task["data"]["chunk_id"]] = task["id"], sorted(said, key=lambda one: one[0])
    return found


def released(project: Project, version: str) -> dict[str, dict[str, Any]]:
    """The rows of the stances of a release by id, with their split."""
    folder = project.config.release_folder / version / "stance"
    return {
        row["id"]: {**row, "split": path.stem.split("-")[0]}
        for path in sorted(folder.glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    }


def test_an_edit_costs_the_chunks_that_it_changes_and_no_other(studio: Any, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    project = Project(
        tmp_path,
        articles=ARTICLES,
        paths=Paths(str(tmp_path / "raw"), str(studio.workspace), str(tmp_path / "exports")),
        dataset=Dataset(name="edited-articles", license="cc-by-4.0"),
        labels=small_scheme(),
        label_studio=studio.settings,
        annotators=Annotators(kind="recorded", recorded=str(recorded)),
    )
    before = prepare(project.config).table("chunks", CHUNKS).to_pylist()
    record(recorded, before)
    push(project.config)
    first = annotated(project)
    assert first.keys() == {chunk["chunk_id"] for chunk in before}
    assert all(len(said) == 3 for _, said in first.values())
    assert export(project.config).version == "v1.0.0"

    # One paragraph in some articles becomes longer, so the paragraphs after it move.
    changed = {c["chunk_id"]: c["text"] for c in before if c["ordinal"] == 1}
    for path in sorted(project.config.raw.iterdir()):
        data = path.read_bytes()
        mine = [i for i, text in changed.items() if text.encode() in data.replace(b"\r\n", b"\n")]
        if int(path.stem) < EDITED and mine:
            data = data.replace(changed[mine[0]].encode(), b"As was said before, " + changed[mine[0]].encode())
            path.write_bytes(data)
    made = prepare(project.config)
    after = made.table("chunks", CHUNKS).to_pylist()
    assert (made.new, made.gone) == (EDITED, EDITED)
    kept = {chunk["chunk_id"] for chunk in after} & first.keys()
    assert len(kept) == len(before) - EDITED

    record(recorded, after)
    push(project.config)
    second = annotated(project)
    assert {chunk: second[chunk] for chunk in kept} == {chunk: first[chunk] for chunk in kept}
    assert all(len(second[chunk["chunk_id"]][1]) == 3 for chunk in after)
    release = export(project.config)
    assert release.new
    old, new = released(project, "v1.0.0"), released(project, release.version)
    same = [row for row in new if row in old]
    assert len(same) >= len(old) * len(kept) // len(before)
    assert {row: new[row]["label"] for row in same} == {row: old[row]["label"] for row in same}
    assert {row: new[row]["split"] for row in same} == {row: old[row]["split"] for row in same}
    assert verify(project.config, "v1.0.0", hashes_only=True)
