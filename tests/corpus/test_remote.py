"""Articles are read from S3 like from a folder, and only what changed there is read again."""

import gzip
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

import builder
from builder import engine
from builder.config import Config, Paths
from builder.corpus import inventory, prepare
from builder.corpus.parts import storage_at
from builder.corpus.settings import Selection, Source
from builder.engine import Engine, Runner
from builder.errors import ConfigError, SourceError
from tests.benchmarks.corpus_data import Writer
from tests.corpus.workspace import Workspace, begin_worker

# The clients of both ends, not ours.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """A local S3 server, as the variables that name it."""
    pytest.importorskip("s3fs")
    pytest.importorskip("boto3")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }
    server.stop()


@pytest.fixture
def bucket(s3: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket `news`."""
    import boto3
    import s3fs

    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    # Clients are kept for the process; of another test, they would know another server.
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket="news")
    yield client
    httpx.post(f"{s3['AWS_ENDPOINT_URL']}/moto-api/reset").raise_for_status()
    s3fs.S3FileSystem.clear_instance_cache()


#: Clients keep listings; this one sees what was put since.
FRESH = {"use_listings_cache": False}


def test_articles_come_from_s3(bucket: Any, tmp_path: Path) -> None:
    def put(key: str, data: bytes) -> None:
        bucket.put_object(Bucket="news", Key=key, Body=data)

    put("raw/a/one.txt", b"One article. It is short.")
    put("raw/two.jsonl.gz", gzip.compress(b'{"text": "Two is here."}\n{"broken\n'))
    put("raw/.hidden.txt", b"hidden")
    put("other/three.txt", b"Elsewhere.")
    work = Workspace("s3://news/raw", tmp_path)
    source = Source(storage_options=FRESH)

    def articles() -> list[tuple[str, str]]:
        return [(a["source_path"], a["text"]) for a in work.rows("articles")]

    first = work.prepare(source=source)
    assert articles() == [("a/one.txt", "One article. It is short."), ("two.jsonl.gz", "Two is here.")]
    (reject,) = work.rows("rejects")
    assert (reject["source_path"], reject["record"], reject["reason"]) == ("two.jsonl.gz", 1, "bad-json")
    assert work.prepare(source=source) == first
    put("raw/a/one.txt", b"One article, corrected.")
    work.prepare(source=source)
    assert articles()[0] == ("a/one.txt", "One article, corrected.")


def formats(folder: Path) -> None:
    """A file of every format, some compressed, one a cut archive, and lines enough for several pieces."""
    folder.mkdir()
    items = [{"text": f"Café number {i} opened. It is small.", "title": f"Café {i}"} for i in range(3)]
    lines = "".join(json.dumps({**items[0], "id": i, "filler": "x" * 4000}) + "\n" for i in range(600)).encode()
    table = "text,title\n" + "".join(f'"{item["text"]}",{item["title"]}\n' for item in items)
    page = (
        f"<html><head><title>News</title></head><body><article><p>{'A paragraph of news. ' * 20}</p></article></body>"
    )
    for name, data in {
        "a.txt": "One article. It is short.".encode("utf-16"),
        "b.md": b"---\ntitle: Two\n---\nA *second* article.",
        "c.html": page.encode(),
        "d.json": json.dumps(items).encode(),
        "e.jsonl": lines,
        "f.csv": table.encode("cp1252"),
        "g.tsv": table.replace(",", "\t").encode(),
        "h.jsonl.gz": gzip.compress(lines[:50000]),
        "i.csv.zst": zstd.compress(table.encode()),
        "j.txt.gz": gzip.compress(page.encode())[:-10],
    }.items():
        (folder / name).write_bytes(data)
    pq.write_table(pa.Table.from_pylist(items), folder / "k.parquet")


def test_every_format_is_read_from_s3_as_from_a_folder(bucket: Any, tmp_path: Path) -> None:
    formats(tmp_path / "raw")
    for path in (tmp_path / "raw").iterdir():
        bucket.upload_file(str(path), "news", f"all/{path.name}")
    found = []
    for raw in (str(tmp_path / "raw"), "s3://news/all"):
        source = Source(shard_mb=1, storage_options=FRESH if "://" in raw else {})
        work = Workspace(raw, tmp_path / f"work-{len(found)}")
        found.append((work.prepare(source=source), work.rows("articles"), work.rows("rejects")))
    here, there = found
    assert here == there
    assert {r["source_path"] for r in here[2] if r["reason"] == "damaged"} == {"j.txt.gz"}
    assert here[0].records > 600


def test_an_address_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nobody = {"endpoint_url": "http://127.0.0.1:9", "key": "k", "secret": "s"}
    for raw, options in (("nosuch://bucket/raw", {}), ("s3://bucket/raw", nobody)):
        with pytest.raises(SourceError, match=raw):
            Workspace(raw, tmp_path).prepare(source=Source(storage_options=options))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a web server over a folder of two articles, and a zip file of them."""
    (tmp_path / "web" / "sub").mkdir(parents=True)
    (tmp_path / "web" / "one article.txt").write_text("One.")
    (tmp_path / "web" / "sub" / "two.jsonl").write_text('{"text": "Two."}')
    shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path / "web")

    class Quiet(SimpleHTTPRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "web"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_articles_come_from_a_web_server_and_from_archives(web: str, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    both = {"one article.txt": "One.", "sub/two.jsonl": "Two."}
    for number, (raw, expected) in enumerate(
        {
            f"{web}/": {"one%20article.txt": "One.", "sub/two.jsonl": "Two."},
            f"{web}/sub/two.jsonl": {"two.jsonl": "Two."},
            f"{web}/sub/*.jsonl": {"two.jsonl": "Two."},
            f"simplecache::{web}/sub": {"two.jsonl": "Two."},
            f"zip://::{tmp_path}/all.zip": both,
            f"zip://sub::file://{tmp_path}/all.zip": {"two.jsonl": "Two."},
            f"zip://*.txt::{tmp_path}/all.zip": {"one article.txt": "One."},
            f"file://{tmp_path}/web": both,
            f"file://{tmp_path}/web/*.txt": {"one article.txt": "One."},
        }.items()
    ):
        work = Workspace(raw, tmp_path / f"work-{number}")
        work.prepare()
        assert {a["source_path"]: a["text"] for a in work.rows("articles")} == expected, raw


KINDS = ["local", pytest.param("dask", marks=pytest.mark.distributed)]


@pytest.mark.parametrize("kind", KINDS)
def test_workers_share_nothing_but_a_storage(
    bucket: Any, s3: dict[str, str], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(4)
    for number in range(4):
        texts = ["\n".join(writer.paragraphs(6)) for _ in range(12)]
        lines = "".join(json.dumps({"text": t}) + "\n" for t in [*texts, texts[0], texts[1] + "\nOne more line."])
        bucket.put_object(Bucket="news", Key=f"raw/{number}.jsonl", Body=lines.encode() + b" " * 400_000)
    # Nothing is so little that it is done without workers.
    for module, name in ((inventory, "_LIGHT"), (prepare, "_LIGHT"), (prepare, "_FEW")):
        monkeypatch.setattr(module, name, 0)
    # The fork server of this process may be older than the variables that say where the bucket is.
    monkeypatch.setattr(engine, "_begin_worker", partial(begin_worker, s3))
    ran = list[int]()
    executor = Runner._executor
    monkeypatch.setattr(Runner, "_executor", lambda runner: (ran.append(runner.workers), executor(runner))[1])

    def prepared(name: str, where: Engine, **changes: Any) -> dict[str, str]:
        paths = Paths("s3://news/raw", str(tmp_path / name), str(tmp_path / "exports"))
        builder.prepare(Config(paths=paths, source=Source(shard_mb=1), engine=where, **changes))
        (record,) = (tmp_path / name).glob("*/prepare/*/stage.json")
        files: dict[str, str] = json.loads(record.read_text())["files"]
        shutil.rmtree(record.parent)
        return files

    here = prepared("here", Engine(workers=1))
    assert len(here) > 8
    assert not ran
    there = Engine(kind=kind, workers=2, storage="s3://news/store")
    assert prepared("there", there) == here
    assert set(ran) == {2}
    assert not list((tmp_path / "there").glob("*/parts"))

    def stored() -> dict[str, Any]:
        listed = bucket.list_objects_v2(Bucket="news", Prefix="store/")["Contents"]
        return {one["Key"]: one["LastModified"] for one in listed}

    first = stored()
    assert {key.split("/")[2] for key in first if key != "store/reached"} == {"parts"}
    again = replace(there, workers=1) if kind == "local" else there
    # What is there is taken up again, and what is lost is made again.
    bucket.delete_object(Bucket="news", Key=next(key for key in first if key.endswith("index.parquet")))
    assert prepared("there", again) == here
    assert stored().keys() == first.keys()
    fewer = prepared("there", again, selection=Selection(method="random", budget=5))
    assert fewer.keys() == here.keys()
    assert fewer != here


@pytest.mark.parametrize("storage", ["nosuch://bucket/store", "s3://nosuch/store"])
def test_a_storage_that_cannot_be_used_is_named(bucket: Any, storage: str) -> None:
    with pytest.raises(ConfigError, match=f"engine.storage {storage} cannot be used"):
        storage_at(storage)
