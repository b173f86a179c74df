"""One flipped bit anywhere in a workspace is an error that names the file, or has no effect; never another release."""

import random
import shutil
from pathlib import Path

from tests.outcomes import contents, difference, elsewhere, outcome, pulled
from tests.samples import Project

#: Flips in all, of which more than half are alone in the workspace.
FLIPS = 500


def test_a_flipped_bit_never_gives_another_release(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=3)
    pulled(project)
    workspace, exports = project.config.workspace, tmp_path / "flipped"
    plain = outcome(project.config)
    assert not isinstance(plain, str), plain
    kept = contents(workspace)
    draw = random.Random(3)
    wrong, done = [], 0

    def flipped(names: list[str]) -> list[str]:
        """Flips a bit in each of these files; returns those that the error names, and none when there is no error."""
        nonlocal done
        places = []
        for name in names:
            done += 1
            data = bytearray(kept[name])
            at, bit = draw.randrange(len(data)), draw.randrange(8)
            data[at] ^= 1 << bit
            (workspace / name).write_bytes(data)
            places.append(f"{name}, byte {at}, bit {bit}")
        noticed = []
        try:
            found = outcome(elsewhere(project.config, workspace, exports))
        except Exception as error:  # noqa: BLE001 - any other error is a defect, and the list says where
            wrong.append(f"{places}: {error!r}")
        else:
            if isinstance(found, str):
                noticed = [
                    name for name in names if any(other in found for other in _names(workspace / name, workspace))
                ]
                if not noticed:
                    wrong.append(f"{places}: {found}")
            elif change := difference(found, plain):
                wrong.append(f"{places}: another release: {change}")
        _restore(workspace, kept)
        shutil.rmtree(exports, ignore_errors=True)
        return noticed

    # All at once, and then all but those that were noticed, until what is left is read by nobody.
    unread, read = [name for name, data in kept.items() if data], []
    while noticed := flipped(unread):
        read += noticed
        unread = [name for name in unread if name not in noticed]
    assert len(read) >= 12, "hardly any file is read"
    assert done < FLIPS / 2
    while done < FLIPS:
        flipped([draw.choice(sorted(read))])
    assert not wrong, "\n".join(wrong)


def _names(file: Path, workspace: Path) -> list[str]:
    """The paths of a file, since two stages may share one on disk, and the stage or pull that it is part of."""
    if not file.exists():
        return [str(file)]
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
