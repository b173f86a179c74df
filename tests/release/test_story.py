"""Releases that tell a story: a correction, new articles, a new label; their versions, diffs, logs and rebuilding."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from builder.commands.diff import diff
from builder.commands.export import export
from builder.commands.trace import trace
from builder.commands.verify import verify
from builder.config import Config
from builder.errors import ReleaseError
from tests.release.pulled import project, pull, write_raw
from tests.release.story import NAMES, scheme

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, str]:
    """A project with the releases v1.0.0, v1.0.1, v1.1.0 and v2.0.0, and the chunk that was corrected."""
    root = tmp_path_factory.mktemp("told")
    write_raw(root, range(10))
    config = project(root)
    pull(config)
    assert export(config, QUIET)["version"] == "v1.0.0"
    stances = pq.read_table(root / "exports/story/v1.0.0/stance").to_pylist()
    chunk = str(next(r for r in stances if r["label"] == 0)["chunk_id"])
    corrected = frozenset([chunk])
    pull(config, corrected)
    assert export(config, QUIET)["version"] == "v1.0.1"
    write_raw(root, range(14))
    pull(config, corrected)
    assert export(config, QUIET)["version"] == "v1.1.0"
    config = replace(config, labels=scheme(entities=[*NAMES, "WEAPON"], version="2"))
    pull(config, corrected)
    assert export(config, QUIET)["version"] == "v2.0.0"
    assert not export(config, QUIET)["new"]
    return config, chunk


def compared(told: tuple[Config, str], old: str, new: str) -> dict[str, Any]:
    return diff(told[0], QUIET, old, new)


def test_a_correction_is_a_patch(told: tuple[Config, str]) -> None:
    found = compared(told, "v1.0.0", "v1.0.1")
    assert found["level"] == "patch"
    flips = found["stance"]["flips"]
    assert set(flips) == {"favor -> neutral"}
    assert all(e["id"].startswith(told[1]) for e in found["stance"]["examples"])
    assert found["rows"]["stance"] | {"added": 0, "removed": 0} == found["rows"]["stance"]
    assert "stance, Krippendorff's alpha" in found["agreement"]


def test_new_articles_are_a_minor_version(told: tuple[Config, str]) -> None:
    found = compared(told, "v1.0.1", "v1.1.0")
    assert found["level"] == "minor"
    assert found["rows"]["entities"]["added"] == 4
    assert found["rows"]["entities"]["removed"] == found["splits"]["moved"] == 0


def test_a_new_label_is_a_major_version(told: tuple[Config, str]) -> None:
    found = compared(told, "v1.1.0", "v2.0.0")
    assert found["level"] == "major"
    assert found["labels"] == {"entities": ["WEAPON is new"]}
    assert found["rows"]["entities"]["added"] == 0


def test_backwards_the_same_rows_go(told: tuple[Config, str]) -> None:
    assert compared(told, "v1.1.0", "v1.0.1")["rows"]["entities"]["removed"] == 4


def test_no_article_changed_side(told: tuple[Config, str]) -> None:
    sides: dict[str, str] = {}
    for version in ("v1.0.0", "v1.0.1", "v1.1.0", "v2.0.0"):
        table = pq.read_table(told[0].release_folder / version / "provenance/articles.parquet").to_pylist()
        for row in table:
            assert sides.setdefault(row["article_id"], row["split"]) == row["split"]


def test_label_ids_only_grow(told: tuple[Config, str]) -> None:
    from datasets import Features

    known: list[str] = []
    for version in ("v1.0.0", "v2.0.0"):
        path = next((told[0].release_folder / version / "entities").glob("train-*"))
        names = Features.from_arrow_schema(pq.read_schema(path))["ner_tags"].feature.names
        assert names[: len(known)] == known
        known = names
    assert known[-2:] == ["B-WEAPON", "I-WEAPON"]


def test_the_changelog_tells_the_story(told: tuple[Config, str]) -> None:
    log = (told[0].release_folder / "v2.0.0/CHANGELOG.md").read_text(encoding="utf-8")
    heads = [line.split()[1] for line in log.splitlines() if line.startswith("## ")]
    assert heads == ["v2.0.0", "v1.1.0", "v1.0.1", "v1.0.0"]
    for line in ("WEAPON is new", "4 rows added", "Stance favor -> neutral", "First release"):
        assert line in log


@pytest.mark.parametrize("version", ["v1.0.0", "v1.0.1", "v1.1.0", "v2.0.0"])
def test_every_release_is_rebuilt_byte_for_byte(told: tuple[Config, str], version: str) -> None:
    assert verify(told[0], QUIET, version)["rebuilt"] == "same bytes"


@pytest.mark.parametrize("damage", ["flip", "remove", "add"])
def test_a_damaged_release_is_found(told: tuple[Config, str], damage: str, tmp_path: Path) -> None:
    copy = tmp_path / "v1.0.0"
    shutil.copytree(told[0].release_folder / "v1.0.0", copy)
    path = next((copy / "stance").iterdir())
    if damage == "flip":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "remove":
        path.unlink()
    else:
        (copy / "stance/train-extra.parquet").write_bytes(b"PAR1")
    with pytest.raises(ReleaseError, match="stance/"):
        verify(told[0], QUIET, str(copy), hashes_only=True)


def test_without_its_pull_a_release_cannot_be_rebuilt(told: tuple[Config, str], tmp_path: Path) -> None:
    config = replace(told[0], paths=replace(told[0].paths, workspace=str(tmp_path)))
    with pytest.raises(ReleaseError, match="cannot be rebuilt"):
        verify(config, QUIET, "v1.0.0")
    assert verify(config, QUIET, "v1.0.0", hashes_only=True)["files"]


def test_an_unknown_release_is_said_with_those_that_are(told: tuple[Config, str]) -> None:
    with pytest.raises(ReleaseError, match=r"v9\.9\.9.*v1\.0\.0, v1\.0\.1"):
        diff(told[0], QUIET, "v9.9.9", "v1.0.0")


def test_a_row_is_traced_to_its_raw_bytes(told: tuple[Config, str]) -> None:
    config = told[0]
    for path in sorted((config.release_folder / "v2.0.0/entities").glob("*.parquet")):
        row = pq.read_table(path).to_pylist()[0]
        found = trace(config, QUIET, row["id"])
        raw = (config.raw / found["place"]["file"]).read_bytes()
        start, end = found["place"]["bytes"]
        assert raw[start:end].decode() == row["text"]
        for gold in found["gold"]:
            start, end = gold["place"]["bytes"]
            assert raw[start:end].decode() == gold["text"] == gold["place"]["raw_text"]
            assert len(gold["votes"]) == 3
        assert len(found["annotations"]) == 3
        assert all(a["task"].startswith("task ") for a in found["annotations"])


def test_a_trace_leads_to_the_tasks_in_label_studio(told: tuple[Config, str]) -> None:
    config, chunk = told
    there = replace(config, label_studio=replace(config.label_studio, url="http://labels.test/app/"))
    found = trace(there, QUIET, chunk)
    assert all(a["task"].startswith("http://labels.test/app/projects/1/data?task=") for a in found["annotations"])
    assert all(vote["task"] in {a["task"] for a in found["annotations"]} for g in found["gold"] for vote in g["votes"])


def test_a_stance_row_is_traced_to_its_votes(told: tuple[Config, str]) -> None:
    path = next((told[0].release_folder / "v2.0.0/stance").glob("train-*"))
    row = pq.read_table(path).to_pylist()[0]
    found = trace(told[0], QUIET, row["id"])
    assert [g["target"] for g in found["gold"]] == [row["target"]]
    assert found["release"]["row"]["label"] == found["gold"][0]["label"]


def test_an_unknown_row_is_said(told: tuple[Config, str]) -> None:
    with pytest.raises(ReleaseError, match="no-such-row"):
        trace(told[0], QUIET, "no-such-row")
