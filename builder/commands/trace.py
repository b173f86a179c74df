"""`builder trace`: the way from a released row back to the characters somebody wrote."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.release.trace import Place, Trace


@dataclass(frozen=True)
class Traced:
    """A row of a release with everything it came from; `links` open its tasks in a browser, by project and task."""

    folder: Path
    trace: "Trace"
    links: dict[str, str]


def trace(
    config: Config,
    row_id: str,
    *,
    release: Annotated[str, "version or folder of the release; without it the latest"] = "",
    progress: Progress = silent,
) -> Traced:
    """Show the way from a released row back to its raw characters

    What the row came from is looked for in the stages that the manifest names. Raises `ReleaseError` when no row has
    the id, `StoreError` when the workspace lacks a stage.
    """
    from builder import pipeline, releases
    from builder.release import versions
    from builder.release.manifest import read
    from builder.release.trace import trace as trace_row

    root = versions.find_release(releases.release_folder(config), release)
    manifest = read(root)
    paths = releases.tables_of(config, manifest.stages)
    found = trace_row(root, manifest, row_id, paths, pipeline.raw_opener(config))
    campaign = pipeline.campaign(config)
    tasks = {(a["project_id"], a["task_id"]) for a in found.annotations}
    tasks |= {(v["project_id"], v["task_id"]) for gold in found.gold for v in gold["votes"] if v["task_id"] is not None}
    return Traced(root, found, {f"{p}:{t}": campaign.task_link(p, t) for p, t in sorted(tasks)})


def plain(result: Traced) -> dict[str, Any]:
    """What a script may read."""
    from dataclasses import asdict

    found = asdict(result.trace)
    for part in (*found["annotations"], *(vote for gold in found["gold"] for vote in gold["votes"])):
        part["task"] = result.links.get(f"{part.pop('project_id')}:{part.pop('task_id')}")
    release = {key: found.pop(key) for key in ("configuration", "split", "row")}
    return {"release": {"folder": str(result.folder), **release}, **found}


def show(result: Traced) -> Shown:
    """Row, gold with votes, annotations, chunk, article and raw place."""

    found = result.trace
    yield f"row         {found.row['id']} of {found.configuration}/{found.split} in {result.folder}"
    for gold in found.gold:
        about = ", ".join(gold.get("targets") or filter(None, [gold.get("target")]))
        what = f"{gold['label']} {gold['text']!r}" if "text" in gold else f"{gold['question']} {gold['label']}"
        yield f"gold        {what}{f' about {about}' if about else ''}: {gold['status']} by {gold['method']}"
        if "place" in gold:
            place = gold["place"]
            yield f"            article {place.article}, raw {place.raw}, {_bytes_of(place)}"
        for vote in gold["votes"]:
            task = result.links.get(f"{vote['project_id']}:{vote['task_id']}", vote["annotation_id"])
            yield f"  vote      {vote['annotator']}: {vote['label']} ({task})"
    for made in found.annotations:
        task = result.links[f"{made['project_id']}:{made['task_id']}"]
        yield f"annotation  {made['annotator']} {made['updated']:%Y-%m-%d %H:%M} UTC, {made['state']}: {task}"
    chunk, place = found.chunk, found.place
    number = f", number {chunk['ordinal'] + 1}" if chunk.get("ordinal") is not None else ""
    yield f"chunk       {chunk['chunk_id']}{number}, [{chunk['start']}, {chunk['end']}) of the article"
    yield f"article     {found.article['article_id']} {found.article['title'] or ''}"
    where = f", {place.where}" if place.where else ""
    yield f"raw         {place.file}, record {place.record}{where}, characters {place.raw}, {_bytes_of(place)}"
    yield f"text        ...{place.before}>>>{place.text}<<<{place.after}..."


def _bytes_of(place: "Place") -> str:
    return f"bytes {place.bytes}" if place.bytes else f"bytes unknown: {place.why}"
