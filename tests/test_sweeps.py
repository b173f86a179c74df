"""A choice gives the same release whatever was chosen before it in the same workspace.

For every group of settings two choices are exported one after the other, in both orders, and compared byte for byte
with a workspace that never saw another choice. A choice may be refused; it is then refused in the same words.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from builder.config import Config
from builder.corpus.settings import Chunking, Dedup, Selection
from builder.quality.settings import Aggregation
from builder.release.settings import Export, Split
from tests.outcomes import Outcome, difference, elsewhere, outcome, pulled
from tests.samples import SAYS, Project, scheme

#: The other choice of each group, beside the one of the sample project.
OTHERS: dict[str, Callable[[Config], Any]] = {
    "labels": lambda _: scheme(
        version="2", entities=["PERSON", "ORG", "PLACE"], migrations={"1": {"entities": {"GPE": "PLACE"}}}
    ),
    "labels, of another dataset": lambda _: scheme(name="animals", entities=["ANIMAL"], stance=[]),
    "chunking": lambda config: replace(config.chunking, max_tokens=12, method="sentences"),
    "chunking, wider": lambda _: Chunking(method="article"),
    "selection": lambda _: Selection(fraction=0.5),
    "dedup": lambda _: Dedup(policy="keep"),
    "quality": lambda config: replace(config.quality, severity={**config.quality.severity, "edge-whitespace": "error"}),
    "aggregation": lambda _: Aggregation(method="dawid_skene"),
    "split": lambda _: Split(seed=1),
    "export": lambda _: Export(tags="bioes"),
}


@dataclass
class World:
    """A project with a pull, and what its own configuration gives."""

    root: Path
    config: Config
    plain: Outcome
    _count: int = 0

    def workspace(self, used: bool) -> Path:
        """A new copy of the workspace: with the pull alone, or after an export of the project's configuration."""
        self._count += 1
        folder = self.root / f"copy-{self._count}"
        shutil.copytree(self.root / ("used" if used else "workspace"), folder)
        return folder

    def export(self, config: Config, workspace: Path) -> Outcome:
        self._count += 1
        return outcome(elsewhere(config, workspace, self.root / f"exports-{self._count}"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("sweeps")
    project = Project(root, articles=4)
    raw = project.config.raw
    again = (raw / "001.txt").read_text(encoding="utf-8").replace("day 1", "day one")
    (raw / "901.txt").write_text(again, encoding="utf-8")
    # Annotators differ, so that aggregation decides; one marks a blank too many, which a check may count as an error.
    for n in range(4):
        project.dissent[n % 2, n, n % 4] = {"stances": {"ukraine": list(SAYS)[n % 3], "japan": "none"}}
    for i in range(4):
        project.dissent[2, 2, i] = {"spans": [(6, 8, "ORG")]}
    pulled(project)
    used = root / "used"
    shutil.copytree(project.config.workspace, used)
    return World(root, project.config, outcome(elsewhere(project.config, used, root / "exports-0")))


@pytest.mark.parametrize("name", OTHERS)
def test_a_choice_gives_what_a_fresh_workspace_gives(world: World, name: str) -> None:
    group = name.partition(",")[0]
    other = replace(world.config, **{group: OTHERS[name](world.config)})
    fresh = world.workspace(used=False)
    alone = world.export(other, fresh)
    assert difference(alone, world.plain), "the two choices give the same release, so they prove nothing"
    assert not isinstance(world.plain, str), world.plain
    if isinstance(alone, str):
        assert "\n" not in alone
        assert group in alone
    assert difference(world.export(other, world.workspace(used=True)), alone) == ""
    assert difference(world.export(world.config, fresh), world.plain) == ""
