"""`builder status`: how far each stage and the annotation are, without changing anything."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from builder.commands.campaign import campaign_of
from builder.config import Config
from builder.release.versions import releases
from builder.store import read_json

if TYPE_CHECKING:
    from rich.console import Console

STAGES = ("prepare", "validate", "adjudicate")


def status(config: Config, console: "Console") -> dict[str, Any]:
    """Returns and shows the summary of each finished stage, the server, the latest pull and the releases."""
    summary: dict[str, Any] = {name: config.stage(name).summary() for name in STAGES}
    summary["label_studio"] = _server(config)
    latest = read_json(config.dataset_folder / "pulls" / "latest.json")
    summary["pull"] = latest
    summary["releases"] = [version.folder for version, _ in releases(config.release_folder)]
    lines = {name: _flat(summary[name]) if summary[name] else f"not done: builder {name}" for name in STAGES}
    server = summary["label_studio"]
    lines["label studio"] = _flat(server) if server.get("url") else "not running: builder serve"
    lines["pull"] = _flat(latest) if latest else "none: builder pull"
    lines["releases"] = ", ".join(summary["releases"]) or "none: builder export"
    console.print(f"{config.dataset.name} in {config.workspace}", style="bold")
    for name, line in lines.items():
        console.print(f"  {name:<13} {line}", soft_wrap=True)
    return summary


def _server(config: Config) -> dict[str, Any]:
    """Where Label Studio is, and how far annotation is when it answers."""
    # The imports of the room cost more than the rest of the command.
    if not config.label_studio.url and not (config.workspace / "studio" / "server.json").exists():
        return {"running": False}
    from builder.studio.serving import server_status

    found = asdict(server_status(campaign_of(config)))
    counts = found.pop("progress") or {}
    return {key: value for key, value in found.items() if value not in (None, "")} | counts


def _flat(summary: dict[str, Any]) -> str:
    """One line of the counts of a summary."""
    return ", ".join(
        f"{value} {key.replace('_', ' ')}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else f"{key.replace('_', ' ')} {'yes' if value is True else 'no' if value is False else value}"
        for key, value in summary.items()
        if isinstance(value, str | int | float)
    )
