"""Checks of answers and of the evidence for them, for every question of the scheme that gives answers."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import mask, positions_in
from builder.quality.checks.inputs import CheckInputs, Finding, codes, described
from builder.quality.checks.spans import unknown_span_label
from builder.quality.votes import Mask
from builder.scheme import Question, Target
from builder.tables import rows_of, values_of
from builder.text import mentions


def unknown_label(inputs: CheckInputs) -> Iterator[Finding]:
    """The label of a span, or an answer, is not one of the question's labels."""
    yield from unknown_span_label(inputs)
    known = np.zeros(inputs.answers.num_rows, dtype=np.bool_)
    for question in inputs.answer_questions:
        labels = pa.array(list(question.labels), pa.string())
        known |= _about(inputs, question) & mask(pc.is_in(inputs.answers["label"], labels))
    for row, name, target, label in inputs.answer_rows(~known):
        yield Finding(row, inputs.path_of(name, target), f"{label!r} is no answer to {described(name, target)}.")


def unknown_target(inputs: CheckInputs) -> Iterator[Finding]:
    """An answer or an evidence span is about something that was not asked."""
    for question in inputs.answer_questions:
        about = _about(inputs, question)
        if question.mode not in ("article", "mention"):
            asked = pa.array(question.asked(None), pa.string())
            about &= ~mask(pc.is_in(inputs.answers["target"], asked))
        for row, name, target, label in inputs.answer_rows(about):
            targets = inputs.asked(question, row)
            if targets is not None and target not in targets:
                message = f"{label} is about {target!r}, which {name} does not ask about."
                yield Finding(row, inputs.path_of(name, target), message)
    for row, path, targets in _evidence(inputs):
        asked_of = [inputs.asked(question, row) for question in inputs.answer_questions]
        for target in targets:
            if all(known is not None and target not in known for known in asked_of):
                yield Finding(row, path, f"The evidence is about {target!r}, which no question asks about.")


def missing_answer(inputs: CheckInputs) -> Iterator[Finding]:
    """A target that was asked about has no answer; in mention mode, a marked entity has none."""
    for question in inputs.answer_questions:
        if question.required:
            yield from (_missing_mentions if question.mode == "mention" else _missing_targets)(inputs, question)


def _missing_targets(inputs: CheckInputs, question: Question) -> Iterator[Finding]:
    for row in np.flatnonzero(inputs.submitted & ~_complete(inputs, question)).tolist():
        given = {target for name, target, _ in inputs.answers_of.get(row, ()) if name == question.name}
        missing = [target for target in inputs.asked(question, row) or () if target not in given]
        if missing:
            about = described(question.name, ", ".join(missing))
            yield Finding(row, inputs.path_of(question.name, missing[0]), f"No answer to {about} is given.")


def _missing_mentions(inputs: CheckInputs, question: Question) -> Iterator[Finding]:
    answers = inputs.answers.filter(pc.equal(inputs.answers["question"], question.name))
    answered = set(rows_of(answers, "annotation_id", "span_id"))
    spans = rows_of(inputs.spans, "annotation_id", "span_id", "kind", "text")
    for row, (annotation, span, kind, text) in zip(inputs.annotation_of_span.tolist(), spans, strict=True):
        if kind == "entity" and (annotation, span) not in answered:
            message = f"No answer to {question.name} for {text!r} is given."
            yield Finding(row, f"$.result[?(@.id=='{span}')]", message)


def _complete(inputs: CheckInputs, question: Question) -> Mask:
    """Annotations that answer the question for all its targets, when these are the same everywhere."""
    if question.mode == "article":
        return np.zeros(inputs.annotations.num_rows, dtype=np.bool_)
    targets = pa.array(question.asked(None), pa.string())
    rows = np.flatnonzero(_about(inputs, question))
    target = positions_in(inputs.answers["target"], targets)
    answered = np.zeros((inputs.annotations.num_rows, len(targets) + 1), dtype=np.bool_)
    answered[inputs.annotation_of_answer[rows], target[rows]] = True
    complete: Mask = np.asarray(answered[:, : len(targets)].all(axis=1))
    return complete


def conflicting_answer(inputs: CheckInputs) -> Iterator[Finding]:
    """One annotation gives two different answers about one target."""
    about = inputs.annotation_of_answer
    for column in ("question", "target", "span_id"):
        code, names = codes(inputs.answers[column])
        about = about * len(names) + code
    keys, times = np.unique(about, return_counts=True)
    first: dict[int, str] = {}
    twice = np.isin(about, keys[times > 1])
    for key, (row, question, target, label) in zip(about[twice].tolist(), inputs.answer_rows(twice), strict=True):
        before = first.setdefault(key, label)
        if before != label:
            message = f"The answer to {described(question, target)} is both {before} and {label}."
            yield Finding(row, inputs.path_of(question, target), message)


def evidence_without_answer(inputs: CheckInputs) -> Iterator[Finding]:
    """Evidence names no target, or one that its annotator did not judge or called not addressed."""
    absent = {question.name: question.absent for question in inputs.answer_questions}
    for row, path, targets in _evidence(inputs):
        if not targets:
            yield Finding(row, path, "The evidence does not say which target it is about.")
        given: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for question, target, label in inputs.answers_of.get(row, ()):
            given[target].append((question, label))
        for target in targets:
            if all(label == absent.get(question) for question, label in given[target]):
                said = given[target][0][1] if given[target] else "missing"
                yield Finding(row, path, f"The evidence is about {target}, for which the answer is {said}.")


def answer_out_of_sight(inputs: CheckInputs) -> Iterator[Finding]:
    """An answer is about a target that neither the chunk nor the headline mentions."""
    texts, titles = values_of(inputs.windows["text"]), values_of(inputs.windows["title"])
    for question in inputs.answer_questions:
        # The targets of a question with several answers are its options: no text has to mention them.
        if question.mode == "mention" or question.many:
            continue
        visible: dict[tuple[int, str], bool] = {}
        judged = mask(pc.not_equal(inputs.answers["label"], question.absent)) & _about(inputs, question)
        judged &= mask(pc.not_equal(inputs.answers["target"], ""))
        for row, name, target, label in inputs.answer_rows(judged):
            window = int(inputs.window_of_annotation[row])
            if window < 0:
                continue
            key = (window, target)
            if key not in visible:
                known = question.targets.get(target, Target())
                pattern = mentions([*known.aliases, known.title, target.replace("_", " ")])
                visible[key] = any(pattern.search(shown or "") for shown in (texts[window], titles[window]))
            if not visible[key]:
                message = f"{label} is the answer to {described(name, target)}, which the chunk does not mention."
                yield Finding(row, inputs.path_of(name, target), message)


def _about(inputs: CheckInputs, question: Question) -> Mask:
    """Which answers are to the question."""
    return mask(pc.equal(inputs.answers["question"], question.name))


def _evidence(inputs: CheckInputs) -> Iterator[tuple[int, str, list[str]]]:
    rows = np.flatnonzero(mask(pc.equal(inputs.spans["kind"], "evidence")))
    table = inputs.spans.select(["span_id", "targets"]).take(pa.array(rows)).to_pylist()
    for row, span in zip(inputs.annotation_of_span[rows].tolist(), table, strict=True):
        yield row, f"$.result[?(@.id=='{span['span_id']}')]", span["targets"] or []
