"""Texts cut as asked and divided between the splits, so that none is in two of them; and the certificate of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import positions_in, text_array
from builder.release.leakage import Fingerprints, Shared, leave_out
from builder.release.manifest import Leakage, LeftOut
from builder.release.passages import Index, Passages, key
from builder.release.settings import Split
from builder.release.splits import Assignment, Member
from builder.text import Ints, sentences


class Separation:
    """Which split each text of the index is in, by number; -1 for texts left out so that splits share nothing."""

    def __init__(self, index: Index, assignment: Assignment, settings: Split) -> None:
        given = assignment.splits
        self._index, self._near = index, settings.near
        self.names = sorted(set(given.values()))
        self._shares = [settings.ratios.get(name, 0.0) for name in self.names]
        numbers = {name: i for i, name in enumerate(self.names)}
        of_article = np.array([numbers.get(given.get(a, ""), -1) for a in index.articles.to_pylist()], np.int64)
        #: What the splits share, over all texts and over those of another granularity. Nothing, unless there is a bug.
        self.shared: list[Shared] = []
        self.splits, self.left_out = self._settled(index.batches(), of_article[index.article_codes])
        self.cut_left_out = 0

    def _settled(self, texts: Iterable[Passages], splits: Ints) -> tuple[Ints, int]:
        """The split of each text, -1 where it was left out so that splits share none, and how many were.

        `splits` are those of the texts of the index.
        """
        prints, given = Fingerprints(int((self._index.ends - self._index.starts).sum())), list[Ints]()
        for passages in texts:
            prints.add(passages.text)
            given.append(splits[passages.numbers])
        sides = np.concatenate([np.zeros(0, np.int64), *given])
        before = int((sides >= 0).sum())
        while gone := leave_out(shared := prints.shared(sides, self._near), sides, self._shares):
            sides[list(gone)] = -1
        self.shared.append(shared)
        return sides, before - int((sides >= 0).sum())

    def texts(self, granularity: str, language: str) -> Iterator[tuple[str, Passages]]:
        """The texts at this granularity, split by split within each batch; those cut otherwise are compared again."""
        index = self._index
        shown = index.is_window if granularity == "window" else np.arange(len(index)) < index.chunks
        sides, texts = np.where(shown, self.splits, -1), index.batches
        if granularity in ("sentence", "article"):
            texts = partial(_cut, index, granularity, language, sides)
            sides, self.cut_left_out = self._settled(texts(), sides)
        at = 0
        for passages in texts():
            here = sides[at : at + len(passages)]
            at += len(passages)
            for number, name in enumerate(self.names):
                where = np.flatnonzero(here == number)
                if len(where):
                    yield name, passages.take(where)

    def certificate(self, members: list[Member], assignment: Assignment) -> Leakage:
        """What the splits share, counted on the final texts, and how much was left out so that they share nothing."""
        given, kept = assignment.splits, self.splits >= 0
        return Leakage(
            articles=_torn(zip(self._index.article_codes[kept].tolist(), self.splits[kept].tolist(), strict=True)),
            clusters=_torn((m.cluster_id, given[m.article_id]) for m in members if m.article_id in given),
            exact_texts=sum(len(shared.exact) for shared in self.shared),
            near_texts=sum(len(shared.near) for shared in self.shared),
            similarity=self._near,
            left_out=LeftOut(articles=len(assignment.left_out), texts=self.left_out, cut_texts=self.cut_left_out),
        )


def _torn(sides: Iterable[tuple[Any, Any]]) -> int:
    """How many of the first values come with several second ones."""
    return sum(count > 1 for count in Counter(first for first, _ in set(sides)).values())


def _cut(index: Index, granularity: str, language: str, splits: Ints) -> Iterator[Passages]:
    if granularity == "article":
        return stretches(index, np.flatnonzero(splits >= 0))
    return (by_sentence(chunks, language) for chunks in index.batches())


def by_sentence(chunks: Passages, language: str) -> Passages:
    """One text per sentence, with id `<chunk_id>:<start in the chunk>` and the number of its chunk."""
    rows = [
        (number, start, text[start:end])
        for number, text in enumerate(chunks.text.to_pylist())
        for start, end in sentences(text, language)
    ]
    owner, starts, texts = _columns(rows)
    whole = chunks.take(owner)
    chunk_ids = whole.rows["chunk_id"]
    ids = _ids(chunk_ids, starts)
    return Passages.of(ids, whole.rows["article_id"], chunk_ids, texts, whole.keys + starts, whole.numbers)


def stretches(index: Index, kept: Ints) -> Iterator[Passages]:
    """One text per stretch of neighbouring chunks, with id `<article_id>:<start>` and the number of its first chunk.

    `kept` are the chunks to use, in order. Between two chunks of a stretch there is only white space.
    """
    kept = kept[np.lexsort((index.starts[kept], index.article_codes[kept]))]
    codes = index.article_codes[kept]
    for batch in index.inputs.stream("articles", ["article_id", "text"]):
        found = positions_in(batch["article_id"], index.articles)
        bounds = (np.searchsorted(codes, edge).tolist() for edge in (found, found + (found >= 0)))
        rows: list[tuple[int, int, str]] = []
        for lo, hi, text in zip(*bounds, batch["text"].to_pylist(), strict=True):
            end = -1
            for chunk in kept[lo:hi].tolist():
                start, first = int(index.starts[chunk]), chunk
                if end >= 0 and not text[end:start].strip():
                    first, start, _ = rows.pop()
                end = max(end, int(index.ends[chunk]))
                rows.append((first, start, text[start:end]))
        owner, starts, texts = _columns(rows)
        article_codes = index.article_codes[owner]
        articles, chunks = index.articles.take(pa.array(article_codes)), index.chunk_ids.take(pa.array(owner))
        yield Passages.of(_ids(articles, starts), articles, chunks, texts, key(article_codes, starts), owner)


def _columns(rows: list[tuple[int, int, str]]) -> tuple[Ints, Ints, pa.Array]:
    owner, starts = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
    return owner, starts, text_array([text for _, _, text in rows])


def _ids(within: pa.Array, starts: Ints) -> pa.Array:
    return pc.binary_join_element_wise(within, pa.array(starts).cast(pa.string()), ":")
