"""A small project with raw files and a pull as Label Studio gives it, for what starts from those: verify and trace."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from builder import tables
from builder.commands.prepare import prepare
from builder.commands.validate import validate
from builder.config import Config, Dataset, Paths
from builder.questions.encode import results, task
from builder.store import read_table
from builder.studio.settings import Annotators
from tests.pulls import keep_pull
from tests.release.story import NAMES, SAYS, TARGET, article, scheme

QUIET = Console(quiet=True)
EMAILS = ("ada@example.com", "ben@example.com", "cyd@example.com")


def write_raw(root: Path, numbers: range) -> None:
    """Raw text files: a title line, then paragraphs."""
    folder = root / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        made = article(number)
        body = "\n\n".join(f"{chunk} And so it went on, said witnesses number {number}." for chunk in made.chunks)
        (folder / f"{number:03d}.txt").write_bytes(f"Title of {number}\n\n{body}\n".encode())


def project(root: Path, **changes: Any) -> Config:
    """The configuration of a project in `root`."""
    paths = Paths(str(root / "raw"), str(root / "workspace"), str(root / "exports"))
    plain: dict[str, Any] = {
        "paths": paths,
        "dataset": Dataset(name="story", license="cc-by-4.0"),
        "labels": scheme(),
        "annotators": Annotators(kind="recorded", recorded="recorded"),
    }
    return Config(**plain | changes)


def pull(config: Config, corrected: frozenset[str] = frozenset()) -> None:
    """Prepares, and stores a pull in which three annotators labelled every chunk; validates it.

    The first sees favor as neutral in each chunk; in the `corrected` chunks all three do.
    """
    prepare(config, QUIET)
    stage = config.stage("prepare")
    articles = {a["article_id"]: a for a in read_table(stage.table("articles"), tables.ARTICLES, "prepare").to_pylist()}
    chunks = read_table(stage.table("selected"), tables.CHUNKS, "prepare").to_pylist()
    lines = []
    for number, chunk in enumerate(sorted(chunks, key=lambda c: c["chunk_id"])):
        corrects, first = chunk["chunk_id"] in corrected, int(chunk["chunk_id"][:6], 16) * 10
        answers = [_answer(config, chunk, first + user, user, corrects) for user in (1, 2, 3)]
        data = task(chunk, articles[chunk["article_id"]], config.labels)
        empty: dict[str, Any] = {"drafts": [], "predictions": []}
        lines.append({"id": number + 1, "project": 1, "data": data, "annotations": answers, **empty})
    text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
    people = {str(i + 1): {"email": email} for i, email in enumerate(EMAILS)}
    keep_pull(config, text, people, server_version="1.23.2", scheme_version="story@1")
    key = config.workspace / "pseudonyms.key"
    if not key.exists():
        key.write_bytes(b"salt")
    validate(config, QUIET, gate=False)


def _answer(config: Config, chunk: dict[str, Any], number: int, user: int, corrected: bool) -> dict[str, Any]:
    text, start = chunk["text"], chunk["start"]
    spans = []
    for label, names in NAMES.items():
        for name in names:
            at = -1
            while (at := text.find(name, at + 1)) >= 0:
                place = {"start": start + at, "end": start + at + len(name)}
                spans.append({**place, "label": label, "kind": "entity", "span_id": None, "targets": []})
    stances = []
    for target in config.labels.targets:
        found = [s for g, t in TARGET.items() if t == target for s, says in SAYS.items() if says.format(gpe=g) in text]
        label = found[0] if found else "none"
        if label == "favor" and (corrected or user == 1):
            label = "neutral"
        stances.append({"question": "stance", "target": target, "span_id": None, "label": label})
    comment = "ask ada@example.com" if user == 1 else None
    return {
        "id": number,
        "completed_by": user,
        "result": results(spans, stances, [], comment, start, text, config.labels),
        "created_at": "2026-03-02T10:00:00Z",
        "updated_at": "2026-03-02T10:00:00Z",
        "lead_time": 20.0,
    }
