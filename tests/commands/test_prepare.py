"""`builder prepare` end to end: everything accounted for, nothing done twice, the same bytes on every engine."""

import gzip
import hashlib
import io
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from builder.commands.prepare import prepare
from builder.config import Config, Paths
from builder.corpus.settings import Chunking, Cleaning, Dedup, Selection, Source
from builder.engine_settings import Engine
from builder.errors import BuilderError, ConfigError, SourceError
from builder.offsets import OffsetMap, Segment
from builder.scheme import EntityLabel, Scheme
from builder.store import read_table
from builder.tables import ARTICLES, CHUNKS, REJECTS
from tests.benchmarks.corpus_data import Writer, write

TITLE = "Allies struck a deal to make more interceptors"
SUMMARY = ["They announced it on Monday.", "Output is to double.", "Critics doubt the dates."]
BODY = [
    "The two governments agreed on Monday to build a second line for the interceptors, officials said in Tokyo.",
    "It is to open within three years and to double what the first one makes, says a statement after the talks.",
    "Analysts doubt that, because the seekers come from a single factory which has been sold out for many months now.",
]
TRAILER = "Read the original article on Harbour Times"
ARTICLE = "\n".join([TITLE, *SUMMARY, *BODY, TRAILER])
Make = Callable[..., Config]


def console() -> Console:
    return Console(file=io.StringIO(), width=100)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Configurations over one raw folder and one workspace."""
    (tmp_path / "raw").mkdir()

    def make(workspace: str = "work", **groups: Any) -> Config:
        labels = Scheme(name="t", entities={"ORG": EntityLabel()})
        paths = Paths(raw=str(tmp_path / "raw"), workspace=str(tmp_path / workspace))
        return Config(paths=paths, labels=labels, **{"engine": Engine(workers=1), **groups})

    return make


def put(config: Config, name: str, data: str | bytes) -> None:
    path = config.raw / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def rows(config: Config, name: str) -> list[dict[str, Any]]:
    schema = {"articles": ARTICLES, "rejects": REJECTS}.get(name, CHUNKS)
    found: list[dict[str, Any]] = read_table(config.stage("prepare").table(name), schema, "prepare").to_pylist()
    return found


def bytes_of(config: Config) -> dict[str, str]:
    """Digests of the final tables."""
    stage = config.stage("prepare")
    out = {}
    for name in ("articles", "chunks", "selected", "rejects"):
        table = stage.table(name)
        for path in sorted(table.iterdir()) if table.is_dir() else [table]:
            out[f"{name}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return out


def test_an_article_comes_out_in_its_parts(make: Make) -> None:
    config = make()
    put(config, "one.txt", ARTICLE.replace("\n", "\r\n"))
    summary = prepare(config, console())
    assert (summary["articles"], summary["rejected"]) == (1, {})
    (article,) = rows(config, "articles")
    assert article["article_id"] == hashlib.sha256(ARTICLE.replace("\n", "\r\n").encode()).hexdigest()[:16]
    assert (article["title"], article["trailer"], article["source"]) == (TITLE, TRAILER, "Harbour Times")
    text = article["text"]
    assert [(s["kind"], text[s["start"] : s["end"]]) for s in article["sections"]] == [
        ("summary", "\n".join(SUMMARY)),
        ("body", "\n".join(BODY)),
    ]
    mapping = OffsetMap(tuple(Segment(**s) for s in article["map"]))
    at = text.index("second line")
    start, end = mapping.to_raw(at, at + len("second line"))
    assert article["raw"][start:end] == "second line"
    for chunk in rows(config, "chunks"):
        assert text[chunk["start"] : chunk["end"]] == chunk["text"]
        assert chunk["context_before"] in text
        assert chunk["context_after"] in text


def test_every_file_and_record_is_accounted_for(make: Make) -> None:
    config = make(dedup=Dedup(near=False))
    put(config, "good.txt", ARTICLE)
    put(config, "copy/good.txt", ARTICLE)
    put(config, "empty.txt", "")
    put(config, "noise.txt", bytes(range(256)) * 20)
    put(config, "cut.txt.gz", gzip.compress(ARTICLE.encode())[:-9])
    put(config, "odd.xyz", "?")
    put(config, "../raw/lines.jsonl", '{"text": "One line of news."}\n{"broken\n{"text": "Another.", "date": "soon"}\n')
    put(config, "new\nline.md", "---\ntitle: T\n---\nText.")
    (config.raw / "loop").symlink_to(config.raw)
    summary = prepare(config, console())
    articles, rejects = rows(config, "articles"), rows(config, "rejects")
    assert {(a["source_path"], a["record"]) for a in articles} == {
        ("copy/good.txt", 0),
        ("lines.jsonl", 0),
        ("lines.jsonl", 2),
        ("new\nline.md", 0),
    }
    assert {r["source_path"]: r["reason"] for r in rejects if r["source_path"] != "lines.jsonl"} == {
        "good.txt": "duplicate-record",
        "empty.txt": "empty",
        "noise.txt": "binary",
        "cut.txt.gz": "damaged",
        "odd.xyz": "unknown-format",
        "loop": "symlink-loop",
    }
    assert {(r["record"], r["reason"]) for r in rejects if r["source_path"] == "lines.jsonl"} == {
        (1, "bad-json"),
        (2, "field-published"),
    }
    assert "record 0 of copy/good.txt" in next(r["detail"] for r in rejects if r["reason"] == "duplicate-record")
    counted = Counter(r["reason"] for r in rejects)
    assert summary["rejected"] | summary["unused_fields"] == counted


@pytest.mark.parametrize("policy", ["drop", "keep"])
def test_near_duplicates_share_a_cluster(make: Make, policy: str) -> None:
    config = make(dedup=Dedup(policy=policy))
    put(config, "a.txt", ARTICLE)
    put(config, "b.txt", ARTICLE.replace("Monday", "Tuesday"))
    put(config, "c.txt", "\n".join(Writer().paragraphs(5)))
    prepare(config, console())
    a, b, c = rows(config, "articles")
    assert a["cluster_id"] == b["cluster_id"] == a["article_id"]
    assert c["cluster_id"] == c["article_id"]
    assert [x["kept"] for x in (a, b, c)] == [True, policy == "keep", True]
    dropped = [(r["source_path"], r["reason"]) for r in rows(config, "rejects")]
    assert dropped == ([("b.txt", "near-duplicate")] if policy == "drop" else [])
    selected = {r["article_id"] for r in rows(config, "selected")}
    assert (b["article_id"] in selected) is (policy == "keep")
    assert {r["article_id"] for r in rows(config, "chunks")} == {x["article_id"] for x in (a, b, c)}


def test_nothing_new_means_nothing_done(make: Make) -> None:
    config = make()
    put(config, "a.txt", ARTICLE)
    first = prepare(config, console())
    before = config.stage("prepare").table("articles").stat().st_mtime_ns
    screen = console()
    assert prepare(config, screen) == first
    assert "nothing changed" in screen.file.getvalue()  # type: ignore[attr-defined]
    assert config.stage("prepare").table("articles").stat().st_mtime_ns == before


def test_names_that_are_not_utf8_are_told_apart(make: Make) -> None:
    config = make()
    for name, word in ((b"a\xff.txt", "One"), (b"a\xfe.txt", "Two")):
        put(config, os.fsdecode(name), ARTICLE.replace("Monday", word))
    prepare(config, console())
    assert [a["source_path"] for a in rows(config, "articles")] == ["a\\xfe.txt", "a\\xff.txt"]
    before = bytes_of(config)
    prepare(config, console())
    assert bytes_of(config) == before


def test_a_raw_folder_may_be_moved(make: Make) -> None:
    config = make(source=Source(shard_mb=1))
    put(config, "a.txt", ARTICLE)
    put(config, "b.txt", ARTICLE.replace("Monday", "Friday"))
    os.utime(config.raw / "a.txt", (1e9, 1e9))
    time.sleep(2.1)  # so long after a change a file is read again, whatever its stamp
    prepare(config, console())
    moved = config.raw.rename(config.raw.with_name("moved"))
    there = replace(config, paths=replace(config.paths, raw=str(moved)), chunking=Chunking(max_tokens=40))
    prepare(there, console())
    assert [r["reason"] for r in rows(there, "rejects")] == [r["reason"] for r in rows(config, "rejects")]
    assert [a["source_path"] for a in rows(there, "articles")] == ["a.txt", "b.txt"]


def test_only_what_changed_is_done_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.corpus import part

    config = make(source=Source(shard_mb=1), dedup=Dedup(policy="keep"))
    write(config.raw, 4, file_mb=0.5)
    prepare(config, console())
    made: list[str] = []
    plain = part._write
    monkeypatch.setattr(part, "_write", lambda job, folder: made.append(job.folder) or plain(job, folder))
    write(config.raw, 0.2, seed=9, file_mb=0.5, prefix="later")
    prepare(config, console())
    assert 1 <= len(made) <= 2
    incremental = bytes_of(config)
    afresh = make("other", source=Source(shard_mb=1), dedup=Dedup(policy="keep"))
    prepare(afresh, console())
    assert bytes_of(afresh) == incremental
    made.clear()
    prepare(make(source=Source(shard_mb=1), dedup=Dedup(policy="keep"), selection=Selection(fraction=0.5)), console())
    assert made == []


@pytest.mark.parametrize(
    "group",
    [
        {"source": Source(shard_mb=1, exclude=["none/**"], storage_options={"anon": True})},
        {"cleaning": Cleaning(repeated_lines=1000)},
        {"dedup": Dedup(policy="keep", threshold=0.7)},
        {"selection": Selection(method="random", budget=5, seed=3)},
        {"engine": Engine(workers=2)},
        {"chunking": Chunking(tokenizer="not-used.json")},
    ],
)
def test_settings_that_change_no_part_make_none(
    make: Make, monkeypatch: pytest.MonkeyPatch, group: dict[str, Any]
) -> None:
    from builder.corpus import part

    config = make(source=Source(shard_mb=1))
    write(config.raw, 1, file_mb=0.3)
    prepare(config, console())
    monkeypatch.setattr(part, "_write", None)
    other = make(**{"source": Source(shard_mb=1), **group})
    prepare(other, console())
    again = make("afresh", **{"source": Source(shard_mb=1), **group})
    monkeypatch.undo()
    prepare(again, console())
    assert bytes_of(other) == bytes_of(again)


def test_what_could_not_be_read_is_tried_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.corpus import part

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    config = make()
    put(config, "a.txt", ARTICLE)
    put(config, "b.txt", "")
    with monkeypatch.context() as patch:
        patch.setattr(part, "_open", fail)
        with pytest.raises(SourceError, match="unreadable"):
            prepare(config, console())
    assert prepare(config, console())["rejected"] == {"empty": 1}
    put(config, "c.txt", "Other news.")
    plain = part._open
    with monkeypatch.context() as patch:
        patch.setattr(part, "_open", lambda piece, source: (fail if piece.path == "c.txt" else plain)(piece, source))
        assert prepare(config, console())["rejected"] == {"empty": 1, "unreadable": 1}
    assert prepare(config, console())["articles"] == 2


def test_two_runs_at_once_do_not_mix(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.corpus import assemble

    config = make()
    put(config, "a.txt", ARTICLE)
    plain = assemble.join

    def join(*arguments: Any) -> None:
        with pytest.raises(BuilderError, match=r"Another `builder prepare` .* is running"):
            prepare(make(chunking=Chunking(max_tokens=30)), console())
        plain(*arguments)

    monkeypatch.setattr(assemble, "join", join)
    prepare(config, console())
    assert len(rows(config, "selected")) == len(rows(config, "chunks"))


def test_a_run_that_was_stopped_is_finished(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.corpus import assemble

    config = make(source=Source(shard_mb=1))
    write(config.raw, 2, file_mb=0.5)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(assemble, "join", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(config, console())
    assert config.stage("prepare").summary() is None
    prepare(config, console())
    whole = make("other", source=Source(shard_mb=1))
    prepare(whole, console())
    assert bytes_of(config) == bytes_of(whole)


ENGINES = [Engine(workers=2), pytest.param(Engine(kind="dask", workers=2), marks=pytest.mark.distributed)]


@pytest.mark.parametrize("engine", ENGINES, ids=["pool", "dask"])
def test_every_engine_gives_the_same_bytes(make: Make, engine: Engine) -> None:
    groups: dict[str, Any] = {"source": Source(shard_mb=1), "selection": Selection(method="stratified", budget=40)}
    alone = make("alone", **groups)
    write(alone.raw, 3, file_mb=0.4)
    put(alone, "zz.txt", ARTICLE)
    put(alone, "zz-copy.txt", ARTICLE)
    prepare(alone, console())
    many = make("many", engine=engine, **groups)
    prepare(many, console())
    assert bytes_of(many) == bytes_of(alone)
    assert len(bytes_of(many)) > 8


def test_lines_repeated_across_the_corpus_are_cut(make: Make) -> None:
    config = make(cleaning=Cleaning(repeated_lines=3), dedup=Dedup(policy="keep"))
    writer = Writer()
    for i in range(4):
        first, *others = writer.paragraphs(4)
        lines = ["A headline of its own " + "abcd"[i], first, "Share this page", *others]
        put(config, f"{i}.txt", "\n".join(lines))
    prepare(config, console())
    assert all("Share this page" not in a["text"] for a in rows(config, "articles"))
    assert all("Share this page" in a["raw"] for a in rows(config, "articles"))
    assert all(len(a["text"].split("\n")) == 4 for a in rows(config, "articles"))


def test_texts_that_are_cleaned_anew_are_compared_anew(make: Make) -> None:
    config = make(cleaning=Cleaning(repeated_lines=3, title=False))
    again = (
        "Subscribe to our daily newsletter and share this page with all of your friends, neighbours and colleagues, so "
        "that they learn about the things that we report on every single day of the week, and of the year"
    )
    put(config, "a.txt", f"{BODY[0]}\nThe mayor opened a bridge over the wide river on Friday.\n{again}")
    put(config, "b.txt", f"{BODY[0]}\nA storm hit many coastal villages in the night before Friday.\n{again}")
    assert prepare(config, console())["kept"] == 1
    before = len(list((config.stage("prepare").folder / "parts").iterdir()))
    put(config, "c.txt", f"It rained for hours in the capital yesterday evening.\n{again}")
    # Without the line that is now a repeated one, the first two are hardly alike, but still worth a comparison.
    afresh = make("other", cleaning=config.cleaning)
    assert prepare(config, console()) == prepare(afresh, console())
    assert bytes_of(config) == bytes_of(afresh)
    assert len(list((config.stage("prepare").folder / "parts").iterdir())) == before


def test_targets_of_the_record_are_kept(make: Make) -> None:
    config = make()
    put(config, "a.jsonl", json.dumps({"text": "Some news.", "targets": ["japan", "united_states"]}))
    prepare(config, console())
    assert rows(config, "articles")[0]["targets"] == ["japan", "united_states"]


@pytest.mark.parametrize("method", ["sentences", "paragraphs", "article", "tokens"])
def test_every_way_of_chunking_gives_chunks_of_the_text(make: Make, method: str) -> None:
    config = make(chunking=Chunking(method=method, max_tokens=30))
    put(config, "a.txt", ARTICLE)
    prepare(config, console())
    (article,) = rows(config, "articles")
    chunks = rows(config, "chunks")
    assert chunks
    assert len({c["chunk_id"] for c in chunks}) == len(chunks)
    assert [c["ordinal"] for c in chunks] == list(range(len(chunks)))
    for c in chunks:
        assert article["text"][c["start"] : c["end"]] == c["text"]


@pytest.mark.parametrize("there", [False, True])
def test_no_raw_files_are_an_error_that_names_the_folder(make: Make, there: bool) -> None:
    config = make()
    if not there:
        config.raw.rmdir()
    with pytest.raises(SourceError, match=str(config.raw)):
        prepare(config, console())


def test_keywords_that_nobody_gave_are_an_error(make: Make) -> None:
    config = make(selection=Selection(method="keywords"))
    put(config, "a.txt", ARTICLE)
    with pytest.raises(ConfigError, match=r"Set selection\.keywords"):
        prepare(config, console())


def test_when_no_file_can_be_opened_the_reasons_are_kept(make: Make) -> None:
    config = make()
    (config.raw / "a.txt").symlink_to("a.txt")
    with pytest.raises(SourceError, match=r"None of the 0 files .* not-a-file"):
        prepare(config, console())
    assert [r["reason"] for r in rows(config, "rejects")] == ["not-a-file"]


def test_when_all_is_rejected_the_reasons_are_kept(make: Make) -> None:
    config = make()
    put(config, "a.txt", "")
    put(config, "b.json", "{")
    with pytest.raises(SourceError, match=r"None of the 2 files .* bad-json, empty"):
        prepare(config, console())
    assert [r["reason"] for r in rows(config, "rejects")] == ["empty", "bad-json"]


def test_the_summary_is_a_table_for_people(make: Make) -> None:
    config = make()
    put(config, "a.txt", ARTICLE)
    screen = console()
    prepare(config, screen)
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "articles" in shown
    assert "selected" in shown
