"""`builder status`: how far each stage and the annotation are, without changing anything."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.config import Config
from builder.errors import BuilderError
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
    """Where Label Studio is, and how far annotation is when it runs."""
    from builder.studio.vault import Vault

    if config.label_studio.url:
        return _elsewhere(config)
    record = Vault(config.workspace / "studio").server()
    if record is None:
        return {"running": False}
    # Only now, because these imports cost more than the rest of the command.
    from builder.studio.progress import progress
    from builder.studio.server import find, lives, vault_of

    if find(vault_of(config)) is not None:
        return {"running": True, "answers": True, "url": record["url"], **progress(config)}
    if lives(vault_of(config)) is not None:
        return {"running": True, "answers": False, "url": record["url"]}
    return {"running": False}


def _elsewhere(config: Config) -> dict[str, Any]:
    from builder.studio.progress import progress

    # Asked once and briefly: who asks how things stand does not want to wait for what does not answer.
    hasty = replace(config.label_studio, retries=0, timeout=min(10.0, config.label_studio.timeout))
    try:
        return {"url": hasty.url, "answers": True, **progress(replace(config, label_studio=hasty))}
    except BuilderError as e:
        return {"url": hasty.url, "answers": False, "problem": str(e)}


def _flat(summary: dict[str, Any]) -> str:
    """One line of the counts of a summary."""
    return ", ".join(
        f"{value} {key.replace('_', ' ')}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else f"{key.replace('_', ' ')} {'yes' if value is True else 'no' if value is False else value}"
        for key, value in summary.items()
        if isinstance(value, str | int | float)
    )
