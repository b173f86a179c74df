"""The commands from raw files to gold: what they refuse, and what they say about their results."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from builder import adjudicate, export, prepare, validate, verify
from builder.config import Config
from builder.errors import ConfigError, GateError
from builder.pseudonyms import quality_of
from builder.quality.settings import Aggregation, Gates
from builder.questions.decode import pseudonym
from builder.studio.pull_records import read_key
from builder.studio.settings import Annotators
from builder.tables import GOLD_SPANS, rows_of
from tests.outcomes import pulled, short_exports
from tests.results import printed
from tests.samples import EMAILS, Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three articles in twelve chunks that three annotators labelled alike, but for one answer."""
    made = Project(tmp_path_factory.mktemp("project"), articles=3)
    made.dissent[0, 0, 0] = {"stances": {"ukraine": "neutral", "japan": "none"}}
    pulled(made)
    return made


@pytest.fixture
def short() -> Iterator[None]:
    with short_exports():
        yield


def names(project: Project) -> list[str]:
    key = read_key(project.config.workspace / "pseudonyms.key")
    return [pseudonym(key, email) for email in EMAILS]


@pytest.mark.parametrize("command", [validate, adjudicate, export])
def test_settings_that_name_nobody_are_refused_at_once(project: Project, command: object) -> None:
    known = names(project)
    config = project.config
    aggregation = replace(config.aggregation, experts=["annotator-0", known[1]], weights={"annotator-1": 2.0})
    quality = replace(config.quality, asked={"annotator-2": ["GPE"], known[0]: ["GPE"]})
    with pytest.raises(ConfigError) as caught:
        command(replace(config, aggregation=aggregation, quality=quality))  # type: ignore[operator]
    assert [(fault.key, fault.problem) for fault in caught.value.faults] == [
        ("aggregation.experts", "nobody annotates as 'annotator-0'."),
        ("aggregation.weights", "nobody annotates as 'annotator-1'."),
        ("quality.asked", "nobody annotates as 'annotator-2'."),
    ]
    assert all(fault.hint.startswith("Did you mean annotator-") for fault in caught.value.faults)


def test_people_of_the_workspace_and_of_the_configuration_are_known(project: Project, tmp_path: Path) -> None:
    """Also those who annotated another dataset, and those who are yet to begin."""
    dee = pseudonym(read_key(project.config.workspace / "pseudonyms.key"), "dee@example.com")
    config = project.config
    experts = replace(config.aggregation, experts=[dee, names(project)[0]])
    with pytest.raises(ConfigError, match=dee):
        adjudicate(replace(config, aggregation=experts))
    people = Annotators(people={"dee": "dee@example.com"}, overlap=1)
    assert adjudicate(replace(config, aggregation=experts, annotators=people)).name == "adjudicate"
    (tmp_path / "people.csv").write_text(
        "name,email,role,active,pseudonym\ndee,dee@example.com,annotator,yes,reader-4\n"
    )
    file = Annotators(file=str(tmp_path / "people.csv"), overlap=1)
    by_name = replace(config.aggregation, experts=["reader-4", names(project)[0]])
    assert adjudicate(replace(config, aggregation=by_name, annotators=file)).name == "adjudicate"
    with pytest.raises(ConfigError, match=dee):
        adjudicate(replace(config, aggregation=experts, annotators=file))
    pull = project.config.workspace / "other" / "pulls" / "0" / "users.json"
    pull.parent.mkdir(parents=True)
    pull.write_text('{"7": {"email": "Dee@example.com"}}')
    assert adjudicate(replace(config, aggregation=experts)).summary["gold_answers"]["expert"] == 24


@pytest.mark.usefixtures("short")
def test_labels_in_the_file_of_people_say_who_was_asked(tmp_path: Path) -> None:
    """One who was not asked for a label does not vote against it, and a release is made again without the file."""
    project, file = Project(tmp_path, articles=1), tmp_path / "people.csv"
    project.dissent = {(0, 0, 1): {"spans": []}, (1, 0, 1): {"spans": []}}
    pulled(project)

    def asking(*labels: str) -> Config:
        rows = [f"p{n},{email},{some}" for n, (email, some) in enumerate(zip(EMAILS, labels, strict=True))]
        file.write_text("\n".join(["name,email,labels", *rows]), encoding="utf-8")
        return replace(project.config, annotators=Annotators(file=str(file), overlap=3, layout="each"))

    def found(config: Config) -> list[tuple[str, str]]:
        spans = adjudicate(config).table("gold_spans", GOLD_SPANS)
        return sorted({row for row in rows_of(spans, "label", "status") if row[1] != "agreed"})

    rejected = [(label, "rejected") for label in ("GPE", "ORG", "PERSON")]
    assert found(asking("", "", "")) == [("EVIDENCE", "unresolved"), *rejected]
    config, known = asking("GPE", "GPE ORG", ""), names(project)
    assert found(config) == [
        ("EVIDENCE", "unresolved"), ("GPE", "rejected"), ("ORG", "unresolved"), ("PERSON", "single"),
    ]  # fmt: skip
    assert all(verdict["holds"] for verdict in validate(config).summary["gates"]), "all three voted on the chunk"
    asked = {known[0]: ["GPE", "EVIDENCE"], known[1]: ["GPE", "ORG", "EVIDENCE"]}
    given = replace(config, quality=replace(config.quality, asked={known[0]: ["GPE"]}))
    assert (quality_of(config).asked, quality_of(given).asked) == (asked, asked)
    given.quality.asked[known[1]] = ["ORG"]
    with pytest.raises(ConfigError, match=rf"names ORG for {known[1]}, and \S+people.csv:3 other labels"):
        validate(given)
    backwards = dict(sorted(asked.items(), reverse=True))
    by_hand = replace(config, annotators=Annotators(), quality=replace(config.quality, asked=backwards))
    assert (export(by_hand).version, verify(by_hand).rebuilt) == ("v1.0.0", "same bytes")
    made = export(config)
    asking("ORG", "", "")
    assert verify(config, made.version).rebuilt == "same bytes"


def test_what_was_prepared_is_shown(project: Project) -> None:
    said = printed("prepare", prepare(project.config))
    lines = {tuple(line.split()) for line in said.splitlines()}
    assert {("articles", "3"), ("chunks", "12"), ("selected", "12"), ("encoding:", "utf-8", "3")} <= lines
    assert "are new" not in said
    again = printed(
        "prepare", prepare(replace(project.config, chunking=replace(project.config.chunking, max_tokens=20)))
    )
    assert "chunks are new and" in again


def lines_of(said: str) -> list[list[str]]:
    """The words of every line that has some."""
    return [line.split() for line in said.splitlines() if line.strip()]


def test_what_was_found_is_shown(project: Project) -> None:
    said = printed("validate", validate(project.config))
    assert said.startswith("validate: 36 annotations, 168 spans, 72 answers; 0 issues, 0 annotations in quarantine\n")
    lines = lines_of(said)
    start = lines.index(["Agreement", "on", "stance"])
    assert lines[start + 1] == ["items", "observed", "cohen", "fleiss", "alpha", "alpha", "interval"]
    assert lines[start + 3] == ["japan", "12", *["1.000"] * 5, "to", "1.000"]
    assert lines[start + 4][:4] == ["ukraine", "12", "0.944", "0.925"]
    assert lines[start + 5][:4] == ["all", "targets", "24", "0.972"]
    assert lines[start + 6] == ["Span", "agreement"]
    assert [line[:-3] for line in lines[start + 9 : start + 14]] == [
        ["GPE", "144"],
        ["ORG", "72"],
        ["PERSON", "72"],
        ["all", "of", "entity", "288"],
        ["EVIDENCE", "48"],
    ]
    people = next(i for i, line in enumerate(lines) if line[:3] == ["annotator", "done", "empty"])
    assert lines[people][-3:] == ["F1", "gold", "q."]
    assert {line[0] for line in lines[people + 2 : people + 5]} == set(names(project))
    assert all(line[1:7] == ["12", "0", "0", "0", "1.00", "20.00"] for line in lines[people + 2 : people + 5])
    assert f"{names(project)[0]} on stance: right in 96% (80% to 99%) of 24." in said
    assert any(line[:3] == ["max_quarantined", "0.2", "yes"] for line in lines)
    assert "\nChecks" not in said


def test_what_checks_found_is_shown_with_the_first_of_each(project: Project) -> None:
    made = validate(project.config)
    about = {"severity": "warning", "count": 7, "annotator": "a1"}
    issues = [
        {**about, "check": "fast-empty", "message": "Too fast.", "chunk_id": "c1"},
        {**about, "check": "one-label", "message": "Always GPE.", "chunk_id": None},
    ]
    result = SimpleNamespace(summary={**made.summary, "issues": issues, "gates": []}, json=made.json)
    lines = lines_of(printed("validate", result))
    assert ["fast-empty", "warning", "7", "Too", "fast.", "(chunk", "c1)"] in lines
    assert ["one-label", "warning", "7", "Always", "GPE.", "(a1)"] in lines
    assert ["Gates"] not in lines


def test_a_gate_that_does_not_hold_is_refused_with_its_stage(project: Project) -> None:
    strict = replace(project.config.quality, gates=Gates(min_alpha=1.0))
    with pytest.raises(GateError, match="Below the quality gates: ") as caught:
        validate(replace(project.config, quality=strict))
    lines = lines_of(printed("validate", caught.value.result))
    assert [line[:3] for line in lines if line[0] == "min_alpha"] == [
        ["min_alpha", "1", "yes"],
        ["min_alpha", "1", "NO"],
    ]


def test_what_was_decided_is_shown(project: Project) -> None:
    title, heads, _, answers, spans, *said = lines_of(printed("adjudicate", adjudicate(project.config)))
    assert " ".join(title) == "Gold of 12 chunks by auto"
    assert heads == ["gold", "agreed", "single", "adjudicated", "expert", "unresolved", "rejected"]
    assert answers == ["gold", "answers", "23", "0", "1", "0", "0", "0"]
    assert spans == ["gold", "spans", "56", "0", "0", "0", "0", "0"]
    assert [line[:3] for line in said] == [["adjudicate:", kind, "by"] for kind in ("entity", "evidence", "stance")]
    named = printed("adjudicate", adjudicate(replace(project.config, aggregation=Aggregation(method="majority"))))
    assert named.startswith("Gold of 12 chunks by majority")
    assert "adjudicate:" not in named
