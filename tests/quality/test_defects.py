"""A pull in which every kind of defect was planted: validation names each of them, and nothing else."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from builder.commands.validate import validate
from builder.config import Config, Dataset, Paths
from builder.quality.settings import CHECKS
from builder.questions.encode import results
from builder.store import digest, read_table, write_table
from builder.tables import ANNOTATIONS, ARTICLES, ISSUES, build
from tests.pulls import keep_pull

TEXT = "Tokyo will build Patriot missiles for Ukraine."
ASKED = {"japan": "favor", "ukraine": "none"}
#: Defect planted in one annotation of a chunk of its own -> the check that must name it.
SPANS: dict[str, list[tuple[int, int, str]]] = {
    "bounds": [(38, 99, "GPE")],
    "zero-length": [(5, 5, "GPE")],
    "edge-whitespace": [(0, 6, "GPE")],
    "mid-word": [(0, 4, "GPE")],
    "duplicate-span": [(0, 5, "GPE"), (0, 5, "GPE")],
    "overlap": [(11, 24, "GPE"), (17, 33, "WEAPON")],
    "nesting": [(17, 33, "WEAPON"), (17, 24, "WEAPON")],
    "unknown-label": [(0, 5, "CITY")],
    "clean": [(0, 5, "GPE"), (17, 24, "WEAPON")],
}
#: Decoding already names these, in its own words.
NAMED = {"bounds": "span-lost", "zero-length": "span-lost", "edge-whitespace": "span-trimmed"}


def region(number: int, start: int, end: int, label: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]}
    if 0 <= start < end <= len(TEXT):
        value["text"] = TEXT[start:end]
    return {"id": f"r{number}", "from_name": "entity", "to_name": "text", "type": "labels", "value": value}


@pytest.fixture
def planted(tmp_path: Path, scheme: Any) -> Config:
    """A workspace whose pull holds one annotation a defect."""
    made = scheme(nesting=False)
    tasks: list[dict[str, Any]] = []

    def add(chunk: str, result: list[dict[str, Any]], user: int = 1, text: str = TEXT, **more: Any) -> None:
        scheme_name = more.pop("scheme", "test@1")
        article = more.pop("article", chunk)
        number = len(tasks) + 1
        moment = f"2026-03-02T{number // 60:02}:{number % 60:02}:00Z"
        annotation = {"id": number, "completed_by": user, "result": result, "created_at": moment, "updated_at": moment}
        data = {"chunk_id": chunk, "article_id": article, "start": 0, "text": text, "title": "", "scheme": scheme_name}
        tasks.append(
            {"id": number, "project": 4, "data": data, "annotations": [{**annotation, "lead_time": 20.0, **more}]}
        )

    def answers(given: dict[str, str], problems: list[str] | None = None) -> list[dict[str, Any]]:
        rows = [{"question": "stance", "target": t, "span_id": None, "label": x} for t, x in given.items()]
        return results([], rows, problems or [], None, 0, TEXT, made)

    for n, (defect, spans) in enumerate(SPANS.items()):
        # Somebody new each time, so that nobody's habits are judged.
        add(defect, [region(i, *span) for i, span in enumerate(spans)] + answers(ASKED), user=100 + n)
    evidence = results(
        [{"kind": "evidence", "start": 0, "end": 5, "label": "EVIDENCE", "span_id": "e", "targets": ["ukraine"]}],
        [{"question": "stance", "target": t, "span_id": None, "label": x} for t, x in ASKED.items()],
        [], None, 0, TEXT, made,
    )  # fmt: skip
    add("evidence-without-stance", evidence, user=201)
    add("missing-stance", answers({"japan": "favor"}), user=202)
    add("stance-out-of-sight", answers(ASKED), user=203, text="Boeing builds seekers.")
    add("other-scheme", answers(ASKED), user=204, scheme="test@0")
    add("fast-empty", [], user=205, lead_time=0.5)
    add("flagged", answers(ASKED, ["garbled"]), user=206)
    add("second-annotation", answers(ASKED), user=207)
    add("second-annotation", answers(ASKED), user=207)
    add("article-changed", answers(ASKED), user=208)
    add("near-1", answers(ASKED), user=209, article="near-1")
    add("near-2", answers({**ASKED, "japan": "against"}), user=209, article="near-2")
    add("question", answers({"japan": "against", "ukraine": "favor"}), user=210)
    mixed = ["favor", "against", "none"] * 4
    for n in range(12):
        add(f"habit-{n:02}", answers(ASKED), user=301)
        add(f"habit-{n:02}", answers({**ASKED, "japan": "favor" if n < 6 else "against"}), user=302)
        add(f"habit-{n:02}", answers({**ASKED, "japan": mixed[n]}), user=303)

    config = Config(paths=Paths(workspace=str(tmp_path)), dataset=Dataset(name="demo"), labels=made)
    keep_pull(config, "".join(json.dumps(t) + "\n" for t in tasks), {})
    (tmp_path / "pseudonyms.key").write_bytes(b"salt")
    texts = {t["data"]["article_id"]: t["data"]["text"] for t in tasks}
    texts["article-changed"] = "Changed: " + TEXT
    rows: list[dict[str, object]] = [
        {"article_id": a, "text": text, "cluster_id": "near-1" if a == "near-2" else a} for a, text in texts.items()
    ]
    with config.stage("prepare").rewrite(digest("x")):
        write_table(config.stage("prepare").table("articles"), build(rows, ARTICLES))
    known = {"article_id": "question", "start": 0, "end": len(TEXT), "stance": ASKED}
    (tmp_path / "questions.jsonl").write_text(json.dumps(known) + "\n", encoding="utf-8")
    config.quality.questions = str(tmp_path / "questions.jsonl")
    return config


def test_every_planted_defect_is_named_and_nothing_else(planted: Config) -> None:
    said = io.StringIO()
    summary = validate(planted, Console(file=said, width=160), gate=False)
    issues = read_table(planted.stage("validate").table("issues"), ISSUES, "validate").to_pylist()
    about = {(row["chunk_id"], row["check"]) for row in issues if row["chunk_id"] is not None}
    alone = ("missing-stance", "stance-out-of-sight", "other-scheme", "fast-empty", "flagged", "second-annotation",
             "article-changed", "evidence-without-stance")  # fmt: skip
    expected = {(defect, NAMED.get(defect, defect)) for defect in SPANS if defect != "clean"}
    expected |= {(defect, defect) for defect in alone}
    expected |= {("near-2", "contradiction"), ("fast-empty", "missing-stance")}
    assert about == expected
    people = {row["check"]: row["annotator"] for row in issues if row["chunk_id"] is None}
    assert sorted(people) == ["drift", "failed-questions", "straight-lining"]
    assert len(set(people.values())) == 3
    for check in {check for _, check in about} | set(people):
        assert check in said.getvalue()
    assert {row["check"] for row in summary["issues"]} == {check for _, check in about} | set(people)


def test_errors_are_in_quarantine_and_warnings_are_not(planted: Config) -> None:
    validate(planted, Console(file=io.StringIO()), gate=False)
    annotations = read_table(planted.stage("validate").table("annotations"), ANNOTATIONS, "validate").to_pylist()
    assert {a["chunk_id"] for a in annotations if a["quarantined"]} == {
        "bounds", "zero-length", "unknown-label", "article-changed"
    }  # fmt: skip
    assert all(row["path"].startswith("$") for row in issues_of(planted))


def test_the_checks_that_no_pull_can_trigger_are_few(planted: Config) -> None:
    validate(planted, Console(file=io.StringIO()), gate=False)
    named = {row["check"] for row in issues_of(planted)}
    # Decoding leaves none of these over: they guard tables that come another way, and against its own mistakes.
    assert set(CHECKS) - named == {
        "bounds", "zero-length", "text-mismatch", "edge-whitespace", "unknown-target", "conflicting-stance"
    }  # fmt: skip


def issues_of(config: Config) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_table(config.stage("validate").table("issues"), ISSUES, "validate").to_pylist()
    return rows
