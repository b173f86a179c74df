"""What the README says can be typed as it stands."""

import re
import shlex
from pathlib import Path

import pytest

from builder.cli import COMMANDS, JSON_FLAG, _split
from tests.composing import composed

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = sorted(
    {m.split("#")[0].strip().rstrip(".") for m in re.findall(r"^(?:\$ )?(builder [a-z].*)$", README, re.MULTILINE)}
    | {m for m in re.findall(r"`(builder [a-z][^`]*)`", README) if "<command>" not in m}
)


def test_every_command_is_documented() -> None:
    for name, command in COMMANDS.items():
        assert f"`builder {name}" in README, name
        assert command.help[0].isupper()
        for flag in command.flags:
            assert flag in README, f"{name} {flag}"


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_composes(line: str) -> None:
    """Command, flags, words and overrides are all known; a sweep composes each of its choices."""
    _, name, *argv = shlex.split(line.replace("<row id>", "ROW").replace("<file name>", "news_stance"))
    assert name in COMMANDS
    _, options, overrides = _split(name, COMMANDS[name], argv)
    assert set(options) <= set(COMMANDS[name].flags) | {JSON_FLAG}
    jobs: list[list[str]] = [[]]
    for override in overrides:
        if override.startswith("-"):
            assert override in ("-m", "--multirun", "--cfg", "job", "--help"), override
            continue
        key, _, values = override.partition("=")
        choices = values.split(",") if "-m" in overrides else [values]
        jobs = [[*job, f"{key}={value}"] for job in jobs for value in choices]
    for job in jobs:
        composed(*job)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)", README))))
def test_every_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:builder|conf|tests|raw|exports)/[\w./]+)`", README))))
def test_every_path_exists(path: str) -> None:
    assert (ROOT / path).exists() or path.startswith("exports/")
