"""From an inventory of raw files to the tables articles, chunks, selected and rejects.

Each shard is read, cleaned and chunked on its own, on the engine, into a folder that is kept until its input, its
settings or the code change. Then duplicates are found and chunks are selected across the corpus.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from builder.corpus import near_duplicates, selection
from builder.corpus.articles import reject_table
from builder.corpus.assembly import ShardOutcome, join_tables, write_final
from builder.corpus.inventory import Inventory, Progress
from builder.corpus.parts import sound_counts
from builder.corpus.records import UNREADABLE
from builder.corpus.settings import CorpusSettings, Selection
from builder.corpus.shard_tables import ShardJob, repeated_lines, write_line_hashes, write_shard
from builder.errors import SourceError
from builder.store import canonical, digest, file_digest, write_table

TABLES = ("articles", "chunks", "selected", "rejects")
#: Bytes of input, and shards to finish, that are done sooner than workers are started.
_LIGHT, _FEW = 6 << 20, 3
#: Rejects that an error names when nothing could be read.
_SHOWN = 5
#: `builder.engine.Runner.map`.
Run = Callable[..., list[Any]]


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
    report = _Report(progress)
    jobs, line_files = _jobs(inventory, parts, settings, code, run, report)
    made = _read(jobs, run, report)
    outcomes, unmatched = _outcomes([Path(job.folder) for job in jobs], parts / "pairs.npy", settings, run, report)
    report.begin("writing", len(outcomes))
    light = sum(not o.final.exists() for o in outcomes) <= _FEW
    final = run(write_final, outcomes, lambda _, f: report.advance(1, duplicates=sum(f["rejects"].values())), light)
    outside = parts / "outside" / "rejects.parquet"
    write_table(outside, reject_table(inventory.rejects))
    for name in TABLES:
        folders = [Path(f["folder"]) for f in final]
        join_tables([outside.parent, *folders] if name == "rejects" else folders, name, folder / f"{name}.parquet")
    _sweep(parts, {job.folder for job in jobs} | line_files, {f["folder"] for f in final})
    reasons = Counter(r.reason for r in inventory.rejects)
    for counts in (*made, *final):
        reasons.update(counts["rejects"])
    encodings, languages = (_counted(counts[what] for counts in made) for what in ("encodings", "languages"))
    fields = {r: n for r, n in sorted(reasons.items()) if r.startswith("field-")}
    rejected = {r: n for r, n in sorted(reasons.items()) if r not in fields}
    articles, chunks, selected = (sum(f[what] for f in final) for what in ("articles", "chunks", "selected"))
    kept, records = articles - reasons["near-duplicate"], sum(m["records"] for m in made)
    counted = (inventory.files, records, articles, kept, chunks, selected, encodings, languages, rejected, fields)
    summary = Summary(*counted, shards=len(inventory.shards), bytes=inventory.size, unmatched=unmatched)
    if not articles:
        raise _nothing_read(inventory, summary, [Path(f["folder"]) for f in final])
    return summary


def _counted(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """The sums of counts, the most frequent first."""
    total: Counter[str] = Counter()
    for some in counts:
        total.update(some)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _nothing_read(inventory: Inventory, summary: Summary, folders: Sequence[Path]) -> SourceError:
    import pyarrow.parquet as pq

    tables = (pq.read_table(f / "rejects.parquet", columns=["source_path", "reason", "detail"]) for f in folders)
    read = (tuple(row.values()) for table in tables for row in table.to_pylist())
    listed = ((r.source_path, r.reason, r.detail) for r in inventory.rejects)
    some = [f"{path}: {reason} ({detail})" for path, reason, detail in islice((*listed, *read), _SHOWN)]
    counts = ", ".join(f"{reason} {n:,}" for reason, n in summary.rejected.items())
    return SourceError(
        f"None of the {inventory.files} files gave an article (rejected: {counts or 'none'}).",
        f"Correct the files or the settings of source. The first rejects: {'; '.join(some)}.",
    )


class _Report:
    """Calls the progress callback with the step at hand and the counts so far."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.counts = {"records": 0, "rejected": 0, "duplicates": 0, "chunks": 0}
        self.what, self.done = "", 0
        self.total: int | None = None

    def begin(self, what: str, total: int | None = None) -> None:
        self.what, self.done, self.total = what, 0, total
        self.advance(0)

    def advance(self, units: int, **more: int) -> None:
        self.done += units
        for name, number in more.items():
            self.counts[name] += number
        if self.progress:
            words = ", ".join(f"{n:,} {name}" for name, n in self.counts.items() if n)
            self.progress(f"{self.what}: {words}" if words else self.what, self.done, self.total)


def _jobs(
    inventory: Inventory, parts: Path, settings: CorpusSettings, code: str, run: Run, report: _Report
) -> tuple[list[ShardJob], set[str]]:
    """One job per shard, and the paths of the line hashes. `cleaning.repeated_lines` adds a pass that counts lines."""
    key = shard_settings(settings, code)

    def job(shard: Any, lines: frozenset[int] = frozenset()) -> ShardJob:
        name = shard.key(f"{key}{canonical(sorted(lines))}" if lines else key)
        return ShardJob(shard, str(parts / name), settings, lines)

    plain = [job(shard) for shard in inventory.shards]
    if not settings.cleaning.repeated_lines or not plain:
        return plain, set()
    report.begin("looking for repeated lines", len(plain))
    paths = run(write_line_hashes, plain, lambda *_: report.advance(1))
    here = repeated_lines(paths, settings.cleaning.repeated_lines)
    return [job(j.shard, lines) for j, lines in zip(plain, here, strict=True)], set(paths)


def _read(jobs: list[ShardJob], run: Run, report: _Report) -> list[dict[str, Any]]:
    """The counts of each shard, whose folder exists now."""
    report.begin("reading", sum(j.shard.size for j in jobs))
    found: dict[str, Any] = {}

    def done(job: ShardJob, counts: dict[str, Any]) -> None:
        found[job.folder] = counts
        rejected = sum(n for reason, n in counts["rejects"].items() if not reason.startswith("field-"))
        report.advance(job.shard.size, records=counts["records"], rejected=rejected, chunks=counts["chunks"])

    todo = []
    with ThreadPoolExecutor(4) as pool:  # hashing releases the interpreter lock
        known = list(pool.map(sound_counts, (Path(job.folder) for job in jobs)))
    for job, counts in zip(jobs, known, strict=True):
        if counts and UNREADABLE in counts["rejects"]:
            # Its bytes could be read when they were listed, so they may be readable now.
            shutil.rmtree(job.folder)
            counts = None
        if counts:
            done(job, counts)
        else:
            todo.append(job)
    # The largest first, so that no worker has one left when the others are done.
    todo.sort(key=lambda job: -job.shard.size)
    light = sum(job.shard.size for job in todo) < _LIGHT
    run(write_shard, todo, lambda index, counts: done(todo[index], counts), light)
    return [found[job.folder] for job in jobs]


def _outcomes(
    folders: list[Path], pairs: Path, settings: CorpusSettings, run: Run, report: _Report
) -> tuple[list[ShardOutcome], list[str]]:
    """What duplicates and the selection across the corpus mean for each shard; and keywords that no chunk mentions."""
    report.begin("comparing")

    def few(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return run(function, items, light=len(items) <= _FEW)

    corpus = near_duplicates.CorpusIndex.load(folders)
    first, kept = near_duplicates.find_duplicates(corpus, settings.dedup, pairs, few)
    everyone = np.arange(len(corpus.ids))
    repeats, members = np.flatnonzero(first != everyone), np.flatnonzero(kept != everyone)
    places = corpus.places([*first[repeats].tolist(), *kept[members].tolist()])
    outcomes = [ShardOutcome(str(folder), policy=settings.dedup.policy) for folder in folders]
    for article, (shard, row) in zip(repeats.tolist(), corpus.rows(repeats), strict=True):
        outcomes[shard].repeats[row] = places[int(first[article])]
    again = near_duplicates.shared_ids(corpus, first)
    for (article, number), (shard, row) in zip(again.items(), corpus.rows(np.array([*again], np.int64)), strict=True):
        outcomes[shard].renamed[row] = digest("again", f"{corpus.ids[article]:016x}", str(number))[:16]
    for article, (shard, row) in zip(members.tolist(), corpus.rows(members), strict=True):
        keeper = int(kept[article])
        there, place = corpus.rows(np.array([keeper]))[0]
        name = outcomes[there].renamed.get(place, f"{corpus.ids[keeper]:016x}")
        outcomes[shard].members[row] = (name, places[keeper])
    chosen, unmatched = settings.selection, list[str]()
    if outcomes and (chosen.method != "all" or chosen.budget or chosen.fraction < 1):
        report.begin("selecting")
        tasks = [selection.ShardChunks(o.folder, o.left_out, chosen, settings.keywords) for o in outcomes]
        masks, unmatched = selection.select_chunks(tasks, chosen, few)
        for outcome, mask in zip(outcomes, masks, strict=True):
            outcome.selected = mask.tobytes()
    return outcomes, unmatched


def _sweep(parts: Path, used: set[str], final: set[str]) -> None:
    """Removes tables and line hashes of shards that this run did not use."""
    keep = used | {str(parts / "outside"), str(parts / "pairs.npy")}
    for path in parts.iterdir():
        if str(path) not in keep:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
            continue
        for old in path.glob("final-*"):
            if str(old) not in final:
                shutil.rmtree(old, ignore_errors=True)
