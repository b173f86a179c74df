"""To add a reader, a check, a method ...: what the table in builder/README.md names is all that is touched.

One of each is added to a copy of the package, where the table says and nowhere else; then the copy uses them all.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEW = ""
#: By kind: file, the words before which something is added (NEW: a file of its own), and what is added.
ADDED: dict[str, list[tuple[str, str, str]]] = {
    "reader": [
        (
            "builder/corpus/readers/subtitles.py",
            NEW,
            """
from builder.corpus.readers.pages import text_file


def srt_file(stream, path, source):
    for record in text_file(stream, path, source):
        record.raw = "\\n".join(line for line in record.raw.splitlines() if "-->" not in line and not line.isdigit())
        yield record
""",
        ),
        (
            "builder/corpus/readers/__init__.py",
            "from builder.corpus.records",
            "from builder.corpus.readers.subtitles import srt_file\n",
        ),
        ("builder/corpus/readers/__init__.py", '    ".mbox":', '    ".srt": srt_file,\n'),
    ],
    "cleaning rule": [
        (
            "builder/corpus/cleaning.py",
            "def markdown(",
            'def ellipses(text):\n    return _replaced(re.compile(r"[.]{3}"), text, lambda _: "…")\n\n\n',
        ),
        ("builder/corpus/cleaning.py", "        (settings.reflow,", "        (settings.ellipses, ellipses),\n"),
        (
            "builder/corpus/settings.py",
            "    reflow: bool",
            '    ellipses: bool = setting(True, "Whether three dots become one character.")\n',
        ),
    ],
    "check": [
        (
            "builder/quality/checks/annotators.py",
            "def other_scheme(",
            """
def by_night(inputs):
    \"\"\"The annotation was made at night.\"\"\"
    for row in range(inputs.annotations.num_rows):
        yield Finding(row, "$", "It was made at night.")


""",
        ),
        (
            "builder/quality/checks/__init__.py",
            '    "drift":',
            '    "by-night": Check("info", "builder.quality.checks.annotators:by_night"),\n',
        ),
    ],
    "aggregator": [
        (
            "builder/quality/aggregation/everybody.py",
            NEW,
            """
from builder.quality.aggregation.majority import shares


def everybody(votes, settings, accuracy):
    return (shares(votes) == 1).astype(float)
""",
        ),
        (
            "builder/quality/aggregation/__init__.py",
            '    "mace":',
            '    "everybody": "builder.quality.aggregation.everybody:everybody",\n',
        ),
        ("conf/aggregation/everybody.yaml", NEW, "method: everybody\n"),
    ],
    "export format": [
        (
            "builder/release/formats.py",
            "def write_conll(",
            """
def write_ids(path, rows, features):
    path.write_text("".join(row["id"] + "\\n" for row in rows))


""",
        ),
        ("builder/release/formats.py", "#: Columns that a format needs", 'EVERYTHING = (*EVERYTHING, "ids")\n'),
        ("builder/release/settings.py", '    "conll":', '    "ids": "builder.release.formats:write_ids",\n'),
    ],
    "suggestion source": [
        (
            "builder/studio/suggestions.py",
            "def gazetteer(",
            """
def capitals_hook(scheme, settings):
    def hook(chunks):
        for chunk in chunks:
            end = len(chunk["text"].split()[0])
            first = {"start": 0, "end": end, "label": "ORG"}
            yield {"chunk_id": chunk["chunk_id"], "model_version": "capitals", "entities": [first]}

    return hook


""",
        ),
        (
            "builder/studio/settings.py",
            '    "http":',
            '    "capitals": "builder.studio.suggestions:capitals_hook",\n',
        ),
    ],
    "command": [
        (
            "builder/commands/workspace.py",
            "def init(",
            """
def hello(config, *, progress=silent):
    return config.dataset.name


def show_hello(result):
    yield f"hello, {result}"


""",
        ),
        ("builder/commands/__init__.py", '    "doctor":', '    "hello": Command("workspace", "Greet the dataset"),\n'),
    ],
    "release configuration": [
        (
            "builder/release/configurations/windows.py",
            NEW,
            """
import numpy as np
import pyarrow as pa

from builder.release.configuration import INT, Column, Configuration, Maker, Spec, of_windows


def _declare(scheme, settings, earlier):
    yield Configuration("windows", (Column("characters", INT, "length of the text", judged=True),))


def _rows(configuration, index, settings):
    windows = index.inputs.read("windows", "chunk_id", "text")
    lengths = [len(text) for text in windows["text"].to_pylist()]
    rows = {"id": pa.array(windows["chunk_id"].to_pylist()), "characters": pa.array(lengths)}
    return Maker(of_windows(np.arange(len(lengths)), rows))


SPEC = Spec(
    texts="windows",
    declare=_declare,
    rows=_rows,
    noun=("window", "windows"),
    about=lambda *_: "one row per window.",
)
""",
        ),
        (
            "builder/release/configurations/__init__.py",
            "from builder.release.configurations import",
            "from builder.release.configurations import windows\n",
        ),
        ("builder/release/configurations/__init__.py", '    "annotations":', '    "windows": windows.SPEC,\n'),
    ],
    "question": [
        (
            "builder/questions/mood.py",
            NEW,
            """
from dataclasses import dataclass
from typing import ClassVar

from builder.questions.choice import Choice


@dataclass(kw_only=True)
class Mood(Choice):
    kind: ClassVar[str] = "mood"
""",
        ),
        ("builder/questions/__init__.py", '    "problems":', '    "mood": "builder.questions.mood:Mood",\n'),
        (
            "conf/labels/moods.yaml",
            NEW,
            """
name: moods
version: "1"
questions:
  mood: {kind: mood, title: Which mood?, labels: {glad: Glad, sad: Sad}}
guidelines: ""
migrations: {}
""",
        ),
    ],
}
#: What the copy is asked to do; it prints what came of it.
USED = """
import json, sys
from dataclasses import replace
from pathlib import Path

import builder
from builder.cli import main
from builder.quality.settings import Aggregation
from builder.release.settings import Export
from builder.studio.settings import Suggestions
from builder.studio.suggestions import suggestions_for
from tests.outcomes import pulled
from tests.samples import Project

root = Path(sys.argv[1])
project = Project(root, articles=2)
lines = "1\\n00:01 --> 00:02\\nThe minister waited... and then she left.\\n"
(project.config.raw / "film.srt").write_text(lines)
texts = {row["source_path"]: row["text"] for row in builder.prepare(project.config).table("articles").to_pylist()}
(project.config.raw / "film.srt").unlink()
pulled(project)
config = replace(project.config, aggregation=Aggregation(method="everybody"), export=Export(formats=["ids"]))
summary = builder.validate(config).summary
chunks = [{"chunk_id": "c", "article_id": "a", "text": "Tokyo waits."}]
article = {"article_id": "a", "title": "", "targets": []}
suggested = suggestions_for(config.labels, Suggestions(method="capitals"), chunks, [article])
release = builder.export(config)
votes = {"task": [1, 1, 2, 2], "annotator": [*"abab"], "label": [*"yyyn"]}
moods = builder.compose("labels=moods", "aggregation=everybody")
print(json.dumps({
    "reader": texts["film.srt"],
    "check": [row["count"] for row in summary["issues"] if row["check"] == "by-night"],
    "aggregator": [row["label"] for row in builder.aggregate(votes, "everybody").to_pylist()],
    "composed": moods.aggregation.method,
    "format": sorted(p.relative_to(release.folder).as_posix() for p in Path(release.folder).glob("ids/windows/*")),
    "suggestion source": suggested["c"][0]["model_version"],
    "release configuration": sum(release.load("windows").num_rows.values()),
    "question": builder.labels(moods).kinds,
}))
sys.argv = ["builder", "hello", "dataset.name=pages", f"paths.workspace={root}", "--json"]
main()
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with one more of everything."""
    root = tmp_path_factory.mktemp("package")
    for name in ("builder", "conf"):
        # With what Python compiled of it: only files that change are compiled again.
        shutil.copytree(ROOT / name, root / name)
    for places in ADDED.values():
        for name, before, text in places:
            path = root / name
            if before is NEW:
                assert not path.exists()
                path.write_text(text, encoding="utf-8")
            else:
                there = path.read_text(encoding="utf-8")
                assert there.count(before) == 1, f"{name}: {before}"
                path.write_text(there.replace(before, text + before), encoding="utf-8")
    return root


def run(package: Path, *argv: str) -> str:
    env = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, *argv], cwd=package, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_added_is_used(package: Path, tmp_path: Path) -> None:
    *found, command = run(package, "-c", USED, str(tmp_path)).splitlines()
    assert json.loads(command) == "pages"
    assert json.loads(found[-1]) == {
        "reader": "The minister waited… and then she left.",
        "check": [24],
        "aggregator": ["y", None],
        "composed": "everybody",
        "format": ["ids/windows/test.ids", "ids/windows/train.ids"],
        "suggestion source": "capitals",
        "release configuration": 8,
        "question": {"mood": "mood"},
    }


@pytest.mark.parametrize("kind", ADDED)
def test_the_table_names_what_is_touched(kind: str) -> None:
    table = (ROOT / "builder" / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {kind} \| (.*) \|$", table, re.MULTILINE)
    places = re.findall(r"`([\w/.]+)`", row)
    for name, _, _ in ADDED[kind]:
        short = name.removeprefix("builder/")
        assert any(short == place or (place.endswith("/") and short.startswith(place)) for place in places), name
