"""Faults between a command and a real Label Studio: spoilt requests and answers, killed commands and servers."""

import contextlib
import threading
import time
from typing import Any

from builder import pipeline, pull, push, restore, review
from builder.errors import BuilderError
from builder.questions import encode
from builder.studio.campaign import open_server
from builder.studio.embedded.server import find_server
from builder.studio.importing import import_tasks
from builder.studio.planning import PlannedTask
from tests.benchmarks.fault_bench import Bench, annotators, running, said
from tests.benchmarks.fault_child import Spoil, alone
from tests.benchmarks.fault_proxy import ANSWERS, ENDLESS, Fault, kill
from tests.conftest import Sample, sample
from tests.waiting import until

PROJECT = ("POST", r"/api/projects/(\?|$)")
IMPORT = ("POST", r"/api/projects/\d+/import")
TASKS = ("GET", "/api/tasks")
SAVE = ("POST", r"/api/tasks/\d+/annotations")
#: The requests of each command that are spoilt, and which of their kind.
PLACES = {
    "push": [(*PROJECT, 1), (*IMPORT, 1), (*IMPORT, 2), (*TASKS, 2)],
    "pull": [(*TASKS, 1), (*TASKS, 2), ("GET", "/api/users", 1)],
    "review": [(*PROJECT, 1), (*IMPORT, 1)],
    "restore": [(*TASKS, 1), (*SAVE, 1), (*SAVE, 3)],
}
COMMANDS = {"push": push, "pull": pull, "review": review, "restore": restore}


def spoilt_requests(bench: Bench) -> None:
    """Every kind of spoilt request and answer at every place of push, pull, review and restore."""
    for kind in (*ANSWERS, *ENDLESS):
        made = bench.dataset(timeout=4.0 if kind in ENDLESS else 20.0)

        def spoilt(command: str, kind: str = kind, made: Sample = made) -> None:
            with bench.spoiling(*(Fault(kind, *place) for place in PLACES[command])):
                bench.again(running(COMMANDS[command], made))

        spoilt("push")
        words: dict[str, Any] = {}
        with annotators(bench) as people:
            for author, stance in zip(people, ("favor", "against"), strict=True):
                words |= bench.annotate(made, author=author, stance=stance)
        spoilt("pull")
        spoilt("review")
        with bench.client() as manager:
            for annotation in words.values():
                manager.send("DELETE", f"api/annotations/{annotation['id']}/")
        spoilt("restore")
        bench.again(running(pull, made))
        bench.settle(made, set(words))
        bench.done(f"{kind}, while pushing, pulling, reviewing and restoring")


def late_requests(bench: Bench) -> None:
    """The server does the work after the client gave up: soon, or after everything was sent again."""
    for seconds in (2.0, 3.0, 5.0, 7.0):
        made = bench.dataset(timeout=1.0)
        with bench.spoiling(*(Fault("late", *IMPORT, nth, seconds) for nth in (1, 3))):
            bench.again(running(push, made))
            time.sleep(seconds + 1)
            bench.again(running(push, made))
        bench.again(running(pull, made))
        bench.settle(made, set())
        bench.done(f"import done {seconds:.0f} s late")


def killed_commands(bench: Bench) -> None:
    """The builder is killed -9 before and after requests of a push and of a pull, and between them."""
    moments = [("push", *PROJECT, 1)] + [("push", *IMPORT, nth) for nth in (1, 2)]
    moments += [("push", *TASKS, nth) for nth in (1, 2)] + [("pull", *TASKS, nth) for nth in (1, 2, 3)]
    for command, method, path, nth in moments:
        made = bench.dataset()
        words = _annotated(bench, made, command)
        for when in ("before", "after"):
            fault = Fault(f"kill client {when}", method, path, nth)
            with bench.spoiling(fault):

                def started(pid: int, fault: Fault = fault) -> None:
                    fault.act = kill(pid)

                alone(command, made.config, started=started)
        _finish(bench, made, words)
        bench.done(f"{command} killed before and after its {nth}. {method} {path}")
    for command in ("push", "pull"):
        for n in range(4, 40, 6):
            made = bench.dataset()
            words = _annotated(bench, made, command)
            bench.toll.faults += alone(command, made.config, Spoil("kill", n)).killed
            _finish(bench, made, words)
        bench.done(f"{command} killed between its requests")


def full_disks(bench: Bench) -> None:
    """A pull may write only so many bytes."""
    made = bench.dataset()
    words = _annotated(bench, made, "pull")
    pulls = made.config.dataset_folder / "pulls"
    for most in (0, 50, 200, 1_000, 2_000, 4_000, 6_000, 8_000):
        ended = alone("pull", made.config, Spoil("full", most))
        if not ended.error:
            bench.say(f"    never came: a disk that is full after {most} bytes")
            break
        bench.toll.faults += 1
        bench.toll.unseen += ended.defect
        bench.toll.changed += len(list(pulls.iterdir())) if pulls.exists() else 0
    _finish(bench, made, words)
    bench.done("disk full while pulling")


def _annotated(bench: Bench, made: Sample, command: str) -> dict[str, Any]:
    """Before a pull, the tasks are there and some are annotated."""
    if command == "push":
        return {}
    push(made.config)
    return bench.annotate(made)


def _finish(bench: Bench, made: Sample, words: dict[str, Any]) -> None:
    bench.again(running(push, made))
    words = words or bench.annotate(made)
    bench.again(running(pull, made))
    bench.settle(made, set(words))
    bench.toll.changed += len(list((made.config.dataset_folder / "pulls").glob(".*")))


def killed_servers(bench: Bench) -> None:
    """Label Studio is killed -9 in the middle of an import, and started again."""
    vault = pipeline.campaign(bench.embedded).vault
    for seconds in (0.0, 0.01, 0.02, 0.05):
        made = bench.dataset()
        record = vault.server()
        assert record is not None
        with bench.spoiling(Fault("kill server", *IMPORT, 2, seconds, kill(record["pid"]))):
            with contextlib.suppress(BuilderError):
                push(made.config)
            until(lambda: find_server(vault) is None, "the end of the server")
            bench.direct = open_server(pipeline.campaign(bench.embedded))
            bench.proxy.upstream = bench.direct.url
        _finish(bench, made, {})
        bench.done(f"server killed {1000 * seconds:.0f} ms into an import")


def busy_annotators(bench: Bench) -> None:
    """People save while imports with predictions run on SQLite, where the server may drop predictions in silence."""
    for _ in range(3):
        made = bench.dataset()
        push(made.config)
        stop, words = threading.Event(), set[str]()

        def save(made: Sample = made, stop: threading.Event = stop, words: set[str] = words) -> None:
            while not stop.is_set():
                words.update(bench.annotate(made, tasks=4))

        saver = threading.Thread(target=save)
        saver.start()
        more = sample(bench.folder / "more", made.config.dataset.name, 240)
        articles = {a["article_id"]: {"published": None, **a} for a in more.articles}
        plan = {}
        for chunk in more.chunks:
            data = encode.task(chunk, articles[chunk["article_id"]], more.config.labels)
            plan[chunk["chunk_id"]] = PlannedTask(data, [{"model_version": "m", "result": said("?")}])
        with bench.client() as client:
            client.settings.batch_bytes = 16 << 10
            outcome = import_tasks(client, project := bench.project_of(made), plan)
            stop.set()
            saver.join()
            asked = {"project": project, "page_size": 1000, "include": "id,data,total_predictions"}
            listed = client.get("api/tasks", asked)["tasks"]
        # The first chunks were there, and annotated, before they got predictions.
        first = {chunk["chunk_id"] for chunk in made.chunks}
        without = [t for t in listed if t["data"]["chunk_id"] in plan and t["total_predictions"] != 1]
        bench.toll.lost += len([t for t in without if t["data"]["chunk_id"] not in first])
        bench.toll.faults += outcome.requests
        made.chunks = more.chunks
        bench.again(running(pull, made))
        bench.settle(made, words)
        repaired = outcome.predictions_repaired
        bench.done(f"{outcome.requests} imports beside {len(words)} saves, {repaired} repaired")
