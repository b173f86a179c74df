"""Faults of the machine: commands that need no server are killed, find the disk full, and files damaged.

After each fault the command is run again, as a person would who reads its message; then its result must be that of an
undisturbed run.
"""

import random
import re
import shutil
from pathlib import Path

from builder.config import Config
from builder.quality.settings import Quality
from tests.benchmarks.fault_bench import Bench
from tests.benchmarks.fault_child import UNDISTURBED, Ended, Spoil, alone
from tests.outcomes import elsewhere, pulled
from tests.samples import Project

#: Commands in the order of the work, each with how many times it is killed, finds the disk full and a bit flipped.
TRIES = {
    "prepare": (16, 8, 12),
    "validate": (16, 8, 12),
    "adjudicate": (12, 6, 12),
    "review": (8, 4, 8),
    "export": (20, 8, 16),
    "backup": (16, 6, 8),
}
#: Digits by which an error names a stage or a pull that two files share.
_KEY = re.compile(r"[0-9a-f]{16}")


def broken_machines(bench: Bench) -> None:
    """Commands without a server are killed at random moments, with the disk full at random bytes, and bits flipped."""
    project = Project(bench.folder / "machine", articles=2, quality=Quality(bootstrap=2))
    pulled(project)
    draw, place = random.Random(0), bench.folder / "machine" / "try"
    before = project.config.workspace
    for command, tries in TRIES.items():
        whole = Try(bench, command, project.config, before, bench.folder / "machine" / f"after-{command}")
        right = whole.run()
        assert not right.error, right.error
        sizes = [path.stat().st_size for path in whole.workspace.rglob("*") if path.is_file()]
        kills, fulls, flips = tries
        spoils = [Spoil("kill", n) for n in draw.sample(range(1, right.moments + 1), min(kills, right.moments))]
        spoils += [Spoil("full", draw.randrange(max(sizes))) for _ in range(fulls)]
        for spoil in spoils:
            made = Try(bench, command, project.config, before, place)
            ended = made.run(spoil)
            bench.toll.faults += bool(ended.killed or ended.error)
            made.settle(ended, right)
        for n in range(flips):
            # A bit of what the command reads, and a bit of what it made.
            made = Try(bench, command, project.config, whole.workspace if n % 2 else before, place)
            made.flip(draw)
            bench.toll.faults += 1
            ended = made.run()
            if ended.error:
                made.mend(ended)
            made.settle(ended, right)
        before = whole.workspace if command != "backup" else before
        bench.done(f"{command} killed, on a full disk, with a flipped bit")


class Try:
    """A copy of a workspace, in which a command runs until it has succeeded."""

    def __init__(self, bench: Bench, command: str, config: Config, workspace: Path, folder: Path) -> None:
        self.bench, self.command, self.workspace = bench, command, folder / "workspace"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(workspace, self.workspace)
        self.config = elsewhere(config, self.workspace, folder / "exports")
        self.flipped: tuple[Path, bytes] = (self.workspace, b"")

    def run(self, spoil: Spoil = UNDISTURBED) -> Ended:
        return alone(self.command, self.config, spoil)

    def flip(self, draw: random.Random) -> None:
        """One bit of one file is another."""
        path = draw.choice(sorted(path for path in self.workspace.rglob("*") if path.is_file() and path.stat().st_size))
        data = bytearray(path.read_bytes())
        self.flipped = path, bytes(data)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)

    def mend(self, ended: Ended) -> None:
        """Does what the error says: a stage is deleted; what cannot be made again comes back from elsewhere."""
        path, data = self.flipped
        named = {str(path), str(path.parent), *_KEY.findall(str(path))}
        self.bench.toll.unseen += not any(name in ended.error for name in named)
        folder = re.search(r"Delete (\S+); the next run", ended.error)
        if folder and Path(folder[1]).exists():
            shutil.rmtree(folder[1]) if Path(folder[1]).is_dir() else Path(folder[1]).unlink()
        else:
            path.write_bytes(data)

    def settle(self, ended: Ended, right: Ended) -> None:
        """Whatever the fault did, the next run gives what an undisturbed one does."""
        toll = self.bench.toll
        toll.unseen += ended.defect
        if not ended.killed and not ended.error:
            if ended.result != right.result:
                toll.changed += 1
                self.bench.say(f"    {self.command}: another result, without an error; flipped: {self.flipped[0]}")
            return
        for _ in range(2):
            again = self.run()
            if not again.error:
                break
        toll.reruns += 1
        toll.lost += bool(again.error)
        toll.changed += not again.error and again.result != right.result
        if ended.defect or again.error or again.result != right.result:
            self.bench.say(f"    {self.command}: {ended.error or 'killed'}; then {again.error or 'another result'}")
