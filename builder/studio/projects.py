"""Projects of a dataset on the server: found again by a mark in their description, never made twice.

A dataset has one project for all annotators, or one per annotator, and one for experts: its "slots". The mark is
written together with the project, so that a stop before its id is noted in `projects.json` does not lead to a second
one. The note is for when somebody removes the mark from the description.
"""

import contextlib
import itertools
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from builder.errors import ConfigError, Refused, StoreError, StudioError, Unreachable
from builder.questions.interface import interface, scheme_of
from builder.questions.migrate import dated
from builder.scheme import Scheme
from builder.store import read_json, write_json
from builder.studio.campaign import Campaign
from builder.studio.client import Client, NotFound, Params
from builder.studio.embedded import MEMBERS
from builder.studio.people import accounts, ensure_accounts
from builder.studio.settings import Annotators

#: Slot of the project that all annotators share, and of the one in which experts decide.
SHARED = "all"
REVIEW = "review"
#: Begins the slots of chunks that went back to an annotator: "again/1/ada".
AGAIN = "again/"
_TITLE_LENGTH = 50
_FOR_EXPERTS = "Decide what the annotators could not settle. Their labels are the suggestions A, B, C."
#: Columns of the data manager that are about other people or about the machinery.
_INTERNAL = (
    *("inner_id", "annotators", "annotations_results", "annotations_ids", "predictions_score", "updated_by"),
    *("predictions_model_versions", "predictions_results", "file_upload", "storage_filename", "updated_at"),
    *("avg_lead_time", "draft_exists", "total_predictions", "cancelled_annotations", "ground_truth", "created_at"),
)
_MARK = re.compile(r"\[builder [^][]++\]")


class Project(msgspec.Struct):
    """A project on the server, as far as it is used here."""

    id: int
    title: str
    label_config: str
    maximum_annotations: int
    description: str | None = None
    task_number: int | None = None
    total_annotations_number: int | None = None
    skipped_annotations_number: int | None = None
    expert_instruction: str | None = None
    show_skip_button: bool | None = None
    skip_queue: str | None = None
    enable_empty_annotation: bool | None = None
    show_collab_predictions: bool | None = None
    sampling: str | None = None


class _Listed(msgspec.Struct):
    id: int
    description: str | None = None


class _Page(msgspec.Struct):
    count: int
    results: list[_Listed]


def is_for_all(slot: str) -> bool:
    """True for the slots of chunks that anybody takes; those of another overlap are called "all/5".

    >>> is_for_all("all"), is_for_all("all/5"), is_for_all("allan")
    (True, True, False)
    """
    return slot.partition("/")[0] == SHARED


def overlap_in(slot: str, settings: Annotators) -> int:
    """How many annotators a chunk gets in the project of a slot."""
    return int(slot.partition("/")[2] or settings.overlap) if is_for_all(slot) else 1


def owner_of(slot: str) -> str:
    """The name of the annotator whose own project this is; empty for a shared one, and for that of the experts.

    >>> owner_of("ada"), owner_of("again/2/ada"), owner_of("all/5"), owner_of("review")
    ('ada', 'ada', '', '')
    """
    return "" if is_for_all(slot) or slot == REVIEW else slot.rpartition("/")[2]


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


def existing_projects(client: Client, campaign: Campaign) -> dict[str, Project]:
    """The projects of the dataset, as `projects_of`; raises `StoreError` when there is none on the server."""
    client.version()
    if found := projects_of(client, campaign):
        return found
    raise StoreError(f"There is no project of {campaign.dataset} at {client.url}.", "Run `builder push` first.")


def former_slots(campaign: Campaign, slots: Iterable[str]) -> set[str]:
    """The slots of annotators who had a project of their own and are not among the annotators any more."""
    if campaign.is_shared:
        return set()
    here = {annotator.name for annotator in campaign.people}
    return {slot for slot in slots if owner_of(slot) and slot not in here and not slot.startswith(AGAIN)}


def owners_of(campaign: Campaign, slots: Iterable[str]) -> dict[str, str]:
    """Slot -> e-mail address of the annotator whose own project it is."""
    emails = {person.name: person.email for person in campaign.people}
    names = {slot: owner_of(slot) for slot in slots if slot.startswith(AGAIN) or not campaign.is_shared}
    return {slot: emails[name] for slot, name in names.items() if name in emails}


def page_of(slot: str, scheme: Scheme) -> str:
    """The labeling configuration of the project of a slot."""
    # The server strips the configuration, and the two are compared.
    return interface(scheme, review=slot == REVIEW).strip()


def asked_by(client: Client, project: Project) -> Scheme:
    """What a project asks, as `scheme_of` reads it; raises `Refused` when that is no labeling configuration."""
    try:
        return scheme_of(project.label_config)
    except ValueError as e:
        message = f"Project {project.id} at {client.url} has no labeling configuration that can be read"
        raise Refused(f"{message}: {e}.", "Correct it in the settings of the project.") from e


def ensure_project(client: Client, campaign: Campaign, slot: str) -> Project:
    """The project of a slot, made when there is none, set up for the configured scheme and overlap.

    Raises `Refused` when the server does not accept the settings.
    """
    project = find_project(client, campaign, slot) or _create(client, campaign, slot)
    settings = _settings(campaign, slot)
    if project.task_number:
        scheme = dated(asked_by(client, project), campaign.asked_of(owner_of(slot)), client.now)
        settings["label_config"] = page_of(slot, scheme)
    changed = {key: value for key, value in settings.items() if getattr(project, key) != value}
    if mark(campaign.dataset, slot) in (project.description or ""):
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


def ensure_view(client: Client, project: int, columns: Iterable[str], only_open: bool) -> None:
    """The page of the project opens on the texts that are left to do, without columns that say nothing to people.

    Annotators on a server with roles cannot make a view of their own. One that is there stays as it is.
    """
    # Raw: the SDK gives only views that have every field it knows.
    if client.get("api/dm/views", {"project": project}, kind=list[Any]):
        return
    hidden = [f"tasks:data.{name}" for name in columns] + [f"tasks:{name}" for name in _INTERNAL]
    left = {"filter": "filter:tasks:completed_at", "operator": "empty", "type": "Datetime", "value": True}
    data = {
        "title": "To do" if only_open else "All",
        "type": "list",
        "target": "tasks",
        "hiddenColumns": {"explore": hidden, "labeling": hidden},
        "filters": {"conjunction": "and", "items": [left] if only_open else []},
    }
    client.post("api/dm/views", {"project": project, "data": data}, {"project": project})


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


def ensure_people(client: Client, campaign: Campaign, dry_run: bool = False) -> None:
    """Everybody of the configuration can work in the projects; called before anything is changed.

    On the embedded server the builder makes missing accounts. On a server elsewhere that has roles they are needed for
    the members of its projects: raises `ConfigError` that names all who lack one, and what `Campaign.people` raises.
    """
    people = [*campaign.people, *campaign.experts]
    if client.vault is not None:
        if not dry_run:
            ensure_accounts(client.vault, client, people)
        return
    try:
        client.get(MEMBERS)
    except NotFound:
        return
    known = {email.lower() for email in accounts(client).values()}
    if missing := [f"{person.name} ({person.email})" for person in people if person.email.lower() not in known]:
        raise ConfigError(
            f"{len(missing)} of {len(people)} people lack an account at {client.url}, which has roles:"
            f" {', '.join(missing)}. Nothing was changed.",
            "Let them sign up there (Organization, Invite people), or correct annotators.people or annotators.file.",
        )


def ensure_members(client: Client, campaign: Campaign) -> bool:
    """Only those who work in a project may open it; False on a server that has no roles.

    Raises `StudioError` when the embedded server has none although they are asked for.
    """
    found = projects_of(client, campaign)
    emails = {slot: [email] for slot, email in owners_of(campaign, found).items()} | {
        REVIEW: [expert.email for expert in campaign.experts]
    }
    if campaign.is_shared:
        emails |= {slot: [person.email for person in campaign.people] for slot in found if is_for_all(slot)}
    projects = {str(project.id): emails.get(slot, []) for slot, project in found.items()}
    try:
        client.send("PUT", MEMBERS, None, msgspec.json.encode({"projects": projects}))
    except NotFound as e:
        if client.vault is not None and campaign.server.roles:
            raise StudioError(
                f"The embedded Label Studio at {client.url} lets everybody see and change everything.",
                "Stop it with `builder serve --stop` and start it again.",
            ) from e
        return False
    return True


def _create(client: Client, campaign: Campaign, slot: str) -> Project:
    try:
        made = client.tell(lambda sdk: sdk.projects.create(**_settings(campaign, slot)), _Listed)
    except Unreachable:
        # It may have been made before its answer got lost.
        if found := find_project(client, campaign, slot):
            return found
        raise
    # Another workspace may have made it at the same time: then everybody uses the first one, and ours is still empty.
    first = min(_marked(client, mark(campaign.dataset, slot)), default=made.id)
    if first < made.id:
        client.tell(lambda sdk: sdk.projects.delete(made.id))
    _note(client, campaign, slot, first)
    return _get(client, first)


def _settings(campaign: Campaign, slot: str) -> dict[str, Any]:
    return {
        "title": title(campaign.dataset, slot),
        "description": f"{campaign.description}\n\n{mark(campaign.dataset, slot)}".strip(),
        "label_config": page_of(slot, campaign.asked_of(owner_of(slot))),
        "maximum_annotations": overlap_in(slot, campaign.annotators),
        "expert_instruction": _FOR_EXPERTS if slot == REVIEW else "",
        "show_skip_button": True,
        "skip_queue": "REQUEUE_FOR_OTHERS" if campaign.annotators.after_skip == "another" else "IGNORE_SKIPPED",
        # "Nothing to mark" is an answer.
        "enable_empty_annotation": True,
        "show_collab_predictions": True,
        "sampling": "Uncertainty sampling" if campaign.suggestions.uncertain_first else "Sequential sampling",
    }


def _get(client: Client, project: int) -> Project:
    return client.ask(lambda sdk: sdk.projects.get(project), Project)


def _marked(client: Client, words: str) -> list[int]:
    return sorted(project.id for project in _listing(client) if words in (project.description or ""))


def _listing(client: Client) -> list[_Listed]:
    # Raw: the SDK takes any object for an empty page, and a project that is not seen would be made twice. Without
    # `include` the server counts the annotations of every project.
    found: list[_Listed] = []
    for number in itertools.count(1):
        asked: Params = {"page": number, "page_size": 1000, "include": "id,description"}
        page = client.get("api/projects/", asked, kind=_Page)
        found += page.results
        if len(found) >= page.count or not page.results:
            break
    return found


def _noted(client: Client, campaign: Campaign) -> dict[str, int]:
    notes: dict[str, dict[str, int]] = read_json(campaign.folder / "projects.json", dict[str, dict[str, int]]) or {}
    return notes.get(client.key, {})


def _note(client: Client, campaign: Campaign, slot: str, project: int) -> None:
    path, mine = campaign.folder / "projects.json", _noted(client, campaign)
    write_json(path, {**(read_json(path) or {}), client.key: {**mine, slot: project}})
