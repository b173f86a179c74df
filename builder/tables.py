"""The Arrow schemas that stages exchange: the contract between rooms.

Columns never change meaning between rooms. Intervals are half-open and count Unicode code points of the article's
cleaned `text` unless the column says raw. Times are UTC. A table on disk is one Parquet file of its schema, or a folder
of them in the order of their names once a corpus is large.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from builder.errors import StoreError

TIME = pa.timestamp("us", tz="UTC")
SECTION = pa.struct([("kind", pa.string()), ("start", pa.int32()), ("end", pa.int32())])
PART = pa.struct([("kind", pa.string()), ("rule", pa.string()), ("text", pa.string())])
SEGMENT = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("raw_start", pa.int32()), ("raw_end", pa.int32())])
VOTE = pa.struct([("annotator", pa.string()), ("annotation_id", pa.string()), ("label", pa.string())])
POSTERIOR = pa.struct([("label", pa.string()), ("probability", pa.float64())])


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


#: One row per article. `map` leads from `text` to `raw`, the decoded record (for HTML: the extracted text).
ARTICLES = _schema(
    article_id=pa.string(),  # of its source's id, else address, else file, else text: sha256, first 16 hex digits
    source_path=pa.string(),  # relative to paths.raw, or the remote address
    record=pa.int32(),  # 0-based number of the record in its file
    record_id=pa.string(),  # the source's own id, when a field is mapped to it
    raw_sha256=pa.string(),  # of the record's bytes: the revision of the article
    encoding=pa.string(),  # Python's name for it; ends in "+replace" when bad bytes became U+FFFD
    encoding_found=pa.string(),  # "set", "mark" (byte order mark), "declared", "valid" (UTF-8) or "detected"
    encoding_sure=pa.float32(),  # 0 to 1; below 1 only when detected
    title=pa.string(),
    text=pa.string(),  # summary and body, without title and trailer
    sections=pa.list_(SECTION),  # "summary", "body": tile the text but for the blank lines between them
    trailer=pa.string(),  # the lines about the article cut from its end
    parts=pa.list_(PART),  # kicker, title, byline, date, dateline, summary, trailer, each by the rule that found it
    raw=pa.string(),
    map=pa.list_(SEGMENT),
    url=pa.string(),
    source=pa.string(),
    authors=pa.list_(pa.string()),
    published=TIME,
    place=pa.string(),  # where it was written, from its dateline
    language=pa.string(),  # BCP 47, without a region
    cluster_id=pa.string(),  # article_id of the kept member of the near-duplicate cluster
    kept=pa.bool_(),  # False: a duplicate that is not annotated
    targets=pa.list_(pa.string()),  # the record's own stance targets, for a scheme whose target_mode is "article"
)

#: One row per chunk: the window through which annotators look at `text[start:end]` of an article.
CHUNKS = _schema(
    chunk_id=pa.string(),  # of article_id, text, and how often that came before: sha256, first 16 hex digits
    article_id=pa.string(),
    ordinal=pa.int32(),
    start=pa.int32(),
    end=pa.int32(),
    text=pa.string(),
    section=pa.string(),
    context_before=pa.string(),
    context_after=pa.string(),
    tokens=pa.int32(),  # in the units of the chunking budget
    sentences=pa.int32(),
)

#: One row per thing left out, at any stage.
REJECTS = _schema(
    stage=pa.string(),
    source_path=pa.string(),
    record=pa.int32(),
    article_id=pa.string(),
    chunk_id=pa.string(),
    reason=pa.string(),  # a short stable code, such as "empty" or "undecodable"
    detail=pa.string(),
)

#: One row per annotation, draft or skip of one annotator on one task.
ANNOTATIONS = _schema(
    annotation_id=pa.string(),  # "<project>:<annotation>", drafts "<project>:draft:<draft>"
    task_id=pa.int64(),
    project_id=pa.int64(),
    chunk_id=pa.string(),
    article_id=pa.string(),
    annotator=pa.string(),  # stable pseudonym
    state=pa.string(),  # "labelled", "labelled-empty", "skipped", "draft"
    prediction=pa.string(),  # "none", "accepted", "edited", "rejected"
    ground_truth=pa.bool_(),
    problems=pa.list_(pa.string()),
    comment=pa.string(),
    created=TIME,
    updated=TIME,
    lead_time=pa.float64(),  # seconds
    scheme_version=pa.string(),
    pull=pa.string(),  # hash of the pull it came in
    parent_id=pa.string(),  # annotation it was made from (review), if any
    quarantined=pa.bool_(),  # True: kept out of gold by a check or an undecodable result
    changed_by=pa.string(),  # pseudonym of the account that saved it last; null where the server does not say
    assigned_to=pa.string(),  # pseudonym of the annotator whose own project it is in; null in shared projects
)

#: What the annotator found filled in there: columns of SPANS and ANSWERS, null where nothing was. A row is an accepted
#: suggestion where `suggested` is its label, else an edited one. Those that left no row show in ANNOTATIONS alone.
_SUGGESTED = {
    "suggested": pa.string(),  # the label
    "suggestion_model": pa.string(),  # version of the model, or "gazetteer"
    "suggestion_score": pa.float64(),  # 0 to 1, of the whole suggestion on the chunk
}

#: One row per marked span. `kind` is "entity" or "evidence"; evidence names the stance targets it supports.
SPANS = _schema(
    annotation_id=pa.string(),
    chunk_id=pa.string(),
    article_id=pa.string(),
    annotator=pa.string(),
    span_id=pa.string(),  # Label Studio's region id
    kind=pa.string(),
    start=pa.int32(),
    end=pa.int32(),
    label=pa.string(),
    text=pa.string(),
    targets=pa.list_(pa.string()),
    **_SUGGESTED,
)

#: One row per answer to a question with fixed labels, such as the stance toward one target.
ANSWERS = _schema(
    annotation_id=pa.string(),
    chunk_id=pa.string(),
    article_id=pa.string(),
    annotator=pa.string(),
    question=pa.string(),  # name of the question in the scheme
    target=pa.string(),  # what it was asked about; empty for a question about the whole chunk
    span_id=pa.string(),  # the marked mention that is the target, if any
    start=pa.int32(),  # where that mention is; null without one
    end=pa.int32(),
    label=pa.string(),
    **_SUGGESTED,
)

#: One row per chunk as its annotators saw it, from the tasks of a pull. `text` is the article's text[start:end].
WINDOWS = _schema(
    chunk_id=pa.string(),
    article_id=pa.string(),
    start=pa.int32(),
    end=pa.int32(),
    text=pa.string(),
    title=pa.string(),
    scheme=pa.string(),
    targets=pa.list_(pa.string()),  # the article's own targets; null unless the scheme asks for them
    selection=pa.string(),  # `selection.method` when the chunk was pushed; null in earlier projects
)

#: One row per finding about an annotation. `path` points into the raw result, such as `$.result[3].value.end`.
ISSUES = _schema(
    check=pa.string(),
    severity=pa.string(),  # "error" quarantines, "warning" reports, "info" records a repair
    annotation_id=pa.string(),
    chunk_id=pa.string(),
    task_id=pa.int64(),
    annotator=pa.string(),
    path=pa.string(),
    message=pa.string(),
    repair=pa.string(),  # what was changed, with the evidence; null when nothing was
)

#: How hard an item of gold is: logits by which annotators err on it more than on the mean item of its kind, with the
#: interval (`quality.confidence`); null with one vote.
_DIFFICULTY = dict.fromkeys(("difficulty", "difficulty_low", "difficulty_high"), pa.float64())

#: One row per span that at least one annotator marked, with who marked it. `status` is "agreed" (unanimous), "single"
#: (one vote), "adjudicated", "expert" or "unresolved"; a span voted down keeps status "rejected".
GOLD_SPANS = _schema(
    chunk_id=pa.string(),
    article_id=pa.string(),
    kind=pa.string(),
    start=pa.int32(),
    end=pa.int32(),
    label=pa.string(),
    text=pa.string(),
    targets=pa.list_(pa.string()),
    probability=pa.float64(),  # of the label, as in `posterior`
    posterior=pa.list_(POSTERIOR),  # of each label marked there, and of none (null): they predict what people say
    shares=pa.list_(POSTERIOR),  # smoothed shares of the votes, likewise
    entropy=pa.float64(),  # of `posterior`, in nats
    **_DIFFICULTY,
    method=pa.string(),
    votes=pa.list_(VOTE),  # one per annotator who saw the chunk; a null label is a vote against
    status=pa.string(),
)

#: One row per chunk, question and target, or mention of it. `label` is null when the status is "unresolved".
GOLD_ANSWERS = _schema(
    chunk_id=pa.string(),
    article_id=pa.string(),
    question=pa.string(),
    target=pa.string(),
    start=pa.int32(),  # of the mention that is the target; null without one
    end=pa.int32(),
    label=pa.string(),
    probability=pa.float64(),
    posterior=pa.list_(POSTERIOR),  # of each label given to the question: they predict what people say
    shares=pa.list_(POSTERIOR),  # smoothed shares of the votes, likewise
    entropy=pa.float64(),  # of `posterior`, in nats
    **_DIFFICULTY,
    method=pa.string(),
    votes=pa.list_(VOTE),
    status=pa.string(),
)


def rows_of(table: pa.Table, *columns: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table as tuples of the named columns."""
    return zip(*(values_of(table[name]) for name in columns), strict=True)


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column as Python objects; texts, and numbers without nulls, many times as fast as one by one."""
    whole = column.null_count == 0 and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type))
    values: list[Any] = column.to_numpy().tolist() if whole or pa.types.is_string(column.type) else column.to_pylist()
    return values


def build(rows: list[dict[str, object]], schema: pa.Schema) -> pa.Table:
    """A table of `schema` from dictionaries; a missing column is null, an unknown one a `KeyError`."""
    for name in {key for row in rows for key in row} - set(schema.names):
        raise KeyError(f"column {name!r} is not in the schema {schema.names}")
    return pa.Table.from_pylist(rows, schema=schema)


def check(table: pa.Table, schema: pa.Schema, where: str) -> pa.Table:
    """The table itself; raises `StoreError` when its columns are not those of the schema."""
    if table.schema.remove_metadata() != schema:
        raise StoreError(
            f"{where} was written by another version of the builder.",
            "Delete the workspace folder that contains it and run `builder prepare` again.",
        )
    return table
