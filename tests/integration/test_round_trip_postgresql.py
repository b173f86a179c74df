"""The round trip on a Label Studio that keeps its data in PostgreSQL, with several requests under way at once."""

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder import pipeline, pull, push
from builder.studio.campaign import open_server
from builder.studio.settings import LabelStudio, Suggestions
from tests.conftest import sample
from tests.results import counts

pytestmark = pytest.mark.studio


@dataclass
class Cluster:
    """A PostgreSQL of our own on loopback."""

    port: int
    user: str


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A fresh cluster, stopped and deleted at the end; skipped where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    linked = shutil.which("initdb")
    initdb = found[-1] if found else Path(linked).resolve() if linked else None
    if initdb is None:
        pytest.skip("PostgreSQL is not installed: there is no initdb")
    user = getpass.getuser()
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in names), "")
        if not user:
            pytest.skip("PostgreSQL does not run as root, and there is no other account to run it")
    # Not below pytest's own folder, which only the account that runs the tests may enter.
    folder = Path(tempfile.mkdtemp(prefix="builder-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    runs_as = {"user": user} if os.geteuid() == 0 else {}

    def run(*command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **runs_as)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stdout + done.stderr

    data = str(folder / "data")
    run(str(initdb), "-D", data, "-U", "builder", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
    control = str(initdb.parent / "pg_ctl")
    options = f"-p {port} -h 127.0.0.1 -k '' -c fsync=off -c full_page_writes=off"
    run(control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        run(str(initdb.parent / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "builder", "labels")
        yield Cluster(port, "builder")
    finally:
        run(control, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_the_round_trip(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("label_studio")
    named = {"HOST": "127.0.0.1", "PORT": str(cluster.port), "USER": cluster.user, "NAME": "labels", "PASSWORD": "x"}
    for name, value in named.items():
        monkeypatch.setenv(f"POSTGRE_{name}", value)
    settings = LabelStudio(
        port=18480, database="postgresql", concurrent_imports=4, concurrent_reads=4, batch_bytes=1024, page_size=2
    )
    suggestions = Suggestions(method="gazetteer", alias_label="GPE")
    made: Any = sample(
        tmp_path / "workspace", "teams", 8, recorded_by=("ada",), label_studio=settings, suggestions=suggestions
    )
    with open_server(pipeline.campaign(made.config)):
        summary = push(made.config)
        assert summary.projects[0].imported == 8
        assert summary.projects[0].requests > 4
        assert {row.saved for row in summary.recorded.values()} == {8}
        first = pull(made.config)
        assert counts(first, "tasks", "annotations", "predictions") == (8, 8, 8)
        assert push(made.config).projects[0].imported == 0
        assert pull(made.config, full=True).hash == first.hash
    assert not (made.config.workspace / "studio" / "data" / "label_studio.sqlite3").exists()
