"""The command line: what people type, what they read, and the exit code that scripts see."""

import copy
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hydra.core.singleton import Singleton

from builder import cli
from builder.errors import BuilderError, ConfigError

ROOT = Path(__file__).resolve().parent.parent


def builder(*argv: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """One real process, as a user starts it."""
    return subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'builder'; from builder.cli import main; main()", *argv],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        env={**os.environ, **env},
        check=False,
    )


Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """Runs a command line in this process, in an empty folder: the exit code, standard output and standard error."""
    hydra, terminate = copy.deepcopy(Singleton.get_state()), signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # the command line changes it

    def run(*argv: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["builder", *argv])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert isinstance(ended.value.code, int)
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    yield run
    signal.signal(signal.SIGTERM, terminate)
    Singleton.set_state(hydra)


def test_help_lists_every_command(typed: Typed) -> None:
    code, said, _ = typed("--help")
    assert code == 0
    assert all(f"  {name} " in said for name in cli.COMMANDS)


def test_a_failed_command_is_a_failed_process(tmp_path: Path) -> None:
    done = builder("prepare", "paths.raw=no-such-folder", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["psh"], "Did you mean push?"),
        (["chunking.max_tokens=3"], "is in the place of the command"),
        (["push", "chunkin.max_tokens=3"], "Did you mean chunking.max_tokens"),
        (["push", "chunking.max_tokens=many"], "Allowed: a whole number, at least 1"),
        (["push", "chunking.max_tokens=0"], "chunking.max_tokens: 0"),
        (["push", "source=nowhere"], "Choose one of"),
        (["push", "hello"], "is not an override"),
        (["diff"], "needs OLD and NEW"),
        (["prepare", "paths.raw=no-such-folder"], "no-such-folder"),
        (["push", "dataset.name=../x"], "dataset.name: '../x'"),
    ],
)
def test_misuse_is_one_line_that_says_what_to_do(argv: list[str], said: str, typed: Typed) -> None:
    code, out, err = typed(*argv)
    assert code in (1, 2)
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("builder: ")
    assert said in err


def test_names_are_shown_as_they_are(typed: Typed) -> None:
    assert "in news [bold] :cat:" in typed("status", "paths.workspace='news [bold] :cat:'")[2]


def test_full_error_shows_the_traceback() -> None:
    done = builder("push", "chunking.max_tokens=0", HYDRA_FULL_ERROR="1")
    assert "Traceback" in done.stderr


def test_cfg_job_prints_the_composed_configuration_and_runs_nothing(typed: Typed, tmp_path: Path) -> None:
    code, out, _ = typed("export", "--cfg", "job", "experiment=demo")
    assert code == 0
    assert "kind: recorded" in out
    assert list(tmp_path.iterdir()) == []


def test_command_help_shows_flags_and_settings(typed: Typed) -> None:
    code, out, _ = typed("push", "--help")
    assert code == 0
    assert "--dry-run" in out
    assert "max_tokens" in out


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("builder pu", "push pull publish"),
        ("builder push chunking=sen", "chunking=sentences"),
        ("builder export dataset.na", "dataset.name="),
    ],
)
def test_completion_offers_commands_then_settings(line: str, offered: str) -> None:
    assert builder("-sc", "query=bash", COMP_LINE=line).stdout.split() == offered.split()


def test_multirun_sweeps(typed: Typed) -> None:
    """Each job of a sweep is a run of its own: the first bad one is reported and ends the sweep."""
    code, _, err = typed("prepare", "-m", "paths.raw=nowhere-a,nowhere-b")
    assert code == 1
    assert "nowhere-a" in err


def test_starting_imports_nothing_heavy() -> None:
    """`--help` costs no Hydra, and composing a configuration no Arrow, `datasets` or SDK."""
    script = (
        "import sys; sys.argv = ['builder', *{argv}]\n"
        "from builder.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    heavy = ["pyarrow", "datasets", "label_studio_sdk", "numpy", "pandas", "trafilatura", "httpx"]
    for argv, modules in ((["--help"], [*heavy, "hydra"]), (["export", "--cfg", "job"], heavy), (["status"], heavy)):
        done = subprocess.run(
            [sys.executable, "-c", script.format(argv=argv, heavy=modules)], capture_output=True, text=True, check=True
        )
        assert done.stderr.splitlines()[-1] == "[]", argv


def test_words_come_before_overrides() -> None:
    command = cli.describe("diff")
    assert cli._split("diff", command, ["v1", "v2", "a=b"]) == (["v1", "v2"], {}, ["a=b"])
    assert cli._split("diff", command, ["--cfg", "job"]) == ([], {}, ["--cfg", "job"])
    with pytest.raises(ConfigError, match="needs NEW"):
        cli._split("diff", command, ["v1"])


def test_defects_ask_for_a_report() -> None:
    explained = cli._explain(KeyError("x"))
    assert isinstance(explained, BuilderError)
    assert "HYDRA_FULL_ERROR=1" in explained.hint


def test_full_disk_is_told_without_a_traceback() -> None:
    assert cli._explain(OSError(28, "No space left on device", "x.parquet")).message == (
        "No space left on device (x.parquet)."
    )
