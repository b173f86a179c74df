"""Faults that people make: annotators who try what is not theirs, managers who delete and change others' work.

What an annotator tries must be refused. What a manager does must show in the next pull; after `builder push` and
`builder restore`, what was deleted is on the server again, once.
"""

import json
from collections.abc import Callable
from typing import Any

from builder.commands.annotation import pull, push, restore
from builder.errors import BuilderError
from builder.studio.client import Client
from builder.studio.embedded.server import StudioServer
from builder.studio.people import ensure_accounts, people_of
from builder.studio.pull import Pulled
from builder.studio.settings import Annotators, LabelStudio
from tests.benchmarks.fault_bench import Bench, annotators, said

#: Annotations that a manager spoils before one pull.
SPOILT = 12
ROUNDS = 5

Tried = tuple[str, str, Any]


def ensure_people(server: StudioServer) -> None:
    """The annotators of the datasets have accounts."""
    assert server.vault is not None
    with Client(server, LabelStudio()) as client:
        ensure_accounts(server.vault, client, people_of(Annotators(overlap=2)))


def curious_annotators(bench: Bench) -> None:
    """One annotator tries to see and change what is another's, and what is the manager's."""
    for _ in range(ROUNDS):
        made = bench.dataset()
        push(made.config)
        project = bench.project_of(made)
        with annotators(bench) as (ada, ben):
            words = bench.annotate(made, author=ada)
            theirs = next(iter(words.values()))
            for method, path, body in _tried(project, theirs):
                bench.toll.faults += 1
                try:
                    ben.send(method, path, None, None if body is None else json.dumps(body).encode())
                except BuilderError:
                    continue
                bench.toll.unseen += 1
                bench.say(f"    was let through: {method} {path}")
        bench.again(lambda made=made: pull(made.config))
        bench.settle(made, set(words))
        bench.done("things tried that are another's")


def _tried(project: int, theirs: dict[str, Any]) -> list[Tried]:
    annotation, task = f"api/annotations/{theirs['id']}/", f"api/tasks/{theirs['task']}/"
    members = {"projects": {str(project): []}}
    return [
        ("GET", annotation, None),
        ("PATCH", annotation, {"result": []}),
        ("PATCH", annotation, {"was_cancelled": True}),
        ("PUT", annotation, {"result": []}),
        ("DELETE", annotation, None),
        ("POST", f"{task}annotations/", {"result": [], "completed_by": theirs["completed_by"]}),
        ("POST", f"{task}annotations/", {"result": [], "ground_truth": True}),
        ("PATCH", task, {"data": {"text": "changed"}}),
        ("DELETE", task, None),
        ("PATCH", f"api/projects/{project}/", {"label_config": "<View></View>"}),
        ("PATCH", f"api/projects/{project}/", {"maximum_annotations": 9}),
        ("DELETE", f"api/projects/{project}/", None),
        ("POST", f"api/projects/{project}/import", [{"text": "mine"}]),
        ("GET", f"api/projects/{project}/export?exportType=JSON", None),
        ("POST", f"api/dm/actions?id=delete_tasks&project={project}", {"selectedItems": {"all": True}}),
        ("PUT", "api/builder/members", members),
    ]


def meddling_managers(bench: Bench) -> None:
    """A manager deletes and changes what others said, and deletes tasks: before the first, and a full, pull."""
    for full in (False, True):
        for name, (spoil, seen) in SPOILS.items():
            made = bench.dataset()
            push(made.config)
            with annotators(bench) as (ada, _):
                words = bench.annotate(made, SPOILT + 2, ada)
            kept = pull(made.config)
            spoilt = list(words.items())[:SPOILT]
            with bench.client() as manager:
                for word, theirs in spoilt:
                    spoil(manager, theirs, word)
            bench.toll.faults += SPOILT
            found = pull(made.config, full=full)
            bench.toll.unseen += SPOILT - seen(found)
            if name != "changed":
                push(made.config)
                made.config.dataset.pull = kept.hash
                restore(made.config)
                made.config.dataset.pull = ""
                pull(made.config)
                bench.settle(made, set(words))
            bench.done(f"{name} by a manager, {'full' if full else 'incremental'} pull")


def _delete(manager: Client, theirs: dict[str, Any], word: str) -> None:
    manager.send("DELETE", f"api/annotations/{theirs['id']}/")


def _delete_task(manager: Client, theirs: dict[str, Any], word: str) -> None:
    manager.send("DELETE", f"api/tasks/{theirs['task']}/")


def _change(manager: Client, theirs: dict[str, Any], word: str) -> None:
    manager.patch(f"api/annotations/{theirs['id']}/", {"result": said(f"not {word}")})


def _by_others(pulled: Pulled) -> int:
    lines = (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines()
    every = [made for line in lines for made in json.loads(line)["annotations"]]
    return sum(made["updated_by"] not in (None, made["completed_by"]) for made in every)


#: What a manager does to an annotation, and how many of them the next pull shows.
SPOILS: dict[str, tuple[Callable[[Client, dict[str, Any], str], None], Callable[[Pulled], int]]] = {
    "deleted": (_delete, lambda pulled: len(pulled.losses.annotations)),
    "task deleted": (_delete_task, lambda pulled: len(pulled.losses.tasks)),
    "changed": (_change, _by_others),
}
