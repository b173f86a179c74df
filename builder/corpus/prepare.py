"""From an inventory of raw files to the tables articles, chunks, selected and rejects.

Each shard is read, cleaned and chunked on its own, on the engine, into a folder that is kept until its input, its
settings or the code change. Then duplicates are found and chunks are selected across the corpus.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice, pairwise, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from builder.corpus import selection
from builder.corpus.articles import reject_table
from builder.corpus.assembly import ABOUT, NEAR, RENAMED, REPEAT, TABLES, ShardOutcome, join_tables, write_final
from builder.corpus.inventory import Inventory, Progress, Run, in_order, shard_key
from builder.corpus.near_duplicates import CorpusIndex, near_duplicates, same_bytes, shared_ids
from builder.corpus.parts import REQUESTS, discard, read_table, sound_counts
from builder.corpus.records import UNREADABLE
from builder.corpus.settings import CorpusSettings, Selection
from builder.corpus.shard_tables import ShardJob, repeated_lines, write_line_hashes, write_shard
from builder.errors import SourceError
from builder.store import canonical, digest, file_digest, write_table

#: Bytes of input, and shards, that are done sooner than workers are started.
_LIGHT, _FEW = 6 << 20, 3
#: Rejects that an error names when nothing could be read.
_SHOWN = 5


@dataclass(frozen=True)
class Summary:
    """Counts of a finished run. `kept` articles are those that near-duplicates do not leave out.

    `encodings` and `languages` count articles, those with the same bytes included. `rejected` counts the rows of the
    rejects table by reason; `unused_fields` counts its rows about single fields of records that were kept all the same.
    """

    files: int
    records: int
    articles: int
    kept: int
    chunks: int
    selected: int
    encodings: dict[str, int]
    languages: dict[str, int]
    rejected: dict[str, int]
    unused_fields: dict[str, int]
    shards: int
    bytes: int
    unmatched: list[str]  # keywords that no chunk mentions


def shard_settings(settings: CorpusSettings, code: str) -> str:
    """All that the tables of a shard depend on, besides its input and the repeated lines in it."""
    chunking = settings.chunking
    tokenizer = Path(chunking.tokenizer)
    vocabulary = file_digest(tokenizer) if chunking.unit == "tokenizer" and tokenizer.is_file() else ""
    inside = replace(
        settings,
        # Which files there are, how they are cut and how they are reached says nothing of what a slice holds.
        source=replace(settings.source, include=[], exclude=[], shard_mb=1, storage_options={}),
        cleaning=replace(settings.cleaning, repeated_lines=0),
        dedup=replace(settings.dedup, policy="", threshold=1),
        chunking=replace(chunking, tokenizer=vocabulary),
        selection=Selection(),
        keywords=(),
    )
    return canonical([code, inside])


def prepare(
    inventory: Inventory,
    folder: Path,
    parts: Path,
    settings: CorpusSettings,
    code: str,
    run: Run,
    progress: Progress | None = None,
) -> Summary:
    """Writes the tables of `TABLES` below `folder`, each a Parquet file or a folder of them, and counts their rows.

    `parts` keeps the tables of shards for later runs; what this run does not use is removed from it, so no other run
    may use it at the same time. `code` changes when this room's source does. Raises `SourceError` when nothing could
    be read; it names the reasons.
    """
    report = _Report(run, progress)
    jobs, line_files = _jobs(inventory, parts, settings, code, report)
    made = _read(jobs, report)
    outcomes, unmatched = _outcomes([job.folder for job in jobs], parts, settings, report)
    written = report.each("writing", write_final, outcomes, lambda f: {"duplicates": sum(f["rejects"].values())})
    final = in_order(written)
    outside = folder / "outside.parquet"
    write_table(outside, reject_table(inventory.rejects))
    for name in TABLES:
        paths = [outside] if name == "rejects" else []
        join_tables([*paths, *(f["tables"][name] for f in final)], folder / f"{name}.parquet")
    outside.unlink()
    _sweep(parts, {*(job.folder for job in jobs), *line_files}, {outcome.final for outcome in outcomes})
    reasons = Counter(r.reason for r in inventory.rejects)
    for counts in (*made, *final):
        reasons.update(counts["rejects"])
    encodings, languages = (sum((Counter(m[what]) for m in made), Counter()) for what in ("encodings", "languages"))
    fields = {r: n for r, n in sorted(reasons.items()) if r.startswith("field-")}
    articles = sum(f["articles"] for f in final)
    summary = Summary(
        files=inventory.files,
        records=sum(m["records"] for m in made),
        articles=articles,
        kept=articles - reasons[NEAR],
        chunks=sum(f["chunks"] for f in final),
        selected=sum(f["selected"] for f in final),
        encodings=dict(encodings.most_common()),
        languages=dict(languages.most_common()),
        rejected={r: n for r, n in sorted(reasons.items()) if r not in fields},
        unused_fields=fields,
        shards=len(jobs),
        bytes=inventory.size,
        unmatched=unmatched,
    )
    if not articles:
        raise _nothing_read(inventory, summary, [f["tables"]["rejects"] for f in final])
    return summary


def _nothing_read(inventory: Inventory, summary: Summary, paths: Iterable[Path]) -> SourceError:
    tables = (read_table(path, ["source_path", "reason", "detail"]) for path in paths)
    read = (tuple(row.values()) for table in tables for row in table.to_pylist())
    listed = ((r.source_path, r.reason, r.detail) for r in inventory.rejects)
    some = [f"{path}: {reason} ({detail})" for path, reason, detail in islice((*listed, *read), _SHOWN)]
    counts = ", ".join(f"{reason} {n:,}" for reason, n in summary.rejected.items())
    return SourceError(
        f"None of the {inventory.files} files gave an article (rejected: {counts}).",
        f"Correct the files or the settings of source. The first rejects: {'; '.join(some)}.",
    )


class _Report:
    """Runs functions over items, and calls the progress callback with the step at hand and the counts so far."""

    def __init__(self, run: Run, progress: Progress | None) -> None:
        self.run, self.progress = run, progress
        self.counts = {"records": 0, "rejected": 0, "duplicates": 0, "chunks": 0}

    def begin(self, what: str, total: int) -> None:
        self.what, self.done, self.total = what, 0, total
        self.advance(0)

    def advance(self, units: int, **more: int) -> None:
        self.done += units
        for name, number in more.items():
            self.counts[name] += number
        if self.progress:
            words = ", ".join(f"{n:,} {name}" for name, n in self.counts.items() if n)
            self.progress(f"{self.what}: {words}" if words else self.what, self.done, self.total)

    def each(
        self,
        what: str,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        counts_of: Callable[[Any], dict[str, int]] = lambda _: {},
    ) -> Iterator[tuple[int, Any]]:
        """The number and the result of each item, in the order in which they are done."""
        self.begin(what, len(items))
        for index, result in self.run(function, items, light=len(items) <= _FEW):
            self.advance(1, **counts_of(result))
            yield index, result


def _jobs(
    inventory: Inventory, parts: Path, settings: CorpusSettings, code: str, report: _Report
) -> tuple[list[ShardJob], list[Path]]:
    """One job per shard, and the paths of the line hashes. `cleaning.repeated_lines` adds a pass that counts lines."""
    key = shard_settings(settings, code)

    def jobs(lines: Iterable[frozenset[int]]) -> list[ShardJob]:
        return [
            ShardJob(
                shard, parts / shard_key(shard, f"{key}{canonical(sorted(some))}" if some else key), settings, some
            )
            for shard, some in zip(inventory.shards, lines, strict=False)
        ]

    plain = jobs(repeat(frozenset()))
    if not settings.cleaning.repeated_lines or not plain:
        return plain, []
    files = in_order(report.each("looking for repeated lines", write_line_hashes, plain))
    return jobs(repeated_lines(files, settings.cleaning.repeated_lines)), files


def _read(jobs: list[ShardJob], report: _Report) -> list[dict[str, Any]]:
    """The counts of each shard, whose folder exists now."""
    report.begin("reading", sum(job.size for job in jobs))
    with ThreadPoolExecutor(REQUESTS) as pool:  # hashing releases the interpreter lock
        known = list(pool.map(sound_counts, (job.folder for job in jobs)))
    found: dict[Path, dict[str, Any]] = {}
    for job, counts in zip(jobs, known, strict=True):
        if counts and UNREADABLE in counts["rejects"]:
            # Its bytes could be read when they were listed, so they may be readable now.
            discard(job.folder)
        elif counts:
            found[job.folder] = counts
    # The largest first, so that no worker has one left when the others are done.
    todo = sorted((job for job in jobs if job.folder not in found), key=lambda job: -job.size)
    fresh = report.run(write_shard, todo, light=sum(job.size for job in todo) < _LIGHT)
    there = [(job, found[job.folder]) for job in jobs if job.folder in found]
    for job, counts in chain(there, ((todo[index], counts) for index, counts in fresh)):
        found[job.folder] = counts
        rejected = sum(n for reason, n in counts["rejects"].items() if not reason.startswith("field-"))
        report.advance(job.size, records=counts["records"], rejected=rejected, chunks=counts["chunks"])
    return [found[job.folder] for job in jobs]


def _outcomes(
    folders: list[Path], parts: Path, settings: CorpusSettings, report: _Report
) -> tuple[list[ShardOutcome], list[str]]:
    """What duplicates and the selection across the corpus mean for each shard; and keywords that no chunk mentions."""

    if not folders:
        return [], []
    corpus = CorpusIndex.load(folders)
    repeats, first = same_bytes(corpus)
    members, kept = near_duplicates(corpus, repeats, settings.dedup, parts, report.each)
    # An address that several records share names the first; the others are known by their places as well.
    again = shared_ids(corpus, repeats)
    places = zip(again.tolist(), corpus.places(again), strict=True)
    renamed = {a: digest("again", f"{corpus.ids[a]:016x}", place)[:16] for a, place in places}
    kept_ids = [renamed.get(a, f"{corpus.ids[a]:016x}") for a in kept.tolist()]
    article = np.concatenate([repeats, members, np.array([*renamed], np.int64)])
    order = np.argsort(article, kind="stable")
    shard = np.searchsorted(corpus.starts, article, side="right") - 1
    about = pa.Table.from_arrays(
        [
            pa.array(article - corpus.starts[shard]),
            pa.array([REPEAT] * len(repeats) + [NEAR] * len(members) + [RENAMED] * len(renamed), pa.string()),
            pa.array([""] * len(repeats) + kept_ids + list(renamed.values()), pa.string()),
            pa.array(corpus.places(np.concatenate([first, kept])) + [""] * len(renamed), pa.string()),
        ],
        schema=ABOUT,
    )
    edges = np.searchsorted(article[order], corpus.starts)
    outcomes = [
        ShardOutcome(folder, about.take(order[a:b]), settings.dedup.policy)
        for folder, (a, b) in zip(folders, pairwise(edges), strict=True)
    ]
    chosen = settings.selection
    if chosen.method == "all" and not chosen.budget and chosen.fraction == 1:
        return outcomes, []
    tasks = [selection.ShardChunks(o.folder, o.left_out, chosen, settings.keywords) for o in outcomes]
    masks, unmatched = selection.select_chunks(tasks, chosen, report.each)
    return [replace(o, selected=mask.tobytes()) for o, mask in zip(outcomes, masks, strict=True)], unmatched


def _sweep(parts: Path, used: set[Path], final: set[Path]) -> None:
    """Removes tables and line hashes of shards that this run did not use."""
    for path in parts.iterdir() if parts.exists() else ():
        if path in used:
            for old in path.glob("final-*"):
                if old not in final:
                    discard(old)
        elif path.name != "clusters":
            discard(path)
