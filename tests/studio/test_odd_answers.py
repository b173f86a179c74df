"""Whatever a server answers, anywhere in its JSON, ends in a result or in one line that says what is wrong."""

import copy
import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import msgspec
import pytest

from builder import studio
from builder.errors import BuilderError
from builder.quality.review_cases import ReviewCase
from builder.studio.pull import pull
from builder.studio.push import push
from builder.studio.review import reopen, send_review
from builder.studio.saving import restore
from builder.studio.serving import annotation_progress
from builder.studio.settings import Annotators, Suggestions
from tests.studio.test_scheme_changes import BEFORE, RENAMED, said

Place = tuple[str | int, ...]
#: The field or item is missing.
MISSING = object()
#: Taken in turn, so that places get one of them each.
ODD = [None, "x", MISSING, {}, [[]], 7, 2**70, MISSING, [None], "\ud800", -1, MISSING, {"a": {}}, True, ""]
#: Answers that every action reads alike, so that one of them is enough.
SAME = re.compile("/api/(version|users/|builder/members|invite|projects/|projects/N/|dm/views)")


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a JSON value; of a list, its first item."""
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*at, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*at, 0))


def with_odd(value: Any, at: Place, odd: Any) -> Any:
    """The value with something else in a place, where it has that place."""
    if not at:
        return odd
    if isinstance(value, dict) and at[0] in value:
        rest = {key: kept for key, kept in value.items() if key != at[0] or odd is not MISSING or at[1:]}
        return {**rest, at[0]: with_odd(value[at[0]], at[1:], odd)} if at[0] in rest else rest
    if isinstance(value, list) and value and at[0] == 0:
        if odd is MISSING and not at[1:]:
            return value[1:]
        return [with_odd(value[0], at[1:], odd), *value[1:]]
    return value


@pytest.fixture
def campaign(make_world: Callable[..., Any]) -> Any:
    """Four chunks; annotated, skipped, with a draft and with predictions, under the names of an earlier scheme."""
    people = Annotators(overlap=2, people={name: f"{name}@example.org" for name in ("ada", "ben")})
    world = make_world(annotators=people, scheme=BEFORE, retries=0)
    ada, ben = (world.fake.add_user(email)["id"] for email in people.people.values())
    world.fake.members = {}
    push(world.campaign, world.chunks, world.articles)
    first, second, third, _ = (task["id"] for task in world.fake.of(world.project()))
    made = world.fake.annotate(first, said("GPE"), user=ada)
    world.fake.annotate(second, [], user=ben, was_cancelled=True)
    world.fake.draft(first, said("ORG"), user=ada, annotation=made["id"])
    world.fake.draft(third, said("ORG"), user=ada)
    world.fake.predict(third, result=said("GPE"), model_version="old")
    world.annotation = f"{world.project()}:{made['id']}"
    return world


def renaming(world: Any) -> None:
    world.campaign.scheme = RENAMED
    world.campaign.suggestions = Suggestions(method="gazetteer", alias_label="ORG")
    push(world.campaign, world.chunks, world.articles)


def reviewing(world: Any) -> None:
    chunk = world.chunks[0]
    data = {chunk["chunk_id"]: {name: chunk[name] for name in ("chunk_id", "start", "text")}}
    send_review(world.campaign, [ReviewCase(chunk["chunk_id"], "- They differ.", [world.annotation], [])], data)


ACTIONS: dict[str, Callable[[Any], Any]] = {
    "push": renaming,
    "dry push": lambda world: push(world.campaign, world.chunks, world.articles, dry_run=True),
    "pull": lambda world: pull(world.campaign),
    "full pull": lambda world: pull(world.campaign, full=True),
    "restore": lambda world: restore(world.campaign, world.kept.folder),
    "reopen": lambda world: reopen(world.campaign, world.kept.folder, {"ada": [world.annotation]}),
    "review": reviewing,
    "status": lambda world: annotation_progress(world.campaign),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_no_answer_is_too_odd(campaign: Any, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    fake = campaign.fake
    campaign.kept = pull(campaign.campaign)
    if action == "restore":
        fake.tasks[1]["annotations"].clear()
    before = copy.deepcopy((fake.projects, fake.tasks, fake.views, fake.members, fake._ids, fake._summary))
    files = {path: path.read_bytes() for path in campaign.campaign.folder.rglob("*") if path.is_file()}
    scheme, act = campaign.campaign.scheme, fake._act
    answers: dict[tuple[str, str], Any] = {}
    changed: list[tuple[tuple[str, str], Place, Any]] = []

    def answer(handler: Any, method: str, path: str, *rest: Any, **more: Any) -> tuple[int, Any]:
        status, body = act(handler, method, path, *rest, **more)
        kind = method, re.sub(r"\d+", "N", path)
        if status < 300 and not isinstance(body, str):
            # An empty list has no places.
            answers[kind] = max(answers.get(kind, body), body, key=lambda known: len(json.dumps(known)))
            for which, place, odd in changed:
                body = with_odd(body, place, odd) if which == kind else body
        return status, body

    def run() -> None:
        state = copy.deepcopy(before)
        fake.projects, fake.tasks, fake.views, fake.members, fake._ids, fake._summary = state
        for path in [path for path in campaign.campaign.folder.rglob("*") if path.is_file()]:
            path.write_bytes(files[path]) if path in files else path.unlink()
        campaign.campaign.scheme, campaign.campaign.suggestions = scheme, Suggestions()
        ACTIONS[action](campaign)

    monkeypatch.setattr(fake, "_act", answer)
    run()
    kinds = [kind for kind in answers if action == "push" or not SAME.fullmatch(kind[1])]
    wanted = [(kind, place) for kind in kinds for place in places(copy.deepcopy(answers[kind]))]
    wanted = wanted[:: 1 + len(wanted) // 80]
    assert len(wanted) > 10
    lines = []
    for number, (kind, place) in enumerate(wanted):
        odd = ODD[number % len(ODD)] if place else None
        changed[:] = [(kind, place, odd)]
        try:
            run()
        except BuilderError as e:
            lines.append(str(e))
        except Exception as e:
            raise AssertionError(f"{kind} with {odd!r} at {place}") from e
    assert len(lines) > len(wanted) / 8, "the answers did not arrive"
    assert not [line for line in lines if "\n" in line]


def test_what_nobody_said_or_counted_yet_is_nothing() -> None:
    """Of all that answers are read into, and of all that commands count."""
    kinds: list[Any] = [
        kind
        for found in iter_modules(studio.__path__)
        for kind in vars(import_module(f"builder.studio.{found.name}")).values()
        if isinstance(kind, type) and kind.__module__ == f"builder.studio.{found.name}" and found.name != "settings"
    ]
    given: dict[str, Any] = {}
    for kind in kinds:
        if dataclasses.is_dataclass(kind):
            of: Any = dataclasses.fields(kind)
            unset: Any = dataclasses.MISSING
        elif issubclass(kind, msgspec.Struct):
            of, unset = msgspec.structs.fields(kind), msgspec.NODEFAULT
        else:
            continue
        for one in of:
            default = one.default if one.default_factory is unset else one.default_factory()
            if default and isinstance(default, (int, float, str, tuple, list, dict, set)):
                given[f"{kind.__name__}.{one.name}"] = default
    assert given == {"Annotator.role": "annotator", "Annotator.active": True}
