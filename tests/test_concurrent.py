"""Commands at once in one workspace: each does what it does alone. Two exports with different aggregations: each
releases its own gold, wherever the other one stands still.

`python -m tests.test_concurrent FOLDER pairs` runs every two commands side by side that need no server.
`python -m tests.test_concurrent FOLDER exports` runs the two in forked processes. One stops itself before it makes
something visible in the workspace or in exports/ (a rename); the other then runs to its end, or until it waits.
"""

import contextlib
import importlib
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

import pyarrow.parquet as pq
import pytest

import builder
from builder.config import Config
from builder.errors import StoreError
from builder.quality.settings import Aggregation
from tests.outcomes import contents, elsewhere, outcome, pulled, short_exports
from tests.samples import SAYS, Project

METHODS = ("majority", "dawid_skene")
#: What a command says that wants the dataset to itself, and what others say while it has it.
BUSY = ("Another command works on", "`builder clean` or `builder backup` is working on this dataset.")
ROOT = Path(__file__).resolve().parents[1]
#: Commands that write nothing.
_READERS = {"verify", "trace", "diff", "log", "status", "labels", "doctor"}


def project(root: Path) -> Project:
    """Three articles; annotators differ so much that the two aggregations do."""
    made = Project(root, articles=3)
    for n in range(3):
        for i in range(4):
            made.dissent[(n + i) % 3, n, i] = {"stances": {"ukraine": list(SAYS)[(n + i) % 3], "japan": "favor"}}
    return made


@pytest.mark.timeout(900)  # some fifty exports
@pytest.mark.skipif(not hasattr(os, "fork"), reason="stops and forks processes as POSIX systems do")
def test_two_exports_at_once_are_both_right(tmp_path: Path) -> None:
    pulled(project(tmp_path))
    said = _said(tmp_path, "exports")
    assert said["alike"] == [], "the two aggregations give the same release, so they prove nothing"
    assert said["wrong"] == []
    assert said["boundaries"] >= 5


@pytest.mark.timeout(900)  # some sixty pairs
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks processes as POSIX systems do")
def test_any_two_commands_at_once_are_both_right(tmp_path: Path) -> None:
    """None fails, the release that was there stays as it was, and an export gives what it gives alone.

    Those that only read run all at once, and each beside every one that writes. A backup or a clean-up and another
    command may each find the other at work; who says so ends well the next time.
    """
    made = project(tmp_path)
    pulled(made)
    assert isinstance(outcome(made.config), dict)
    said = _said(tmp_path, "pairs")
    assert said["wrong"] == []
    assert said["pairs"] == 64


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
    quality = replace(config.quality, bootstrap=10)
    other = replace(config, quality=quality, aggregation=Aggregation(method="dawid_skene"))
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
    config = project(root).config
    first = _files(Path(config.paths.exports))

    def beside(name: str, *commands: str) -> dict[str, bytes]:
        """The files of exports/ after these commands at once, in a copy of the project; which of them failed."""
        here = root / name
        for part in ("workspace", "exports"):
            shutil.copytree(root / part, here / part)
        there = elsewhere(config, here / "workspace", here / "exports")

        def begin(command: str) -> int:
            return os.fork() or _child(_commands(there)[command], root / "modules")

        def code(pid: int) -> int:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

        codes = [(command, code(pid)) for command, pid in [(command, begin(command)) for command in commands]]
        alone = {"clean", "backup"} & {*commands}
        refused = [command for command, found in codes if found == 2 and alone]
        failed = [command for command, found in codes if found and command not in refused]
        wrong.extend(f"{command} failed in {name}" for command in [*failed, *(c for c in refused if code(begin(c)))])
        found = _files(here / "exports")
        shutil.rmtree(here)
        return found

    wrong: list[str] = []
    names = list(_commands(config))
    after = {command: beside(command, command) for command in names}
    _load(root / "modules")
    both = itertools.combinations_with_replacement(names, 2)
    found = [*(pair for pair in both if not _READERS.issuperset(pair)), tuple(sorted(_READERS))]
    for pair in found:
        there = beside(" beside ".join(pair), *pair)
        if there != after["export" if "export" in pair else pair[0]] or not first.items() <= there.items():
            wrong.append(f"{' beside '.join(pair)}: another release")
    print(json.dumps({"pairs": len(found), "wrong": wrong}))  # noqa: T201


def _child(command: Callable[[], object], modules: Path) -> NoReturn:
    code = 1
    try:
        os.fsync = lambda fd: None
        with short_exports():
            command()
        with modules.open("a") as file:
            file.write("\n".join(["", *sorted(sys.modules)]))
        code = 0
    except StoreError as error:
        code = 2 if error.message.startswith(BUSY) else 1
    finally:
        os._exit(code)


def exports(root: Path) -> None:
    config = project(root).config
    right = {method: _alone(root, config, method) for method in METHODS}
    _load(root / "modules")
    wrong: list[str] = []
    stopped, at = True, 0
    while stopped:
        workspace = _copy(root, f"at-{at}")
        first, second = (_config(config, workspace, root / f"at-{at}-{m}", m) for m in METHODS)
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
        others = [method for method in METHODS if _files(root / f"at-{at}-{method}") != right[method]]
        wrong += [f"{method}, when the first stood before boundary {at}" for method in others]
        for name in ("", *(f"-{m}" for m in METHODS)):
            shutil.rmtree(root / f"at-{at}{name}", ignore_errors=True)
        at += 1
    alike = [METHODS[0]] if right[METHODS[0]] == right[METHODS[1]] else []
    print(json.dumps({"boundaries": at - 1, "wrong": wrong, "alike": alike}))  # noqa: T201


def _load(listed: Path) -> None:
    """Imports what an export imports, so that forked processes begin at once. None of it starts a thread."""
    for name in dict.fromkeys(listed.read_text().split()):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _alone(root: Path, config: Config, method: str) -> dict[str, bytes]:
    workspace = _copy(root, f"alone-{method}")
    _reap(_fork(_config(config, workspace, root / f"right-{method}", method)))
    return _files(root / f"right-{method}")


def _files(exports: Path) -> dict[str, bytes]:
    return contents(exports) if exports.is_dir() else {}


def _copy(root: Path, name: str) -> Path:
    shutil.copytree(root / "workspace", root / name)
    return root / name


def _config(config: Config, workspace: Path, exports: Path, method: str) -> Config:
    return replace(elsewhere(config, workspace, exports), aggregation=Aggregation(method=method))


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
        os.fsync = lambda fd: None

        def progress(what: str, done: int, total: int | None) -> None:
            if says is not None and "waiting for another run" in what:
                os.write(says, b"w")

        said = outcome(config, progress)
        if isinstance(said, str):
            sys.stderr.write(said + "\n")
        if stop_before is None:
            (config.workspace.parent / "modules").write_text("\n".join(sorted(sys.modules)))
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
    {"pairs": pairs, "exports": exports}[sys.argv[2]](Path(sys.argv[1]))
