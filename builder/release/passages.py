"""The texts of a release, and the stage tables that it reads with only the columns it needs.

A window is released when somebody judged it, with its own text and id. A chunk is released when it is such a window, or
when such windows of its article cover every character of it that is not blank: gold spans then follow by their place in
the article. When the chunking is the one that was annotated, chunks and windows are the same texts.
"""

import contextlib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.arrays import Mask, flat, mask, numbers, ordered, positions_in, touching
from builder.errors import ReleaseError, StoreError
from builder.text import Ints

#: Table to the stage that makes it.
STAGES = {
    **dict.fromkeys(("articles", "chunks", "selected"), "prepare"),
    **dict.fromkeys(("windows", "annotations", "spans", "answers"), "validate"),
    **dict.fromkeys(("gold_spans", "gold_answers"), "adjudicate"),
}
BATCH = 16_384
#: What is known of an article.
ABOUT = ("cluster_id", "published", "raw_sha256", "title", "source", "language")
_ANNOTATIONS = (
    "annotation_id", "chunk_id", "annotator", "state", "prediction", "quarantined", "updated", "pull",
)  # fmt: skip
_TEXTS = ["chunk_id", "article_id", "text"]
_SHIFT = 32


class Inputs:
    """The stage tables at `paths`, which names each of `STAGES`. `StoreError` when one is missing or damaged."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths

    def read(self, name: str, *columns: str) -> pa.Table:
        """These columns of a table."""
        with self._explained(name) as path:
            return pq.read_table(path, columns=list(columns))

    def stream(self, name: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """These columns of a table, in order, batch by batch."""
        with self._explained(name) as path:
            for file in sorted(path.iterdir()) if path.is_dir() else [path]:
                with pq.ParquetFile(file) as opened:
                    yield from opened.iter_batches(BATCH, columns=columns)

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


#: The columns of a batch of texts, which is in release order: `number` is that in the index, `key` that of the place.
COLUMNS = ("id", "article_id", "chunk_id", "text", "number", "key")


def passages(*columns: pa.Array | Ints) -> pa.RecordBatch:
    """Texts with these columns, in the order of `COLUMNS`."""
    return pa.record_batch([*map(pa.array, columns)], COLUMNS)


class Index:
    """Every text that may have rows, without the texts themselves: chunks in their order, then windows that are none.

    Arrays hold one entry per text. `is_window` says which are windows that somebody judged; the first `chunks` are
    chunks. `articles` are the ids of their articles, `about` has a row for each. Of all `annotations`, `votes` are
    those that judge a window and are not quarantined. Raises `ReleaseError` when nothing was judged, or nothing judged
    fits the chunking, or an article is missing.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        selected = inputs.read("selected", "chunk_id", "article_id", "start", "end")
        self.annotations = given = inputs.read("annotations", *_ANNOTATIONS)
        judging = pc.is_in(given["state"], pa.array(["labelled", "labelled-empty"]))
        self.votes = given.filter(pc.and_(judging, pc.invert(given["quarantined"])))
        judged = pc.unique(self.votes["chunk_id"])
        if not len(judged):
            raise ReleaseError("No annotation counts yet, so there is nothing to release.", "Annotate first.")
        voted = mask(pc.is_in(selected["chunk_id"], judged))
        #: Windows and chunks without rows, by reason.
        self.windows_left_out: dict[str, int] = {}
        self.chunks_left_out: dict[str, int] = {}
        self._from_chunks, self._others = voted, selected.slice(0, 0)
        if voted.sum() < len(judged):
            windows = inputs.read("windows", *selected.column_names, "text")
            windows = windows.filter(pc.is_in(windows["chunk_id"], judged))
            self._others = self._other_windows(windows, selected)
            self._from_chunks = voted | self._covered(windows, selected, voted)
        kept = selected.filter(pa.array(self._from_chunks))
        self.chunks = kept.num_rows
        whole = pa.concat_tables([kept, self._others.select(kept.column_names)])
        if not whole.num_rows:
            raise ReleaseError(
                f"None of the {len(judged)} annotated windows fits the chunks that are selected now.",
                "Use the chunking and selection that were annotated, or annotate again with these.",
            )
        self.is_window: Mask = np.concatenate([voted[self._from_chunks], np.ones(self._others.num_rows, np.bool_)])
        self.chunk_ids = flat(whole["chunk_id"])
        coded = flat(whole["article_id"]).dictionary_encode()
        self.articles: pa.Array = coded.dictionary
        known = inputs.read("articles", "article_id", *ABOUT)
        at = pc.index_in(self.articles, value_set=flat(known["article_id"]))
        if at.null_count:
            missing = self.articles.filter(pc.is_null(at))[0]
            raise ReleaseError(
                f"Article {missing} has annotations but is not among the prepared articles.",
                "Put its raw file back and run `builder prepare` again.",
            )
        self.about = known.take(at)
        self.article_codes: Ints = coded.indices.to_numpy().astype(np.int64)
        self.starts, self.ends = numbers(whole["start"]), numbers(whole["end"])

    def __len__(self) -> int:
        return len(self.chunk_ids)

    def keys(self, article_ids: pa.ChunkedArray, starts: pa.ChunkedArray) -> Ints:
        """The key of each place; -1 in articles without rows."""
        return key(positions_in(article_ids, self.articles), numbers(starts))

    def of_windows(self, table: pa.Table, *order: str) -> pa.Table:
        """The rows of judged windows in the order of windows, then of these columns; `window` is the number of each."""
        found = positions_in(table["chunk_id"], self.chunk_ids)
        shown = (found >= 0) & self.is_window[found]
        return ordered(table.append_column("window", pa.array(found)).filter(pa.array(shown)), "window", *order)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All texts in order of their numbers, batch by batch."""
        at = 0
        for batch in chain(self._chunks(), self._others.to_batches(BATCH)):
            if batch.num_rows:
                ids, articles, text = (batch[name] for name in _TEXTS)
                where = np.arange(at, at + batch.num_rows)
                at += batch.num_rows
                yield passages(ids, articles, ids, text, where, key(self.article_codes[where], self.starts[where]))

    def _chunks(self) -> Iterator[pa.RecordBatch]:
        read = 0
        for batch in self.inputs.stream("selected", _TEXTS):
            # Batches come in the order of the chunk table, so that nothing has to be looked up.
            yield batch.filter(pa.array(self._from_chunks[read : read + batch.num_rows]))
            read += batch.num_rows

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
        others = others.append_column("rank", pa.array(rank)).filter(pa.array(~prepared & (rank >= 0)))
        return ordered(others, "rank", "start")

    def _covered(self, windows: pa.Table, selected: pa.Table, voted: Mask) -> Mask:
        """Which chunks that nobody judged by themselves are in judged windows, blank characters aside."""
        articles = pc.unique(selected["article_id"])
        seen, begins = (
            key(positions_in(table["article_id"], articles), numbers(table["start"])) for table in (windows, selected)
        )
        order = np.argsort(seen, kind="stable")
        order = order[seen[order] >= 0]
        sizes, lengths = (numbers(table["end"]) - numbers(table["start"]) for table in (windows, selected))
        owner, at = touching(seen[order], sizes[order], begins, lengths)
        touched = ~voted & np.isin(np.arange(len(begins)), owner)
        texts = windows["text"].take(pa.array(order)).to_pylist()
        bounds = np.searchsorted(owner, np.arange(len(begins) + 1))
        found = np.zeros(len(begins), np.bool_)
        chunks = chain.from_iterable(batch["text"] for batch in self.inputs.stream("selected", ["text"]))
        for i, text in enumerate(chunks):
            if touched[i]:
                shown = at[bounds[i] : bounds[i + 1]].tolist()
                found[i] = covers(text.as_py(), [(int(seen[order[w]] - begins[i]), texts[w]) for w in shown])
        self.chunks_left_out = {"are only in part in annotated windows": int((touched & ~found).sum())}
        return found


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
