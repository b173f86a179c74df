"""Versions, diffs and changelogs tell what changed in terms of labels."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.release.diff import _examples, changelog, count, diff, lines
from builder.release.manifest import Change, Changes, Exported, RowChanges, read
from builder.release.settings import Export, Split
from tests.release.test_story import chapter
from tests.release.test_tokenizer import tokenizer
from tests.release.world import World, sample, splits_of
from tests.samples import article, scheme

pytestmark = pytest.mark.usefixtures("unread")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """v1.0.0, a correction v1.0.1, new articles v1.1.0, a new label v2.0.0."""
    world = sample(tmp_path_factory.mktemp("story"))
    releases = world.root / "exports/sample"
    assert world.export().folder.name == "v1.0.0"
    for n in range(3):
        world.dissent[n, world.chunk(0, 0)] = {"stances": {"ukraine": "neutral", "japan": "none"}}
    world.agreement = {"answers": {"stance": {"overall": {"alpha": 0.5}}}}
    assert world.export().folder.name == "v1.0.1"
    world.articles += [article(number) for number in range(12, 16)]
    assert world.export().folder.name == "v1.1.0"
    world.labels = scheme(entities=["PERSON", "ORG", "GPE", "WEAPON"])
    assert world.export().folder.name == "v2.0.0"
    assert not world.export().new
    return world, releases


def compared(releases: Path, old: str, new: str) -> Changes:
    return diff(*(Exported(releases / name, read(releases / name)) for name in (old, new)))


def test_a_correction_is_a_patch(story: tuple[World, Path]) -> None:
    found = compared(story[1], "v1.0.0", "v1.0.1")
    assert (found.level, found.old, found.new) == ("patch", "1.0.0", "1.0.1")
    assert read(story[1] / "v1.0.1").previous == "1.0.0"
    rows = found.rows["stance"]
    assert (rows.added, rows.removed, rows.changed, rows.labels) == (0, 0, 1, {"favor -> neutral": 1})
    assert [(e.id, e.what, e.old, e.new) for e in rows.examples] == [
        (f"{story[0].chunk(0, 0)}:ukraine", "favor -> neutral", "favor", "neutral")
    ]
    assert found.rows["annotations"].changed == 2
    assert found.agreement == {"stance, Krippendorff's alpha": [0.75, 0.5]}


def test_new_articles_are_a_minor_version(story: tuple[World, Path]) -> None:
    found = compared(story[1], "v1.0.1", "v1.1.0")
    assert found.level == "minor"
    assert found.rows["entities"].added == 16
    assert len(found.rows["entities"].added_ids) == 16
    assert len(found.rows["stance"].added_ids) == 20
    assert (found.rows["entities"].removed, found.moved) == (0, 0)


def test_backwards_the_same_rows_are_removed(story: tuple[World, Path]) -> None:
    found = compared(story[1], "v1.1.0", "v1.0.1")
    assert (found.level, found.rows["entities"].removed, found.rows["entities"].added) == ("minor", 16, 0)
    assert len(found.rows["entities"].removed_ids) == 16


def test_a_new_label_is_a_major_version(story: tuple[World, Path]) -> None:
    found = compared(story[1], "v1.1.0", "v2.0.0")
    assert found.level == "major"
    assert found.labels == {"entities": ["WEAPON is new"]}
    assert found.columns == {"entities": {"retyped": ["ner_tags"]}}
    assert found.rows["entities"].added == found.rows["entities"].changed == 0
    assert compared(story[1], "v2.0.0", "v1.1.0").labels == {"entities": ["WEAPON is gone"]}


def test_equal_releases_differ_in_nothing(story: tuple[World, Path]) -> None:
    found = compared(story[1], "v2.0.0", "v2.0.0")
    assert (found.level, found.labels, found.columns, found.agreement, found.card) == ("none", {}, {}, {}, False)
    assert all(rows == RowChanges(rows.kind) for rows in found.rows.values())


def test_label_ids_only_grow(story: tuple[World, Path]) -> None:
    old, new = (
        read(story[1] / v).configs["entities"].features["ner_tags"]["feature"]["names"] for v in ("v1.0.0", "v2.0.0")
    )
    assert new == [*old, "B-WEAPON", "I-WEAPON"]


def test_the_changelog_tells_the_story(story: tuple[World, Path]) -> None:
    log = (story[1] / "v2.0.0/CHANGELOG.md").read_text(encoding="utf-8")
    assert [line.split()[1] for line in log.splitlines() if line.startswith("## ")] == [
        "v2.0.0", "v1.1.0", "v1.0.1", "v1.0.0",
    ]  # fmt: skip
    for line in (
        "- Label of `entities`: WEAPON is new.",
        "- `entities`: column `ner_tags` retyped.",
        "- `entities`: 16 rows added.",
        "- `stance`: 32 answers added.",
        "- `annotations`: 48 annotations added.",
        "- `stance`: favor -> neutral: 1.",
        "- Agreement, stance, Krippendorff's alpha: 0.75 -> 0.5.",
        "- `annotations`: 2 annotations changed.",
        "- First release.",
        "## v1.0.0 (2026-03-02)",
    ):
        assert line in log.splitlines(), line


def test_a_split_that_changed_is_a_minor_version_and_counted_once_per_text(tmp_path: Path) -> None:
    made = sample(tmp_path).export(split=Split(ratios={"train": 1.0}))
    other = sample(tmp_path / "other").export(split=Split(ratios={"train": 0.5, "test": 0.5}))
    found = diff(Exported(made.folder, made.manifest), Exported(other.folder, other.manifest))
    entities, stance = (
        other.manifest.configs["entities"].splits["test"],
        other.manifest.configs["stance"].splits["test"],
    )
    assert found.level == "minor"
    assert found.moved == entities.rows + stance.rows
    assert "rows moved to another split." in "\n".join(lines(found))


def test_spans_that_changed_are_told_by_how(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    world.export()
    spans = world.articles[2].spans[0]
    moved = [(a, b + 1 if i == 0 else b, "GPE" if i == 1 else label) for i, (a, b, label) in enumerate(spans)]
    for n in range(3):
        world.dissent[n, world.chunk(2, 0)] = {"spans": [*moved[:-1], (0, 3, "ORG")]}
    found = world.export()
    assert found.folder.name == "v1.0.1"
    changes = found.manifest.changes.rows["entities"]
    assert changes.labels == {"added": 1, "moved": 1, "relabelled": 1, "removed": 1}
    assert {e.what for e in changes.examples} == {"added", "moved", "relabelled", "removed"}
    a, b, label = spans[0]
    text = world.articles[2].chunks[0]
    example = next(e for e in changes.examples if e.what == "moved")
    assert (example.old, example.new) == (f"{label} {a}-{b} {text[a:b]!r}", f"{label} {a}-{b + 1} {text[a : b + 1]!r}")
    assert next(e for e in changes.examples if e.what == "added").old == ""


def test_configurations_and_columns_are_a_major_version(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    world.export(Export(configs=["entities", "stance"]))
    found = world.export(Export(configs=["entities", "annotations"], tags="none"))
    assert found.folder.name == "v2.0.0"
    assert found.manifest.changes.configurations == {"added": ["annotations"], "removed": ["stance"]}
    assert found.manifest.changes.columns == {"entities": {"removed": ["ner_tags", "mask"]}}
    log = (found.folder / "CHANGELOG.md").read_text("utf-8")
    assert "- Configuration `annotations` added." in log
    assert "- `entities`: column `ner_tags` removed." in log


def test_labels_of_a_configuration_that_is_left_out_keep_their_numbers(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    world.export()
    world.labels = scheme(stance=["none", "favor", "against", "neutral"])
    world.export(Export(configs=["entities"]))
    assert world.export().manifest.labels["stance"] == ["favor", "against", "neutral", "none"]


@pytest.mark.usefixtures("paged")
def test_a_retired_label_keeps_its_number(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    world.export()
    world.labels = scheme(entities=["PERSON", "GPE"])
    for made in world.articles:
        made.spans = [[s for s in spans if s[2] != "ORG"] for spans in made.spans]
    world.dissent.clear()
    found = world.export()
    assert found.folder.name == "v1.0.1"
    assert found.manifest.labels["entities"] == ["PERSON", "ORG", "GPE"]
    card = (found.folder / "README.md").read_text(encoding="utf-8")
    assert "Retired labels of `entities` keep their ids and have no rows: ORG." in card


def test_a_renamed_label_is_told(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    world.export()
    migrations = {"1": {"entities": {"ORG": "COMPANY"}}}
    world.labels = scheme(version="2", entities=["PERSON", "COMPANY", "GPE"], migrations=migrations)
    found = world.export()
    assert found.folder.name == "v2.0.0"
    assert found.manifest.labels["entities"] == ["PERSON", "COMPANY", "GPE"]
    assert found.manifest.changes.labels == {"entities": ["ORG is now called COMPANY"]}
    assert found.manifest.changes.rows["entities"].labels == {}


@pytest.mark.parametrize("mode", ["fixed", "mention"])
def test_what_only_its_name_changes_is_no_other_label(mode: str, tmp_path: Path) -> None:
    world = sample(tmp_path, 3, labels=scheme(mode=mode))
    world.dissent.clear()
    for number in range(3) if mode == "mention" else ():
        chapter(world, number)
    settings = Export(configs=["entities", "stance"])
    old = world.export(settings)
    # One label is another one, besides.
    for n in range(3):
        world.dissent[n, world.chunk(2, 0)] = {"spans": [(*world.articles[2].spans[0][0][:2], "GPE")]}
    world.labels = scheme(
        version="2",
        mode=mode,
        entities=["PERSON", "FIRM", "PLACE"],
        stance=["pro", "against", "neutral", "none"],
        migrations={"1": {"entities": {"ORG": "FIRM", "GPE": "PLACE"}, "stance": {"favor": "pro"}}},
    )
    found = world.export(settings)
    rows = found.manifest.changes.rows
    assert found.folder.name == "v2.0.0"
    assert (rows["entities"].labels, rows["entities"].changed) == ({"relabelled": 1, "removed": 3}, 1)
    (example,) = (change for change in rows["entities"].examples if change.what == "relabelled")
    assert (example.old.split()[0], example.new.split()[0]) == ("PERSON", "PLACE")
    assert rows["stance"].labels == {}
    back = diff(found, old).rows["entities"]
    assert back.labels == {"added": 3, "relabelled": 1}


def test_the_card_alone_is_a_patch(tmp_path: Path) -> None:
    from dataclasses import replace

    world = sample(tmp_path, 3)
    world.export()
    world.dataset = replace(world.dataset, description="New words.")
    found = world.export()
    assert (found.folder.name, found.manifest.changes.card) == ("v1.0.1", True)
    assert "- What is said about the dataset or its annotators changed." in (found.folder / "CHANGELOG.md").read_text(
        "utf-8"
    )


def test_new_words_of_the_scheme_are_a_patch_with_their_text(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    groups = world.sources(Export(), Split()).configuration
    old = {
        "name": "a",
        "guidelines": "One.\nTwo.\n\nThree.",
        "questions": {"x": {"labels": {"y": {"title": "Why"}, "z": {}}}},
    }
    new = {
        "name": "b", "guidelines": "One.\nDue.\nThree.",
        "questions": {"x": {"color": "red", "labels": {"y": {"title": "Ypsilon"}, "z": {"title": "Z"}}}},
    }  # fmt: skip
    world.export(configuration={**groups, "labels": old})
    found = world.export(configuration={**groups, "labels": new})
    assert found.folder.name == "v1.0.1"
    wording = [
        "guidelines: - Two.", "guidelines: + Due.", "questions.x.labels.y.title: - Why",
        "questions.x.labels.y.title: + Ypsilon",
    ]  # fmt: skip
    assert found.manifest.changes.wording == wording
    log = (found.folder / "CHANGELOG.md").read_text("utf-8").splitlines()
    assert [line for line in log if line.startswith("- Reworded")] == [f"- Reworded, {line}" for line in wording]


def test_other_decisions_on_the_same_labels_are_told(tmp_path: Path) -> None:
    world = sample(tmp_path, 4)
    world.dissent.clear()
    world.export()
    world.dissent[2, world.chunk(3, 0)] = {"stances": {"ukraine": "neutral", "japan": "none"}, "spans": []}
    found = world.export().manifest.changes
    assert world.articles[3].stances[0] == {"ukraine": "favor", "japan": "none"}
    row = f"{world.chunk(3, 0)}:ukraine"
    assert found.level == "patch"
    assert [(e.id, e.what, e.old, e.new) for e in found.rows["stance"].examples] == [
        (row, "status agreed -> adjudicated", "agreed", "adjudicated"),
        (row, "other votes for the same label", "favor 3", "favor 2, neutral 1"),
    ]
    spans = world.articles[3].spans[0]
    assert found.rows["entities"].labels == {
        "status agreed -> adjudicated": len(spans),
        "other votes for the same label": len(spans),
    }
    a, b, name = spans[0]
    assert [(e.what, e.old, e.new) for e in found.rows["entities"].examples[:2]] == [
        ("status agreed -> adjudicated", f"{name} {a}-{b} agreed", f"{name} {a}-{b} adjudicated"),
        ("other votes for the same label", f"{name} {a}-{b} 3 for, 0 against", f"{name} {a}-{b} 2 for, 1 against"),
    ]


def test_numbers_and_nouns() -> None:
    assert (count(1, "row", "rows"), count(0, "row", "rows"), count(2000, "row", "rows")) == (
        "1 row", "0 rows", "2,000 rows",
    )  # fmt: skip
    changes = Changes("minor", rows={"stance": RowChanges("answers", added=1, removed=2, changed=3)}, moved=1)
    changes.agreement = {"a": [None, 0.5], **{f"n{i}": [0.1, 0.2] for i in range(12)}}
    found = lines(changes)
    assert found[:4] == [
        "`stance`: 1 answer added.", "`stance`: 2 answers removed.", "`stance`: 3 answers changed.",
        "1 row moved to another split.",
    ]  # fmt: skip
    assert found[4:] == [f"Agreement, n{i}: 0.1 -> 0.2." for i in range(10)]


def test_the_newest_section_stands_first() -> None:
    first = changelog("v1.0.0", "", ["First release."], "")
    assert first == "# Changelog\n\n## v1.0.0\n\n- First release.\n"
    assert changelog("v1.0.1", "2026-03-02", ["A.", "B."], first) == (
        "# Changelog\n\n## v1.0.1 (2026-03-02)\n\n- A.\n- B.\n\n## v1.0.0\n\n- First release.\n"
    )


def test_examples_show_every_kind_of_change() -> None:
    many = [Change(str(n), "favor -> none") for n in range(30)]
    found = _examples([*many, Change("x", "moved"), Change("y", "moved")])
    assert [change.id for change in found] == ["0", "x", "1", "y", *map(str, range(2, 18))]


@pytest.mark.parametrize("spans", [True, False])
def test_a_row_of_an_edited_article_is_another_row(spans: bool, tmp_path: Path) -> None:
    """A stretch begins where it began, with other words: nothing of the old ones is quoted as a change of labels."""
    world = sample(tmp_path, 3)
    settings = Export(configs=["entities"], granularity="article")
    before = world.export(settings)
    made, other = world.articles[2], article(20)
    kept = made.chunks[3]
    made.chunks[3], made.spans[3] = (other.chunks[0], other.spans[0]) if spans else (f"{kept} So be it", made.spans[3])
    found = world.export(settings)
    rows = found.manifest.changes.rows["entities"]
    assert (found.folder.name, rows.added, rows.removed, rows.changed) == ("v1.1.0", 1, 1, 0)
    assert (rows.labels, rows.examples) == ({}, [])
    (gone,) = rows.removed_ids
    assert splits_of(before.folder, "entities").keys() - splits_of(found.folder, "entities").keys() == {gone}


def test_what_is_known_of_articles_and_another_tokenizer_make_a_version(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    made = tokenizer(tmp_path)
    settings = Export(configs=["entities"], tokenizer=str(made))
    world.export(settings)
    tables = world.paths()
    known = pq.read_table(tables["articles"])
    at = known.schema.get_field_index("title")
    titles = pa.array(["Corrected", *known["title"].to_pylist()[1:]])
    pq.write_table(known.set_column(at, "title", titles), tables["articles"])
    found = world.export(settings, tables=tables)
    assert (found.folder.name, found.manifest.changes.rows["entities"].changed) == ("v1.0.1", 4)
    # The same pieces with other ids.
    other = json.loads(made.read_text("utf-8"))
    vocabulary = other["model"]["vocab"]
    a, b = [piece for piece in vocabulary if len(piece) == 1][:2]
    vocabulary[a], vocabulary[b] = vocabulary[b], vocabulary[a]
    made.write_text(json.dumps(other), "utf-8")
    found = world.export(settings, tables=tables)
    assert (found.folder.name, found.manifest.changes.columns) == ("v2.0.0", {"entities": {"retyped": ["input_ids"]}})
