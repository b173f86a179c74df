"""`builder status`: how far each stage and the annotation are, without changing anything."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.studio.serving import ServerStatus


@dataclass(frozen=True)
class Status:
    """By stage the summary of its latest run, or None; the settings that differ from that run; server and releases."""

    dataset: str
    workspace: str
    stages: dict[str, dict[str, Any] | None]
    changed: dict[str, list[str]]
    label_studio: "ServerStatus | None"
    pull: dict[str, Any] | None
    releases: list[str] = field(default_factory=list)


def status(config: Config, *, progress: Progress = silent) -> Status:
    """Show how far each stage and the annotation are"""
    from builder import pipeline, releases
    from builder.release import versions
    from builder.store import read_json

    # These imports cost more than the rest of the command, so they wait until there is a server.
    if used := bool(config.label_studio.url) or (config.workspace / "studio").exists():
        from builder.studio.serving import server_status
    found = {name: pipeline.stages(config).latest(name) for name in pipeline.NAMES}
    return Status(
        dataset=config.dataset.name,
        workspace=config.paths.workspace,
        stages={name: stage.summary if stage else None for name, stage in found.items()},
        changed={name: pipeline.changed(config, stage) for name, stage in found.items() if stage},
        label_studio=server_status(pipeline.campaign(config)) if used else None,
        pull=read_json(config.dataset_folder / "pulls" / "latest.json"),
        releases=[version.folder for version, _ in versions.releases(releases.release_folder(config))],
    )


def show(result: Status) -> Shown:
    """One line per stage, server, pull and releases."""
    yield f"{result.dataset} in {result.workspace}"
    for name, summary in result.stages.items():
        line = _flat(summary) if summary else f"not done: builder {name}"
        if result.changed.get(name):
            line += f" (of other {', '.join(result.changed[name])})"
        yield f"  {name:<13} {line}"
    server = result.label_studio
    line = "not running: builder serve"
    if server and server.url:
        counts = vars(server.progress) if server.progress else {}
        line = f"{server.url} {server.problem or ('answers' if server.answers else 'does not answer')} {_flat(counts)}"
    yield f"  {'label studio':<13} {line}"
    yield f"  {'pull':<13} {_flat(result.pull) if result.pull else 'none: builder pull'}"
    yield f"  {'releases':<13} {', '.join(result.releases) or 'none: builder export'}"


def _flat(summary: dict[str, Any]) -> str:
    """The counts of a summary on one line."""
    return ", ".join(
        f"{value} {key.replace('_', ' ')}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else f"{key.replace('_', ' ')} {'yes' if value is True else 'no' if value is False else value}"
        for key, value in summary.items()
        if isinstance(value, str | int | float)
    )
