"""Imports only go up: a room imports what stands below it, and the four rooms of table functions not each other."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "builder"
GROUND = {"errors", "memory", "tables", "offsets", "text", "store", "scheme"}
#: What a room may import besides itself and the ground floor. A settings module counts as the ground floor of its room:
#: it imports errors and how settings are declared, so that composing a configuration stays quick.
MAY_IMPORT = {
    "corpus": set(),
    "questions": set(),
    "quality": set(),
    "release": set(),
    "engine": set(),
    "config": {"settings", "questions", "engine"},
    "studio": {"questions", "config"},
    "commands": {"corpus", "questions", "quality", "release", "studio", "engine", "config", "settings"},
    "cli": {"config"},
    "docs": {"config", "settings", "quality", "release"},
}
GROUND_ORDER = {
    "errors": set(),
    "memory": set(),
    "offsets": set(),
    "text": set(),
    "scheme": {"errors"},
    "tables": {"errors"},
    "store": {"errors", "tables"},
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parts[-2:] != ("builder", "__init__.py"))


def room(module: str) -> str:
    """`builder.corpus.read` -> `corpus`; any settings module -> `settings`."""
    parts = module.split(".")
    return "settings" if parts[-1] == "settings" else parts[1]


def imported(path: Path) -> set[str]:
    """Every `builder.*` module a file imports, inside functions and for type checking too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            deeper = [f"{base}.{alias.name}" for alias in node.names]
            names |= {d if (PACKAGE.parent / (d.replace(".", "/") + ".py")).exists() else base for d in deeper}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.startswith("builder.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_go_up(path: Path) -> None:
    here = "builder." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    mine = room(here)
    for name in imported(path):
        other = room(name)
        if mine == "settings":
            # The registries of its own room are its choices.
            own = name.startswith(here.rpartition(".")[0] + ".")
            assert own or name in ("builder.errors", "builder.settings"), f"{here} is read with every configuration"
        elif mine in GROUND:
            assert other in GROUND_ORDER[mine], f"{here} stands below {name}"
        elif name == "builder.settings":
            assert mine in ("config", "docs", "engine"), f"{here} must not read how settings are declared"
        elif other == "settings":
            own = ".".join(here.split(".")[:2]) == ".".join(name.split(".")[:2])
            assert own or "settings" in MAY_IMPORT[mine], f"{here} reads the settings of another room: {name}"
        else:
            assert other == mine or other in GROUND | MAY_IMPORT[mine], f"{here} must not import {name}"


def test_every_room_has_its_place() -> None:
    """A new room or floor is placed here before it is built."""
    rooms = {room("builder." + ".".join(p.relative_to(PACKAGE).with_suffix("").parts)) for p in MODULES}
    assert rooms <= GROUND | set(MAY_IMPORT) | {"settings"}


def test_no_file_imports_what_imports_it() -> None:
    """Inside a room too, where the order of the floors says nothing."""
    names = {path: "builder." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in MODULES}
    below = {name: imported(path) for path, name in names.items()}
    try:
        TopologicalSorter(below).prepare()
    except CycleError as e:
        raise AssertionError(f"a circle of imports: {' -> '.join(e.args[1])}") from None


def test_no_file_is_a_crowded_room() -> None:
    for path in MODULES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 350, f"{path.relative_to(PACKAGE)} has {lines} lines; split it by what it does"
