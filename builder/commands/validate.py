"""From the latest pull to checked annotations, with the agreement between annotators and the verdict of the gates."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import __version__
from builder.errors import StoreError
from builder.store import canonical, digest, read_json, write_table

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config


def validate(config: "Config", console: "Console") -> dict[str, Any]:
    """The stage `validate` holds annotations, spans, stances, issues and windows of the latest pull.

    Raises `StoreError` when nothing was pulled.
    """
    pull, folder = latest_pull(config)
    stage = config.stage("validate")
    prepared = config.stage("prepare").fingerprint()
    fingerprint = digest("validate", __version__, pull, prepared, canonical(config.labels), canonical(config.quality))
    if stage.is_current(fingerprint):
        console.print("validate: nothing changed since the last pull.")
        return stage.summary() or {}

    import pyarrow as pa

    from builder.labels.decode import decode
    from builder.quality.checks import run_checks
    from builder.quality.checks.view import View
    from builder.quality.windows import read_tasks, windows

    users = {int(number): user["email"] for number, user in (read_json(folder / "users.json") or {}).items()}
    decoded = decode(folder / "tasks.jsonl", users, _salt(config), config.labels, pull)
    with (folder / "tasks.jsonl").open("rb") as lines:
        shown = windows(read_tasks(lines))
    view = View(decoded.annotations, decoded.spans, decoded.stances, shown, config.labels, config.quality)
    found, annotations = run_checks(view)
    issues = pa.concat_tables([decoded.issues, found])
    with stage.rewrite(fingerprint) as summary:
        tables = {
            "annotations": annotations,
            "spans": decoded.spans,
            "stances": decoded.stances,
            "issues": issues,
            "windows": shown,
        }
        for name, table in tables.items():
            write_table(stage.table(name), table)
        summary.update({name: table.num_rows for name, table in tables.items()})
    console.print(f"validate: {annotations.num_rows} annotations, {issues.num_rows} issues.")
    return stage.summary() or {}


def latest_pull(config: "Config") -> tuple[str, Path]:
    """Hash and folder of the latest pull; raises `StoreError` when there is none."""
    latest = read_json(config.dataset_folder / "pulls" / "latest.json")
    if latest is None:
        raise StoreError("Nothing was pulled yet.", "Run `builder pull` first.")
    return latest["hash"], config.dataset_folder / "pulls" / latest["hash"][:16]


def _salt(config: "Config") -> bytes:
    try:
        return (config.workspace / "pseudonyms.key").read_bytes()
    except FileNotFoundError:
        missing = f"{config.workspace / 'pseudonyms.key'} is missing."
        raise StoreError(missing, "It is made by `builder pull`; restore it, or annotators get new names.") from None
