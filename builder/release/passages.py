"""The texts of a release, and the stage tables that it reads with only the columns it needs.

A window is released when somebody judged it, with its own text and id. A chunk is released when it is such a window, or
when such windows of its article cover every character of it that is not blank: gold spans then follow by their place in
the article. When the chunking is the one that was annotated, chunks and windows are the same texts.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.errors import ReleaseError, StoreError
from builder.release.arrays import Mask, flat, mask, numbers, positions_in
from builder.text import Ints

#: Table to the stage that makes it.
STAGES = {
    **dict.fromkeys(("articles", "chunks", "selected"), "prepare"),
    **dict.fromkeys(("windows", "annotations", "spans", "answers"), "validate"),
    **dict.fromkeys(("gold_spans", "gold_answers"), "adjudicate"),
}
BATCH = 16_384
_NEEDED = {
    "articles": ("article_id", "cluster_id", "published", "raw_sha256", "title", "source", "language"),
    "selected": ("chunk_id", "article_id", "start", "end"),
    "annotations": (
        "annotation_id", "chunk_id", "annotator", "state", "prediction", "quarantined", "updated", "pull",
    ),
}  # fmt: skip
#: An annotation in one of these states, not quarantined, is a vote: somebody judged the window.
JUDGED = ("labelled", "labelled-empty")
_TEXTS = ["chunk_id", "article_id", "text"]
_SHIFT = 32


class Inputs:
    """The stage tables at `paths`, which names each of `STAGES`, with the columns of each of `reads`.

    `votes` reads the votes of all gold. Raises `StoreError` when a table is missing or damaged.
    """

    def __init__(
        self, paths: Mapping[str, Path], reads: Iterable[Mapping[str, tuple[str, ...]]], votes: bool = False
    ) -> None:
        self._paths, self._tables = paths, dict[str, pa.Table]()
        columns: dict[str, list[str]] = {}
        for needed in (_NEEDED, *reads):
            for name, wanted in needed.items():
                more = ["votes"] if votes and name.startswith("gold_") else []
                columns[name] = list(dict.fromkeys([*columns.get(name, []), *wanted, *more]))
        for name, chosen in columns.items():
            with self._explained(name) as path:
                self._tables[name] = pq.read_table(path, columns=chosen)

    def __getitem__(self, name: str) -> pa.Table:
        return self._tables[name]

    def __contains__(self, name: str) -> bool:
        return name in self._tables

    def stream(self, name: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """These columns of a table, in order, batch by batch."""
        with self._explained(name) as path:
            for file in sorted(path.iterdir()) if path.is_dir() else [path]:
                with pq.ParquetFile(file) as opened:
                    yield from opened.iter_batches(BATCH, columns=columns)

    def read(self, name: str, columns: list[str]) -> pa.Table:
        """These columns of a whole table."""
        return pa.Table.from_batches(self.stream(name, columns))

    @contextlib.contextmanager
    def _explained(self, name: str) -> Iterator[Path]:
        path, stage = self._paths[name], STAGES[name]
        if not path.exists():
            raise StoreError(f"{path} is missing.", f"Run `builder {stage}` first.")
        try:
            yield path
        except (pa.ArrowInvalid, OSError) as e:
            raise StoreError(f"{path} is damaged: {e}.", f"Delete it and run `builder {stage}` again.") from e


def iso(times: pa.Array) -> pa.Array:
    """Times in ISO 8601, to the second: `datasets` cannot give timestamps to torch."""
    return pc.strftime(times.cast(pa.timestamp("s", tz="UTC"), safe=False), "%Y-%m-%dT%H:%M:%SZ")


def key(codes: Ints, starts: Ints) -> Ints:
    """One number per place in an article, ordered as places are; -1 for the article number -1."""
    return np.where(codes < 0, -1, (codes << _SHIFT) + starts)


@dataclass(frozen=True)
class Passages:
    """A batch of texts in release order. `keys` place each in its article; `numbers` are their numbers in the index."""

    ids: pa.Array
    article_ids: pa.Array
    chunk_ids: pa.Array
    keys: Ints
    text: pa.Array
    numbers: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, where: Ints) -> "Passages":
        """The texts at these positions."""
        ids, articles, chunks, text = (
            column.take(pa.array(where)) for column in (self.ids, self.article_ids, self.chunk_ids, self.text)
        )
        return Passages(ids, articles, chunks, self.keys[where], text, self.numbers[where])

    def columns(self, where: Ints) -> dict[str, pa.Array]:
        """The columns that every configuration has, for rows that belong to the texts at these positions."""
        at = pa.array(where)
        columns = {"article_id": self.article_ids, "chunk_id": self.chunk_ids, "text": self.text}
        return {name: column.take(at) for name, column in columns.items()}


class Index:
    """Every text that may have rows, without the texts themselves: chunks in their order, then windows that are none.

    Arrays hold one entry per text. `is_window` says which are windows that somebody judged; the first `chunks` are
    chunks. Raises `ReleaseError` when nothing was judged, or nothing judged fits the chunking.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        selected, annotations = inputs["selected"], inputs["annotations"]
        voting = pc.and_(pc.is_in(annotations["state"], pa.array(JUDGED)), pc.invert(annotations["quarantined"]))
        judged = pc.unique(annotations["chunk_id"].filter(voting))
        if not len(judged):
            raise ReleaseError("No annotation counts yet, so there is nothing to release.", "Annotate first.")
        voted = mask(pc.is_in(selected["chunk_id"], judged))
        #: Windows and chunks without rows, by reason.
        self.windows_left_out: dict[str, int] = {}
        self.chunks_left_out: dict[str, int] = {}
        self._from_chunks, others = voted, selected.slice(0, 0)
        if voted.sum() < len(judged):
            windows = inputs.read("windows", selected.column_names)
            windows = windows.filter(pc.is_in(windows["chunk_id"], judged))
            others = self._other_windows(windows, selected)
            self._from_chunks = voted | self._covered(windows, selected, voted)
        kept = selected.filter(pa.array(self._from_chunks))
        self.chunks = kept.num_rows
        self._other_ids = flat(others["chunk_id"])
        whole = pa.concat_tables([kept, others])
        if not whole.num_rows:
            raise ReleaseError(
                f"None of the {len(judged)} annotated windows fits the chunks that are selected now.",
                "Use the chunking and selection that were annotated, or annotate again with these.",
            )
        self.is_window: Mask = np.concatenate([voted[self._from_chunks], np.ones(others.num_rows, np.bool_)])
        self.chunk_ids = flat(whole["chunk_id"])
        coded = flat(whole["article_id"]).dictionary_encode()
        self.articles: pa.Array = coded.dictionary
        self.article_codes: Ints = coded.indices.to_numpy().astype(np.int64)
        self.starts, self.ends = numbers(whole["start"]), numbers(whole["end"])

    def __len__(self) -> int:
        return len(self.chunk_ids)

    @property
    def window_ids(self) -> pa.Array:
        """Ids of the windows that somebody judged."""
        return self.chunk_ids.filter(pa.array(self.is_window))

    @property
    def characters(self) -> int:
        """Code points of all texts together."""
        return int((self.ends - self.starts).sum())

    def keys(self, article_ids: pa.ChunkedArray, starts: pa.ChunkedArray) -> Ints:
        """The key of each place; -1 in articles without rows."""
        return key(positions_in(article_ids, self.articles), numbers(starts))

    def window_numbers(self, chunk_ids: pa.ChunkedArray) -> Ints:
        """Number of each window; -1 for what is no judged window of this release."""
        found = positions_in(chunk_ids, self.chunk_ids)
        return np.where((found >= 0) & self.is_window[found], found, -1)

    def about(self, article_ids: pa.Array, names: Iterable[str]) -> dict[str, pa.Array]:
        """What is known about each of these articles, by name; `published` in ISO 8601."""
        at = pc.index_in(article_ids, value_set=flat(self.inputs["articles"]["article_id"]))
        return {name: self._about[name].take(at) for name in names}

    @cached_property
    def _about(self) -> dict[str, pa.Array]:
        articles = self.inputs["articles"]
        found = {name: flat(articles[name]) for name in ("title", "source", "language")}
        return found | {"published": iso(flat(articles["published"]))}

    def batches(self) -> Iterator[Passages]:
        """All texts in order of their numbers, batch by batch."""
        at = read = 0
        for batch in self.inputs.stream("selected", _TEXTS):
            # Batches come in the order of the chunk table, so that nothing has to be looked up.
            kept = batch.filter(pa.array(self._from_chunks[read : read + batch.num_rows]))
            read += batch.num_rows
            if kept.num_rows:
                yield self._passages(at, *(kept[name] for name in _TEXTS))
                at += kept.num_rows
        if len(self._other_ids):
            texts = self._windows(self._other_ids)
            for first in range(0, texts.num_rows, BATCH):
                part = texts.slice(first, BATCH)
                yield self._passages(at + first, *(flat(part[name]) for name in _TEXTS))

    def _passages(self, at: int, ids: pa.Array, articles: pa.Array, text: pa.Array) -> Passages:
        where = np.arange(at, at + len(ids))
        return Passages(ids, articles, ids, key(self.article_codes[where], self.starts[where]), text, where)

    def _other_windows(self, windows: pa.Table, selected: pa.Table) -> pa.Table:
        """Judged windows that are no chunks of this chunking, in articles with selected chunks, by place."""
        others = windows.filter(pc.invert(pc.is_in(windows["chunk_id"], flat(selected["chunk_id"]))))
        prepared = np.zeros(others.num_rows, np.bool_)
        for batch in self.inputs.stream("chunks", ["chunk_id"]):
            prepared |= mask(pc.is_in(others["chunk_id"], batch["chunk_id"]))
        rank = positions_in(others["article_id"], pc.unique(selected["article_id"]))
        self.windows_left_out = {
            "are chunks that are not selected now": int(prepared.sum()),
            "are of articles without a selected chunk": int((~prepared & (rank < 0)).sum()),
        }
        order = np.lexsort((numbers(others["start"]), rank))
        return others.take(pa.array(order[(~prepared & (rank >= 0))[order]]))

    def _covered(self, windows: pa.Table, selected: pa.Table, voted: Mask) -> Mask:
        """Which chunks that nobody judged by themselves are in judged windows, blank characters aside."""
        articles = pc.unique(selected["article_id"])
        codes = positions_in(windows["article_id"], articles)
        windows = windows.filter(pa.array(codes >= 0))
        starts = key(codes[codes >= 0], numbers(windows["start"]))
        ends = starts + numbers(windows["end"]) - numbers(windows["start"])
        order = np.lexsort((ends, starts))
        starts, ends = starts[order], ends[order]
        reach = np.maximum.accumulate(ends)
        begin = key(positions_in(selected["article_id"], articles), numbers(selected["start"]))
        end = begin + numbers(selected["end"]) - numbers(selected["start"])
        first, last = np.searchsorted(reach, begin, "right"), np.searchsorted(starts, end, "left")
        touched = ~voted & (first < last)
        texts = self._windows(windows["chunk_id"].take(pa.array(order)))["text"].to_pylist()
        found = np.zeros(selected.num_rows, np.bool_)
        at = 0
        for batch in self.inputs.stream("selected", ["text"]):
            inside = np.flatnonzero(touched[at : at + batch.num_rows])
            for i, text in zip((inside + at).tolist(), batch["text"].take(pa.array(inside)).to_pylist(), strict=True):
                seen = [(int(starts[w] - begin[i]), texts[w]) for w in range(first[i], last[i])]
                found[i] = covers(text, seen)
            at += batch.num_rows
        self.chunks_left_out = {"are only in part in annotated windows": int((touched & ~found).sum())}
        return found

    def _windows(self, ids: pa.Array | pa.ChunkedArray) -> pa.Table:
        whole = self.inputs.read("windows", _TEXTS)
        return whole.take(pc.index_in(ids, value_set=flat(whole["chunk_id"])))


def covers(text: str, windows: list[tuple[int, str]]) -> bool:
    """Whether windows show every character of a text that is not blank.

    Each window is given by its start, counted from the start of the text, and its own text. A window that shows other
    characters at these places was made from another text, and covers nothing.

    >>> covers("one two", [(-2, "- one"), (4, "two three")]), covers("one two", [(0, "one t")])
    (True, False)
    """
    blank = [char.isspace() for char in text]
    for start, shown in windows:
        lo, hi = max(start, 0), min(start + len(shown), len(text))
        if lo < hi:
            if text[lo:hi] != shown[lo - start : hi - start]:
                return False
            blank[lo:hi] = [True] * (hi - lo)
    return all(blank)
