"""Articles are read from S3 like from a folder, and only what changed there is read again."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from builder.commands.prepare import prepare
from builder.config import Config, Paths
from builder.corpus.settings import Source
from builder.engine_settings import Engine
from builder.errors import SourceError
from builder.scheme import EntityLabel, Scheme
from builder.store import read_table
from builder.tables import ARTICLES, REJECTS

# The clients of both ends, not ours.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket `news` on a local S3 server."""
    pytest.importorskip("s3fs")
    boto3 = pytest.importorskip("boto3")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="news")
    yield client
    server.stop()


def test_articles_come_from_s3(bucket: Any, tmp_path: Path) -> None:
    def put(key: str, data: bytes) -> None:
        bucket.put_object(Bucket="news", Key=key, Body=data)

    put("raw/a/one.txt", b"One article. It is short.")
    put("raw/two.jsonl.gz", gzip.compress(b'{"text": "Two is here."}\n{"broken\n'))
    put("raw/.hidden.txt", b"hidden")
    put("other/three.txt", b"Elsewhere.")
    config = Config(
        paths=Paths(raw="s3://news/raw", workspace=str(tmp_path)),
        labels=Scheme(name="t", entities={"ORG": EntityLabel()}),
        engine=Engine(workers=1),
        # Clients keep listings; a fresh one sees what was put since.
        source=Source(storage_options={"use_listings_cache": False, "skip_instance_cache": True}),
    )

    def articles() -> list[tuple[str, str]]:
        stage = config.stage("prepare")
        table = read_table(stage.table("articles"), ARTICLES, "prepare")
        return list(zip(table["source_path"].to_pylist(), table["text"].to_pylist(), strict=True))

    console = Console(file=io.StringIO())
    first = prepare(config, console)
    assert articles() == [("a/one.txt", "One article. It is short."), ("two.jsonl.gz", "Two is here.")]
    (reject,) = read_table(config.stage("prepare").table("rejects"), REJECTS, "prepare").to_pylist()
    assert (reject["source_path"], reject["record"], reject["reason"]) == ("two.jsonl.gz", 1, "bad-json")
    assert prepare(config, console) == first
    put("raw/a/one.txt", b"One article, corrected.")
    prepare(config, console)
    assert articles()[0] == ("a/one.txt", "One article, corrected.")


def test_an_address_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    config = Config(paths=Paths(raw="nosuch://bucket/raw", workspace=str(tmp_path)))
    with pytest.raises(SourceError, match="nosuch://bucket/raw"):
        prepare(config, Console(file=io.StringIO()))
