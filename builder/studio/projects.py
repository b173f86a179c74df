"""Projects of a dataset on the server: found again by a mark in their description, never made twice.

A dataset has one project for all annotators, or one for each ("slots"). The mark is written together with the
project, so that a stop between its creation and our note of its id does not lead to a second one; the note holds when
somebody edits the description away.
"""

import re
from dataclasses import dataclass
from typing import Any

from builder.config import Config
from builder.errors import Refused, Unreachable
from builder.store import read_json, write_json
from builder.studio.client import Client, NotFound

#: Slot of the project that all annotators share, and of the one in which experts decide.
SHARED = "all"
REVIEW = "review"
_TITLE_LENGTH = 50
_MARK = re.compile(r"\[builder [^]]+\]")


@dataclass
class Wanted:
    """What a project must look like."""

    slot: str
    label_config: str
    maximum_annotations: int
    instruction: str = ""


def mark(dataset: str, slot: str) -> str:
    """The words by which a project is found again."""
    return f"[builder {dataset}/{slot}]"


def title(dataset: str, slot: str) -> str:
    """The project's title, within the 3 to 50 characters that Label Studio allows.

    >>> title("news-stance", "all"), title("news-stance", "ada"), title("ab", "all")
    ('news-stance', 'news-stance · ada', 'dataset ab')
    """
    if slot != SHARED:
        slot = slot[:20]
        return f"{dataset[: _TITLE_LENGTH - 3 - len(slot)]} · {slot}"
    return dataset[:_TITLE_LENGTH] if len(dataset) > 2 else f"dataset {dataset}"


def find(client: Client, config: Config, slot: str) -> dict[str, Any] | None:
    """The project of a slot, or None; raises `Refused` when two carry the same mark."""
    words = mark(config.dataset.name, slot)
    noted = _noted(client, config).get(slot)
    if noted is not None:
        try:
            found: dict[str, Any] = client.get(f"api/projects/{noted}/")
        except NotFound:
            pass
        else:
            # Numbers of projects come again when a server's data was lost: then this one may be another dataset's.
            if set(_MARK.findall(found["description"] or "")) <= {words}:
                return found
    ids = _marked(client, words)
    if len(ids) > 1:
        raise Refused(
            f"Projects {', '.join(map(str, ids))} at {client.url} both say {words} in their description.",
            "Delete the one that is not used, or take the mark out of its description.",
        )
    if not ids:
        return None
    _note(client, config, slot, ids[0])
    return dict(client.get(f"api/projects/{ids[0]}/"))


def ensure(client: Client, config: Config, wanted: Wanted) -> dict[str, Any]:
    """The project of a slot, made when there is none, with its settings as wanted and verified."""
    project = find(client, config, wanted.slot) or _create(client, config, wanted)
    return configure(client, config, project, wanted)


def configure(client: Client, config: Config, project: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The project with the wanted settings; raises `Refused` when the server does not take them over."""
    settings = _settings(config, wanted)
    words = mark(config.dataset.name, wanted.slot)
    changed = {key: value for key, value in settings.items() if project.get(key) != value}
    if words in (project.get("description") or ""):
        # People may write around the mark.
        changed.pop("description", None)
    # Some versions ignored maximum_annotations while creating a project, so it is compared after that as well.
    if changed:
        change(client, project["id"], changed)
        project = client.get(f"api/projects/{project['id']}/")
    for key in ("maximum_annotations", "label_config"):
        if project[key] != settings[key]:
            raise Refused(
                f"Project {project['id']} at {client.url} keeps {key} {str(project[key])[:80]!r}"
                f" instead of {str(settings[key])[:80]!r}.",
                "Set it in the project's settings, then run the command again.",
            )
    return project


def change(client: Client, project: int, settings: dict[str, Any]) -> None:
    """The project has these settings; raises `Refused` when what is in it does not fit them."""
    try:
        client.patch(f"api/projects/{project}/", settings)
    except Refused as e:
        if "label_config" not in e.message:
            raise
        # Results of a control that the scheme does not know block every change of the labeling interface.
        hint = "Correct or delete those annotations in Label Studio, or push under another dataset.name."
        raise Refused(e.message, hint) from e


def all_of(client: Client, config: Config) -> dict[str, dict[str, Any]]:
    """Slot -> project, of every project of this dataset that is on the server."""
    start = f"[builder {config.dataset.name}/"
    slots = set(_noted(client, config))
    for project in _listing(client):
        description = project["description"] or ""
        if start in description:
            slots.add(description.split(start, 1)[1].split("]", 1)[0])
    found = {slot: find(client, config, slot) for slot in sorted(slots)}
    return {slot: project for slot, project in found.items() if project is not None}


def _create(client: Client, config: Config, wanted: Wanted) -> dict[str, Any]:
    try:
        made: dict[str, Any] = client.post("api/projects/", _settings(config, wanted))
    except Unreachable:
        # It may have been made before its answer got lost.
        found = find(client, config, wanted.slot)
        if found is None:
            raise
        return found
    # Somebody elsewhere may have made it at the same time: then the first one is everybody's, and ours is still empty.
    first = min(_marked(client, mark(config.dataset.name, wanted.slot)), default=made["id"])
    if first < made["id"]:
        client.delete(f"api/projects/{made['id']}/")
        made = client.get(f"api/projects/{first}/")
    _note(client, config, wanted.slot, made["id"])
    return made


def _settings(config: Config, wanted: Wanted) -> dict[str, Any]:
    headline = config.dataset.description or config.dataset.title
    return {
        "title": title(config.dataset.name, wanted.slot),
        "description": f"{headline}\n\n{mark(config.dataset.name, wanted.slot)}".strip(),
        "label_config": wanted.label_config,
        "maximum_annotations": wanted.maximum_annotations,
        "expert_instruction": wanted.instruction,
        "show_skip_button": True,
        # "Nothing to mark" is an answer.
        "enable_empty_annotation": True,
        "show_collab_predictions": True,
        "sampling": "Uncertainty sampling" if config.suggestions.uncertain_first else "Sequential sampling",
    }


def _marked(client: Client, words: str) -> list[int]:
    return sorted(p["id"] for p in _listing(client) if words in (p["description"] or ""))


def _listing(client: Client) -> list[dict[str, Any]]:
    projects: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = client.get("api/projects/", {"page": page, "page_size": 1000, "include": "id,description"})
        projects += answer["results"]
        if not answer.get("next"):
            return projects
        page += 1


def _noted(client: Client, config: Config) -> dict[str, int]:
    notes: dict[str, dict[str, int]] = read_json(config.dataset_folder / "projects.json") or {}
    return notes.get(server_key(client), {})


def _note(client: Client, config: Config, slot: str, project: int) -> None:
    path = config.dataset_folder / "projects.json"
    notes: dict[str, dict[str, int]] = read_json(path) or {}
    notes.setdefault(server_key(client), {})[slot] = project
    write_json(path, notes)


def server_key(client: Client) -> str:
    """Names the server in notes of the workspace."""
    # The embedded server may come up on another port.
    return "embedded" if client.embedded else client.url
