"""`builder status`: how far each stage and the annotation are, without changing anything."""

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from builder.config import Config
from builder.errors import BuilderError
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Status:
    """By stage the summary of its latest run, or None; the settings that differ from that run; server and releases."""

    stages: dict[str, dict[str, Any] | None]
    changed: dict[str, list[str]]
    label_studio: dict[str, Any]
    pull: dict[str, Any] | None
    releases: list[str] = field(default_factory=list)


def status(config: Config, *, progress: Progress = silent) -> Status:
    """Show how far each stage and the annotation are"""
    from builder import pipeline
    from builder.release.versions import releases
    from builder.store import read_json

    found = {name: pipeline.stages(config).latest(name) for name in pipeline.NAMES}
    return Status(
        stages={name: stage.summary if stage else None for name, stage in found.items()},
        changed={name: pipeline.changed(config, stage) for name, stage in found.items() if stage},
        label_studio=_server(config),
        pull=read_json(config.dataset_folder / "pulls" / "latest.json"),
        releases=[version.folder for version, _ in releases(pipeline.release_folder(config))],
    )


def _server(config: Config) -> dict[str, Any]:
    """Where Label Studio is, and how far the annotation is when it runs."""
    if not config.label_studio.url and not (config.workspace / "studio").exists():
        return {"running": False}
    # Only now, because these imports cost more than the rest of the command.
    from builder import pipeline
    from builder.studio.progress import annotation_progress
    from builder.studio.serving import running_at

    if config.label_studio.url:
        # Asked once and briefly: who asks how things stand does not want to wait for what does not answer.
        config = replace(
            config,
            label_studio=replace(config.label_studio, retries=0, timeout=min(10.0, config.label_studio.timeout)),
        )
    campaign = pipeline.campaign(config)
    url = config.label_studio.url or running_at(campaign)
    if not url:
        return {"running": False}
    try:
        return {"url": url, "answers": True, **asdict(annotation_progress(campaign))}
    except BuilderError as e:
        return {"url": url, "answers": False, "problem": str(e)}


def show(result: Status, console: "Console") -> None:
    """Prints one line per stage, server, pull and releases."""
    for name, summary in result.stages.items():
        line = _flat(summary) if summary else f"not done: builder {name}"
        if result.changed.get(name):
            line += f" (of other {', '.join(result.changed[name])})"
        console.print(f"  {name:<13} {line}", soft_wrap=True)
    server = result.label_studio
    console.print(
        f"  {'label studio':<13} {_flat(server) if server.get('url') else 'not running: builder serve'}", soft_wrap=True
    )
    console.print(f"  {'pull':<13} {_flat(result.pull) if result.pull else 'none: builder pull'}", soft_wrap=True)
    console.print(f"  {'releases':<13} {', '.join(result.releases) or 'none: builder export'}", soft_wrap=True)


def _flat(summary: dict[str, Any]) -> str:
    """The counts of a summary on one line."""
    return ", ".join(
        f"{value} {key.replace('_', ' ')}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else f"{key.replace('_', ' ')} {'yes' if value is True else 'no' if value is False else value}"
        for key, value in summary.items()
        if isinstance(value, str | int | float)
    )
