"""`annotations`: what each annotator submitted for each window, under a pseudonym."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.masking import KINDS, masked
from builder.release.arrays import flat, list_of, mask, matching, mention_edges, numbers, records, small
from builder.release.configuration import KEYS, Column, Configuration, Maker, Spec
from builder.release.features import FLAG, INT, NUMBER, STRING, sequence
from builder.release.passages import Index, Passages, iso
from builder.release.settings import Export
from builder.scheme import Question, Scheme
from builder.text import Ints

SUBMITTED = ("labelled", "labelled-empty", "skipped")
_PLAIN = ("annotator", "state", "prediction", "quarantined", "problems", "created", "updated", "lead_time")


def _declare(scheme: Scheme, _: Export, __: Mapping[str, list[str]]) -> list[Configuration]:
    """One configuration. Labels are names, because annotators may have used those of an older scheme."""
    span = {"start": INT, "end": INT, "label": STRING, "text": STRING}
    evidence = {"start": INT, "end": INT, "text": STRING, "targets": sequence(STRING)}
    asked = [question for question in scheme.questions.values() if question.gives == "answers"]
    columns = (
        *KEYS,
        Column("text", STRING, "the window that the annotator saw"),
        Column("annotator", STRING, "a pseudonym, the same in every release"),
        Column("state", STRING, "labelled, labelled-empty (looked and found nothing) or skipped", judged=True),
        Column("prediction", STRING, "what became of a suggestion: none (not shown), accepted, edited or rejected"),
        Column("quarantined", FLAG, "whether a check kept the annotation out of gold", judged=True),
        Column("entities", [span], "marked entity spans, in code points of `text`", judged=True),
        *(_column(question) for question in asked),
        Column("evidence", [evidence], "marked evidence, with the targets that it supports", judged=True),
        Column("problems", sequence(STRING), "problems that the annotator reported", judged=True),
        Column("comment", STRING, "the annotator's comment, without e-mails and numbers of people", judged=True),
        Column("created", STRING, "when the annotation was submitted: UTC, ISO 8601, see `export.times`"),
        Column("updated", STRING, "when it was last changed", judged=True),
        Column("lead_time", NUMBER, "seconds that the annotator spent on it"),
        Column("scheme_version", STRING, "name and version of the scheme that the annotator worked with"),
    )
    return [Configuration("annotations", "annotations", columns)]


def _column(question: Question) -> Column:
    name = question.name
    if question.many:
        return Column(f"{name}s", sequence(STRING), f"options chosen for `{name}`", True, question)
    if not question.mode:
        return Column(name, STRING, f"the answer to `{name}`; null when there is none", True, question)
    pair = {"target": STRING, **({"from": INT, "to": INT} if question.mode == "mention" else {}), "label": STRING}
    unit = "mention: `text[from:to]`" if question.mode == "mention" else "target"
    return Column(f"{name}s", [pair], f"answers to `{name}`, one per {unit}", True, question)


@dataclass(frozen=True)
class _Owned:
    """Spans or answers in the order of the annotations that own them, and the position of the owner of each."""

    table: pa.Table
    owners: Ints

    @classmethod
    def of(cls, table: pa.Table, ids: pa.Array, order: list[str]) -> "_Owned":
        table = table.append_column("owner", pc.index_in(table["annotation_id"], value_set=ids))
        table = table.filter(pc.is_valid(table["owner"]))
        table = table.sort_by([(name, "ascending") for name in ("owner", *order)]).combine_chunks()
        return cls(table, numbers(table["owner"]))

    def where(self, column: str, value: str) -> "_Owned":
        table = self.table.filter(pc.equal(self.table[column], value))
        return _Owned(table, numbers(table["owner"]))

    def of_annotations(self, picked: Ints) -> tuple[Ints, pa.Table]:
        """The rows of these annotations, and the place of each one's annotation in `picked`."""
        owner, at = matching(self.owners, picked)
        return owner, self.table.take(pa.array(at))


def _rows(configuration: Configuration, index: Index, export: Export) -> Maker:
    """One row per submitted annotation of a window, in the order of windows and then of ids."""
    given = index.inputs["annotations"]
    given = given.append_column("place", pa.array(index.window_numbers(given["chunk_id"])))
    given = given.filter(pc.and_(pc.is_in(given["state"], pa.array(SUBMITTED)), pc.greater_equal(given["place"], 0)))
    given = given.sort_by([("place", "ascending"), ("annotation_id", "ascending")]).combine_chunks()
    owners, ids = numbers(given["place"]), flat(given["annotation_id"])
    spans = _Owned.of(index.inputs["spans"], ids, ["start", "end"])
    answers = _Owned.of(index.inputs["answers"], ids, ["target", "start", "end"])
    marks = {"entities": spans.where("kind", "entity"), "evidence": spans.where("kind", "evidence")}
    questions = {column.name: column.question for column in configuration.columns if column.question}
    answered = {name: answers.where("question", question.name) for name, question in questions.items()}
    features = configuration.features

    def made_of(passages: Passages) -> dict[str, pa.Array]:
        owner, picked = matching(owners, passages.numbers)
        part = given.take(pa.array(picked))
        starts = (passages.keys & 0xFFFFFFFF)[owner]
        columns = passages.columns(owner) | {name: flat(part[name]) for name in ("scheme_version", *_PLAIN)}
        columns["id"] = flat(part["annotation_id"])
        comments = (comment and masked(comment, KINDS) for comment in part["comment"].to_pylist())
        columns["comment"] = pa.array(comments, pa.string())
        for name, found in marks.items():
            at, marked = found.of_annotations(picked)
            shown = {key: flat(marked[key]) for key in features[name][0]}
            shown |= {edge: small(numbers(marked[edge]) - starts[at]) for edge in ("start", "end")}
            columns[name] = list_of(at, len(picked), records(**shown))
        for name, found in answered.items():
            columns[name] = _answered(questions[name], *found.of_annotations(picked), starts)
        for name in ("created", "updated"):
            exact = iso(columns[name])
            columns[name] = pc.utf8_slice_codeunits(exact, 0, len("2026-01-31")) if export.times == "day" else exact
        return columns

    return Maker(made_of)


def _answered(question: Question, at: Ints, answers: pa.Table, starts: Ints) -> pa.Array:
    """One value per annotation in the form of the question's column; answer i belongs to annotation `at[i]`.

    `starts` has the start of each annotation's window in the article.
    """
    count = len(starts)
    if question.many:
        chosen = mask(pc.equal(answers["label"], "yes"))
        return list_of(at[chosen], count, flat(answers["target"]).filter(pa.array(chosen)))
    if not question.mode:
        return flat(answers["label"]).take(pc.index_in(pa.array(np.arange(count)), value_set=pa.array(at)))
    mention = mention_edges(answers, starts[at]) if question.mode == "mention" else {}
    return list_of(at, count, records(target=flat(answers["target"]), **mention, label=flat(answers["label"])))


def _about(_: Configuration, __: Mapping[str, Any]) -> str:
    """What one row is."""
    return "one row per annotation: what one annotator, under a pseudonym, submitted for one window."


def _seen_in(row: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    return bool(gold["chunk_id"] == row["chunk_id"])


SPEC = Spec(
    texts="windows",
    declare=_declare,
    reads={
        "annotations": ("annotation_id", "scheme_version", "comment", *_PLAIN),
        "spans": ("annotation_id", "kind", "start", "end", "label", "text", "targets"),
        "answers": ("annotation_id", "question", "target", "start", "end", "label"),
    },
    rows=_rows,
    noun=("annotation", "annotations"),
    about=_about,
    moves=False,
    traced={"gold_spans": _seen_in, "gold_answers": _seen_in},
)
