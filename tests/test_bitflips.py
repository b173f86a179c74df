"""One flipped bit anywhere in a workspace is an error that names the file, or has no effect; never another release."""

import random
import shutil
from collections import Counter
from pathlib import Path

from tests.outcomes import contents, difference, elsewhere, outcome, pulled
from tests.samples import Project

FLIPS = 500
#: Flips in every file; those that are read get the others.
EACH = 3


def test_a_flipped_bit_never_gives_another_release(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=3)
    pulled(project)
    workspace, exports = project.config.workspace, tmp_path / "flipped"
    plain = outcome(project.config)
    assert not isinstance(plain, str), plain
    kept = contents(workspace)
    draw = random.Random(3)
    files = [name for name, data in kept.items() if data]
    queue = [name for name in files for _ in range(EACH)]
    noticed: Counter[str] = Counter()
    done = 0
    wrong = []
    while done < FLIPS or queue:
        name = queue.pop() if queue else draw.choice(sorted(noticed))
        data = bytearray(kept[name])
        at, bit = draw.randrange(len(data)), draw.randrange(8)
        data[at] ^= 1 << bit
        (workspace / name).write_bytes(data)
        found = outcome(elsewhere(project.config, workspace, exports))
        if isinstance(found, str):
            noticed[name] += 1
            if not any(part in found for part in (Path(name).name, str((workspace / name).parent))):
                wrong.append(f"{name}, byte {at}, bit {bit}: {found}")
        elif change := difference(found, plain):
            wrong.append(f"{name}, byte {at}, bit {bit}: another release: {change}")
        _restore(workspace, kept)
        shutil.rmtree(exports, ignore_errors=True)
        done += 1
    assert wrong == []
    assert len(noticed) >= 12, "hardly any file is read"


def _restore(workspace: Path, kept: dict[str, bytes]) -> None:
    """The workspace is as it was before the flip."""
    now = contents(workspace)
    for name in now.keys() - kept.keys():
        (workspace / name).unlink()
    for name, data in kept.items():
        if now.get(name) != data:
            (workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (workspace / name).write_bytes(data)
    for folder in sorted((p for p in workspace.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
