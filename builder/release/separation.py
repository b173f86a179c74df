"""Texts cut as asked and divided between the splits, so that none is in two of them; and the certificate of it.

Equal texts are found by the hash of their words. Near-duplicates share runs of `RUN` words: runs that occur in two
splits name the candidates, and two texts are near-duplicates when the Jaccard similarity of their sets of runs reaches
the threshold. Words are compared without case and without the symbols between them. On corpora of more than `MOST` runs
a fixed fraction of all runs is looked at, chosen by hash.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import mask, numbers, positions_in, text_array
from builder.hashing import Hashes, mixed, word_hashes, word_runs
from builder.release.manifest import Leakage, LeftOut
from builder.release.passages import Index, key, passages
from builder.release.settings import Split
from builder.release.splits import Assignment, Member
from builder.sentences import sentences
from builder.store import digest
from builder.text import Ints, similarity


class Separation:
    """Which split each text of the index is in, by number; -1 for texts left out so that splits share nothing."""

    def __init__(self, index: Index, assignment: Assignment, settings: Split) -> None:
        given = assignment.splits
        self._index, self._near = index, settings.near
        self.names = sorted(set(given.values()))
        self._shares = [settings.shares.get(name, 0.0) for name in self.names]
        ids = {name: i for i, name in enumerate(self.names)}
        of_article = np.array([ids.get(given.get(a, ""), -1) for a in index.articles.to_pylist()], np.int64)
        #: What the splits share, over all texts and over those of another granularity. Nothing, unless there is a bug.
        self.shared: list[Shared] = []
        self.splits, self.left_out = self._settled(index.batches(), of_article[index.article_codes])
        self.cut_left_out = 0

    def _settled(self, texts: Iterable[pa.RecordBatch], splits: Ints) -> tuple[Ints, int]:
        """The split of each text, -1 where it was left out so that splits share none, and how many were.

        `splits` are those of the texts of the index.
        """
        prints, given = Fingerprints(int((self._index.ends - self._index.starts).sum())), list[Ints]()
        for batch in texts:
            prints.add(batch["text"])
            given.append(splits[numbers(batch["number"])])
        sides = np.concatenate([np.zeros(0, np.int64), *given])
        before = int((sides >= 0).sum())
        while gone := leave_out(shared := prints.shared(sides, self._near), sides, self._shares):
            sides[list(gone)] = -1
        self.shared.append(shared)
        return sides, before - int((sides >= 0).sum())

    def texts(self, granularity: str, language: str) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The texts at this granularity, split by split within each batch; those cut otherwise are compared again."""
        index = self._index
        shown = index.is_window if granularity == "window" else np.arange(len(index)) < index.chunks
        sides, texts = np.where(shown, self.splits, -1), index.batches
        if granularity in ("sentence", "article"):
            texts = partial(_cut, index, granularity, language, sides)
            sides, self.cut_left_out = self._settled(texts(), sides)
        at = 0
        for batch in texts():
            here = sides[at : at + batch.num_rows]
            at += batch.num_rows
            for number, name in enumerate(self.names):
                where = np.flatnonzero(here == number)
                if len(where):
                    yield name, batch.take(pa.array(where))

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


def _cut(index: Index, granularity: str, language: str, splits: Ints) -> Iterator[pa.RecordBatch]:
    if granularity == "article":
        return stretches(index, np.flatnonzero(splits >= 0))
    languages = np.array(pc.fill_null(index.about["language"], language).to_pylist())
    codes = index.article_codes
    return (by_sentence(chunks, languages[codes[numbers(chunks["number"])]].tolist()) for chunks in index.batches())


def by_sentence(chunks: pa.RecordBatch, languages: list[str]) -> pa.RecordBatch:
    """One text per sentence, with id `<chunk_id>:<start>-<end>`, both in the chunk, and the number of its chunk.

    `languages` are those of the chunks, which have rules of their own for where a sentence ends.
    """
    rows = [
        (number, start, text[start:end], f"{chunk}:{start}-{end}")
        for number, (chunk, text, language) in enumerate(
            zip(*(chunks[c].to_pylist() for c in ("chunk_id", "text")), languages, strict=True)
        )
        for start, end in sentences(text, language)
    ]
    owner, starts, texts, ids = _columns(rows)
    whole = chunks.take(pa.array(owner))
    keys = numbers(whole["key"]) + starts
    return passages(ids, whole["article_id"], whole["chunk_id"], texts, whole["number"], keys)


def stretch_id(chunk_id: str, text: str) -> str:
    """The id of a stretch with this text, which begins with this chunk."""
    return digest(chunk_id, text)[:16]


def stretches(index: Index, kept: Ints) -> Iterator[pa.RecordBatch]:
    """One text per stretch of neighbouring chunks, with the number of its first chunk.

    `kept` are the chunks to use, in order. Between two chunks of a stretch there is only white space. Like that of a
    chunk, the id depends on the text: a row of an article that was edited, or annotated further, is another row.
    """
    kept = kept[np.lexsort((index.starts[kept], index.article_codes[kept]))]
    codes = index.article_codes[kept]
    for batch in index.inputs.stream("articles", ["article_id", "text"]):
        found = positions_in(batch["article_id"], index.articles)
        bounds = (np.searchsorted(codes, edge).tolist() for edge in (found, found + (found >= 0)))
        rows: list[tuple[int, int, str, str]] = []
        for lo, hi, text in zip(*bounds, batch["text"].to_pylist(), strict=True):
            end = -1
            for chunk in kept[lo:hi].tolist():
                start, first = int(index.starts[chunk]), chunk
                if end >= 0 and not text[end:start].strip():
                    first, start, *_ = rows.pop()
                end = max(end, int(index.ends[chunk]))
                shown = text[start:end]
                rows.append((first, start, shown, stretch_id(index.chunk_ids[first].as_py(), shown)))
        owner, starts, texts, ids = _columns(rows)
        where, chunks = index.article_codes[owner], index.chunk_ids.take(pa.array(owner))
        yield passages(ids, index.articles.take(pa.array(where)), chunks, texts, owner, key(where, starts))


def _columns(rows: list[tuple[int, int, str, str]]) -> tuple[Ints, Ints, pa.Array, pa.Array]:
    owner, starts = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
    return owner, starts, text_array([text for _, _, text, _ in rows]), text_array([name for *_, name in rows])


RUN = 5
MOST = 20_000_000
_CROWD = 50


@dataclass(frozen=True)
class Shared:
    """Texts of the given rows that are in several splits: one (row, row) pair each, earlier row first."""

    exact: list[tuple[int, int]]
    near: list[tuple[int, int]]


class Fingerprints:
    """Hashes of texts, batch by batch: of each text's words, and of its runs of words.

    `characters` is the size of all texts together.
    """

    def __init__(self, characters: int = 0) -> None:
        #: One in how many runs is kept: a power of two.
        self.rate = 1
        while characters / 6 / self.rate > MOST:
            self.rate *= 2
        self._parts: list[tuple[Hashes, Hashes, Ints]] = []
        self._rows = 0

    def add(self, column: pa.Array) -> None:
        """Adds the texts of a string array."""
        words, bounds = word_hashes(column)
        # Position weights make the sum of a text's words depend on their order.
        place = np.arange(1, len(words) + 1) - np.repeat(bounds[:-1], np.diff(bounds))
        weighted = mixed(words.copy()) * mixed(place.astype(np.uint64))
        whole = mixed(np.diff(np.concatenate(([np.uint64(0)], np.cumsum(weighted, dtype=np.uint64)))[bounds]))
        runs, bounds = word_runs(words, bounds, RUN)
        owners = np.repeat(np.arange(self._rows, self._rows + len(column)), np.diff(bounds))
        if self.rate > 1:
            chosen = (runs >> np.uint64(7)) % np.uint64(self.rate) == 0
            runs, owners = runs[chosen], owners[chosen]
        self._parts.append((whole, runs, owners))
        self._rows += len(column)

    def shared(self, splits: Ints, threshold: float) -> Shared:
        """The texts that are in several splits; `splits` is the number of each row's split, -1 for no row."""
        if not self._rows:
            return Shared([], [])
        whole, runs, owners = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        exact = _pairs(whole, np.arange(self._rows), splits)
        candidates = _pairs(runs, owners, splits) - exact
        sets: dict[int, set[int]] = defaultdict(set)
        chosen = np.isin(owners, [row for pair in candidates for row in pair])
        for run, owner in zip(runs[chosen].tolist(), owners[chosen].tolist(), strict=True):
            sets[owner].add(run)
        near = [(a, b) for a, b in candidates if similarity(sets[a], sets[b]) >= threshold]
        return Shared(sorted(exact), sorted(near))


def _pairs(hashes: Hashes, owners: Ints, splits: Ints) -> set[tuple[int, int]]:
    """Pairs of rows of different splits that hold the same hash; 0, the hash of no words, counts for none."""
    kept = (splits[owners] >= 0) & (hashes != 0)
    hashes, owners = hashes[kept], owners[kept]
    # Hardly any hash is met twice: sorting them alone finds those that are, and only these need their owners.
    alone = np.sort(hashes)
    met = mask(pc.is_in(pa.array(hashes), value_set=pa.array(np.unique(alone[1:][alone[1:] == alone[:-1]]))))
    hashes, owners = hashes[met], owners[met]
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    begins = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))
    found: set[tuple[int, int]] = set()
    if not len(begins):
        return found
    sides = splits[owners]
    apart = np.minimum.reduceat(sides, begins) != np.maximum.reduceat(sides, begins)
    for group in (part.tolist() for part, several in zip(np.split(owners, begins[1:]), apart, strict=True) if several):
        # A phrase of so many texts would pair them all: each is held against the first of every other split.
        first = {int(splits[row]): row for row in reversed(group)}
        others = group if len(group) <= _CROWD else list(first.values())
        found |= {(min(a, b), max(a, b)) for a in group for b in others if splits[a] != splits[b]}
    return found


def leave_out(shared: Shared, splits: Ints, sizes: list[float]) -> set[int]:
    """Rows to leave out so that no pair is left: of each pair the one in the split with the larger share."""
    gone: set[int] = set()
    for a, b in sorted({*shared.exact, *shared.near}):
        if not {a, b} & gone:
            gone.add(max(a, b, key=lambda row: (sizes[splits[row]], row)))
    return gone
