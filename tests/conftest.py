"""What tests of several rooms share: one real Label Studio a test session, and a small dataset ready to push."""

import itertools
import json
import multiprocessing
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import hypothesis
import pytest
from filelock import FileLock

from builder import pipeline, tables
from builder.config import Config, Dataset, Paths
from builder.corpus.prepare import Summary
from builder.scheme import Scheme
from builder.store import digest, write_table
from builder.studio.embedded import MEMBERS
from builder.studio.settings import Annotators, LabelStudio
from tests import samples

if TYPE_CHECKING:
    from builder.studio.campaign import Campaign
    from builder.studio.client import Client
    from builder.studio.embedded.server import StudioServer

# A busy machine is slow, not wrong: no property has a deadline, and none is refused because its data came slowly.
hypothesis.settings.register_profile(
    "all",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("all")

# A pool's workers are forked with what most of them run: each would take a second to import it.
multiprocessing.set_forkserver_preload(
    ["__main__", "pytest", "trafilatura", "builder.corpus.near_duplicates", "builder.corpus.shard_tables"]
)

# What tests write may be lost with the power: waiting for the disk takes a third of the time of a small export.
os.fsync = lambda fd: None

#: Seconds after which a test that uses a real Label Studio counts as hanging; the others have `timeout` of pytest.
SERVER_LIMIT = 900

#: Where the embedded servers of tests look for a port; elsewhere in each process, since copies of one server have one
#: token, and the builder knows its server by that.
FIRST_PORT = 18080 + 200 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
NAMES = ("ada", "ben", "cyd")
_SENTENCES = (
    "Japan and Boeing agreed on a new line for Patriot missiles.",
    "Tokyo said 🚀 production would help Kyiv, too.",
    "Beijing rebuked the talks; Naïve café critics shrugged.",
    "The Pentagon did not comment\u00a0on the second line.\r\nA third line follows.",
    'Quotes "and" <tags> & ampersands stay data.',
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives tests with a server the longer limit: it may start first, and a machine may be busy.

    They come first, so that several processes end at about the same time. While one process makes the database of Label
    Studio, for which all others with a server would wait, another makes one in PostgreSQL, or runs the longest tests
    without a server.
    """
    slow = {item for item in items if any(item.get_closest_marker(name) for name in ("studio", "browser"))}
    for item in slow:
        item.add_marker(pytest.mark.timeout(SERVER_LIMIT))
    first = next((item.path.name for item in items if item in slow), "")
    early = {name: n for n, name in enumerate((first, "test_round_trip_postgresql.py", "test_concurrent.py"))}
    items.sort(key=lambda item: (early.get(item.path.name, len(early)), item not in slow))


#: Label Studio as tests start it. What they write may be lost with the power here as well, and nobody guesses their
#: passwords, of which one takes a quarter of a second to check. The test with PostgreSQL starts it as it is.
_PROGRAM = """#!{python}
import gc, sys
from sqlite3 import dbapi2
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from label_studio.server import main

connect = dbapi2.connect


def connect_quickly(*args, **kwargs):
    made = connect(*args, **kwargs)
    made.execute("PRAGMA synchronous=OFF")
    return made


dbapi2.connect = connect_quickly
PBKDF2PasswordHasher.iterations = 1
# While tables are made, looking for garbage takes a fifth of the time.
gc.set_threshold(50_000, 20, 20)
sys.exit(main())
"""


@pytest.fixture(scope="session")
def quick_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `label-studio` that the shared servers of tests run."""
    program = tmp_path_factory.mktemp("bin") / "label-studio"
    program.write_text(_PROGRAM.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o700)
    return program


@contextmanager
def quick_server(campaign: "Campaign", program: Path) -> Iterator[None]:
    """The embedded server of a campaign runs, started by this program."""
    from builder.studio.campaign import open_server
    from builder.studio.embedded import server

    with mock.patch.object(server, "script", return_value=program):
        opened = open_server(campaign)
    with opened:
        yield


@dataclass
class Studio:
    """A running embedded Label Studio: datasets made with its workspace and settings live on it."""

    workspace: Path
    settings: LabelStudio
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def dataset(self, chunks: int = 12, **changes: Any) -> "Sample":
        """A new dataset with `chunks` selected chunks; `changes` go to `sample`, and from there to `Config`."""
        return sample(self.workspace, f"test-{next(self._numbers)}", chunks, label_studio=self.settings, **changes)


#: Two threads that patch at once would leave the patch in place for all later tests.
_PATCHING = threading.Lock()


@dataclass
class Sample:
    """A configuration whose stage `prepare` is finished, and the rows in it."""

    config: Config
    articles: list[dict[str, Any]]
    chunks: list[dict[str, Any]]
    recorded: Path

    def reselect(self, chunks: list[dict[str, Any]]) -> None:
        """Makes these the selected chunks, as if they came from the raw articles."""
        (self.config.raw / "articles.txt").write_text(
            digest(*(c[key] for c in chunks for key in ("chunk_id", "text"))), encoding="utf-8"
        )

        def make(folder: Path, *_: Any) -> dict[str, Any]:
            write_table(folder / "articles.parquet", tables.build(self.articles, tables.ARTICLES))
            for name in ("chunks", "selected"):
                write_table(folder / f"{name}.parquet", tables.build(chunks, tables.CHUNKS))
            write_table(folder / "rejects.parquet", tables.build([], tables.REJECTS))
            counts = dict.fromkeys(("files", "records", "articles", "kept", "chunks", "selected"), len(chunks))
            of_what: dict[str, dict[str, int]] = {
                name: {} for name in ("encodings", "languages", "rejected", "unused_fields")
            }
            return asdict(Summary(**counts, **of_what, shards=1, bytes=0, unmatched=[]))

        with _PATCHING, mock.patch.object(pipeline, "_prepare", make):
            pipeline.prepared(self.config)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, quick_program: Path) -> Path:
    """The folder of a Label Studio that was started once and stopped; a copy starts in a quarter of the time.

    The first start makes some 400 tables. All processes of the session share it.
    """
    pytest.importorskip("label_studio", reason="Label Studio is not installed: pip install -e '.[studio]'")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = shared / "migrated"
    with FileLock(shared / "migrated.lock"):
        if not made.exists():
            first = Config(paths=Paths(workspace=str(shared / "first")), label_studio=LabelStudio(port=FIRST_PORT))
            campaign = pipeline.campaign(first)
            with quick_server(campaign, quick_program):
                pass
            campaign.vault.folder.rename(made)
    return made


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, migrated: Path, quick_program: Path) -> Iterator[Studio]:
    """One Label Studio for the whole session, started on first use and stopped at the end."""
    from builder.studio.embedded.server import stop_server

    workspace = tmp_path_factory.mktemp("workspace")
    shutil.copytree(migrated, workspace / "studio")
    made = Studio(workspace, LabelStudio(port=FIRST_PORT, gone_share=1))
    config = Config(paths=Paths(workspace=str(workspace)), label_studio=made.settings, labels=small_scheme())
    try:
        with quick_server(pipeline.campaign(config), quick_program):
            yield made
    finally:
        # A test that runs everything with people keeps it, as people would want.
        stop_server(pipeline.campaign(config).vault)


def connected(config: Config) -> AbstractContextManager[tuple["StudioServer", "Client"]]:
    """The Label Studio of a configuration, and a client of its administrator."""
    from builder.studio import campaign

    return campaign.connected(pipeline.campaign(config))


def admit(config: Config, *emails: str) -> None:
    """These accounts may open the projects of a dataset, as well as its annotators."""
    from builder.studio.projects import projects_of

    campaign = pipeline.campaign(config)
    everybody = [*emails, *(person.email for person in campaign.people)]
    with connected(config) as (_, client):
        projects = {str(project.id): everybody for project in projects_of(client, campaign).values()}
        client.send("PUT", MEMBERS, None, json.dumps({"projects": projects}).encode())


@pytest.fixture
def make_sample(tmp_path: Path) -> Callable[..., Sample]:
    """Makes a dataset that needs no server: `make_sample(chunks=4, labels=...)`."""

    def make(chunks: int = 12, **changes: Any) -> Sample:
        return sample(tmp_path / "workspace", "test", chunks, **changes)

    return make


def small_scheme(**changes: Any) -> Scheme:
    """The sample scheme with two entity labels, three stances and other targets: what this dataset is about."""
    given: dict[str, Any] = {
        "name": "test",
        "entities": ["GPE", "ORG"],
        "stance": ["favor", "against", "none"],
        "targets": {"japan": ["Japan", "Tokyo"], "china": ["Beijing"]},
        "problems": {"unsure": "I am unsure"},
    }
    return samples.scheme(**{**given, **changes})


def sample(workspace: Path, name: str, chunks: int, recorded_by: tuple[str, ...] = NAMES, **changes: Any) -> Sample:
    """Articles of four chunks each, in a finished stage `prepare`, and recorded labels of annotators."""
    recorded = workspace / f"recorded-{name}"
    raw = workspace / f"raw-{name}"
    raw.mkdir(parents=True)
    given: dict[str, Any] = {
        "paths": Paths(raw=str(raw), workspace=str(workspace), exports=str(workspace / "exports")),
        "dataset": Dataset(name=name),
        "labels": small_scheme(),
        "annotators": Annotators(kind="recorded", recorded=str(recorded)),
    }
    config = Config(**{**given, **changes})
    config.paths.raw = str(raw)
    articles, rows = _rows(name, chunks)
    made = Sample(config, articles, rows, recorded)
    made.reselect(rows)
    record(recorded, rows, recorded_by)
    return made


def record(folder: Path, chunks: list[dict[str, Any]], names: tuple[str, ...] = NAMES) -> None:
    """Writes what each annotator recorded: all mark the same names, and differ in the stance toward Japan."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, name in enumerate(names):
        lines = []
        for chunk in chunks:
            marks = [_mark(chunk, m, label="GPE") for m in re.finditer("Japan|Tokyo|Beijing", chunk["text"])]
            evidence = [_mark(chunk, m, targets=["japan"]) for m in re.finditer("would help", chunk["text"])]
            lines.append(
                {
                    "article": "articles.txt#0",
                    "article_id": chunk["article_id"],
                    "start": chunk["start"],
                    "end": chunk["end"],
                    "entities": marks,
                    "evidence": evidence,
                    "stance": {"japan": "favor" if n else "none", "china": "against"},
                    "problems": ["unsure"] if chunk["ordinal"] == n else [],
                    "comment": "vielleicht – „so“ 🚀" if chunk["ordinal"] == n else "",
                    "lead_time": 10.5 + n,
                }
            )
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8", newline="")


def _mark(chunk: dict[str, Any], match: re.Match[str], **more: Any) -> dict[str, Any]:
    return {"start": chunk["start"] + match.start(), "end": chunk["start"] + match.end(), "text": match[0], **more}


def _rows(name: str, chunks: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    articles: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number in range(-(-chunks // 4)):
        article_id = digest(name, str(number))[:16]
        text = ""
        for ordinal in range(4):
            start = len(text)
            text += f"Paragraph {number}.{ordinal}. " + " ".join(
                _SENTENCES[(number + ordinal + k) % len(_SENTENCES)] for k in range(3)
            )
            if len(rows) < chunks:
                rows.append(
                    {
                        "chunk_id": digest(article_id, str(start), text[start:])[:16],
                        "article_id": article_id,
                        "ordinal": ordinal,
                        "start": start,
                        "end": len(text),
                        "text": text[start:],
                        "section": "body",
                        "context_before": "",
                        "context_after": "",
                        "tokens": len(text[start:].split()),
                        "sentences": 4,
                    }
                )
            text += "\n\n"
        articles.append(
            {"article_id": article_id, "source_path": "articles.txt", "record": number, "title": f"<Title> & {number}"}
            | {"text": text, "source": "Desk", "kept": True}
        )
    return articles, rows
