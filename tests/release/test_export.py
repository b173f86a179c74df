"""A release is whole, loads as declared, and is made only when something changed; a failure leaves nothing."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from builder.errors import ConfigError, ReleaseError, StoreError
from builder.release import export as module
from builder.release.manifest import read
from builder.release.settings import Export, Split
from builder.release.verify import certify, check_files
from tests.release.world import World, rows, sample
from tests.samples import article

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("unread")


def load(root: Path, name: str, cache: Path, **how: Any) -> Any:
    from datasets import load_dataset

    return load_dataset(str(root), name, cache_dir=str(cache), **how)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first release of the world, in several files per split."""
    return sample(tmp_path_factory.mktemp("world")).export(Export(shard_rows=12, group_rows=5)).folder


def test_every_label_is_right_by_name_in_every_split_and_file(release: Path, tmp_path: Path) -> None:
    world = sample(Path())
    truth = {
        made.chunk_id(i): (made.chunks[i], made.spans[i], made.stances[i])
        for made in world.articles
        for i in range(len(made.chunks))
    }
    seen = 0
    for part in load(release, "entities", tmp_path).values():
        names = part.features["ner_tags"].feature
        for row in part:
            text, spans, _ = truth[row["id"]]
            assert row["text"] == text
            assert {(s["start"], s["end"], s["label"]) for s in row["entities"]} == set(spans)
            found = [names.int2str(t) for t in row["ner_tags"]]
            assert sum(tag.startswith("B-") for tag in found) == len(spans)
            for token, tag in zip(row["tokens"], found, strict=True):
                assert tag == "O" or any(token in text[a:b] and tag[2:] == label for a, b, label in spans)
            seen += 1
    assert seen == len(truth) == 48
    for part in load(release, "stance", tmp_path).values():
        for row in part:
            label = part.features["label"].int2str(row["label"])
            assert label == truth[row["chunk_id"]][2][row["target"]]
            assert row["votes"][label] == max(row["votes"].values())


def test_streaming_gives_the_same_rows(release: Path, tmp_path: Path) -> None:
    streamed = [row["id"] for row in load(release, "entities", tmp_path, split="train", streaming=True)]
    assert streamed == load(release, "entities", tmp_path, split="train")["id"][:]


def test_parquet_alone_gives_the_same_features(release: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    for name in ("entities", "stance"):
        files = [str(p) for p in sorted((release / name).glob("train-*.parquet"))]
        assert len(files) > 1
        bare = load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / name))
        assert bare.features == load(release, name, tmp_path, split="train").features


def test_the_manifest_says_what_the_release_was_made_from(tmp_path: Path) -> None:
    world = sample(tmp_path)
    made = world.export(Export(shard_rows=12)).manifest
    assert made == read(tmp_path / "exports/sample/v1.0.0")
    assert (made.name, made.version, made.previous, made.changes.level) == ("sample", "1.0.0", "", "first")
    assert made.stages == {"validate": "ab12"}
    assert (made.pull.server_version, made.pull.scheme_version) == ("1.23.2", "sample@1")
    assert made.recorded
    assert made.agreement == {"stance, Krippendorff's alpha": 0.75}
    assert made.configuration["labels"]["guidelines"] == "Mark **every** mention."
    assert made.configuration["export"]["shard_rows"] == 12
    assert not {"private", "gated"} & set(made.configuration["export"])
    assert (made.counts.articles, made.counts.chunks, made.counts.windows, made.counts.annotators) == (12, 48, 48, 3)
    assert made.counts.annotations == {"labelled": 144}
    assert made.counts.labels["stance"] == {"favor": 16, "against": 16, "neutral": 16, "none": 48}
    assert sum(made.counts.labels["entities"].values()) == 192
    assert made.labels == {
        "entities": ["PERSON", "ORG", "GPE"],
        "stance": ["favor", "against", "neutral", "none"],
    }
    assert {name: sum(splits.values()) for name, splits in made.rows.items() if name != "evidence"} == {
        "entities": 48, "stance": 96, "stance_unresolved": 0, "annotations": 144,
    }  # fmt: skip


def test_quarantined_annotations_are_counted_and_do_not_count(tmp_path: Path) -> None:
    world = sample(tmp_path)
    world.quarantined = {f"1:{3 * 1000 + 10 + n}" for n in range(3)} | {"1:4000"}
    made = world.export()
    assert made.manifest.counts.quarantined == 1
    assert made.manifest.counts.chunks == 47
    assert [r["quarantined"] for r in rows(made.folder, "annotations") if r["id"] == "1:4000"] == [True]


def test_nothing_changed_makes_no_version_and_pays_no_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = sample(tmp_path, 3)
    first = world.export()
    before = {p: p.read_bytes() for p in (tmp_path / "exports").rglob("*") if p.is_file()}
    monkeypatch.setattr(module, "check_loads", None)
    again = world.export()
    assert (first.new, again.new, again.folder) == (True, False, first.folder)
    assert again.manifest == first.manifest
    assert {p: p.read_bytes() for p in (tmp_path / "exports").rglob("*") if p.is_file()} == before


def test_another_format_adds_files_to_the_release(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    first = world.export(Export(formats=["jsonl"]))
    (first.folder / "conll").mkdir()
    (first.folder / "conll/rest").write_text("of a run that stopped", "utf-8")
    found = world.export(Export(formats=["conll", "jsonl"]))
    assert (found.new, found.folder) == (False, first.folder)
    assert found.manifest.configuration["export"]["formats"] == ["jsonl", "conll"]
    assert {path.name for path in found.folder.parent.iterdir()} == {"v1.0.0"}
    added = {file.path for file in found.manifest.files} - {file.path for file in first.manifest.files}
    assert added == {f"conll/entities/{split}.conll" for split in found.manifest.rows["entities"]}
    assert read(found.folder) == found.manifest
    assert check_files(found.folder, found.manifest.files) == []
    before = (found.folder / "manifest.json").read_bytes()
    assert not world.export(Export(formats=["conll"])).new
    assert (found.folder / "manifest.json").read_bytes() == before


def test_settings_of_splits_that_cannot_apply_any_more_are_said(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    world.export()
    other = Split(ratios={"train": 0.5, "test": 0.5}, seed=3, near=0.6)
    found = world.export(split=other)
    note = "split.ratios, split.seed differ: 3 articles keep the split of earlier releases."
    assert (found.new, found.manifest.changes.notes) == (False, [note])
    assert read(found.folder).changes.notes == []
    assert world.export().manifest.changes.notes == []
    world.dissent[2, world.chunk(2, 0)] = {"comment": "corrected"}
    assert f"- {note}" in (world.export(split=other).folder / "CHANGELOG.md").read_text("utf-8").splitlines()


def test_a_release_that_does_not_load_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(root: Path, _: object) -> None:
        assert (root / "manifest.json").is_file()
        raise ReleaseError("no")

    monkeypatch.setattr(module, "check_loads", refuse)
    with pytest.raises(ReleaseError, match="no"):
        sample(tmp_path, 3).export(Export(configs=["stance"]))
    assert not (tmp_path / "exports").exists()
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.usefixtures("opened")
def test_nothing_is_left_in_the_scratch_folder(tmp_path: Path) -> None:
    sample(tmp_path, 3).export(Export(configs=["stance"]))
    assert not list((tmp_path / "scratch").iterdir())


def test_a_scratch_folder_on_another_disk_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if "scratch" in self.parts and "exports" in Path(target).parts:
            raise OSError(errno.EXDEV, "other disk")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    made = sample(tmp_path, 3).export(Export(configs=["stance"]))
    assert not check_files(made.folder, made.manifest.files)
    assert [path.name for path in made.folder.parent.iterdir()] == ["v1.0.0"]


def test_other_failures_of_the_rename_are_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError(errno.EACCES, "no")

    world = sample(tmp_path, 3)
    world.paths()
    monkeypatch.setattr(module.Path, "rename", refuse)
    monkeypatch.setattr("builder.release.parquet.Path.rename", refuse)
    with pytest.raises(OSError, match="no"):
        module._place(tmp_path, tmp_path / "exports" / "v1.0.0")


def test_a_version_that_another_run_made_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "exports/sample/v1.0.0").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"v1\.0\.0 exists already"):
        sample(tmp_path, 3).export(Export(configs=["stance"]))
    assert not list((tmp_path / "exports/sample/v1.0.0").iterdir())


def test_everything_reaches_the_disk_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    placed: list[int] = []
    rename = Path.rename
    monkeypatch.setattr(module, "sync_tree", lambda path: synced.append(path.name))

    def note(self: Path, target: Path) -> Path:
        if Path(target).name == "v1.0.0":
            placed.append(len(synced))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", note)
    sample(tmp_path, 3).export(Export(configs=["stance"]))
    assert (synced, placed) == (["release", "sample"], [1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["provenance/articles.parquet", "stance/train-00000-of-00001.parquet", "CHANGELOG.md"])
def test_nothing_is_made_on_top_of_a_release_that_is_damaged(tmp_path: Path, name: str) -> None:
    world, settings = sample(tmp_path, 3), Export(configs=["stance"])
    first = world.export(settings).folder
    flip(first / name)
    with pytest.raises(ReleaseError, match=rf"v1\.0\.0: {name} is not what was released"):
        world.export(settings)
    (first / name).unlink()
    with pytest.raises(ReleaseError, match=rf"v1\.0\.0: {name} is missing"):
        world.export(settings)
    assert [path.name for path in first.parent.iterdir()] == ["v1.0.0"]


def test_of_releases_before_the_last_the_splits_must_be_as_they_were(tmp_path: Path) -> None:
    world, settings = sample(tmp_path, 3), Export(configs=["stance"])
    first = world.export(settings).folder
    world.articles.append(article(3))
    assert world.export(settings).folder.name == "v1.1.0"
    flip(first / "stance/train-00000-of-00001.parquet")
    assert not world.export(settings).new
    flip(first / "provenance/articles.parquet")
    with pytest.raises(ReleaseError, match=r"v1\.0\.0: provenance/articles\.parquet is not what was released"):
        world.export(settings)


def test_variants_are_beside_the_main_dataset(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    main = world.export()
    variant = world.export(Export(configs=["stance"], variant="stance-majority"))
    assert variant.folder == tmp_path / "exports/sample-stance-majority/v1.0.0"
    assert variant.manifest.name == "sample-stance-majority"
    assert list(variant.manifest.configs) == ["stance"]
    assert main.folder.is_dir()


def test_configurations_are_those_asked_for_in_their_order(tmp_path: Path) -> None:
    made = sample(tmp_path, 3).export(Export(configs=["annotations", "stance"]))
    assert list(made.manifest.configs) == ["annotations", "stance"]
    assert {p.name for p in made.folder.iterdir() if p.is_dir()} == {"annotations", "stance", "provenance"}


def test_a_configuration_that_the_scheme_does_not_give_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'topic'.*entities, stance"):
        sample(tmp_path, 3).export(Export(configs=["topic"]))


def test_annotations_of_two_pulls_are_refused(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    paths = world.paths()
    table = pq.read_table(paths["annotations"])
    pulls = ["a", *["b"] * (table.num_rows - 1)]
    pq.write_table(table.set_column(table.schema.get_field_index("pull"), "pull", [pulls]), paths["annotations"])
    with pytest.raises(ReleaseError, match="2 pulls"):
        world.export(tables=paths)


def test_a_missing_and_a_damaged_table_are_named(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    paths = world.paths()
    with pytest.raises(StoreError, match=r"nowhere.*is missing.*builder adjudicate"):
        world.export(tables={**paths, "gold_spans": tmp_path / "nowhere"})
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(paths["spans"].read_bytes()[:-9])
    with pytest.raises(StoreError, match=r"damaged\.parquet is damaged.*builder validate"):
        world.export(tables={**paths, "spans": damaged})


@pytest.mark.usefixtures("paged")
def test_private_words_are_in_no_file(tmp_path: Path) -> None:
    world = sample(tmp_path)
    world.dissent[2, world.chunk(5, 0)] = {"comment": "see me: ada.b@mail.example.com!"}
    made = world.export()
    content = b"".join(p.read_bytes() for p in made.folder.rglob("*") if p.is_file())
    for path in made.folder.rglob("*.parquet"):
        content += json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False).encode()
    assert b"annotator-" in content
    for word in (b"ada.b", b"@mail.example.com", str(tmp_path).encode()):
        assert word not in content


@pytest.mark.usefixtures("paged")
def test_the_same_inputs_give_the_same_bytes_elsewhere(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom tests.release.world import sample\n"
        "from builder.release import export\nexport.check_loads = lambda root, made: None\n"
        "sample(Path(sys.argv[1]), 5).export()\n"
    )
    here, there = tmp_path / "a", tmp_path / "b" / "elsewhere"
    sample(here, 5).export()
    # Hashes of this process are those of another seed.
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", script, str(there)], cwd=ROOT, env=environment, check=True)
    found = [
        {p.relative_to(where): p.read_bytes() for p in where.rglob("*") if p.is_file()}
        for where in (here / "exports", there / "exports")
    ]
    assert len(found[0]) > 10
    assert found[0] == found[1]


@pytest.mark.usefixtures("paged")
def test_an_empty_split_has_no_file(tmp_path: Path) -> None:
    made = World(tmp_path, [article(0)]).export()
    assert len(made.manifest.configs["entities"].splits) == 1
    assert len(list((made.folder / "entities").iterdir())) == 1
    assert len(load(made.folder, "entities", tmp_path)) == 1


def test_time_splits_are_those_of_the_release(tmp_path: Path) -> None:
    root = sample(tmp_path).export(split=Split(method="time")).folder
    parts = {r["article_id"]: r["split"] for r in pq.read_table(root / "provenance/articles.parquet").to_pylist()}
    order = [parts[article(n).id] for n in range(12)]
    assert order == sorted(order, key=["train", "validation", "test"].index)


def test_stratified_splits_count_the_labels_of_every_question(tmp_path: Path) -> None:
    from builder.release import build as building
    from builder.release.splits import Member

    seen: list[Member] = []
    original = building.assign_splits

    def spy(members: Any, *more: Any) -> Any:
        seen.extend(members)
        return original(seen, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "assign_splits", spy)
        world = sample(tmp_path)
        ids = world.export(Export(configs=["entities", "stance"]), Split(method="stratified")).manifest.labels
    made = world.articles[3]
    weights = next(m.weights for m in seen if m.article_id == made.id)
    spans = [label for found in made.spans for *_, label in found]
    stances = [label for found in made.stances for label in found.values()]
    expected = {f"entities:{ids['entities'].index(x)}": spans.count(x) for x in spans}
    expected |= {f"stance:{ids['stance'].index(x)}": stances.count(x) for x in stances}
    assert dict(weights) == expected


def test_an_article_that_is_gone_is_named(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    paths = world.paths()
    table = pq.read_table(paths["articles"])
    pq.write_table(table.slice(1), paths["articles"])
    with pytest.raises(ReleaseError, match=f"{world.articles[0].id} has annotations but"):
        world.export(tables=paths)


@pytest.mark.usefixtures("paged")
def test_texts_that_repeat_in_another_split_are_left_out_and_later_releases_keep_the_splits(tmp_path: Path) -> None:
    world = sample(tmp_path)
    first = world.export()
    sides = {
        r["article_id"]: r["split"] for r in pq.read_table(first.folder / "provenance/articles.parquet").to_pylist()
    }
    train = next(a for a in world.articles if sides[a.id] == "train")
    test = next(a for a in world.articles if sides[a.id] == "test")
    for part in ("chunks", "spans", "stances", "evidence"):
        getattr(test, part).append(getattr(train, part)[0])
    made = world.export()
    assert made.manifest.leakage.left_out.texts == 1
    assert (made.manifest.leakage.exact_texts, made.manifest.leakage.near_texts) == (0, 0)
    assert certify(made.folder, made.manifest) == {"articles": 0, "exact_texts": 0, "near_texts": 0}
    assert train.chunk_id(0) not in {r["id"] for r in rows(made.folder, "entities")}
    assert test.chunk_id(4) in {r["id"] for r in rows(made.folder, "entities")}
    assert "1 texts that repeat one of another split" in (made.folder / "README.md").read_text("utf-8")
    again = {
        r["article_id"]: r["split"] for r in pq.read_table(made.folder / "provenance/articles.parquet").to_pylist()
    }
    assert again == sides
    assert first.manifest.leakage.left_out.texts == 0


def test_progress_is_reported_per_configuration(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    world = sample(tmp_path)
    sources = world.sources(Export(), Split())
    module.export(sources, tmp_path / "e", tmp_path / "s", lambda *found: seen.append(found))
    assert [done for name, done, _ in seen if name == "entities"][-1] == 48
    assert [done for name, done, _ in seen if name == "annotations"][-1] == 144
    assert seen[-1][0] == "load"


def test_the_release_is_called_after_the_dataset_and_its_variant(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    world.dataset = replace(world.dataset, name="other")
    assert world.export(Export(configs=["stance"], variant="x")).folder == tmp_path / "exports/other-x/v1.0.0"


def test_a_release_without_any_row_is_refused(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    with pytest.raises(ReleaseError, match=r"No configuration \(stance_unresolved\) has a row"):
        world.export(Export(configs=["stance_unresolved"]))
    nothing = dict.fromkeys(["favor", "against", "neutral", "none"])
    with pytest.raises(ConfigError, match=r"export.stance leaves no label of `stance`"):
        world.export(Export(stance=nothing))
    assert world.export(Export(stance=nothing, configs=["entities"])).manifest.labels["entities"]


def test_nothing_that_was_marked_is_a_release_of_outside_tags(tmp_path: Path) -> None:
    world = sample(tmp_path, articles=3)
    world.dissent.clear()
    for made in world.articles:
        made.spans = [[] for _ in made.chunks]
    found = rows(world.export(Export(soft_tags=True)).folder, "entities")
    assert {(tag, hidden) for row in found for tag, hidden in zip(row["ner_tags"], row["mask"], strict=True)} == {
        (0, False)
    }
    assert {tuple(share) for row in found for share in row["soft_tags"]} == {(1.0, *[0.0] * 6)}
