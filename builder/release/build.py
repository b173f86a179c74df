"""The data files of a release, from the tables of the stages."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import flat
from builder.errors import ReleaseError
from builder.release.configuration import Configuration, Maker
from builder.release.configurations import SPECS, chosen, declare
from builder.release.manifest import Configured, Counts, Leakage, Manifest
from builder.release.parquet import Writer
from builder.release.passages import Index, Inputs, iso
from builder.release.separation import Separation
from builder.release.settings import Export, Split
from builder.release.splits import Assignment, Member, assign_splits
from builder.scheme import Scheme

#: Called with the configuration, the rows written so far, and how many there will be, if that is known.
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Sources:
    """What a release is made from: stage tables by the names of `passages.STAGES`, and how they were made.

    `configuration` is what the manifest says of it: at least the groups dataset, labels, export, split and aggregation.
    `pull` has server_version and scheme_version, `agreement` is the report, `below_gates` says which quality gates do
    not hold, `chosen` how each question was decided, `stages` has the key of each stage.
    """

    tables: Mapping[str, Path]
    scheme: Scheme
    settings: Export
    split: Split
    configuration: Mapping[str, Mapping[str, Any]]
    pull: Mapping[str, Any] = field(default_factory=dict)
    agreement: Mapping[str, Any] = field(default_factory=dict)
    below_gates: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    recorded: bool = False
    #: Pseudonyms of experts, and what annotators said about themselves, by pseudonym.
    experts: Collection[str] = ()
    said: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: The text of report.html, from the release so far and its manifest.
    report: Callable[[Path, Manifest], str] | None = None


@dataclass(frozen=True)
class Built:
    """What was written. `labels` has names by id per question, `hashes` the sha256 of each data file by its path."""

    index: Index
    assignment: Assignment
    configurations: dict[str, Configuration]
    configs: dict[str, Configured]
    labels: dict[str, list[str]]
    leakage: Leakage
    counts: Counts
    losses: dict[str, dict[str, int]]
    hashes: dict[str, str]


def build_release(
    root: Path,
    sources: Sources,
    earlier_splits: Mapping[str, str],
    earlier_labels: Mapping[str, list[str]],
    progress: Progress | None = None,
) -> Built:
    """Writes one folder per configuration below `root`.

    Raises `ReleaseError` when nothing was annotated or nothing annotated fits the chunking, `StoreError` when a table
    is missing or damaged, and `ConfigError` when a setting does not fit the scheme.
    """
    settings, split = sources.settings, sources.split
    language = sources.configuration["dataset"]["language"]
    declared = declare(sources.scheme, settings, earlier_labels)
    wanted = chosen(declared, settings)
    index = Index(Inputs(sources.tables))
    makers = {name: SPECS[found.kind].rows(found, index, settings) for name, found in wanted.items()}
    members = list(_members(index, makers, split.method))
    assignment = assign_splits(members, split, earlier_splits)
    separation = Separation(index, assignment, split)
    about = {name: flat(index.about[name]) for name in settings.metadata}
    if "published" in about:
        about["published"] = iso(about["published"])
    configs: dict[str, Configured] = {}
    hashes: dict[str, str] = {}
    for name, configuration in wanted.items():
        spec = SPECS[configuration.kind]
        by_chunk = spec.texts == "chunks" and settings.granularity != "window"
        if by_chunk and not index.chunks:
            raise ReleaseError(
                f"Configuration {name} would have no row: no chunk is wholly in annotated windows.",
                "Use the chunking that was annotated, or name the other configurations in export.configs.",
            )
        writer = Writer(root / name, configuration.schema, settings.shard_rows, settings.group_rows, spec.distinct)
        done, tally = 0, defaultdict[str, Counter[str]](Counter)
        for side, passages in separation.texts(settings.granularity if by_chunk else "window", language):
            columns = makers[name].columns(passages)
            at = pc.index_in(columns["article_id"], value_set=index.articles)
            made = configuration.rows(columns | {key: column.take(at) for key, column in about.items()})
            writer.add(side, made)
            if spec.tally:
                tally[side].update(_tallied(spec.tally(configuration, made)))
            done += made.num_rows
            if progress:
                progress(name, done, None)
        splits, digests = writer.close(list(split.shares))
        for side, facts in splits.items():
            facts.labels = {label: tally[side][label] for label in configuration.labels if tally[side][label]}
        judged = [column.name for column in configuration.columns if column.judged]
        question = configuration.question.name if configuration.question else ""
        configs[name] = Configured(configuration.kind, configuration.features, judged, question, splits)
        hashes |= {f"{name}/{file}": found for file, found in digests.items()}
    if not any(found.splits for found in configs.values()):
        raise ReleaseError(
            f"No configuration ({', '.join(configs)}) has a row.", "Name others in export.configs, or annotate first."
        )
    labels = {name: found.labels for name, found in declared.items() if found.labels}
    return Built(
        index=index,
        assignment=assignment,
        configurations=wanted,
        configs=configs,
        labels={**earlier_labels, **labels},
        leakage=separation.certificate(members, assignment),
        counts=_counts(index, wanted, makers),
        losses={name: maker.losses for name, maker in makers.items() if maker.losses},
        hashes=hashes,
    )


def _members(index: Index, makers: Mapping[str, Maker], method: str) -> Iterator[Member]:
    """The articles with texts; labels are counted and dates read for the methods that look at them."""
    weights = defaultdict[int, Counter[str]](Counter)
    for name, maker in makers.items() if method == "stratified" else ():
        for article, label in zip(maker.articles.tolist(), maker.labels.tolist(), strict=True):
            weights[article][f"{name}:{label}"] += 1
    dates = index.about["published"].to_pylist() if method == "time" else [None] * len(index.articles)
    clusters = pc.coalesce(index.about["cluster_id"], index.articles).to_pylist()
    for code, (name, cluster, date) in enumerate(zip(index.articles.to_pylist(), clusters, dates, strict=True)):
        yield Member(name, cluster, date, weights[code])


def _counts(index: Index, wanted: Mapping[str, Configuration], makers: Mapping[str, Maker]) -> Counts:
    shown = index.of_windows(index.annotations)
    days = [edge.date().isoformat() for edge in pc.min_max(index.about["published"]).as_py().values() if edge]
    specs = [SPECS[found.kind] for found in wanted.values()]
    gold = [index.inputs.read(name, "status") for name in {name for spec in specs if spec.gold for name in spec.traced}]
    return Counts(
        chunks=index.chunks,
        windows=int(index.is_window.sum()),
        articles=len(index.articles),
        annotators=pc.count_distinct(shown["annotator"]).as_py(),
        annotations=_tallied(shown["state"]),
        quarantined=pc.sum(shown["quarantined"]).as_py() or 0,
        labels={
            name: dict(zip(ids, np.bincount(makers[name].labels, minlength=len(ids)).tolist(), strict=True))
            for name, found in wanted.items()
            if (ids := found.labels)
        },
        left_out={name: {why: max(n, 0) for why, n in maker.left_out.items()} for name, maker in makers.items()},
        windows_left_out=index.windows_left_out,
        chunks_left_out=index.chunks_left_out,
        published=days,
        sources=_tallied(index.about["source"]),
        languages=_tallied(index.about["language"]),
        predictions=_tallied(shown["prediction"]),
        experts=sum(pc.sum(pc.equal(table["status"], "expert")).as_py() or 0 for table in gold),
    )


def _tallied(column: pa.Array | pa.ChunkedArray) -> dict[str, int]:
    """How often each value occurs, by name; nulls are not counted."""
    counted = pc.value_counts(column.drop_null()).to_pylist()
    return dict(sorted((row["values"], row["counts"]) for row in counted))
