"""What the scenarios of faults share: the real server, the proxy before it, their datasets, and what faults cost."""

import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from builder import pipeline
from builder.config import Config
from builder.errors import BuilderError
from builder.studio.client import Client
from builder.studio.embedded.server import StudioServer
from builder.studio.people import token_of
from builder.studio.projects import REVIEW, find_project, projects_of
from builder.studio.pull import pull_projects
from builder.studio.settings import Annotators, LabelStudio
from tests.benchmarks.fault_proxy import Fault, FaultProxy
from tests.conftest import Sample, sample

CHUNKS = 16
ATTEMPTS = 12


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
    """A folder for everything, and once `serve` was called the server and the proxy."""

    folder: Path
    toll: Toll = field(default_factory=Toll)
    count: int = 0
    saved: int = 0
    embedded: Config = field(init=False)
    direct: StudioServer = field(init=False)
    proxy: FaultProxy = field(init=False)

    def serve(self, embedded: Config, direct: StudioServer) -> None:
        self.embedded, self.direct, self.proxy = embedded, direct, FaultProxy(direct.url)
        (self.folder / "token").write_text(direct.token)

    def dataset(self, **settings: Any) -> Sample:
        """A dataset whose every request passes the proxy; small batches make several imports of one push."""
        self.count += 1
        given = {"batch_bytes": 3 << 10, "retries": 2, "page_size": 8, "timeout": 20.0, "gone_share": 1.0}
        given |= {"url": self.proxy.url, "token_file": str(self.folder / "token"), **settings}
        server, name = LabelStudio(**given), f"faults-{self.count}"
        return sample(self.folder, name, CHUNKS, label_studio=server, annotators=Annotators(overlap=2))

    def again(self, work: Callable[[], object]) -> None:
        """Runs a command until it succeeds, as a person does who reads its message; any other error is a defect."""
        for attempt in range(ATTEMPTS):
            try:
                work()
            except Exception as e:
                if attempt == ATTEMPTS - 1:
                    raise
                self.toll.reruns += 1
                if not isinstance(e, BuilderError):
                    self.toll.unseen += 1
                    self.say(f"    a defect: {e!r}")
                elif not str(e).replace("\n", "").isprintable():
                    self.toll.unseen += 1
                    self.say(f"    not in plain characters: {e!r}")
            else:
                return

    @contextlib.contextmanager
    def spoiling(self, *faults: Fault) -> Iterator[None]:
        self.proxy.faults = list(faults)
        yield
        self.toll.faults += sum(fault.fired for fault in faults)
        missed = [f"{f.kind} at {f.method} {f.path} no. {f.nth}" for f in faults if not f.fired]
        if missed:
            self.say(f"    never came: {'; '.join(missed)}")
        self.proxy.faults = []

    def done(self, what: str) -> None:
        self.say(f"{self.toll.faults:4} {what}")

    @staticmethod
    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201

    def client(self) -> Client:
        return Client(self.direct, LabelStudio(page_size=1000))

    def project_of(self, made: Sample) -> int:
        with self.client() as client:
            project = find_project(client, pipeline.campaign(made.config), "all")
        assert project is not None
        return project.id

    def annotate(
        self, made: Sample, tasks: int = 5, author: Client | None = None, stance: str = ""
    ) -> dict[str, dict[str, Any]]:
        """Some tasks get an annotation each, straight on the server; by the comment in it, what the server answered."""
        project, found = self.project_of(made), {}
        with self.client() as manager:
            listed = manager.get("api/tasks", {"project": project, "page_size": 1000, "include": "id"})["tasks"]
            for task in listed[:tasks]:
                self.saved += 1
                word = f"{made.config.dataset.name}-{task['id']}-{self.saved}"
                body = {"result": said(word, stance), "lead_time": 9}
                path = f"api/tasks/{task['id']}/annotations/"
                found[word] = (author or manager).post(path, body, {"project": project}) | {"task": task["id"]}
        return found

    def settle(self, made: Sample, annotations: set[str]) -> None:
        """Compares what is on the server, and in the latest pull, with what must be there."""
        clean = Path(tempfile.mkdtemp(prefix="clean-", dir=self.folder))
        campaign = pipeline.campaign(made.config)
        # By the address that the commands use: notes of what the builder saved itself are kept by address.
        with Client(StudioServer(self.proxy.url, self.direct.token), LabelStudio()) as client:
            found = projects_of(client, campaign)
            pulled = pull_projects(client, campaign, found, clean, full=True)
        theirs = (pulled.folder / "tasks.jsonl").read_bytes()
        latest = json.loads((campaign.folder / "pulls" / "latest.json").read_text("utf-8"))["hash"]
        ours = (campaign.folder / "pulls" / latest[:16] / "tasks.jsonl").read_bytes()
        every = [json.loads(line) for line in theirs.splitlines()]
        tasks = [task for task in every if "review_of" not in task["data"]]
        chunks = Counter(task["data"]["chunk_id"] for task in tasks)
        reviewed = Counter(task["data"]["chunk_id"] for task in every if "review_of" in task["data"])
        words = Counter(w for t in tasks for a in t["annotations"] for w in a["result"][0]["value"]["text"])
        wanted = {chunk["chunk_id"]: chunk["text"] for chunk in made.chunks}
        toll = self.toll
        toll.lost += len(set(wanted) - set(chunks)) + len(annotations - set(words))
        toll.doubled += sum(n - 1 for counts in (chunks, reviewed, words) for n in counts.values())
        toll.doubled += len(set(found) - {"all", REVIEW})
        toll.changed += ours != theirs
        toll.changed += sum(task["data"]["text"] != wanted.get(task["data"]["chunk_id"]) for task in tasks)


@contextlib.contextmanager
def annotators(bench: Bench) -> Iterator[list[Client]]:
    """A client of each annotator."""
    vault = bench.direct.vault
    assert vault is not None
    with contextlib.ExitStack() as stack:
        tokens = [token_of(bench.direct.url, *account) for account in vault.secrets().annotators.items()]
        yield [stack.enter_context(Client(StudioServer(bench.direct.url, token), LabelStudio())) for token in tokens]


def said(word: str, stance: str = "") -> list[dict[str, Any]]:
    """The result of an annotation with this comment, and this stance toward Japan."""
    item = {"id": "c", "from_name": "comment", "to_name": "text", "type": "textarea", "value": {"text": [word]}}
    control = {"id": "s", "from_name": "stance__japan", "to_name": "text", "type": "choices"}
    return [item, *([{**control, "value": {"choices": [stance]}}] if stance else [])]


def running(command: Callable[[Config], object], made: Sample) -> Callable[[], object]:
    return partial(command, made.config)
