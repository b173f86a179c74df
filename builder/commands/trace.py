"""The way from a released row back to the characters somebody wrote."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config


def trace(config: "Config", console: "Console", row_id: str) -> dict[str, Any]:
    """Release row, gold with votes, annotations with their tasks, chunk, article and raw file of a row of the latest
    release. Raises `ReleaseError` when no row has the id, `StoreError` when the workspace lacks what it came from."""
    from builder.commands.export import release_folder, table_paths
    from builder.release import trace as back
    from builder.release import versions
    from builder.release.manifest import read

    root = versions.find_release(release_folder(config), "latest")
    found = asdict(back.trace(root, read(root), row_id, table_paths(config), Path(config.paths.raw)))
    for part in (*found["annotations"], *(vote for gold in found["gold"] for vote in gold["votes"])):
        part["task"] = _link(part.pop("project_id"), part.pop("task_id"), config)
    release = {key: found.pop(key) for key in ("configuration", "split", "row")}
    summary = {"release": {"folder": str(root), **release}, **found}
    _show(summary, console)
    return summary


def _link(project: int | None, task: int | None, config: "Config") -> str | None:
    """Where a browser opens the task; its numbers while the embedded server, which holds it, does not run."""
    from builder.studio.vault import Vault

    if task is None:
        return None
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
        about = ", ".join(gold.get("targets") or filter(None, [gold.get("target")]))
        what = f"{gold['label']} {gold['text']!r}" if "text" in gold else f"{gold['question']} {gold['label']}"
        line(f"gold        {what}{f' toward {about}' if about else ''}: {gold['status']} by {gold['method']}")
        if "place" in gold:
            where = gold["place"]
            line(f"            article {where['article']}, raw {where['raw']}, bytes {where['bytes']}")
        for vote in gold["votes"]:
            line(f"  vote      {vote['annotator']}: {vote['label']} ({vote['task'] or vote['annotation_id']})")
    for found in summary["annotations"]:
        when = f"{found['updated']:%Y-%m-%d %H:%M} UTC"
        line(f"annotation  {found['annotator']} {when}, {found['state']}: {found['task']}")
    chunk = summary["chunk"]
    number = "" if chunk["ordinal"] is None else f", number {chunk['ordinal'] + 1}"
    line(f"chunk       {chunk['chunk_id']}{number}, [{chunk['start']}, {chunk['end']}) of the article")
    line(f"article     {summary['article']['article_id']} {summary['article']['title'] or ''}")
    line(f"raw         {place['file']}, record {place['record']}, characters {place['raw']}, bytes {place['bytes']}")
    line(f"text        ...{place['before']}>>>{place['text']}<<<{place['after']}...")
