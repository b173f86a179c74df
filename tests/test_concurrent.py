"""Commands at once in one workspace: each does what it does alone. Two exports with different aggregations: each
releases its own gold, wherever the other one stands still.

`python -m tests.test_concurrent FOLDER pairs` runs every two commands that need no server side by side; those that only
read all at once.
`python -m tests.test_concurrent FOLDER exports` runs the two in forked processes. One stops itself before it makes
something visible in the workspace or in exports/ (a rename); the other then runs to its end, or until it waits.

A project as small as can be released, and no page of the release for people: how long a command works does not matter
here, only what it makes visible and when. What it does first, it has done once before it forks.
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pyarrow.parquet as pq
import pytest

import builder
from builder.config import Config
from builder.errors import StoreError
from builder.quality.settings import Aggregation, Quality
from tests.outcomes import contents, elsewhere, outcome, pulled, short_exports
from tests.samples import Project, scheme

#: Two ways to decide, by name: a bare majority, and one that leaves what two of three say unresolved.
AGGREGATIONS = {
    "majority": Aggregation(method="majority"),
    "strict": Aggregation(method="majority", min_share=0.9),
}
#: What a command says that wants the dataset to itself, and what others say while it has it.
BUSY = ("Another command works on", "`builder clean` or `builder backup` is working on this dataset.")
ROOT = Path(__file__).resolve().parents[1]
#: Commands that write nothing.
_READERS = {"verify", "trace", "diff", "log", "status", "labels", "doctor"}


def project(root: Path) -> Project:
    """One article with one question; annotators differ so much that the two aggregations do.

    All locks are taken and every result is made, as for a corpus; less would be no release.
    """
    labels = scheme(entities=(), targets={"japan": ["Japan"]}, evidence=False, problems=(), comment=False)
    made = Project(root, articles=1, labels=labels, quality=Quality(bootstrap=0))
    for i in range(4):
        for user in range(3):
            made.dissent[user, 0, i] = {"stances": {"japan": "favor" if user or i > 1 else "against"}}
    return made


@pytest.mark.skipif(not hasattr(os, "fork"), reason="stops and forks processes as POSIX systems do")
def test_two_exports_at_once_are_both_right(tmp_path: Path) -> None:
    said = _said(tmp_path, "exports")
    assert said["alike"] == [], "the two aggregations give the same release, so they prove nothing"
    assert said["wrong"] == []
    assert said["boundaries"] >= 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks processes as POSIX systems do")
def test_any_two_commands_at_once_are_both_right(tmp_path: Path) -> None:
    """None fails, the release that was there stays as it was, and an export gives what it gives alone.

    Those that only read run all at once, alone and beside every one that writes. A backup or a clean-up and another
    command may each find the other at work; who says so ends well the next time.
    """
    said = _said(tmp_path, "pairs")
    assert said["wrong"] == []
    assert said["runs"] == 28


def _said(root: Path, what: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.test_concurrent", str(root), what],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def _commands(config: Config) -> dict[str, Callable[[], object]]:
    """What needs no server, by name; what makes stages makes them under settings that nothing was made under."""
    other = replace(config, quality=replace(config.quality, bootstrap=1), aggregation=AGGREGATIONS["strict"])
    cut = replace(other, chunking=replace(config.chunking, max_tokens=12, method="sentences"))
    release = Path(config.paths.exports) / config.dataset.name / "v1.0.0"
    row = next(iter(pq.read_table(next((release / "stance").iterdir()), columns=["id"])["id"].to_pylist()))
    return {
        "prepare": lambda: builder.prepare(cut),
        "validate": lambda: builder.validate(other),
        "adjudicate": lambda: builder.adjudicate(other),
        "export": lambda: builder.export(other),
        "verify": lambda: builder.verify(config, "v1.0.0", hashes_only=True),
        "trace": lambda: builder.trace(config, f"stance/{row}", release="v1.0.0"),
        "diff": lambda: builder.diff(config, "v1.0.0", "v1.0.0"),
        "log": lambda: builder.log(config),
        "status": lambda: builder.status(config),
        "clean": lambda: builder.clean(config),
        "backup": lambda: builder.backup(config, str(config.workspace.parent / f"{os.getpid()}.tar.gz")),
        "labels": lambda: builder.labels(config),
        "doctor": lambda: builder.doctor(config),
    }


def pairs(root: Path) -> None:
    config = _pulled(root)
    builder.export(config)
    first = _files(Path(config.paths.exports))

    def copied(name: str) -> Config:
        for part in ("workspace", "exports"):
            shutil.copytree(root / part, root / name / part)
        return elsewhere(config, root / name / "workspace", root / name / "exports")

    def released(there: Config) -> dict[str, bytes]:
        found = _files(Path(there.paths.exports))
        shutil.rmtree(there.workspace.parent)
        return found

    def alone(command: str) -> dict[str, bytes]:
        there = copied(command)
        _commands(there)[command]()
        return released(there)

    def beside(*commands: str) -> dict[str, bytes]:
        """The files of exports/ after these commands at once, in a copy of the project; notes which of them failed."""
        name = " beside ".join(commands)
        there = copied(name)

        def begin(command: str) -> int:
            return os.fork() or _child(_commands(there)[command])

        def code(pid: int) -> int:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

        codes = [(command, code(pid)) for command, pid in [(command, begin(command)) for command in commands]]
        refusing = {"clean", "backup"} & {*commands}
        refused = [command for command, found in codes if found == 2 and refusing]
        failed = [command for command, found in codes if found and command not in refused]
        wrong.extend(f"{command} failed in {name}" for command in [*failed, *(c for c in refused if code(begin(c)))])
        return released(there)

    wrong: list[str] = []
    names = list(_commands(config))
    after = {command: alone(command) for command in names}
    writers = [name for name in names if name not in _READERS]
    runs = [*itertools.combinations_with_replacement(writers, 2), tuple(sorted(_READERS))]
    runs += [tuple(name for name in names if name in {writer, *_READERS}) for writer in writers]
    for run in runs:
        there = beside(*run)
        if there != after["export" if "export" in run else run[0]] or not first.items() <= there.items():
            wrong.append(f"{' beside '.join(run)}: another release")
    print(json.dumps({"runs": len(runs), "wrong": wrong}))  # noqa: T201


def _child(command: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        command()
        code = 0
    except StoreError as error:
        code = 2 if error.message.startswith(BUSY) else 1
    finally:
        os._exit(code)


def exports(root: Path) -> None:
    config = _pulled(root)

    def copied(name: str, at: str) -> Config:
        return replace(elsewhere(config, root / at, root / f"{at}-{name}"), aggregation=AGGREGATIONS[name])

    def alone(name: str) -> dict[str, bytes]:
        shutil.copytree(root / "workspace", root / "alone" / name)
        return _files(builder.export(copied(name, f"alone/{name}")).folder.parents[1])

    right = {name: alone(name) for name in AGGREGATIONS}
    wrong: list[str] = []
    stopped, at = True, 0
    while stopped:
        shutil.copytree(root / "workspace", root / f"at-{at}")
        first, second = (copied(name, f"at-{at}") for name in AGGREGATIONS)
        one = _fork(first, stop_before=at)
        _, status = os.waitpid(one, os.WUNTRACED)
        stopped = os.WIFSTOPPED(status)
        waiting, says = os.pipe()
        two = _fork(second, says=says)
        os.close(says)
        # It can be read when the second has ended, or has begun to wait for the first.
        os.read(waiting, 1)
        if stopped:
            os.kill(one, signal.SIGCONT)
            os.waitpid(one, 0)
        _reap(two)
        os.close(waiting)
        others = [name for name in AGGREGATIONS if _files(root / f"at-{at}-{name}") != right[name]]
        wrong += [f"{name}, when the first stood before boundary {at}" for name in others]
        for folder in root.glob(f"at-{at}*"):
            shutil.rmtree(folder)
        at += 1
    # Manifest and card name the aggregation in any case.
    one_stance, other_stance = ({n: f for n, f in files.items() if "/stance/" in n} for files in right.values())
    alike = sorted(one_stance) if one_stance == other_stance else []
    print(json.dumps({"boundaries": at - 1, "wrong": wrong, "alike": alike}))  # noqa: T201


def _pulled(root: Path) -> Config:
    made = project(root)
    pulled(made)
    return made.config


def _files(exports: Path) -> dict[str, bytes]:
    return contents(exports) if exports.is_dir() else {}


def _fork(config: Config, stop_before: int | None = None, says: int | None = None) -> int:
    """A process that exports; with `stop_before` it stops before it makes its n-th visible change.

    It writes to the pipe `says` when it begins to wait for another process.
    """
    child = os.fork()
    if child:
        return child
    try:
        if stop_before is not None:
            _stop_before(stop_before, [config.workspace.resolve(), Path(config.paths.exports).resolve()])

        def progress(what: str, done: int, total: int | None) -> None:
            if says is not None and "waiting for another run" in what:
                os.write(says, b"w")

        said = outcome(config, progress)
        if isinstance(said, str):
            sys.stderr.write(said + "\n")
    finally:
        os._exit(0)


def _stop_before(number: int, roots: list[Path]) -> None:
    """Stops this process before its rename number `number` (from 0) to a place that others look at."""
    count = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event != "os.rename":
            return
        target = Path(os.fsdecode(arguments[1])).absolute()  # type: ignore[arg-type]
        inside = [target.relative_to(root) for root in roots if target.is_relative_to(root)]
        if inside and not any(part.startswith((".", "building-")) for part in inside[0].parts):
            count += 1
            if count == number + 1:
                os.kill(os.getpid(), signal.SIGSTOP)

    sys.addaudithook(watch)


def _reap(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


if __name__ == "__main__":
    os.fsync = lambda fd: None
    with short_exports(), mock.patch("builder.release.export.release_pages", return_value={}):
        {"pairs": pairs, "exports": exports}[sys.argv[2]](Path(sys.argv[1]))
