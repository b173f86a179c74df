"""One flipped bit anywhere in a workspace is an error that names the file, or has no effect; never another release."""

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.outcomes import contents, difference, elsewhere, outcome, pulled
from tests.samples import Project

FLIPS = 500
#: Flips in every file; those that are read get the others.
EACH = 1


@pytest.mark.timeout(900)  # some five hundred exports
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
        try:
            found = outcome(elsewhere(project.config, workspace, exports))
        except Exception as error:  # noqa: BLE001 - any other error is a defect, and the list says where
            wrong.append(f"{name}, byte {at}, bit {bit}: {error!r}")
            found = plain
        if isinstance(found, str):
            noticed[name] += 1
            if not any(other in found for other in _names(workspace / name, workspace)):
                wrong.append(f"{name}, byte {at}, bit {bit}: {found}")
        elif change := difference(found, plain):
            wrong.append(f"{name}, byte {at}, bit {bit}: another release: {change}")
        _restore(workspace, kept)
        shutil.rmtree(exports, ignore_errors=True)
        done += 1
    assert not wrong, "\n".join(wrong)
    assert len(noticed) >= 12, "hardly any file is read"


def _names(file: Path, workspace: Path) -> list[str]:
    """The paths of a file, since two stages may share one on disk, and the stage or pull that it is part of."""
    inode = file.stat().st_ino
    found = [path for path in workspace.rglob("*") if path.stat().st_ino == inode]
    return [str(path) for path in [*found, *(path.parent for path in found)]]


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
