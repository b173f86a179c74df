"""Stages are made from what the configuration says, and differ from it where a setting does."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder import pipeline
from builder.config import Config, Dataset, Paths
from builder.corpus.settings import Selection, Source
from builder.errors import ConfigError, StoreError
from builder.pipeline import Given, KeptPull
from builder.quality.gates import Verdict
from builder.quality.settings import Quality
from builder.questions import controls
from builder.questions.rows import Decoded
from builder.stage import code_digest, settings_digests
from builder.store import read_json, write_json, write_table
from builder.studio.pull_records import ensure_key
from builder.studio.settings import Annotators
from builder.tables import GOLD_ANSWERS, GOLD_SPANS, ISSUES, build
from tests.pulls import keep_pull
from tests.samples import Crowd, article, scheme


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration in folders of its own, where nothing is made yet."""
    paths = Paths(str(tmp_path / "raw"), str(tmp_path / "work"), str(tmp_path / "exports"))
    return Config(paths=paths, dataset=Dataset(name="news", description="About news."), labels=scheme())


def test_each_stage_has_the_settings_that_it_reads(config: Config) -> None:
    config.annotators.overlap = 7
    config.dataset.language = "DE"
    config.selection = Selection(method="keywords")
    assert pipeline.settings_of(config, "validate") == {"labels": scheme(), "quality": Quality(), "overlap": 7}
    assert pipeline.settings_of(config, "adjudicate") == {"aggregation": config.aggregation, "quality": Quality()}
    assert pipeline.settings_of(config, "prepare") == {
        "cleaning": config.cleaning,
        "dedup": config.dedup,
        "chunking": config.chunking,
        "selection": config.selection,
        "source": pipeline.reading(config.source),
        "language": "de",
        "keywords": ["Ukraine", "Kyiv", "Japan", "Tokyo"],
    }


def test_how_files_are_reached_decides_nothing_that_is_read() -> None:
    others = {"include": ["x"], "exclude": ["y"], "shard_mb": 1, "follow_links": True, "storage_options": {"a": 1}}
    assert pipeline.reading(replace(Source(), **others)) == pipeline.reading(Source())  # type: ignore[arg-type]
    assert pipeline.reading(Source()).keys() == {field.name for field in fields(Source)} - others.keys()
    assert pipeline.reading(Source(recall=True))["recall"] is True


def test_keywords_are_those_of_the_setting_or_the_names_of_targets(config: Config) -> None:
    assert pipeline.keywords(config) == []
    config.selection = Selection(method="keywords", keywords=["war"])
    assert pipeline.keywords(config) == ["war"]
    config.selection.keywords = []
    config.labels = scheme(targets={"nobody": []})
    with pytest.raises(ConfigError, match=r"targets have no aliases\. Set selection\.keywords"):
        pipeline.keywords(config)


def test_groups_that_differ_from_the_stage_are_named_in_order(config: Config) -> None:
    made: Any = SimpleNamespace(name="prepare", made_from={})
    now = settings_digests(pipeline.settings_of(config, "prepare"))
    assert pipeline.changed(config, made) == sorted(now)
    made.made_from = {f"settings {key}": value for key, value in now.items()}
    assert pipeline.changed(config, made) == []
    config.chunking.max_tokens, config.cleaning.phones = 3, True
    assert pipeline.changed(config, made) == ["chunking", "cleaning"]


def test_new_and_lost_chunks_are_counted(tmp_path: Path) -> None:
    def stage(name: str, ids: str) -> Any:
        write_table(tmp_path / name, pa.table({"chunk_id": pa.array(list(ids), pa.string())}))
        return SimpleNamespace(table_path=lambda table: tmp_path / name if table == "chunks" else None)

    old, new, nothing = stage("old", "abc"), stage("new", "cdefg"), stage("nothing", "")
    assert pipeline.chunk_changes(old, new) == (4, 2)
    assert pipeline.chunk_changes(old, old) == (0, 0)
    assert pipeline.chunk_changes(nothing, new) == (5, 0)
    assert pipeline.chunk_changes(new, nothing) == (0, 5)


def test_raw_files_are_read_by_the_path_of_their_articles(config: Config) -> None:
    assert pipeline.raw_opener(config)("a.txt") is None
    config.raw.mkdir()
    (config.raw / "a.txt").write_bytes(b"raw")
    read = pipeline.raw_opener(config)
    assert (read("a.txt"), read("b.txt")) == (b"raw", None)


def test_the_pull_is_the_latest_or_the_one_that_is_named(config: Config) -> None:
    with pytest.raises(StoreError, match=r"Nothing was pulled yet\. Run `builder pull` first"):
        pipeline.chosen_pull(config)
    for line in ("{}\n", "[]\n"):
        keep_pull(config, line, {"1": {"email": "ada@example.org"}})
    with pytest.raises(StoreError, match=r"pseudonyms\.key is missing"):
        pipeline.chosen_pull(config)
    ensure_key(config.workspace / "pseudonyms.key")
    latest = pipeline.chosen_pull(config)
    (other,) = set((config.dataset_folder / "pulls").glob("[0-9a-f]*")) - {latest.folder}
    config.dataset.pull = other.name[:6]
    named = pipeline.chosen_pull(config)
    assert (named.folder, named.hash[:16], latest.hash[:16]) == (other, other.name, latest.folder.name)
    assert (named.key, named.given) == (latest.key, {})
    (other / "tasks.jsonl").write_text("{ }\n")
    with pytest.raises(StoreError, match="is not what its hash says"):
        pipeline.chosen_pull(config)


def test_a_pull_is_its_tasks_the_key_and_the_names_that_people_were_given(tmp_path: Path) -> None:
    pulls = [
        KeptPull(tmp_path, "a", b"k", {}),
        KeptPull(tmp_path, "b", b"k", {}),
        KeptPull(tmp_path, "a", b"l", {}),
        KeptPull(tmp_path, "a", b"k", {"ada@example.org": "one"}),
    ]
    assert len({pull.fingerprint for pull in pulls}) == 4
    assert KeptPull(tmp_path / "moved", "a", b"k", {}).fingerprint == pulls[0].fingerprint
    assert "secret" not in repr(KeptPull(tmp_path, "a", b"secret", {}))


def test_gates_of_all_stages_that_do_not_hold_are_in_one_sentence() -> None:
    def stage(*verdicts: Verdict) -> Any:
        return SimpleNamespace(summary={"gates": [asdict(verdict) for verdict in verdicts]})

    low, good, many = (
        Verdict("min_alpha", "", 0.1, 0.5, False, "alpha is 0.1"), Verdict("x", "", 1, 1, True, "fine"),
        Verdict("max_unresolved", "", 0.3, 0.2, False, "30 % are unresolved"),
    )  # fmt: skip
    said = "alpha is 0.1 (min_alpha is 0.5); 30 % are unresolved (max_unresolved is 0.2)"
    assert pipeline.gates(stage(low, good), stage(many)) == said
    assert pipeline.gates(stage(good)) == ""


def test_the_room_of_label_studio_knows_the_whole_configuration(config: Config) -> None:
    config.annotators, config.selection = Annotators(overlap=5), Selection(method="random")
    made = pipeline.campaign(config)
    assert (made.dataset, made.description, made.selection) == ("news", "About news.", "random")
    assert (made.folder, made.workspace) == (config.dataset_folder, config.workspace)
    assert made.scheme is config.labels
    assert made.annotators is config.annotators
    assert made.server is config.label_studio
    assert made.suggestions is config.suggestions


def progress(what: str, done: int, total: int | None) -> None:
    """Progress that is told apart from `silent`."""


@pytest.mark.parametrize("languages", [[], ["fr"]])
@pytest.mark.parametrize("storage", ["", "elsewhere"])
def test_articles_are_read_by_the_settings_of_the_stage_and_kept_where_all_workers_are(
    config: Config, languages: list[str], storage: str
) -> None:
    """In the language of the dataset, unless the source has others."""
    config.dataset.language, config.source.languages, config.engine.storage = "DE", languages, storage
    config.selection = Selection(method="keywords", keywords=["war"])
    inputs = {"raw": Given("", ("inventory", config, SimpleNamespace(run="run")))}
    settings = pipeline.settings_of(config, "prepare")
    with mock.patch("builder.corpus.prepare.prepare", return_value=Paths()) as asked:
        assert pipeline._prepare(Path("made"), inputs, settings, progress) == asdict(Paths())
    inventory, folder, parts, given, *rest = asked.call_args.args
    assert (inventory, folder, rest) == ("inventory", Path("made"), [code_digest("corpus"), "run", progress])
    assert parts == Path(storage or config.paths.workspace) / "news" / "parts"
    assert given.source == replace(config.source, languages=languages or ["de"])
    assert (given.keywords, given.language) == (("war",), "de")
    groups = ("cleaning", "dedup", "chunking", "selection")
    assert [getattr(given, group) for group in groups] == [getattr(config, group) for group in groups]


def test_a_pull_is_checked_with_its_people_its_articles_and_what_chunks_should_have(tmp_path: Path) -> None:
    crowd = Crowd().read(article(0, sentences=1), article(1, sentences=1))
    seen = Crowd().read(article(0, sentences=1))
    decoded = Decoded(seen.annotations, seen.spans, seen.answers, build([], ISSUES), seen.windows)
    rows = crowd.articles.to_pylist()
    rows[0]["cluster_id"] = None
    write_table(tmp_path / "articles", build(rows, crowd.articles.schema))
    write_table(tmp_path / "chunks", crowd.chunks)
    pull = KeptPull(tmp_path, "hash", b"key", {"ada@x": "one"})
    write_json(tmp_path / "users.json", {"7": {"email": "ada@x"}})
    projects = {
        "all": {"id": 1}, "ben": {"id": 2, "email": "ben@x"}, "cyd": {"id": 3, "asked": ["GPE"]}, "review": {"id": 4},
    }  # fmt: skip
    write_json(tmp_path / "pull.json", {"hash": "hash", "projects": projects})
    chunk = article(0).chunk_id(0)
    (tmp_path / "listed").write_text(chunk)
    (tmp_path / "known").write_text("")
    inputs: dict[str, Any] = {
        "pull": pull,
        "articles": SimpleNamespace(table_path=lambda name: tmp_path / name),
        "questions": Given("", None),
        "overlaps": Given("", Annotators(overlap=2, overlaps={str(tmp_path / "listed"): 5})),
    }
    settings = {"labels": scheme(), "quality": Quality(seed=3), "overlap": 2}
    found = SimpleNamespace(tables={"spans": seen.spans}, agreement=Paths(raw="a"), summary=Paths(raw="b"))
    with (
        mock.patch("builder.questions.decode.decode", return_value=decoded) as read,
        mock.patch("builder.quality.anchoring.anchored", return_value=decoded) as anchored,
        mock.patch("builder.quality.known_answers.read_known_answers", return_value="known") as known,
        mock.patch("builder.quality.validate.validate", return_value=found) as asked,
    ):
        assert pipeline._validate(tmp_path, inputs, settings, progress) == {"pull": "hash", **asdict(Paths(raw="b"))}
        former = {2: "ben", 3: "cyd"}
        assert read.call_args == mock.call(
            tmp_path / "tasks.jsonl", {7: "ada@x"}, b"key", scheme(), "hash", {2: "ben@x"}, {3: ["GPE"]},
            {"ada@x": "one"}, former,
        )  # fmt: skip
        texts = {article(0).id: article(0, sentences=1).text}
        assert anchored.call_args == mock.call(decoded, {chunk: 0}, texts)
        checks, issues, answers, overlap, overlaps = asked.call_args.args
        assert (checks.annotations, checks.spans) == (decoded.annotations, decoded.spans)
        assert (checks.answers, checks.windows) == (decoded.answers, decoded.windows)
        assert (checks.scheme, checks.settings) == (scheme(), Quality(seed=3))
        assert (checks.clusters, checks.article_texts) == ({article(0).id: article(0).id}, texts)
        assert checks.controls == controls(scheme())
        assert (issues, answers, overlap, overlaps) == (decoded.issues, {}, 2, {chunk: 5})
        assert not known.called
        settings["overlap"], inputs["questions"] = 5, Given("", tmp_path / "known")
        pipeline._validate(tmp_path, inputs, settings, progress)
        assert asked.call_args.args[2:] == ("known", 5, {}), "none has another overlap"
        known.assert_called_once_with(tmp_path / "known", scheme())
    assert pq.read_table(tmp_path / "spans.parquet") == seen.spans
    assert read_json(tmp_path / "agreement.json") == asdict(Paths(raw="a"))


def test_gold_is_decided_with_what_annotators_reached_on_gold_questions(tmp_path: Path) -> None:
    tables = {name: object() for name in ("annotations", "spans", "answers", "windows")}
    scores = {"known_answers": {"one": {"accuracy": 0.5}, "two": {"accuracy": None}, "three": {"accuracy": 0.0}}}
    made = SimpleNamespace(table=lambda name, schema: tables[name], json={"agreement": scores}.get)
    found = SimpleNamespace(gold_spans=build([], GOLD_SPANS), gold_answers=build([], GOLD_ANSWERS), summary=Paths())
    with mock.patch("builder.quality.adjudication.adjudicate", return_value=found) as asked:
        inputs, settings = {"checked": made}, {"aggregation": "by", "quality": "how"}
        assert pipeline._adjudicate(tmp_path, inputs, settings, progress) == asdict(Paths())
    asked.assert_called_once_with(*tables.values(), "by", "how", {"one": 0.5, "three": 0.0})
    assert pq.read_table(tmp_path / "gold_spans.parquet").schema == GOLD_SPANS
    assert pq.read_table(tmp_path / "gold_answers.parquet").schema == GOLD_ANSWERS


def test_files_that_settings_name_count_by_what_they_hold(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = pipeline._named(str(tmp_path / "a"))
    assert (first.value, pipeline._named("")) == (tmp_path / "a", Given("", None))
    assert pipeline._named(str(tmp_path / "gone")) == Given("", tmp_path / "gone")
    one, other = (pipeline._overlaps(Annotators(overlaps={str(tmp_path / "a"): n})) for n in (3, 4))
    (tmp_path / "a").write_text("2")
    assert pipeline._named(str(tmp_path / "a")).fingerprint != first.fingerprint != ""
    again = pipeline._overlaps(one.value)
    assert again.value is one.value
    assert len({found.fingerprint for found in (one, other, again)}) == 3
