"""One function per command, with a typed result; what a result is in words and as JSON is beside it.

Beside the function `name` of a command is `show_name`, which yields lines and tables for people. Where the result needs
them there are `plain_name`, which gives what JSON can hold, and `code_name`, which gives the exit code.
"""

import importlib
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from builder.config import Config

Function = TypeVar("Function", bound=Callable[..., Any])


class Command(NamedTuple):
    """A command: its module, one line of help, and what its function takes: words before the overrides, and flags."""

    module: str
    help: str
    words: str = ""
    flags: str = ""


#: The commands in the order in which they are used. Words in brackets may be left out.
COMMANDS = {
    "init": Command("workspace", "Make a folder of your own, with labels and settings to edit", "FOLDER"),
    "labels": Command("workspace", "Check the label scheme and show its keys, or with `preview` its page", "[WHAT]"),
    "run": Command("run", "Do everything: prepare, push, annotate, pull, validate, adjudicate, export"),
    "prepare": Command("stages", "Read, clean, de-duplicate and chunk the raw articles"),
    "push": Command("annotation", "Put the selected chunks into Label Studio, each exactly once", "", "dry_run"),
    "pull": Command("annotation", "Fetch what annotators did, as it is, into an immutable hashed pull", "", "full"),
    "validate": Command("stages", "Decode the latest pull, check every label and measure agreement", "", "card"),
    "adjudicate": Command("stages", "Decide one gold label from the annotators' labels"),
    "review": Command("annotation", "Send unresolved and quarantined chunks to an expert", "", "dry_run"),
    "export": Command("releases", "Write the next release, unless nothing changed"),
    "serve": Command("annotation", "Run the embedded Label Studio, and say where to label", "", "stop foreground"),
    "people": Command("annotation", "Show who annotates, and with which accounts", "", "passwords"),
    "status": Command("workspace", "Show how far each stage and the annotation are, and what to do next"),
    "report": Command("workspace", "Write one page that shows progress, agreement, gold, the corpus and the release"),
    "diff": Command("releases", "Compare two releases: rows, labels, boundaries, splits", "OLD NEW"),
    "log": Command("releases", "List the releases with their counts, agreement and hashes"),
    "verify": Command("releases", "Check a release's hashes and rebuild it from its pull", "[RELEASE]", "hashes_only"),
    "trace": Command("releases", "Show the way from a released row back to its raw characters", "ROW_ID", "release"),
    "publish": Command(
        "releases", "Upload a release to the Hugging Face Hub in one commit with a tag", "[RELEASE]",
        "upload prune pull_request",
    ),
    "reopen": Command("annotation", "Send chunks back to their annotators, with their answers", "WHICH", "dry_run"),
    "restore": Command("annotation", "Put the annotations of a kept pull back on the server, each once", "", "dry_run"),
    "clean": Command("workspace", "Remove stage results that no release and no latest run uses", "", "dry_run"),
    "backup": Command("workspace", "Keep pulls, keys, accounts and Label Studio's data in one file", "FILE"),
    "restore-backup": Command("workspace", "Make the workspace from the file of a backup, where there is none", "FILE"),
    "doctor": Command("workspace", "Check Python, libraries, disks, permissions, Label Studio and its token"),
}  # fmt: skip
#: What flags do, by the name of their parameter.
FLAGS = {
    "card": "first name what the card of a release needs people to say",
    "dry_run": "say what would be done, and do nothing",
    "foreground": "stay, and stop it with Ctrl-C",
    "full": "ask for everything again, not only for what changed since the last pull",
    "hashes_only": "check hashes alone, without rebuilding",
    "passwords": "show the passwords of accounts on the embedded server, on a terminal only",
    "prune": "delete files of the repository that no release put there, too",
    "pull_request": "propose the release in a pull request, without a tag",
    "stop": "stop it",
    "upload": "really upload; without it only what would change there is shown",
}
#: Flags that take a value, likewise.
VALUES = {"release": "version or folder of the release; without it the latest"}


def function_of(command: str, kind: str = "") -> Any:
    """The function of a command; or the one beside it that is of a kind ("show", "plain", "code"), None without one."""
    module = importlib.import_module(f"builder.commands.{COMMANDS[command].module}")
    name = command.replace("-", "_")
    return getattr(module, f"{kind}_{name}", None) if kind else getattr(module, name)


def working(command: Function) -> Function:
    """A command during which no `clean` takes results of its dataset away, and no `backup` reads half of them."""

    @wraps(command)
    def within(config: "Config", *words: Any, **flags: Any) -> Any:
        from builder.stage import in_use

        with in_use(config.dataset_folder):
            return command(config, *words, **flags)

    return cast(Function, within)


def plain_of(command: str, result: Any) -> Any:
    """A command's result as JSON can hold it: what its `plain` gives, its summary, or all of it."""
    import msgspec

    plain = function_of(command, "plain") if command in COMMANDS else None
    made = plain(result) if plain else getattr(result, "summary", result)
    return msgspec.to_builtins(made, enc_hook=str)
