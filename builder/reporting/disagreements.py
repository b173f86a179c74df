"""Disagreements: what annotators say differently of the same words, and the chunks with most of it.

A disagreement is a pair of things that two people or more say differently: two answers to a question; two labels of the
same words (`label`); two bounds with the same label (`border`). A mark for which others who saw the chunk have nothing
of the kind is `missed`. Each counts once per chunk and place, however many people say it. Reviews are left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement.answers import answer_votes
from builder.quality.agreement.spans import Marked, marked
from builder.quality.anchoring import one_place_each
from builder.quality.votes import voting_unreviewed
from builder.reporting.facts import UNCHECKED, Facts
from builder.reporting.side_by_side import (
    Disagreement,
    DisputedChunk,
    Link,
    kind_in_words,
    side_by_side,
    view_of,
)
from builder.scheme import Question

#: Chunks that are shown: the most disputed ones, and of each group those with most of it; characters of all views.
_FIRST, _PER_GROUP, _CHUNKS, _CHARACTERS = 10, 3, 40, 1_000_000
_NOTES = 200


#: How often one kind of disagreement about a label, or between two, was found: the label, the kind in words, how often,
#: in how many chunks, and some chunks that are shown.
Group = tuple[str, str, int, int, tuple[str, ...]]


@dataclass(frozen=True)
class DisagreementSection:
    """Disagreements of a pull. Of `compared` chunks, which two people or more labelled, `disputed` have some.

    `problems` counts what annotators reported; `notes` are the latest of `noted` annotations with a report or comment:
    who, what was reported, the comment, the state, the chunk with the way to its task.
    """

    missing: str = ""
    compared: int = 0
    disputed: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    groups: tuple[Group, ...] = ()
    chunks: tuple[DisputedChunk, ...] = ()
    problems: tuple[tuple[str, int], ...] = ()
    notes: tuple[tuple[str, str, str, str, tuple[str, str]], ...] = ()
    noted: int = 0


def disagreement_section(facts: Facts, link: Link = None) -> DisagreementSection:
    """The disagreements in the tables of `validate`. `link` gives the address of a task from its project and number.

    On a public page there are counts alone.
    """
    annotations, spans, answers = (facts.table(name) for name in ("annotations", "spans", "answers"))
    if annotations is None or spans is None or answers is None:
        return DisagreementSection(UNCHECKED)
    voters = voting_unreviewed(annotations)
    answers = one_place_each(answers, spans, voters["annotation_id"].to_pylist())
    questions = facts.scheme.questions.values()
    found = [one for q in questions if q.gives == "answers" for one in _of_answers(annotations, answers, q)]
    for kind in dict.fromkeys(q.span_kind for q in questions if q.span_kind):
        asked = facts.quality.asked if kind == "entity" else {}
        found += _of_spans(marked(annotations, spans, kind, asked), kind)
    groups, chosen = _groups(found)
    shown: list[DisputedChunk] = []
    about: dict[str, list[Disagreement]] = {} if facts.public else {chunk: [] for chunk in chosen}
    for one in found:
        if one.chunk in about:
            about[one.chunk].append(one)
    size = 0
    for made in side_by_side(about, voters, facts, link):
        size += sum(len(piece.text) for view in made.views for piece in view.pieces)
        if size > _CHARACTERS:
            break
        shown.append(made)
    there = {made.chunk_id for made in shown}
    flags = pc.greater(pc.fill_null(pc.list_value_length(annotations["problems"]), 0), 0)
    noted = annotations.filter(pc.or_(flags, pc.greater(pc.utf8_length(pc.fill_null(annotations["comment"], "")), 0)))
    noted = noted.sort_by([("created", "descending"), ("annotation_id", "ascending")])
    latest = noted.slice(0, 0 if facts.public else _NOTES).to_pylist()
    views = [view_of(row, link, facts.accounts) for row in latest]
    return DisagreementSection(
        compared=sum(n > 1 for n in Counter(voters["chunk_id"].to_pylist()).values()),
        disputed=len({one.chunk for one in found}),
        kinds=tuple(
            (kind_in_words(kind), n)
            for kind, n in sorted(Counter(one.kind for one in found).items(), key=lambda each: (-each[1], each[0]))
        ),
        groups=tuple(
            (label, kind_in_words(kind, of), n, len(chunks), tuple([c for c in chunks if c in there][:_PER_GROUP]))
            for (kind, of, label), n, chunks in groups
        ),
        chunks=tuple(shown),
        problems=tuple(Counter(pc.list_flatten(noted["problems"]).to_pylist()).most_common()),
        notes=tuple(
            (view.who, view.problems, view.comment, row["state"], (row["chunk_id"], view.link))
            for row, view in zip(latest, views, strict=True)
        ),
        noted=noted.num_rows,
    )


def _of_answers(annotations: pa.Table, answers: pa.Table, question: Question) -> Iterator[Disagreement]:
    """The pairs of labels that an item got. Where several options may hold, the option is the label."""
    votes, items = answer_votes(annotations, answers, question)
    given = votes.counts() > 0
    for one, other in combinations(range(len(votes.labels)), 2):
        for at in np.flatnonzero(given[:, one] & given[:, other]).tolist():
            chunk, target = items[at]
            label = target if question.many else f"{votes.labels[one]} / {votes.labels[other]}"
            yield Disagreement(chunk, question.name, "", label)


def _of_spans(found: Marked, kind: str) -> Iterator[Disagreement]:
    """The marks that not everybody made who was asked: pairs of them where two people have one each, and the others."""
    wanted = np.zeros((len(found.chunks), len(found.labels)))
    np.add.at(wanted, found.chunk_of, found.heard)
    makers: dict[int, dict[tuple[int, int, int], set[int]]] = defaultdict(lambda: defaultdict(set))
    columns = (found.chunk_of[found.owner], found.start, found.end, found.label, found.owner)
    for chunk, *mark, owner in zip(*(column.tolist() for column in columns), strict=True):
        makers[chunk][mark[0], mark[1], mark[2]].add(owner)
    for chunk, made in makers.items():
        disputed = {mark: who for mark, who in made.items() if len(who) < wanted[chunk, mark[2]]}
        pairs = [
            (one, other)
            for (one, by), (other, too) in combinations(disputed.items(), 2)
            if (one[:2] == other[:2] or (one[2] == other[2] and one[0] < other[1] and other[0] < one[1]))
            # Neither has what the other has.
            and by - too
            and too - by
        ]
        alone = disputed.keys() - {mark for pair in pairs for mark in pair}
        for one, other in sorted([*pairs, *((mark, mark) for mark in alone)]):
            name = "missed" if one == other else "border" if one[2] == other[2] else "label"
            labels = " / ".join(found.labels[label] for label in sorted({one[2], other[2]}))
            yield Disagreement(found.chunks[chunk], name, kind, labels, min(one[0], other[0]), max(one[1], other[1]))


def _groups(
    found: list[Disagreement],
) -> tuple[list[tuple[tuple[str, str, str], int, list[str]]], list[str]]:
    """Each group with its disagreements and chunks (the most disputed first), the largest first; and the chunks to
    show: the most disputed ones, and then those of each group in turn."""
    totals = Counter(one.chunk for one in found)
    per: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for (chunk, *group), n in Counter(one[:4] for one in found).items():
        per[group[0], group[1], group[2]][chunk] = n
    groups = [
        (key, n.total(), sorted(n, key=lambda chunk, n=n: (-n[chunk], totals[chunk], chunk)))  # type: ignore[misc]
        for key, n in sorted(per.items(), key=lambda each: (-each[1].total(), each[0]))
    ]
    chosen = dict.fromkeys(sorted(totals, key=lambda chunk: (-totals[chunk], chunk))[:_FIRST])
    for turn in range(_PER_GROUP):
        chosen |= dict.fromkeys(chunks[turn] for _, _, chunks in groups if turn < len(chunks))
    return groups, list(chosen)[:_CHUNKS]
