"""One sample world for all tests: a scheme, articles with known labels, what a crowd said, and a project on disk.

- `scheme(...)` is the sample scheme, with changes.
- `article(number)` is a text in chunks with the labels that a careful annotator gives it.
- `Crowd` collects annotations, one per call or those of whole articles, and gives them as tables.
- `Project` writes articles as raw files, and a pull of what annotators said about their chunks.

>>> list(scheme().questions)
['entities', 'stance', 'evidence', 'problems', 'comment']
>>> crowd = Crowd().add("c1", "ada", [(0, 5, "GPE")], {"japan": "favor"}).add("c1", "ben", state="skipped")
>>> crowd.annotations.column("state").to_pylist(), crowd.answers.column("target").to_pylist()
(['labelled', 'skipped'], ['japan'])
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa

from builder import tables
from builder.config import Config, Dataset, Paths
from builder.corpus.settings import Chunking
from builder.quality.settings import Quality
from builder.questions import encode, scheme_from
from builder.scheme import Scheme
from builder.store import digest
from builder.studio.pull_records import ensure_key
from builder.studio.settings import Annotators
from tests.pulls import keep_pull

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = "Tokyo will build Patriot missiles for the United States and Ukraine."
EMAILS = ("ada@example.com", "ben@example.com", "cyd@example.com")
ANNOTATORS = ("annotator-0a1b2c", "annotator-3d4e5f", "annotator-678901")

NAMES = {
    "PERSON": ("Maren Okafor", "Iwao Šimek", "Zoë Adeyemi 👩‍✈️"),
    "ORG": ("Raytheon", "the Ministry", "Kessler-Lindt AG"),
    "GPE": ("Ukraine", "Japan", "Kyiv"),
}
SAYS = {
    "favor": "praised {gpe} and promised {gpe} more help",
    "against": "blamed {gpe} and threatened {gpe} with cuts",
    "neutral": "met officials of {gpe} and left {gpe} again",
}
TARGET = {"Ukraine": "ukraine", "Kyiv": "ukraine", "Japan": "japan"}
_WORDS = [
    "harbour", "bridge", "winter", "factory", "tender", "treaty", "winch", "copper", "radar", "depot",
    "vessel", "signal", "river", "clause", "budget", "hangar", "engine", "orchard", "ledger", "summit",
    "border", "cargo", "filter", "quarry", "parish", "velvet", "anchor", "ticket", "marble", "lantern",
]  # fmt: skip

#: A span: start and end, a label, and for the label "EVIDENCE" the targets it speaks for.
Span = tuple[Any, ...]


def scheme(
    *,
    name: str = "sample",
    version: str = "1",
    entities: Iterable[str] | Mapping[str, Any] = tuple(NAMES),
    stance: Iterable[str] | Mapping[str, Any] = ("favor", "against", "neutral", "none"),
    targets: Mapping[str, Sequence[str]] | None = None,
    mode: str = "fixed",
    absent: str = "none",
    max_targets: int = 8,
    evidence: bool = True,
    nesting: bool = True,
    overlap: bool = False,
    problems: Iterable[str] | Mapping[str, str] = ("garbled", "unsure"),
    comment: bool = True,
    guidelines: str = "Mark **every** mention.",
    migrations: Mapping[str, Mapping[str, Mapping[str, str]]] | None = None,
) -> Scheme:
    """Three entity labels, a stance of four labels toward two targets, evidence, two problems and a comment.

    `entities` and `stance` are names, or names with their fields (`{"GPE": {"hotkey": "3"}}`); `targets` are names with
    their aliases; `problems` are names, or names with their titles; `migrations` are
    `{version: {"entities" | "stance" | "targets": {old: new}}}`. An empty value leaves the question out. Without
    `mode` "fixed" there are no targets unless they are given.

    >>> scheme(entities=["GPE"], stance=[], problems={"cut": "Cut off"}).questions.keys()
    dict_keys(['entities', 'problems', 'comment'])
    >>> scheme(mode="mention").questions["stance"].mode
    'mention'
    """
    about = {"ukraine": ["Ukraine", "Kyiv"], "japan": ["Japan", "Tokyo"]} if targets is None else targets
    fixed = mode == "fixed" or targets is not None
    questions: dict[str, Any] = {}
    if entities:
        labels = {key: {"description": f"All {key}", **more} for key, more in _named(entities).items()}
        questions["entities"] = {"labels": labels, "nesting": nesting, "overlap": overlap}
    if stance:
        questions["stance"] = {
            "labels": {key: {"title": key.title(), **more} for key, more in _named(stance).items()},
            "targets": {key: {"title": key.title(), "aliases": list(words)} for key, words in about.items() if fixed},
            "mode": mode,
            "absent": absent,
            "max_targets": max_targets,
        }
    if stance and evidence:
        questions["evidence"] = {}
    if problems:
        questions["problems"] = {"labels": {key: title or key.title() for key, title in _named(problems).items()}}
    if comment:
        questions["comment"] = {}
    renames: dict[str, dict[str, dict[str, Any]]] = {}
    for old, step in (migrations or {}).items():
        for what, names in step.items():
            question, key = ("stance", "targets") if what == "targets" else (what, "labels")
            renames.setdefault(old, {}).setdefault(question, {})[key] = dict(names)
    return scheme_from(
        {"name": name, "version": version, "questions": questions, "guidelines": guidelines, "migrations": renames}
    )


def _named(given: Iterable[str] | Mapping[str, Any]) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else {key: {} for key in given}


@dataclass
class Article:
    """A text in chunks, with the labels that a careful annotator gives each chunk; spans count from the chunk."""

    number: int
    chunks: list[str] = field(default_factory=list)
    spans: list[list[Span]] = field(default_factory=list)
    stances: list[dict[str, str]] = field(default_factory=list)
    evidence: list[list[Span]] = field(default_factory=list)
    #: Number of the article that this one is a near-duplicate of.
    cluster: int | None = None

    @property
    def id(self) -> str:
        return digest("article", str(self.number))[:16]

    @property
    def text(self) -> str:
        return "\n\n".join(self.chunks)

    def start(self, i: int) -> int:
        """Where chunk `i` starts in the text."""
        return sum(len(chunk) + 2 for chunk in self.chunks[:i])

    def chunk_id(self, i: int) -> str:
        return digest("chunk", self.id, str(self.start(i)), self.chunks[i])[:16]


def article(number: int, sentences: int = 4, cluster: int | None = None) -> Article:
    """An article of one sentence per chunk: in each a person, an organisation, and one place mentioned twice."""
    made = Article(number, cluster=cluster)
    for i in range(sentences):
        who, org = NAMES["PERSON"][(number + i) % 3], NAMES["ORG"][(number + 2 * i) % 3]
        gpe, stance = NAMES["GPE"][(number * 2 + i) % 3], list(SAYS)[(number + i) % 3]
        seed = digest("words", str(number), str(i))
        drawn = [_WORDS[int(seed[at : at + 2], 16) % len(_WORDS)] for at in range(0, 24, 2)]
        text = f"{' '.join(drawn[:6])}: {who} of {org} {SAYS[stance].format(gpe=gpe)} over {' '.join(drawn[6:])}."
        made.chunks.append(text)
        made.spans.append(mentions(text))
        made.stances.append({t: stance if t == TARGET[gpe] else "none" for t in ("ukraine", "japan")})
        made.evidence.append(reasons(text))
    return made


def mentions(text: str) -> list[Span]:
    """Every name of the sample world in a text, as (start, end, label)."""
    return [
        (at, at + len(name), label) for label, names in NAMES.items() for name in names for at in _places(name, text)
    ]


def reasons(text: str) -> list[Span]:
    """The words that take a side, as evidence for the target they are about."""
    found: list[Span] = []
    for says in (SAYS["favor"], SAYS["against"]):
        for gpe, target in TARGET.items():
            words = says.format(gpe=gpe)
            found += [(at, at + len(words), "EVIDENCE", [target]) for at in _places(words, text)]
    return found


def sides(text: str) -> dict[str, str]:
    """The stance that a text takes toward each target of the sample scheme."""
    found = dict.fromkeys(("ukraine", "japan"), "none")
    for label, says in SAYS.items():
        for gpe, target in TARGET.items():
            if says.format(gpe=gpe) in text:
                found[target] = label
    return found


def _places(words: str, text: str) -> list[int]:
    found, at = [], -1
    while (at := text.find(words, at + 1)) >= 0:
        found.append(at)
    return found


class Crowd:
    """Collects what annotators did, and gives it as the tables that the rooms exchange."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("articles", "chunks", "annotations", "spans", "answers")
        }
        self._windows: dict[str, dict[str, Any]] = {}

    def window(self, chunk: str, text: str = TEXT, start: int = 0, **more: Any) -> "Crowd":
        """What the annotators of a chunk saw; without `article_id` the article has the id of the chunk."""
        row = {"chunk_id": chunk, "article_id": chunk, "start": start, "end": start + len(text), "text": text}
        self._windows[chunk] = {**row, "title": "", "scheme": "sample@1", **more}
        return self

    def add(
        self,
        chunk: str,
        annotator: str,
        spans: Iterable[Span] = (),
        stances: Mapping[Any, str] | None = None,
        *,
        answers: Mapping[str, Mapping[Any, str]] | None = None,
        **more: Any,
    ) -> "Crowd":
        """One annotation, minutes after the one before; `more` are columns of ANNOTATIONS.

        Spans are (start, end, label) or (start, end, "EVIDENCE", targets), in article coordinates. `answers` are
        `{question: {target: label}}`, with target "" for a question about the whole chunk, and (start, end) for a
        mention; `stances` are those of the question "stance".
        """
        if chunk not in self._windows:
            self.window(chunk)
        shown, spans = self._windows[chunk], list(spans)
        given = {**({"stance": stances} if stances else {}), **(answers or {})}
        n = len(self._rows["annotations"]) + 1
        who = {
            "annotation_id": more.pop("annotation_id", f"{more.get('project_id', 1)}:{n}"),
            "chunk_id": chunk,
            "article_id": shown["article_id"],
            "annotator": annotator,
        }
        usual: dict[str, Any] = {
            "task_id": n,
            "project_id": 1,
            "state": "labelled" if spans or given else "labelled-empty",
            "prediction": "none",
            "problems": [],
            "created": DAY + timedelta(minutes=n),
            "updated": DAY + timedelta(minutes=n),
            "lead_time": 30.0,
            "scheme_version": "1",
            "quarantined": False,
        }
        self._rows["annotations"].append({**who, **usual, **more})
        for i, (start, end, label, *targets) in enumerate(spans):
            span = {"span_id": f"r{i}", "start": start, "end": end, "label": label, "targets": list(*targets)}
            text = shown["text"][max(start - shown["start"], 0) : end - shown["start"]]
            kind = "evidence" if label == "EVIDENCE" else "entity"
            self._rows["spans"].append({**who, **span, "kind": kind, "text": text})
        for question, labels in given.items():
            for target, label in labels.items():
                place: dict[str, Any] = {"target": target}
                if isinstance(target, tuple):
                    start, end = target
                    words = shown["text"][start - shown["start"] : end - shown["start"]]
                    place = {"target": words, "span_id": f"m{start}", "start": start, "end": end}
                self._rows["answers"].append({**who, "question": question, **place, "label": label})
        return self

    def read(
        self,
        *articles: Article,
        annotators: Sequence[str] = ANNOTATORS,
        dissent: Mapping[tuple[int, str], Mapping[str, Any]] | None = None,
        skipped: Iterable[str] = (),
        evidence: bool = False,
    ) -> "Crowd":
        """Every annotator labels every chunk of the articles, with care.

        `dissent` maps (number of the annotator, chunk id) to what that annotator says instead: "spans" (counted from
        the chunk), "stances", "answers" or columns of ANNOTATIONS such as "state" or "comment". Nobody sees the
        `skipped` chunks. The articles and chunks become rows of their tables.
        """
        skipped = set(skipped)
        for made in articles:
            self._rows["articles"].append(_article_row(made))
            for i, text in enumerate(made.chunks):
                chunk, start = made.chunk_id(i), made.start(i)
                window = {"chunk_id": chunk, "article_id": made.id, "start": start, "end": start + len(text)}
                self._rows["chunks"].append({**window, "ordinal": i, "text": text})
                self.window(chunk, text, start, article_id=made.id)
                if chunk in skipped:
                    continue
                for number, annotator in enumerate(annotators):
                    spans = [*made.spans[i], *(made.evidence[i] if evidence else [])]
                    said = {"spans": spans, "stances": made.stances[i], **(dissent or {}).get((number, chunk), {})}
                    if said.get("state", "labelled") != "labelled":
                        said |= {"spans": [], "stances": {}}
                    said["spans"] = [(start + a, start + b, *rest) for a, b, *rest in said["spans"]]
                    key = f"1:{made.number * 1000 + i * 10 + number}"
                    task = {"annotation_id": key, "task_id": made.number * 100 + i, "scheme_version": "sample@1"}
                    self.add(chunk, annotator, **{**task, **said})
        return self

    @property
    def articles(self) -> pa.Table:
        return tables.build(self._rows["articles"], tables.ARTICLES)

    @property
    def chunks(self) -> pa.Table:
        return tables.build(self._rows["chunks"], tables.CHUNKS)

    @property
    def annotations(self) -> pa.Table:
        return tables.build(self._rows["annotations"], tables.ANNOTATIONS)

    @property
    def spans(self) -> pa.Table:
        return tables.build(self._rows["spans"], tables.SPANS)

    @property
    def answers(self) -> pa.Table:
        return tables.build(self._rows["answers"], tables.ANSWERS)

    @property
    def windows(self) -> pa.Table:
        return tables.build([self._windows[chunk] for chunk in sorted(self._windows)], tables.WINDOWS)


def _article_row(made: Article) -> dict[str, Any]:
    text = made.text
    return {
        "article_id": made.id,
        "source_path": f"{made.number}.txt",
        "record": 0,
        "raw_sha256": digest(text),
        "encoding": "utf-8",
        "text": text,
        "raw": text,
        "map": [{"start": 0, "end": len(text), "raw_start": 0, "raw_end": len(text)}],
        "published": DAY + timedelta(days=made.number),
        "cluster_id": made.id if made.cluster is None else Article(made.cluster).id,
        "kept": True,
    }


class Project:
    """Raw files in a folder, and pulls as `builder pull` leaves them, without a server.

    Every article is a title line and four paragraphs; each paragraph becomes a chunk. Every third file has CRLF line
    ends, and each holds an emoji and a combining mark.

    Annotators are counted from 0 and read with care. What one of them does otherwise goes into `dissent`, by annotator,
    article and paragraph: "spans" (a list, counted from the chunk), "stances" (by target, or by words or place of a
    mention), "problems", "comment", "skip" or "draft" (true), or "absent" (true: that annotator never opened the task).
    """

    def __init__(self, root: Path, articles: int = 6, **changes: Any) -> None:
        paths = Paths(str(root / "raw"), str(root / "workspace"), str(root / "exports"))
        usual: dict[str, Any] = {
            "paths": paths,
            "dataset": Dataset(name="sample", license="cc-by-4.0"),
            "chunking": Chunking(method="paragraphs", max_tokens=40),
            "labels": scheme(),
            "quality": Quality(bootstrap=20),
            "annotators": Annotators(kind="recorded", recorded="recorded"),
        }
        self.config = Config(**{**usual, **changes})
        self.dissent: dict[tuple[int, int, int], dict[str, Any]] = {}
        self.write(range(articles))

    def write(self, numbers: Iterable[int]) -> None:
        """Writes these articles as raw files, besides those that are there."""
        self.config.raw.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            paragraphs = [f"{chunk} 🚀 Cafe\u0301 witnesses of day {number}." for chunk in article(number).chunks]
            text = "\n\n".join([f"Title of {number}", *paragraphs]) + "\n"
            end = "\r\n" if number % 3 == 0 else "\n"
            (self.config.raw / f"{number:03d}.txt").write_bytes(text.replace("\n", end).encode())

    def pull(self, articles: Sequence[Mapping[str, Any]], chunks: Sequence[Mapping[str, Any]]) -> None:
        """Writes a pull in which three annotators labelled these rows of CHUNKS, of these rows of ARTICLES."""
        by_id = {row["article_id"]: row for row in articles}
        lines = []
        for task, chunk in enumerate(sorted(chunks, key=lambda c: c["chunk_id"]), 1):
            about = by_id[chunk["article_id"]]
            number = int(about["source_path"].partition(".")[0])
            made: dict[str, list[dict[str, Any]]] = {"annotations": [], "drafts": []}
            for user in range(len(EMAILS)):
                said = self.dissent.get((user, number, chunk["ordinal"]), {})
                if not said.get("absent"):
                    kind = "drafts" if said.get("draft") else "annotations"
                    made[kind].append(self._annotation(chunk, task * 10 + user, user, said))
            data = encode.task(chunk, about, self.config.labels)
            lines.append({"id": task, "project": 1, "data": data, **made, "predictions": []})
        text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        people = {str(user): {"email": email} for user, email in enumerate(EMAILS, 1)}
        version = encode.scheme_name(self.config.labels)
        keep_pull(self.config, text, people, server_version="1.23.2", scheme_version=version)
        with mock.patch("secrets.token_bytes", return_value=b"s" * 32):
            ensure_key(self.config.workspace / "pseudonyms.key")

    def _annotation(self, chunk: Mapping[str, Any], number: int, user: int, said: Mapping[str, Any]) -> dict[str, Any]:
        text, questions = chunk["text"], self.config.labels.questions
        wanted = {label for question in questions.values() for label in question.labels}
        spans = [
            {
                "start": chunk["start"] + start,
                "end": chunk["start"] + end,
                "label": label,
                "kind": "evidence" if label == "EVIDENCE" else "entity",
                "span_id": None,
                "targets": list(*targets),
            }
            for start, end, label, *targets in said.get("spans", [*mentions(text), *reasons(text)])
            if label in wanted
        ]
        stances = said.get("stances", sides(text)) if "stance" in questions else {}
        about = {"question": "stance", "span_id": None}
        answers = [{**about, "target": target, "label": label} for target, label in stances.items()]
        if "stance" in questions and questions["stance"].mode == "mention":
            answers = []
            for n, span in enumerate(s for s in spans if s["kind"] == "entity"):
                place = (span["start"] - chunk["start"], span["end"] - chunk["start"])
                words = text[slice(*place)]
                span["span_id"] = f"mention{n}"
                label = stances.get(place, stances.get(words, stances.get(TARGET.get(words, ""), "none")))
                answers.append({**about, "target": words, "span_id": span["span_id"], "label": label})
        result = encode.results(
            spans, answers, said.get("problems", []), said.get("comment"), chunk["start"], text, self.config.labels
        )
        times = dict.fromkeys(("created_at", "updated_at"), "2026-03-02T10:00:00Z")
        if said.get("draft"):
            return {"id": number, "user": EMAILS[user], "annotation": None, "result": result, **times}
        made = {"id": number, "completed_by": user + 1, "was_cancelled": bool(said.get("skip")), "lead_time": 20.0}
        return {**made, "result": [] if said.get("skip") else result, **times}
