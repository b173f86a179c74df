"""Projects of a dataset on the server: found again by a mark in their description, never made twice.

A dataset has one project for all annotators, or one per annotator, and one for experts: its "slots". The mark is
written together with the project, so that a stop before its id is noted in `projects.json` does not lead to a second
one. The note is for when somebody removes the mark from the description.
"""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from builder.errors import Refused, Unreachable
from builder.store import read_json, write_json
from builder.studio.campaign import Campaign
from builder.studio.client import Client, NotFound

#: Slot of the project that all annotators share, and of the one in which experts decide.
SHARED = "all"
REVIEW = "review"
_TITLE_LENGTH = 50
_MARK = re.compile(r"\[builder [^][]++\]")


class Project(Protocol):
    """A project as the SDK gives it, as far as it is used here."""

    id: int
    title: str
    description: str | None
    label_config: str
    maximum_annotations: int
    task_number: int
    total_annotations_number: int
    skipped_annotations_number: int


@dataclass
class WantedProject:
    """How the project of a slot must be set up."""

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


def find_project(client: Client, campaign: Campaign, slot: str) -> Project | None:
    """The project of a slot, or None; raises `Refused` when two carry the same mark."""
    words = mark(campaign.dataset, slot)
    noted = _noted(client, campaign).get(slot)
    with contextlib.suppress(NotFound):
        found = _get(client, noted) if noted is not None else None
        # When a server's data was lost, it gives project ids out again: this one may be another dataset's.
        if found is not None and set(_MARK.findall(found.description or "")) <= {words}:
            return found
    ids = _marked(client, words)
    if len(ids) > 1:
        raise Refused(
            f"Projects {', '.join(map(str, ids))} at {client.url} both say {words} in their description.",
            "Delete the one that is not used, or remove the mark from its description.",
        )
    if not ids:
        return None
    _note(client, campaign, slot, ids[0])
    return _get(client, ids[0])


def projects_of(client: Client, campaign: Campaign) -> dict[str, Project]:
    """Slot -> project, of every project of this dataset that is on the server."""
    start = f"[builder {campaign.dataset}/"
    marks = [found for project in _listing(client) for found in _MARK.findall(project.description or "")]
    slots = {m.removeprefix(start)[:-1] for m in marks if m.startswith(start)} | set(_noted(client, campaign))
    found = {slot: find_project(client, campaign, slot) for slot in sorted(slots)}
    return {slot: project for slot, project in found.items() if project is not None}


def former_slots(campaign: Campaign, slots: Iterable[str]) -> set[str]:
    """The slots of annotators who had a project of their own and are not among the annotators any more."""
    if campaign.is_shared:
        return set()
    return set(slots) - {REVIEW, SHARED, *(annotator.name for annotator in campaign.people)}


def ensure_project(client: Client, campaign: Campaign, wanted: WantedProject) -> Project:
    """The project of a slot, made when there is none, set up as wanted.

    Raises `Refused` when the server does not accept the settings.
    """
    project = find_project(client, campaign, wanted.slot) or _create(client, campaign, wanted)
    settings = _settings(campaign, wanted)
    changed = {key: value for key, value in settings.items() if getattr(project, key) != value}
    if mark(campaign.dataset, wanted.slot) in (project.description or ""):
        # People may write around the mark.
        changed.pop("description", None)
    # Some versions ignore maximum_annotations when a project is created, so it is compared after that as well.
    if changed:
        change_project(client, project.id, changed)
        project = _get(client, project.id)
    for key in ("maximum_annotations", "label_config"):
        if getattr(project, key) != settings[key]:
            raise Refused(
                f"Project {project.id} at {client.url} keeps {key} {str(getattr(project, key))[:80]!r}"
                f" instead of {str(settings[key])[:80]!r}.",
                "Set it in the project's settings, then run the command again.",
            )
    return project


def change_project(client: Client, project: int, settings: dict[str, Any]) -> None:
    """The project has these settings; raises `Refused` when the annotations in it do not fit them."""
    try:
        client.tell(lambda sdk: sdk.projects.update(project, **settings))
    except Refused as e:
        if "label_config" not in e.message:
            raise
        # Results of a control that the scheme does not know block every change of the labeling interface.
        hint = "Correct or delete those annotations in Label Studio, or push under another dataset.name."
        raise Refused(e.message, hint) from e


def address(client: Client, project: int) -> str:
    """Where people open the project."""
    return f"{client.url}/projects/{project}/"


def server_key(client: Client) -> str:
    """Names the server in notes of the workspace. The embedded one may get another port at its next start."""
    return "embedded" if client.embedded else client.url


def _create(client: Client, campaign: Campaign, wanted: WantedProject) -> Project:
    try:
        made: Project = client.tell(lambda sdk: sdk.projects.create(**_settings(campaign, wanted)))
    except Unreachable:
        # It may have been made before its answer got lost.
        if found := find_project(client, campaign, wanted.slot):
            return found
        raise
    # Another workspace may have made it at the same time: then everybody uses the first one, and ours is still empty.
    first = min(_marked(client, mark(campaign.dataset, wanted.slot)), default=made.id)
    if first < made.id:
        client.tell(lambda sdk: sdk.projects.delete(made.id))
    _note(client, campaign, wanted.slot, first)
    return _get(client, first)


def _settings(campaign: Campaign, wanted: WantedProject) -> dict[str, Any]:
    return {
        "title": title(campaign.dataset, wanted.slot),
        "description": f"{campaign.description}\n\n{mark(campaign.dataset, wanted.slot)}".strip(),
        "label_config": wanted.label_config,
        "maximum_annotations": wanted.maximum_annotations,
        "expert_instruction": wanted.instruction,
        "show_skip_button": True,
        # "Nothing to mark" is an answer.
        "enable_empty_annotation": True,
        "show_collab_predictions": True,
        "sampling": "Uncertainty sampling" if campaign.suggestions.uncertain_first else "Sequential sampling",
    }


def _get(client: Client, project: int) -> Project:
    found: Project = client.ask(lambda sdk: sdk.projects.get(project))
    return found


def _marked(client: Client, words: str) -> list[int]:
    return sorted(project.id for project in _listing(client) if words in (project.description or ""))


def _listing(client: Client) -> list[Project]:
    # Without `include` the server counts the annotations of every project.
    return client.ask(lambda sdk: list(sdk.projects.list(page_size=1000, include="id,description")))


def _noted(client: Client, campaign: Campaign) -> dict[str, int]:
    notes: dict[str, dict[str, int]] = read_json(campaign.folder / "projects.json") or {}
    return notes.get(server_key(client), {})


def _note(client: Client, campaign: Campaign, slot: str, project: int) -> None:
    path, mine = campaign.folder / "projects.json", _noted(client, campaign)
    write_json(path, {**(read_json(path) or {}), server_key(client): {**mine, slot: project}})
