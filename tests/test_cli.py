"""The command line: what people type, what they read, and the exit code that scripts see."""

import inspect
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from builder import __version__, cli
from builder.commands import FLAGS, VALUES, function_of
from builder.errors import BuilderError, ConfigError, GateError
from builder.stage import Progress, exclusive, in_use, silent

ROOT = Path(__file__).resolve().parent.parent


Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """Runs a command line in this process, in an empty folder: the exit code, standard output and standard error."""
    terminate = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)

    def run(*argv: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["builder", *argv])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert isinstance(ended.value.code, int)
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    yield run
    signal.signal(signal.SIGTERM, terminate)


def test_help_lists_every_command(typed: Typed) -> None:
    code, said, _ = typed("--help")
    assert code == 0
    assert all(f"  {name} " in said for name in cli.COMMANDS)


def test_a_failed_command_is_a_failed_process(tmp_path: Path) -> None:
    code = "import sys; sys.argv[0] = 'builder'; from builder.cli import main; main()"
    argv = [sys.executable, "-c", code, "prepare", "paths.raw=no-such-folder"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["psh"], 2, "Did you mean push?"),
        (["chunking.max_tokens=3"], 2, "is in the place of the command"),
        (["push", "hello"], 2, "'hello' is not an override. Write group=choice or key=value."),
        (["push", "--json", "hello"], 2, "'hello' is not an override"),
        (["diff"], 2, "`builder diff` needs OLD and NEW. Usage: builder diff OLD NEW [overrides]"),
        (["diff", "--json", "v1"], 2, "`builder diff` needs NEW."),
        (["diff", "v1", "v2", "v3"], 2, "'v3' is not an override"),
        (["push", "--upload"], 2, "`builder push` has no flag --upload. Flags: --dry-run, --help, --json, --quiet,"),
        (["status", "--info"], 2, "`builder status` has no flag --info."),
        (["status", "-x=1"], 2, "`builder status` has no flag -x."),
        (["status", "--cfg"], 2, "--cfg prints the configuration only as `--cfg job`."),
        (["status", "--cfg", "hydra"], 2, "--cfg prints the configuration only as `--cfg job`."),
        (["status", "--config-dir"], 2, "--config-dir has no value after it. It is: a folder with further choices"),
        (["trace", "ROW", "--release", "--json"], 2, "--release has no value after it. It is: version or folder"),
        (["trace", "ROW", "--release=v1", "--release=v2"], 2, "--release is given twice."),
        (["push", "--dry-run=false"], 2, "--dry-run takes no value. Write --dry-run, or leave it out."),
        (["push", "--quiet", "--verbose"], 2, "--quiet and --verbose contradict each other. Write one of them."),
        (["push", "-m=1"], 2, "--multirun takes no value."),
        (["push", "--dry-run", "chunking.max_tokens=3", "--upload"], 2, "`builder push` has no flag --upload."),
        (["push", "chunking.max_tokens=0"], 1, "chunking.max_tokens: 0"),
        (["prepare", "paths.raw=no-such-folder"], 1, "no-such-folder"),
    ],
)
def test_misuse_is_one_line_that_says_what_to_do(argv: list[str], code: int, said: str, typed: Typed) -> None:
    found, out, err = typed(*argv)
    assert (found, out) == (code, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("builder: ")
    assert said in err


def test_each_fault_of_a_configuration_has_a_line_that_says_what_to_do(typed: Typed) -> None:
    faults = {
        "chunkin.max_tokens=3": "Did you mean chunking.max_tokens",
        "chunking.max_tokens=many": "Allowed: a whole number, at least 1",
        "hydra.sweep.dir=x": "hydra.sweep.dir: there is no such setting.",
        "source=nowhere": "Choose one of",
        "dataset.name=../x": "dataset.name: '../x'",
    }
    code, out, err = typed("push", *faults)
    first, *lines = err.splitlines()
    assert (code, out, first) == (1, "", "builder: 5 settings cannot be used.")
    assert len(lines) == len(faults)
    for override, said in faults.items():
        (line,) = (line for line in lines if line.startswith(f"  {override.partition('=')[0]}: "))
        assert said in line


def test_names_are_shown_as_they_are(typed: Typed) -> None:
    assert "in news [bold] :cat:" in typed("status", "paths.workspace='news [bold] :cat:'")[2]


def test_numbers_have_no_colours_on_a_terminal(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    said = typed("status", "paths.workspace=news-2024/12")[2]
    assert "\x1b[" in said, "a terminal, where a bar is shown"
    assert "in news-2024/12\n" in said
    assert not re.search(r"\x1b\[[\d;]*m", said)


def test_full_error_lets_python_show_the_traceback(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ConfigError, match=r"chunking\.max_tokens: 0"):
        typed("push", "chunking.max_tokens=0")


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
        ("builder push export.repo=push chunking=sen", "chunking=sentences"),
    ],
)
def test_completion_offers_commands_then_settings(
    line: str, offered: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    code, said, _ = typed("-sc", "query=bash")
    assert (code, said.split()) == (0, offered.split())


def test_completion_is_installed_for_the_command_by_its_name(typed: Typed) -> None:
    code, said, _ = typed("-sc", "install=bash")
    assert code == 0
    assert "complete -p builder" in said


def test_multirun_runs_every_combination(typed: Typed, tmp_path: Path) -> None:
    """Wherever the flag is; each run is announced, and the configurations are those of the combinations."""
    code, out, err = typed("status", "dataset.name=a,b", "-m", "--json", "split=by_time,by_article", "split.seed=3")
    assert (code, out.count('"workspace": ".builder"')) == (0, 4)
    assert [line for line in err.splitlines() if line.startswith("builder status")] == [
        "builder status 1 of 4: dataset.name=a split=by_time",
        "builder status 2 of 4: dataset.name=a split=by_article",
        "builder status 3 of 4: dataset.name=b split=by_time",
        "builder status 4 of 4: dataset.name=b split=by_article",
    ]
    printed = typed("status", "--multirun", "--cfg", "job", "chunking.max_tokens=range(7,9)")[1]
    assert [line for line in printed.splitlines() if "max_tokens" in line] == ["  max_tokens: 7", "  max_tokens: 8"]
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_ends_at_the_first_run_that_fails(typed: Typed) -> None:
    code, _, err = typed("prepare", "-m", "paths.raw=nowhere-a,nowhere-b")
    assert code == 1
    assert "nowhere-a" in err
    assert "nowhere-b" not in err


def test_a_sweep_with_a_fault_runs_nothing(typed: Typed) -> None:
    code, out, err = typed("status", "-m", "split.near=0.5,2", "chunking.max_tokens=0")
    assert (code, out) == (1, "")
    assert err.splitlines()[0] == "builder: 2 settings cannot be used."


def test_starting_imports_nothing_heavy() -> None:
    """`--help` costs no Hydra, composing a configuration no Arrow, and checking labels no `datasets` or SDK."""
    rarely = ["datasets", "label_studio_sdk", "pandas", "trafilatura", "scipy", "langcodes", "dateparser"]
    heavy = ["pyarrow", "numpy", "httpx", *rarely]
    # One after the other in one process: no command may import what one before it may not.
    commands: list[tuple[list[str], list[str]]] = [
        (["--help"], [*heavy, "hydra"]),
        (["export", "--cfg", "job"], heavy),
        (["status"], heavy),
        (["validate", "paths.workspace=nowhere"], rarely),
    ]
    script = (
        "import sys\n"
        "from builder.cli import main\n"
        f"for argv, modules in {commands}:\n"
        "    sys.argv = ['builder', *argv]\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        "    print('imported:', argv, [m for m in modules if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = [line for line in done.stderr.splitlines() if line.startswith("imported: ")]
    assert found == [f"imported: {argv} []" for argv, _ in commands]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_command_is_declared_as_its_function_is(name: str) -> None:
    """Words and flags, and that every command can show its result."""
    _, *parameters = inspect.signature(function_of(name)).parameters.values()
    words = {p.name.upper(): p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}
    declared = cli.COMMANDS[name].words.split()
    assert declared == [word if p.default is p.empty else f"[{word}]" for word, p in words.items()]
    assert all(word.default in (word.empty, "", "check") for word in words.values())
    usual = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert usual.pop("progress") is silent
    assert usual == {flag: False if flag in FLAGS else "" for flag in usual}, "what is not asked for is not done"
    flags = {p.name: p.annotation for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert flags.pop("progress") is Progress
    assert cli.COMMANDS[name].flags.split() == list(flags)
    assert all(kind is (bool if flag in FLAGS else str) for flag, kind in flags.items())
    assert flags.keys() <= FLAGS.keys() | VALUES.keys()
    assert callable(function_of(name, "show"))
    assert function_of(name, "nothing") is None


def test_words_flags_and_overrides_are_found_in_any_order() -> None:
    for argv in (["v1", "v2", "a=b", "--json"], ["a=b", "--json", "v1", "v2"]):
        line = cli.parse_line("diff", argv)
        assert (line.words, line.flags, line.overrides) == (["v1", "v2"], {"--json"}, ["a=b"])
    line = cli.parse_line("diff", ["--cfg", "job", "~a", "+b.c=1", "--config-dir=x", "-m"])
    assert (line.words, line.flags, line.overrides) == ([], {"--multirun"}, ["~a", "+b.c=1"])
    assert line.options == {"--cfg": "job", "--config-dir": "x"}
    with pytest.raises(ConfigError, match="needs NEW"):
        cli.parse_line("diff", ["v1"])


def test_defects_ask_for_a_report() -> None:
    explained = cli._explain(KeyError("x"))
    assert isinstance(explained, BuilderError)
    assert "HYDRA_FULL_ERROR=1" in explained.hint


def test_a_full_disk_is_reported_without_a_traceback() -> None:
    room = "Make room, as `builder doctor` shows, and run the same command again; nothing is lost."
    copied = shutil.Error([("a", "b/x", "[Errno 28] No space left on device: 'a' -> 'b/x'"), ("c", "d", "another")])
    for error in (OSError(28, "No space left on device", "b/x"), copied):
        found = cli._explain(error)
        assert (found.message, found.hint) == ("No space left on device (b/x).", room)
    written = OSError(28, "Error writing bytes to file. Detail: [errno 28] No space left on device")
    assert cli._explain(written).hint == room
    assert cli._explain(PermissionError(13, "Permission denied", "x")).hint.startswith("Mend that and run")


def test_what_the_log_cannot_hold_is_no_failure(typed: Typed, tmp_path: Path) -> None:
    """What was done is done, also where there is no room for a line about it."""
    (tmp_path / ".builder" / "news-stance" / "builder.log").mkdir(parents=True)
    assert typed("status")[0] == 0


def test_the_log_says_what_ran_and_how_it_ended(typed: Typed, tmp_path: Path) -> None:
    """Without the values of secrets; where there is no dataset yet, nothing is written."""
    assert typed("status", "dataset.name=mine")[0] == 0
    assert not (tmp_path / ".builder").exists()
    (tmp_path / ".builder" / "mine").mkdir(parents=True)
    assert typed("status", "dataset.name=mine", "source.storage_options={key: hidden}", "--json")[0] == 0
    assert typed("validate", "dataset.name=mine", "--quiet")[0] == 1
    log = tmp_path / ".builder" / "mine" / "builder.log"
    first, second = log.read_text().splitlines()
    assert first[20:].partition(":")[0] == "UTC status --json dataset.name=mine source.storage_options"
    assert first.endswith(" s, done")
    assert "UTC validate --quiet dataset.name=mine: " in second
    assert "StoreError: Nothing was pulled yet. Run `builder pull` first." in second
    assert log.stat().st_mode & 0o777 == 0o600


def test_quiet_prints_errors_and_json_only(typed: Typed) -> None:
    code, out, err = typed("status", "--quiet", "--json")
    assert (code, err) == (0, "")
    assert out.startswith("{")
    assert typed("validate", "--quiet")[2].startswith("builder: Nothing was pulled yet.")


def test_verbose_says_each_step_and_when_it_began(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.txt").write_text("Tokyo and Kyiv signed a pact.\n\nBeijing protested on Monday.")
    code, out, err = typed("prepare", "--verbose", "dataset.name=mine")
    steps = [line for line in err.splitlines() if re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \w", line)]
    assert (code, out) == (0, "")
    assert len(steps) >= 2
    assert len({line[24:].split(":")[0] for line in steps}) == len(steps)
    assert " UTC " not in typed("prepare", "dataset.name=other")[2]


def test_clean_waits_for_nobody_and_nobody_for_clean(typed: Typed, tmp_path: Path) -> None:
    dataset = tmp_path / ".builder" / "news-stance"
    dataset.mkdir(parents=True)
    with in_use(dataset), in_use(dataset):
        code, _, err = typed("clean")
        assert (code, err) == (
            1,
            "builder: Another command works on this dataset. Wait until it ends.\n",
        )
    with exclusive(dataset / "locks" / "use", "clean", wait=False):
        code, _, err = typed("status")
        assert (code, err) == (
            1,
            "builder: `builder clean` or `builder backup` is working on this dataset. Wait until it ends.\n",
        )
    assert typed("clean")[0] == typed("status")[0] == 0


def test_a_backup_is_made_while_no_other_command_works(typed: Typed, tmp_path: Path) -> None:
    """On any dataset of the workspace; the commands of the others wait for nobody."""
    for name in ("news-stance", "other"):
        (tmp_path / ".builder" / name / "locks").mkdir(parents=True)
        (tmp_path / ".builder" / name / "pulls").mkdir()
    (tmp_path / ".builder" / "pseudonyms.key").write_text("k" * 32)
    with in_use(tmp_path / ".builder" / "other"):
        code, _, err = typed("backup", "b.tar.gz")
        assert (code, err) == (1, "builder: Another command works on other. Wait until it ends.\n")
    assert not (tmp_path / "b.tar.gz").exists()
    with exclusive(tmp_path / ".builder" / "other" / "locks" / "use", "backup", wait=False):
        assert typed("status")[0] == 0
        assert typed("status", "dataset.name=other")[0] == 1
    assert typed("backup", "b.tar.gz")[0] == 0
    assert typed("restore-backup", "b.tar.gz", "paths.workspace=again")[0] == 0
    assert (tmp_path / "again" / "pseudonyms.key").read_text() == "k" * 32


def test_a_reader_that_has_enough_is_no_error() -> None:
    """As in `builder status --json | head -0`."""
    code = "import sys; sys.argv = ['builder', 'labels', '--json', '--quiet']; from builder.cli import main; main()"
    done = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert done.stdout is not None
    done.stdout.close()
    assert done.stderr is not None
    with done.stderr:
        assert done.stderr.read() == b""
    assert done.wait() == 0


def test_exit_codes_tell_waiting_from_released() -> None:
    from builder.commands.run import Run, code_run, plain_run

    waiting = Run(2, None, None, None)  # type: ignore[arg-type]
    assert (code_run(waiting), plain_run(waiting)["state"]) == (3, "waiting for annotators")
    waiting.export = "v1.0.0"  # type: ignore[assignment]
    assert code_run(waiting) == 0


def test_help_and_version_run_nothing(typed: Typed, tmp_path: Path) -> None:
    shown = typed("--help")
    assert shown[1].startswith("Annotated datasets from raw news articles, through Label Studio.\n\nusage: builder")
    width = max(map(len, cli.COMMANDS))
    for name, command in cli.COMMANDS.items():
        assert f"\n  {name.ljust(width)}  {command.help}\n" in shown[1]
    assert typed() == typed("-h") == typed("help") == shown
    assert typed("--version") == (0, f"builder {__version__}\n", "")
    code, out, err = typed("trace", "-h")
    assert (code, err) == (0, "")
    first, *lines = out.splitlines()
    assert first == "usage: builder trace ROW_ID [flags] [overrides]"
    for flag, about in {**VALUES, "--help": "show this", "--config-dir": cli.OPTIONS["--config-dir"]}.items():
        assert f"  {flag if flag.startswith('-') else f'--{flag}'}".ljust(16) + about in lines
    choices = ", ".join(sorted(path.stem for path in (ROOT / "conf" / "split").glob("*.yaml")))
    assert f"  split         {choices}" in lines
    groups = [path.name for path in sorted((ROOT / "conf").iterdir()) if path.is_dir()]
    start = lines.index("Choices, as group=choice; conf/README.md describes them:") + 1
    assert [line.split()[0] for line in lines[start : start + len(groups)]] == groups
    assert lines[start + len(groups)] == ""
    assert "  chunking.max_tokens: Most tokens per chunk, counted in `unit`." in lines
    assert list(tmp_path.iterdir()) == []


class Called:
    """A command that keeps what it is given."""

    def __init__(self, result: Any = None, error: Exception | None = None) -> None:
        self.result, self.error = result, error
        self.words: tuple[Any, ...] = ()
        self.flags: dict[str, Any] = {}

    def __call__(self, config: Any, *words: Any, **flags: Any) -> Any:
        self.words, self.flags = words, flags
        assert callable(self.flags.pop("progress"))
        if self.error:
            raise self.error
        return self.result


def test_words_and_flags_reach_the_command_and_its_result_comes_out(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "builder.commands.releases"
    monkeypatch.setattr(f"{module}.trace", traced := Called({"b": "é", "a": 1}))
    monkeypatch.setattr(f"{module}.plain_trace", dict)
    monkeypatch.setattr(f"{module}.show_trace", lambda result: [f"a is {result['a']}", "x" * 200])
    monkeypatch.setattr(f"{module}.code_trace", lambda result: 3 + result["a"], raising=False)
    code, out, err = typed("trace", "ROW", "--release=v1", "--json", "dataset.name=mine")
    assert (traced.words, traced.flags) == (("ROW",), {"release": "v1"})
    assert (code, out) == (4, '{\n  "a": 1,\n  "b": "é"\n}\n')
    assert err.splitlines() == ["a is 1", "x" * 200]
    assert typed("trace", "ROW", "--config-dir", "mine") == (4, "", err)
    assert traced.flags == {}, "where choices are is nothing for the command"
    assert typed("trace", "ROW", "--quiet") == (4, "", "")
    monkeypatch.setattr(f"{module}.publish", published := Called())
    monkeypatch.setattr(f"{module}.show_publish", lambda result: [])
    assert typed("publish", "--pull-request", "v1", "--upload") == (0, "", "")
    assert (published.words, published.flags) == (("v1",), {"upload": True, "pull_request": True})


def test_a_sweep_ends_with_the_code_of_its_last_run_that_is_not_done(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.commands.workspace.status", lambda config, progress: config.dataset.name)
    monkeypatch.setattr("builder.commands.workspace.show_status", lambda result: [result])
    monkeypatch.setattr("builder.commands.workspace.code_status", {"a": 0, "b": 3, "c": 0}.get, raising=False)
    assert typed("status", "dataset.name=a") == (0, "", "a\n")
    code, _, err = typed("status", "-m", "dataset.name=a,b,c", "split.seed=2")
    assert code == 3
    assert err.splitlines()[:2] == ["builder status 1 of 3: dataset.name=a", "a"]


@pytest.mark.parametrize(("name", "result"), [("validate", "found"), ("validate", None), ("adjudicate", "found")])
def test_what_is_below_a_gate_is_shown_by_validate(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, name: str, result: Any
) -> None:
    error = GateError("Below.", "Mend it.", result)
    monkeypatch.setattr(f"builder.commands.stages.{name}", Called(error=error))
    monkeypatch.setattr(f"builder.commands.stages.show_{name}", lambda result: [result])
    shown = ["found"] if name == "validate" and result else []
    code, out, err = typed(name)
    assert (code, out, err.splitlines()) == (1, "", [*shown, "builder: Below. Mend it."])


@pytest.mark.parametrize("verbose", [False, True])
def test_each_step_has_a_bar_of_its_own_and_a_line_on_request(verbose: bool) -> None:
    console: Any = SimpleNamespace(is_terminal=True, print=mock.Mock())
    with mock.patch("rich.progress.Progress") as bars:
        bar = bars.return_value.__enter__.return_value
        with cli._shown(console, verbose) as progress:
            progress("read: a", 0, 2)
            progress("read: b", 1, 2)
            progress("count", 0, None)
    assert {key: bars.call_args.kwargs[key] for key in ("console", "transient", "disable")} == {
        "console": console, "transient": True, "disable": False,
    }  # fmt: skip
    bar.add_task.assert_called_once_with("", total=None, visible=False)
    task = bar.add_task.return_value
    assert bar.reset.call_args_list == [mock.call(task, total=2), mock.call(task, total=None)]
    assert bar.update.call_args_list == [
        mock.call(task, description=what, completed=done, total=total, visible=True)
        for what, done, total in (("read: a", 0, 2), ("read: b", 1, 2), ("count", 0, None))
    ]
    said = [call.args[0].partition(" UTC ")[2] for call in console.print.call_args_list]
    assert said == (["read: a", "count"] if verbose else [])
    assert all(call.kwargs == {"soft_wrap": True} for call in console.print.call_args_list)


def test_an_error_that_a_builder_error_caused_is_that_one() -> None:
    cause, outer = BuilderError("This.", "Do that."), ValueError("outer")
    assert cli._explain(cause) is cause
    outer.__cause__ = cause
    assert cli._explain(outer) is cause
    outer.__cause__ = None
    assert cli._explain(outer).message == "Unexpected ValueError: outer."
    assert cli._explain(OSError(5, "It broke")).message == "It broke."
    assert cli._explain(OSError(28, "Disk Quota exceeded", "x")).hint.startswith("Make room")
    assert cli._explain(OSError("odd")).message == "Unexpected OSError: odd."


def test_who_is_told_to_end_does_so_with_the_code_of_the_signal(typed: Typed) -> None:
    typed("status")
    assert signal.getsignal(signal.SIGTERM) is cli._terminate
    with pytest.raises(SystemExit) as ended:
        cli._terminate(signal.SIGTERM, None)
    assert ended.value.code == 128 + 15


@pytest.mark.parametrize(("name", "hint"), [("statsu", "Did you mean status? Commands: "), ("qqq", "Commands: ")])
def test_an_unknown_command_is_said_with_what_it_is_like(typed: Typed, name: str, hint: str) -> None:
    code, _, err = typed(name)
    assert code == 2
    assert err.startswith(f"builder: Unknown command {name!r}. {hint}")
    assert typed("--jason")[2].startswith("builder: '--jason' is in the place of the command. Commands: ")


def test_completion_knows_when_a_word_has_ended(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [*cli.COMMANDS]
    for line, offered in (("builder ", every), ("builder", every), ("builder restore", ["restore", "restore-backup"])):
        monkeypatch.setenv("COMP_LINE", line)
        code, out, _ = typed("--shell-completion", "query=bash")
        assert (code, out.split()) == (0, offered)
    monkeypatch.setenv("COMP_LINE", "builder push ")
    assert {"chunking=", "chunking.", "split=", "paths."} < {*typed("--shell-completion", "query=bash")[1].split()}
