"""Texts cut as asked and divided between the splits, so that none is in two of them; and the certificate of it."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa

from builder.release.arrays import positions_in, spread, text_array
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
        self.splits: Ints = of_article[index.article_codes]
        #: What the splits share, over all texts and over those of another granularity. Nothing, unless there is a bug.
        self.shared: list[Shared] = []
        prints = Fingerprints.for_size(index.characters)
        for passages in index.batches():
            prints.add(passages.text)
        self.left_out = self._settle(prints, self.splits)
        self.cut_left_out = 0

    def _settle(self, prints: Fingerprints, splits: Ints) -> int:
        """How many texts were left out, whose `splits` are set to -1, until there is nothing more to leave out."""
        before = int((splits >= 0).sum())
        while gone := leave_out(shared := prints.shared(splits, self._near), splits, self._shares):
            splits[list(gone)] = -1
        self.shared.append(shared)
        return before - int((splits >= 0).sum())

    def windows(self) -> Iterator[tuple[str, Passages]]:
        """The windows that annotators saw, split by split within each batch."""
        splits = np.where(self._index.is_window, self.splits, -1)
        for passages in self._index.batches():
            yield from self._by_split(passages, splits[passages.numbers])

    def chunks(self, granularity: str, language: str) -> Iterator[tuple[str, Passages]]:
        """The chunks at this granularity, split by split within each batch; cut ones are compared again."""
        of_chunks = np.where(np.arange(len(self._index)) < self._index.chunks, self.splits, -1)
        if granularity == "chunk":
            for passages in self._index.batches():
                yield from self._by_split(passages, of_chunks[passages.numbers])
            return
        prints, splits = Fingerprints.for_size(self._index.characters), []
        for passages in self._cut(granularity, language, of_chunks):
            prints.add(passages.text)
            splits.append(of_chunks[passages.numbers])
        whole = np.concatenate([np.zeros(0, np.int64), *splits])
        self.cut_left_out = self._settle(prints, whole)
        bounds = np.cumsum([0, *map(len, splits)]).tolist()
        for passages, (lo, hi) in zip(self._cut(granularity, language, of_chunks), pairwise(bounds), strict=True):
            yield from self._by_split(passages, whole[lo:hi])

    def _cut(self, granularity: str, language: str, splits: Ints) -> Iterator[Passages]:
        if granularity == "article":
            return stretches(self._index, np.flatnonzero(splits >= 0))
        return (by_sentence(chunks, language) for chunks in self._index.batches())

    def _by_split(self, passages: Passages, splits: Ints) -> Iterator[tuple[str, Passages]]:
        for number, name in enumerate(self.names):
            where = np.flatnonzero(splits == number)
            if len(where):
                yield name, passages.take(where)

    def certificate(self, members: list[Member], assignment: Assignment) -> Leakage:
        """What the splits share, counted on the final texts, and how much was left out so that they share nothing."""
        clusters: dict[str, set[str]] = {}
        for member in members:
            if member.article_id in assignment.splits:
                clusters.setdefault(member.cluster_id, set()).add(assignment.splits[member.article_id])
        kept = self.splits >= 0
        pairs = np.unique(np.stack([self._index.article_codes[kept], self.splits[kept]]), axis=1)
        return Leakage(
            articles=int((np.bincount(pairs[0]) > 1).sum()),
            clusters=sum(len(found) > 1 for found in clusters.values()),
            exact_texts=sum(len(shared.exact) for shared in self.shared),
            near_texts=sum(len(shared.near) for shared in self.shared),
            similarity=self._near,
            left_out=LeftOut(articles=len(assignment.left_out), texts=self.left_out, cut_texts=self.cut_left_out),
        )


def by_sentence(chunks: Passages, language: str) -> Passages:
    """One text per sentence, with id `<chunk_id>:<start in the chunk>` and the number of its chunk."""
    found = [
        (number, start, text[start:end])
        for number, text in enumerate(chunks.text.to_pylist())
        for start, end in sentences(text, language)
    ]
    whole = chunks.take(np.array([number for number, _, _ in found], np.int64))
    ids = text_array(
        [f"{chunk}:{at}" for chunk, (_, at, _) in zip(whole.rows["chunk_id"].to_pylist(), found, strict=True)]
    )
    keys = whole.keys + np.array([start for _, start, _ in found], np.int64)
    texts = text_array([text for _, _, text in found])
    return Passages.of(ids, whole.rows["article_id"], whole.rows["chunk_id"], texts, keys, whole.numbers)


def stretches(index: Index, kept: Ints) -> Iterator[Passages]:
    """One text per stretch of neighbouring chunks, with id `<article_id>:<start>` and the number of its first chunk.

    `kept` are the chunks to use, in order. Between two chunks of a stretch there is only white space.
    """
    kept = kept[np.lexsort((index.starts[kept], index.article_codes[kept]))]
    codes = index.article_codes[kept]
    for batch in index.inputs.stream("articles", ["article_id", "text"]):
        found = positions_in(batch["article_id"], index.articles)
        owner, at = spread(np.searchsorted(codes, found), np.searchsorted(codes, found + (found >= 0)))
        rows: list[tuple[int, int, str]] = []
        for number, text in enumerate(batch["text"].to_pylist()):
            rows += [(first, a, text[a:b]) for first, a, b in _join(kept[at[owner == number]], index, text)]
        if rows:
            first, places = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
            codes_of = index.article_codes[first]
            articles = index.articles.take(pa.array(codes_of))
            ids = text_array([f"{a}:{place}" for a, (_, place, _) in zip(articles.to_pylist(), rows, strict=True)])
            chunks, texts = index.chunk_ids.take(pa.array(first)), text_array([text for _, _, text in rows])
            yield Passages.of(ids, articles, chunks, texts, key(codes_of, places), first)


def _join(chunks: Ints, index: Index, text: str) -> list[tuple[int, int, int]]:
    """First chunk, start and end of each stretch."""
    out: list[tuple[int, int, int]] = []
    for i in chunks.tolist():
        a, b = int(index.starts[i]), int(index.ends[i])
        if out and not text[out[-1][2] : a].strip():
            out[-1] = (out[-1][0], out[-1][1], max(out[-1][2], b))
        else:
            out.append((i, a, b))
    return out
