"""`builder status`: how far each stage and the annotation are, without changing anything."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.studio.serving import ServerStatus


@dataclass(frozen=True)
class Status:
    """By stage its latest summary, or None, and the settings that differ from it; server, pull, releases; what is next.

    `made` has the time of each stage and release. `pulled` counts what the latest pull holds. `next` is a command, and
    why.
    """

    dataset: str
    workspace: str
    stages: dict[str, dict[str, Any] | None]
    made: dict[str, str]
    changed: dict[str, list[str]]
    label_studio: "ServerStatus | None"
    pulled: dict[str, Any] | None
    next: str
    releases: list[str] = field(default_factory=list)


def status(config: Config, *, progress: Progress = silent) -> Status:
    """Show how far each stage and the annotation are, and what to do next"""
    from builder import pipeline, releases
    from builder.release import versions
    from builder.store import read_json

    # These imports cost more than the rest of the command, so they wait until there is a server.
    if used := bool(config.label_studio.url) or (config.workspace / "studio").exists():
        from builder.studio.serving import server_status
    found = {name: pipeline.stages(config).latest(name) for name in pipeline.NAMES}
    server = server_status(pipeline.campaign(config)) if used else None
    released = versions.releases(releases.release_folder(config))
    pulls = config.dataset_folder / "pulls"
    latest = read_json(pulls / "latest.json")
    record = read_json(pulls / str(latest["hash"])[:16] / "pull.json") if latest and "hash" in latest else None
    pulled = {"finished": record.get("finished"), **record["counts"]} if record else None
    return Status(
        dataset=config.dataset.name,
        workspace=config.paths.workspace,
        stages={name: stage.summary if stage else None for name, stage in found.items()},
        made={
            **{name: _when(stage.folder / "stage.json") for name, stage in found.items() if stage},
            **{path.name: _when(path / "manifest.json") for _, path in released},
        },
        changed={name: pipeline.changed(config, stage) for name, stage in found.items() if stage},
        label_studio=server,
        pulled=pulled,
        next=_next(found["prepare"] is not None, server, pulled, bool(released)),
        releases=[version.folder for version, _ in released],
    )


def _next(prepared: bool, server: "ServerStatus | None", pulled: dict[str, Any] | None, released: bool) -> str:
    """The command to run next, and why."""
    people = server.progress if server else None
    if not prepared:
        return "builder prepare: the articles are not read yet"
    if people is None:
        return "builder push: Label Studio is not running" if pulled is None else "builder serve, to annotate on"
    if not people.tasks:
        return "builder push: no chunk is in Label Studio"
    if people.done < people.tasks:
        return f"annotate: {people.done} of {people.tasks} chunks are done; then builder run"
    if pulled is None or pulled["annotations"] + pulled["skipped"] < people.annotations:
        return "builder run: every chunk is done, and not all of it is pulled"
    return "nothing: it is released" if released else "builder run: every chunk is done"


def _when(path: Path) -> str:
    return f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"


def show(result: Status) -> Shown:
    """One line per stage, server, person, pull and release, and what to do next."""
    yield f"{result.dataset} in {result.workspace}"
    for name, summary in result.stages.items():
        line = f"{result.made[name]}: {_flat(summary)}" if summary else f"not done: builder {name}"
        if result.changed.get(name):
            line += f" (of other {', '.join(result.changed[name])})"
        yield f"  {name:<13} {line}"
    server = result.label_studio
    line, people = "not running: builder serve", server.progress if server else None
    if server and server.url:
        line = f"{server.url} {server.problem or ('answers' if server.answers else 'does not answer')}"
    yield f"  {'label studio':<13} {line}"
    if people:
        yield f"  {'':<13} {people.done} of {people.tasks} chunks are done"
        for email, counts in sorted(people.by_annotator.items()):
            yield f"  {'':<13} {email}: {counts.annotated} annotated, {counts.skipped} skipped"
    yield f"  {'pull':<13} {_flat(result.pulled) if result.pulled else 'none: builder pull'}"
    releases = ", ".join(f"{name} ({result.made[name]})" for name in result.releases)
    yield f"  {'releases':<13} {releases or 'none: builder export'}"
    yield f"  {'next':<13} {result.next}"


def _flat(summary: dict[str, Any]) -> str:
    """The counts of a summary on one line."""
    return ", ".join(
        f"{value} {key.replace('_', ' ')}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else f"{key.replace('_', ' ')} {'yes' if value is True else 'no' if value is False else value}"
        for key, value in summary.items()
        if isinstance(value, str | int | float)
    )
