"""How far a dataset is: its stages, the annotation, the pulls and releases, and what to do next."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder import pipeline, reports
from builder.config import Config
from builder.release import manifest

# Imports of studio wait until a server is asked: `status` is quick where there is none.
if TYPE_CHECKING:
    from builder.studio.serving import ServerStatus


@dataclass(frozen=True)
class Status:
    """By stage its latest summary, or None, and the settings that differ from it; server, pull, releases; what is next.

    `made` has the time of each stage and release. `pulled` counts what the latest pull holds. `facts` are lines by
    subject: what the report says in numbers. `next` is a command, and why.
    """

    dataset: str
    workspace: str
    stages: dict[str, dict[str, Any] | None]
    made: dict[str, str]
    changed: dict[str, list[str]]
    label_studio: "ServerStatus | None"
    pulled: dict[str, Any] | None
    facts: dict[str, list[str]]
    next: str
    releases: list[str]


def status_of(config: Config) -> Status:
    """What is there; nothing is changed, and no server is started."""
    found = {name: pipeline.stages(config).latest(name) for name in pipeline.NAMES}
    server = None
    if config.label_studio.url or (config.workspace / "studio").exists():
        from builder.studio.serving import server_status

        server = server_status(pipeline.campaign(config))
    released = manifest.releases(config.release_folder)
    pulls, pulled = config.dataset_folder / "pulls", None
    if (pulls / "latest.json").exists():
        from builder.studio.pull_records import latest

        _, record = latest(pulls) or (None, None)
        pulled = {"finished": record.get("finished"), **record.get("counts", {})} if record else None
    files = {name: stage.folder / "stage.json" for name, stage in found.items() if stage}
    files |= {path.name: path / "manifest.json" for _, path in released}
    return Status(
        dataset=config.dataset.name,
        workspace=config.paths.workspace,
        stages={name: stage.summary if stage else None for name, stage in found.items()},
        made={name: _when(path) for name, path in files.items()},
        changed={name: pipeline.changed(config, stage) for name, stage in found.items() if stage},
        label_studio=server,
        pulled=pulled,
        facts=reports.facts_in_words(config),
        next=_next({name: stage.summary for name, stage in found.items() if stage}, server, pulled, bool(released)),
        releases=[f"v{version}" for version, _ in released],
    )


def _next(made: dict[str, Any], server: "ServerStatus | None", pulled: dict[str, Any] | None, released: bool) -> str:
    """The command to run next, and why."""
    people = server.progress if server else None
    if "prepare" not in made:
        return "builder prepare: the articles are not read yet"
    if people is None and pulled is None:
        return "builder push: Label Studio is not running"
    if people and not people.tasks:
        return "builder push: no chunk is in Label Studio"
    if people and people.done < people.tasks:
        return f"annotate: {people.done} of {people.tasks} chunks are done; then builder run"
    if people and (pulled is None or pulled["annotations"] + pulled["skipped"] < people.annotations):
        return "builder run: every chunk is done, and not all of it is pulled"
    if not released:
        return "builder run: every chunk is done" if people else "builder export: nothing of the pull is released"
    if open_labels := unresolved(made.get("adjudicate", {})):
        return f"builder review: {open_labels} gold labels are unresolved"
    return "nothing: it is released" if people else "builder serve, to annotate on"


def unresolved(gold: dict[str, Any]) -> int:
    """The gold labels that nothing decided, in the summary of the stage `adjudicate`."""
    return sum(gold.get(table, {}).get("unresolved", 0) for table in ("gold_answers", "gold_spans"))


def _when(path: Path) -> str:
    return f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"
