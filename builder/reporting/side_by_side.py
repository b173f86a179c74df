"""Chunks as each annotator labelled them, side by side: texts cut where spans begin and end, and rows to compare."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from builder.reporting.facts import Facts
from builder.scheme import Scheme

Row = dict[str, Any]
Link = Callable[[int, int], str] | None
#: What is shown of one chunk at most: characters, annotators, places; and characters of a span in a row, of a comment.
_LONGEST, _VIEWS, _PLACES, _WORDS, _COMMENT = 20_000, 8, 25, 160, 2000
_IN_WORDS = {"label": "another label", "border": "other bounds"}


class Disagreement(NamedTuple):
    """One disagreement. `kind` is the question for answers; else label, border or missed, with the kind of span in
    `of`. `start` and `end` are article coordinates, -1 for answers."""

    chunk: str
    kind: str
    of: str
    label: str
    start: int = -1
    end: int = -1


class TextPiece(NamedTuple):
    """A stretch of a text with the labels of the spans over it, the outermost first, and of those that begin there."""

    text: str
    labels: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    disputed: bool = False


class AnnotatorView(NamedTuple):
    """What one annotator did: `who` has the account, `problems` what was reported. `link` leads to the task; it is
    empty where that is not for readers."""

    annotator: str
    who: str
    problems: str
    comment: str
    link: str
    pieces: tuple[TextPiece, ...] = ()


@dataclass(frozen=True)
class DisputedChunk:
    """A chunk with `count` disagreements: the view of each annotator, and in rows answers and disputed words.

    A row has what it is about, its kinds of disagreements in words, what each view says, and what was decided. `cut` is
    how many characters of the text are not shown, `more` how many rows and views.
    """

    chunk_id: str
    title: str
    count: int
    views: tuple[AnnotatorView, ...]
    answers: tuple[tuple[str, ...], ...]
    spans: tuple[tuple[str, ...], ...]
    cut: int = 0
    more: int = 0


def view_of(row: Row, link: Link, accounts: Mapping[str, str], pieces: tuple[TextPiece, ...] = ()) -> AnnotatorView:
    """The view of a row of ANNOTATIONS."""
    name, problems = row["annotator"], ", ".join(row["problems"] or ())
    who = f"{name} ({accounts[name]})" if accounts.get(name) else name
    where = link(row["project_id"], row["task_id"]) if link else ""
    return AnnotatorView(name, who, problems, shortened(row["comment"] or "", _COMMENT), where, pieces)


def side_by_side(
    about: Mapping[str, Sequence[Disagreement]], voters: pa.Table, facts: Facts, link: Link
) -> Iterator[DisputedChunk]:
    """The chunks with their disagreements, in the order of `about`. `voters` are the annotations to show."""
    chunks = pa.array(list(about), pa.string())

    def rows(table: pa.Table | None, by: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in [] if table is None else table.filter(pc.is_in(table["chunk_id"], chunks)).to_pylist():
            found[row[by]].append(row)
        return found

    texts, people = rows(facts.table("windows"), "chunk_id"), rows(voters, "chunk_id")
    marked, answered = (rows(facts.table(name), "annotation_id") for name in ("spans", "answers"))
    gold_spans, gold_answers = (rows(facts.table(name), "chunk_id") for name in ("gold_spans", "gold_answers"))
    for chunk, found in about.items():
        window, every = texts[chunk][0], people[chunk]
        begin, text, shown = window["start"], window["text"], every[:_VIEWS]
        places = [one for one in found if one.start >= 0]
        made = [sorted(marked[row["annotation_id"]], key=lambda s: (s["start"], -s["end"])) for row in shown]
        said = [answered[row["annotation_id"]] for row in shown]
        words = list(_of_words(text, begin, places, made, gold_spans[chunk]))
        views = []
        for row, own in zip(shown, made, strict=True):
            cut = [(s["start"] - begin, s["end"] - begin, _label(s), _disputed(s, places)) for s in own]
            views.append(view_of(row, link, facts.accounts, pieces(text[:_LONGEST], cut)))
        yield DisputedChunk(
            chunk, window["title"] or "", len(found), tuple(views),
            tuple(_of_targets(facts.scheme, said, gold_answers[chunk])),
            tuple(words[:_PLACES]), max(len(text) - _LONGEST, 0),
            max(len(words) - _PLACES, 0) + len(every) - len(shown),
        )  # fmt: skip


def pieces(text: str, spans: Iterable[tuple[int, int, str, bool]]) -> tuple[TextPiece, ...]:
    """The text cut wherever a span (start, end, label, whether it is disputed) begins or ends; spans may cross.

    >>> [(p.text, p.labels, p.opens) for p in pieces("a b c", [(0, 3, "X", False), (2, 5, "Y", True)])]
    [('a ', ('X',), ('X',)), ('b', ('X', 'Y'), ('Y',)), (' c', ('Y',), ())]
    """
    inside = ((max(start, 0), min(end, len(text)), label, disputed) for start, end, label, disputed in spans)
    there = sorted((span for span in inside if span[0] < span[1]), key=lambda span: (span[0], -span[1], span[2]))
    edges = sorted({0, len(text)}.union(*((start, end) for start, end, *_ in there)))
    found = []
    for start, end in pairwise(edges):
        over = [span for span in there if span[0] <= start and end <= span[1]]
        opens = tuple(span[2] for span in over if span[0] == start)
        found.append(TextPiece(text[start:end], tuple(s[2] for s in over), opens, any(s[3] for s in over)))
    return tuple(found)


def _of_targets(scheme: Scheme, said: Sequence[list[Row]], gold: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    """A row per question and target, or mention of it, that anybody answered, in the order of the scheme."""
    key = itemgetter("question", "target", "start")
    given = [{key(row): row["label"] for row in rows} for rows in said]
    decided = {key(row): row for row in gold}
    for name, question in scheme.questions.items():
        known = {target: n for n, target in enumerate(question.targets)}
        asked = {about for mine in given for about in mine if about[0] == name}
        for about in sorted(asked, key=lambda about: (known.get(about[1], len(known)), about[2] or 0, about[1])):
            labels = [mine.get(about) for mine in given]
            settled = decided.get(about, {"label": None, "status": ""})
            label = f"{question.label_title(settled['label'])} " if settled["label"] else ""
            yield (
                f"{name}: {question.title(about[1])}" if about[1] else name,
                name if len(set(labels) - {None}) > 1 else "none",
                *("no answer" if label is None else question.label_title(label) for label in labels),
                f"{label}({settled['status']})" if label else settled["status"],
            )


def _of_words(
    text: str, begin: int, found: Iterable[Disagreement], made: Sequence[list[Row]], gold: list[Row]
) -> Iterator[tuple[str, ...]]:
    """A row per stretch of the text that disputed spans of one kind share, in the order of the text."""
    stretches: list[list[Disagreement]] = []
    for one in sorted(found, key=lambda one: (one.of, one.start, one.end)):
        if stretches and stretches[-1][0].of == one.of and one.start < max(each.end for each in stretches[-1]):
            stretches[-1].append(one)
        else:
            stretches.append([one])
    for same in sorted(stretches, key=lambda same: (same[0].start, same[0].of)):
        start, end = same[0].start, max(one.end for one in same)
        *said, decided = (
            [s for s in spans if s["kind"] == same[0].of and s["start"] < end and start < s["end"]]
            for spans in (*made, gold)
        )

        def quoted(span: Row, whole: tuple[int, int] = (start, end)) -> str:
            same = (span["start"], span["end"]) == whole
            return _label(span) if same else f"{_label(span)} “{shortened(span['text'])}”"

        yield (
            shortened(text[max(start - begin, 0) : max(end - begin, 0)]),
            ", ".join(dict.fromkeys(kind_in_words(one.kind) for one in same)),
            *("; ".join(map(quoted, mine)) or "nothing" for mine in said),
            "; ".join(f"{quoted(span)} ({span['status']})" for span in decided),
        )


def kind_in_words(kind: str, of: str = "") -> str:
    """A kind of disagreement, and the kind of span it is about, as people read it."""
    return _IN_WORDS.get(kind, kind) + (f": {of}" if of else "")


def _disputed(span: Row, places: Iterable[Disagreement]) -> bool:
    return any(p.of == span["kind"] and p.start <= span["start"] and span["end"] <= p.end for p in places)


def _label(span: Row) -> str:
    """What is read as the label of a span: evidence has its targets beside it."""
    return f"{span['label']}: {', '.join(span['targets'])}" if span["targets"] else str(span["label"])


def shortened(words: str, most: int = _WORDS) -> str:
    """The words, or their first and last ones where they are longer than `most` characters.

    >>> shortened("abcdef", 6), shortened("abcdefg", 6)
    ('abcdef', 'abc … efg')
    """
    return words if len(words) <= most else f"{words[: most // 2]} … {words[-most // 2 :]}"
