"""Tasks of a pull become rows: annotations, spans, answers, windows, and an issue for everything that was odd.

Spans leave in article coordinates. Nothing is dropped in silence: what cannot be decoded is kept as it came in the
message of an issue, and an annotation that cannot be read with certainty is quarantined.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType

import msgspec

from builder.errors import StoreError
from builder.memory import uncollected
from builder.questions import raw
from builder.questions.kind import kinds
from builder.questions.raw import Annotation, Choices, Item, Prediction, Region
from builder.questions.reading import Asked, Dispatch, Reading, read_plain
from builder.questions.rows import Decoded, Rows
from builder.scheme import Scheme

UNKNOWN = "annotator-unknown"
_NO_PROBLEMS: list[str] = []
#: What an issue with an item of a suggestion would quote; nobody reads those.
_NOT_SHOWN = b'{"annotations": [{"result": null}]}'


def pseudonym(salt: bytes, email: str, given: Mapping[str, str] = MappingProxyType({})) -> str:
    """The name under which an annotator appears everywhere: as `given` by address, or unreadable without the salt.

    >>> pseudonym(b"salt", "ana@example.com") == pseudonym(b"salt", " Ana@example.com")
    True
    """
    email = email.strip().lower()
    return given.get(email) or "annotator-" + hmac.new(salt, email.encode(), hashlib.sha256).hexdigest()[:6]


def decode(
    tasks: Path | Iterable[bytes],
    users: Mapping[int, str],
    salt: bytes,
    scheme: Scheme,
    pull: str,
    owners: Mapping[int, str] = MappingProxyType({}),
    asked: Mapping[int, Asked] = MappingProxyType({}),
    given: Mapping[str, str] = MappingProxyType({}),
    former: Mapping[int, str] = MappingProxyType({}),
) -> Decoded:
    """Tables of every annotation, draft, skip and window in a pull: one line per task; `users` are id to e-mail.

    `owners` are the e-mail addresses of those who have a project of their own, and `asked` what is known of its page
    (see `Dispatch`), by the project's id. `given` are pseudonyms by address, and `former` names of people who had a
    project of their own and left. An annotation without an author, whose account was deleted before the first pull, is
    that person's.

    Labels of earlier versions of the scheme leave under their present names. Drafts and skips are rows of
    annotations without spans and answers: they are no judgement. Skips keep their problems and comment. What
    was made on a review task has as `parent_id` the annotations shown there, space-separated; a draft has the one that
    it would change. Raises `StoreError` when two people would share a pseudonym.
    """
    decoder = _Decoder(users, partial(pseudonym, salt, given=given), scheme, pull)
    decoder.owners = {project: decoder.name(email) for project, email in owners.items()}
    decoder.unnamed = {project: decoder.name(f"former {name}") for project, name in former.items()} | decoder.owners
    decoder.asked = asked
    with uncollected():
        if isinstance(tasks, Path):
            with tasks.open("rb") as lines:
                return decoder.read(lines)
        return decoder.read(tasks)


class _Decoder:
    def __init__(self, users: Mapping[int, str], name: Callable[[str], str], scheme: Scheme, pull: str) -> None:
        self.rows = Rows()
        #: What the suggestions say, as if each annotation had taken over its own; and their models and scores.
        self.suggested = Rows()
        self.models: list[tuple[str, str | None, float | None]] = []
        self.scheme, self.name, self.pull = scheme, name, pull
        self.owners: Mapping[int, str] = {}
        #: By project, whose an annotation without an author is.
        self.unnamed: Mapping[int, str] = {}
        self.asked: Mapping[int, Asked] = {}
        self.dispatch = lru_cache(256)(self._dispatch)
        self.noticed: set[str] = set()
        self.people = {number: name(email) for number, email in users.items()}
        if len(set(self.people.values())) < len({email.strip().lower() for email in users.values()}):
            raise StoreError(
                "Two annotators would get the same pseudonym.",
                "Delete pseudonyms.key in the workspace: new names are drawn for everybody.",
            )

    def read(self, lines: Iterable[bytes]) -> Decoded:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                task = raw.parse_task(line)
            except (ValueError, RecursionError) as e:
                message = f"line {number} is no task of this builder: {e}"
                self.rows.issue(check="foreign-task", severity="error", message=message)
                continue
            self.rows.window(task.data)
            version = (task.data.scheme or "").rpartition("@")[2]
            dispatch = self.dispatch(version, tuple(task.data.targets or ()), task.project)
            for n in range(len(task.annotations)):
                self.annotation(line, task, n, dispatch)
            for draft in task.drafts:
                self.draft(task, draft, version)
        return self.rows.tables(self.suggested, self.models)

    def annotation(self, line: bytes, task: raw.Task, number: int, dispatch: Dispatch) -> None:
        """Adds one submitted or skipped annotation."""
        made = task.annotations[number]
        annotator = self.who(made.completed_by)
        unknown = annotator == UNKNOWN
        if unknown:
            annotator = self.unnamed.get(task.project, UNKNOWN)
        problems, comment, quarantined = _NO_PROBLEMS, None, False
        if unknown or not read_plain(self.rows, dispatch, task.data, made.result):
            reading = Reading(self.rows, dispatch, task, line, number, annotator).read()
            if unknown:
                whose = "all such annotations of a chunk count as one annotator's"
                if annotator != UNKNOWN:
                    whose = "it counts as that of the annotator whose project it is in"
                reading.issue("unknown-annotator", "warning", "completed_by", f"nobody is named: {whose}")
            problems, comment, quarantined = reading.problems, reading.comment, reading.quarantined
        state = "skipped" if made.was_cancelled else "labelled" if made.result else "labelled-empty"
        data = task.data
        parent = f"{task.project}:{made.parent_annotation}" if made.parent_annotation else None
        prediction = outcome(made, task.predictions, dispatch.span_kinds) if task.predictions else "none"
        row = (
            f"{task.project}:{made.id}", task.id, task.project, data.chunk_id, data.article_id, annotator, state,
            prediction, bool(made.ground_truth), problems, comment, made.created_at,
            made.updated_at, made.lead_time, dispatch.version, self.pull,
            parent if data.review_of is None else " ".join(data.review_of), quarantined,
            self.who(made.updated_by) if made.updated_by else None, self.owners.get(task.project),
        )  # fmt: skip
        self.rows.annotation(row, not made.was_cancelled)
        if prediction != "none" and (found := suggestion_for(made, task.predictions)):
            # What is odd in it is no fault of the annotator.
            if not read_plain(self.suggested, dispatch, data, found.result):
                asked = msgspec.structs.replace(task, annotations=[raw.Annotation(id=found.id, result=found.result)])
                Reading(self.suggested, dispatch, asked, _NOT_SHOWN, 0, annotator).read()
            self.suggested.annotation(row, True)
            self.models.append((row[0], found.model_version, found.score))

    def _dispatch(self, version: str, targets: tuple[str, ...], project: int) -> Dispatch:
        found = Dispatch(self.scheme, version, targets, project, self.asked.get(project))
        for question in kinds(self.scheme):
            question.read(found)
        for message in found.notices:
            if message not in self.noticed:
                self.noticed.add(message)
                self.rows.issue(check="not-asked", severity="info", message=message)
        return found

    def draft(self, task: raw.Task, draft: raw.Draft, version: str) -> None:
        """Adds work that was not submitted."""
        annotator = self.name(draft.user) if isinstance(draft.user, str) else self.who(draft.user)
        parent = f"{task.project}:{draft.annotation}" if draft.annotation else None
        self.rows.annotation(
            (
                f"{task.project}:draft:{draft.id}", task.id, task.project, task.data.chunk_id, task.data.article_id,
                annotator, "draft", "none", False, [], None, draft.created_at, draft.updated_at, draft.lead_time,
                version, self.pull, parent, False, None, self.owners.get(task.project),
            ),
            False,
        )  # fmt: skip

    def who(self, user: int | raw.Person | None) -> str:
        """The annotator's pseudonym. Each deleted account has one of its own, by its id."""
        number = user.id if isinstance(user, raw.Person) else user
        if number is None:
            return UNKNOWN
        if number not in self.people:
            self.people[number] = self.name(f"user {number}")
        return self.people[number]


def outcome(annotation: Annotation, predictions: Sequence[Prediction], kinds: Mapping[str, str]) -> str:
    """`none` when nothing was suggested; otherwise `accepted`, `edited` or `rejected`.

    Found by comparing results, because the server's own marks of origin are wrong after edits.
    Only what the suggestion is about is compared: a kind of span, or one control. Accepted: the annotation says exactly
    what was suggested. Rejected: nothing that was suggested is left. Edited: anything between. A skip judges nothing.
    `kinds` is the kind of span by label.
    """
    if annotation.was_cancelled:
        return "none"
    suggestion = suggestion_for(annotation, predictions)
    suggested = facts(suggestion.result, kinds) if suggestion else set()
    if not suggested:
        return "none"
    about = {fact[0] for fact in suggested}
    kept = {fact for fact in facts(annotation.result, kinds) if fact[0] in about}
    if kept == suggested:
        return "accepted"
    return "edited" if kept & suggested else "rejected"


def facts(items: Iterable[Item], kinds: Mapping[str, str]) -> set[tuple[object, ...]]:
    """What results say, without ids, origins and order: (kind of span, interval, label), (control, answer)."""
    places = {i.id: (i.value.start, i.value.end) for i in items if isinstance(i, Region)}
    said: set[tuple[object, ...]] = set()
    for i in items:
        if isinstance(i, Region):
            place = (i.value.start, i.value.end)
            said.update((kinds.get(label, i.from_name), *place, label) for label in i.value.labels)
        elif isinstance(i, Choices):
            said.update((i.from_name, *places.get(i.id, ()), answer) for answer in i.value.choices)
    return said


def suggestion_for(annotation: Annotation, predictions: Sequence[Prediction]) -> Prediction | None:
    """The prediction it was made from, or else the newest one there was when it was made."""
    for prediction in predictions:
        if prediction.id == annotation.parent_prediction:
            return prediction
    made = annotation.created_at
    earlier = [p for p in predictions if made is None or _stamp(p.created_at) <= _stamp(made)]
    return max(earlier, key=lambda p: (_stamp(p.created_at), p.id), default=None)


def _stamp(time: datetime | None) -> float:
    return time.timestamp() if time else 0.0
