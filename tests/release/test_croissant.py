"""croissant.json has every field, label and file of a release, as Croissant and its responsible-AI terms name them."""

from dataclasses import replace
from typing import Any

from builder.corpus.settings import Chunking, Dedup, Selection
from builder.release.configuration import FLAG, INT, NUMBER, STRING, class_label, sequence
from builder.release.croissant import croissant
from builder.release.manifest import Configured, Counts, File, Leakage, LeftOut, Manifest, Pull, SplitFacts
from builder.release.settings import Dataset
from builder.settings import public

STATED = Dataset(
    description="About news.", license_name="Own", license_link="https://here/licence", curators="We", citation="@me",
    homepage="https://here", collection="C", biases="B", limitations="L", uses="U", social_impact="S", sensitive="P",
    demographics="D", maintenance="M",
)  # fmt: skip
FEATURES = {
    "id": STRING,
    "label": class_label(["favor", "against"]),
    "nothing": class_label([]),
    "tags": sequence(class_label(["O"])),
    "shares": sequence(sequence(NUMBER)),
    "votes": {"favor": INT},
    "spans": [{"start": INT, "sure": FLAG}],
}


def manifest(dataset: Dataset, repo: str = "", guidelines: str = "", **more: Any) -> Manifest:
    counts = Counts(
        articles=1200, chunks=3, windows=4, annotators=2, annotations={"labelled": 7, "skipped": 2}, quarantined=0,
        labels={}, left_out={}, windows_left_out={}, chunks_left_out={}, published=["2026-01-01", "2026-01-09"],
        sources={"Post": 1, "Times": 2}, languages={"de": 1, "en": 2}, predictions={}, experts=0,
    )  # fmt: skip
    groups = {"dedup": Dedup(), "chunking": Chunking(), "selection": Selection()}
    given: dict[str, Any] = {
        "configuration": {
            **{name: public(group) for name, group in groups.items()},
            "dataset": public(dataset),
            "export": {"repo": repo},
            "labels": {"guidelines": guidelines},
            "aggregation": {"method": "majority"},
        },
        "configs": {
            "a": Configured(features=FEATURES, splits={"train": SplitFacts(2), "test": SplitFacts(1)}),
            "b": Configured(features={"id": STRING}, splits={"dev": SplitFacts(1), "train": SplitFacts(1)}),
            "empty": Configured(features=FEATURES),
        },
        "files": [
            File("README.md", 3, "00"),
            File("a/train-00000-of-00001.parquet", 10, "aa"),
            File("provenance/articles.parquet", 9, "bb"),
        ],
        "agreement": {"stance, alpha": 0.12345},
        "findings": ["Little."],
        "pull": Pull("c0ffee", "1.2"),
    }
    return Manifest(
        **{
            "name": "news", "version": "1.2.0", "recorded": False, "tokenizer": "", "code": {"version": "0.1"},
            "libraries": {}, "stages": {}, "labels": {}, "counts": counts, "losses": {}, "below_gates": "",
            "leakage": Leakage(0, 0, 0, 0, 0.7, LeftOut()), **given, **more,
        }
    )  # fmt: skip


def test_what_people_and_machines_did_is_said_in_its_terms() -> None:
    found = croissant(manifest(STATED, guidelines="Mark all."), "2026-02-03")
    assert "recordSet" in found
    said = {key: value for key, value in found.items() if key not in ("@context", "recordSet", "distribution")}
    tool = {"@type": "prov:SoftwareAgent", "name": "annotated-dataset-builder 0.1"}
    people = {"@type": "prov:Agent", "name": "2 annotators"}
    assert said == {
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": "news",
        "description": "About news.",
        "version": "1.2.0",
        "license": "https://here/licence",
        "creator": {"@type": "sc:Organization", "name": "We"},
        "inLanguage": ["en", "de"],
        "url": "https://here",
        "datePublished": "2026-02-03",
        "citeAs": "@me",
        "rai:dataCollection": "C",
        "rai:dataBiases": "B",
        "rai:dataLimitations": "L",
        "rai:dataUseCases": "U",
        "rai:dataSocialImpact": "S",
        "rai:personalSensitiveInformation": "P",
        "rai:annotatorDemographics": "D",
        "rai:dataReleaseMaintenancePlan": "M",
        "rai:dataCollectionType": ["Existing datasets", "Manual Human Curation"],
        "rai:dataCollectionTimeFrame": ["2026-01-01", "2026-01-09"],
        "rai:dataCollectionRawData": "1,200 news articles",
        "rai:dataPreprocessingProtocol": [
            "Every step of cleaning is kept as a map to the raw characters.",
            "Near-duplicates from a similarity of 0.5 are left out.",
            "Texts are cut into chunks (`sentences`, at most 180 tokens).",
        ],
        "rai:dataAnnotationPlatform": ["Label Studio 1.2"],
        "rai:dataAnnotationProtocol": ["Mark all."],
        "rai:dataAnnotationAnalysis": ["stance, alpha: 0.123", "Little."],
        "rai:annotationsPerItem": "2.25",
        "rai:machineAnnotationTools": ["No suggestion of a machine was shown to the annotators."],
        "prov:wasDerivedFrom": [{"@type": "prov:Entity", "name": "Post"}, {"@type": "prov:Entity", "name": "Times"}],
        "prov:wasGeneratedBy": [
            {"@type": "prov:Activity", "name": what, "prov:wasAssociatedWith": [agent]}
            for what, agent in (
                ("cleaning and chunking", tool),
                ("annotation in Label Studio 1.2", people),
                ("adjudication by majority", tool),
                ("release", tool),
            )
        ],
    }


def test_what_nobody_said_is_not_made_up() -> None:
    """What is empty is left out, or not stated; the address is that of the repository, or the name."""
    bare = manifest(Dataset(), repo="me/news", pull=Pull("c0ffee"), agreement={}, findings=[])
    bare.counts.published, bare.counts.sources, bare.counts.windows = [], {}, 0
    found = croissant(bare, "")
    assert found["description"] == "Labelled news texts, release 1.2.0."
    assert (found["license"], found["citeAs"], found["url"]) == (
        "other",
        "news",
        "https://huggingface.co/datasets/me/news",
    )
    assert found["creator"]["name"] == found["rai:dataCollection"] == "Not stated."
    assert found["rai:dataAnnotationProtocol"] == ["Not stated."]
    assert (found["rai:dataAnnotationPlatform"], found["rai:annotationsPerItem"]) == (["Label Studio"], "9.0")
    gone = {"datePublished", "rai:dataCollectionTimeFrame", "rai:dataAnnotationAnalysis", "prov:wasDerivedFrom"}
    assert gone.isdisjoint(found)
    named = croissant(manifest(replace(STATED, license_link="", homepage="")), "")
    assert (named["license"], named["url"]) == ("Own", "./news")


def test_files_of_configurations_with_rows_are_distributed() -> None:
    parquet = {"encodingFormat": "application/x-parquet"}
    path = "a/train-00000-of-00001.parquet"
    assert croissant(manifest(STATED), "")["distribution"] == [
        {"@type": "cr:FileObject", "@id": path, "name": path, **parquet, "contentUrl": path, "contentSize": "10 B",
         "sha256": "aa"},
        {"@type": "cr:FileSet", "@id": "files-a", "name": "files-a", **parquet, "includes": "a/*.parquet"},
        {"@type": "cr:FileSet", "@id": "files-b", "name": "files-b", **parquet, "includes": "b/*.parquet"},
    ]  # fmt: skip


def node(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"@type": kind, "@id": name, "name": name, **more}


def field(name: str, column: str, **more: Any) -> dict[str, Any]:
    """A field that is read from a column of the files of its configuration."""
    source = {"fileSet": {"@id": f"files-{name.partition('/')[0]}"}, "extract": {"column": column}}
    return node("cr:Field", name, **{"source": source, **more})


def split(name: str, names: str) -> dict[str, Any]:
    source = {
        "fileSet": {"@id": f"files-{name}"},
        "extract": {"fileProperty": "fullpath"},
        "transform": {"regex": f"^.*{name}/({names})-.*$"},
    }
    return node("cr:Field", f"{name}/split", dataType="sc:Text", source=source, **refers("splits/name"))


def refers(name: str) -> dict[str, Any]:
    return {"references": {"field": {"@id": name}}}


def test_every_column_is_a_field_and_every_label_a_record() -> None:
    array = {"isArray": True, "arrayShape": "-1"}
    splits, labels, tags, a, b = croissant(manifest(STATED), "")["recordSet"]
    assert splits == node(
        "cr:RecordSet", "splits", dataType="cr:Split", key={"@id": "splits/name"},
        field=[node("cr:Field", "splits/name", dataType="sc:Text")],
        data=[{"splits/name": name} for name in ("train", "test", "dev")],
    )  # fmt: skip
    assert labels == node(
        "cr:RecordSet", "a-label", dataType="sc:Enumeration", key={"@id": "a-label/id"},
        field=[
            node("cr:Field", "a-label/id", dataType="sc:Integer"), node("cr:Field", "a-label/name", dataType="sc:Text"),
        ],
        data=[{"a-label/id": 0, "a-label/name": "favor"}, {"a-label/id": 1, "a-label/name": "against"}],
    )  # fmt: skip
    assert tags["data"] == [{"a-tags/id": 0, "a-tags/name": "O"}]
    files = {"fileSet": {"@id": "files-a"}, "extract": {"column": "spans"}}
    parts = [
        field(f"a/spans/{part}", "spans", dataType=kind, source=files | {"transform": {"jsonPath": f"$.'{part}'"}})
        for part, kind in (("start", "sc:Integer"), ("sure", "sc:Boolean"))
    ]
    votes = {"fileSet": {"@id": "files-a"}, "extract": {"column": "votes"}, "transform": {"jsonPath": "$.'favor'"}}
    assert a == node(
        "cr:RecordSet", "a", key={"@id": "a/id"},
        field=[
            field("a/id", "id", dataType="sc:Text"),
            field("a/label", "label", dataType="sc:Integer", **refers("a-label/id")),
            field("a/nothing", "nothing", dataType="sc:Integer"),
            field("a/tags", "tags", **array, dataType="sc:Integer", description="Ids of a-tags."),
            field("a/shares", "shares", **array, dataType="sc:Float"),
            node("cr:Field", "a/votes", subField=[field("a/votes/favor", "", dataType="sc:Integer", source=votes)]),
            node("cr:Field", "a/spans", **array, repeated=True, subField=parts),
            split("a", "train|test"),
        ],
    )  # fmt: skip
    assert b["field"] == [field("b/id", "id", dataType="sc:Text"), split("b", "dev|train")]


def test_terms_are_those_of_croissant() -> None:
    context = croissant(manifest(STATED), "")["@context"]
    assert len(context) == 42
    assert {key: value for key, value in context.items() if value != f"cr:{key}"} == {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "prov": "http://www.w3.org/ns/prov#",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "description": {"@container": "@language"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "name": {"@container": "@language"},
    }
