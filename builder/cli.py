"""The command line: the first word picks a command, the rest are Hydra overrides and the command's own flags.

A command is a function `builder.commands.<name>.<name>`. Its help is the first line of its docstring, its words are its
positional parameters, and its flags are its keyword-only parameters of type bool.
"""

import contextlib
import inspect
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

from builder import __version__
from builder.commands import COMMANDS, module_of, plain_of
from builder.errors import BuilderError, ConfigError, GateError

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from rich.console import Console

JSON_FLAG = "--json"
_FAILED, _USAGE, _INTERRUPTED = 1, 2, 130


@dataclass(frozen=True)
class Command:
    """One line of help, the words the command takes before its overrides, and its own flags with their help."""

    help: str
    words: tuple[str, ...] = ()
    flags: dict[str, str] = field(default_factory=dict)

    @property
    def required(self) -> int:
        return sum(not word.startswith("[") for word in self.words)


def describe(name: str) -> Command:
    """What the signature of a command's function says about its words and flags."""
    function = getattr(module_of(name), name)
    words, flags = [], {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != "progress":
            flags[f"--{parameter.name.replace('_', '-')}"] = parameter.annotation.__metadata__[0]
        elif parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            word = parameter.name.upper()
            words.append(word if parameter.default is parameter.empty else f"[{word}]")
    return Command((inspect.getdoc(function) or "").split("\n")[0].rstrip("."), tuple(words), flags)


def main() -> None:
    """Runs the command of `sys.argv` and exits: 0 done, 1 failed, 2 misused, 130 interrupted."""
    sys.exit(_main(sys.argv[1:]))


def _main(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_help())  # noqa: T201
        return 0
    if argv[0] == "--version":
        print(f"builder {__version__}")  # noqa: T201
        return 0
    if argv[0] in ("-sc", "--shell-completion"):
        return _complete(argv)
    name, rest = argv[0], argv[1:]
    if name not in COMMANDS:
        return _fail(_unknown(name), _USAGE)
    # Hydra prints its own long error reports unless it is to raise; ours are one line, and a traceback on request.
    global _traceback_wanted
    _traceback_wanted = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"
    signal.signal(signal.SIGTERM, _terminate)
    with _reported(name):
        _run(name, rest)
    return 0


_traceback_wanted = False


@contextlib.contextmanager
def _reported(name: str) -> Iterator[None]:
    """Turns whatever is raised inside into one line and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        stopped = BuilderError("Stopped.", f"What is finished is kept: run `builder {name}` again to go on.")
        raise SystemExit(_fail(stopped, _INTERRUPTED)) from None
    except Exception as error:
        if _traceback_wanted:
            raise
        raise SystemExit(_fail(_explain(error), _FAILED)) from None


def _terminate(signum: int, frame: FrameType | None) -> None:
    # Unwinds the stack, so that temporary files go and a server started for this run is stopped.
    raise SystemExit(128 + signum)


def _run(name: str, argv: list[str]) -> None:
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from builder.config import conf_folder, quick_yaml, refusal, register, spelled

    command = describe(name)
    words, options, overrides = _split(name, command, argv)
    if "--help" in overrides or "-h" in overrides:
        print(_command_help(name, command))  # noqa: T201
    register()
    task = _task(name, words, options)
    overrides = [spelled(override) for override in overrides]
    try:
        if not any(arg.startswith("-") for arg in overrides):
            # Hydra's own way to run would compose twice and leave a folder of records in the workspace.
            with quick_yaml(), hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
                composed = hydra.compose("config", overrides)
            task(composed)
            return
        sys.argv = [sys.argv[0], *overrides]
        with quick_yaml():
            hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(task)()
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        if _traceback_wanted:
            raise
        folder = next((overrides[i + 1] for i, arg in enumerate(overrides[:-1]) if arg in ("--config-dir", "-cd")), "")
        raise refusal(error, [arg for arg in overrides if arg[0] != "-" and arg != folder], folder) from None


def _task(name: str, words: list[str], options: dict[str, bool]) -> Callable[["DictConfig"], None]:
    def task(composed: "DictConfig") -> None:
        from rich.console import Console

        from builder.config import convert

        # Inside the task, because Hydra prints a report of its own about any exception that leaves it.
        with _reported(name):
            config, module = convert(composed), module_of(name)
            keywords = {flag.removeprefix("--").replace("-", "_"): True for flag in options if flag != JSON_FLAG}
            # Standard output carries only what a script may read; everything for people goes to standard error, as it
            # is: a path or an article's words may hold what rich would take for markup, or for the name of an emoji.
            console = Console(stderr=True, markup=False, emoji=False, highlight=False)
            try:
                with _shown(console) as progress:
                    result = getattr(module, name)(config, *words, **keywords, progress=progress)
            except GateError as error:
                # What is below a gate is shown all the same: it says what to work on.
                if name == "validate" and error.result is not None:
                    module.show(error.result, console)
                raise
            module.show(result, console)
            if JSON_FLAG in options:
                text = json.dumps(plain_of(name, result), indent=2, sort_keys=True, ensure_ascii=False)
                print(text)  # noqa: T201

    return task


@contextlib.contextmanager
def _shown(console: "Console") -> Iterator[Callable[[str, int, int | None], None]]:
    """Progress as a bar on the terminal, one line that goes away; nothing where nobody watches."""
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
            bars.update(bar, description=what, completed=done, total=total, visible=True)

        yield progress


def _split(name: str, command: Command, argv: list[str]) -> tuple[list[str], dict[str, bool], list[str]]:
    """The command's words, its flags, and what is left for Hydra."""
    words: list[str] = []
    options: dict[str, bool] = {}
    overrides: list[str] = []
    for arg in argv:
        if arg in command.flags or arg == JSON_FLAG:
            options[arg] = True
        # Words come before any override, so that the value of `--cfg job` is not taken for one.
        elif not overrides and len(words) < len(command.words) and "=" not in arg and arg[0] not in "-~+":
            words.append(arg)
        else:
            overrides.append(arg)
    if len(words) < command.required and not any(arg.startswith("-") for arg in overrides):
        raise ConfigError(
            f"`builder {name}` needs {' and '.join(command.words[len(words) : command.required])}.",
            f"Usage: builder {name} {' '.join(command.words)} [overrides]",
        )
    return words, options, overrides


def _explain(error: Exception) -> BuilderError:
    """One line for people, whatever was raised."""
    if isinstance(error, BuilderError):
        return error
    if isinstance(error.__cause__, BuilderError):
        return error.__cause__
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return BuilderError(f"{error.strerror}{where}.", "Mend that and run the same command again; nothing is lost.")
    return BuilderError(
        f"Unexpected {type(error).__name__}: {error}.",
        "This is a defect of the builder: set HYDRA_FULL_ERROR=1 to see the traceback and report it.",
    )


def _unknown(name: str) -> ConfigError:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    if "=" in name or name.startswith("-"):
        return ConfigError(f"{name!r} is in the place of the command.", f"Commands: {', '.join(COMMANDS)}.")
    hint = f"Did you mean {near[0]}? " if near else ""
    return ConfigError(f"Unknown command {name!r}.", f"{hint}Commands: {', '.join(COMMANDS)}.")


def _fail(error: BuilderError, code: int) -> int:
    print(f"builder: {error}", file=sys.stderr)  # noqa: T201
    return code


def _complete(argv: list[str]) -> int:
    """Shell completion: our commands for the first word, Hydra's overrides for the rest."""
    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    if any(arg.startswith("query=") for arg in argv) and (len(words) < 2 or (len(words) == 2 and line[-1:] != " ")):
        print(" ".join(name for name in COMMANDS if name.startswith(words[1] if len(words) > 1 else "")))  # noqa: T201
        return 0
    if len(words) > 1:
        os.environ["COMP_LINE"] = line.replace(f"{words[1]} ", "", 1)
    _run("run", argv)
    return 0


def _help() -> str:
    width = max(len(name) for name in COMMANDS)
    return "\n".join(
        [
            "Annotated datasets from raw news articles, through Label Studio.",
            "",
            "usage: builder <command> [overrides]     for example: builder run experiment=demo",
            "",
            "commands:",
            *(f"  {name:<{width}}  {describe(name).help}" for name in COMMANDS),
            "",
            "`builder <command> --help` shows its flags and every setting; `--cfg job` prints the configuration;",
            "`-m` sweeps over comma-separated values; `--json` prints the summary as JSON.",
            'Completion: eval "$(builder -sc install=bash)"',
        ]
    )


def _command_help(name: str, command: Command) -> str:
    flags = {**command.flags, JSON_FLAG: "print the summary as JSON on standard output"}
    return "\n".join(
        [
            f"usage: builder {' '.join([name, *command.words])} [flags] [overrides]",
            "",
            f"{command.help}.",
            "",
            *(f"  {flag:<14}{text}" for flag, text in flags.items()),
            "",
        ]
    )


if __name__ == "__main__":
    main()
