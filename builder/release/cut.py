"""Rows at another granularity than the chunks that were annotated. Spans follow by their place in the article."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa

from builder.release.rows import Index, Rows, spread
from builder.text import Ints, sentences


def by_sentence(rows: Rows, language: str) -> tuple[Rows, Ints]:
    """One row a sentence, named `<chunk_id>:<start in the chunk>`, and the number of the chunk each came from."""
    found = [
        (number, start, text[start:end])
        for number, text in enumerate(rows.text.to_pylist())
        for start, end in sentences(text, language)
    ]
    owner = np.array([number for number, _, _ in found], np.int64)
    places = np.array([start for _, start, _ in found], np.int64)
    texts = pa.array([text for _, _, text in found], pa.string())
    whole = rows.take(owner)
    named = zip(whole.chunk_ids.to_pylist(), places.tolist(), strict=True)
    ids = pa.array([f"{chunk}:{place}" for chunk, place in named], pa.string())
    return Rows(ids, whole.article_ids, whole.chunk_ids, whole.keys + places, texts, whole.numbers), owner


def stretches(
    index: Index, kept: Ints, articles: Callable[[], Iterable[pa.RecordBatch]]
) -> Iterator[tuple[Rows, Ints]]:
    """One row a stretch of neighbouring chunks, named `<article_id>:<start>`, and the number of its first chunk.

    `kept` are the chunks that may be used, in order; `articles` reads article_id and text. Between two chunks of a
    stretch there is nothing but white space.
    """
    starts = np.asarray(index.table["start"].to_numpy(), np.int64)[kept]
    ends = np.asarray(index.table["end"].to_numpy(), np.int64)[kept]
    codes = index.article_codes[kept]
    order = np.lexsort((starts, codes))
    sorted_codes = codes[order]
    for batch in articles():
        found = index.code_of(batch["article_id"])
        owner, at = spread(np.searchsorted(sorted_codes, found), np.searchsorted(sorted_codes, found + (found >= 0)))
        rows: list[tuple[int, int, str]] = []
        for number, text in enumerate(batch["text"].to_pylist()):
            inside = order[at[owner == number]]
            rows += [(int(kept[first]), a, text[a:b]) for first, a, b in _join(inside, starts, ends, text)]
        if rows:
            yield _rows(index, rows)


def _join(inside: Ints, starts: Ints, ends: Ints, text: str) -> list[tuple[int, int, int]]:
    out: list[tuple[int, int, int]] = []
    for i in inside.tolist():
        a, b = int(starts[i]), int(ends[i])
        if out and not text[out[-1][2] : a].strip():
            out[-1] = (out[-1][0], out[-1][1], max(out[-1][2], b))
        else:
            out.append((i, a, b))
    return out


def _rows(index: Index, rows: list[tuple[int, int, str]]) -> tuple[Rows, Ints]:
    first = np.array([row[0] for row in rows], np.int64)
    places = np.array([row[1] for row in rows], np.int64)
    articles = index.articles.take(pa.array(index.article_codes[first]))
    ids = [f"{article}:{place}" for article, place in zip(articles.to_pylist(), places.tolist(), strict=True)]
    chunks = index.chunk_ids.take(pa.array(first))
    keys = (index.article_codes[first] << 32) + places
    texts = pa.array([row[2] for row in rows], pa.string())
    return Rows(pa.array(ids, pa.string()), articles, chunks, keys, texts, first), first
