"""Texts at another granularity than chunks: sentences, or stretches of articles. Spans follow by their place."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa

from builder.release.arrays import positions, spread, strings
from builder.release.passages import Index, Passages, key
from builder.text import Ints, sentences


def by_sentence(chunks: Passages, language: str) -> tuple[Passages, Ints]:
    """One text per sentence, with id `<chunk_id>:<start in the chunk>`, and the position of the chunk of each."""
    found = [
        (number, start, text[start:end])
        for number, text in enumerate(chunks.text.to_pylist())
        for start, end in sentences(text, language)
    ]
    owner = np.array([number for number, _, _ in found], np.int64)
    places = np.array([start for _, start, _ in found], np.int64)
    whole = chunks.take(owner)
    named = zip(whole.chunk_ids.to_pylist(), places.tolist(), strict=True)
    ids = strings([f"{chunk}:{place}" for chunk, place in named])
    texts = strings([text for _, _, text in found])
    return Passages(ids, whole.article_ids, whole.chunk_ids, whole.keys + places, texts, whole.numbers), owner


def stretches(
    index: Index, kept: Ints, articles: Callable[[], Iterable[pa.RecordBatch]]
) -> Iterator[tuple[Passages, Ints]]:
    """One text per stretch of neighbouring chunks, with id `<article_id>:<start>`, and the number of its first chunk.

    `kept` are the chunks to use, in order; `articles` reads article_id and text. Between two chunks of a stretch there
    is only white space.
    """
    starts, ends, codes = index.starts[kept], index.ends[kept], index.article_codes[kept]
    order = np.lexsort((starts, codes))
    sorted_codes = codes[order]
    for batch in articles():
        found = positions(batch["article_id"], index.articles)
        owner, at = spread(np.searchsorted(sorted_codes, found), np.searchsorted(sorted_codes, found + (found >= 0)))
        rows: list[tuple[int, int, str]] = []
        for number, text in enumerate(batch["text"].to_pylist()):
            inside = order[at[owner == number]]
            rows += [(int(kept[first]), a, text[a:b]) for first, a, b in _join(inside, starts, ends, text)]
        if rows:
            yield _passages(index, rows)


def _join(inside: Ints, starts: Ints, ends: Ints, text: str) -> list[tuple[int, int, int]]:
    out: list[tuple[int, int, int]] = []
    for i in inside.tolist():
        a, b = int(starts[i]), int(ends[i])
        if out and not text[out[-1][2] : a].strip():
            out[-1] = (out[-1][0], out[-1][1], max(out[-1][2], b))
        else:
            out.append((i, a, b))
    return out


def _passages(index: Index, rows: list[tuple[int, int, str]]) -> tuple[Passages, Ints]:
    first = np.array([row[0] for row in rows], np.int64)
    places = np.array([row[1] for row in rows], np.int64)
    codes = index.article_codes[first]
    articles = index.articles.take(pa.array(codes))
    ids = strings([f"{a}:{place}" for a, place in zip(articles.to_pylist(), places.tolist(), strict=True)])
    texts = strings([row[2] for row in rows])
    chunks = index.chunk_ids.take(pa.array(first))
    return Passages(ids, articles, chunks, key(codes, places), texts, first), first
