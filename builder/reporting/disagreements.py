"""Disagreements: what annotators say differently of the same words, and the chunks with most of it.

A disagreement is a pair of things that two people or more say differently: two answers to a question; two labels of the
same words (`label`); two bounds with the same label (`border`). A mark for which others who saw the chunk have nothing
of the kind is `missed`. Each counts once per chunk and place, however many people say it. Reviews are left out.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement.answers import answer_votes
from builder.quality.agreement.spans import Marked, marked
from builder.quality.anchoring import one_place_each
from builder.quality.votes import overlapping_pairs, voting_unreviewed
from builder.reporting.side_by_side import AnnotatorView, Disagreement, DisputedChunk, Link, side_by_side
from builder.scheme import Question, Scheme

#: Chunks that are shown: the most disputed ones, and of each group those with most of it; characters of all views.
_FIRST, _PER_GROUP, _CHUNKS, _CHARACTERS = 10, 3, 40, 1_000_000
_NOTES = 200


@dataclass(frozen=True)
class DisagreementGroup:
    """How often one kind of disagreement about a label, or between two, was found; and shown chunks that have it."""

    kind: str
    of: str
    label: str
    count: int
    chunks: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class DisagreementSection:
    """Disagreements of a pull. Of `compared` chunks, which two people or more labelled, `disputed` have some.

    `problems` counts what annotators reported; `notes` are the latest of `noted` annotations with a report or comment.
    """

    missing: str = ""
    compared: int = 0
    disputed: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    groups: tuple[DisagreementGroup, ...] = ()
    chunks: tuple[DisputedChunk, ...] = ()
    problems: tuple[tuple[str, int], ...] = ()
    notes: tuple[tuple[str, AnnotatorView], ...] = ()
    noted: int = 0


def disagreement_section(
    annotations: pa.Table | None,
    spans: pa.Table | None,
    answers: pa.Table | None,
    windows: pa.Table | None,
    scheme: Scheme,
    *,
    gold: tuple[pa.Table, pa.Table] | None = None,
    asked: Mapping[str, Collection[str]] = MappingProxyType({}),
    link: Link = None,
    accounts: Mapping[str, str] = MappingProxyType({}),
    texts: bool = True,
) -> DisagreementSection:
    """The disagreements in the tables of `validate`; `gold` are GOLD_SPANS and GOLD_ANSWERS, where they are known.

    `asked` is the setting of `quality`, `link` gives the address of a task from its project and number, `accounts` are
    e-mail addresses by pseudonym. Without `texts` there are counts alone.
    """
    if annotations is None or spans is None or answers is None or windows is None:
        return DisagreementSection("No annotation is checked yet: run `builder pull`, then `builder validate`.")
    voters = voting_unreviewed(annotations)
    answers = one_place_each(answers, spans, voters["annotation_id"].to_pylist())
    questions = scheme.questions.values()
    found = [one for q in questions if q.gives == "answers" for one in _of_answers(annotations, answers, q)]
    for kind in dict.fromkeys(q.span_kind for q in questions if q.span_kind):
        found += _of_spans(marked(annotations, spans, kind, asked if kind == "entity" else {}), kind)
    groups, chosen = _groups(found)
    shown: list[DisputedChunk] = []
    about: dict[str, list[Disagreement]] = {chunk: [] for chunk in chosen} if texts else {}
    for one in found:
        if one.chunk in about:
            about[one.chunk].append(one)
    size = 0
    for made in side_by_side(about, voters, spans, answers, windows, gold, scheme, link, accounts):
        size += sum(len(piece.text) for view in made.views for piece in view.pieces)
        if size > _CHARACTERS:
            break
        shown.append(made)
    there = {made.chunk_id for made in shown}
    flags = pc.greater(pc.fill_null(pc.list_value_length(annotations["problems"]), 0), 0)
    noted = annotations.filter(pc.or_(flags, pc.greater(pc.utf8_length(pc.fill_null(annotations["comment"], "")), 0)))
    noted = noted.sort_by([("created", "descending"), ("annotation_id", "ascending")])
    latest = noted.slice(0, _NOTES if texts else 0).to_pylist()
    per_chunk = Counter(voters["chunk_id"].to_pylist())
    return DisagreementSection(
        compared=sum(n > 1 for n in per_chunk.values()),
        disputed=len({one.chunk for one in found}),
        kinds=tuple(sorted(Counter(one.kind for one in found).items(), key=lambda each: (-each[1], each[0]))),
        groups=tuple(
            DisagreementGroup(*group, count, len(chunks), tuple([c for c in chunks if c in there][:_PER_GROUP]))
            for group, count, chunks in groups
        ),
        chunks=tuple(shown),
        problems=tuple(Counter(pc.list_flatten(noted["problems"]).to_pylist()).most_common()),
        notes=tuple((row["chunk_id"], AnnotatorView.of(row, link, accounts)) for row in latest),
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
    rows = np.stack([found.chunk_of[found.owner], found.start, found.end, found.label])
    # Rows of one mark are side by side.
    first = np.any(np.diff(rows, axis=1, prepend=-1) != 0, axis=0)
    marks, mark = rows[:, first], np.cumsum(first) - 1
    wanted = np.zeros((len(found.chunks), len(found.labels)))
    np.add.at(wanted, found.chunk_of, found.heard)
    disputed = np.bincount(mark, minlength=marks.shape[1]) < wanted[marks[0], marks[3]]
    at = np.flatnonzero(disputed[mark])
    (chunk, start, end, label), mark, owner = rows[:, at], mark[at], found.owner[at]
    people = len(found.chunk_of)
    held = mark * people + owner  # ascending, as the rows are
    pairs: set[tuple[int, int]] = set()
    for left, right in overlapping_pairs(chunk, start, end):
        alike = (label[left] == label[right]) | ((start[left] == start[right]) & (end[left] == end[right]))
        for one, other in ((left, right), (right, left)):  # neither has what the other has
            wished = mark[one] * people + owner[other]
            alike &= np.append(held, -1)[np.searchsorted(held, wished)] != wished
        both = np.sort(np.stack([mark[left[alike]], mark[right[alike]]]), axis=0)
        pairs.update(zip(*both.tolist(), strict=True))
    alone = set(mark.tolist()) - {each for pair in pairs for each in pair}
    known = marks.T.tolist()
    for one_mark, other_mark in sorted(pairs | {(n, n) for n in alone}):
        (number, start_one, end_one, of_one), (_, start_other, end_other, of_other) = known[one_mark], known[other_mark]
        name = "missed" if one_mark == other_mark else "border" if of_one == of_other else "label"
        labels = found.labels[min(of_one, of_other)]
        if of_one != of_other:
            labels += f" / {found.labels[max(of_one, of_other)]}"
        place = min(start_one, start_other), max(end_one, end_other)
        yield Disagreement(found.chunks[number], name, kind, labels, *place)


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
