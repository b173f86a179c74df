"""The data files of a release, from the tables of the stages."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.errors import ReleaseError
from builder.release.arrays import flat
from builder.release.configuration import Configuration, Maker, Numbering, Source
from builder.release.configurations import SPECS, chosen, declare
from builder.release.features import arrow_schema
from builder.release.inputs import open_inputs
from builder.release.labels import numbering
from builder.release.manifest import Configured, Counts, Leakage, SplitFacts
from builder.release.parquet import Writer
from builder.release.passages import Index
from builder.release.separation import Separation
from builder.release.settings import Export, Split
from builder.release.splits import Assignment, Member, assign
from builder.scheme import Question, Scheme

#: Called with the configuration, the rows written so far, and how many there will be, when that is known.
Progress = Callable[[str, int, int | None], None]


@dataclass
class Built:
    """What was written."""

    articles: pa.Table
    annotations: pa.Table
    assignment: Assignment
    configurations: dict[str, Configuration]
    configs: dict[str, Configured]
    labels: dict[str, list[str]]
    leakage: Leakage
    counts: Counts
    losses: dict[str, dict[str, int]]
    #: Path of each data file to its sha256.
    hashes: dict[str, str] = field(default_factory=dict)


def build(
    root: Path,
    paths: Mapping[str, Path],
    scheme: Scheme,
    settings: Export,
    split: Split,
    earlier_splits: Mapping[str, str],
    earlier_labels: Mapping[str, list[str]],
    language: str,
    progress: Progress | None = None,
) -> Built:
    """Writes one folder per configuration below `root`. `paths` has the stage tables of `inputs.STAGES`.

    Raises `ReleaseError` when nothing was annotated or nothing annotated fits the chunking, `StoreError` when a table
    is missing or damaged, and `ConfigError` when a setting does not fit the scheme.
    """

    def number(question: Question) -> Numbering:
        return numbering(scheme, question, settings, earlier_labels.get(question.name, []))

    declared = declare(scheme, settings, number)
    wanted = chosen(declared, settings)
    inputs = open_inputs(paths, [SPECS[found.kind].reads for found in wanted.values()], bool(settings.min_agreement))
    index = Index(inputs)
    source = Source(index, inputs.tables, settings)
    makers = {name: SPECS[found.kind].rows(found, source) for name, found in wanted.items()}
    members = list(_members(index, inputs["articles"], wanted, makers, split.method))
    assignment = assign(members, split, earlier_splits)
    separation = Separation(index, assignment, split, inputs)
    configs: dict[str, Configured] = {}
    hashes: dict[str, str] = {}
    for name, configuration in wanted.items():
        spec = SPECS[configuration.kind]
        if spec.texts == "chunks" and not index.chunks:
            raise ReleaseError(
                f"Configuration {name} would have no row: no chunk lies wholly in annotated windows.",
                "Use the chunking that was annotated, or name the other configurations in export.configs.",
            )
        schema = arrow_schema(configuration.features)
        writer = Writer(root, name, schema, settings.shard_rows, settings.group_rows, spec.distinct)
        done = 0
        texts = separation.chunks(settings.granularity, language) if spec.texts == "chunks" else separation.windows()
        for side, passages in texts:
            made = makers[name].table(passages)
            writer.add(side, made)
            done += made.num_rows
            if progress:
                progress(name, done, None)
        configs[name] = _configured(writer, configuration, list(split.ratios), hashes)
    return Built(
        articles=inputs["articles"],
        annotations=inputs["annotations"],
        assignment=assignment,
        configurations=wanted,
        configs=configs,
        labels={**earlier_labels, **_labels(declared)},
        leakage=separation.certificate(members, assignment),
        counts=_counts(inputs["annotations"], index, wanted, makers),
        losses={name: maker.losses for name, maker in makers.items() if maker.losses},
        hashes=hashes,
    )


def _labels(declared: Mapping[str, Configuration]) -> dict[str, list[str]]:
    return {name: found.numbering.labels for name, found in declared.items() if found.numbering.labels}


def _configured(writer: Writer, configuration: Configuration, order: list[str], hashes: dict[str, str]) -> Configured:
    found = Configured(
        configuration.kind,
        configuration.features,
        [column.name for column in configuration.columns if column.judged],
    )
    rank = {name: i for i, name in enumerate(order)}
    for file in sorted(writer.close(), key=lambda file: (rank.get(file.split, len(rank)), file.path)):
        facts = found.splits.setdefault(file.split, SplitFacts())
        facts.rows += file.rows
        facts.bytes += file.bytes
        facts.content_bytes = writer.hashes[file.split].bytes
        facts.logical_sha256 = writer.hashes[file.split].hexdigest()
        hashes[file.path] = file.sha256
    return found


def _members(
    index: Index,
    articles: pa.Table,
    wanted: Mapping[str, Configuration],
    makers: Mapping[str, Maker],
    method: str,
) -> Iterator[Member]:
    """The articles with texts; labels are counted and dates read for the methods that look at them."""
    weights = _weights(wanted, makers) if method == "stratified" else {}
    at = pc.index_in(index.articles, value_set=flat(articles["article_id"]))
    if at.null_count:
        missing = index.articles.filter(pc.is_null(at))[0].as_py()
        raise ReleaseError(
            f"Article {missing} has annotations but is not among the prepared articles.",
            "Put its raw file back and run `builder prepare` again.",
        )
    found = articles.take(at)
    dates = found["published"].to_pylist() if method == "time" else [None] * len(at)
    clusters = pc.coalesce(found["cluster_id"], index.articles).to_pylist()
    for code, (name, cluster, date) in enumerate(zip(index.articles.to_pylist(), clusters, dates, strict=True)):
        yield Member(name, cluster, date, weights.get(code, {}))


def _weights(wanted: Mapping[str, Configuration], makers: Mapping[str, Maker]) -> dict[int, Counter[str]]:
    """Number of each article in the index, to how many labels of each kind it has in the release."""
    weights: dict[int, Counter[str]] = {}
    for name, maker in makers.items():
        ids = wanted[name].numbering.labels
        width = max(len(ids), 1)
        cells, amounts = np.unique(maker.articles * width + maker.labels, return_counts=True)
        for cell, amount in zip(cells.tolist(), amounts.tolist(), strict=True):
            weights.setdefault(cell // width, Counter())[f"{name}:{ids[cell % width]}"] += amount
    return weights


def _counts(
    annotations: pa.Table, index: Index, wanted: Mapping[str, Configuration], makers: Mapping[str, Maker]
) -> Counts:
    shown = annotations.filter(pc.is_in(annotations["chunk_id"], index.window_ids))
    states = {row["values"]: row["counts"] for row in pc.value_counts(shown["state"]).to_pylist()}
    left_out = {}
    for name, maker in makers.items():
        left_out[name] = dict(maker.left_out)
        if maker.held is not None:
            left_out[name]["outside"] = len(maker.labels) - maker.held()
    return Counts(
        chunks=index.chunks,
        windows=index.windows,
        articles=len(index.articles),
        annotators=pc.count_distinct(shown["annotator"]).as_py(),
        annotations=dict(sorted(states.items())),
        quarantined=pc.sum(shown["quarantined"]).as_py() or 0,
        labels={
            name: dict(zip(ids, np.bincount(makers[name].labels, minlength=len(ids)).tolist(), strict=True))
            for name, found in wanted.items()
            if (ids := found.numbering.labels)
        },
        left_out=left_out,
        windows_left_out=index.windows_left_out,
        chunks_left_out=index.chunks_left_out,
    )
