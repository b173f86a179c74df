"""What surrounds the work: a folder of one's own, its labels, how far everything is, room and safety."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builder import backups, pipeline, releases, reports, setup
from builder.commands import working
from builder.config import Config
from builder.errors import ConfigError
from builder.overview import Status, status_of, unresolved
from builder.reporting.terminal import Shown, table_of
from builder.stage import Progress, silent


def init(config: Config, folder: str, *, progress: Progress = silent) -> setup.NewProject:
    """A folder has labels and an experiment to edit, and every command works in it.

    The label scheme is a copy of the configured one (`labels=...`). Raises `ConfigError` when there is something in
    the folder already.
    """
    return setup.make_project(folder, config.labels.name)


def show_init(result: setup.NewProject) -> Shown:
    yield from (f"init: {file}" for file in result.files)
    yield f"Put articles into {result.folder / 'raw'}, edit the questions in conf/labels and people.csv, and then:"
    yield f"  cd {result.folder}"
    yield f"  builder labels check experiment={result.experiment}"
    yield f"  builder run experiment={result.experiment}"


@dataclass(frozen=True)
class Labels:
    """A scheme that holds together: by question its kind, by question and label the keys; and where its page is."""

    name: str
    version: str
    kinds: dict[str, str]
    keys: dict[str, dict[str, list[str]]]
    page: str = ""


def labels(config: Config, what: str = "check", *, progress: Progress = silent) -> Labels:
    """The label scheme holds together; raises `ConfigError` with every fault of it.

    With `what="preview"` an example is put on the server, as a dataset of its own, `<dataset>-preview`.
    """
    if what not in ("check", "preview"):
        raise ConfigError(f"`builder labels` has no {what!r}.", "It does `check` or `preview`.")
    from builder.questions.interface import keys_of

    scheme = config.labels
    made = Labels(scheme.name, scheme.version, {q.name: q.kind for q in scheme.questions.values()}, keys_of(scheme))
    if what == "check":
        return made
    from builder.campaigns import previewed

    return replace(made, page=previewed(config, progress))


def show_labels(result: Labels) -> Shown:
    rows = []
    for name, kind in result.kinds.items():
        keys = result.keys.get(name, {})
        shown = ", ".join(f"{label} ({' '.join(of)})" if of else label for label, of in keys.items())
        rows.append((name, kind, shown))
    yield table_of(f"{result.name}, version {result.version}", ("question", "kind", "labels (keys)"), rows)
    if result.page:
        yield f"labels: the page is at {result.page}; `builder people --passwords` shows the password for it."


@working
def status(config: Config, *, progress: Progress = silent) -> Status:
    """How far each stage and the annotation are, without changing anything."""
    return status_of(config)


def show_status(result: Status) -> Shown:
    yield f"{result.dataset} in {result.workspace}"
    lines: list[tuple[str, str]] = []
    for name, summary in result.stages.items():
        line = f"{result.made[name]}: {_counts(name, summary)}" if summary else f"not done: builder {name}"
        other = f" (of other {', '.join(result.changed[name])})" if result.changed.get(name) else ""
        lines.append((name, line + other))
    server = result.label_studio
    line, people = "not running: builder serve", server.progress if server else None
    if server and server.url:
        line = f"{server.url} {server.problem or ('answers' if server.answers else 'does not answer')}"
    lines.append(("label studio", line))
    if people:
        lines.append(("", f"{people.done} of {people.tasks} chunks are done"))
        for email, counts in sorted(people.by_annotator.items()):
            lines.append(("", f"{email}: {counts.annotated} annotated, {counts.skipped} skipped"))
    lines.append(("pull", _counts("pull", result.pulled) if result.pulled else "none: builder pull"))
    latest = result.releases[-1:]
    of = f", the latest of {len(result.releases)}" if len(result.releases) > 1 else ""
    lines += [("release", f"{result.made[name]}: {name}{of}") for name in latest] or [
        ("release", "none: builder export")
    ]
    lines += [(name if n == 0 else "", line) for name, found in result.facts.items() for n, line in enumerate(found)]
    lines.append(("next", result.next))
    yield from (f"  {name:<13} {line}" for name, line in lines)


#: What is shown of each stage, and of the latest pull.
_SHOWN = {
    "prepare": ("articles", "chunks", "selected"),
    "validate": ("annotations", "issues", "quarantined"),
    "adjudicate": ("chunks", "unresolved", "without_votes"),
    "pull": ("tasks", "annotations", "skipped", "drafts"),
}


def _counts(name: str, found: dict[str, Any]) -> str:
    """The numbers of a summary that say how far it is, on one line."""
    known = {**found, **found.get("rows", {}), "unresolved": unresolved(found)}
    when = f"{found['finished'][:16].replace('T', ' ')} UTC: " if found.get("finished") else ""
    return when + ", ".join(f"{known[key]:,} {key.replace('_', ' ')}" for key in _SHOWN[name])


@working
def report(config: Config, *, progress: Progress = silent) -> reports.WrittenReport:
    """One HTML page shows all that is known, at any stage of the work; results that are missing are made first.

    With `report.public=true` it is the page of the latest release; raises `ReleaseError` when there is none.
    """
    return reports.write_report(config, progress)


def show_report(result: reports.WrittenReport) -> Shown:
    yield from (f"report: {note}" for note in result.notes)
    yield f"report: {result.file}, {result.bytes:,} bytes. Open it in a browser."


def clean(config: Config, *, dry_run: bool = False, progress: Progress = silent) -> releases.Cleaned:
    """Workspace results that nothing refers to any more are removed.

    Pulls, keys and the data of the embedded Label Studio are never touched. Raises `StoreError` while another command
    works on the dataset.
    """
    return releases.cleaned(config, dry_run=dry_run)


def show_clean(result: releases.Cleaned) -> Shown:
    yield from (f"clean: {'would remove' if result.dry_run else 'removed'} {folder}" for folder in result.removed)
    yield from (f"clean: kept {folder}: {why}" for folder, why in result.kept.items())
    what = "would be removed" if result.dry_run else "removed"
    yield f"clean: {len(result.removed)} results {what}, {result.bytes:,} bytes; pulls and keys stay."


def backup(config: Config, file: str, *, progress: Progress = silent) -> backups.Backup:
    """One file holds everything that cannot be made again, but for a database of Label Studio that is elsewhere.

    The file is readable by its owner alone. Raises `StoreError` when it is there already or in the workspace, another
    command is at work, or a pull or the key of the pseudonyms is damaged.
    """
    made, server = backups.make_backup(config.workspace, Path(file), progress), config.label_studio
    where = "another server" if server.url else {"postgresql": "PostgreSQL"}.get(server.database)
    return replace(made, left_out=f"the database of Label Studio, which is on {where}") if where else made


def restore_backup(config: Config, file: str, *, progress: Progress = silent) -> backups.Backup:
    """The workspace is as it was. Raises `StoreError` when it is not empty, or the file is damaged."""
    return backups.unpack_backup(Path(file), config.workspace, progress)


def show_backup(result: backups.Backup) -> Shown:
    yield f"backup: {result.file}, of {result.made}: {result.files} files, {result.bytes:,} bytes."
    if result.left_out:
        yield f"backup: without {result.left_out}. Back that up there, too."


show_restore_backup = show_backup


def doctor(config: Config, *, progress: Progress = silent) -> list[setup.Examined]:
    """What this machine lacks, before a command fails because of it. Starts and changes nothing."""
    return list(setup.examine(config, pipeline.campaign(config)))


def code_doctor(result: list[setup.Examined]) -> int:
    """1 when something needs attention."""
    return int(any(each.advice for each in result))


def show_doctor(result: list[setup.Examined]) -> Shown:
    rows = [(each.name, each.found, each.advice or "fine") for each in result]
    yield table_of("This machine", ("what", "found", "to do"), rows)
