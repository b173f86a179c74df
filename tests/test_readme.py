"""Every command of the README is run as it is written there, in one fresh folder, one after the other.

Label Studio is played by a stand-in; what needs more than that is run for real by the test named beside it.
"""

import copy
import functools
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from builder.cli import parse_line
from builder.composing import Job, compose_jobs
from builder.studio import campaign
from builder.studio.embedded.server import StudioServer
from tests.studio.fake import TOKEN, FakeLabelStudio
from tests.test_cli import Typed, typed
from tests.test_docs import README, ROOT

__all__ = ["typed"]
LINES = sorted(
    {m.split("#")[0].strip().rstrip(".") for m in re.findall(r"^(?:\$ )?(builder [a-z].*)$", README, re.MULTILINE)}
    | {m for m in re.findall(r"`(builder [a-z][^`]*)`", README) if "<command>" not in m}
)

#: In the order of a project's life.
RUN = [
    "builder doctor",
    "builder run experiment=demo",
    "more articles",
    "builder run experiment=demo",
    "builder labels check",
    "builder labels preview",
    "builder prepare",
    "builder prepare chunking.max_tokens=128",
    "builder push",
    "builder people",
    "builder people --passwords",
    "builder serve",
    "builder serve --stop",
    "builder pull",
    "builder validate",
    "builder adjudicate",
    "builder review",
    "builder reopen missing",
    "builder restore",
    "builder status",
    "builder run",
    "builder export",
    "builder export -m export=default split=by_article",
    "builder export -m export=entities,stance aggregation=majority,dawid_skene",
    "builder export export.tags=bioes 'export.formats=[conll,spacy]' split=by_time",
    "builder log",
    "builder diff v1.0.0 v1.1.0",
    "builder verify",
    "builder trace <row id>",
    "builder report",
    "builder clean",
    "builder backup my.tar.gz",
    "lose .builder",
    "builder restore-backup my.tar.gz",
    "builder run paths.raw=my-articles dataset.name=my-dataset",
    "builder init my-project",
    "cd my-project",
    "builder labels check experiment=my-project",
    "builder run experiment=my-project",
]
#: Commands that end with 3, because people have not annotated yet.
WAITING = {"builder run paths.raw=my-articles dataset.name=my-dataset", "builder run experiment=my-project"}
#: What needs something outside this machine, and the test that runs it against one of our own.
ELSEWHERE = {
    "builder prepare paths.raw=s3://bucket/news '+source.storage_options.endpoint_url=\"http://localhost:9000\"'": (
        "tests/corpus/test_remote.py::test_articles_come_from_s3"
    ),
    "builder prepare engine=dask engine.address=tcp://scheduler:8786 paths.raw=s3://bucket/news"
    " engine.storage=s3://bucket/builder": "tests/corpus/test_remote.py::test_workers_share_nothing_but_a_storage",
    "builder run label_studio=remote label_studio.url=https://labels.example.org": (
        "tests/integration/test_round_trip.py::test_a_run_on_a_server_elsewhere_ends_with_what_is_left"
    ),
    "builder serve label_studio.database=postgresql": (
        "tests/integration/test_round_trip_postgresql.py::test_the_round_trip"
    ),
    "builder publish": "tests/release/test_publish.py::test_a_release_is_one_commit_and_a_tag",
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLabelStudio]:
    """What the builder takes for its embedded Label Studio."""
    fake = FakeLabelStudio(members={})
    fake.start()

    def opened(vault: campaign.Vault, *_: object) -> StudioServer:
        vault.create()
        return StudioServer(fake.url, TOKEN, vault)

    monkeypatch.setattr(campaign, "open_embedded", opened)
    # Opening each release with `datasets` takes most of the time; tests/release shows that it is done.
    monkeypatch.setattr("builder.release.export.check_loads", lambda *_: None)
    yield fake
    fake.stop()


def test_every_command_is_run_by_a_test() -> None:
    run = {line for line in RUN if line.startswith("builder")}
    assert run > WAITING
    assert (run | ELSEWHERE.keys(), run & ELSEWHERE.keys()) == (set(LINES), set())
    for test in ELSEWHERE.values():
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), test


@pytest.mark.parametrize("line", ELSEWHERE)
def test_what_is_run_elsewhere_composes(line: str) -> None:
    _, name, *argv = shlex.split(line)
    assert compose_jobs(parse_line(name, argv).overrides, sweep=False)


@pytest.fixture
def composed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most commands are typed without overrides: in one folder, equal ones are composed once."""
    jobs = functools.cache(lambda folder, overrides, options: compose_jobs(overrides, **dict(options)))

    def composing(overrides: list[str], **options: Any) -> list[Job]:
        found = jobs(Path.cwd(), tuple(overrides), tuple(options.items()))
        found = [job._replace(config=copy.deepcopy(job.config)) for job in found]
        for job in found:
            # How many samples intervals are drawn from decides nothing here but how long it takes.
            job.config.quality.bootstrap = 20
        return found

    monkeypatch.setattr("builder.composing.compose_jobs", composing)


def put(folder: Path, articles: list[Path]) -> None:
    folder.mkdir(exist_ok=True)
    for path in articles:
        shutil.copy(path, folder)


@pytest.mark.usefixtures("composed_once")
def test_every_command_runs_as_it_is_written(
    typed: Typed, server: FakeLabelStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = sorted(path for path in (ROOT / "raw").iterdir() if path.is_file())
    put(tmp_path / "raw", articles[:3])
    put(tmp_path / "my-articles", articles[:1])
    (tmp_path / "raw" / "annotations").symlink_to(ROOT / "raw" / "annotations")
    for line in RUN:
        first, *argv = shlex.split(line)
        if first == "more":
            put(tmp_path / "raw", articles[3:4])
        elif first == "lose":
            shutil.rmtree(tmp_path / argv[0])
        elif first == "cd":
            put(tmp_path / argv[0] / "raw", articles[:1])
            monkeypatch.chdir(tmp_path / argv[0])
        else:
            if "<row id>" in line:
                rows = next((tmp_path / "exports/news-stance/v1.0.0/stance").glob("*.parquet"))
                argv = ["trace", pq.read_table(rows)["id"][0].as_py()]
            code, _, said = typed(*argv)
            assert code == (3 if line in WAITING else 0), f"{line}: {said}"
