"""The command line: the first word picks a command, the rest are its words, flags and Hydra overrides, in any order."""

import contextlib
import difflib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

from builder import __version__
from builder.commands import COMMANDS, FLAGS, VALUES, function_of, plain_of
from builder.errors import BuilderError, ConfigError, GateError

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config

#: Flags of every command, and options of every command, which take a value.
SHARED_FLAGS = {
    "--help": "show this",
    "--json": "print the summary as JSON on standard output",
    "--quiet": "print nothing but errors and what --json asks for",
    "--verbose": "say each step and when it began, also where no terminal shows a bar",
    "--multirun": "run every combination of comma-separated values (-m)",
}
OPTIONS = {
    "--cfg": "with `job`: print the configuration and run nothing (-c)",
    "--config-dir": "a folder with further choices, as <group>/<choice>.yaml (-cd)",
}
_SHORT = {"-h": "--help", "-m": "--multirun", "-c": "--cfg", "-cd": "--config-dir"}
_FAILED, _USAGE, _INTERRUPTED = 1, 2, 130


@dataclass(frozen=True)
class Line:
    """What was typed after the command."""

    words: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    options: dict[str, str] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)


def flags_of(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """The flags of a command, and those that take a value, with what they do."""
    own = {flag: f"--{flag.replace('_', '-')}" for flag in COMMANDS[name].flags.split()}
    flags, values = ({own[flag]: about[flag] for flag in own if flag in about} for about in (FLAGS, VALUES))
    return flags, values


def parse_line(name: str, argv: Sequence[str]) -> Line:
    """The parts of a command line; raises `ConfigError` for what no command line of the command has."""
    line, words = Line(), COMMANDS[name].words.split()
    own, valued = flags_of(name)
    flags, options = own | SHARED_FLAGS, valued | OPTIONS
    rest = iter(argv)
    for arg in rest:
        flag, equals, value = arg.partition("=")
        flag = _SHORT.get(flag, flag)
        if flag in options:
            value = value if equals else next(rest, "")
            if flag == "--cfg" and value != "job":
                raise ConfigError("--cfg prints the configuration only as `--cfg job`.")
            if not value or value.startswith("-") or flag in line.options:
                what = "is given twice" if flag in line.options else "has no value after it"
                raise ConfigError(f"{flag} {what}.", f"It is: {options[flag]}.")
            line.options[flag] = value
        elif flag in flags:
            if equals:
                raise ConfigError(f"{flag} takes no value.", f"Write {flag}, or leave it out.")
            line.flags.add(flag)
        elif arg.startswith("-"):
            known = ", ".join([*own, *valued, *SHARED_FLAGS, *OPTIONS])
            raise ConfigError(f"`builder {name}` has no flag {flag}.", f"Flags: {known}.")
        elif equals or arg.startswith(("~", "+")):
            line.overrides.append(arg)
        elif len(line.words) < len(words):
            line.words.append(arg)
        else:
            raise ConfigError(f"{arg!r} is not an override.", "Write group=choice or key=value.")
    if line.flags >= {"--quiet", "--verbose"}:
        raise ConfigError("--quiet and --verbose contradict each other.", "Write one of them.")
    missing = [word for word in words[len(line.words) :] if not word.startswith("[")]
    if missing and "--help" not in line.flags and "--cfg" not in line.options:
        usage = f"Usage: builder {name} {' '.join(words)} [overrides]"
        raise ConfigError(f"`builder {name}` needs {' and '.join(missing)}.", usage)
    return line


def main() -> None:
    """Runs the command of `sys.argv` and exits: 0 done, 1 failed, 2 misused, 3 waiting for people, 130 interrupted."""
    sys.exit(_main(sys.argv[1:]))


def _main(argv: list[str]) -> int:
    name = argv[0] if argv else "--help"
    try:
        return _guarded(name, argv)
    except KeyboardInterrupt:  # also one that comes while an error is explained
        stopped = BuilderError("Stopped.", f"What is finished is kept: run `builder {name}` again to go on.")
        return _fail(stopped, _INTERRUPTED)


def _guarded(name: str, argv: list[str]) -> int:
    """Runs a command; whatever goes wrong in it is one line."""
    try:
        if name in ("-h", "--help", "help", "--version"):
            print(f"builder {__version__}" if name == "--version" else _help())
            return 0
        if name in ("-sc", "--shell-completion"):
            return _complete(argv)
        try:
            if name not in COMMANDS:
                raise _unknown(name)
            line = parse_line(name, argv[1:])
        except ConfigError as error:
            return _fail(error, _USAGE)
        signal.signal(signal.SIGTERM, _terminate)
        code = _run(name, line)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output has what they wanted. What is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        return _fail(_explain(error), _FAILED)


def _terminate(signum: int, frame: FrameType | None) -> None:
    # Unwinds the stack, so that temporary files go and a server started for this run is stopped.
    raise SystemExit(128 + signum)


def _run(name: str, line: Line) -> int:
    if "--help" in line.flags:
        print(_command_help(name))
        return 0
    from builder.composing import compose_jobs

    sweep = "--multirun" in line.flags
    jobs = compose_jobs(line.overrides, sweep=sweep, config_dir=line.options.get("--config-dir", ""))
    code = 0
    for number, job in enumerate(jobs, 1):
        if "--cfg" in line.options:
            print(job.as_yaml(), end="")
            continue
        if len(jobs) > 1:
            chosen = " ".join(override for override in job.overrides if override not in line.overrides)
            print(f"builder {name} {number} of {len(jobs)}: {chosen}", file=sys.stderr)
        code = _call(name, line, job.config) or code
    return code


def _call(name: str, line: Line, config: "Config") -> int:
    """Runs the command and shows its result; returns the exit code."""
    from rich.console import Console

    from builder.composing import logged

    flags, options = flags_of(name)
    given: dict[str, bool | str] = dict.fromkeys(line.flags & flags.keys(), True)
    given |= {flag: value for flag, value in line.options.items() if flag in options}
    keywords = {flag.removeprefix("--").replace("-", "_"): value for flag, value in given.items()}
    # Standard output carries only what a script may read; everything for people goes to standard error, as it is: a
    # path or an article's words may hold what rich would take for markup, or for the name of an emoji.
    console = Console(stderr=True, markup=False, emoji=False, highlight=False, quiet="--quiet" in line.flags)

    def show(result: object) -> None:
        for part in function_of(name, "show")(result):
            console.print(part, soft_wrap=isinstance(part, str))

    words = [name, *line.words, *sorted(line.flags)]
    try:
        with (
            logged(config.dataset_folder, words, line.overrides),
            _shown(console, "--verbose" in line.flags) as progress,
        ):
            result = function_of(name)(config, *line.words, **keywords, progress=progress)
    except GateError as error:
        # What is below a gate is shown all the same: it says what to work on.
        if name == "validate" and error.result is not None:
            show(error.result)
        raise
    show(result)
    if "--json" in line.flags:
        print(json.dumps(plain_of(name, result), indent=2, sort_keys=True, ensure_ascii=False))
    code = function_of(name, "code")
    return code(result) if code else 0


@contextlib.contextmanager
def _shown(console: "Console", verbose: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """Progress as a bar on the terminal, one line that goes away; where nobody watches, on request a line per step."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        bar = bars.add_task("", total=None, visible=False)
        step = ""

        def progress(what: str, done: int, total: int | None) -> None:
            nonlocal step
            if what.split(":")[0] != step:
                step = what.split(":")[0]
                bars.reset(bar, total=total)
                if verbose:
                    console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC {what}", soft_wrap=True)
            bars.update(bar, description=what, completed=done, total=total, visible=True)

        yield progress


def _explain(error: Exception) -> BuilderError:
    """One line for people, whatever was raised."""
    for found in (error, error.__cause__):
        if isinstance(found, BuilderError):
            return found
    if isinstance(error, shutil.Error):
        # Of many files that were not copied, the first says why.
        _, where, why = error.args[0][0]
        error = OSError(0, str(why).partition("] ")[2].partition(":")[0], str(where))
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        hint = "Mend that and run the same command again; nothing is lost."
        if re.search("no space left|quota", error.strerror, re.IGNORECASE):
            hint = "Make room, as `builder doctor` shows, and run the same command again; nothing is lost."
        return BuilderError(f"{error.strerror}{where}.", hint)
    return BuilderError(
        f"Unexpected {type(error).__name__}: {error}.",
        "This is a defect of the builder: set HYDRA_FULL_ERROR=1 to see the traceback and report it.",
    )


def _unknown(name: str) -> ConfigError:
    commands = f"Commands: {', '.join(COMMANDS)}."
    if "=" in name or name.startswith("-"):
        return ConfigError(f"{name!r} is in the place of the command.", commands)
    near = difflib.get_close_matches(name, COMMANDS)
    return ConfigError(f"Unknown command {name!r}.", f"Did you mean {near[0]}? {commands}" if near else commands)


def _fail(error: BuilderError, code: int) -> int:
    print(f"builder: {error}", file=sys.stderr)
    return code


def _complete(argv: list[str]) -> int:
    """Shell completion: our commands for the first word, Hydra's overrides for the rest."""
    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    if any(arg.startswith("query=") for arg in argv) and (len(words) < 2 or (len(words) == 2 and line[-1:] != " ")):
        print(" ".join(name for name in COMMANDS if name.startswith(words[1] if len(words) > 1 else "")))
        return 0
    if words[1:]:
        os.environ["COMP_LINE"] = line.replace(f"{words[1]} ", "", 1)
    import hydra

    from builder.composing import conf_folder, register

    register()
    sys.argv = [sys.argv[0], *argv]
    hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(lambda _: None)()
    return 0


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {command.help}" for name, command in COMMANDS.items())
    return f"""\
Annotated datasets from raw news articles, through Label Studio.

usage: builder <command> [overrides]     for example: builder run experiment=demo

commands:
{commands}

`builder <command> --help` shows its flags and every setting; `--cfg job` prints the configuration;
`-m` sweeps over comma-separated values; `--json` prints the summary as JSON.
Completion: eval "$(builder -sc install=bash)\""""


def _command_help(name: str) -> str:
    from builder.composing import conf_folder
    from builder.config import Composed
    from builder.settings import leaves

    groups = sorted(path for path in conf_folder().iterdir() if path.is_dir())
    choices = {folder.name: ", ".join(sorted(path.stem for path in folder.glob("*.yaml"))) for folder in groups}
    command, (own, valued) = COMMANDS[name], flags_of(name)
    return "\n".join(
        [
            f"usage: builder {' '.join([name, *command.words.split()])} [flags] [overrides]",
            f"\n{command.help}.\n",
            *(f"  {flag:<14}{about}" for flag, about in (own | valued | SHARED_FLAGS | OPTIONS).items()),
            "\nChoices, as group=choice; conf/README.md describes them:",
            *(f"  {group:<14}{names}" for group, names in choices.items()),
            "\nSettings, as key=value; `--cfg job` prints their values:",
            *(f"  {key}: {hint.about}" for key, hint in leaves(Composed).items()),
        ]
    )


if __name__ == "__main__":
    main()
