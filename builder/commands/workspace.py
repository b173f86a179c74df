"""What surrounds the work: a folder of one's own, its labels, how far everything is, room and safety."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import backups, pipeline, releases, reports, setup
from builder.commands import Shown, table_of, working
from builder.config import Config
from builder.errors import ConfigError
from builder.release import manifest
from builder.stage import Progress, exclusive, remove, silent
from builder.store import read_json, write_text

# Imports of studio wait until a command needs them: `status` is quick where there is no server.
if TYPE_CHECKING:
    from builder.scheme import Scheme
    from builder.studio.serving import ServerStatus

_EXAMPLE = (
    "On Monday ministers of two countries met to discuss an agreement. “We will sign it this year,” said the first. "
    "The other asked for time, and called the plan a risk.\n\nCritics said that nobody had asked them."
)


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
    scheme = config.labels
    made = Labels(scheme.name, scheme.version, {q.name: q.kind for q in scheme.questions.values()}, keys_of(scheme))
    if what == "check":
        return made
    from builder.commands import annotation
    from builder.studio.campaign import open_server

    other = replace(config, dataset=replace(config.dataset, name=f"{config.dataset.name[:80]}-preview"))
    raw = other.dataset_folder / "example"
    article = {"title": "An example", "text": _EXAMPLE, "targets": ["first country", "second country"]}
    write_text(raw / "example.json", json.dumps(article, ensure_ascii=False))
    other.paths = replace(config.paths, raw=str(raw))
    other.selection, other.suggestions, other.source = Config().selection, Config().suggestions, Config().source
    other.quality = replace(config.quality, questions="")
    other.annotators = replace(config.annotators, kind="human", layout="shared")
    with open_server(pipeline.campaign(other), progress, keep=True):
        return replace(made, page=annotation.push(other, progress=progress).projects[0].url)


def keys_of(scheme: "Scheme") -> dict[str, dict[str, list[str]]]:
    """By question and label the keys that choose it: one, or one per target."""
    from builder.questions.kind import kinds
    from builder.questions.page import assign_hotkeys

    rows = {question.name: question.key_rows(scheme) for question in kinds(scheme)}
    keys = assign_hotkeys([row for mine in rows.values() for row in mine])
    found: dict[str, dict[str, list[str]]] = {}
    for name, mine in rows.items():
        for row in mine:
            for label in row.labels:
                key = keys[row.control].get(label)
                found.setdefault(name, {}).setdefault(label, []).extend([key] if key else [])
    return found


def show_labels(result: Labels) -> Shown:
    rows = []
    for name, kind in result.kinds.items():
        keys = result.keys.get(name, {})
        shown = ", ".join(f"{label} ({' '.join(of)})" if of else label for label, of in keys.items())
        rows.append((name, kind, shown))
    yield table_of(f"{result.name}, version {result.version}", ("question", "kind", "labels (keys)"), rows)
    if result.page:
        yield f"labels: the page is at {result.page}; `builder people --passwords` shows the password for it."


@dataclass(frozen=True)
class Status:
    """By stage its latest summary, or None, and the settings that differ from it; server, pull, releases; what is next.

    `made` has the time of each stage and release. `pulled` counts what the latest pull holds. `facts` are lines by
    subject: what the report says in numbers. `next` is a command, and why.
    """

    dataset: str
    workspace: str
    stages: dict[str, dict[str, Any] | None]
    made: dict[str, str]
    changed: dict[str, list[str]]
    label_studio: "ServerStatus | None"
    pulled: dict[str, Any] | None
    facts: dict[str, list[str]]
    next: str
    releases: list[str]


@working
def status(config: Config, *, progress: Progress = silent) -> Status:
    """How far each stage and the annotation are, without changing anything."""
    found = {name: pipeline.stages(config).latest(name) for name in pipeline.NAMES}
    server = None
    if config.label_studio.url or (config.workspace / "studio").exists():
        from builder.studio.serving import server_status

        server = server_status(pipeline.campaign(config))
    released = manifest.releases(config.release_folder)
    latest = read_json(config.dataset_folder / "pulls" / "latest.json")
    record = read_json(config.dataset_folder / "pulls" / latest["hash"][:16] / "pull.json") if latest else None
    pulled = {"finished": record.get("finished"), **record["counts"]} if record else None
    files = {name: stage.folder / "stage.json" for name, stage in found.items() if stage}
    files |= {path.name: path / "manifest.json" for _, path in released}
    return Status(
        dataset=config.dataset.name,
        workspace=config.paths.workspace,
        stages={name: stage.summary if stage else None for name, stage in found.items()},
        made={name: _when(path) for name, path in files.items()},
        changed={name: pipeline.changed(config, stage) for name, stage in found.items() if stage},
        label_studio=server,
        pulled=pulled,
        facts=reports.facts_in_words(config),
        next=_next({name: stage.summary for name, stage in found.items() if stage}, server, pulled, bool(released)),
        releases=[f"v{version}" for version, _ in released],
    )


def _next(made: dict[str, Any], server: "ServerStatus | None", pulled: dict[str, Any] | None, released: bool) -> str:
    """The command to run next, and why."""
    people = server.progress if server else None
    if "prepare" not in made:
        return "builder prepare: the articles are not read yet"
    if people is None and pulled is None:
        return "builder push: Label Studio is not running"
    if people and not people.tasks:
        return "builder push: no chunk is in Label Studio"
    if people and people.done < people.tasks:
        return f"annotate: {people.done} of {people.tasks} chunks are done; then builder run"
    if people and (pulled is None or pulled["annotations"] + pulled["skipped"] < people.annotations):
        return "builder run: every chunk is done, and not all of it is pulled"
    if not released:
        return "builder run: every chunk is done" if people else "builder export: nothing of the pull is released"
    if open_labels := _unresolved(made.get("adjudicate", {})):
        return f"builder review: {open_labels} gold labels are unresolved"
    return "nothing: it is released" if people else "builder serve, to annotate on"


def _unresolved(gold: dict[str, Any]) -> int:
    return sum(gold.get(table, {}).get("unresolved", 0) for table in ("gold_answers", "gold_spans"))


def _when(path: Path) -> str:
    return f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"


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
    known = {**found, **found.get("rows", {}), "unresolved": _unresolved(found)}
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


@dataclass(frozen=True)
class Cleaned:
    """Folders that were removed, or would be, with their bytes together, and what is kept and why."""

    dry_run: bool
    removed: list[str] = field(default_factory=list)
    bytes: int = 0
    kept: dict[str, str] = field(default_factory=dict)


def clean(config: Config, *, dry_run: bool = False, progress: Progress = silent) -> Cleaned:
    """Workspace results that nothing refers to any more are removed.

    Pulls, keys and the data of the embedded Label Studio are never touched. Raises `StoreError` while another command
    works on the dataset.
    """
    busy = "Another command works on this dataset."
    with exclusive(config.dataset_folder / "locks" / "use", "clean", wait=False, busy=busy):
        unused, kept = releases.unused(config)
        size = sum(path.stat().st_size for folder in unused for path in folder.rglob("*") if path.is_file())
        if not dry_run:
            remove(unused)
    return Cleaned(dry_run, [str(folder) for folder in unused], size, kept)


def show_clean(result: Cleaned) -> Shown:
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
