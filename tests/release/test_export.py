"""What `builder export` writes can be loaded, says what was annotated, and is written only when something changed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from builder.commands.export import export
from builder.errors import GateError, ReleaseError
from builder.quality.settings import Gates, Quality
from builder.release import versions
from builder.release.settings import Export, Split
from tests.release.pulled import project, pull, write_raw
from tests.release.reading import exported, rows
from tests.release.story import Story, article, scheme, story

QUIET = Console(quiet=True)
ROOT = Path(__file__).parents[2]


def load(root: Path, config: str, tmp_path: Path, **how: Any) -> Any:
    from datasets import load_dataset

    return load_dataset(str(root), config, cache_dir=str(tmp_path / "cache"), **how)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first release of the story, in three shards a split or so."""
    told = story(tmp_path_factory.mktemp("story"))
    return exported(told, export=Export(shard_rows=12, group_rows=5))[0]


@pytest.mark.parametrize("config", ["entities", "stance", "annotations"])
def test_every_split_loads_with_the_declared_features(release: Path, config: str, tmp_path: Path) -> None:
    from datasets import Features

    found = load(release, config, tmp_path)
    facts = versions.manifest(release)["configs"][config]
    assert {split: len(part) for split, part in found.items()} == {s: f["rows"] for s, f in facts["splits"].items()}
    declared = next(
        info for info in yaml.safe_load((release / "README.md").read_text().split("---")[1])["dataset_info"]
        if info["config_name"] == config
    )  # fmt: skip
    for part in found.values():
        assert part.features == Features._from_yaml_list(declared["features"])


def test_parquet_alone_gives_the_same_features(release: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    for config in ("entities", "stance"):
        files = [str(p) for p in sorted((release / config).glob("train-*.parquet"))]
        assert len(files) > 1
        bare = load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / config))
        assert bare.features == load(release, config, tmp_path, split="train").features


def test_labels_are_right_by_name_in_every_split_and_shard(release: Path, tmp_path: Path) -> None:
    truth = {}
    told = story(Path())
    for made in told.articles:
        for i in range(len(made.chunks)):
            truth[told.chunk_id(made.number, i)] = (made.chunks[i], made.spans[i], made.stances[i])
    seen = 0
    for part in load(release, "entities", tmp_path).values():
        names = part.features["ner_tags"].feature
        for row in part:
            text, spans, _ = truth[row["id"]]
            assert row["text"] == text
            assert {(s["start"], s["end"], s["label"]) for s in row["entities"]} == set(spans)
            assert all(text[s["start"] : s["end"]] == s["text"] for s in row["entities"])
            found = [names.int2str(t) for t in row["ner_tags"]]
            assert sum(tag.startswith("B-") for tag in found) == len(spans)
            for token, tag in zip(row["tokens"], found, strict=True):
                if tag != "O":
                    assert any(token in text[a:b] and tag[2:] == label for a, b, label in spans)
            seen += 1
    assert seen == len(truth)
    for part in load(release, "stance", tmp_path).values():
        for row in part:
            label = part.features["label"].int2str(row["label"])
            assert label == truth[row["chunk_id"]][2][row["target"]]
            assert row["votes"][label] == max(row["votes"].values())


def test_streaming_gives_the_same_rows(release: Path, tmp_path: Path) -> None:
    streamed = [row["id"] for row in load(release, "entities", tmp_path, split="train", streaming=True)]
    assert streamed == load(release, "entities", tmp_path, split="train")["id"][:]


def test_shards_and_row_groups_are_cut_as_asked(release: Path) -> None:
    for path in release.glob("*/*-of-*.parquet"):
        parquet = pq.ParquetFile(path)
        assert parquet.metadata.num_rows <= 10
        assert all(parquet.metadata.row_group(i).num_rows <= 5 for i in range(parquet.num_row_groups))
        assert path.name.endswith(f"-of-{len(list(path.parent.glob(path.name[:5] + '*'))):05d}.parquet")


def test_annotations_are_what_each_annotator_said(tmp_path: Path) -> None:
    told = story(tmp_path)
    first = told.chunk_id(0, 0)
    told.dissent[1, first] = {"state": "skipped"}
    told.dissent[2, first] = {"comment": "see me: ada.b@mail.example.com!", "spans": [(0, 3, "ORG")]}
    found = [r for r in rows(exported(told)[0], "annotations") if r["chunk_id"] == first]
    assert [r["state"] for r in found] == ["labelled", "skipped", "labelled"]
    assert [s["label"] for s in found[0]["stances"] if s["target"] == "ukraine"] == ["neutral"]
    assert found[1]["entities"] == []
    assert found[2]["entities"][0] | {"start": 0, "end": 3, "label": "ORG"} == found[2]["entities"][0]
    assert found[2]["comment"] == "see me: [e-mail]!"


def test_a_chunk_that_nobody_judged_has_no_row(tmp_path: Path) -> None:
    told = story(tmp_path)
    chunk, unseen = told.chunk_id(3, 1), told.chunk_id(3, 2)
    told.skip_chunks.add(unseen)
    for number in range(3):
        told.dissent[number, chunk] = {"state": "skipped"}
    root, _ = exported(told)
    for config in ("entities", "stance", "annotations"):
        assert not {chunk, unseen} & {r["chunk_id"] for r in rows(root, config)}


def test_an_empty_answer_is_a_row_without_spans(tmp_path: Path) -> None:
    told = story(tmp_path)
    chunk = told.chunk_id(3, 1)
    for number in range(3):
        told.dissent[number, chunk] = {"spans": [], "stances": {"ukraine": "none", "japan": "none"}}
    found = next(r for r in rows(exported(told)[0], "entities") if r["id"] == chunk)
    assert found["entities"] == []
    assert set(found["ner_tags"]) == {0}


def test_unresolved_stances_are_left_out_and_counted(tmp_path: Path) -> None:
    told = story(tmp_path)
    chunk = told.chunk_id(2, 0)
    for number, label in enumerate(("favor", "against", "neutral")):
        told.dissent[number, chunk] = {"stances": {"ukraine": label, "japan": "none"}}
    root, manifest = exported(told)
    assert f"{chunk}:ukraine" not in {r["id"] for r in rows(root, "stance")}
    assert manifest["counts"]["left_out"]["stances"]["unresolved"] == 1
    assert "1 stances without a decision" in (root / "README.md").read_text(encoding="utf-8")


def test_nothing_changed_makes_no_version(tmp_path: Path) -> None:
    told = story(tmp_path)
    root, _ = exported(told)
    before = {p: p.read_bytes() for p in root.parent.rglob("*") if p.is_file()}
    again = export(told.config(), QUIET)
    assert (again["new"], again["version"]) == (False, "v1.0.0")
    # Nor does it when the workspace has forgotten that it exported, and everything is built again to compare.
    (told.config().stage("export").folder / "stage.json").unlink()
    assert not export(told.config(), QUIET)["new"]
    assert {p: p.read_bytes() for p in root.parent.rglob("*") if p.is_file()} == before


def test_an_empty_split_has_no_file(tmp_path: Path) -> None:
    told = Story(tmp_path, [article(0)])
    root, manifest = exported(told)
    splits = manifest["configs"]["entities"]["splits"]
    assert len(splits) == 1
    assert len(list((root / "entities").iterdir())) == 1
    assert len(load(root, "entities", tmp_path)) == 1


def test_near_duplicates_in_other_splits_are_left_out(tmp_path: Path) -> None:
    told = story(tmp_path)
    config = told.write()
    first = export(config, QUIET)
    splits = versions.manifest(Path(first["folder"]))
    sides = {r["article_id"]: r["split"] for r in
             pq.read_table(Path(first["folder"]) / "provenance/articles.parquet").to_pylist()}  # fmt: skip
    train = next(a for a in told.articles if sides[a.id] == "train")
    test = next(a for a in told.articles if sides[a.id] == "test")
    for chunks in (test.chunks, test.spans, test.stances):
        chunks.append({id(test.chunks): train.chunks, id(test.spans): train.spans}.get(id(chunks), train.stances)[0])
    root, manifest = exported(told)
    assert manifest["leakage"]["left_out"]["chunks"] == 1
    assert manifest["leakage"]["exact_texts"] == manifest["leakage"]["near_texts"] == 0
    assert told.chunk_id(train.number, 0) not in {r["id"] for r in rows(root, "entities")}
    assert splits["leakage"]["left_out"]["chunks"] == 0


def test_a_failed_gate_stops_the_release(tmp_path: Path) -> None:
    told = story(tmp_path)
    told.dissent |= {
        (n, told.chunk_id(2, 0)): {"stances": {"ukraine": s, "japan": "none"}}
        for n, s in enumerate(("favor", "against", "neutral"))
    }
    told.write()
    with pytest.raises(GateError, match="unresolved"):
        export(told.config(quality=Quality(gates=Gates(max_unresolved=0.0))), QUIET)
    assert not (tmp_path / "exports").exists()
    told_to = told.config(quality=Quality(gates=Gates(max_unresolved=0.0)), export=Export(below_gates=True))
    folder = Path(export(told_to, QUIET)["folder"])
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "Released below its quality gates" in card
    assert "max_unresolved is 0" in card


def test_without_annotations_there_is_nothing_to_release(tmp_path: Path) -> None:
    told = Story(tmp_path, [article(0)])
    told.skip_chunks = {told.chunk_id(0, i) for i in range(4)}
    told.write()
    with pytest.raises(ReleaseError):
        export(told.config(), QUIET)
    assert not (tmp_path / "exports").exists()


def test_the_card_says_that_labels_are_recorded(release: Path) -> None:
    assert "recorded sample labels" in (release / "README.md").read_text(encoding="utf-8")


def test_the_card_lists_what_the_hub_reads(release: Path) -> None:
    front = yaml.safe_load((release / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert front["license"] == "cc-by-4.0"
    assert front["task_categories"] == ["token-classification", "text-classification"]
    assert [c["config_name"] for c in front["configs"]] == ["entities", "stance", "annotations"]


def test_croissant_validates_and_reads_records(release: Path) -> None:
    script = (
        "import sys, mlcroissant as mlc\n"
        "data = mlc.Dataset(jsonld=sys.argv[1])\n"
        "assert not data.metadata.issues.errors, data.metadata.issues.report()\n"
        "print(sum(1 for _ in data.records('entities')), sum(1 for _ in data.records('stance')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "croissant.json"], cwd=release, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["48", "96"]


def test_no_private_word_is_in_a_release(tmp_path: Path) -> None:
    write_raw(tmp_path, range(4))
    config = project(tmp_path)
    config.label_studio.url = "https://labels.example.org:8443"
    config.source.exclude = [str(tmp_path / "secret")]
    pull(config)
    root = Path(export(config, QUIET)["folder"])
    content = b""
    for path in root.rglob("*"):
        if path.is_file():
            content += path.read_bytes()
            if path.suffix == ".parquet":
                content += json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False).encode()
    assert b"annotator-" in content
    for word in (b"ada@", b"@example.com", b"labels.example.org", b"8443", str(tmp_path).encode(), b"127.0.0.1"):
        assert word not in content


def test_the_same_inputs_give_the_same_bytes_elsewhere(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom rich.console import Console\n"
        "from builder.commands.export import export\nfrom tests.release.pulled import project, pull, write_raw\n"
        "root = Path(sys.argv[1])\nwrite_raw(root, range(5))\nconfig = project(root)\npull(config)\n"
        "export(config, Console(quiet=True))\n"
    )
    found = []
    for seed, where in (("1", tmp_path / "a"), ("2", tmp_path / "b" / "elsewhere")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed, "ARROW_NUM_THREADS": seed}
        subprocess.run([sys.executable, "-c", script, str(where)], cwd=ROOT, env=environment, check=True)
        root = where / "exports/story/v1.0.0"
        found.append({p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    assert found[0] == found[1]


def test_time_splits_stand_in_the_release(tmp_path: Path) -> None:
    root, _ = exported(story(tmp_path), split=Split(method="time"))
    parts = {r["article_id"]: r["split"] for r in pq.read_table(root / "provenance/articles.parquet").to_pylist()}
    order = [parts[article(n).id] for n in range(12)]
    assert order == sorted(order, key=["train", "validation", "test"].index)


def test_a_retired_label_keeps_its_number(tmp_path: Path) -> None:
    told = story(tmp_path)
    exported(told)
    told.labels = scheme(entities=["PERSON", "GPE"])
    for made in told.articles:
        made.spans = [[s for s in spans if s[2] != "ORG"] for spans in made.spans]
    root, manifest = exported(told)
    assert root.name == "v1.0.1"
    assert manifest["labels"]["entities"] == ["PERSON", "ORG", "GPE"]
    assert "Retired entities labels" in (root / "README.md").read_text(encoding="utf-8")


def test_the_configuration_is_found_again_in_the_manifest(release: Path) -> None:
    said = versions.manifest(release)["configuration"]
    assert list(said["labels"]["stance"]) == ["favor", "against", "neutral", "none"]
    assert said["export"]["shard_rows"] == 12
    assert "repo" not in said["export"]
