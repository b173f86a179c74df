"""The way from a released row back to the characters somebody wrote."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import ReleaseError, StoreError

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config


def trace(config: "Config", console: "Console", row_id: str) -> dict[str, Any]:
    """Release row, gold with votes, annotations with their tasks, chunk, article and raw file of a row of the latest
    release. Raises `ReleaseError` when no row has the id, `StoreError` when the workspace lacks what it came from."""
    from builder.commands.export import release_folder
    from builder.release import trace as back
    from builder.release import versions

    root = versions.find(release_folder(config), "latest")
    name, split, row = back.find_row(root, versions.manifest(root), row_id)
    chunk = _one(config, "prepare", "selected", "chunk_id", row["chunk_id"])
    article = _one(config, "prepare", "articles", "article_id", row["article_id"])
    annotations = _rows(config, "validate", "annotations", "chunk_id", row["chunk_id"])
    by_id = {a["annotation_id"]: a for a in annotations}
    gold = []
    for table in ("gold_spans", "gold_answers"):
        rows = _rows(config, "adjudicate", table, "chunk_id", row["chunk_id"])
        gold += [_gold(found, by_id, config, article, table) for found in rows if _concerns(name, row, found, table)]
    if name == "annotations":
        annotations = [a for a in annotations if a["annotation_id"] == row_id]
    raw_file = Path(config.paths.raw)
    raw_file = raw_file / article["source_path"] if raw_file.is_dir() else raw_file
    summary = {
        "release": {"folder": str(root), "configuration": name, "split": split, "row": row},
        "gold": gold,
        "annotations": [_annotation(a, config) for a in annotations],
        "chunk": {key: chunk[key] for key in ("chunk_id", "ordinal", "start", "end")},
        "article": {key: article[key] for key in ("article_id", "title", "url", "published", "raw_sha256", "encoding")},
        "place": back.place(article, chunk["start"], chunk["end"], raw_file),
    }
    _show(summary, console)
    return summary


def _rows(config: "Config", stage: str, table: str, column: str, value: str) -> list[dict[str, Any]]:
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    path = config.stage(stage).table(table)
    if not path.exists():
        raise StoreError(f"{path} is missing.", f"Run `builder {stage}` in the workspace the release was made in.")
    rows: list[dict[str, Any]] = (
        ds.dataset(path, format="parquet").to_table(filter=pc.field(column) == value).to_pylist()
    )
    return rows


def _one(config: "Config", stage: str, table: str, column: str, value: str) -> dict[str, Any]:
    found = _rows(config, stage, table, column, value)
    if not found:
        raise ReleaseError(
            f"{column} {value} of the release is not in the workspace.",
            "Trace in the workspace and with the raw articles it was made from.",
        )
    return found[0]


def _concerns(name: str, row: dict[str, Any], found: dict[str, Any], table: str) -> bool:
    if name == "stance":
        return table == "gold_answers" and found["target"] == row["target"]
    return table == "gold_spans" or name == "annotations"


def _gold(
    found: dict[str, Any], by_id: dict[str, Any], config: "Config", article: dict[str, Any], table: str
) -> dict[str, Any]:
    from builder.release import trace as back

    keys = ("kind", "start", "end", "text", "label", "target", "probability", "method", "status")
    told = {key: found[key] for key in keys if key in found}
    told["votes"] = [
        {**vote, "task": _link(by_id[vote["annotation_id"]], config) if vote["annotation_id"] in by_id else None}
        for vote in found["votes"] or []
    ]
    if table == "gold_spans":
        path = Path(config.paths.raw)
        raw_file = path / article["source_path"] if path.is_dir() else path
        told["place"] = back.place(article, found["start"], found["end"], raw_file)
    return told


def _annotation(found: dict[str, Any], config: "Config") -> dict[str, Any]:
    keys = (
        "annotation_id",
        "annotator",
        "state",
        "prediction",
        "quarantined",
        "created",
        "updated",
        "lead_time",
        "comment",
    )
    return {**{key: found[key] for key in keys}, "task": _link(found, config)}


def _link(annotation: dict[str, Any], config: "Config") -> str:
    """Where a browser opens the task; its numbers while the embedded server, which holds it, does not run."""
    from builder.studio.embedded.vault import Vault

    project, task = annotation["project_id"], annotation["task_id"]
    running = Vault(config.workspace / "studio").server()
    base = config.label_studio.url or (running["url"] if running else "")
    if not base:
        return f"task {task} of project {project}"
    return f"{base.rstrip('/')}/projects/{project}/data?task={task}"


def _show(summary: dict[str, Any], console: "Console") -> None:
    def line(text: str) -> None:
        console.print(text, soft_wrap=True)

    release, place = summary["release"], summary["place"]
    row = release["row"]
    line(f"row         {row['id']} of {release['configuration']}/{release['split']} in {release['folder']}")
    for gold in summary["gold"]:
        what = f"{gold['label']} {gold['text']!r}" if "text" in gold else f"{gold['label']} toward {gold['target']}"
        line(f"gold        {what}: {gold['status']} by {gold['method']}")
        if "place" in gold:
            where = gold["place"]
            line(f"            article {where['article']}, raw {where['raw']}, bytes {where['bytes']}")
        for vote in gold["votes"]:
            line(f"  vote      {vote['annotator']}: {vote['label']} ({vote['task'] or vote['annotation_id']})")
    for found in summary["annotations"]:
        line(
            f"annotation  {found['annotator']} {found['updated']:%Y-%m-%d %H:%M} UTC, {found['state']}: {found['task']}"
        )
    chunk = summary["chunk"]
    line(
        f"chunk       {chunk['chunk_id']}, number {chunk['ordinal'] + 1}, "
        f"[{chunk['start']}, {chunk['end']}) of the article"
    )
    line(f"article     {summary['article']['article_id']} {summary['article']['title'] or ''}")
    line(f"raw         {place['file']}, record {place['record']}, characters {place['raw']}, bytes {place['bytes']}")
    line(f"text        ...{place['before']}>>>{place['text']}<<<{place['after']}...")
