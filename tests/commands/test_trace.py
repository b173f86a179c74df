"""Random stretches of articles of every format are traced to bytes that decode to them, or to the row that has them."""

import base64
import bz2
import csv
import gzip
import html
import io
import json
import lzma
import quopri
import random
import re
import tarfile
import zipfile
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder import export, pipeline, trace
from builder.release.trace import place
from builder.tables import ARTICLES
from tests.outcomes import short_exports
from tests.samples import Project, article


def body(number: int) -> str:
    return "\n".join(f'{chunk} "Quoted," café №{number} & 1 < 2 in 東京 🚀.' for chunk in article(number).chunks)


def shown(number: int) -> str:
    return "".join(
        f"<p>{html.escape(line).replace('café', '<b>caf&eacute;</b>')}</p>\n" for line in body(number).split("\n")
    )


def mail(number: int, how: str, charset: str) -> bytes:
    made = EmailMessage()
    made["Subject"], made["Message-ID"], made["From"] = f"News {number}", f"<n{number}@example.org>", "a@example.org"
    made.set_content(body(number) + "\n", charset=charset, cte=how)
    return bytes(made)


def page(number: int) -> str:
    head = f"<head><meta charset='utf-8'><title>News {number}</title></head>"
    content = f"<nav>Menu</nav><article><h1>News {number}</h1>{shown(number)}</article>"
    return f"<!DOCTYPE html><html>{head}<body>{content}</body></html>"


def fields(number: int) -> dict[str, Any]:
    return {"id": f"n{number}", "title": f"News {number}", "text": body(number)}


def write(folder: Path) -> None:
    """Two articles in each format."""
    folder.mkdir(parents=True)
    text = f"News 0\n\n{body(0)}\n"
    (folder / "a.txt").write_bytes(text.encode("utf-16"))
    (folder / "b.txt").write_bytes(f"News 1\n\n{body(1)}\n".replace("\n", "\r\n").encode("utf-8-sig"))
    with gzip.open(folder / "c.txt.gz", "wb") as packed:
        packed.write(f"News 2\n\n{body(2)}\n".encode())
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.writestr("inner/d.txt", f"News 3\n\n{body(3)}\n")
        archive.writestr("d.jsonl", json.dumps(fields(4)) + "\n" + json.dumps(fields(5), ensure_ascii=False))
    for number in (6, 7):
        (folder / f"e{number}.html").write_text(page(number), "utf-8")
    (folder / "f.json").write_text(json.dumps([fields(8), fields(9)], indent=2), "utf-8")
    (folder / "g.jsonl").write_text("\n".join(json.dumps(fields(n)) for n in (10, 11)), "utf-8")
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["id", "title", "text"])
    writer.writeheader()
    writer.writerows(fields(n) for n in (12, 13))
    (folder / "h.csv").write_bytes(out.getvalue().encode())
    pq.write_table(pa.Table.from_pylist([fields(14), fields(15)]), folder / "i.parquet")
    (folder / "j.md").write_text(f"# News 16\n\n{body(16)}\n", "utf-8")
    items = "".join(
        f"<item><guid>n{n}</guid><title>News {n}</title><description>{inside}</description></item>"
        for n, inside in ((17, f"<![CDATA[{shown(17)}]]>"), (18, html.escape(shown(18))))
    )
    (folder / "k.xml").write_text(f"<?xml version='1.0'?><rss><channel>{items}</channel></rss>", "utf-8")
    (folder / "l.eml").write_bytes(mail(19, "quoted-printable", "utf-8"))
    (folder / "m.eml").write_bytes(mail(20, "base64", "utf-8"))
    mails = [mail(n, "8bit", "utf-8") for n in (21, 22)]
    (folder / "n.mbox").write_bytes(b"".join(b"From x Mon Jan  1\n" + found + b"\n" for found in mails))
    with tarfile.open(folder / "o.tar.gz", "w:gz") as archive:
        content = f"News 23\n\n{body(23)}\n".encode("utf-16-le")
        member = tarfile.TarInfo("inner/o.txt")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


def decoded(path: str, found: bytes) -> str:
    """What the bytes of a file of this format say."""
    suffix = path.removesuffix(".gz").rpartition(".")[2]
    if suffix in ("json", "jsonl"):
        return str(json.loads(b'"' + found + b'"'))
    if path == "l.eml":
        found = quopri.decodestring(found)
    elif path == "m.eml":
        return base64.b64decode(found).decode("utf-8", "ignore")
    text = found.decode("utf-16-le" if path.endswith(("a.txt", "o.txt")) else "utf-8")
    if suffix == "xml":
        text = html.unescape(text) if "&lt;" in text else text
    if suffix in ("html", "xml"):
        return html.unescape(re.sub(r"<[^>]*>", "", text))
    return text.replace('""', '"') if suffix == "csv" else text


def visible(text: str) -> str:
    return "".join(char for char in text if char != " " and char.isprintable())


def test_random_stretches_of_every_format_are_traced_to_their_bytes(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", articles=0)
    project.config.raw.rmdir()
    write(project.config.raw)
    table = pipeline.prepared(project.config).table("articles", ARTICLES).to_pylist()
    assert len(table) == 24, [row["source_path"] for row in table]
    opener, draw, seen = pipeline.raw_opener(project.config), random.Random(1), set()
    for _ in range(200):
        row = draw.choice(table)
        start = draw.randrange(len(row["text"]) - 1)
        end = min(start + draw.randrange(1, 60), len(row["text"]))
        wanted = row["text"][start:end]
        if wanted.strip() != wanted:
            continue
        found = place(row, start, end, opener)
        seen.add(row["source_path"])
        if row["source_path"].endswith(".parquet"):
            assert (found.bytes, found.where) == (None, f"row {row['record']}, column text")
            continue
        assert found.bytes, (row["source_path"], wanted, found.why)
        data = opener(row["source_path"])
        assert data is not None
        said = visible(decoded(row["source_path"], data[slice(*found.bytes)]))
        # Whole groups of base64 hold up to two bytes more at each end.
        assert visible(wanted) in said if found.where.startswith("base64") else said == visible(wanted), found
    assert len(seen) >= 16


def test_without_the_raw_files_the_step_that_stops_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=1)
    row = pipeline.prepared(project.config).table("articles", ARTICLES).to_pylist()[0]
    for path in project.config.raw.iterdir():
        path.unlink()
    found = place(row, 0, 5, pipeline.raw_opener(project.config))
    assert (found.bytes, found.why, found.text) == (None, "the file is gone", row["text"][:5])


@pytest.mark.parametrize("path", ["feed.txt", "feed.html", "feed.dump", "feed.txt.xz", "feed.txt.bz2"])
def test_a_format_that_was_set_decides_where_the_text_is_looked_for(tmp_path: Path, path: str) -> None:
    """Whatever the suffix says; compressed files and those in archives of any packing alike."""
    project = Project(tmp_path, articles=0)
    lines = "".join(json.dumps(fields(number)) + "\n" for number in (0, 1)).encode()
    pack = {"xz": lzma.compress, "bz2": bz2.compress}.get(path.rpartition(".")[2], bytes)
    content = pack(lines)
    with tarfile.open(project.config.raw / "all.tar.xz", "w:xz") as archive:
        member = tarfile.TarInfo(path)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    config = replace(project.config, source=replace(project.config.source, format="jsonl"))
    stage = pipeline.prepared(config)
    project.config = config
    known = stage.table("articles", ARTICLES).to_pylist()
    row = next(row for row in known if row["record"] == 1)
    start = row["text"].index("café")
    found = place(row, start, start + 4, pipeline.raw_opener(config), "jsonl")
    assert (found.where, lines[slice(*found.bytes or (0, 0))]) == ("text", b"caf\\u00e9")


def test_a_release_says_how_its_files_were_read(tmp_path: Path) -> None:
    """`trace` needs no setting repeated."""
    project = Project(tmp_path, articles=0)
    lines = "".join(json.dumps(fields(number)) + "\n" for number in range(6))
    (project.config.raw / "feed.txt").write_text(lines)
    read = replace(project.config, source=replace(project.config.source, format="jsonl"))
    stage = pipeline.prepared(read)
    articles = [row | {"source_path": f"{row['record']}.txt"} for row in stage.table("articles").to_pylist()]
    project.pull(articles, stage.table("selected").to_pylist())
    with short_exports():
        released = export(read)
    row = released.load("stance")["train"][0]
    found = trace(project.config, f"stance/{row['id']}").trace.place
    assert json.loads(f'"{lines.encode()[slice(*found.bytes or (0, 0))].decode()}"') == row["text"]


def test_a_file_that_is_damaged_since_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=0)
    path = project.config.raw / "a.txt.gz"
    path.write_bytes(gzip.compress(f"News\n\n{body(1)}".encode()))
    row = pipeline.prepared(project.config).table("articles", ARTICLES).to_pylist()[0]
    path.write_bytes(path.read_bytes()[:60])
    found = place(row, 0, 5, pipeline.raw_opener(project.config))
    assert found.bytes is None
    assert found.why.startswith("the file cannot be read any more: ")
