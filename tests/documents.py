"""Generated documents: settings, choices, checks, the files of a release, errors, and the list of files.

`python -m tests.documents` writes them again, `python -m tests.documents --check` fails when one is not current.
"""

import ast
import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from builder import errors
from builder.composing import compose, conf_folder
from builder.config import Composed
from builder.quality.checks import CHECKS
from builder.release.configurations import SPECS, declare
from builder.release.manifest import Manifest
from builder.settings import Hint, fields_of, limits, load

ROOT = Path(__file__).resolve().parent.parent
#: A block of a Markdown page that is generated; its name is a key of `BLOCKS`.
_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings() -> str:
    """A table per group: each setting with what is allowed, its default and its meaning."""
    out: list[str] = []
    for group, hint in fields_of(Composed).items():
        grouped = hint.group
        out += [f"### {group}", "", _summary(hint.type) if grouped else hint.about, ""]
        if not grouped:
            continue
        out += ["| setting | allowed | default | meaning |", "| --- | --- | --- | --- |"]
        notes: list[str] = []
        for key, leaf, default in _leaves(hint.type, group):
            value = json.dumps(default, ensure_ascii=False)
            if key == "quality.severity":
                value = "see Checks"
            elif len(value) > 60:
                notes += ["", f"Default of `{key}`:", "", "```yaml", *_yaml(default), "```"]
                value = "see below"
            else:
                value = f"`{value}`"
            meaning = leaf.about + (f" Example: `{leaf.example}`" if leaf.example else "")
            out.append(f"| `{key}` | {_cell(leaf.allowed)} | {_cell(value)} | {_cell(meaning)} |")
        out += [*notes, ""]
    return "\n".join(out).rstrip()


def choices() -> str:
    """The choices of each group, from the comments at the top of their files; the first is the default."""
    listed = yaml.safe_load((conf_folder() / "config.yaml").read_text(encoding="utf-8"))["defaults"]
    defaults = {group: choice for entry in listed if isinstance(entry, dict) for group, choice in entry.items()}
    out = ["| choice | what it is |", "| --- | --- |"]
    for group, default in defaults.items():
        files = sorted((conf_folder() / group).glob("*.yaml"), key=lambda path: (path.stem != default, path.stem))
        for path in files:
            mark = " (default)" if path.stem == default else ""
            out.append(f"| `{group}={path.stem}`{mark} | {_cell(_comment(path))} |")
    return "\n".join(out)


def files() -> str:
    """Each folder of the package with its files, from the first line of their docstrings."""
    package = ROOT / "builder"
    out: list[str] = []
    for folder in sorted({path.parent for path in package.rglob("*.py")}):
        name = folder.relative_to(ROOT).as_posix()
        here = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
        out += [f"### `{name}/`", "", _docstring(folder / "__init__.py"), ""]
        out += [f"- `{path.name}`: {_docstring(path)}" for path in here]
        out.append("")
    return "\n".join(out).rstrip()


def checks() -> str:
    """Every check of annotations with its severity and what it finds."""
    rows = [
        f"| `{name}` | {check.severity} | {_cell(_summary(load(check.function)))} |" for name, check in CHECKS.items()
    ]
    return "\n".join(["| check | severity | what it finds |", "| --- | --- | --- |", *rows])


def configurations() -> str:
    """The columns of every configuration that the default scheme gives with the default settings."""
    config = compose()
    scheme, export = config.labels, config.export
    declared = declare(scheme, export, {})
    out: list[str] = []
    for name, configuration in declared.items():
        about = SPECS[configuration.kind].about(configuration, dataclasses.asdict(export))
        out += [
            f"### {name}",
            "",
            f"{about[:1].upper()}{about[1:]}",
            "",
            "| column | type | meaning |",
            "| --- | --- | --- |",
        ]
        out += [f"| `{c.name}` | {_cell(_type_of(c.feature))} | {_cell(c.about)} |" for c in configuration.columns]
        out.append("")
    return "\n".join(out).rstrip()


def _type_of(feature: Any) -> str:
    if isinstance(feature, list):
        return f"list of {_type_of(feature[0])}"
    kind = feature.get("_type")
    if kind == "Value":
        return str(feature["dtype"])
    if kind == "ClassLabel":
        return f"class label: {', '.join(feature['names'])}"
    if kind == "Sequence":
        return f"list of {_type_of(feature['feature'])}"
    return f"{{{', '.join(f'{name}: {_type_of(inner)}' for name, inner in feature.items())}}}"


def manifest() -> str:
    """The fields of `manifest.json`, and of the objects in it."""
    components = msgspec.json.schema(Manifest)["$defs"]
    out = ["| object | fields |", "| --- | --- |"]
    names = ["Manifest", *sorted(components.keys() - {"Manifest"})]
    out += [f"| {name} | {', '.join(f'`{field}`' for field in components[name]['properties'])} |" for name in names]
    return "\n".join(out)


def error_table() -> str:
    """Every error that is raised on purpose, indented below the error that it is a kind of."""

    def below(kind: type[BaseException], depth: int) -> Iterator[str]:
        yield f"| {'&nbsp;&nbsp;' * 2 * depth}`{kind.__name__}` | {_cell(_summary(kind))} |"
        for inner in type.__subclasses__(kind):
            if inner.__module__ == errors.__name__:
                yield from below(inner, depth + 1)

    return "\n".join(["| error | when it is raised |", "| --- | --- |", *below(errors.BuilderError, 0)])


#: Name of a block to what is written into it.
BLOCKS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "choices": choices,
    "checks": checks,
    "files": files,
    "configurations": configurations,
    "manifest": manifest,
    "errors": error_table,
}
PAGES = ("conf/README.md", "builder/README.md", "exports/README.md")
SCHEMA = "conf/schema.json"


def schema() -> str:
    """JSON schema of the configuration, for editors: types, ranges, choices, meanings and defaults."""
    made = msgspec.json.schema(_annotated(Hint(Composed)))
    known = made["$defs"]
    for definition in known.values():
        definition["additionalProperties"] = False
        del definition["required"]
        for name, declared in definition["properties"].items():
            if "$ref" not in declared:
                definition["properties"][name] = _or_reference(declared)
    known["Reference"] = {"type": "string", "pattern": r"\$\{"}
    # What Hydra reads besides the settings.
    known["Composed"]["properties"] |= {"defaults": {"type": "array"}}
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **made}, indent=1) + "\n"


def _annotated(hint: Hint) -> Any:
    """The type of a setting as msgspec knows it: with the limits of all settings inside."""
    kind = hint.type
    if hint.group:
        kind = dataclasses.make_dataclass(
            kind.__name__,
            [(f.name, _annotated(fields_of(kind)[f.name]), _plain_field(f)) for f in dataclasses.fields(kind)],
            namespace={"__doc__": kind.__doc__},
        )
    elif hint.entries:
        kind = kind.__origin__[tuple(map(_annotated, hint.entries))]
    if hint.optional:
        return Annotated[Annotated[kind, hint.meta] | None, msgspec.Meta(description=hint.about)]
    return Annotated[kind, hint.meta] if hint.about or hint.choices or hint.meta != limits() else kind


def _plain_field(declared: "dataclasses.Field[Any]") -> Any:
    if declared.default_factory is dataclasses.MISSING:
        return dataclasses.field(default=declared.default)
    return dataclasses.field(default_factory=declared.default_factory)


def _or_reference(declared: dict[str, Any]) -> dict[str, Any]:
    """A setting may also refer to another one, as in `${paths.raw}/annotations`."""
    if declared.get("type") == "string" and not declared.keys() & {"enum", "pattern", "minLength"}:
        return declared
    outer: dict[str, Any] = {key: declared.pop(key) for key in ("description", "default") if key in declared}
    return {**outer, "anyOf": [*(declared.get("anyOf") or [declared]), {"$ref": "#/$defs/Reference"}]}


def documents() -> dict[Path, str]:
    """What every generated document must hold now."""
    made = {ROOT / SCHEMA: schema()}
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        made[ROOT / page] = _BLOCK.sub(lambda m: f"{m[1]}\n{BLOCKS[m[2]]()}\n\n{m[3]}", text)
    return made


def main(argv: list[str]) -> int:
    """Writes the documents; with `--check` only reports those that are not current, and then returns 1."""
    stale = [
        path for path, text in documents().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        if "--check" in argv:
            print(f"{path.relative_to(ROOT)} is not current; run `make docs`.", file=sys.stderr)  # noqa: T201
        else:
            path.write_text(documents()[path], encoding="utf-8")
    return int("--check" in argv and bool(stale))


def _leaves(cls: Any, prefix: str) -> Iterator[tuple[str, Hint, Any]]:
    for name, hint in fields_of(cls).items():
        if hint.group:
            yield from _leaves(hint.type, f"{prefix}.{name}")
        else:
            yield f"{prefix}.{name}", hint, getattr(cls(), name)


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")


def _docstring(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def _comment(path: Path) -> str:
    """The comment at the top of a YAML file, up to the first line that is none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    top = lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))]
    return " ".join(line.lstrip("# ") for line in top if not line.startswith("# @package"))


def _yaml(value: Any) -> list[str]:
    flow = None if any(isinstance(item, list) for item in value.values()) else False
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000, default_flow_style=flow)
    return text.rstrip().splitlines()


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
