"""Injects a fixed list of faults into push and pull on a real Label Studio, and counts what was lost or doubled.

    python -m tests.benchmarks.faults            all of them, some ten minutes
    python -m tests.benchmarks.faults kill       those whose name holds the word

Each scenario has a dataset of its own. After its faults the same command is run again until it succeeds, as a person
would; then every chunk must be exactly one task, every annotation present once, and the pull the same bytes as one
made without any disturbance. What people do to one another's work must be refused, or show in the next pull. The last
line reads `N faults: 0 lost, 0 doubled, 0 changed, 0 unseen`. Fewer than 250 of the whole list are a failure
too: some did not come to pass.
"""

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder import pipeline, pull, push
from builder.config import Config
from builder.errors import BuilderError
from builder.studio.campaign import open_server
from builder.studio.client import Client
from builder.studio.embedded.server import StudioServer, find_server
from builder.studio.projects import find_project, projects_of
from builder.studio.pull import pull_projects
from builder.studio.settings import Annotators, LabelStudio
from tests.benchmarks.fault_people import curious_annotators, ensure_people, meddling_managers
from tests.benchmarks.fault_proxy import KINDS, Fault, FaultProxy, kill
from tests.conftest import Sample, sample

CHUNKS = 24
FEWEST = 250
ATTEMPTS = 8
IMPORT = ("POST", "/api/projects/", 2)  # the first POST there makes the project
TASKS = ("GET", "/api/tasks")


@dataclass
class Toll:
    """What the faults cost."""

    faults: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    unseen: int = 0
    reruns: int = 0


@dataclass
class Bench:
    """The real server, the proxy before it, and a workspace for the datasets."""

    folder: Path
    embedded: Config
    direct: StudioServer
    proxy: FaultProxy
    toll: Toll = field(default_factory=Toll)
    count: int = 0
    saved: int = 0

    def dataset(self, **settings: Any) -> Sample:
        """A dataset whose every request passes the proxy; small batches make several imports of one push."""
        self.count += 1
        given = {"url": self.proxy.url, "batch_bytes": 3 << 10, "retries": 2, "page_size": 10, "timeout": 20.0}
        return sample(
            self.folder,
            f"faults-{self.count}",
            CHUNKS,
            label_studio=LabelStudio(**{**given, **settings}),
            annotators=Annotators(overlap=2),
        )

    def again(self, work: Callable[[], object]) -> None:
        """Runs a command until it succeeds, as a person does who reads its message."""
        for attempt in range(ATTEMPTS):
            try:
                work()
            except BuilderError as e:
                if attempt == ATTEMPTS - 1:
                    raise
                self.toll.reruns += 1
                last = e
            else:
                return
        raise last

    @contextlib.contextmanager
    def spoiling(self, *faults: Fault) -> Iterator[None]:
        self.proxy.faults = list(faults)
        yield
        self.toll.faults += sum(fault.fired for fault in faults)
        missed = [f"{f.kind} at {f.method} {f.path} no. {f.nth}" for f in faults if not f.fired]
        if missed:
            say(f"    never came: {'; '.join(missed)}")
        self.proxy.faults = []

    @staticmethod
    def say(line: str) -> None:
        say(line)

    def client(self) -> Client:
        return Client(self.direct, LabelStudio(page_size=1000))

    def annotate(self, made: Sample, tasks: int = 5) -> set[str]:
        """Some tasks get an annotation each, straight on the server; returns their comments."""
        words = set()
        with self.client() as client:
            project = find_project(client, pipeline.campaign(made.config), "all")
            assert project is not None
            listed = client.get("api/tasks", {"project": project.id, "page_size": 1000, "include": "id"})["tasks"]
            for task in listed[:tasks]:
                self.saved += 1
                word = f"{made.config.dataset.name}-{task['id']}-{self.saved}"
                item = {"id": "c", "from_name": "comment", "to_name": "text", "type": "textarea"}
                body = {"result": [{**item, "value": {"text": [word]}}]}
                client.post(f"api/tasks/{task['id']}/annotations/", body)
                words.add(word)
        return words

    def settle(self, made: Sample, annotations: set[str]) -> None:
        """Compares what is on the server, and in the latest pull, with what must be there."""
        clean = Path(tempfile.mkdtemp(prefix="clean-", dir=self.folder))
        # By the address that the commands use: notes of what the builder saved itself are kept by address.
        with Client(StudioServer(self.proxy.url, self.direct.token), LabelStudio()) as client:
            found = projects_of(client, pipeline.campaign(made.config))
            pulled = pull_projects(client, pipeline.campaign(made.config), found, clean, full=True)
        theirs = (pulled.folder / "tasks.jsonl").read_bytes()
        latest = json.loads((made.config.dataset_folder / "pulls" / "latest.json").read_text("utf-8"))["hash"]
        ours = (made.config.dataset_folder / "pulls" / latest[:16] / "tasks.jsonl").read_bytes()
        tasks = [json.loads(line) for line in theirs.splitlines()]
        chunks = Counter(t["data"]["chunk_id"] for t in tasks)
        words = Counter(w for t in tasks for a in t["annotations"] for w in a["result"][0]["value"]["text"])
        wanted = {c["chunk_id"]: c["text"] for c in made.chunks}
        self.toll.lost += len(set(wanted) - set(chunks)) + len(annotations - set(words))
        self.toll.doubled += sum(n - 1 for n in chunks.values()) + sum(n - 1 for n in words.values())
        self.toll.doubled += len(found) - 1
        self.toll.changed += ours != theirs
        self.toll.changed += sum(t["data"]["text"] != wanted.get(t["data"]["chunk_id"]) for t in tasks)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def spoilt_requests(bench: Bench) -> None:
    """Every kind of fault at every place of a push and of two pulls."""
    places = {
        "project": ("POST", "/api/projects/", 1),
        "first import": IMPORT,
        "third import": ("POST", "/api/projects/", 4),
        "last look": (*TASKS, 2),
    }
    for kind in KINDS:
        for name, (method, path, nth) in places.items():
            if kind == "late":
                continue
            made = bench.dataset()
            with bench.spoiling(Fault(kind, method, path, nth)):
                bench.again(lambda made=made: push(made.config))
            words = bench.annotate(made)
            with bench.spoiling(Fault(kind, *TASKS, 2), Fault(kind, *TASKS, 4)):
                bench.again(lambda made=made: pull(made.config))
            bench.settle(made, words)
            say(f"{bench.toll.faults:4} {kind} at the {name}, and while pulling twice")


def late_requests(bench: Bench) -> None:
    """The server does the work after the client gave up: soon, or after everything was sent again."""
    for seconds in (2.0, 3.0, 5.0, 7.0):
        made = bench.dataset(timeout=1.0)
        method, path, nth = IMPORT
        with bench.spoiling(Fault("late", method, path, nth, seconds), Fault("late", method, path, nth + 2, seconds)):
            bench.again(lambda made=made: push(made.config))
            time.sleep(seconds + 1)
            bench.again(lambda made=made: push(made.config))
        bench.again(lambda made=made: pull(made.config))
        bench.settle(made, set())
        say(f"{bench.toll.faults:4} import done {seconds:.0f} s late")


def turned_away(bench: Bench) -> None:
    """The token is revoked midway and given back; the server asks to slow down."""
    for kind in ("401", "429"):
        for nth in (2, 4):
            made = bench.dataset()
            with bench.spoiling(Fault(kind, "POST", "/api/projects/", nth), Fault(kind, *TASKS, 2)):
                bench.again(lambda made=made: push(made.config))
            words = bench.annotate(made)
            with bench.spoiling(Fault(kind, *TASKS, 3)):
                bench.again(lambda made=made: pull(made.config))
            bench.settle(made, words)
            say(f"{bench.toll.faults:4} {kind} while pushing and pulling")


def killed_clients(bench: Bench) -> None:
    """The builder is killed -9 in the middle of a push, and in the middle of a pull."""
    moments = [("push", "POST", "/api/projects/", nth) for nth in (1, 2, 4)]
    moments += [("push", *TASKS, nth) for nth in (1, 2)]
    moments += [("pull", *TASKS, nth) for nth in (1, 2, 4)]
    for command, method, path, nth in moments:
        for when in ("before", "after"):
            made = bench.dataset()
            words: set[str] = set()
            if command == "pull":
                push(made.config)
                words = bench.annotate(made)
            program = f"from tests.benchmarks.faults import alone; alone({str(bench.folder)!r}, {command!r})"
            (bench.folder / "alone.json").write_text(json.dumps([made.config.dataset.name, bench.proxy.url]))
            fault = Fault(f"kill client {when}", method, path, nth)
            with bench.spoiling(fault):
                child = subprocess.Popen([sys.executable, "-c", program])
                fault.act = kill(child.pid)
                child.wait()
            assert child.returncode == -signal.SIGKILL, child.returncode
            bench.again(lambda made=made: push(made.config))
            words = words or bench.annotate(made)
            bench.again(lambda made=made: pull(made.config))
            bench.settle(made, words)
            left = list((made.config.dataset_folder / "pulls").glob(".*"))
            bench.toll.changed += len(left)
            say(f"{bench.toll.faults:4} {command} killed {when} its {nth}. {method} {path}")


def alone(folder: str, command: str, most_bytes: int = 0) -> None:
    """The body of a child process: one command on the dataset named in alone.json, exit code 3 on our own errors."""
    name, url = json.loads((Path(folder) / "alone.json").read_text("utf-8"))
    settings = LabelStudio(url=url, batch_bytes=3 << 10, retries=2, page_size=10, timeout=20.0)
    made = sample(Path(folder), name, CHUNKS, label_studio=settings, annotators=Annotators(overlap=2))
    if most_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    try:
        {"push": push, "pull": pull}[command](made.config)
    except BuilderError as e:
        sys.stderr.write(f"     {e.message[:120]}\n")
        sys.exit(3)


def full_disks(bench: Bench) -> None:
    """A pull may write only so many bytes."""
    for most in (200, 2_000, 8_000, 12_000):
        made = bench.dataset()
        push(made.config)
        words = bench.annotate(made)
        (bench.folder / "alone.json").write_text(json.dumps([made.config.dataset.name, bench.proxy.url]))
        program = f"from tests.benchmarks.faults import alone; alone({str(bench.folder)!r}, 'pull', {most})"
        code = subprocess.run([sys.executable, "-c", program], check=False).returncode
        bench.toll.faults += code == 3
        pulls = made.config.dataset_folder / "pulls"
        bench.toll.changed += len(list(pulls.iterdir())) if pulls.exists() else 0
        bench.again(lambda made=made: pull(made.config))
        bench.settle(made, words)
        say(f"{bench.toll.faults:4} disk full after {most} bytes, exit code {code}")


def killed_servers(bench: Bench) -> None:
    """Label Studio is killed -9 in the middle of an import, and started again."""
    for seconds in (0.0, 0.01, 0.02, 0.05):
        made = bench.dataset()
        record = pipeline.campaign(bench.embedded).vault.server()
        assert record is not None
        method, path, nth = IMPORT
        with bench.spoiling(Fault("kill server", method, path, nth + 1, seconds, kill(record["pid"]))):
            with contextlib.suppress(BuilderError):
                push(made.config)
            deadline = time.monotonic() + 20
            while find_server(pipeline.campaign(bench.embedded).vault) is not None and time.monotonic() < deadline:
                time.sleep(0.1)
            bench.direct = open_server(pipeline.campaign(bench.embedded))
            bench.proxy.upstream = bench.direct.url
            bench.again(lambda made=made: push(made.config))
        words = bench.annotate(made)
        bench.again(lambda made=made: pull(made.config))
        bench.settle(made, words)
        say(f"{bench.toll.faults:4} server killed {1000 * seconds:.0f} ms into an import")


def busy_annotators(bench: Bench) -> None:
    """People save while imports with predictions run on SQLite, where the server may drop predictions in silence."""
    from builder.questions import encode
    from builder.studio.importing import import_tasks
    from builder.studio.planning import PlannedTask

    for _ in range(4):
        made = bench.dataset()
        push(made.config)
        project_of = {"all": 0}
        with bench.client() as client:
            project = find_project(client, pipeline.campaign(made.config), "all")
            assert project is not None
            project_of["all"] = project.id
            stop, words = threading.Event(), set()

            def save(
                client: Client = client, made: Sample = made, stop: threading.Event = stop, words: Any = words
            ) -> None:
                while not stop.is_set():
                    words |= bench.annotate(made, tasks=4)

            saver = threading.Thread(target=save)
            saver.start()
            more = sample(bench.folder / "more", made.config.dataset.name, 400)
            articles = {a["article_id"]: {"published": None, **a} for a in more.articles}
            item = {"id": "p", "from_name": "comment", "to_name": "text", "type": "textarea"}
            plan = {}
            for chunk in more.chunks:
                made_up = [{"model_version": "m", "result": [{**item, "value": {"text": ["?"]}}]}]
                data = encode.task(chunk, articles[chunk["article_id"]], more.config.labels)
                plan[chunk["chunk_id"]] = PlannedTask(data, made_up)
            client.settings.batch_bytes = 32 << 10
            outcome = import_tasks(client, project.id, plan)
            stop.set()
            saver.join()
            listed = client.get(
                "api/tasks", {"project": project.id, "page_size": 1000, "include": "id,data,total_predictions"}
            )["tasks"]
            without = [t for t in listed if t["data"]["chunk_id"] in plan and t["total_predictions"] != 1]
            # The first chunks were there, and annotated, before they got predictions.
            bench.toll.lost += len([t for t in without if t["data"]["chunk_id"] not in _ids(made)])
        bench.toll.faults += outcome.requests
        made.chunks = more.chunks
        bench.again(lambda made=made: pull(made.config))
        bench.settle(made, words)
        repaired = outcome.predictions_repaired
        say(f"{bench.toll.faults:4} {outcome.requests} imports beside {len(words)} saves, {repaired} repaired")


def _ids(made: Sample) -> set[str]:
    return {chunk["chunk_id"] for chunk in made.chunks}


SCENARIOS = (
    *(spoilt_requests, late_requests, turned_away, killed_clients, full_disks, busy_annotators, killed_servers),
    *(curious_annotators, meddling_managers),
)


def main(words: list[str]) -> None:
    random.seed(0)
    chosen = [s for s in SCENARIOS if not words or any(word in s.__name__ for word in words)]
    with tempfile.TemporaryDirectory(prefix="builder-faults-") as name:
        folder = Path(name)
        embedded = sample(folder, "embedded", 1, label_studio=LabelStudio(port=18280)).config
        direct = open_server(pipeline.campaign(embedded))
        os.environ["LABEL_STUDIO_API_KEY"] = direct.token
        ensure_people(direct)
        bench = Bench(folder, embedded, direct, FaultProxy(direct.url))
        try:
            for scenario in chosen:
                say(f"{scenario.__name__}: {scenario.__doc__}")
                scenario(bench)
        finally:
            bench.proxy.close()
            bench.direct.close()
            direct.close()
    toll = bench.toll
    say(f"the commands were run again {toll.reruns} times")
    missing = not words and toll.faults < FEWEST
    if missing:
        say(f"that is less than the {FEWEST} that the whole list must inject")
    say(f"{toll.faults} faults: {toll.lost} lost, {toll.doubled} doubled, {toll.changed} changed, {toll.unseen} unseen")
    sys.exit(1 if toll.lost or toll.doubled or toll.changed or toll.unseen or missing else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
