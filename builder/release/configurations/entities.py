"""`entities`: texts with tokens, tags and every released entity span."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.errors import ReleaseError
from builder.release.arrays import flat, list_of, lists, numbers, records, small, spread, strings
from builder.release.compare import span_changes
from builder.release.configuration import KEYS, Column, Configuration, Maker, Spec, decided, numbering
from builder.release.features import INT, STRING, class_label, sequence, value
from builder.release.passages import Index, Passages
from builder.release.settings import Export
from builder.release.tags import LOSSES, Marks, encode, tag, tag_names
from builder.scheme import Scheme
from builder.text import Ints, Texts, words

_ROW_BORDER = "row-border"


def declare(scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]) -> list[Configuration]:
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
        yield Column("text", STRING, "the text, exactly as it stands in the cleaned article")
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


@dataclass(frozen=True)
class _Spans:
    """Released spans in the order of their places, longer ones first."""

    keys: Ints
    lengths: Ints
    labels: Ints
    text: pa.Array
    status: pa.Array


def rows(configuration: Configuration, index: Index, settings: Export) -> Maker:
    """One row per text, with the spans that lie in it."""
    gold, question = index.inputs["gold_spans"], configuration.question
    assert question is not None
    gold = gold.filter(pc.equal(gold["kind"], question.span_kind))
    kept, left_out = decided(gold, settings)
    gold = gold.filter(pa.array(kept))
    labels = configuration.numbering.ids(gold["label"])
    keys = index.keys(gold["article_id"], gold["start"])
    lengths = numbers(gold["end"]) - numbers(gold["start"])
    order = np.lexsort((labels, -lengths, keys))
    order = order[(labels[order] >= 0) & (keys[order] >= 0)]
    text, status = (flat(gold[name]).take(pa.array(order)) for name in ("text", "status"))
    spans = _Spans(keys[order], lengths[order], labels[order], text, status)
    losses = dict.fromkeys(("held", *LOSSES, _ROW_BORDER), 0)
    inside = 0

    def table(passages: Passages) -> pa.Table:
        nonlocal inside
        found, lost, held = _table(passages, spans, configuration, settings)
        inside += held
        for reason, count in lost.items():
            losses[reason] += count
        return found

    return Maker(table, spans.keys >> 32, spans.labels, left_out, losses, lambda: inside + losses[_ROW_BORDER])


def _table(
    passages: Passages, gold: _Spans, configuration: Configuration, settings: Export
) -> tuple[pa.Table, dict[str, int], int]:
    """The rows of these texts, what their tags lose by reason, and how many spans they hold."""
    features = configuration.features
    texts = Texts.of(passages.text)
    lengths = np.diff(texts.starts)
    owner, span = spread(*(np.searchsorted(gold.keys, edge) for edge in (passages.keys, passages.keys + lengths)))
    starts = gold.keys[span] - passages.keys[owner]
    ends = starts + gold.lengths[span]
    inside = ends <= lengths[owner]
    losses = {_ROW_BORDER: int((~inside).sum())}
    owner, span, starts, ends = owner[inside], span[inside], starts[inside], ends[inside]
    marks = Marks(owner, texts.starts[owner] + starts, texts.starts[owner] + ends, gold.labels[span])
    text = texts.slices(marks.starts, marks.ends)
    _check_text(passages, owner, text, gold.text.take(pa.array(span)))
    found = records(
        start=small(starts),
        end=small(ends),
        label=strings(configuration.numbering.labels).take(pa.array(marks.labels)),
        text=text,
        status=gold.status.take(pa.array(span)),
    )
    columns: dict[str, pa.Array] = {
        "id": passages.ids,
        "article_id": passages.article_ids,
        "chunk_id": passages.chunk_ids,
        "text": passages.text,
        "entities": list_of(owner, len(passages), found),
    }
    if "tokens" in features:
        encoded = None if settings.tokenizer == "words" else encode(passages.text, texts, settings.tokenizer)
        tokens = words(texts) if encoded is None else encoded.tokens
        columns["tokens"] = lists(tokens.rows, tokens.strings(texts))
        if encoded is not None:
            columns["input_ids"] = lists(encoded.rows, small(encoded.ids))
        if "ner_tags" in features:
            tagged = tag(tokens, marks, settings.tags, settings.nested)
            losses |= tagged.counts()
            columns["ner_tags"] = lists(tokens.rows, pa.array(tagged.tags))
            if encoded is not None:
                columns["labels"] = lists(encoded.rows, pa.array(encoded.labels(tagged.tags)))
    return configuration.table(columns), losses, len(span)


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


def about(configuration: Configuration, export: Mapping[str, Any]) -> str:
    """What one row is."""
    unit = {"article": "annotated stretch of an article"}.get(export["granularity"], export["granularity"])
    kinds = "words and single symbols" if export["tokenizer"] == "words" else "of the tokenizer file"
    features = configuration.features
    parts = [f"one row per {unit}."]
    if "tokens" in features:
        tags = f" with `ner_tags` ({export['tags'].upper()})" if "ner_tags" in features else ""
        parts.append(f"`tokens` ({kinds}){tags}.")
    if "entities" in features:
        parts.append(
            "`entities` holds every released span, nested ones included: `text[start:end]` is the span, in Unicode "
            "code points, half-open. `status` says how it was decided: `agreed` by all who saw it, `adjudicated` from "
            "their votes, or `expert`."
        )
    return " ".join(parts)


def _within(row: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    """Whether a gold span lies in a row whose place in the article is known as `place`."""
    start, end = row["place"]
    return bool(gold["kind"] == "entity" and start <= gold["start"] and gold["end"] <= end)


SPEC = Spec(
    texts="chunks",
    declare=declare,
    reads={"gold_spans": ("article_id", "kind", "start", "end", "label", "text", "probability", "status")},
    rows=rows,
    noun=("row", "rows"),
    about=about,
    gold="entity spans",
    task="token-classification",
    tag="named-entity-recognition",
    distinct=("id", "chunk_id", "text"),
    changes=lambda both: span_changes(both, "entities"),
    traced={"gold_spans": _within},
    formats=("conll", "spacy"),
)
