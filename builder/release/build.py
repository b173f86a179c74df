"""The data files of a release, from the tables of the stages."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.errors import ReleaseError
from builder.release import annotations, entities, labels, rows, splits, stance
from builder.release import features as declare
from builder.release.features import Features
from builder.release.inputs import Tables
from builder.release.parting import Sides, Stream, certificate
from builder.release.settings import Export, Split
from builder.release.shards import Shard, Writer
from builder.scheme import Scheme


@dataclass
class Built:
    """What was written, and what there is to tell about it."""

    shards: dict[str, list[Shard]] = field(default_factory=dict)
    features: dict[str, Features] = field(default_factory=dict)
    logical: dict[str, dict[str, str]] = field(default_factory=dict)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    leakage: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)


def build(
    root: Path,
    tables: Tables,
    scheme: Scheme,
    settings: Export,
    split: Split,
    earlier_splits: Mapping[str, str],
    earlier_labels: Mapping[str, list[str]],
    language: str,
) -> Built:
    """Writes one folder a configuration below `root` and returns what it holds.

    Raises `ReleaseError` when no chunk has a vote.
    """
    index = rows.Index(tables.chunks, tables.annotations)
    if not len(index):
        raise ReleaseError("No chunk has an annotation that counts, so there is nothing to release.", "Annotate first.")
    built = Built()
    names, ids = _names(scheme, settings, earlier_labels)
    built.labels = {kind: ids[kind] for kind in ("entities", "stance") if ids[kind]}
    gold_spans, left_spans = rows.released(
        tables.gold_spans.filter(pc.equal(tables.gold_spans["kind"], "entity")),
        settings.min_probability,
        settings.min_agreement,
    )
    gold_answers = tables.gold_answers
    if settings.targets:
        gold_answers = gold_answers.filter(pc.is_in(gold_answers["target"], pa.array(settings.targets)))
    gold_answers, left_stances = rows.released(gold_answers, settings.min_probability, settings.min_agreement)
    wanted = [name for name in settings.configs if _has(name, scheme)]
    spans = rows.spans(index, gold_spans, names["entities"], ids["entities"])
    stances = stance.stances(index, gold_answers, names["stance"], ids["stance"], list(scheme.targets))
    said = "annotations" in wanted
    submitted = annotations.annotations(index, tables.annotations, tables.spans, tables.answers) if said else None

    members = list(_members(index, tables.articles, spans, stances, ids, split.method))
    assignment = splits.assign(members, split, earlier_splits)
    built.splits, built.left_out = assignment.splits, assignment.left_out
    sides = Sides(index, assignment, split)
    sides.part(tables.batches)
    stream = Stream(index, sides, tables, settings.granularity, language)
    losses = entities.Losses()
    made: dict[str, Callable[[rows.Rows], pa.Table]] = {
        "entities": lambda part: entities.table(
            part, spans, ids["entities"], built.features["entities"], settings, losses
        ),
        "stance": lambda part: stance.table(part, stances, ids["stance"], built.features["stance"]),
        "annotations": lambda part: annotations.table(part, submitted, built.features["annotations"]),  # type: ignore
    }
    model = settings.tokens and settings.tokenizer != "words"
    declared: dict[str, Features] = {
        "entities": declare.entities(ids["entities"], settings.tags, settings.text, settings.tokens, model),
        "stance": declare.stance(ids["stance"]),
        "annotations": declare.annotations(),
    }
    built.features = {name: declared[name] for name in wanted}
    writers = {
        name: Writer(root, name, declare.arrow_schema(built.features[name]), settings.shard_rows, settings.group_rows)
        for name in wanted
    }
    for config, writer in writers.items():
        source = stream.cut() if config == "entities" and settings.granularity != "chunk" else stream.chunks()
        for name, part in source:
            writer.add(name, made[config](part))
    built.leakage = certificate(members, assignment, sides, stream)
    for config, writer in writers.items():
        built.shards[config] = _ordered(writer.close(), list(split.ratios))
        built.logical[config] = {name: h.hexdigest() for name, h in sorted(writer.hashes.items())}
        built.sizes[config] = {name: h.bytes for name, h in writer.hashes.items()}
    built.losses = losses.counts
    built.counts = _counts(tables, index, spans, stances, ids) | {
        "left_out": {"spans": left_spans, "stances": left_stances, "articles": len(built.left_out)}
    }
    return built


def _has(name: str, scheme: Scheme) -> bool:
    return {"entities": bool(scheme.entities), "stance": bool(scheme.stance)}.get(name, True)


def _names(
    scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    names, ids = {}, {}
    for kind, known, changes in (
        ("entities", list(scheme.entities), settings.entities),
        ("stance", list(scheme.stance), settings.stance),
    ):
        renamed = labels.renames(scheme.migrations, kind)
        names[kind] = labels.translation(known, changes, renamed)
        ids[kind] = labels.label_ids(labels.exported(known, changes), earlier.get(kind, []), renamed)
    return names, ids


def _members(
    index: rows.Index,
    articles: pa.Table,
    spans: rows.Spans,
    stances: stance.Stances,
    ids: dict[str, list[str]],
    method: str,
) -> Iterator[splits.Member]:
    """The articles with rows; labels are counted and dates read for the methods that look at them."""
    weights = _weights(index, spans, stances, ids) if method == "stratified" else {}
    at = pc.index_in(index.articles, value_set=rows.flat(articles["article_id"]))
    if at.null_count:
        missing = index.articles.filter(pc.is_null(at))[0].as_py()
        raise ReleaseError(
            f"Article {missing} has annotations but is not among the prepared articles.",
            "Put its raw file back and run `builder prepare` again.",
        )
    found = articles.take(at)
    dates = found["published"].to_pylist() if method == "time" else [None] * len(at)
    names = index.articles.to_pylist()
    clusters = pc.coalesce(found["cluster_id"], index.articles).to_pylist()
    for code, (name, cluster, date) in enumerate(zip(names, clusters, dates, strict=True)):
        yield splits.Member(name, cluster, date, weights.get(code, {}))


def _weights(
    index: rows.Index, spans: rows.Spans, stances: stance.Stances, ids: dict[str, list[str]]
) -> dict[int, Counter[str]]:
    weights: dict[int, Counter[str]] = {}
    for kind, owners, found in (
        ("entities", spans.keys >> 32, spans.labels),
        ("stance", index.article_codes[stances.positions], stances.labels),
    ):
        width = max(len(ids[kind]), 1)
        cells, amounts = np.unique(owners * width + found, return_counts=True)
        for cell, amount in zip(cells.tolist(), amounts.tolist(), strict=True):
            weights.setdefault(cell // width, Counter())[f"{kind}:{ids[kind][cell % width]}"] += amount
    return weights


def _ordered(shards: list[Shard], names: list[str]) -> list[Shard]:
    rank = {name: i for i, name in enumerate(names)}
    return sorted(shards, key=lambda s: (rank.get(s.split, len(rank)), s.path))


def _counts(
    tables: Tables, index: rows.Index, spans: rows.Spans, stances: stance.Stances, ids: dict[str, list[str]]
) -> dict[str, Any]:
    per_label = {
        kind: dict(zip(ids[kind], np.bincount(found, minlength=len(ids[kind])).tolist(), strict=True))
        for kind, found in (("entities", spans.labels), ("stance", stances.labels))
    }
    released = tables.annotations.filter(pc.is_in(tables.annotations["chunk_id"], index.chunk_ids))
    states = {row["values"]: row["counts"] for row in pc.value_counts(released["state"]).to_pylist()}
    return {
        "articles": len(index.articles),
        "chunks": len(index),
        "annotators": pc.count_distinct(released["annotator"]).as_py(),
        "annotations": dict(sorted(states.items())),
        "quarantined": pc.sum(released["quarantined"]).as_py() or 0,
        "labels": per_label,
    }
