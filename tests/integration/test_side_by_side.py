"""Any two commands at once on one Label Studio: each ends as it should, or says in one line what is at work.

Nothing is lost, doubled or left behind. `BUILDER_ALL_PAIRS=1` runs every pair, not only the most telling ones.
"""

import itertools
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import builder
from builder import pipeline
from builder.config import Config
from builder.errors import BuilderError
from builder.questions.encode import results
from builder.studio.client import Client
from builder.studio.projects import projects_of
from builder.studio.settings import Annotators
from tests.integration.test_peoples_work import copy_database, speaking, tasks

pytestmark = pytest.mark.studio

COMMANDS: dict[str, Callable[[Config], object]] = {
    "push": builder.push,
    "pull": builder.pull,
    "review": builder.review,
    "reopen": lambda config: builder.reopen(config, "all"),
    "restore": builder.restore,
    "people": builder.people,
    "serve": builder.serve,
    "status": builder.status,
    "backup": lambda config: builder.backup(config, f"{config.paths.exports}-{os.urandom(4).hex()}.tar.gz"),
    "report": builder.report,
    "validate": builder.validate,
    "export": builder.export,
}
#: Two that write to the same projects, that read what the other writes, or that want the workspace for themselves.
TELLING = [("push", "restore"), ("pull", "reopen"), ("review", "reopen"), ("backup", "pull")]
PAIRS = list(itertools.combinations_with_replacement(COMMANDS, 2)) if os.environ.get("BUILDER_ALL_PAIRS") else TELLING
#: What may be said of another command at work.
BUSY = ("Another ", "`builder clean` or `builder backup` is working on this dataset.")


@dataclass
class World:
    """A dataset of three chunks and two people: a kept pull, one annotation since, and one that was lost."""

    config: Config
    client: Client
    database: Path
    kept: Path

    def reset(self) -> None:
        """Server and workspace are as they were."""
        copy_database(self.kept / "database", self.database)
        for name, folder in (("dataset", self.config.dataset_folder), ("exports", Path(self.config.paths.exports))):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self.kept / name, folder)

    def said(self) -> Counter[tuple[str, int, str]]:
        """How often there is what somebody said: chunk, author, result; reopened chunks and reviews aside."""
        found: Counter[tuple[str, int, str]] = Counter()
        project = projects_of(self.client, pipeline.campaign(self.config))["all"].id
        asked = {"project": project, "page_size": 100, "fields": "all"}
        for task in self.client.get("api/tasks", asked)["tasks"]:
            found.update((task["data"]["chunk_id"], a["completed_by"], str(a["result"])) for a in task["annotations"])
        return found

    def shown(self) -> Counter[tuple[str, str]]:
        """How often each chunk is in each project."""
        found: Counter[tuple[str, str]] = Counter()
        for slot, project in projects_of(self.client, pipeline.campaign(self.config)).items():
            listed = self.client.get("api/tasks", {"project": project.id, "page_size": 100})["tasks"]
            found.update((slot, task["data"]["chunk_id"]) for task in listed)
        return found


@pytest.fixture(scope="module")
def world(studio: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    people = {name: f"{name}-beside@example.org" for name in ("ada", "ben")}
    made = studio.dataset(chunks=3, annotators=Annotators(overlap=2, people=people))
    config, kept = made.config, tmp_path_factory.mktemp("kept")
    config.quality.bootstrap = 0
    config.dataset.license = "cc0-1.0"
    config.export.below_gates = True
    config.paths.exports = str(kept.parent / "beside-exports")
    builder.push(config)
    with speaking(config) as who:
        ids = tasks(who["admin"], config)
        for n, task in enumerate(ids):
            for name, label in (("ada", "favor"), ("ben", "against")):
                answers = [
                    {"question": "stance", "target": target, "label": label, "span_id": None}
                    for target in ("japan", "china")
                ]
                body = results([], answers, [], None, 0, "", config.labels)
                if (n, name) == (2, "ben"):
                    builder.pull(config)
                who[name].post(f"api/tasks/{task}/annotations/", {"result": body, "lead_time": 30 + n})
        builder.export(config)
        listed = who["admin"].get(f"api/tasks/{ids[0]}/annotations/")
        who["admin"].send("DELETE", f"api/annotations/{listed[0]['id']}/")
        live = pipeline.campaign(config).vault.data / "label_studio.sqlite3"
        copy_database(live, kept / "database")
        shutil.copytree(config.dataset_folder, kept / "dataset")
        shutil.copytree(config.paths.exports, kept / "exports")
        yield World(config, who["admin"], live, kept)


@pytest.mark.parametrize("pair", PAIRS, ids=" beside ".join)
def test_two_commands_at_once(world: World, pair: tuple[str, str]) -> None:
    world.reset()
    before, chunks = world.said(), world.shown()
    assert (before.total(), chunks.total()) == (5, 3)

    def one(name: str) -> str:
        try:
            COMMANDS[name](world.config)
        except BuilderError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(one, pair))
    assert all(not line or (line.startswith(BUSY) and "\n" not in line) for line in said), said
    assert "" in said, "at least one did its work"
    after, there = world.said(), world.shown()
    restored = "restore" in [name for name, line in zip(pair, said, strict=True) if not line]
    assert before <= after, "nothing is lost"
    assert (after - before).total() == restored
    assert max(after.values()) == 1, "nothing is doubled"
    assert chunks <= there
    assert max(there.values()) == 1
    assert {slot for slot, _ in there} <= {"all", "review", "again/1/ada", "again/1/ben"}
    for name in pair:
        assert one(name) == "", "the next one ends well"
    builder.pull(world.config)
    assert max(world.shown().values()) == max(world.said().values()) == 1
    left = [path.name for path in world.config.dataset_folder.rglob(".*")]
    assert left == [], "nothing is left behind"
