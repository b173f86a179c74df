"""From the latest pull to checked annotations, with the agreement between annotators and the verdict of the gates."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import __version__
from builder.errors import GateError, StoreError
from builder.store import canonical, digest, file_digest, read_json, write_json, write_table

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from builder.config import Config
    from builder.quality.examine import Surroundings


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
        summary = _validate(config, pull, folder, fingerprint)
        from builder.commands.quality_tables import show_validation

        show_validation(console, summary, read_json(stage.folder / "agreement.json"))
    if gate:
        _hold(config, summary)
    return summary


def latest_pull(config: "Config") -> tuple[str, Path]:
    """Hash and folder of the latest pull; raises `StoreError` when there is none."""
    latest = read_json(config.dataset_folder / "pulls" / "latest.json")
    if latest is None:
        raise StoreError("Nothing was pulled yet.", "Run `builder pull` first.")
    return latest["hash"], config.dataset_folder / "pulls" / latest["hash"][:16]


def _validate(config: "Config", pull: str, folder: Path, fingerprint: str) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    from builder.quality.examine import examine
    from builder.quality.windows import read_windows, with_parents
    from builder.questions.decode import decode
    from builder.studio.pulled import verify

    verify(folder)
    stage = config.stage("validate")
    users = {int(number): user["email"] for number, user in (read_json(folder / "users.json") or {}).items()}
    decoded = decode(folder / "tasks.jsonl", users, _salt(config), config.labels, pull)
    with (folder / "tasks.jsonl").open("rb") as lines:
        shown, parents = read_windows(lines)
    annotations = with_parents(decoded.annotations, parents)
    around = _surroundings(config, shown)
    found = examine(annotations, decoded.spans, decoded.answers, shown, config.labels, config.quality, around)
    issues = pa.concat_tables([decoded.issues, found.issues])
    tables = {
        "annotations": found.annotations,
        "spans": decoded.spans,
        "answers": decoded.answers,
        "issues": issues,
        "windows": shown,
    }
    with stage.rewrite(fingerprint) as summary:
        for name, table in tables.items():
            write_table(stage.table(name), table)
        write_json(stage.folder / "agreement.json", found.agreement)
        summary["pull"] = pull
        summary["rows"] = {name: table.num_rows for name, table in tables.items()}
        states = found.annotations["state"].value_counts().to_pylist()
        summary["states"] = {row["values"]: row["counts"] for row in sorted(states, key=lambda row: str(row["values"]))}
        summary["quarantined"] = pc.sum(found.annotations["quarantined"]).as_py() or 0
        summary["issues"] = _by_check(issues)
        summary["gates"] = found.gates
    return stage.summary() or {}


def _surroundings(config: "Config", shown: "pa.Table") -> "Surroundings":
    """What the articles and the configuration add; nothing about articles before the first `prepare`."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from builder.quality.examine import Surroundings
    from builder.quality.questions import read_questions

    around = Surroundings()
    around.controls = {target: f"stance__{target}" for target in config.labels.targets}
    if config.quality.questions:
        around.questions = read_questions(Path(config.quality.questions))
    articles = config.stage("prepare").table("articles")
    if articles.exists():
        wanted = pc.field("article_id").isin(shown["article_id"].unique())
        rows = pq.read_table(articles, columns=["article_id", "cluster_id", "text"], filters=wanted).to_pylist()
        around.article_texts = {row["article_id"]: row["text"] for row in rows}
        around.clusters = {row["article_id"]: row["cluster_id"] or row["article_id"] for row in rows}
    return around


def _by_check(issues: "pa.Table") -> list[dict[str, Any]]:
    """How often each check found something, the gravest first, with the first finding in words."""
    grouped = issues.group_by(["check", "severity"], use_threads=False)
    firsts = ["message", "chunk_id", "annotator"]
    counts = grouped.aggregate([([], "count_all"), *((column, "first") for column in firsts)]).to_pylist()
    order = {"error": 0, "warning": 1, "info": 2}
    rows = [
        {"check": r["check"], "severity": r["severity"], "count": r["count_all"]}
        | {"first": {column: r[f"{column}_first"] for column in firsts}}
        for r in counts
    ]
    return sorted(rows, key=lambda r: (order.get(r["severity"], 3), r["check"]))


def _hold(config: "Config", summary: dict[str, Any]) -> None:
    from builder.quality.gates import failed

    if below := failed(summary["gates"]):
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
