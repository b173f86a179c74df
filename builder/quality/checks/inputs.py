"""The tables under check, as arrays that all checks share, and a run of all checks over them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import mask, numbers, positions_in
from builder.errors import StoreError
from builder.quality.checks import CHECKS
from builder.quality.settings import Quality
from builder.quality.votes import SUBMITTED, Integers, Mask
from builder.scheme import Question, Scheme
from builder.settings import load
from builder.tables import ISSUES, build, rows_of
from builder.text import Texts

#: Question, target and label of every answer of an annotation, sorted by question and target.
Answers = tuple[tuple[str, str, str], ...]


class Finding(NamedTuple):
    """One problem. `annotation` is a row of the annotations; a finding about an annotator has none."""

    annotation: int | None
    path: str
    message: str
    annotator: str | None = None


@dataclass
class CheckInputs:
    """What was submitted (ANNOTATIONS, SPANS, ANSWERS), shown (WINDOWS) and asked.

    `clusters` has the near-duplicate cluster of each article, `article_texts` the articles as they are now, `controls`
    the Label Studio control by question and target, and `failed_questions` what is reported about each annotator who
    failed the gold questions. Where one of them is empty, the checks that need it find nothing.
    """

    annotations: pa.Table
    spans: pa.Table
    answers: pa.Table
    windows: pa.Table
    scheme: Scheme
    settings: Quality
    clusters: Mapping[str, str] = field(default_factory=dict)
    article_texts: Mapping[str, str] = field(default_factory=dict)
    controls: Mapping[tuple[str, str], str] = field(default_factory=dict)
    failed_questions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        questions = self.scheme.questions.values()
        #: The questions whose answers are rows of ANSWERS, and those whose answers are rows of SPANS.
        self.answer_questions = [q for q in questions if q.gives == "answers"]
        self.span_questions = [q for q in questions if q.gives == "spans"]
        #: Annotations that somebody submitted, with labels or truthfully empty.
        self.submitted = mask(pc.is_in(self.annotations["state"], pa.array(SUBMITTED)))
        self.start, self.end = numbers(self.spans["start"]), numbers(self.spans["end"])

    def asked(self, question: Question, row: int) -> list[str] | None:
        """The targets that a question asks an annotation about; None when they are not a known list."""
        if question.mode != "article":
            return question.asked(None)
        window = int(self.window_of_annotation[row])
        own = self.windows["targets"][window].as_py() if window >= 0 else None
        return None if own is None else question.asked(own)

    @cached_property
    def annotation_of_span(self) -> Integers:
        """Row of the annotation of each span."""
        return _owners(self.spans, self.annotations)

    @cached_property
    def annotation_of_answer(self) -> Integers:
        """Row of the annotation of each answer."""
        return _owners(self.answers, self.annotations)

    def answer_rows(self, chosen: Mask) -> Iterator[tuple[int, str, str, str]]:
        """Row of the annotation, question, target and label of the chosen answers."""
        rows = np.flatnonzero(chosen)
        table = self.answers.select(["question", "target", "label"]).take(pa.array(rows))
        return zip(self.annotation_of_answer[rows].tolist(), *(c.to_pylist() for c in table.columns), strict=True)

    @cached_property
    def answers_of(self) -> dict[int, Answers]:
        """The answers of each annotation row. A scheme without answers has marked labels instead, and how often."""
        out: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        if self.answer_questions:
            columns = ("row", "question", "target", "label")
            table = self.answers.append_column("row", pa.array(self.annotation_of_answer))
            table = table.select(columns).sort_by([(name, "ascending") for name in columns])
            for row, question, target, label in rows_of(table, *columns):
                out[row].append((question, target, label))
        else:
            counts = Counter(zip(self.annotation_of_span.tolist(), self.spans["label"].to_pylist(), strict=True))
            for (row, label), n in sorted(counts.items()):
                out[row].append(("", label, str(n)))
        return {row: tuple(answers) for row, answers in out.items()}

    @cached_property
    def work(self) -> dict[str, dict[str, Answers]]:
        """For each annotator the answers per chunk, in the order in which they were given."""
        table = self.annotations.append_column("row", pa.array(range(self.annotations.num_rows)))
        table = table.filter(pa.array(self.submitted))
        table = table.sort_by([("created", "ascending"), ("annotation_id", "ascending")])
        out: dict[str, dict[str, Answers]] = defaultdict(dict)
        for annotator, chunk, row in rows_of(table, "annotator", "chunk_id", "row"):
            out[annotator][chunk] = self.answers_of.get(row, ())
        return out

    @cached_property
    def window_of_span(self) -> Integers:
        """Row of the window of each span; -1 where there is none."""
        return positions_in(self.spans["chunk_id"], self.windows["chunk_id"])

    @cached_property
    def window_of_annotation(self) -> Integers:
        """Row of the window of each annotation; -1 where there is none."""
        return positions_in(self.annotations["chunk_id"], self.windows["chunk_id"])

    @cached_property
    def inside(self) -> Mask:
        """Spans that are not empty and are in the window that their annotator saw."""
        w = self.window_of_span
        if not self.windows.num_rows:
            return np.zeros(len(w), dtype=np.bool_)
        low, high = numbers(self.windows["start"])[w], numbers(self.windows["end"])[w]
        return (w >= 0) & (self.start < self.end) & (self.start >= low) & (self.end <= high)

    @cached_property
    def order(self) -> Integers:
        """Rows of the spans inside their window by annotation, start and (the longest first) end."""
        rows = np.flatnonzero(self.inside)
        order: Integers = np.lexsort((-self.end[rows], self.start[rows], self.annotation_of_span[rows]))
        return rows[order]

    @cached_property
    def shown(self) -> Texts:
        """The texts of all windows."""
        return Texts.of(self.windows["text"].combine_chunks())

    @cached_property
    def shift(self) -> Integers:
        """What to add to an article offset of each span to get its position in `shown.points`."""
        if not self.windows.num_rows:
            return np.zeros(len(self.start), dtype=np.int64)
        shift: Integers = (self.shown.starts[:-1] - numbers(self.windows["start"]))[self.window_of_span]
        return shift

    def path_of(self, question: str, target: str) -> str:
        """JSONPath to the answer to a question about a target in the raw annotation."""
        control = self.controls.get((question, target))
        return f"$.result[?(@.from_name=='{control}')].value.choices" if control else "$.result"

    def flag_spans(self, wrong: Mask | Integers, message: str) -> Iterator[Finding]:
        """A finding per wrong span; the message may use its `label`, `start`, `end` and `text`."""
        rows = np.flatnonzero(wrong) if wrong.dtype == np.bool_ else wrong
        columns = self.spans.select(["span_id", "label", "start", "end", "text"]).take(pa.array(rows)).to_pylist()
        for row, span in zip(rows.tolist(), columns, strict=True):
            path = f"$.result[?(@.id=='{span['span_id']}')].value"
            yield Finding(int(self.annotation_of_span[row]), path, message.format(**span))


def run_checks(inputs: CheckInputs) -> tuple[pa.Table, pa.Table]:
    """ISSUES of all checks, and ANNOTATIONS in which those with an error are quarantined.

    An error about an annotator quarantines everything that annotator did. Issues are in the order of the list of
    checks, then of the annotations. A check with severity "off" does not run.
    """
    columns = ("annotation_id", "chunk_id", "task_id", "annotator")
    known = list(rows_of(inputs.annotations, *columns))
    names = inputs.annotations["annotator"]
    quarantined = mask(inputs.annotations["quarantined"])
    rows: list[dict[str, object]] = []
    for code, check in CHECKS.items():
        severity = inputs.settings.severity.get(code, "off")
        if severity == "off":
            continue
        for annotation, path, message, annotator in load(check.function)(inputs):
            who = (None, None, None, annotator) if annotation is None else known[annotation]
            found = {"check": code, "severity": severity, "path": path, "message": message, "repair": None}
            rows.append({**dict(zip(columns, who, strict=True)), **found})
            if severity == "error":
                quarantined[mask(pc.equal(names, annotator)) if annotation is None else annotation] = True
    at = inputs.annotations.schema.get_field_index("quarantined")
    return build(rows, ISSUES), inputs.annotations.set_column(at, "quarantined", pa.array(quarantined))


def described(question: str, target: str) -> str:
    """What was asked, in words.

    >>> described("stance", "japan"), described("topic", "")
    ('stance for japan', 'topic')
    """
    return f"{question} for {target}" if target else question


def _owners(rows: pa.Table, annotations: pa.Table) -> Integers:
    owners = positions_in(rows["annotation_id"], annotations["annotation_id"])
    if len(owners) and owners.min() < 0:
        orphan = rows["annotation_id"][int(owners.argmin())].as_py()
        raise StoreError(f"Labels name annotation {orphan}, which is not there.", "Run `builder pull` again.")
    return owners


def codes(column: pa.ChunkedArray) -> tuple[Integers, list[str]]:
    """Small integers in place of strings, and the strings they mean; null is a string of its own."""
    encoded = pc.dictionary_encode(pc.fill_null(column.combine_chunks(), "\0"))
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()
