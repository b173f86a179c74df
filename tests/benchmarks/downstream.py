"""What a tagger learns from gold of each method, on generated crowds whose truth is known.

Each method's gold trains the same conditional random field, which is tested on other sentences with their true spans.
Sentences with a span that was not decided are left out of the training, as a strict release leaves them out.
"""

import sys
from collections.abc import Container, Iterable, Mapping
from itertools import pairwise
from typing import Any

import sklearn_crfsuite

from builder.quality.adjudication.spans import gold_spans
from builder.quality.aggregation.believe import Decider
from builder.quality.settings import Aggregation
from builder.quality.votes import Voters
from tests.benchmarks.span_crowd import Span, SpanCrowd, span_crowd

#: Sentences, annotators, and annotators per sentence.
SIZES = ((200, 2, 2), (200, 3, 3), (200, 10, 3), (300, 20, 4), (300, 46, 5))
METHODS = (
    ("auto", "auto"), ("majority", "exact"), ("majority", "tokens"), ("dawid_skene", "exact"),
    ("dawid_skene", "tokens"), ("mace", "tokens"), ("sequence", "tokens"),
)  # fmt: skip
_RELEASED = ("agreed", "single", "adjudicated")


def rows_of_gold(crowd: SpanCrowd, **settings: Any) -> list[dict[str, Any]]:
    """GOLD_SPANS of the crowd."""
    decider = Decider(Voters(crowd.annotations, (), {}), Aggregation(**settings))
    rows: list[dict[str, Any]] = gold_spans(crowd.spans, crowd.windows, decider).to_pylist()
    return rows


def released(crowd: SpanCrowd, rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Span]]:
    """The released spans by chunk."""
    found: dict[str, list[Span]] = {chunk: [] for chunk in crowd.texts}
    for row in rows:
        if row["status"] in _RELEASED:
            found[row["chunk_id"]].append((row["start"], row["end"], row["label"]))
    return found


def right_alone(crowd: SpanCrowd) -> tuple[int, float]:
    """How many spans of one annotator against others the default would believe, and the share of them that is true."""
    lone = [
        (row["start"], row["end"], row["label"]) in crowd.truth[row["chunk_id"]]
        for row in rows_of_gold(crowd, min_backers=1)
        if row["status"] == "adjudicated" and sum(vote["label"] is not None for vote in row["votes"]) == 1
    ]
    return len(lone), sum(lone) / max(len(lone), 1)


def exact_f1(found: Mapping[str, Iterable[Span]], truth: Mapping[str, Iterable[Span]]) -> float:
    """F1 of spans with the very same bounds and label."""
    one, other = ({(chunk, *span) for chunk, spans in side.items() for span in spans} for side in (found, truth))
    return 2 * len(one & other) / max(len(one) + len(other), 1)


def tags(text: str, spans: Iterable[Span]) -> list[str]:
    """A BIO tag per word; of overlapping spans the first counts."""
    marked, at = list(spans), 0
    out: list[str] = []
    for word in text.split(" "):
        inside = next(((s, e, x) for s, e, x in marked if s < at + len(word) and e > at), None)
        out.append("O" if inside is None else f"{'B' if inside[0] >= at else 'I'}-{inside[2]}")
        at += len(word) + 1
    return out


def features(text: str) -> list[dict[str, object]]:
    """Words, their neighbours and their shapes."""
    words = ["<s>", *text.split(" "), "</s>"]
    return [
        {"word": words[i], "before": words[i - 1], "after": words[i + 1], "upper": words[i][0].isupper(),
         "end": words[i][-2:], "upper before": words[i - 1][0].isupper()}
        for i in range(1, len(words) - 1)
    ]  # fmt: skip


def learned_f1(
    crowd: SpanCrowd, spans: Mapping[str, Iterable[Span]], tested: SpanCrowd, without: Container[str] = ()
) -> float:
    """Exact F1, on true spans of other sentences, of a tagger trained on these spans without some chunks."""
    tagger = sklearn_crfsuite.CRF(algorithm="lbfgs", c1=0.05, c2=0.05, max_iterations=60)
    texts = {chunk: text for chunk, text in crowd.texts.items() if chunk not in without}
    tagger.fit([features(text) for text in texts.values()], [tags(text, spans[c]) for c, text in texts.items()])
    guessed = tagger.predict([features(text) for text in tested.texts.values()])
    found = {}
    for (chunk, text), given in zip(tested.texts.items(), guessed, strict=True):
        found[chunk] = spans_of(text, list(given))
    return exact_f1(found, tested.truth)


def spans_of(text: str, given: list[str]) -> list[Span]:
    """The spans of BIO tags."""
    out: list[Span] = []
    at = 0
    for word, (before, tag) in zip(text.split(" "), pairwise(["O", *given]), strict=True):
        if tag != "O" and (tag[0] == "B" or before[2:] != tag[2:]):
            out.append((at, at + len(word), tag[2:]))
        elif tag != "O":
            out[-1] = (out[-1][0], at + len(word), tag[2:])
        at += len(word) + 1
    return out


def main() -> None:
    """Prints F1 of the gold, and of a tagger that learned from it, per size of crowd and method."""
    tested = span_crowd(400, 2, 2, seed=99)
    for size in SIZES:
        crowd = span_crowd(*size, seed=1)
        say(f"{size[0]} sentences, {size[1]} annotators, {size[2]} per sentence")
        say(f"  the truth: learned F1 {learned_f1(crowd, crowd.truth, tested):.3f}")
        say("  one against others: {} spans would be believed, {:.2f} of them true".format(*right_alone(crowd)))
        for method, spans in METHODS:
            rows = rows_of_gold(crowd, method=method, spans=spans)
            found = released(crowd, rows)
            undecided = {row["chunk_id"] for row in rows if row["status"] == "unresolved"}
            learned = learned_f1(crowd, found, tested, undecided)
            left = f"{len(undecided)} sentences with an undecided span"
            say(f"  {method}, {spans}: gold F1 {exact_f1(found, crowd.truth):.3f}, learned F1 {learned:.3f}, {left}")


def say(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
