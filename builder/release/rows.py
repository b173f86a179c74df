"""Which chunks become rows, and gold brought into row order: what the three configurations are built from."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.text import Ints

#: An annotation in one of these states, not quarantined, is a vote: somebody judged the chunk.
JUDGED = ("labelled", "labelled-empty")
RELEASED = ("agreed", "adjudicated", "expert")
_SHIFT = 32


@dataclass(frozen=True)
class Rows:
    """Texts of a configuration, in release order. `keys` place each in its article."""

    ids: pa.Array
    article_ids: pa.Array
    chunk_ids: pa.Array
    keys: Ints
    text: pa.Array
    #: Number of each row's chunk in the index.
    numbers: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, where: Ints) -> "Rows":
        """The rows at these positions."""
        at = pa.array(where)
        return Rows(
            self.ids.take(at),
            self.article_ids.take(at),
            self.chunk_ids.take(at),
            self.keys[where],
            self.text.take(at),
            self.numbers[where],
        )


class Index:
    """Every chunk with a vote, in the order of the selection, which is the order of the release."""

    def __init__(self, chunks: pa.Table, annotations: pa.Table) -> None:
        voting = pc.and_(pc.is_in(annotations["state"], pa.array(JUDGED)), pc.invert(annotations["quarantined"]))
        judged = pc.unique(annotations["chunk_id"].filter(voting))
        chunks = chunks.select(["chunk_id", "article_id", "start", "end"])
        voted = pc.is_in(chunks["chunk_id"], judged)
        self._voted = flat(voted)
        self.table = chunks.filter(voted).combine_chunks()
        self.chunk_ids = flat(self.table["chunk_id"])
        coded = flat(self.table["article_id"]).dictionary_encode()
        self.articles: pa.Array = coded.dictionary
        self.article_codes: Ints = coded.indices.to_numpy().astype(np.int64)

    def __len__(self) -> int:
        return len(self.chunk_ids)

    @property
    def characters(self) -> int:
        """Code points of all chunks together."""
        return int((numbers(self.table["end"]) - numbers(self.table["start"])).sum())

    def keys(self, article_ids: pa.ChunkedArray, starts: pa.ChunkedArray) -> Ints:
        """One number for a place in an article, ordered as places are; -1 for articles without rows."""
        codes = self.code_of(article_ids)
        return np.where(codes < 0, -1, (codes << _SHIFT) + numbers(starts))

    def code_of(self, article_ids: pa.Array | pa.ChunkedArray) -> Ints:
        """Number of each article, in order of appearance; -1 for articles without rows."""
        return numbers(pc.fill_null(pc.index_in(article_ids, value_set=self.articles), -1))

    def positions(self, chunk_ids: pa.ChunkedArray) -> Ints:
        """Number of each chunk's row; -1 for chunks without one."""
        return numbers(pc.fill_null(pc.index_in(chunk_ids, value_set=self.chunk_ids), -1))

    def batches(self, read: Callable[[], Iterable[pa.RecordBatch]]) -> Iterator[Rows]:
        """The rows with their texts, one batch of the chunk table after the other."""
        read_so_far = at = 0
        for batch in read():
            # Batches come in the order of the chunk table, so that nothing has to be looked up.
            kept = batch.filter(self._voted.slice(read_so_far, batch.num_rows))
            read_so_far += batch.num_rows
            if kept.num_rows:
                codes = self.article_codes[at : at + kept.num_rows]
                keys = (codes << _SHIFT) + numbers(kept["start"])
                places = np.arange(at, at + kept.num_rows)
                yield Rows(kept["chunk_id"], kept["article_id"], kept["chunk_id"], keys, kept["text"], places)
                at += kept.num_rows


@dataclass(frozen=True)
class Spans:
    """Gold entity spans in row order: by place, longer ones first."""

    keys: Ints
    lengths: Ints
    labels: Ints  # ids in the release
    text: pa.Array
    status: pa.Array

    def within(self, keys: Ints, lengths: Ints) -> tuple[Ints, Ints]:
        """For each span that begins in one of the texts: the number of the text, and of the span."""
        lo = np.searchsorted(self.keys, keys)
        hi = np.searchsorted(self.keys, keys + lengths)
        return spread(lo, hi)


def spans(index: Index, gold: pa.Table, names: Mapping[str, str], ids: list[str]) -> Spans:
    """The released entity spans; `names` translates labels, others are left out, `ids` numbers them."""
    gold = gold.filter(pc.equal(gold["kind"], "entity"))
    labels = codes(gold["label"], names, ids)
    keys = index.keys(gold["article_id"], gold["start"])
    lengths = numbers(gold["end"]) - numbers(gold["start"])
    keep = np.flatnonzero((labels >= 0) & (keys >= 0))
    order = keep[np.lexsort((labels[keep], -lengths[keep], keys[keep]))]
    at = pa.array(order)
    return Spans(keys[order], lengths[order], labels[order], flat(gold["text"]).take(at), flat(gold["status"]).take(at))


def released(gold: pa.Table, min_probability: float, min_agreement: float) -> tuple[pa.Table, dict[str, int]]:
    """The rows of a gold table that a release holds, and how many were left out, by reason."""
    known = pc.is_in(gold["status"], pa.array(RELEASED))
    counts = {
        "unresolved": pc.sum(pc.equal(gold["status"], "unresolved")).as_py() or 0,
        "rejected": pc.sum(pc.equal(gold["status"], "rejected")).as_py() or 0,
    }
    gold = gold.filter(known)
    if min_probability:
        sure = pc.fill_null(pc.greater_equal(gold["probability"], min_probability), True)
        counts["improbable"] = gold.num_rows - pc.sum(sure).as_py() if gold.num_rows else 0
        gold = gold.filter(sure)
    if min_agreement and gold.num_rows:
        share = agreement(gold)
        counts["disputed"] = int((share < min_agreement).sum())
        gold = gold.filter(pa.array(share >= min_agreement))
    return gold, counts


def agreement(gold: pa.Table) -> npt.NDArray[np.float64]:
    """Share of each row's votes that are for its label; 1 where nobody voted."""
    votes = gold["votes"].combine_chunks()
    votes = votes.chunk(0) if isinstance(votes, pa.ChunkedArray) else votes
    parents = numbers(pa.chunked_array([pc.list_parent_indices(votes)]))
    cast = pc.struct_field(pc.list_flatten(votes), "label")
    hit = pc.fill_null(pc.equal(cast, flat(gold["label"]).take(pa.array(parents))), False)
    total = np.bincount(parents, minlength=gold.num_rows)
    agreed = np.bincount(parents, weights=hit.to_numpy(zero_copy_only=False), minlength=gold.num_rows)
    return np.where(total > 0, agreed / np.maximum(total, 1), 1.0)


def codes(labels: pa.ChunkedArray, names: Mapping[str, str], ids: list[str]) -> Ints:
    """The id of each label's name in the release, -1 for labels that are left out."""
    known = list(names)
    to_id = np.array([ids.index(names[label]) for label in known] + [-1], np.int64)
    found = numbers(pc.fill_null(pc.index_in(labels, value_set=pa.array(known, pa.string())), len(known)))
    return to_id[found]


def spread(lo: Ints, hi: Ints) -> tuple[Ints, Ints]:
    """Every number of the half-open intervals, one after the other, and which interval each is in."""
    counts = hi - lo
    owner = np.repeat(np.arange(len(counts)), counts)
    shift = np.repeat(lo - (np.cumsum(counts) - counts), counts)
    return owner, shift + np.arange(int(counts.sum()))


def list_of(owners: Ints, count: int, values: pa.Array) -> pa.Array:
    """A list array of `count` rows; value i belongs to row `owners[i]`, and owners ascend."""
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def flat(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    flat = column.combine_chunks()
    return flat if isinstance(flat, pa.Array) else (flat.chunk(0) if flat.num_chunks else pa.array([], column.type))


def numbers(column: pa.ChunkedArray | pa.Array) -> Ints:
    """The column as 64-bit integers; it holds no null."""
    return np.asarray(column.to_numpy(), np.int64)
