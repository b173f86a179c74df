"""The card says what the Hub reads and what people need to know; Croissant says it for machines."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from builder.questions.choice import Choice
from builder.release.card import creators, figures, findings, languages, machine, methods, processing
from builder.release.manifest import Exported, Manifest, read
from builder.release.settings import Dataset, Export, Split
from builder.scheme import Label
from tests.release.test_croissant import manifest
from tests.release.test_story import chapter
from tests.release.world import World, rows, sample, splits_of
from tests.samples import article, scheme


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Manifest, Path]:
    made = sample(tmp_path_factory.mktemp("world")).export()
    return (made.folder / "README.md").read_text(encoding="utf-8"), made.manifest, made.folder


def test_the_front_matter_is_what_the_hub_reads(release: tuple[str, Manifest, Path]) -> None:
    front = yaml.safe_load(release[0].split("---\n")[1])
    assert front["license"] == "cc-by-4.0"
    assert front["language"] == ["en"]
    assert front["size_categories"] == ["n<1K"]
    assert front["annotations_creators"] == ["other"]
    assert front["task_categories"] == ["token-classification", "text-classification"]
    assert {"named-entity-recognition", "stance-detection", "news"} <= set(front["tags"])
    names = [name for name, found in release[1].configs.items() if found.splits]
    assert [c["config_name"] for c in front["configs"]] == names
    assert [c.get("default") for c in front["configs"]] == [True, *[None] * (len(names) - 1)]
    for info in front["dataset_info"]:
        splits = release[1].configs[info["config_name"]].splits
        assert info["splits"] == [
            {"name": name, "num_bytes": facts.content_bytes, "num_examples": facts.rows}
            for name, facts in splits.items()
        ]
        assert info["dataset_size"] == sum(facts.content_bytes for facts in splits.values())
        assert info["download_size"] == sum(facts.bytes for facts in splits.values())


def test_the_card_says_how_the_data_were_made(release: tuple[str, Manifest, Path]) -> None:
    card = release[0]
    for line in (
        "# sample",
        "recorded sample labels",
        "| `entities` | train |",
        "- **`stance`**: one row per window and target.",
        "- **`annotations`**: one row per annotation",
        "12 news articles in `en`, cut into 48 chunks; annotators saw 48 windows.",
        "3 annotators worked in Label Studio under the scheme `sample`, version 1.",
        "144 labelled",
        "- stance, Krippendorff's alpha: 0.75",
        "Gold was decided by `majority`.",
        "Mark **every** mention.",
        "| `stance` label | meaning |",
        "| `stance` target | meaning |",
        "| ukraine | Ukraine |",
        "| ORG | All ORG |",
        "By a hash of the article;",
        "- **License:** `cc-by-4.0`",
        "### Direct Use\n\nNot stated.",
        "| `stance` label | train | validation | test | released |",
        'The first row of `stance`:\n\n```json\n{\n  "id": "',
        "No suggestion of a machine was shown to the annotators.",
        'stance = load_dataset("path/to/sample/v1.0.0", "stance")',
        "encoded.word_ids(row)",
    ):
        assert line in card, line


def test_gates_that_do_not_hold_stand_on_the_card(tmp_path: Path) -> None:
    made = sample(tmp_path, 3).export(below_gates="max_unresolved is 0")
    assert made.manifest.below_gates == "max_unresolved is 0"
    card = (made.folder / "README.md").read_text("utf-8")
    assert "**Released below its quality gates**: max_unresolved is 0." in card


def test_people_who_are_not_recorded_are_a_crowd(tmp_path: Path) -> None:
    card = (sample(tmp_path, 3).export(recorded=False).folder / "README.md").read_text("utf-8")
    assert "crowdsourced" in card
    assert "recorded sample labels" not in card


def test_losses_stand_on_the_card(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    for n in range(3):
        world.dissent[n, world.chunk(2, 0)] = {"spans": [(0, 20, "ORG"), (0, 3, "GPE"), (1, 2, "GPE")]}
    card = (world.export().folder / "README.md").read_text("utf-8")
    assert "Tags of `entities` cannot hold every span: " in card


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """Releases with every configuration: what was not decided, evidence and soft tags included; by mode of stances."""
    return {mode: _told(tmp_path_factory.mktemp(mode), mode) for mode in ("fixed", "mention")}


def _told(root: Path, mode: str) -> Exported:
    world = World(root, [article(number) for number in range(6)], labels=scheme(mode=mode), evidence=True)
    for number in range(6) if mode == "mention" else ():
        chapter(world, number)
    stances = world.articles[2].stances[1]
    world.dissent[1, world.chunk(2, 1)] = {"stances": dict.fromkeys(stances, "neutral")}
    world.dissent[2, world.chunk(2, 1)] = {"state": "skipped"}
    return world.export(Export(soft_tags=True))


@pytest.fixture(scope="module")
def records(release: tuple[str, Manifest, Path], told: dict[str, Exported]) -> dict[str, dict[str, list[Any]]]:
    """What the library of Croissant reads from these releases, by release and configuration."""
    script = (
        "import json, os, sys, mlcroissant as mlc\n"
        "plain = lambda x: x.tolist() if hasattr(x, 'tolist') else x.decode()\n"
        "found = {}\n"
        "for about, (folder, names) in json.loads(sys.argv[1]).items():\n"
        "    os.chdir(folder)\n"
        "    data = mlc.Dataset(jsonld='croissant.json')\n"
        "    assert not data.metadata.issues.errors, data.metadata.issues.report()\n"
        "    found[about] = {name: [dict(r) for r in data.records(name)] for name in names}\n"
        "print(json.dumps(found, default=plain))\n"
    )
    asked: dict[str, Any] = {mode: (str(made.folder), list(made.manifest.configs)) for mode, made in told.items()}
    asked["sample"] = (str(release[2]), ["entities", "stance"])
    done = subprocess.run([sys.executable, "-c", script, json.dumps(asked)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_croissant_validates_and_reads_records(
    release: tuple[str, Manifest, Path], records: dict[str, dict[str, list[Any]]]
) -> None:
    assert {name: len(found) for name, found in records["sample"].items()} == {"entities": 48, "stance": 96}
    found = json.loads((release[2] / "croissant.json").read_text("utf-8"))
    assert found["rai:annotationsPerItem"] == "3.0"
    assert found["conformsTo"][0] == "http://mlcommons.org/croissant/1.1"
    assert found["rai:dataAnnotationPlatform"] == ["Label Studio 1.23.2"]
    assert found["prov:wasGeneratedBy"][1]["prov:wasAssociatedWith"] == [
        {"@type": "prov:Agent", "name": "3 annotators"}
    ]
    fields = {field["name"]: field.get("dataType") for part in found["recordSet"] for field in part["field"]}
    assert fields["stance/label"] == "sc:Integer"
    assert fields["stance/probability"] == "sc:Float"
    assert fields["annotations/created"] == "sc:Text"
    assert fields["entities/entities"] is None
    sets = {part["name"]: part for part in found["recordSet"]}
    assert [row["splits/name"] for row in sets["splits"]["data"]] == ["train", "validation", "test"]
    assert [row["stance-label/name"] for row in sets["stance-label"]["data"]] == release[1].labels["stance"]


@pytest.mark.parametrize("mode", ["fixed", "mention"])
def test_records_of_croissant_are_those_of_the_files(
    mode: str, told: dict[str, Exported], records: dict[str, dict[str, list[Any]]]
) -> None:
    made = told[mode]
    assert list(records[mode]) == list(made.manifest.configs)
    for name, given in records[mode].items():
        found = {row[f"{name}/id"]: row for row in given}
        split = splits_of(made.folder, name)
        assert split
        for row in rows(made.folder, name):
            record = found.pop(row["id"])
            assert record.pop(f"{name}/split") == split[row["id"]]
            assert {key: inner(record[f"{name}/{key}"]) for key in row if row[key] is not None} == {
                key: value for key, value in row.items() if value is not None
            }
        assert not found


def inner(value: Any) -> Any:
    """A value as Croissant has it, with the names of its parts as in Parquet."""
    if isinstance(value, list):
        return [inner(item) for item in value]
    return {k.rpartition("/")[2]: inner(v) for k, v in value.items()} if isinstance(value, dict) else value


def test_label_columns_refer_to_their_names(release: tuple[str, Manifest, Path]) -> None:
    found = json.loads((release[2] / "croissant.json").read_text("utf-8"))
    fields = {field["name"]: field for part in found["recordSet"] for field in part["field"]}
    assert fields["stance/label"]["references"] == {"field": {"@id": "stance-label/id"}}
    assert fields["entities/ner_tags"]["description"] == "Ids of entities-ner_tags."
    assert "references" not in fields["entities/ner_tags"]
    sets = {part["name"]: part["data"] for part in found["recordSet"] if "data" in part}
    assert sets["stance-label"] == [
        {"stance-label/id": number, "stance-label/name": name}
        for number, name in enumerate(release[1].labels["stance"])
    ]
    assert [row["entities-ner_tags/name"] for row in sets["entities-ner_tags"]][:2] == ["O", "B-PERSON"]


def test_the_card_has_every_section_of_the_hub_and_of_a_data_statement(release: tuple[str, Manifest, Path]) -> None:
    import huggingface_hub

    template = Path(huggingface_hub.__file__).parent / "templates/datasetcard_template.md"
    body = template.read_text("utf-8").split("\n---\n", 1)[1]
    headings = [line.removesuffix(" [optional]") for line in body.splitlines() if re.match("##+ ", line)]
    assert len(headings) > 15
    assert [heading for heading in headings if f"\n{heading}\n" not in release[0]] == []
    parts = re.findall(r"^- \*\*([A-I])\. ", release[0], re.MULTILINE)
    assert parts == list("ABCDEFGHI")


def test_figures_are_told_by_question_and_kind_of_span() -> None:
    measured = {"overall": {"alpha": 0.5, "cohen": 0.1}, "targets": {"japan": {"alpha": 0.25}, "": {"alpha": 1.0}}}
    spans = {"overall": {"exact_f1": 0.75, "token_alpha": None}, "labels": {"ORG": {"exact_f1": 1}}}
    report = {"answers": {"stance": measured}, "spans": {"entity": spans}, "annotators": {"a": {"alpha": 0.1}}}
    assert figures(report) == {
        "stance, Krippendorff's alpha": 0.5,
        "stance, japan, Krippendorff's alpha": 0.25,
        "entity spans, exact F1": 0.75,
        "entity spans, ORG, exact F1": 1.0,
    }


def test_the_release_that_is_read_is_the_one_that_was_written(release: tuple[str, Manifest, Path]) -> None:
    assert read(release[2]) == release[1]
    assert {p.name for p in release[2].iterdir() if p.is_file()} == {
        "README.md", "CHANGELOG.md", "CHECKLIST.md", "data_section.tex", "manifest.json", "croissant.json",
    }  # fmt: skip


def test_the_other_readers_of_the_card_read_the_files(release: tuple[str, Manifest, Path]) -> None:
    import duckdb
    import polars

    text, manifest, root = release
    first = re.search(r"`duckdb.sql\(\"(.*?)\"\)`, `polars.read_parquet\(\"(.*?)\"\)`", text)
    assert first is not None
    expected = sum(manifest.rows["entities"].values())
    assert len(duckdb.sql(first[1].replace("'entities", f"'{root}/entities")).fetchall()) == expected
    assert polars.read_parquet(root / first[2]).height == expected


def test_agreement_that_is_too_low_is_a_known_issue(tmp_path: Path) -> None:
    spans = {
        "overall": {"token_alpha": 0.9, "compared": 90},
        "labels": {"EVENT": {"token_alpha": 0.415, "compared": 3}},
    }
    answers = {"stance": {"overall": {"alpha": 0.667, "items": 9}}}
    made = sample(tmp_path, 3).export(agreement={"spans": {"entity": spans}, "answers": answers})
    line = "Annotators agree little: entity spans, EVENT, token alpha is 0.415, on 3; its labels are doubtful."
    assert made.manifest.findings == [line]
    assert f"## Known issues\n\n- {line}" in (made.folder / "README.md").read_text("utf-8")


def test_the_card_says_which_method_was_chosen_and_why(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    chosen = {"stance": "sequence: 3 of 3 annotators share 10 items", "entity": "majority: too few to tell"}
    groups = {**world.sources(Export(), Split()).configuration, "aggregation": {"method": "auto"}}
    root = world.export(chosen=chosen, configuration=groups).folder
    card = (root / "README.md").read_text("utf-8")
    assert (
        "Gold was decided by `majority, sequence`.\n- `stance` by sequence: 3 of 3 annotators share 10 items.\n" in card
    )
    assert "Gold was decided by `majority, sequence`;" in (root / "CHECKLIST.md").read_text("utf-8")
    assert "were decided by majority, sequence." in (root / "data_section.tex").read_text("utf-8")
    found = json.loads((root / "croissant.json").read_text("utf-8"))
    assert found["prov:wasGeneratedBy"][2]["name"] == "adjudication by majority, sequence"
    other = sample(tmp_path / "other", 3).export(chosen=chosen).folder
    assert " by sequence: " not in (other / "README.md").read_text("utf-8")


def test_what_people_say_and_who_annotated_is_on_the_card(tmp_path: Path) -> None:
    dataset = Dataset(name="sample", license="other", license_name="Ours", license_link="https://example.org/licence",
                      uses="Training.", curators="The lab", expertise="expert-generated")  # fmt: skip
    world = sample(tmp_path, 3, dataset=dataset)
    world.dissent[0, world.chunk(0, 0)] = {"prediction": "accepted", "stances": {"ukraine": "favor", "japan": "none"}}
    made = world.export(Export(repo="lab/story"), recorded=False)
    card = (made.folder / "README.md").read_text("utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["annotations_creators"] == ["expert-generated", "machine-generated"]
    assert (front["license_name"], front["license_link"]) == ("Ours", "https://example.org/licence")
    for line in (
        "### Direct Use\n\nTraining.",
        "- **License:** [`other` (Ours)](https://example.org/licence)",
        "Suggestions of a machine were shown in 1 annotation: 1 accepted (100%).",
        'stance = load_dataset("lab/story", "stance", revision="v1.0.0")',
    ):
        assert line in card, line
    found = json.loads((made.folder / "croissant.json").read_text("utf-8"))
    assert (found["rai:dataUseCases"], found["rai:dataBiases"]) == ("Training.", "Not stated.")
    assert found["url"] == "https://huggingface.co/datasets/lab/story"
    assert found["license"] == "https://example.org/licence"
    assert found["rai:machineAnnotationTools"][0].startswith("Suggestions of a machine were shown")


def test_rows_and_annotators_say_where_they_come_from(tmp_path: Path) -> None:
    said = {
        "annotator-0a1b2c": {"age": "30-39"},
        "annotator-3d4e5f": {"age": "30-39"},
        "annotator-678901": {"age": "60"},
    }
    dataset = Dataset(name="sample", min_group=2)
    world = sample(tmp_path, 3, dataset=dataset)
    made = world.export(said=said, experts=["annotator-678901"])
    assert pq.read_table(made.folder / "provenance/annotators.parquet").to_pylist() == [
        {"annotator": "annotator-0a1b2c", "role": "annotator", "annotations": 12, "age": "30-39"},
        {"annotator": "annotator-3d4e5f", "role": "annotator", "annotations": 12, "age": "30-39"},
        {"annotator": "annotator-678901", "role": "expert", "annotations": 12, "age": None},
    ]
    # The role counts as known: only one expert is that old.
    alone = world.export(said={name: {"age": "30-39"} for name in said}, experts=["annotator-678901"])
    assert not alone.new
    later = world.export(said={name: {"age": "40-49"} for name in said}, experts=["annotator-678901"])
    assert (later.folder.name, later.manifest.changes.level) == ("v1.0.1", "patch")
    table = pq.read_table(later.folder / "provenance/annotators.parquet")
    assert table["age"].to_pylist() == ["40-49", "40-49", None]
    articles = pq.read_table(made.folder / "provenance/articles.parquet")
    assert {"title", "source", "published", "language", "split"} <= set(articles.column_names)


def test_the_checklist_and_the_data_section_are_filled(tmp_path: Path) -> None:
    dataset = Dataset(name="sample", license="mit", uses="Training at 100 % & more_.", limitations="Few {texts}.")
    described = {"description": r"A & B_C ~ 5 $ ^2 #1 \ <b> | {x}"}
    root = sample(tmp_path, 3, dataset=replace(dataset, **described)).export().folder
    checklist = (root / "CHECKLIST.md").read_text("utf-8")
    assert "- **A1. Limitations.** Few {texts}." in checklist
    assert "- **D2. Recruitment and payment.** Not stated (dataset.annotators)." in checklist
    section = (root / "data_section.tex").read_text("utf-8")
    assert "stance & test & " in section
    escaped = (
        r"A \& B\_C \textasciitilde{} 5 \$ \textasciicircum{}2 \#1 \textbackslash{} \textless{}b\textgreater{} "
        r"\textbar{} \{x\} Version 1.0.0 holds"
    )
    assert escaped in section
    assert "\\paragraph{Limitations.} Few \\{texts\\}." in section
    assert "stance\\_unresolved" not in section
    assert "3 news articles published from 2026-03-02 to " in section


def test_labels_are_described_as_they_are_released(tmp_path: Path) -> None:
    """Merged ones under their common name, options by what is said about them, evidence by nothing."""
    labels = scheme(entities={"ORG": {"description": "A\n| group |"}, "PERSON": {}, "GPE": {}})
    world = sample(tmp_path, 3, labels=labels, evidence=True)
    labels.questions["frame"] = Choice(many=True, options={"cost": Label("Money", "Who pays"), "law": Label("Law")})
    labels.questions["frame"].name = "frame"
    world.dissent[0, world.chunk(2, 0)] = {"answers": {"frame": {"cost": "yes", "law": "no"}}}
    root = world.export(Export(entities={"PERSON": "ORG", "GPE": None}, targets=["japan"])).folder
    card = (root / "README.md").read_text("utf-8")
    tables = card[card.index("#### Guidelines") : card.index("#### Who are the annotators?")]
    assert re.findall(r"^\| (?!---).*", tables, re.MULTILINE) == [
        "| `entities` label | meaning |", r"| ORG | A \| group \|; PERSON: All PERSON |",
        "| `stance` label | meaning |", "| favor | Favor |", "| against | Against |", "| neutral | Neutral |",
        "| none | None |",
        "| `stance` target | meaning |", "| japan | Japan |",
        "| `frame` option | meaning |", "| cost | Who pays |", "| law | Law |",
    ]  # fmt: skip


def test_a_variant_says_nothing_of_what_it_does_not_hold(tmp_path: Path) -> None:
    low = {"overall": {"alpha": 0.1, "items": 9}}
    spans = {kind: {"overall": {"exact_f1": 0.5, "compared": 9}} for kind in ("entity", "evidence")}
    world = sample(tmp_path, 3, agreement={"answers": {"stance": low}, "spans": spans})
    whole = world.export(Export(configs=["annotations"])).manifest
    assert list(whole.agreement) == [
        "stance, Krippendorff's alpha",
        "entity spans, exact F1",
        "evidence spans, exact F1",
    ]
    made = world.export(Export(configs=["entities"], variant="names"))
    assert (made.manifest.agreement, made.manifest.findings) == ({"entity spans, exact F1": 0.5}, [])
    pages = "".join((made.folder / name).read_text("utf-8") for name in ("README.md", "CHECKLIST.md"))
    assert [word for word in ("stance", "`annotations`", "comments") if word in pages] == []
    assert "- evidence spans, exact F1: 0.5" not in pages


def test_who_made_the_labels_is_said_in_the_words_of_the_hub() -> None:
    made = manifest(Dataset(expertise="expert-generated"))
    assert creators(made) == ["expert-generated"]
    made.counts.predictions = {"none": 3}
    assert (creators(made), machine(made)) == (
        ["expert-generated"], "No suggestion of a machine was shown to the annotators.",
    )  # fmt: skip
    made.counts.predictions = {"none": 4, "accepted": 3000, "changed": 1000}
    made.counts.experts = 1
    assert creators(made) == ["expert-generated", "machine-generated"]
    assert machine(made) == (
        "Suggestions of a machine were shown in 4,000 annotations: 3,000 accepted (75%), 1,000 changed (25%)."
    )
    made.configuration["dataset"]["expertise"] = "crowdsourced"
    assert creators(made) == ["crowdsourced", "expert-generated", "machine-generated"]
    made.recorded = True
    assert creators(made) == ["other"]


def test_languages_are_in_the_order_of_their_articles() -> None:
    made = manifest(Dataset(language="PT-br"))
    made.counts.languages = {"fr": 1, "de": 2, "ca": 1}
    assert languages(made) == ["de", "ca", "fr"]
    made.counts.languages = {}
    assert languages(made) == ["pt"]


def test_how_texts_and_gold_were_made_is_said() -> None:
    made = manifest(Dataset(), chosen={"stance": "mace: by auto", "entity": "majority", "topic": "mace"})
    assert methods(made) == "mace, majority"
    assert methods(manifest(Dataset())) == "majority"
    made.configuration["dedup"] |= {"policy": "keep", "threshold": 0.75}
    made.configuration["chunking"] |= {"method": "tokens", "max_tokens": 9}
    made.configuration["selection"]["method"] = "random"
    assert processing(made)[1:] == [
        "Near-duplicates from a similarity of 0.75 are kept, in the split of the others.",
        "Texts are cut into chunks (`tokens`, at most 9 tokens).",
        "Chunks to annotate were selected by `random`.",
    ]


def test_only_alpha_below_the_bound_is_a_known_issue() -> None:
    measured = {
        "stance": {"overall": {"alpha": 0.667, "items": 9}, "targets": {"japan": {"alpha": 0.6669, "items": 1200}}},
        "topic": {"overall": {"alpha": None, "items": 0}},
    }
    spans = {"entity": {"overall": {"exact_f1": 0.1, "token_alpha": 0.2, "compared": 7}, "labels": {"GPE": {}}}}
    report = {"answers": measured, "spans": spans}
    assert findings(report) == [
        "Annotators agree little: stance, japan, Krippendorff's alpha is 0.667, on 1,200; its labels are doubtful.",
        "Annotators agree little: entity spans, token alpha is 0.2, on 7; its labels are doubtful.",
    ]
    assert list(figures(report)) == [
        "stance, Krippendorff's alpha", "stance, japan, Krippendorff's alpha", "entity spans, exact F1",
        "entity spans, token alpha",
    ]  # fmt: skip
    assert (findings({}), figures({})) == ([], {})
