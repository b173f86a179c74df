"""Soft tags: for each token, the share of the annotators who saw it that gave it each tag."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import flat, lists, matching, numbers, positions_in, touching
from builder.release.configuration import Numbering
from builder.release.passages import JUDGED, Index, Passages, key
from builder.release.tags import Marks, tag_names, tag_tokens
from builder.text import Ints, Texts, Tokens


class SoftTags:
    """What every annotator who judged a window marked in it, as spans over articles."""

    def __init__(self, index: Index, kind: str, numbering: Numbering, style: str, nested: str) -> None:
        self._style, self._nested = style, nested
        self._width = len(tag_names(numbering.labels, style))
        given = index.inputs["annotations"]
        given = given.filter(pc.and_(pc.is_in(given["state"], pa.array(JUDGED)), pc.invert(given["quarantined"])))
        windows = index.window_numbers(given["chunk_id"])
        starts = np.where(windows < 0, -1, key(index.article_codes[windows], index.starts[windows]))
        order = np.argsort(starts, kind="stable")
        order = order[starts[order] >= 0]
        self._starts, self._sizes = starts[order], (index.ends - index.starts)[windows[order]]
        columns = ["annotation_id", "article_id", "kind", "start", "end", "label"]
        spans = index.inputs.read("spans", columns)
        spans = spans.filter(pc.equal(spans["kind"], kind))
        owners = positions_in(spans["annotation_id"], flat(given["annotation_id"]).take(pa.array(order)))
        labels, places = numbering.ids(spans["label"]), index.keys(spans["article_id"], spans["start"])
        sizes = numbers(spans["end"]) - numbers(spans["start"])
        order = np.lexsort((labels, -sizes, places, owners))
        order = order[(owners[order] >= 0) & (labels[order] >= 0) & (places[order] >= 0)]
        self._owners, self._places, self._lengths, self._labels = (x[order] for x in (owners, places, sizes, labels))

    def of(self, passages: Passages, tokens: Tokens, cut: Callable[[pa.Array, Texts], Tokens]) -> pa.Array:
        """A list per text and token with a share per tag; all are 0 where nobody saw the token.

        `tokens` are those of the texts, as `cut` finds them.
        """
        row, seen = touching(self._starts, self._sizes, passages.keys, numbers(pc.utf8_length(passages.text)))
        column = passages.text.take(pa.array(row))
        texts = Texts.of(column)
        again, lengths = cut(column, texts), np.diff(texts.starts)
        pair, at = matching(self._owners, seen)
        starts = self._places[at] - passages.keys[row][pair]
        ends = np.minimum(starts + self._lengths[at], lengths[pair])
        inside = (starts < lengths[pair]) & (ends > 0)
        pair, at, starts, ends = pair[inside], at[inside], np.maximum(starts, 0)[inside], ends[inside]
        base = texts.starts[pair]
        tags = tag_tokens(
            again, Marks(pair, base + starts, base + ends, self._labels[at]), self._style, self._nested
        ).tags
        each = np.diff(again.rows)
        owner = np.repeat(np.arange(len(row)), each)
        token = tokens.rows[row][owner] + np.arange(len(again)) - again.rows[:-1][owner]
        # An annotator says nothing about what is outside the window.
        lo = (self._starts[seen] - passages.keys[row])[owner] + texts.starts[:-1][owner]
        judged = (again.starts >= lo) & (again.ends <= lo + self._sizes[seen][owner])
        return self._shares(tokens, token[judged], tags[judged])

    def _shares(self, tokens: Tokens, token: Ints, tags: Ints) -> pa.Array:
        counts = np.bincount(token * self._width + tags, minlength=len(tokens) * self._width).reshape(-1, self._width)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        inner = lists(np.arange(len(tokens) + 1) * self._width, pa.array(shares.ravel()))
        return lists(tokens.rows, inner)
