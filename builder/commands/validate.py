"""From the latest pull to checked annotations, with the agreement between annotators and the verdict of the gates."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import __version__
from builder.errors import GateError, StoreError
from builder.store import canonical, digest, file_digest, read_json, write_json, write_table

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from builder.config import Config
    from builder.quality.validate import Context, Validated


def validate(config: "Config", console: "Console", *, gate: bool = True) -> dict[str, Any]:
    """The stage `validate` holds annotations, spans, stances, issues and windows of the latest pull, and agreement.

    Raises `GateError` when a gate does not hold, after the stage is written (not with `gate=False`), and `StoreError`
    when nothing was pulled or the pull is not what its hash says.
    """
    pull, folder = latest_pull(config)
    stage = config.stage("validate")
    prepared = config.stage("prepare").fingerprint()
    questions = Path(config.quality.questions) if config.quality.questions else None
    asked = file_digest(questions) if questions and questions.is_file() else ""
    fingerprint = digest(
        "validate", __version__, pull, prepared, asked, canonical(config.labels), canonical(config.quality)
    )
    if stage.is_current(fingerprint):
        console.print("validate: nothing changed since the last validation.")
        summary = stage.summary() or {}
    else:
        from builder.commands.quality_tables import show_validation

        checked = _validate(config, pull, folder, fingerprint)
        show_validation(console, checked.summary, checked.agreement)
        summary = stage.summary() or {}
    if gate:
        _hold(config, summary)
    return summary


def latest_pull(config: "Config") -> tuple[str, Path]:
    """Hash and folder of the latest pull; raises `StoreError` when there is none."""
    latest = read_json(config.dataset_folder / "pulls" / "latest.json")
    if latest is None:
        raise StoreError("Nothing was pulled yet.", "Run `builder pull` first.")
    return latest["hash"], config.dataset_folder / "pulls" / latest["hash"][:16]


def _validate(config: "Config", pull: str, folder: Path, fingerprint: str) -> "Validated":
    from builder.labels.decode import decode
    from builder.quality.pull_windows import read_windows, with_parents
    from builder.quality.validate import validate as check
    from builder.studio.pulled import verify

    verify(folder)
    stage = config.stage("validate")
    users = {int(number): user["email"] for number, user in (read_json(folder / "users.json") or {}).items()}
    decoded = decode(folder / "tasks.jsonl", users, _salt(config), config.labels, pull)
    with (folder / "tasks.jsonl").open("rb") as lines:
        windows, parents = read_windows(lines)
    checked = check(
        with_parents(decoded.annotations, parents), decoded.spans, decoded.answers, decoded.issues, windows,
        config.labels, config.quality, _context(config, windows),
    )  # fmt: skip
    with stage.rewrite(fingerprint) as summary:
        for name, table in checked.tables.items():
            write_table(stage.table(name), table)
        write_json(stage.folder / "agreement.json", asdict(checked.agreement))
        summary |= {"pull": pull, **asdict(checked.summary)}
    return checked


def _context(config: "Config", windows: "pa.Table") -> "Context":
    """What the articles and the configuration add; nothing about articles before the first `prepare`."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from builder.labels import controls
    from builder.quality.known_answers import read_known_answers
    from builder.quality.validate import Context

    context = Context()
    if config.labels.target_mode == "fixed":
        asked = controls.asked(config.labels, [])
        context.controls = {("stance", target): name for name, target in asked.items()}
    if config.quality.questions:
        context.known_answers = read_known_answers(Path(config.quality.questions), config.labels)
    articles = config.stage("prepare").table("articles")
    if articles.exists():
        wanted = pc.field("article_id").isin(windows["article_id"].unique())
        rows = pq.read_table(articles, columns=["article_id", "cluster_id", "text"], filters=wanted).to_pylist()
        context.article_texts = {row["article_id"]: row["text"] for row in rows}
        context.clusters = {row["article_id"]: row["cluster_id"] or row["article_id"] for row in rows}
    return context


def _hold(config: "Config", summary: dict[str, Any]) -> None:
    from builder.quality.gates import Verdict, failed

    if below := failed([Verdict(**verdict) for verdict in summary["gates"]]):
        raise GateError(
            f"Below the quality gates: {below}.",
            f"See {config.stage('validate').folder}, run `builder review`, or change quality.gates.",
        )


def _salt(config: "Config") -> bytes:
    try:
        return (config.workspace / "pseudonyms.key").read_bytes()
    except FileNotFoundError:
        missing = f"{config.workspace / 'pseudonyms.key'} is missing."
        raise StoreError(missing, "It is made by `builder pull`; restore it, or annotators get new names.") from None
