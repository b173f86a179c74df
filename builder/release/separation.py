"""Texts divided between the splits, with no text that stands in two of them, and the certificate of it."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from builder.release.granularity import by_sentence, stretches
from builder.release.inputs import Inputs
from builder.release.leakage import Fingerprints, Shared, leave_out
from builder.release.manifest import Leakage, LeftOut
from builder.release.passages import Index, Passages
from builder.release.settings import Split
from builder.release.splits import Assignment, Member
from builder.text import Ints


class Separation:
    """Which split each text of the index is in, by number; -1 for texts left out so that splits share nothing.

    Every text is compared with every other, chunks and windows alike.
    """

    def __init__(self, index: Index, assignment: Assignment, settings: Split, inputs: Inputs) -> None:
        given = assignment.splits
        self._index, self._inputs = index, inputs
        self.near = settings.near
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
        before = int((splits >= 0).sum())
        self.shared.append(settle(prints, splits, self._shares, self.near))
        return before - int((splits >= 0).sum())

    def windows(self) -> Iterator[tuple[str, Passages]]:
        """The windows that annotators saw, split by split within each batch."""
        for passages in self._index.batches():
            yield from self._by_split(passages, np.where(self._index.is_window, self.splits, -1)[passages.numbers])

    def chunks(self, granularity: str, language: str) -> Iterator[tuple[str, Passages]]:
        """The chunks at this granularity, split by split within each batch.

        Sentences and stretches are compared again, and those that would stand in two splits are left out.
        """
        if granularity == "chunk":
            for passages in self._index.batches():
                yield from self._by_split(passages, self._of_chunks()[passages.numbers])
            return
        prints, splits = Fingerprints.for_size(self._index.characters), []
        for passages, part in self._cut(granularity, language):
            prints.add(passages.text)
            splits.append(part)
        whole = np.concatenate([np.zeros(0, np.int64), *splits])
        self.cut_left_out = self._settle(prints, whole)
        bounds = np.cumsum([0, *map(len, splits)]).tolist()
        for (passages, _), (lo, hi) in zip(self._cut(granularity, language), pairwise(bounds), strict=True):
            yield from self._by_split(passages, whole[lo:hi])

    def _of_chunks(self) -> Ints:
        return np.where(np.arange(len(self._index)) < self._index.chunks, self.splits, -1)

    def _cut(self, granularity: str, language: str) -> Iterator[tuple[Passages, Ints]]:
        splits = self._of_chunks()
        if granularity == "article":
            kept = np.flatnonzero(splits >= 0)
            cut = stretches(self._index, kept, lambda: self._inputs.stream("articles", ["article_id", "text"]))
            yield from ((passages, splits[first]) for passages, first in cut)
            return
        for chunks in self._index.batches():
            sentences, owner = by_sentence(chunks, language)
            yield sentences, splits[chunks.numbers[owner]]

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
        return Leakage(
            articles=self._torn(),
            clusters=sum(len(found) > 1 for found in clusters.values()),
            exact_texts=sum(len(shared.exact) for shared in self.shared),
            near_texts=sum(len(shared.near) for shared in self.shared),
            similarity=self.near,
            left_out=LeftOut(articles=len(assignment.left_out), texts=self.left_out, cut_texts=self.cut_left_out),
        )

    def _torn(self) -> int:
        """Articles with texts in several splits."""
        kept = self.splits >= 0
        if not kept.any():
            return 0
        pairs = np.unique(np.stack([self._index.article_codes[kept], self.splits[kept]]), axis=1)
        return int((np.bincount(pairs[0]) > 1).sum())


def settle(prints: Fingerprints, splits: Ints, shares: list[float], near: float) -> Shared:
    """What the splits share after texts were left out; `splits` of those is set to -1."""
    while True:
        shared = prints.shared(splits, near)
        gone = leave_out(shared, splits, shares)
        if not gone:
            return shared
        splits[list(gone)] = -1
