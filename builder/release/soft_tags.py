"""Soft tags: for each token, the share of the annotators who saw it that gave it each tag."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import flat, lists, matching, numbers, positions_in, spread, touching
from builder.release.configuration import Numbering
from builder.release.passages import Index, Passages, key
from builder.release.settings import Export
from builder.release.tags import Marks, tag_names, tag_tokens
from builder.text import Texts, Tokens

_SPANS = ["annotation_id", "article_id", "kind", "start", "end", "label"]


def soft_tags(
    index: Index, kind: str, numbering: Numbering, settings: Export
) -> Callable[[Passages, Texts, Tokens], pa.Array]:
    """A function that gives a list per text and token with a share per tag; all are 0 where nobody saw the token."""
    votes = index.of_windows(index.votes)
    windows = numbers(votes["window"])
    begins = key(index.article_codes[windows], index.starts[windows])
    order = np.argsort(begins, kind="stable")
    begins, sizes, ids = begins[order], (index.ends - index.starts)[windows[order]], votes["annotation_id"].take(order)
    spans = pa.Table.from_batches(index.inputs.stream("spans", _SPANS))
    spans = spans.filter(pc.equal(spans["kind"], kind))
    columns = np.stack([
        positions_in(spans["annotation_id"], flat(ids)),
        index.keys(spans["article_id"], spans["start"]),
        numbers(spans["start"]) - numbers(spans["end"]),
        numbering.ids(spans["label"]),
    ])  # fmt: skip
    columns = columns[:, (columns[[0, 1, 3]] >= 0).all(axis=0)]
    owners, places, lengths, labels = columns[:, np.lexsort(columns[::-1])]
    width = len(tag_names(numbering.labels, settings.tags))

    def shares(passages: Passages, texts: Texts, tokens: Tokens) -> pa.Array:
        room = np.diff(texts.starts)
        row, seen = touching(begins, sizes, passages.keys, room)
        # Each text once per annotator who saw a part of it, one after the other.
        base = np.cumsum(room[row]) - room[row]
        owner, token = spread(tokens.rows[row], tokens.rows[row + 1])
        moved = (base - texts.starts[row])[owner]
        again = Tokens(
            np.searchsorted(owner, np.arange(len(row) + 1)), *(x[token] + moved for x in (tokens.starts, tokens.ends))
        )
        pair, at = matching(owners, seen)
        starts = places[at] - passages.keys[row][pair]
        ends = np.minimum(starts - lengths[at], room[row][pair])
        marks = np.stack([pair, base[pair] + np.maximum(starts, 0), base[pair] + ends, labels[at]])
        marks = marks[:, (starts < room[row][pair]) & (ends > 0)]
        tags = tag_tokens(again, Marks(*marks), settings.tags, settings.nested).tags
        # An annotator says nothing about what is outside the window.
        begin = base + begins[seen] - passages.keys[row]
        judged = (again.starts >= begin[owner]) & (again.ends <= (begin + sizes[seen])[owner])
        counts = np.bincount((token * width + tags)[judged], minlength=len(tokens) * width).reshape(-1, width)
        found = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return lists(tokens.rows, lists(np.arange(len(tokens) + 1) * width, pa.array(found.ravel())))

    return shares
