"""Rows of the `entities` configuration: texts with tokens, tags and every released span."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.errors import ReleaseError
from builder.release.features import Features, arrow_schema
from builder.release.pieces import pieces
from builder.release.rows import Rows, Spans, list_of
from builder.release.settings import Export
from builder.release.tags import LOSSES, Marks, tag
from builder.text import Ints, Texts, words


@dataclass
class Losses:
    """What tags could not hold, over all rows, and how many spans cross the border of a row and stand in none."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("held", *LOSSES, "row-border"), 0))

    def add(self, counts: dict[str, int]) -> None:
        """Adds the counts of one batch."""
        for reason, count in counts.items():
            self.counts[reason] += count


def table(rows: Rows, gold: Spans, labels: list[str], features: Features, settings: Export, losses: Losses) -> pa.Table:
    """The rows as a table of `features`; raises `ReleaseError` when a span's text is not what stands at its place."""
    texts = Texts.of(rows.text)
    lengths = np.diff(texts.starts)
    owner, span = gold.within(rows.keys, lengths)
    starts = gold.keys[span] - rows.keys[owner]
    ends = starts + gold.lengths[span]
    inside = ends <= lengths[owner]
    losses.add({"row-border": int((~inside).sum())})
    owner, span, starts, ends = owner[inside], span[inside], starts[inside], ends[inside]
    marks = Marks(owner, texts.starts[owner] + starts, texts.starts[owner] + ends, gold.labels[span])
    at = pa.array(span)
    text = texts.slices(marks.starts, marks.ends)
    _check_text(rows, owner, text, gold.text.take(at))
    columns: dict[str, pa.Array] = {
        "id": rows.ids,
        "article_id": rows.article_ids,
        "chunk_id": rows.chunk_ids,
        "text": rows.text,
    }
    if "tokens" in features:
        encoded = None if settings.tokenizer == "words" else pieces(rows.text, texts, settings.tokenizer)
        tokens = words(texts) if encoded is None else encoded.tokens
        columns["tokens"] = _ragged(tokens.rows, tokens.strings(texts))
        if encoded is not None:
            columns["input_ids"] = _ragged(encoded.rows, pa.array(encoded.ids.astype(np.int32)))
        if "ner_tags" in features:
            tagged = tag(tokens, marks, settings.tags, settings.nested)
            losses.add(tagged.counts())
            columns["ner_tags"] = _ragged(tokens.rows, pa.array(tagged.tags))
            if encoded is not None:
                columns["labels"] = _ragged(encoded.rows, pa.array(encoded.labels(tagged.tags)))
    records = pa.StructArray.from_arrays(
        [
            pa.array(starts.astype(np.int32)),
            pa.array(ends.astype(np.int32)),
            pa.array(labels, pa.string()).take(pa.array(marks.labels)),
            text,
            gold.status.take(at),
        ],
        names=["start", "end", "label", "text", "status"],
    )
    columns["entities"] = list_of(owner, len(rows), records)
    schema = arrow_schema(features)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _ragged(offsets: Ints, values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)


def _check_text(rows: Rows, owner: Ints, found: pa.Array, said: pa.Array) -> None:
    if found.equals(said):
        return
    wrong = pc.index(pc.fill_null(pc.equal(found, said), False), False).as_py()
    raise ReleaseError(
        f"Chunk {rows.chunk_ids[int(owner[wrong])].as_py()}: gold says {said[wrong].as_py()!r} where the text has "
        f"{found[wrong].as_py()!r}.",
        "The articles changed after they were annotated: run `builder validate` and `builder adjudicate` again.",
    )
