"""`entities`: texts with tokens, tags and every released entity span."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.errors import ReleaseError
from builder.release.arrays import flat, list_of, lists, numbers, records, small, spread, text_array
from builder.release.compare import span_changes
from builder.release.configuration import KEYS, Column, Configuration, Maker, Spec, decided, numbering
from builder.release.features import INT, STRING, class_label, sequence, value
from builder.release.passages import Index, Passages
from builder.release.settings import Export
from builder.release.tags import LOSSES, Marks, encode_texts, tag_names, tag_tokens
from builder.scheme import Scheme
from builder.text import Ints, Texts, words

_ROW_BORDER = "row-border"


def _declare(scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]) -> list[Configuration]:
    """One configuration per question that asks for entity spans."""
    found = []
    for name, question in scheme.questions.items():
        if question.kind == "entities":
            labels = numbering(question, scheme, settings, earlier)
            columns = (*KEYS, *_columns(labels.labels, settings))
            found.append(Configuration(name, "entities", columns, question, labels))
    return found


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
        if model:
            yield Column("input_ids", sequence(INT), "ids of the tokenizer file, special ones included")
        if model and tagged:
            # Not a class label: -100 marks what training ignores.
            about = "one tag per input id, -100 where training ignores it"
            yield Column("labels", sequence(value("int64")), about, judged=True)
    if settings.text:
        span = {"start": INT, "end": INT, "label": STRING, "text": STRING, "status": STRING}
        about = "every released span, nested ones included: `text[start:end]`, in code points, and how it was decided"
        yield Column("entities", [span], about, judged=True)


def _rows(configuration: Configuration, index: Index, settings: Export) -> Maker:
    """One row per text, with the spans that are in it."""
    gold, question = index.inputs["gold_spans"], configuration.question
    assert question is not None
    gold = gold.filter(pc.equal(gold["kind"], question.span_kind))
    kept, left_out = decided(gold, settings)
    gold = gold.filter(pa.array(kept))
    labels = configuration.numbering.ids(gold["label"])
    keys = index.keys(gold["article_id"], gold["start"])
    sizes = numbers(gold["end"]) - numbers(gold["start"])
    # In the order of their places, longer ones first.
    order = np.lexsort((labels, -sizes, keys))
    order = order[(labels[order] >= 0) & (keys[order] >= 0)]
    keys, sizes, labels = keys[order], sizes[order], labels[order]
    gold_text, status = (flat(gold[name]).take(pa.array(order)) for name in ("text", "status"))
    features, names = configuration.features, text_array(configuration.numbering.labels)
    losses = dict.fromkeys(("held", *LOSSES, _ROW_BORDER), 0)
    held = 0

    def table(passages: Passages) -> pa.Table:
        nonlocal held
        texts = Texts.of(passages.text)
        lengths = np.diff(texts.starts)
        owner, span = spread(*(np.searchsorted(keys, edge) for edge in (passages.keys, passages.keys + lengths)))
        starts = keys[span] - passages.keys[owner]
        ends = starts + sizes[span]
        inside = ends <= lengths[owner]
        losses[_ROW_BORDER] += int((~inside).sum())
        owner, span, starts, ends = owner[inside], span[inside], starts[inside], ends[inside]
        held += len(span)
        marks = Marks(owner, texts.starts[owner] + starts, texts.starts[owner] + ends, labels[span])
        text, at = texts.slices(marks.starts, marks.ends), pa.array(span)
        _check_text(passages, owner, text, gold_text.take(at))
        label = names.take(pa.array(marks.labels))
        found = records(start=small(starts), end=small(ends), label=label, text=text, status=status.take(at))
        columns = {"article_id": passages.article_ids, "chunk_id": passages.chunk_ids, "text": passages.text}
        columns |= {"id": passages.ids, "entities": list_of(owner, len(passages), found)}
        if "tokens" in features:
            encoded = None if settings.tokenizer == "words" else encode_texts(passages.text, texts, settings.tokenizer)
            tokens = words(texts) if encoded is None else encoded.tokens
            columns["tokens"] = lists(tokens.rows, tokens.strings(texts))
            if encoded is not None:
                columns["input_ids"] = lists(encoded.rows, small(encoded.ids))
            if "ner_tags" in features:
                tagged = tag_tokens(tokens, marks, settings.tags, settings.nested)
                for reason, count in tagged.counts().items():
                    losses[reason] += count
                columns["ner_tags"] = lists(tokens.rows, pa.array(tagged.tags))
                if encoded is not None:
                    columns["labels"] = lists(encoded.rows, pa.array(encoded.labels(tagged.tags)))
        return configuration.table(columns)

    return Maker(table, keys >> 32, labels, left_out, losses, lambda: held + losses[_ROW_BORDER])


def _check_text(passages: Passages, owner: Ints, found: pa.Array, recorded: pa.Array) -> None:
    if found.equals(recorded):
        return
    wrong = pc.index(pc.fill_null(pc.equal(found, recorded), False), False).as_py()
    raise ReleaseError(
        f"Chunk {passages.chunk_ids[int(owner[wrong])].as_py()}: gold has {recorded[wrong].as_py()!r} where the text "
        f"has {found[wrong].as_py()!r}.",
        "The articles changed after they were annotated: run `builder validate` and `builder adjudicate` again, with "
        "the cleaning that was annotated.",
    )


def _about(configuration: Configuration, export: Mapping[str, Any]) -> str:
    """What one row is."""
    unit = {"article": "annotated stretch of an article"}.get(export["granularity"], export["granularity"])
    kinds = "words and single symbols" if export["tokenizer"] == "words" else "of the tokenizer file"
    about, features = f"one row per {unit}.", configuration.features
    if "tokens" in features:
        tags = f" with `ner_tags` ({export['tags'].upper()})" if "ner_tags" in features else ""
        about += f" `tokens` ({kinds}){tags}."
    if "entities" in features:
        about += (
            " `entities` holds every released span, nested ones included: `text[start:end]` is the span, in Unicode "
            "code points, half-open. `status` says how it was decided: `agreed` by all who saw it, `single` by "
            "the only one who did, `adjudicated` from their votes, or `expert`."
        )
    return about


def _within(row: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    """Whether a gold span is in a row whose place in the article is known as `place`."""
    start, end = row["place"]
    return bool(gold["kind"] == "entity" and start <= gold["start"] and gold["end"] <= end)


SPEC = Spec(
    texts="chunks",
    declare=_declare,
    reads={"gold_spans": ("article_id", "kind", "start", "end", "label", "text", "probability", "status")},
    rows=_rows,
    noun=("row", "rows"),
    about=_about,
    gold="entity spans",
    task="token-classification",
    tag="named-entity-recognition",
    distinct=("id", "chunk_id", "text"),
    changes=lambda both: span_changes(both, "entities"),
    traced={"gold_spans": _within},
    formats=("conll", "spacy"),
)
