"""What is to be pushed: which chunk goes into which project, as which task, and who annotates it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from builder.errors import ConfigError, SourceError
from builder.questions import encode
from builder.questions.migrate import changes, used
from builder.scheme import Scheme
from builder.store import read_json, write_json
from builder.studio.campaign import Campaign
from builder.studio.client import Client
from builder.studio.projects import SHARED, former_slots, is_for_all, overlap_in, projects_of
from builder.studio.settings import Annotators, share_of
from builder.studio.tasks import ProjectTasks, tasks_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class PlannedTask:
    """One task to be: what it shows, and its predictions."""

    data: Mapping[str, Any]
    predictions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """Its import as JSON."""
        said = {"predictions": self.predictions} if self.predictions else {}
        return msgspec.json.encode({"data": self.data, **said})


@dataclass
class Plan:
    """Planned tasks by slot and chunk id, who annotates what, and what cannot be pushed."""

    slots: dict[str, dict[str, PlannedTask]]
    #: Chunk id -> names of annotators; empty when anyone takes the next chunk.
    assigned: dict[str, list[str]] = field(default_factory=dict)
    #: Rows of REJECTS.
    rejects: list[dict[str, object]] = field(default_factory=list)


def plan_tasks(
    campaign: Campaign,
    chunks: Sequence[Row],
    articles: Sequence[Row],
    suggested: Mapping[str, list[dict[str, Any]]] = MappingProxyType({}),
    everyone: Collection[str] = (),
    answers: Mapping[str, ProjectTasks] = MappingProxyType({}),
    keep: bool = True,
) -> Plan:
    """The tasks of all projects, in the order of the chunks.

    `suggested` are predictions by chunk id. With one project per annotator, each annotator gets the chunks in
    `everyone`, whatever the overlap. Who annotates what is written to `assignment.json` and stays so, unless `keep` is
    false. `answers` are the tasks that are in projects already (see `answers_so_far`): what annotators who left did not
    answer goes to others, and with `annotators.after_skip=another` what anybody skipped.
    """
    by_id = {article["article_id"]: article for article in articles}
    tasks: dict[str, PlannedTask] = {}
    made = Plan({})
    for chunk in chunks:
        number, article = chunk["chunk_id"], by_id[chunk["article_id"]]
        own = article.get("targets")
        data = encode.task(chunk, article, campaign.scheme, targets=own, selection=campaign.selection)
        if reason := unstorable(data):
            detail = f"the task of chunk {number} holds a character that Label Studio cannot store"
            of = {"article_id": chunk["article_id"], "chunk_id": number, "reason": reason, "detail": detail}
            made.rejects.append(
                {"stage": "push", "source_path": article["source_path"], "record": article["record"], **of}
            )
        else:
            tasks[number] = PlannedTask(data, suggested.get(number, []))
    if not campaign.is_shared or campaign.annotators.kind == "recorded":
        languages = {chunk_id: by_id[task.data["article_id"]].get("language") for chunk_id, task in tasks.items()}
        made.assigned = _assigned(campaign, tasks, languages, answers, keep)
    if campaign.is_shared:
        made.slots = {} if tasks else {SHARED: tasks}
        for chunk_id, overlap in overlaps_of(campaign.annotators, tasks).items():
            # A task stays in its project. Where more annotators are wanted since, another project asks for the rest.
            slots = [slot for slot, there in answers.items() if chunk_id in there.by_chunk]
            lacking = overlap - sum(overlap_in(slot, campaign.annotators) for slot in slots)
            if lacking > 0:
                usual = lacking == campaign.annotators.overlap and SHARED not in slots
                slots.append(SHARED if usual else f"{SHARED}/{lacking}")
            for slot in slots:
                made.slots.setdefault(slot, {})[chunk_id] = tasks[chunk_id]
    else:
        names = [annotator.name for annotator in campaign.people]
        made.assigned |= {chunk_id: names for chunk_id in everyone if chunk_id in tasks}
        made.slots = {name: {} for name in names}
        asked = {name: campaign.asked_of(name) for name in names}
        for chunk_id, task in tasks.items():
            for name in made.assigned[chunk_id]:
                shown = _within(task, asked[name], campaign.scheme) if name in asked else task
                made.slots.setdefault(name, {})[chunk_id] = shown
    return made


def _within(task: PlannedTask, asked: Scheme, scheme: Scheme) -> PlannedTask:
    """The task without suggestions of what its annotator is not asked for."""
    if asked is scheme:
        return task
    hidden = changes(scheme, asked)

    def kept(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
        gone = {item["id"] for item in result if used([item], scheme, hidden)}
        return [item for item in result if item["id"] not in gone]

    return replace(task, predictions=[made | {"result": kept(made["result"])} for made in task.predictions])


def overlaps_of(settings: Annotators, chunk_ids: Iterable[str]) -> dict[str, int]:
    """How many annotators each chunk should have; raises `SourceError` when a file of chunk ids cannot be read."""
    rules: list[tuple[Callable[[str], bool], int]] = []
    for name, overlap in settings.overlaps.items():
        share = share_of(name)
        if share is not None:
            rules.append((partial(_is_drawn, share), overlap))
            continue
        try:
            listed = frozenset(Path(name).read_text(encoding="utf-8").split())
        except (OSError, UnicodeDecodeError) as e:
            raise SourceError(f"annotators.overlaps cannot be read: {e}.", "Correct the path, or write 10%.") from e
        rules.append((listed.__contains__, overlap))
    return {chunk: next((overlap for holds, overlap in rules if holds(chunk)), settings.overlap) for chunk in chunk_ids}


def _is_drawn(share: float, chunk_id: str) -> bool:
    return int(hashlib.sha256(f"overlap {chunk_id}".encode()).hexdigest()[:8], 16) < share * 2**32


def answers_so_far(client: Client, campaign: Campaign) -> dict[str, ProjectTasks]:
    """The tasks in the projects of annotators who left, and of all where what was skipped goes to others.

    In the shared layout, those of all projects where chunks have different overlaps.
    """
    every = projects_of(client, campaign)
    names = former_slots(campaign, every)
    if campaign.is_shared:
        names = {slot for slot in every if is_for_all(slot)}
        if names <= {SHARED} and not campaign.annotators.overlaps:
            return {}
    elif campaign.annotators.after_skip == "another":
        names |= {person.name for person in campaign.people} & every.keys()
    return {name: tasks_of(client, every[name].id) for name in sorted(names)}


def unstorable(data: Mapping[str, Any]) -> str:
    """Why Label Studio cannot store these strings, or nothing.

    It drops NUL characters, which shifts every offset after them; and one lone surrogate makes every listing of its
    project fail.

    >>> unstorable({"text": "a" + chr(0)}), unstorable({"text": chr(0xD800)}), unstorable({"text": "é"})
    ('nul-character', 'lone-surrogate', '')
    """
    texts = [text for value in data.values() for text in (value if isinstance(value, list) else [value])]
    whole = "".join(text for text in texts if isinstance(text, str))
    if "\0" in whole:
        return "nul-character"
    return "lone-surrogate" if any("\ud800" <= c <= "\udfff" for c in whole) else ""


def assign_chunks(
    sizes: Mapping[str, int],
    annotators: Sequence[str],
    overlaps: Mapping[str, int],
    earlier: Mapping[str, Sequence[str]],
    reads: Callable[[str, str], bool] = lambda name, chunk: True,
) -> dict[str, list[str]]:
    """Chunk id -> the annotators who get it, as many as `overlaps` says, with equal shares of the text up to one chunk.

    `sizes` are the chunks' lengths in code points. The `earlier` assignment stays, also for annotators who are not
    among these; a chunk with too few annotators gets more, of those who read its language. The result does not depend
    on the order of the arguments.

    >>> assign_chunks({"a": 5, "b": 5, "c": 5}, ["x", "y", "z"], {"a": 1, "b": 1, "c": 1}, {"a": ["x"]})
    {'a': ['x'], 'b': ['z'], 'c': ['y']}
    """
    plan = {chunk: list(earlier.get(chunk, ())) for chunk in sizes}
    load = {name: sum(sizes[chunk] for chunk, names in plan.items() if name in names) for name in annotators}
    # Long chunks first, so that short ones are left to even out the shares.
    for chunk in sorted(sizes, key=lambda c: (-sizes[c], c)):
        names = plan[chunk]
        # Ties are broken without a bias toward the first in the alphabet.
        drawn = {
            name: hashlib.sha256(f"{chunk} {name}".encode()).digest()
            for name in load
            if name not in names and reads(name, chunk)
        }
        free = sorted(drawn, key=lambda name: (load[name], drawn[name]))
        for name in free[: max(0, overlaps[chunk] - len(names))]:
            names.append(name)
            load[name] += sizes[chunk]
        names.sort()
    return dict(sorted(plan.items()))


def _assigned(
    campaign: Campaign,
    tasks: Mapping[str, PlannedTask],
    languages: Mapping[str, str | None],
    answers: Mapping[str, ProjectTasks],
    keep: bool,
) -> dict[str, list[str]]:
    path = campaign.folder / "assignment.json"
    earlier: dict[str, list[str]] = read_json(path, dict[str, list[str]]) or {}
    names = [annotator.name for annotator in campaign.people]
    if not campaign.is_shared:
        answered = {name: there.answered() for name, there in answers.items()}
        earlier = {
            chunk_id: [name for name in some if name in names or chunk_id in answered.get(name, ())]
            for chunk_id, some in earlier.items()
        }
    sizes = {chunk_id: len(task.data["text"]) for chunk_id, task in tasks.items()}
    wanted = overlaps = overlaps_of(campaign.annotators, tasks)
    if campaign.annotators.after_skip == "another" and not campaign.is_shared:
        skipped = Counter(chunk for there in answers.values() for chunk in there.skipped())
        wanted = {chunk: overlap + skipped[chunk] for chunk, overlap in wanted.items()}
    known = {person.name: person.languages for person in campaign.people}

    def reads(name: str, chunk: str) -> bool:
        return not known[name] or not languages.get(chunk) or languages[chunk] in known[name]

    made = assign_chunks(sizes, names, wanted, earlier, reads)
    if short := [c for c, overlap in overlaps.items() if len(made[c]) < overlap and languages.get(c)]:
        raise ConfigError(
            f"{len(short)} chunks have fewer annotators who read them than their overlap, such as {short[0]} in"
            f" {languages[short[0]]}.",
            "Give more annotators that language, or select other articles (source.languages).",
        )
    # Written before anything is pushed, so that a stop in between changes nothing.
    if keep and made != {k: v for k, v in earlier.items() if k in made}:
        write_json(path, {**earlier, **made})
    return made
