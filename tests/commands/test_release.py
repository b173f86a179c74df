"""From raw files and a pull: releases are verified, rebuilt byte for byte, and traced back to raw bytes."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.parquet as pq
import pytest

from builder import export, pipeline, validate, verify
from builder.commands.releases import diff, log, plain_log, plain_trace, show_diff, show_log, show_verify, trace
from builder.config import Config
from builder.corpus.settings import Chunking
from builder.errors import ConfigError, GateError, ReleaseError
from builder.quality.settings import Gates, Quality
from builder.release.manifest import Change, Changes, RowChanges, read
from builder.release.settings import STATED
from builder.release.signing import sign
from builder.store import file_digest
from builder.tables import ARTICLES, CHUNKS
from tests.outcomes import elsewhere, short_exports
from tests.samples import Project


@pytest.fixture(autouse=True, scope="module")
def _unopened() -> Iterator[None]:
    """No release is opened before it takes its place, as `tests/release/test_verify.py` shows that it is."""
    with mock.patch("builder.release.export.check_loads"):
        yield


@pytest.fixture
def short() -> Iterator[None]:
    """Nor has one a page for people; those of the project below do, so that they are made again byte for byte."""
    with short_exports():
        yield


def pulled(project: Project) -> None:
    """The project has a pull of its raw files as they are now."""
    stage = pipeline.prepared(project.config)
    project.pull(stage.table("articles", ARTICLES).to_pylist(), stage.table("selected", CHUNKS).to_pylist())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the releases v1.0.0 and, after a correction, v1.0.1; each split has one article."""
    made = Project(tmp_path_factory.mktemp("project"), articles=3)
    made.dissent[0, 0, 0] = {"stances": {"ukraine": "neutral", "japan": "none"}}
    pulled(made)
    assert export(made.config).version == "v1.0.0"
    for user in (1, 2):
        made.dissent[user, 0, 0] = {
            "stances": {"ukraine": "neutral", "japan": "none"},
            "comment": "ask ada@example.com: Grace Hopper agrees with GRACE.",
        }
    pulled(made)
    assert export(made.config).version == "v1.0.1"
    assert not export(made.config).new
    return made


@pytest.fixture
def begun(project: Project, tmp_path: Path) -> Config:
    """The configuration of the project in a copy of its workspace; nothing is released there."""
    shutil.copytree(project.config.workspace, tmp_path / "workspace")
    return elsewhere(project.config, tmp_path / "workspace", tmp_path / "exports")


def folder(project: Project, version: str) -> Path:
    return Path(project.config.paths.exports) / "sample" / version


@pytest.mark.parametrize("version", ["v1.0.0", "v1.0.1"])
def test_every_release_is_rebuilt_byte_for_byte(project: Project, version: str) -> None:
    found = verify(project.config, version)
    assert found.rebuilt == "same bytes"
    assert found.shared == {"articles": 0, "exact_texts": 0, "near_texts": 0}


@pytest.mark.parametrize("damage", ["flip", "remove", "add"])
def test_a_damaged_release_is_found(project: Project, damage: str, tmp_path: Path) -> None:
    copy = tmp_path / "v1.0.0"
    shutil.copytree(folder(project, "v1.0.0"), copy)
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
        verify(project.config, str(copy), hashes_only=True)
    with pytest.raises(ReleaseError, match=r"stance/\S+ is"):
        diff(project.config, str(copy), "v1.0.1")
    with pytest.raises(ReleaseError, match=r"stance/\S+ is"):
        trace(project.config, "x", release=str(copy))


def of_format(project: Project, number: int, root: Path) -> Path:
    """The first release as format 1 or 2 had it: without digest; configurations without their kind."""
    shutil.copytree(folder(project, "v1.0.0"), root)
    path = root / "manifest.json"
    made = json.loads(path.read_text("utf-8")) | {"format": number}
    del made["digest"]
    for found in made["configs"].values():
        del found["kind"], found["judged"], found["question"]
    made["leakage"]["left_out"] = {"articles": 0, "chunks": 0, "pieces": 0}
    path.write_text(json.dumps(made, indent=2), "utf-8")
    return root


def test_a_release_of_an_older_format_is_verified_as_far_as_that_can_be_done(project: Project, tmp_path: Path) -> None:
    root = of_format(project, 1, tmp_path / "v1.0.0")
    found = verify(project.config, str(root))
    assert (found.version, found.files, found.rebuilt) == ("1.0.0", 20, "")
    assert found.shared == {"articles": 0, "exact_texts": 0, "near_texts": 0}
    assert found.unchecked == (
        "Format 1 is older. Not checked: whether the same inputs give it again and whether its manifest was changed."
    )
    assert list(show_verify(found)) == [f"verify: {root}: 20 files as released", f"  {found.unchecked}"]
    with pytest.raises(ReleaseError, match=r"has format 1, and this version of the builder reads format 3"):
        read(root)


@pytest.mark.parametrize("damage", ["flip", "leak", "rows"])
def test_what_is_wrong_in_a_release_of_an_older_format_is_found(project: Project, tmp_path: Path, damage: str) -> None:
    root = of_format(project, 2, tmp_path / "v1.0.0")
    path, stance = root / "manifest.json", next((root / "stance").glob("train-*"))
    made = json.loads(path.read_text("utf-8"))
    if damage == "flip":
        stance.write_bytes(stance.read_bytes()[:-1] + b"?")
        expected = "stance/train-.* is not what was released"
    elif damage == "leak":
        shutil.copy(next((root / "stance").glob("test-*")), stance)
        next(f for f in made["files"] if f["path"] == f"stance/{stance.name}")["sha256"] = file_digest(stance)
        expected = r"\d exact_texts are in several splits"
    else:
        made["configs"]["stance"]["splits"]["train"]["rows"] += 1
        expected = "does not load as it was declared: stance: train has"
    path.write_text(json.dumps(made), "utf-8")
    with pytest.raises(ReleaseError, match=expected):
        verify(project.config, str(root))


@pytest.mark.parametrize("digest", [True, False])
def test_a_manifest_that_was_edited_is_found_by_its_digest(digest: bool, project: Project, tmp_path: Path) -> None:
    """Or because it has none any more."""
    shutil.copytree(folder(project, "v1.0.0"), tmp_path / "v1.0.0")
    path = tmp_path / "v1.0.0/manifest.json"
    edited = path.read_text("utf-8").replace('"recorded": true', '"recorded": false')
    path.write_text(edited if digest else re.sub(r'  "digest": .*\n', "", edited), "utf-8")
    with pytest.raises(ReleaseError, match=r"manifest\.json was changed after it was written"):
        verify(project.config, str(tmp_path / "v1.0.0"), hashes_only=True)


def test_it_is_said_who_signed_a_release(project: Project, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    root = tmp_path / "v1.0.0"
    shutil.copytree(folder(project, "v1.0.0"), root)
    sign(root, str(tmp_path / "key"))
    found = verify(project.config, str(root), hashes_only=True)
    assert found.signed_by.startswith("with ED25519 key SHA256:")
    assert list(show_verify(found)) == [f"verify: {root}: 20 files as released, signed by {found.signed_by}"]
    config = replace(project.config, export=replace(project.config.export, signers=str(tmp_path / "nobody")))
    with pytest.raises(ReleaseError, match="does not hold"):
        verify(config, str(root), hashes_only=True)


def test_a_leak_in_the_files_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.release import verify as module

    monkeypatch.setattr(module, "certify", lambda *_: {"articles": 0, "exact_texts": 2, "near_texts": 0})
    with pytest.raises(ReleaseError, match="2 exact_texts are in several splits"):
        verify(project.config, "v1.0.0")


def test_without_its_pull_a_release_cannot_be_rebuilt(project: Project, tmp_path: Path) -> None:
    config = replace(project.config, paths=replace(project.config.paths, workspace=str(tmp_path)))
    with pytest.raises(ReleaseError, match="cannot be rebuilt"):
        verify(config, "v1.0.0")
    assert verify(config, "v1.0.0", hashes_only=True).files


def test_a_copy_elsewhere_is_rebuilt_like_the_release(project: Project, tmp_path: Path) -> None:
    root = tmp_path / "copies/mine"
    shutil.copytree(folder(project, "v1.0.1"), root)
    assert verify(project.config, str(root)).rebuilt == "same bytes"


def test_without_the_release_before_it_none_can_be_rebuilt(project: Project, tmp_path: Path) -> None:
    """That one decided splits and the ids of labels."""
    root = tmp_path / "sample" / "v1.0.1"
    shutil.copytree(folder(project, "v1.0.1"), root)
    with pytest.raises(ReleaseError, match=r"v1\.0\.0, on which v1\.0\.1 builds, is missing\. Put it back into"):
        verify(project.config, str(root))
    assert verify(project.config, str(root), hashes_only=True).files


@pytest.mark.parametrize("change", ["edited", "gone"])
def test_raw_files_that_are_not_what_they_were_are_named(change: str, project: Project, tmp_path: Path) -> None:
    """No rebuild can tell then; the release itself is as it was."""
    raw = tmp_path / "raw"
    shutil.copytree(project.config.raw, raw)
    path = raw / "002.txt"
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"witnesses", b"bystanders", 1))
    config = replace(project.config, paths=replace(project.config.paths, raw=str(raw)))
    with pytest.raises(ReleaseError, match=r"are as released, but the raw records of 1 of its articles are not"):
        verify(config, "v1.0.0")
    assert verify(config, "v1.0.0", hashes_only=True).files


def test_a_diff_tells_the_correction(project: Project) -> None:
    found = diff(project.config, "v1.0.0", "latest")
    assert found.level == "patch"
    assert list(found.rows["stance"].labels.values()) == [1]
    with pytest.raises(ReleaseError, match=r"v9\.9\.9.*v1\.0\.0, v1\.0\.1"):
        diff(project.config, "v9.9.9", "v1.0.0")


def test_a_diff_shows_a_few_changes_of_each_configuration() -> None:
    stances = [Change(f"s{number}", "favor -> none", "favor", "none") for number in range(7)]
    spans = [Change("e1", "moved", "ORG 0-3 'IBM'", "ORG 0-4 'IBM.'"), Change("e2", "added", "", "GPE 5-8 'Ruq'")]
    rows = {"stance": RowChanges("answers", examples=stances), "entities": RowChanges("entities", examples=spans)}
    assert list(show_diff(Changes("patch", "1.0.0", "1.0.1", rows=rows))) == [
        "diff v1.0.0 v1.0.1: patch",
        "  Nothing that counts changed.",
        *(f"    stance s{number}: favor -> none" for number in range(5)),
        "    entities e1: moved ORG 0-3 'IBM' -> ORG 0-4 'IBM.'",
        "    entities e2: added GPE 5-8 'Ruq'",
    ]


def traced(project: Project, configuration: str, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first row of a configuration that has a label, and what it is traced to."""
    path = next(folder(project, "v1.0.1").glob(f"{configuration}/*.parquet"))
    row = next(row for row in pq.read_table(path).to_pylist() if row.get("entities") != [])
    return row, plain_trace(trace(replace(project.config, **changes), f"{configuration}/{row['id']}"))


@pytest.mark.parametrize("configuration", ["entities", "stance", "evidence", "annotations"])
def test_a_row_is_traced_to_its_raw_bytes(project: Project, configuration: str) -> None:
    row, found = traced(project, configuration)
    assert found["release"]["configuration"] == configuration
    raw = (project.config.raw / found["place"]["file"]).read_bytes()
    start, end = found["place"]["bytes"]
    assert raw[start:end].decode() == row["text"]
    assert found["article"]["article_id"] == row["article_id"]
    assert len(found["annotations"]) == (1 if configuration == "annotations" else 3)
    assert all(a["task"] for a in found["annotations"])
    assert found["gold"]
    for gold in found["gold"]:
        assert len(gold["votes"]) == 3
        if "place" in gold:
            start, end = gold["place"]["bytes"]
            assert raw[start:end].decode() == gold["text"] == gold["place"]["raw_text"]


def test_gold_is_that_of_the_row(project: Project) -> None:
    row, found = traced(project, "stance")
    assert [(g["question"], g["target"]) for g in found["gold"]] == [("stance", row["target"])]
    assert found["release"]["row"]["label"] == found["gold"][0]["label"]
    row, found = traced(project, "entities")
    expected = sorted((s["text"], s["label"]) for s in row["entities"])
    assert sorted((g["text"], g["label"]) for g in found["gold"] if g["status"] != "rejected") == expected
    row, found = traced(project, "evidence")
    assert {g["text"] for g in found["gold"]} == {row["span"]}


def test_tasks_are_linked_to_label_studio(project: Project) -> None:
    there = replace(project.config.label_studio, url="http://labels.test/app/")
    _, found = traced(project, "entities", label_studio=there)
    tasks = {a["task"] for a in found["annotations"]}
    assert all(task.startswith("http://labels.test/app/projects/1/data?task=") for task in tasks)
    assert {vote["task"] for gold in found["gold"] for vote in gold["votes"]} == tasks


def test_an_unknown_row_is_said(project: Project) -> None:
    with pytest.raises(ReleaseError, match="no-such-row"):
        trace(project.config, "no-such-row")


def test_no_private_word_is_in_a_release(project: Project) -> None:
    root = folder(project, "v1.0.1")
    content = b"".join(p.read_bytes() for p in root.rglob("*") if p.is_file())
    content += b"".join(str(pq.read_table(p).to_pylist()).encode() for p in root.rglob("*.parquet"))
    assert b"[e-mail]" in content
    for word in (b"@example.com", b"ada@", str(project.config.workspace).encode()):
        assert word not in content


@pytest.mark.usefixtures("short")
def test_names_in_comments_are_in_no_release_on_request(begun: Config) -> None:
    """Nor in its manifest; and the release is made again from what the workspace noted."""
    names = replace(begun.export, names=["Grace", "Grace Hopper"])
    root = export(replace(begun, export=names)).folder
    comments = [row["comment"] for path in root.glob("annotations/*") for row in pq.read_table(path).to_pylist()]
    assert [comment for comment in comments if comment] == ["ask [e-mail]: [name] agrees with [name]."] * 2
    assert "Grace" not in (root / "manifest.json").read_text("utf-8")
    assert verify(begun, "v1.0.0").rebuilt == "same bytes"


@pytest.mark.usefixtures("short")
def test_another_chunking_releases_what_annotators_saw(project: Project, begun: Config) -> None:
    """The same pull under chunks of whole articles: spans follow, answers stay with their windows."""
    again = export(replace(begun, chunking=Chunking(method="paragraphs", max_tokens=400))).folder
    old = folder(project, "v1.0.1")
    for name in ("stance", "annotations", "evidence"):
        a, b = (
            sorted((r for p in (root / name).glob("*") for r in pq.read_table(p).to_pylist()), key=lambda r: r["id"])
            for root in (old, again)
        )
        assert a == b
    spans = [
        sum(len(r["entities"]) for p in (root / "entities").glob("*") for r in pq.read_table(p).to_pylist())
        for root in (old, again)
    ]
    assert spans[0] == spans[1] > 0


@pytest.mark.usefixtures("short")
def test_a_failed_gate_stops_the_release(tmp_path: Path) -> None:
    made = Project(tmp_path, articles=2)
    for user, label in enumerate(("favor", "against", "neutral")):
        made.dissent[user, 0, 0] = {"stances": {"ukraine": label, "japan": "none"}}
    pulled(made)
    strict = replace(made.config, quality=Quality(gates=Gates(max_unresolved=0.0)))
    with pytest.raises(GateError, match="unresolved"):
        export(strict)
    assert not (tmp_path / "exports").exists()
    root = export(replace(strict, export=replace(strict.export, below_gates=True))).folder
    assert "Released below its quality gates" in (root / "README.md").read_text("utf-8")


def test_an_older_release_is_traced_in_its_own_stages(project: Project) -> None:
    row = pq.read_table(next(folder(project, "v1.0.0").glob("stance/*.parquet"))).to_pylist()[0]
    found = trace(project.config, f"stance/{row['id']}", release="v1.0.0")
    assert found.folder.name == "v1.0.0"
    assert found.trace.row["id"] == row["id"]


def test_an_edited_manifest_is_seen_by_its_digest(project: Project, tmp_path: Path) -> None:
    copy = tmp_path / "v1.0.0"
    shutil.copytree(folder(project, "v1.0.0"), copy)
    text = (copy / "manifest.json").read_text("utf-8")
    assert verify(project.config, str(copy), hashes_only=True).version == "1.0.0"
    (copy / "manifest.json").write_text(text.replace('"annotators": 3', '"annotators": 9', 1), "utf-8")
    with pytest.raises(ReleaseError, match=r"manifest\.json was changed after it was written"):
        verify(project.config, str(copy), hashes_only=True)


@pytest.mark.usefixtures("short")
def test_a_release_is_verified_without_repeating_its_settings(begun: Config, tmp_path: Path) -> None:
    """Neither the variant nor absolute paths, which a manifest conceals, have to be given again."""
    said = tmp_path / "people.csv"
    said.write_text("email,background\nada@example.com,editor\nben@example.com,editor\n", "utf-8")
    dataset = replace(begun.dataset, self_descriptions=str(said), min_group=2)
    variant = replace(begun.export, variant="own", tags="bioes")
    root = export(replace(begun, dataset=dataset, export=variant)).folder
    assert str(said) not in (root / "manifest.json").read_text("utf-8")
    people = {row["background"] for row in pq.read_table(root / "provenance/annotators.parquet").to_pylist()}
    assert people == {"editor", None}
    assert verify(begun, f"{root.parent.name}/{root.name}").rebuilt == "same bytes"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,age\nada,30\n", "line 1 needs `email`"),
        ("email,role\nada@example.com,editor\n", "line 1 needs `email`"),
        ("email,age,age\nada@example.com,30,30\n", "line 1 needs `email`"),
        ("", "line 1 needs `email`"),
        ("email,age\nada@example.com,30\nada@example.org,30\n", "line 3 has an address that no account"),
        ("email,age\nada@example.com,30\n\n Ada@example.com,40\n", "line 4 describes somebody a second time"),
        ("email,age\nada@example.com,30,editor\n", "line 2 has another number of cells"),
        ('email,age\nada@example.com,"30\n', "unexpected end of data"),
        ("email,age\nada@example.com,\x9c30\n", "codec can't decode"),
    ],
)
def test_a_file_of_self_descriptions_is_refused(project: Project, tmp_path: Path, text: str, reason: str) -> None:
    said = tmp_path / "people.csv"
    said.write_bytes(text.encode("latin-1"))
    dataset = replace(project.config.dataset, self_descriptions=str(said))
    with pytest.raises(ConfigError, match=re.escape(reason)) as raised:
        export(replace(project.config, dataset=dataset))
    assert "@" not in raised.value.message.replace(str(said), "")


def test_the_log_lists_releases(project: Project) -> None:
    first, second = found = log(project.config)
    first_row, second_row = plain_log(found)
    assert (first_row["version"], first_row["level"], second_row["version"], second_row["level"]) == (
        "v1.0.0",
        "first",
        "v1.0.1",
        "patch",
    )
    assert first_row["rows"]["annotations"] == second_row["rows"]["annotations"] > 0
    assert first.digest != second.digest
    assert first.pull.hash != second.pull.hash
    assert next(iter(show_log([first]))).startswith("v1.0.0 (first): 3 articles, 3 annotators, pull ")
    assert list(show_log([])) == ["log: no release yet. Run `builder export` first."]


@pytest.mark.usefixtures("short")
def test_another_format_adds_files_to_the_release(begun: Config) -> None:
    first = export(begun)
    again = export(replace(begun, export=replace(begun.export, formats=["jsonl"])))
    assert (again.version, again.new) == ("v1.0.0", False)
    assert (first.folder / "jsonl/stance/train.jsonl").is_file()
    assert any(file.path.startswith("jsonl/") for file in again.manifest.files)
    assert verify(begun, "v1.0.0").rebuilt == "same bytes"
    assert not export(begun).new


@pytest.mark.usefixtures("short")
def test_split_settings_that_cannot_apply_say_so(begun: Config) -> None:
    export(begun)
    again = export(replace(begun, split=replace(begun.split, seed=9)))
    assert not again.new
    assert again.manifest.changes.notes == ["split.seed differ: 3 articles keep the split of earlier releases."]


@pytest.mark.usefixtures("short")
def test_reworded_guidelines_are_a_patch_with_their_words(begun: Config) -> None:
    export(begun)
    reworded = replace(begun.labels, guidelines=f"{begun.labels.guidelines}\nLeave out titles.")
    again = export(replace(begun, labels=reworded))
    assert again.version == "v1.0.1"
    assert "- Reworded, guidelines: + Leave out titles." in (again.folder / "CHANGELOG.md").read_text("utf-8")


def test_what_only_people_can_say_is_asked_for(project: Project) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.uses: it is empty\. What the dataset is made for\."):
        validate(project.config, card=True)
    dataset = replace(project.config.dataset, license="mit", **dict.fromkeys(STATED, "Said."))
    assert validate(replace(project.config, dataset=dataset), card=True).name == "validate"
