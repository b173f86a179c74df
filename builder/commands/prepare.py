"""`builder prepare`: from raw files to articles, chunks and the chunks to annotate."""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import __version__
from builder.config import Config
from builder.errors import ConfigError, SourceError
from builder.store import Stage, canonical, digest, file_digest, read_json, write_table

if TYPE_CHECKING:
    from rich.console import Console

    from builder.corpus.assemble import Decision
    from builder.corpus.part import Job
    from builder.corpus.records import Reject
    from builder.corpus.settings import Chunking, Cleaning, Source
    from builder.corpus.shards import Shard
    from builder.corpus.watch import Watch
    from builder.engine import Runner

#: Raised when the same input and settings give other tables than before.
_LOGIC = "2"
#: The reason of files that could not be opened or read to their end: another run tries them again.
_UNREADABLE = "unreadable"
#: Bytes of input, and parts to write, that are done sooner than workers are started.
_LIGHT, _FEW = 6 << 20, 3


def prepare(config: Config, console: "Console") -> dict[str, Any]:
    """The stage `prepare` holds the tables articles, chunks, selected and rejects; returns the counts.

    Shards of raw files are read, cleaned and chunked on the engine, each to a part folder that stays until its input
    or its settings change; then duplicates are found and chunks selected across the corpus. Raises `SourceError` when
    there is nothing to read or nothing readable.
    """
    from builder.corpus.files import find
    from builder.corpus.shards import pieces, shards
    from builder.corpus.watch import Watch, show
    from builder.engine import Runner
    from builder.studio.campaign import alone

    stage = config.stage("prepare")
    with (
        # Two at once with other settings would each remove the other's parts, and mix their tables.
        alone(config.dataset_folder / "prepare.lock", "prepare"),
        Watch(console) as watch,
        Runner(config.engine) as runner,
    ):
        files, rejected = find(config.paths.raw, config.source)
        size = sum(f.size for f in files)
        if size >= _LIGHT and not stage.table("articles").exists():
            # The first time there is much to read: workers start while this process lists it.
            runner.warm("builder.corpus.part")
        watch.begin("listing", size)
        found, unreadable = pieces(files, config.source, stage.folder / "inventory.json", watch.advance)
        todo = shards(found, config.source)
        rejected = [*rejected, *unreadable]
        keywords = tuple(_keywords(config))
        settings = _settings(config)
        fingerprint = digest(
            "prepare",
            settings,
            canonical([config.dedup, config.selection, keywords]),
            *(s.key(settings) for s in todo),
            *(repr(r) for r in rejected),
        )
        summary = stage.summary() or {}
        if stage.is_current(fingerprint) and _UNREADABLE not in summary["rejected"]:
            watch.say("prepare: nothing changed")
            return summary
        with stage.rewrite(fingerprint) as summary:
            summary["files"] = len(files)
            _fill(config, stage, runner, watch, todo, rejected, settings, keywords, summary)
    show(console, summary)
    return summary


def _fill(
    config: Config,
    stage: Stage,
    runner: "Runner",
    watch: "Watch",
    todo: "list[Shard]",
    rejected: "list[Reject]",
    settings: str,
    keywords: tuple[str, ...],
    summary: dict[str, Any],
) -> None:
    from builder.corpus import rows
    from builder.corpus.assemble import TABLES, join, settle

    jobs, counted = _jobs(config, stage, runner, watch, todo, settings)
    parts = _make(jobs, runner, watch)
    decisions = _decide(config, stage, runner, watch, [Path(j.folder) for j in jobs], keywords)
    watch.begin("writing", len(decisions))
    light = sum(not d.is_settled for d in decisions) <= _FEW
    final = runner.map(settle, decisions, lambda _, f: watch.count(1, duplicates=sum(f["found"].values())), light)
    outside = stage.folder / "outside" / "rejects.parquet"
    write_table(outside, rows.rejects(rejected))
    for name in TABLES:
        folders = [Path(f["folder"]) for f in final]
        join([outside.parent, *folders] if name == "rejects" else folders, name, stage.table(name))
    _sweep(stage.folder / "parts", {f["folder"] for f in final}, counted)
    reasons = Counter(r.reason for r in rejected)
    for counts in (*(p["rejects"] for p in parts), *(f["found"] for f in final)):
        reasons.update(counts)
    notes = {r: n for r, n in sorted(reasons.items()) if r.startswith("field-")}
    summary |= {
        "records": sum(p["records"] for p in parts),
        "articles": sum(f["articles"] for f in final),
        "kept": sum(f["articles"] for f in final) - reasons["near-duplicate"],
        "chunks": sum(f["chunks"] for f in final),
        "selected": sum(f["selected"] for f in final),
        "rejected": {r: n for r, n in sorted(reasons.items()) if r not in notes},
        "unused_fields": notes,
        "shards": len(todo),
        "bytes": sum(s.size for s in todo),
    }
    if not summary["articles"]:
        raise SourceError(
            f"None of the {summary['files']} files under {config.paths.raw} gave an article.",
            f"The reasons stand in {stage.table('rejects')}: {', '.join(summary['rejected']) or 'none'}.",
        )


def _keywords(config: Config) -> list[str]:
    if config.selection.method != "keywords":
        return []
    found = config.selection.keywords or [alias for t in config.labels.targets.values() for alias in t.aliases]
    if not found:
        raise ConfigError(
            "selection.method is 'keywords', but the label scheme's targets have no aliases.", "Set selection.keywords."
        )
    return found


def _settings(config: Config) -> str:
    """All on which the tables of a part depend, beside its input."""
    dedup = [config.dedup.near, config.dedup.shingle, config.dedup.permutations, config.dedup.rows]
    tokenizer = Path(config.chunking.tokenizer)
    vocabulary = file_digest(tokenizer) if config.chunking.unit == "tokenizer" and tokenizer.is_file() else ""
    plain = [
        # Which files there are, how they are cut and how they are reached says nothing of what a piece holds.
        _without(config.source, "include", "exclude", "shard_mb", "storage_options"),
        _without(config.cleaning, "repeated_lines"),  # those that were found are added where they matter
        _without(config.chunking, "tokenizer"),
    ]
    return canonical([_LOGIC, __version__, *plain, dedup, vocabulary, config.dataset.language])


def _without(settings: "Source | Cleaning | Chunking", *names: str) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if name not in names}


def _jobs(
    config: Config, stage: Stage, runner: "Runner", watch: "Watch", todo: "list[Shard]", settings: str
) -> "tuple[list[Job], set[str]]":
    """One job a shard; with `cleaning.repeated_lines`, after a first reading that counts lines, and where it did."""
    from builder.corpus import part
    from builder.corpus.part import Job
    from builder.corpus.repeated import lines_of, repeated

    def job(shard: "Shard", lines: frozenset[int], known: str) -> Job:
        name = shard.key(settings if not known else f"{settings}{known}")
        return Job(
            shard,
            str(stage.folder / "parts" / name),
            config.source,
            config.cleaning,
            config.chunking,
            config.dedup,
            config.dataset.language,
            lines,
        )

    plain = [job(shard, frozenset(), "") for shard in todo]
    if not config.cleaning.repeated_lines:
        return plain, set()
    watch.begin("looking for repeated lines", len(plain))
    paths = runner.map(part.lines, plain, lambda *_: watch.advance(1))
    common = repeated(paths, config.cleaning.repeated_lines)
    here = [lines_of(path, common) for path in paths]
    return [job(s, lines, canonical(sorted(lines)) if lines else "") for s, lines in zip(todo, here, strict=True)], set(
        paths
    )


def _make(jobs: "list[Job]", runner: "Runner", watch: "Watch") -> list[dict[str, Any]]:
    from builder.corpus.part import make

    watch.begin("reading", sum(j.shard.size for j in jobs))

    def done(job: "Job", counts: dict[str, Any]) -> None:
        watch.count(
            job.shard.size,
            records=counts["records"],
            rejected=sum(n for reason, n in counts["rejects"].items() if not reason.startswith("field-")),
            chunks=counts["chunks"],
        )

    found = {job.folder: read_json(Path(job.folder) / "part.json") for job in jobs}
    for folder, counts in found.items():
        if counts and _UNREADABLE in counts["rejects"]:
            # Its bytes could be read when they were listed, so they may be now.
            shutil.rmtree(folder)
            found[folder] = None
    # The largest first, so that no worker has one left when the others are done.
    todo = sorted((job for job in jobs if found[job.folder] is None), key=lambda job: -job.shard.size)
    for job in jobs:
        if found[job.folder] is not None:
            done(job, found[job.folder])
    light = sum(job.shard.size for job in todo) < _LIGHT
    made = runner.map(make, todo, lambda index, counts: done(todo[index], counts), light)
    found |= {job.folder: counts for job, counts in zip(todo, made, strict=True)}
    return [found[job.folder] for job in jobs]


def _decide(
    config: Config, stage: Stage, runner: "Runner", watch: "Watch", folders: list[Path], keywords: tuple[str, ...]
) -> "list[Decision]":
    """What duplicates and selection across the corpus mean for each part."""
    import numpy as np

    from builder.corpus import dedup, select
    from builder.corpus.assemble import Decision

    watch.begin("comparing", None)

    def run(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return runner.map(function, items, light=len(items) <= _FEW)

    corpus = dedup.Corpus.load(folders)
    first, kept = dedup.find(corpus, config.dedup, stage.folder / "pairs.npz", run)
    everyone = np.arange(corpus.size)
    repeats, members = np.flatnonzero(first != everyone), np.flatnonzero(kept != everyone)
    places = corpus.places([*first[repeats].tolist(), *kept[members].tolist()])
    decisions = [Decision(str(folder), policy=config.dedup.policy) for folder in folders]
    for article, (part, row) in zip(repeats.tolist(), corpus.rows(repeats), strict=True):
        decisions[part].repeats[row] = places[int(first[article])]
    for article, (part, row) in zip(members.tolist(), corpus.rows(members), strict=True):
        keeper = int(kept[article])
        decisions[part].members[row] = (f"{corpus.ids[keeper]:016x}", places[keeper])
    if config.selection.method != "all" or config.selection.budget or config.selection.fraction < 1:
        watch.begin("selecting", None)
        tasks = [select.Task(d.folder, d.left_out, config.selection, keywords) for d in decisions]
        for decision, chosen in zip(decisions, select.choose(tasks, config.selection, run), strict=True):
            decision.selected = chosen.tobytes()
    return decisions


def _sweep(parts: Path, used: set[str], counted: set[str]) -> None:
    """Removes parts and counted lines that no table is made of any more."""
    keep = {Path(folder).parent.name for folder in used}
    for path in parts.iterdir() if parts.exists() else ():
        if path.is_file() and str(path) not in counted:
            path.unlink()
        elif path.is_dir() and path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_dir():
            for old in path.glob("final-*"):
                if str(old) not in used:
                    shutil.rmtree(old, ignore_errors=True)
