"""A generated crowd that marks names in sentences: the truth is known, and annotators err as people do.

They overlook names, mark a part of a name or a word too many, confuse kinds, and mark words that are no name. How often
differs from person to person.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from builder.quality.votes import Votes
from builder.tables import ANNOTATIONS, SPANS, WINDOWS

KINDS = ("GPE", "ORG", "PERSON")
_FILLERS = re.findall(
    r"\w+", "the of and a to said that with for on has was by at will its after new over plan talks vote"
)
_CUES = {
    "PERSON": ["president", "Mr", "minister", "told", "spokesman"],
    "ORG": ["maker", "group", "shares of", "at", "union"],
    "GPE": ["in", "near", "from", "visit to", "border with"],
}
_TAILS = {"PERSON": ["", "", ""], "ORG": ["Corp", "Group", "Bank"], "GPE": ["", "Province", "City"]}

Span = tuple[int, int, str]


@dataclass
class Person:
    """How often an annotator overlooks a name, cuts or extends it, confuses its kind, and marks a word for nothing."""

    misses: float
    borders: float
    confuses: float
    spurious: float


@dataclass
class SpanCrowd:
    """The tables of the annotators, and the true spans by chunk id."""

    annotations: pa.Table
    spans: pa.Table
    windows: pa.Table
    truth: dict[str, list[Span]]
    texts: dict[str, str]


def sentences(count: int, rng: np.random.Generator) -> list[tuple[list[str], list[Span]]]:
    """Sentences as words, with true names as half-open intervals of words."""
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    names = ["".join(rng.choice(syllables, rng.integers(2, 4))).capitalize() for _ in range(400)]
    # A third of the names are of several kinds: only the words around them tell.
    lexicon = {kind: names[100 * n : 100 * n + 150] for n, kind in enumerate(KINDS)}
    made = []
    for _ in range(count):
        words: list[str] = []
        spans: list[Span] = []
        for _ in range(int(rng.integers(1, 4))):
            words += list(rng.choice(_FILLERS, rng.integers(1, 5)))
            kind = str(rng.choice(KINDS))
            if rng.random() < 0.75:
                words += str(rng.choice(_CUES[kind])).split()
            start = len(words)
            words += list(rng.choice(lexicon[kind], 2 if kind == "PERSON" and rng.random() < 0.7 else 1))
            tail = str(rng.choice(_TAILS[kind]))
            words += [tail] if tail else []
            spans.append((start, len(words), kind))
        words += list(rng.choice(_FILLERS, rng.integers(0, 4)))
        made.append(([str(word) for word in words], spans))
    return made


def people(count: int, rng: np.random.Generator) -> list[Person]:
    """A crowd of which a fifth is careful, a fifth careless, and the rest between."""
    made = []
    for n in range(count):
        level = (0.12, 0.35, 0.35, 0.35, 0.7)[n % 5]
        a, b, c, d = (float(np.clip(level * rng.uniform(0.5, 1.5) * f, 0, 0.9)) for f in (1.0, 0.6, 0.4, 0.15))
        made.append(Person(a, b, c, d))
    return made


def marks(words: list[str], truth: list[Span], person: Person, rng: np.random.Generator) -> list[Span]:
    """What a person marks in a sentence: intervals of words that do not overlap."""
    found: list[Span] = []
    for start, end, kind in truth:
        if rng.random() < person.misses:
            continue
        if rng.random() < person.borders:
            way = int(rng.integers(0, 4))
            if end - start > 1 and way < 2:
                start, end = (start + 1, end) if way else (start, end - 1)
            elif way < 3:
                start = max(start - 1, 0)
            else:
                end = min(end + 1, len(words))
        if rng.random() < person.confuses:
            kind = str(rng.choice([k for k in KINDS if k != kind]))
        if not found or found[-1][1] <= start:
            found.append((start, end, kind))
    if rng.random() < person.spurious:
        at = int(rng.integers(0, len(words)))
        if all(end <= at or start > at for start, end, _ in found):
            found.append((at, at + 1, str(rng.choice(KINDS))))
    return sorted(found)


def span_crowd(chunks: int, crowd: int, each: int, seed: int = 0) -> SpanCrowd:
    """`chunks` sentences, each marked by `each` of `crowd` people."""
    rng = np.random.default_rng(seed)
    annotations: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    windows: list[dict[str, Any]] = []
    truth: dict[str, list[Span]] = {}
    texts: dict[str, str] = {}
    persons = people(crowd, rng)
    for number, (words, true) in enumerate(sentences(chunks, rng)):
        chunk, text = f"c{number:06}", " ".join(words)
        ends = np.cumsum([len(word) + 1 for word in words]) - 1
        starts = ends - [len(word) for word in words]

        def place(span: Span, starts: Any = starts, ends: Any = ends) -> Span:
            return int(starts[span[0]]), int(ends[span[1] - 1]), span[2]

        windows.append({"chunk_id": chunk, "article_id": chunk, "start": 0, "end": len(text), "text": text})
        truth[chunk], texts[chunk] = [place(span) for span in true], text
        for who in rng.choice(crowd, each, replace=False).tolist():
            own = {"annotation_id": f"1:{len(annotations)}", "chunk_id": chunk, "article_id": chunk}
            own["annotator"] = f"w{who:03}"
            given = marks(words, true, persons[who], rng)
            state = "labelled" if given else "labelled-empty"
            annotations.append({**own, "project_id": 1, "state": state, "quarantined": False})
            for n, (start, end, label) in enumerate(map(place, given)):
                row = {"span_id": f"r{n}", "kind": "entity", "start": start, "end": end, "label": label, "targets": []}
                spans.append({**own, **row, "text": text[start:end]})
    tables = ((annotations, ANNOTATIONS), (spans, SPANS), (windows, WINDOWS))
    return SpanCrowd(*(pa.Table.from_pylist(rows, schema) for rows, schema in tables), truth, texts)


def token_votes(tokens: int, crowd: int = 46, each: int = 5) -> tuple[Votes, Any]:
    """Votes on the tokens of texts of 25 tokens, as O, B and I, of people who overlook spans; and the true tags."""
    rng = np.random.default_rng(0)
    truth = np.zeros(tokens, dtype=np.int64)
    at = int(rng.integers(3, 9))
    while at + 3 < tokens:
        length = int(rng.integers(1, 4))
        if at // 25 == (at + length) // 25:
            truth[at], truth[at + 1 : at + length] = 1, 2
        at += length + int(rng.integers(3, 9))
    first = np.arange(0, tokens, 25)
    who = np.repeat(np.stack([rng.choice(crowd, each, replace=False) for _ in first]), 25, axis=0)[:tokens]
    span = np.cumsum(truth == 1) * (truth > 0)
    begins = np.append(0, np.flatnonzero(truth == 1))
    missed = rng.random((len(begins), each)) < rng.uniform(0.05, 0.6, crowd)[who[begins]]
    given = np.where(missed[span], 0, truth[:, None])
    names = [f"w{n:03}" for n in range(crowd)]
    return Votes(
        tokens, names, list("OBI"), np.repeat(np.arange(tokens), each), who.ravel(), given.ravel(), first
    ), truth
