"""`entities`: texts with tokens, tags and every released entity span, and the spans that were not decided."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import Mask, flat, list_of, lists, numbers, records, small, text_array, touching
from builder.errors import ReleaseError
from builder.release import decisions
from builder.release.compare import span_changes
from builder.release.configuration import (
    FLAG,
    INT,
    NUMBER,
    STRING,
    Column,
    Configuration,
    Maker,
    Spec,
    class_label,
    columns_of,
    numbering,
    sequence,
    value,
)
from builder.release.decisions import DOWN, KEPT, OPEN
from builder.release.passages import Index
from builder.release.settings import Export
from builder.release.tags import IGNORED, LOSSES, Marks, soft_tags, tag_names, tag_tokens, tokenized, unknown_tokens
from builder.scheme import Scheme
from builder.text import Ints, Texts

#: Losses that are not of tags: spans that a row border cuts, tokens that are hidden, rows that are left out.
_ROW_BORDER, _MASKED, _STRICT = "row-border", "masked-tokens", "strict-rows"


def _declare(scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]) -> Iterator[Configuration]:
    """One configuration per question that asks for entity spans."""
    for found in scheme.of_kind("entities"):
        labels = numbering(found, scheme, settings, earlier)
        yield Configuration(found.name, tuple(_columns(labels.labels, settings)), found, labels)


def _columns(labels: list[str], settings: Export) -> Iterator[Column]:
    model, tagged = settings.tokenizer != "words", settings.tags != "none"
    if settings.text:
        yield Column("text", STRING, "the text, exactly as in the cleaned article")
    if settings.tokens:
        about = "words and single symbols" if not model else "tokens of the tokenizer file"
        yield Column("tokens", sequence(STRING), about)
        if tagged:
            tags = class_label(tag_names(labels, settings.tags))
            yield Column("ner_tags", sequence(tags), "one tag per token", judged=True)
            about = "one per token: true where the tag is not known, which training must ignore"
            yield Column("mask", sequence(FLAG), about, judged=True)
            if settings.soft_tags:
                about = "per token, the share of the annotators who saw it that gave it each tag, in the order of ids"
                yield Column("soft_tags", sequence(sequence(NUMBER)), about)
        if model:
            yield Column("input_ids", sequence(INT), "ids of the tokenizer file, special ones included")
        if model and tagged:
            # Not a class label: -100 marks what training ignores.
            about = "one tag per input id, -100 where training ignores it"
            yield Column("labels", sequence(value("int64")), about, judged=True)
    if settings.text:
        span = {"start": INT, "end": INT, "label": STRING, "text": STRING, **decisions.COLUMNS}
        about = "every released span, nested ones included: `text[start:end]`, in code points, and how it was decided"
        yield Column("entities", [span], about, judged=True)
        about = "spans that somebody marked and that are not released: not decided, or voted down"
        yield Column("disputed", [span], about, judged=True)


def _rows(configuration: Configuration, index: Index, settings: Export) -> Maker:
    """One row per text, with the spans that are in it."""
    question, numbering = configuration.question, configuration.numbering
    assert question is not None
    gold = index.inputs.read("gold_spans", "article_id", "kind", "start", "end", "text", *decisions.READS)
    gold = gold.filter(pc.equal(gold["kind"], question.span_kind))
    states, left_out = decisions.decided(gold, settings)
    labels, keys = numbering.ids(gold["label"]), index.keys(gold["article_id"], gold["start"])
    sizes = numbers(gold["end"]) - numbers(gold["start"])
    # In the order of their places, longer ones first.
    order = np.lexsort((labels, -sizes, keys))
    order = order[(labels[order] >= 0) & (keys[order] >= 0)]
    keys, sizes, labels, states = (column[order] for column in (keys, sizes, labels, states))
    gold = gold.take(pa.array(order))
    names = text_array(numbering.labels).take(pa.array(labels))
    shown = {"label": names, "text": flat(gold["text"]), **decisions.columns(gold)}
    features, kept = configuration.features, states == KEPT
    soft = soft_tags(index, question.span_kind, numbering, settings) if "soft_tags" in features else None
    hidden = {"outside": [], "disputed": [OPEN, DOWN]}.get(settings.unknown, [OPEN])
    losses = dict.fromkeys(("held", *LOSSES, _ROW_BORDER, _MASKED, _STRICT), 0)
    left_out["outside"] = int(kept.sum())

    def columns(passages: pa.RecordBatch) -> dict[str, pa.Array]:
        begins, lengths = numbers(passages["key"]), numbers(pc.utf8_length(passages["text"]))
        owner, span = touching(keys, sizes, begins, lengths)
        starts = keys[span] - begins[owner]
        ends = starts + sizes[span]
        inside, state = (starts >= 0) & (ends <= lengths[owner]), states[span]
        cut = ~inside & (state == KEPT)
        # A released span of which the row holds only a part is as unknown there as one without a decision.
        state = np.where(cut, OPEN, state)
        losses[_ROW_BORDER] += int((cut & (starts >= 0)).sum())
        left_out["outside"] -= int((cut & (starts >= 0)).sum())
        if settings.unknown == "strict" and (state == OPEN).any():
            certain = np.setdiff1d(np.arange(passages.num_rows), owner[state == OPEN])
            losses[_STRICT] += passages.num_rows - len(certain)
            return columns(passages.take(pa.array(certain)))
        released = inside & (state == KEPT)
        left_out["outside"] -= int(released.sum())
        texts = Texts.of(passages["text"])
        at = texts.starts[owner]

        def listed(which: Mask) -> pa.Array:
            place = {"start": small(starts[which]), "end": small(ends[which])}
            found = {name: column.take(pa.array(span[which])) for name, column in shown.items()}
            return list_of(owner[which], passages.num_rows, records(**place, **found))

        _check_text(passages, owner[inside], texts.slices((at + starts)[inside], (at + ends)[inside]),
                    shown["text"].take(pa.array(span[inside])))  # fmt: skip
        made = columns_of(passages) | {"entities": listed(released), "disputed": listed(inside & (state != KEPT))}
        if "tokens" not in features:
            return made
        tokens, encoded = tokenized(passages["text"], texts, settings.tokenizer)
        made["tokens"] = lists(tokens.rows, tokens.strings(texts))
        if soft:
            made["soft_tags"] = soft(passages, texts, tokens)
        if encoded:
            made["input_ids"] = lists(encoded.rows, small(encoded.ids))
        if "ner_tags" in features:
            marks = Marks(*(part[released] for part in (owner, at + starts, at + ends, labels[span])))
            tagged = tag_tokens(tokens, marks, settings.tags, settings.nested)
            for reason, count in tagged.counts().items():
                losses[reason] += count
            hides = np.isin(state, hidden)
            places = ((at + np.maximum(starts, 0))[hides], (at + np.minimum(ends, lengths[owner]))[hides])
            down, size = state[hides] == DOWN, sizes[span][hides]
            unknown = unknown_tokens(tokens, tagged.sizes, places, size, down, settings.nested)
            losses[_MASKED] += int(unknown.sum())
            made["ner_tags"], made["mask"] = (lists(tokens.rows, pa.array(x)) for x in (tagged.tags, unknown))
            if encoded:
                made["labels"] = encoded.labels(np.where(unknown, IGNORED, tagged.tags))
        return made

    return Maker(columns, keys[kept] >> 32, labels[kept], left_out, losses)


def _check_text(passages: pa.RecordBatch, owner: Ints, found: pa.Array, recorded: pa.Array) -> None:
    if found.equals(recorded):
        return
    wrong = pc.index(pc.fill_null(pc.equal(found, recorded), False), False).as_py()
    raise ReleaseError(
        f"Chunk {passages['chunk_id'][int(owner[wrong])]}: gold has {recorded[wrong].as_py()!r} where the text "
        f"has {found[wrong].as_py()!r}.",
        "The articles changed after they were annotated: run `builder validate` and `builder adjudicate` again, with "
        "the cleaning that was annotated.",
    )


def _about(configuration: Configuration, export: Mapping[str, Any]) -> str:
    """What one row is."""
    unit = {"article": "annotated stretch of an article"}.get(export["granularity"], export["granularity"])
    kinds = "of the tokenizer file" if "input_ids" in configuration.features else "words and single symbols"
    about, features = f"one row per {unit}.", configuration.features
    if "tokens" in features:
        tags = f" with `ner_tags` ({export['tags'].upper()})" if "ner_tags" in features else ""
        about += f" `tokens` ({kinds}){tags}."
    if "mask" in features:
        about += _UNKNOWN[export["unknown"]]
    if "entities" in features:
        about += (
            " `entities` holds every released span, nested ones included: `text[start:end]` is the span, in Unicode "
            "code points, half-open. `status` says how it was decided: `agreed` by all who saw it, `single` by the "
            "only one who did, `adjudicated` from their votes, or `expert`. `disputed` holds the other spans that "
            "somebody marked: `unresolved`, `rejected` by most, or below a threshold of the release."
        )
    return about


#: What the card says about tokens whose tag is not known.
_UNKNOWN = {
    "disputed": " `mask` is true for tokens of spans that were not decided or that a minority marked: train without.",
    "unresolved": " `mask` is true for tokens of spans that were not decided: train without them.",
    "strict": " Texts with a span that was not decided are left out.",
    "outside": " Tokens of spans that were not decided are tagged `O`.",
}


def _within(row: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    """Whether a gold span is in a row whose place in the article is known as `place`."""
    start, end = row["place"]
    return bool(gold["kind"] == "entity" and start <= gold["start"] and gold["end"] <= end)


def _tally(_: Configuration, rows: pa.Table) -> pa.Array:
    if "entities" in rows.column_names:
        return pc.struct_field(pc.list_flatten(flat(rows["entities"])), "label")
    return text_array([])


SPEC = Spec(
    texts="chunks",
    declare=_declare,
    rows=_rows,
    noun=("row", "rows"),
    about=_about,
    gold="entity spans",
    task="token-classification",
    tag="named-entity-recognition",
    distinct=("id", "chunk_id", "text"),
    changes=lambda both: span_changes(both, "entities"),
    tally=_tally,
    traced={"gold_spans": _within},
    formats=("conll", "spacy"),
)
