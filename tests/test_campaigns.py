"""What people are asked, from the stages and pulls of a configuration; Label Studio itself is not asked."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from builder import campaigns, pipeline, tables
from builder.config import Config, Dataset, Paths
from builder.corpus.settings import Selection, Source
from builder.errors import ConfigError, SourceError, StoreError
from builder.pipeline import KeptPull
from builder.quality.settings import Quality
from builder.questions.decode import pseudonym
from builder.stage import exclusive
from builder.studio.push import Pushed, PushedProject
from builder.studio.settings import Annotators, LabelStudio, Suggestions
from tests import samples
from tests.samples import Crowd, Project


def progress(what: str, done: int, total: int | None) -> None:
    """Progress that is told apart from `silent`."""


class Heard:
    """A function that keeps what it is called with."""

    def __init__(self, result: Any = None) -> None:
        self.result = result
        self.given: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.given, self.named = given, named
        return self.result


@pytest.fixture
def push(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What goes to Label Studio; one chunk cannot be stored there."""
    reject = {"source_path": "0.txt", "record": 0, "reason": "too long", "detail": ""}
    heard = Heard(Pushed("http://x", "1", projects=[PushedProject(slot="all", url="http://x/1")], rejects=[reject]))
    monkeypatch.setattr(campaigns, "push", heard)
    return heard


def test_selected_chunks_go_out_with_what_is_known_of_their_articles(tmp_path: Path, push: Heard) -> None:
    project = Project(tmp_path, articles=4, selection=Selection(budget=3, seed=2))
    assert campaigns.pushed(project.config, progress) is push.result
    campaign, chunks, articles, known = push.given
    assert campaign == pipeline.campaign(project.config)
    stage = pipeline.prepared(project.config)
    assert chunks == stage.table("selected", tables.CHUNKS).to_pylist()
    named = {chunk["article_id"] for chunk in chunks}
    assert len(chunks) == 3
    assert 0 < len(named) < 4, "not all articles have a selected chunk"
    assert {article["article_id"] for article in articles} == named
    every = Counter(stage.table("chunks", tables.CHUNKS)["article_id"].to_pylist())
    assert [article["chunks"] for article in articles] == [every[article["article_id"]] for article in articles]
    about = {*articles[0]}
    assert about == {"article_id", "source_path", "record", "title", "published", "source", "targets", "chunks"}
    assert known == frozenset()
    assert push.named == {"dry_run": False, "progress": progress}


def test_rejected_chunks_are_written_down_unless_nothing_was_done(tmp_path: Path, push: Heard) -> None:
    project = Project(tmp_path, articles=1)
    file = project.config.dataset_folder / "push-rejects.parquet"
    campaigns.pushed(project.config, dry_run=True)
    assert push.named["dry_run"] is True
    assert not file.exists()
    campaigns.pushed(project.config)
    assert [row["reason"] for row in pq.read_table(file).to_pylist()] == ["too long"]


@pytest.fixture
def asked(tmp_path: Path) -> tuple[Project, list[dict[str, Any]]]:
    """A project of 12 chunks, all selected, with 4 gold questions among them."""
    project = Project(tmp_path, articles=3)
    rows = pipeline.prepared(project.config).table("chunks", tables.CHUNKS).to_pylist()
    lines = [{key: row[key] for key in ("article_id", "start", "end")} for row in rows[:4]]
    file = tmp_path / "known.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    project.config.quality = Quality(bootstrap=20, questions=str(file), question_rate=0.2)
    return project, rows


def test_gold_questions_that_are_due_are_spread_among_the_other_chunks(
    asked: tuple[Project, list[dict[str, Any]]], push: Heard
) -> None:
    """8 other chunks and a rate of a fifth make 2 gold questions due, of 4; the others are asked as selected chunks."""
    project, rows = asked
    campaigns.pushed(project.config)
    _, chunks, _, known = push.given
    assert known == set(sorted(row["chunk_id"] for row in rows[:4])[:2])
    assert sorted(chunk["chunk_id"] for chunk in chunks) == sorted(row["chunk_id"] for row in rows)
    places = [n for n, chunk in enumerate(chunks) if chunk["chunk_id"] in known]
    assert places == [3, 9], "at even distances"
    assert {frozenset(chunk) for chunk in chunks} == {frozenset(tables.CHUNKS.names)}


def test_gold_questions_are_asked_that_were_not_selected(
    asked: tuple[Project, list[dict[str, Any]]], push: Heard
) -> None:
    project, rows = asked
    project.config.selection = Selection(budget=1)
    (selected,) = pipeline.prepared(project.config).table("selected", tables.CHUNKS)["chunk_id"].to_pylist()
    lines = [{key: row[key] for key in ("article_id", "start", "end")} for row in rows if row["chunk_id"] != selected]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    Path(project.config.quality.questions).write_text(text, encoding="utf-8")
    campaigns.pushed(project.config)
    _, chunks, articles, known = push.given
    assert len(known) == 1
    assert {chunk["chunk_id"] for chunk in chunks} == {selected, *known}
    assert {article["article_id"] for article in articles} == {chunk["article_id"] for chunk in chunks}


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_nothing_goes_out_where_no_chunk_is_selected_and_no_gold_question_is_due(
    asked: tuple[Project, list[dict[str, Any]]], push: Heard, rate: float
) -> None:
    project, _ = asked
    project.config.quality.question_rate = rate
    project.config.selection = Selection(fraction=0)
    campaigns.pushed(project.config)
    assert push.given[1:] == ([], [], frozenset())


def test_gold_questions_of_other_chunks_are_refused(asked: tuple[Project, list[dict[str, Any]]], push: Heard) -> None:
    project, _ = asked
    line = {"article_id": "none", "start": 0, "end": 1}
    Path(project.config.quality.questions).write_text(json.dumps(line), encoding="utf-8")
    with pytest.raises(SourceError, match=r"No gold question in .*known\.jsonl matches a chunk\."):
        campaigns.pushed(project.config)
    assert push.given == ()


ADA, BEN = "ada@example.org", "ben@example.org"
KEY = b"k" * 32


class Kept:
    """A pull and its stages: by ada and ben, and by one who is not an annotator any more."""

    def __init__(self, folder: Path) -> None:
        self.pull = KeptPull(folder, "0" * 64, KEY, {BEN: "annotator-given"})
        ada, ben = (pseudonym(KEY, email, self.pull.given) for email in (ADA, BEN))
        assert ben == "annotator-given"
        self.crowd = Crowd().add("c1", ada, annotation_id="1:1").add("c1", ben, annotation_id="1:2", quarantined=True)
        self.crowd.add("c2", ben, annotation_id="1:3").add("c2", "annotator-who-left", annotation_id="1:4")
        self.crowd.add("c3", ada, annotation_id="1:5", quarantined=True).add("c3", ben, "", annotation_id="1:6")
        self.crowd.add("c2", ada, annotation_id="2:7", parent_id="1:3", project_id=2)
        about = {"severity": "warning", "chunk_id": "c1"}
        found = [("missing-answer", "1:1"), ("fast-empty", "1:2"), ("missing-answer", "1:3")]
        self.issues = tables.build([{**about, "check": c, "annotation_id": a} for c, a in found], tables.ISSUES)
        gold = {"gold_spans": tables.GOLD_SPANS, "gold_answers": tables.GOLD_ANSWERS}
        self.read: dict[str, Any] = {name: tables.build([], schema) for name, schema in gold.items()}
        names = ("annotations", "spans", "answers", "windows")
        self.read |= {name: getattr(self.crowd, name) for name in names} | {"issues": self.issues}
        self.config = Config(
            paths=Paths(workspace=str(folder / "workspace")),
            dataset=Dataset(name="sample"),
            labels=samples.scheme(),
            annotators=Annotators(overlap=2, people={"ada": ADA, "ben": BEN}),
        )

    def table(self, name: str, schema: Any) -> Any:
        assert self.read[name].schema == schema
        return self.read[name]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The stages and the pull of every configuration."""
    made = Kept(tmp_path)
    for name in ("checked", "gold"):
        monkeypatch.setattr(pipeline, name, lambda config, progress, made=made: made)
    monkeypatch.setattr(pipeline, "chosen_pull", lambda config: made.pull)
    return made


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("missing", {"ada": ["1:1"], "ben": ["1:3"]}),
        ("quarantined", {"ada": ["1:5"], "ben": ["1:2"]}),
        ("all", {"ada": ["1:1", "1:5"], "ben": ["1:2", "1:3", "1:6"], "": ["1:4"]}),
    ],
)
def test_annotations_go_back_to_whom_they_are_by_with_those_in_quarantine_and_without_reviews(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, which: str, expected: dict[str, list[str]]
) -> None:
    monkeypatch.setattr(campaigns, "reopen", heard := Heard(object()))
    for dry_run in (False, True):
        assert campaigns.reopened(kept.config, which, progress, dry_run=dry_run) is heard.result
        campaign, folder, chosen = heard.given
        assert {name: sorted(ids) for name, ids in chosen.items()} == expected
        assert campaign == pipeline.campaign(kept.config)
        assert folder == kept.pull.folder
        assert heard.named == {"dry_run": dry_run, "progress": progress}


def test_chunks_that_a_file_names_go_back(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "reopen", heard := Heard())
    (tmp_path / "chunks.txt").write_text("c1\nc9\n", encoding="utf-8")
    campaigns.reopened(kept.config, str(tmp_path / "chunks.txt"), progress, dry_run=False)
    assert heard.given[2] == {"ada": ["1:1"], "ben": ["1:2"]}


def test_what_is_no_reason_and_no_file_is_refused(kept: Kept, tmp_path: Path) -> None:
    for which in ("quarantine", str(tmp_path)):
        with pytest.raises(ConfigError, match=r"is no reason to reopen chunks, and no file\.") as error:
            campaigns.reopened(kept.config, which, progress, dry_run=False)
        assert error.value.hint == "Give missing, quarantined, all, or a file."


@pytest.mark.parametrize("found", [0, 2])
@pytest.mark.parametrize("dry_run", [False, True])
def test_open_cases_go_to_an_expert_unless_nothing_is_to_be_done(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, found: int, dry_run: bool
) -> None:
    cases = [SimpleNamespace(chunk_id=f"c{n}") for n in range(found)]
    lines = [{"data": {"chunk_id": "c0"}}, {"data": {"chunk_id": "c1"}}]
    (kept.pull.folder / "tasks.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    monkeypatch.setattr(campaigns, "review_cases", asked := Heard(cases))
    monkeypatch.setattr(campaigns, "send_review", sent := Heard(PushedProject(slot="review")))
    made = campaigns.reviewed(kept.config, progress, dry_run=dry_run)
    names = ("annotations", "spans", "answers", "issues", "gold_spans", "gold_answers", "windows")
    assert list(asked.given) == [*(kept.read[name] for name in names), kept.config.labels]
    assert made.open == ["c0", "c1"][:found]
    assert made.decided == 1, "the review of c2"
    if dry_run or not found:
        assert made.sent is None
        assert sent.given == ()
    else:
        assert made.sent is sent.result
        assert sent.given == (pipeline.campaign(kept.config), cases, {"c0": lines[0]["data"], "c1": lines[1]["data"]})
        assert sent.named == {"progress": progress}


def test_a_preview_is_a_dataset_of_its_own_with_an_example(
    tmp_path: Path, push: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the configuration that says which chunks are asked, by whom and with which suggestions reaches it."""
    annotators = Annotators(
        kind="recorded", recorded="there", layout="each", overlap=2, people={"ada": ADA, "ben": BEN}
    )
    config = Config(
        paths=Paths(raw="raw", workspace=str(tmp_path / "w")),
        dataset=Dataset(name="n" * 90, language="de"),
        labels=samples.scheme(),
        selection=Selection(method="keywords", keywords=["nowhere"]),
        suggestions=Suggestions(method="gazetteer", alias_label="GPE"),
        source=Source(include=["*.csv"]),
        quality=Quality(questions="gone.jsonl"),
        annotators=annotators,
        label_studio=LabelStudio(port=1234),
    )
    before = replace(config)
    inside: list[bool] = []

    class Server:
        def __enter__(self) -> None:
            inside.append(True)

        def __exit__(self, *_: object) -> None:
            inside.append(False)

    monkeypatch.setattr(campaigns, "open_server", opened := Heard(Server()))
    assert campaigns.previewed(config, progress) == "http://x/1"
    campaign, chunks, (article,), known = push.given
    assert campaign.dataset == f"{'n' * 80}-preview"
    assert (campaign.scheme, campaign.server) == (config.labels, config.label_studio)
    assert (campaign.suggestions, campaign.selection) == (Suggestions(), "all")
    assert campaign.annotators == replace(annotators, kind="human", layout="shared")
    assert (article["title"], article["targets"]) == ("An example", ["first country", "second country"])
    assert "“We will sign it this year,” said the first." in chunks[0]["text"]
    assert known == frozenset()
    assert opened.given == (campaign, progress)
    assert opened.named == {"keep": True}
    assert inside == [True, False]
    assert config == before
    locked = exclusive(campaign.folder / "locks" / "use", "backup")
    with locked, pytest.raises(StoreError, match="is working on this dataset"):
        campaigns.previewed(config, progress)
