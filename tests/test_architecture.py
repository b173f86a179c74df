"""Imports only go up the list of rooms, and one name means one thing."""

import ast
import functools
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import builder
from builder.commands import COMMANDS

PACKAGE = Path(__file__).resolve().parent.parent / "builder"
GROUND = (
    "errors",
    "masking",
    "memory",
    "offsets",
    "text",
    "sentences",
    "arrays",
    "hashing",
    "languages",
    "settings",
    "store",
    "tables",
    "scheme",
    "stage",
)
#: Every room and floor, from the ground up, with the rooms that it may import besides the ground floor.
ROOMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(GROUND, ()),
    "questions": (),
    "corpus": (),
    "quality": ("questions",),
    "release": ("questions",),
    "reporting": ("questions", "corpus", "quality", "release"),
    "studio": ("questions", "quality"),
    "engine": (),
    "config": ("questions", "corpus", "quality", "release", "reporting", "studio", "engine"),
    "composing": ("config",),
    "pseudonyms": ("questions", "quality", "studio", "config"),
    "library": ("questions", "corpus", "quality"),
    "pipeline": ("questions", "corpus", "quality", "studio", "engine", "config", "pseudonyms"),
    "campaigns": ("questions", "quality", "studio", "config", "pipeline"),
    "reports": ("questions", "quality", "release", "reporting", "studio", "config", "pipeline", "pseudonyms"),
    "releases": ("questions", "release", "config", "pipeline", "pseudonyms", "reports"),
    "overview": ("release", "studio", "config", "pipeline", "reports"),
    "backups": ("studio",),
    "setup": ("studio", "config", "composing"),
    "commands": (
        *("questions", "quality", "release", "reporting", "studio", "config", "pipeline", "pseudonyms", "campaigns"),
        *("releases", "reports", "overview", "backups", "setup"),
    ),
    "cli": ("config", "composing", "commands"),
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(["builder", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def room(module: str) -> str:
    return module.split(".")[1]


@functools.cache
def imported(path: Path) -> set[str]:
    """Every `builder.*` module that a file imports, inside functions and for type checking too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            deeper = [f"{base}.{alias.name}" for alias in node.names]
            names |= {d if is_module(d) else base for d in deeper}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.startswith("builder.")}


@functools.cache
def is_module(name: str) -> bool:
    place = PACKAGE.parent / name.replace(".", "/")
    return place.with_suffix(".py").exists() or place.is_dir()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_go_up(path: Path) -> None:
    here = name_of(path)
    mine = room(here)
    below = GROUND[: GROUND.index(mine)] if mine in GROUND else (*GROUND, *ROOMS[mine])
    for name in imported(path):
        assert room(name) == mine or room(name) in below, f"{here} must not import {name}"
        if mine == "config" and room(name) not in (*GROUND, "questions", "engine"):
            assert name.endswith(".settings"), f"{here} reads the settings of a room alone, not {name}"


def test_no_file_imports_what_imports_it() -> None:
    """Inside a room too, where the order of the rooms says nothing."""
    below = {name_of(path): imported(path) - {name_of(path)} for path in MODULES}
    try:
        TopologicalSorter(below).prepare()
    except CycleError as e:
        raise AssertionError(f"a circle of imports: {' -> '.join(e.args[1])}") from None


def test_no_file_is_a_crowded_room() -> None:
    for path in MODULES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 350, f"{path.relative_to(PACKAGE)} has {lines} lines; split it by what it does"


def test_no_file_hides_what_the_package_gives() -> None:
    """`builder.status` is the module once that is imported, and no function any more."""
    assert not {path.stem for path in PACKAGE.glob("*.py")} & set(builder.__all__)


def test_one_name_is_one_thing() -> None:
    """No two modules define a public class or function of one name; a command may call its room's by its own name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name].append(name_of(path))
    alike = {
        name: modules
        for name, modules in found.items()
        if len([m for m in modules if name not in COMMANDS or room(m) != "commands"]) > 1
    }
    assert not alike, "\n".join(f"{name}: {', '.join(modules)}" for name, modules in sorted(alike.items()))


#: What is filled in step by step: settings and schemes until they are checked, a server and a run while they go on.
CHANGING = {
    *("Paths", "Config", "Composed", "Engine", "Label", "Target", "Renames", "Question", "Scheme"),
    *("Server", "Run"),
}


def test_what_commands_give_and_stages_are_made_from_cannot_be_changed() -> None:
    found = set()
    for path in MODULES:
        if room(name_of(path)) in ("commands", path.stem):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                kinds = [ast.unparse(kind) for kind in node.decorator_list] if isinstance(node, ast.ClassDef) else []
                if any(kind.startswith("dataclass") and "frozen=True" not in kind for kind in kinds):
                    found.add(getattr(node, "name", ""))
    assert found == CHANGING


def test_texts_are_utf_8_whatever_the_system_prefers() -> None:
    """Every file that is opened as a text says how it is encoded."""
    silent = []
    for path in MODULES:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or any(keyword.arg == "encoding" for keyword in call.keywords):
                continue
            name, given = ast.unparse(call.func).rpartition(".")[2], [ast.unparse(word) for word in call.args]
            own = not isinstance(call.func, ast.Attribute)
            if name == "open" and not ast.unparse(call.func).startswith(("os.", "fsspec", "tarfile", "zipfile")):
                text = not any("b" in word for word in given[own:])
            else:
                text = not own and len(given) < {"read_text": 1, "write_text": 2}.get(name, 0)
            if text:
                silent.append(f"{path.name}:{call.lineno}")
    assert silent == []
