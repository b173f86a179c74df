"""From raw files to tables: everything accounted for, nothing done twice, the same bytes on every engine."""

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.corpus import inventory, prepare, shard_tables
from builder.corpus.prepare import shard_settings
from builder.corpus.readers import READERS
from builder.corpus.records import Record
from builder.corpus.settings import Boilerplate, Chunking, Cleaning, CorpusSettings, Dedup, Selection, Source
from builder.engine import Engine, Runner
from builder.errors import SourceError
from builder.offsets import OffsetMap, Segment
from builder.store import digest
from tests.benchmarks.corpus_data import Writer, write
from tests.corpus.workspace import Workspace

TITLE = "Allies struck a deal to make more interceptors"
SUMMARY = ["They announced it on Monday.", "Output is to double.", "Critics doubt the dates."]
BODY = [
    "The two governments agreed on Monday to build a second line for the interceptors, officials said in Tokyo.",
    "It is to open within three years and to double what the first one makes, says a statement after the talks.",
    "Analysts doubt that, because the seekers come from a single factory which has been sold out for many months now.",
]
TRAILER = "Read the original article on Harbour Times"
ARTICLE = "\n".join([TITLE, *SUMMARY, *BODY, TRAILER])
SMALL = Source(shard_mb=1)
Make = Callable[..., Workspace]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Workspaces over one raw folder."""
    (tmp_path / "raw").mkdir()
    return lambda name="work": Workspace(str(tmp_path / "raw"), tmp_path / name)


def unreadable(*_: object) -> None:
    raise OSError(5, "Input/output error")


def test_an_article_comes_out_in_its_parts(make: Make) -> None:
    work = make()
    raw = ARTICLE.replace("\n", "\r\n")
    work.put("one.txt", raw)
    summary = work.prepare()
    assert (summary.files, summary.records, summary.articles, summary.kept, summary.shards) == (1, 1, 1, 1, 1)
    assert (summary.bytes, summary.rejected, summary.unused_fields) == (len(raw), {}, {})
    names = ["articles", "chunks", "rejects", "selected"]
    assert sorted(path.name for path in work.tables.iterdir()) == [f"{name}.parquet" for name in names]
    (article,) = work.rows("articles")
    assert article["article_id"] == digest("path", "one.txt")[:16]
    assert (article["title"], article["trailer"], article["source"]) == (TITLE, TRAILER, "Harbour Times")
    assert (article["raw"], article["encoding"], article["language"]) == (raw, "utf-8", "en")
    text = article["text"]
    assert [(s["kind"], text[s["start"] : s["end"]]) for s in article["sections"]] == [
        ("summary", "\n".join(SUMMARY)),
        ("body", "\n".join(BODY)),
    ]
    mapping = OffsetMap(tuple(Segment(**s) for s in article["map"]))
    for i, char in enumerate(text):
        start, end = mapping.to_raw(i, i + 1)
        assert raw[start:end] == ("\r\n" if char == "\n" else char)
    summary_chunk, body_chunk = work.rows("chunks")
    assert (summary.chunks, summary.selected) == (2, 2)
    assert work.rows("selected") == [summary_chunk, body_chunk]
    for number, chunk in enumerate((summary_chunk, body_chunk)):
        assert text[chunk["start"] : chunk["end"]] == chunk["text"]
        assert (chunk["ordinal"], chunk["section"]) == (number, ("summary", "body")[number])
    assert (summary_chunk["context_before"], summary_chunk["context_after"]) == ("", "\n".join(BODY[:2]))
    assert (body_chunk["context_before"], body_chunk["context_after"]) == ("\n".join(SUMMARY[1:]), "")


@pytest.mark.parametrize("context", [0, 1])
def test_the_context_is_as_many_sentences_as_asked_for(make: Make, context: int) -> None:
    work = make()
    work.put("a.txt", "\n".join(BODY))
    work.prepare(chunking=Chunking(max_tokens=22, context=context))
    assert [(c["context_before"], c["context_after"]) for c in work.rows("chunks")] == (
        [("", ""), ("", ""), ("", "")] if not context else [("", BODY[1]), (BODY[0], BODY[2]), (BODY[1], "")]
    )


def test_every_file_and_record_is_accounted_for(make: Make) -> None:
    work = make()
    work.put("good.txt", ARTICLE)
    work.put("copy/good.txt", ARTICLE)
    work.put("empty.txt", "")
    work.put("noise.txt", bytes(range(256)) * 20)
    work.put("cut.txt.gz", gzip.compress(ARTICLE.encode())[:-9])
    work.put("odd.xyz", "?")
    work.put("lines.jsonl", '{"text": "One line of news."}\n{"broken\n{"text": "Another.", "date": "soon"}\n')
    work.put("new\nline.md", "---\ntitle: T\n---\nText.")
    (Path(work.raw) / "loop").symlink_to(work.raw)
    summary = work.prepare(dedup=Dedup(near=False))
    articles, rejects = work.rows("articles"), work.rows("rejects")
    assert [(a["source_path"], a["record"]) for a in articles] == [
        ("copy/good.txt", 0),
        ("lines.jsonl", 0),
        ("lines.jsonl", 2),
        ("new\nline.md", 0),
    ]
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
    (repeat,) = (r for r in rejects if r["reason"] == "duplicate-record")
    assert repeat["detail"] == "the same bytes as record 0 of copy/good.txt"
    assert (repeat["article_id"], repeat["stage"]) == (digest("path", "good.txt")[:16], "prepare")
    assert summary.rejected | summary.unused_fields == Counter(r["reason"] for r in rejects)
    assert summary.unused_fields == {"field-published": 1}
    assert "field-published" not in summary.rejected
    assert (summary.files, summary.records, summary.articles, summary.kept) == (8, 7, 4, 4)


@pytest.mark.parametrize("policy", ["drop", "keep"])
def test_near_duplicates_share_a_cluster(make: Make, policy: str) -> None:
    work = make()
    work.put("a.txt", ARTICLE)
    work.put("b.txt", ARTICLE.replace("Monday", "Tuesday"))
    work.put("c.txt", "\n".join(Writer().paragraphs(5)))
    summary = work.prepare(dedup=Dedup(policy=policy))
    a, b, c = work.rows("articles")
    assert a["cluster_id"] == b["cluster_id"] == a["article_id"]
    assert c["cluster_id"] == c["article_id"]
    assert [x["kept"] for x in (a, b, c)] == [True, policy == "keep", True]
    rejects = [(r["source_path"], r["reason"], r["detail"]) for r in work.rows("rejects")]
    detail = f"nearly the same as record 0 of a.txt ({a['article_id']})"
    assert rejects == ([("b.txt", "near-duplicate", detail)] if policy == "drop" else [])
    selected = {r["article_id"] for r in work.rows("selected")}
    assert (b["article_id"] in selected) is (policy == "keep")
    assert {r["article_id"] for r in work.rows("chunks")} == {x["article_id"] for x in (a, b, c)}
    assert (summary.articles, summary.kept) == (3, 3 if policy == "keep" else 2)
    assert (summary.chunks, summary.selected) == (len(work.rows("chunks")), len(work.rows("selected")))


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        ({}, 3), ({"budget": 2}, 2), ({"fraction": 0}, 0), ({"method": "random", "budget": 1}, 1),
        ({"method": "random"}, 3),
    ],
)  # fmt: skip
def test_a_selection_of_all_chunks_needs_no_look_at_them(make: Make, selection: dict[str, Any], chosen: int) -> None:
    work = make()
    for number, text in enumerate(BODY):
        work.put(f"{number}.txt", text)
    steps: set[str] = set()
    summary = work.prepare(
        selection=Selection(**selection), progress=lambda step, done, total: steps.add(step.partition(":")[0])
    )
    assert (summary.chunks, summary.selected, len(work.rows("selected"))) == (3, chosen, chosen)
    assert ("selecting" in steps) is bool(selection)


def test_encodings_and_languages_are_counted_the_most_frequent_first(make: Make) -> None:
    work = make()
    for number, text in enumerate(BODY):
        work.put(f"{number}.txt", text)
    work.put("a.jsonl", '{"text": "Der Hafen ist seit Montag gesperrt.", "lang": "de"}')
    for number in range(5):
        french = f'{{"text": "Le port est fermé depuis {number} jours.", "lang": "fr"}}'
        work.put(f"b{number}.jsonl", french.encode("utf-16"))
    summary = work.prepare(source=Source(doubtful_below=0.0))
    assert list(summary.encodings.items()) == [("utf-16", 5), ("utf-8", 4)]
    assert list(summary.languages.items()) == [("fr", 5), ("en", 3), ("de", 1)]


def test_names_that_are_not_utf8_are_told_apart(make: Make) -> None:
    work = make()
    for name, word in ((b"a\xff.txt", "One"), (b"a\xfe.txt", "Two")):
        work.put(os.fsdecode(name), ARTICLE.replace("Monday", word))
    work.prepare()
    assert [a["source_path"] for a in work.rows("articles")] == ["a\\xfe.txt", "a\\xff.txt"]
    before = work.digests()
    work.prepare()
    assert work.digests() == before


def test_a_raw_folder_may_be_moved(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    work = make()
    work.put("a.txt", ARTICLE)
    work.put("b.txt", ARTICLE.replace("Monday", "Friday"))
    # As if the files were old: what was changed just before is read again, whatever its stamp.
    monkeypatch.setattr(inventory, "_RACE_NS", -(2**62))
    work.prepare()
    before = [r["reason"] for r in work.rows("rejects")]
    moved = Path(work.raw).rename(Path(work.raw).with_name("moved"))
    there = Workspace(str(moved), work.folder)
    there.prepare(chunking=Chunking(max_tokens=40))
    assert [r["reason"] for r in there.rows("rejects")] == before
    assert [a["source_path"] for a in there.rows("articles")] == ["a.txt", "b.txt"]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders of shards that were made."""
    folders: list[str] = []
    plain = shard_tables._write

    def write(job: Any, folder: Path) -> Any:
        folders.append(job.folder)
        return plain(job, folder)

    monkeypatch.setattr(shard_tables, "_write", write)
    return folders


def test_only_what_changed_is_done_again(make: Make, written: list[str]) -> None:
    work, groups = make(), {"source": SMALL, "dedup": Dedup(policy="keep")}
    write(Path(work.raw), 2, file_mb=0.25)
    work.prepare(**groups)
    assert len(written) > 3
    written.clear()
    write(Path(work.raw), 0.1, seed=9, file_mb=0.25, prefix="later")
    work.prepare(**groups)
    assert 1 <= len(written) <= 2
    afresh = make("other")
    afresh.prepare(**groups)
    assert afresh.digests() == work.digests()
    written.clear()
    work.prepare(**groups, selection=Selection(fraction=0.5))
    assert written == []
    work.prepare(**groups, code="2")
    assert len(written) == len(list(work.parts.glob("*/counts.json")))


def test_settings_that_change_no_shard_make_none(make: Make, written: list[str]) -> None:
    work = make()
    write(Path(work.raw), 0.1, file_mb=0.1)
    for day in ("Monday", "Tuesday"):
        work.put(f"{day}.txt", ARTICLE.replace("Monday", day))
    work.prepare(source=SMALL)
    groups: list[dict[str, Any]] = [
        {"source": Source(shard_mb=1, exclude=["none/**"], storage_options={"anon": True})},
        {"cleaning": Cleaning(repeated_lines=1000)},
        {"dedup": Dedup(policy="keep", threshold=0.7)},
        {"selection": Selection(method="random", budget=5, seed=3)},
        {"engine": Engine(workers=2)},
        {"chunking": Chunking(tokenizer="not-used.json")},
    ]
    for number, group in enumerate(groups):
        written.clear()
        work.prepare(**{"source": SMALL, **group})
        assert written == [], group
        again = make(f"afresh-{number}")
        again.prepare(**{"source": SMALL, **group})
        assert work.digests() == again.digests(), group


@pytest.mark.parametrize(
    "group",
    [
        {"source": Source(encoding="cp1252")},
        {"cleaning": Cleaning(min_chars=2)},
        {"dedup": Dedup(shingle=4)},
        {"dedup": Dedup(near=False)},
        {"chunking": Chunking(max_tokens=179)},
    ],
)
def test_settings_that_may_change_a_shard_make_it_anew(make: Make, written: list[str], group: dict[str, Any]) -> None:
    work = make()
    work.put("a.txt", ARTICLE)
    work.prepare()
    (old,) = work.parts.glob("*/counts.json")
    work.prepare(**group)
    assert len(written) == 2
    assert not old.exists()


def test_what_no_table_is_made_of_is_removed(make: Make) -> None:
    work = make()
    work.put("a.txt", ARTICLE)
    work.put("b.txt", BODY[0])
    work.prepare(cleaning=Cleaning(repeated_lines=2), selection=Selection(method="random", budget=1))
    old = {path.parent for path in work.parts.glob("*/counts.json")}
    assert list(work.parts.glob("*.lines"))
    assert old
    work.prepare()
    kept = {path.parent for path in work.parts.glob("*/counts.json")}
    assert {p for p in work.parts.iterdir() if p.name != "clusters"} == kept
    assert len(list(work.parts.glob("*/final-*"))) == len(kept)


def test_what_could_not_be_read_is_tried_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    work = make()
    work.put("a.txt", ARTICLE)
    work.put("b.txt", "")
    with monkeypatch.context() as patch:
        patch.setattr(shard_tables, "_open", unreadable)
        with pytest.raises(SourceError, match="unreadable 2"):
            work.prepare()
    assert work.prepare().rejected == {"empty": 1}
    work.put("c.txt", "Other news.")
    plain = shard_tables._open
    with monkeypatch.context() as patch:
        patch.setattr(shard_tables, "_open", lambda s, source: (unreadable if s.path == "c.txt" else plain)(s, source))
        summary = work.prepare()
    assert summary.rejected == {"empty": 1, "unreadable": 1}
    assert work.prepare().articles == 2


def test_a_run_that_was_stopped_is_finished(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    work = make()
    write(Path(work.raw), 0.6, file_mb=0.1)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prepare, "join_tables", stop)
        with pytest.raises(KeyboardInterrupt):
            work.prepare(source=SMALL)
    assert not (work.tables / "articles.parquet").exists()
    work.prepare(source=SMALL)
    whole = make("other")
    whole.prepare(source=SMALL)
    assert work.digests() == whole.digests()


ENGINES = [Engine(workers=2), pytest.param(Engine(kind="dask", workers=2), marks=pytest.mark.distributed)]


@pytest.mark.parametrize("engine", ENGINES, ids=["pool", "dask"])
def test_every_engine_gives_the_same_bytes(make: Make, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: dict[str, Any] = {"source": SMALL, "selection": Selection(method="stratified", budget=40)}
    # Nothing is so little that it is done without workers.
    for module, name in ((inventory, "_LIGHT"), (prepare, "_LIGHT"), (prepare, "_FEW")):
        monkeypatch.setattr(module, name, 0)
    alone = make("alone")
    write(Path(alone.raw), 1, file_mb=0.2)
    alone.put("zz.txt", ARTICLE)
    alone.put("zz-copy.txt", ARTICLE)
    alone.prepare(**groups)
    many = make("many")
    many.prepare(engine=engine, **groups)
    assert many.digests() == alone.digests()
    assert len(many.digests()) > 8


def test_lines_repeated_across_the_corpus_are_cut(make: Make) -> None:
    work = make()
    writer = Writer()
    for i in range(4):
        first, *others = writer.paragraphs(4)
        twice = ["Only in two."] if i < 2 else []
        lines = ["A headline of its own " + "abcd"[i], first, "Share this page", *twice, *others]
        work.put(f"{i}.txt", "\n".join(lines))
    work.prepare(cleaning=Cleaning(repeated_lines=3), dedup=Dedup(policy="keep"))
    articles = work.rows("articles")
    assert all("Share this page" not in a["text"] for a in articles)
    assert all("Share this page" in a["raw"] for a in articles)
    assert ["Only in two." in a["text"] for a in articles] == [True, True, False, False]
    work.prepare(cleaning=Cleaning(repeated_lines=4), dedup=Dedup(policy="keep"))
    assert all("Share this page" not in a["text"] for a in work.rows("articles"))
    work.prepare(cleaning=Cleaning(repeated_lines=5), dedup=Dedup(policy="keep"))
    assert all("Share this page" in a["text"] for a in work.rows("articles"))


def test_texts_that_are_cleaned_anew_are_compared_anew(make: Make) -> None:
    work, cleaning = make(), Cleaning(repeated_lines=3, title=False)
    again = (
        "Subscribe to our daily newsletter and share this page with all of your friends, neighbours and colleagues, so "
        "that they learn about the things that we report on every single day of the week, and of the year"
    )
    work.put("a.txt", f"{BODY[0]}\nThe mayor opened a bridge over the wide river on Friday.\n{again}")
    work.put("b.txt", f"{BODY[0]}\nA storm hit many coastal villages in the night before Friday.\n{again}")
    assert work.prepare(cleaning=cleaning).kept == 1
    before = len(list(work.parts.iterdir()))
    work.put("c.txt", f"It rained for hours in the capital yesterday evening.\n{again}")
    # Without the line that is now a repeated one, the first two are hardly alike, but still worth a comparison.
    afresh = make("other")
    assert work.prepare(cleaning=cleaning) == afresh.prepare(cleaning=cleaning)
    assert work.digests() == afresh.digests()
    assert len(list(work.parts.iterdir())) == before


def test_settings_reach_the_tables(make: Make) -> None:
    work = make()
    work.put("a.jsonl", json.dumps({"text": "Some news.\nAdvert\nMore.", "targets": ["japan", "china"], "lang": "fr"}))
    work.prepare(cleaning=Cleaning(title=False, boilerplate={"ad": Boilerplate(line="Advert")}))
    (article,) = work.rows("articles")
    assert (article["targets"], article["language"]) == (["japan", "china"], "fr")
    assert article["text"] == "Some news.\nMore."
    with pytest.raises(SourceError, match="short 1"):
        work.prepare(cleaning=Cleaning(min_chars=100))


def test_keywords_select_the_chunks_that_mention_them(make: Make) -> None:
    work = make()
    work.put("a.txt", "\n".join(BODY))
    groups = {"selection": Selection(method="keywords"), "chunking": Chunking(max_tokens=22)}
    summary = work.prepare(keywords=("Tokyo", "seeker"), **groups)
    assert [c["text"] for c in work.rows("selected")] == BODY[:1]
    assert (summary.chunks, summary.selected) == (3, 1)


@pytest.mark.parametrize("method", ["sentences", "paragraphs", "article", "tokens"])
def test_every_way_of_chunking_gives_chunks_of_the_text(make: Make, method: str) -> None:
    work = make()
    work.put("a.txt", ARTICLE)
    work.prepare(chunking=Chunking(method=method, max_tokens=30))
    (article,) = work.rows("articles")
    chunks = work.rows("chunks")
    assert chunks
    assert len({c["chunk_id"] for c in chunks}) == len(chunks)
    assert [c["ordinal"] for c in chunks] == list(range(len(chunks)))
    for c in chunks:
        assert article["text"][c["start"] : c["end"]] == c["text"]


@pytest.mark.parametrize("there", [False, True])
def test_no_raw_files_are_an_error_that_names_the_folder(make: Make, there: bool) -> None:
    work = make()
    if not there:
        Path(work.raw).rmdir()
    with pytest.raises(SourceError, match=work.raw):
        work.prepare()


def test_when_nothing_could_be_read_the_reasons_are_named(make: Make) -> None:
    work = make()
    (Path(work.raw) / "a.txt").symlink_to("a.txt")
    with pytest.raises(SourceError, match=r"None of the 0 files .*not-a-file 1") as caught:
        work.prepare(selection=Selection(method="random", budget=1), cleaning=Cleaning(repeated_lines=2))
    assert "a.txt: not-a-file (a broken link" in caught.value.hint
    assert [r["reason"] for r in work.rows("rejects")] == ["not-a-file"]
    (Path(work.raw) / "a.txt").unlink()
    work.put("a.txt", "")
    work.put("b.json", "{")
    with pytest.raises(SourceError, match=r"None of the 2 files .*bad-json 1, empty 1") as caught:
        work.prepare()
    assert "b.json: bad-json" in caught.value.hint
    assert [r["reason"] for r in work.rows("rejects")] == ["empty", "bad-json"]
    for name in "cdefg":
        work.put(f"{name}.txt", "")
    with pytest.raises(SourceError, match=r"empty 6") as caught:
        work.prepare()
    assert re.findall(r"(\w)\.\w+: ", caught.value.hint) == list("abcde")


def test_progress_counts_up_to_its_total(make: Make) -> None:
    work = make()
    work.put("a.txt", ARTICLE)
    work.put("b.txt", ARTICLE)
    work.put("c.txt", "")
    dated = '{"text": "A storm closed the harbour.", "date": "soon"}'  # a field that is left out rejects no record
    work.put("d.jsonl", dated)
    seen: list[tuple[str, int, int | None]] = []
    work.prepare(progress=lambda *step: seen.append(step), selection=Selection(method="random", budget=1))
    size = 2 * len(ARTICLE.encode()) + len(dated)
    last = {what.split(":")[0]: (what, done, total) for what, done, total in seen}
    assert list(last) == ["listing", "reading", "comparing", "selecting", "writing"]
    assert last["listing"] == ("listing", size, size)
    assert last["reading"] == ("reading: 4 records, 1 rejected, 5 chunks", size, size)
    assert last["writing"] == ("writing: 4 records, 1 rejected, 1 duplicates, 5 chunks", 1, 1)
    assert last["comparing"][1:] == last["selecting"][1:] == (1, 1)
    assert seen[0] == ("listing", 0, size)
    begun = {what.split(":")[0]: (done, total) for what, done, total in reversed(seen)}
    assert begun == {what: (0, last[what][2]) for what in last}


def test_little_is_read_without_workers_and_the_largest_shards_begin(tmp_path: Path) -> None:
    asked: list[tuple[list[Any], bool]] = []

    def run(_: Any, items: list[Any], *, light: bool) -> Iterator[tuple[int, Any]]:
        asked.append((items, light))
        return enumerate([{"rejects": {}, "records": 0, "chunks": 0}] * len(items))

    report = prepare._Report(run, None)
    for last, light in ((-1, True), (0, False)):
        jobs = [SimpleNamespace(folder=tmp_path / str(i), size=(i << 20)) for i in (1, 3)]
        jobs.insert(1, SimpleNamespace(folder=tmp_path / "2", size=(2 << 20) + last))
        prepare._read(jobs, report)  # type: ignore[arg-type]
        assert asked.pop() == ([jobs[2], jobs[1], jobs[0]], light)
    for count in (3, 4):
        assert len(list(report.each("writing", len, [""] * count))) == count
        assert asked.pop() == ([""] * count, count == 3)


def test_the_fingerprint_is_that_of_content_and_names(make: Make, tmp_path: Path) -> None:
    work = make()
    work.put("a.txt", "One.")
    work.put("b.txt", "Two.")

    def fingerprint(raw: str, source: Source = SMALL) -> str:
        return inventory.inventory(raw, source, tmp_path / "cache", Runner(Engine(workers=1)).run).fingerprint

    first = fingerprint(work.raw)
    moved = Path(work.raw).rename(tmp_path / "moved")
    assert fingerprint(str(moved)) == first
    assert fingerprint(str(moved), Source(shard_mb=1, exclude=["none"])) == first
    assert fingerprint(str(moved), Source(shard_mb=1, exclude=["b.txt"])) != first
    (moved / "a.txt").rename(moved / "aa.txt")
    assert fingerprint(str(moved)) != first
    (moved / "aa.txt").rename(moved / "a.txt")
    (moved / "a.txt").write_text("Zwo.")
    assert fingerprint(str(moved)) != first
    (moved / "a.txt").write_text("One.")
    assert fingerprint(str(moved)) == first
    (moved / "c.txt").symlink_to("c.txt")
    assert fingerprint(str(moved)) != first


def test_only_settings_that_shards_depend_on_change_their_key(tmp_path: Path) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text("{}")
    counted = CorpusSettings(chunking=Chunking(unit="tokenizer", tokenizer=str(tokenizer)))
    plain = CorpusSettings()
    changed = [
        shard_settings(CorpusSettings(language="fr"), "1"),
        shard_settings(plain, "2"),
        shard_settings(CorpusSettings(cleaning=Cleaning(emails=False)), "1"),
        shard_settings(CorpusSettings(chunking=Chunking(context=1)), "1"),
        shard_settings(counted, "1"),
        shard_settings(plain, "1"),
    ]
    assert len(set(changed)) == len(changed)
    other = CorpusSettings(
        source=Source(shard_mb=3, include=["*"], exclude=["x"], storage_options={"anon": True}),
        cleaning=Cleaning(repeated_lines=3),
        dedup=Dedup(threshold=0.6, policy="keep"),
        chunking=Chunking(tokenizer="unused"),
        selection=Selection(seed=1),
        keywords=("Tokyo",),
    )
    assert shard_settings(other, "1") == changed[-1]
    assert shard_settings(CorpusSettings(chunking=Chunking(tokenizer=str(tokenizer))), "1") == changed[-1]
    missing = CorpusSettings(chunking=Chunking(unit="tokenizer", tokenizer=str(tmp_path / "none.json")))
    assert shard_settings(missing, "1") not in changed  # it is missed where it is read
    tokenizer.write_text("{ }")
    assert shard_settings(counted, "1") not in changed


def test_what_takes_too_long_is_rejected_and_the_rest_is_read(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    own = shard_tables.ArticleMaker.article

    def article(maker: Any, record: Record, repeated: frozenset[int] = frozenset()) -> Any:
        while "slow" in record.raw:
            pass
        return own(maker, record, repeated)

    def slow(stream: Any, path: str, source: Source) -> Iterator[Record]:
        while True:
            pass
        yield  # makes it an iterator

    monkeypatch.setattr(shard_tables.ArticleMaker, "article", article)
    monkeypatch.setitem(READERS, ".md", slow)
    work = make()
    texts = (*BODY[:2], "A slow text.", BODY[2])
    work.put("a.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in texts))
    work.put("b.md", "Never read.")
    work.put("c.txt", "It rained for hours in the capital.")
    work.prepare(source=Source(max_record_seconds=0.2))
    assert [(r["source_path"], r["record"], r["reason"], r["detail"]) for r in work.rows("rejects")] == [
        ("a.jsonl", 2, "too-slow", "it took more than 0.2 seconds"),
        ("b.md", 0, "too-slow", "it took more than 0.2 seconds; 0 records were read before"),
    ]
    assert [a["source_path"] for a in work.rows("articles")] == ["a.jsonl"] * 3 + ["c.txt"]
