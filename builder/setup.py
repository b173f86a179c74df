"""Where work begins: a folder of one's own, and what a machine lacks to work in it."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from builder.composing import conf_folders
from builder.config import Config
from builder.errors import BuilderError, ConfigError

if TYPE_CHECKING:
    from builder.studio.campaign import Campaign

PACKAGE = "annotated-dataset-builder"
#: Free bytes below which a folder counts as nearly full.
ROOM = 1 << 30
_EXPERIMENT = """\
# @package _global_
# {name}: what differs from the defaults; `builder run --help` lists every setting.
defaults:
  - override /labels: {labels}

dataset:
  name: {name}
  title: ""
  description: ""
  license: other      # of texts and labels, as a Hugging Face licence identifier
  language: en        # of the articles

annotators:
  overlap: 2          # annotators per chunk
  file: people.csv    # who annotates: edit it before the first push
"""
_PEOPLE = """\
name,email,role,active,pseudonym,languages,labels
annotator-1,annotator-1@builder.invalid,annotator,yes,,,
annotator-2,annotator-2@builder.invalid,annotator,yes,,,
"""
_IGNORED = """\
# Tokens, pulls and the data of Label Studio: keep them with `builder backup`.
.builder/
# Names and addresses.
people.csv
"""


@dataclass(frozen=True)
class NewProject:
    """The folder that was made, its files, and the name of its experiment."""

    folder: Path
    files: list[Path]
    experiment: str


def make_project(folder: str, scheme: str) -> NewProject:
    """A new folder has raw/, an experiment, a file of people, and a copy of the label scheme.

    Raises `ConfigError` when there is something in the folder already.
    """
    root = Path(folder)
    name = re.sub(r"[^a-z0-9._-]+", "-", root.resolve().name.lower()).strip("-._")
    if not name:
        raise ConfigError(f"{folder!r} gives no name for a dataset.", "Use letters or digits in the folder's name.")
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ConfigError(f"{root} is there already.", "Name a new or an empty folder.")
    labels = re.sub(r"[^a-z0-9_]", "_", name)
    files = {
        root / "conf" / "labels" / f"{labels}.yaml": _named(_scheme_text(scheme), labels),
        root / "conf" / "experiment" / f"{name}.yaml": _EXPERIMENT.format(name=name, labels=labels),
        root / "people.csv": _PEOPLE,
        root / ".gitignore": _IGNORED,
    }
    (root / "raw").mkdir(parents=True)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return NewProject(root, list(files), name)


def _named(text: str, name: str) -> str:
    return re.sub(r"(?m)^name: .*$", f"name: {name}", text)


def _scheme_text(name: str) -> str:
    """The file in conf/labels that has the scheme of this name, with its comments."""
    for folder in conf_folders():
        for path in sorted((folder / "labels").glob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            if re.search(rf"(?m)^name: [\"']?{re.escape(name)}[\"']?\s*$", text):
                return text
    raise ConfigError(f"No file in conf/labels has the scheme {name!r}.", "Choose one with labels=<file name>.")


@dataclass(frozen=True)
class Examined:
    """One thing that a machine needs: what was found; and what to do about it, where it will not do."""

    name: str
    found: str
    advice: str = ""


def examine(config: Config, campaign: "Campaign") -> Iterator[Examined]:
    """Everything that the commands need on this machine, in the order in which they need it."""
    yield Examined("Python", sys.version.split()[0])
    yield _libraries()
    raw = config.paths.raw
    there = "://" in raw or bool(list(Path().glob(raw)) if set(raw) & set("*?[") else Path(raw).exists())
    yield Examined("raw articles", raw, "" if there else "Put articles there, or set paths.raw.")
    yield from _folder("workspace", config.workspace, "paths.workspace")
    yield from _folder("exports", Path(config.paths.exports), "paths.exports")
    yield from _folder("temporary", Path(tempfile.gettempdir()), "the variable TMPDIR")
    yield from _label_studio(campaign)


def _libraries() -> Examined:
    from packaging.requirements import Requirement

    wrong = []
    for line in metadata.requires(PACKAGE) or []:
        need = Requirement(line)
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            version = ""
        if not version or not need.specifier.contains(version, prereleases=True):
            wrong.append(f"{need.name} {version or 'missing'} (needs {need.specifier})")
    advice = "Install the builder again: pip install -c constraints.txt ." if wrong else ""
    return Examined("libraries", ", ".join(wrong) or "as required", advice)


def _folder(name: str, folder: Path, key: str) -> Iterator[Examined]:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    writable = os.access(there, os.W_OK | os.X_OK)
    yield Examined(f"{name} folder", str(folder), "" if writable else f"{there} is not writable: set {key}.")
    free = shutil.disk_usage(there).free
    advice = "" if free >= ROOM else f"Make room, or set {key} to another disk."
    yield Examined(f"{name} disk", f"{free / (1 << 30):.1f} GiB free", advice)
    if name == "workspace" and folder.exists() and folder.stat().st_mode & 0o077:
        yield Examined("workspace privacy", "others may look inside", f"chmod -R go= {folder}")


def _label_studio(campaign: "Campaign") -> Iterator[Examined]:
    from builder.studio.campaign import connected
    from builder.studio.embedded.server import find_server, free_ports, script

    elsewhere = campaign.server.url
    if not elsewhere and not script().exists():
        yield Examined("Label Studio", "not installed", "pip install 'annotated-dataset-builder[studio]', or set")
        return
    if elsewhere or find_server(campaign.vault):
        try:
            with connected(campaign) as (server, client):
                yield Examined("Label Studio", f"{client.version()} answers at {server.url}")
        except BuilderError as error:
            yield Examined("Label Studio", error.message, error.hint or "See its log.")
        return
    version, port = metadata.version("label-studio"), next(free_ports(campaign.server.port), None)
    advice = "" if port else "Set label_studio.port to a free one."
    yield Examined("Label Studio", f"{version}, not running; port {port or 'none free'}", advice)
