"""What releases and runs use stays, what a release says of its settings is public, and its stages are found again."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from builder import pipeline, releases
from builder.config import Config, Dataset, Paths
from builder.corpus.settings import Source
from builder.errors import GateError, ReleaseError, StoreError
from builder.questions import plain
from builder.release.build import Sources
from builder.release.manifest import FORMAT, Exported
from builder.release.passages import STAGES
from builder.release.settings import Export
from builder.releases import GROUPS, Verified, public_sections, table_paths, tables_of, to_note, unused
from builder.settings import fields_of, public
from builder.stage import Stage
from builder.store import read_json, write_json
from builder.studio.settings import Annotators
from tests.samples import scheme


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration in folders of its own, where nothing is made yet."""
    paths = Paths(str(tmp_path / "raw"), str(tmp_path / "work"), str(tmp_path / "exports"))
    return Config(paths=paths, dataset=Dataset(name="news"), labels=scheme())


def stage(config: Config, name: str, number: int) -> Stage:
    """A stage with every table of its name, each a file with the number in it."""

    def make(folder: Path, *_: object) -> dict[str, int]:
        for table, home in STAGES.items():
            if home == name:
                (folder / f"{table}.parquet").write_text(str(number))
        return {}

    return pipeline.stages(config).get(name, make, inputs={}, settings={"number": number}, rooms=())


def release(config: Config, folder: str, **stages: str) -> None:
    path = Path(config.paths.exports) / folder / "manifest.json"
    path.parent.mkdir(parents=True)
    leakage = {"articles": 0, "clusters": 0, "exact_texts": 0, "near_texts": 0, "similarity": 0.8, "left_out": {}}
    about = {"format": 1, "name": "news", "version": "1.0.0", "configs": {}, "leakage": leakage, "files": []}
    path.write_text(json.dumps({**about, "stages": stages}))


def test_results_of_releases_of_every_variant_and_of_the_latest_runs_are_kept(config: Config) -> None:
    old, of_one, of_two, other = (stage(config, "prepare", n) for n in range(4))
    gold = stage(config, "adjudicate", 0)
    left = config.dataset_folder / "adjudicate" / ".half"
    left.mkdir()
    release(config, "news/v1.0.0", prepare=of_one.key, adjudicate=gold.key, older="0")
    release(config, "news-small/v1.2.0", prepare=of_two.key)
    # Another dataset, whose name begins alike.
    release(config, "newsroom/v1.0.0", prepare=old.key)
    gone, kept = unused(config)
    assert gone == [old.folder, left]
    assert kept == {
        str(of_one.folder): "release news v1.0.0",
        str(of_two.folder): "release news-small v1.2.0",
        str(other.folder): "the latest run",
        str(gold.folder): "the latest run",
    }


@pytest.mark.parametrize("manifest", ['{"stages": {}}', '{"stages": []}', "[]", "{"])
def test_nothing_is_removed_beside_a_damaged_manifest(config: Config, manifest: str) -> None:
    made, _ = (stage(config, "prepare", n) for n in range(2))
    release(config, "news/v1.0.0", prepare=made.key)
    (Path(config.paths.exports) / "news/v1.0.0/manifest.json").write_text(manifest)
    with pytest.raises(ReleaseError, match=r"manifest\.json is no manifest of a release"):
        releases.cleaned(config, dry_run=False)
    assert made.folder.exists()


def test_nothing_is_unused_where_nothing_was_made(config: Config) -> None:
    assert unused(config) == ([], {})
    release(config, "news/v1.0.0", prepare="0" * 16)
    assert unused(config) == ([], {})


def test_tables_are_those_of_the_stages_that_a_release_names(config: Config) -> None:
    made = {name: stage(config, name, 1) for name in pipeline.NAMES}
    for name in pipeline.NAMES:
        stage(config, name, 2)
    keys = {name: found.key for name, found in made.items()}
    expected = {table: made[home].folder / f"{table}.parquet" for table, home in STAGES.items()}
    assert tables_of(config, keys) == table_paths(made) == expected
    for name in ("validate", "adjudicate"):
        with pytest.raises(StoreError, match=f"The stage {name} that the release was made from is not in"):
            tables_of(config, {**keys, name: "0" * 16})
    del keys["prepare"]
    with pytest.raises(StoreError, match="The stage prepare that"):
        tables_of(config, keys)
    expected["gold_spans"].write_text("other")
    with pytest.raises(StoreError, match=r"gold_spans\.parquet is not what was written"):
        table_paths(made)


def test_a_release_says_public_settings_and_its_note_all_but_secret_ones(config: Config) -> None:
    config.source.storage_options = {"key": "secret"}
    config.export.names, config.source.include = ["Ada"], ["private/*"]
    said, noted = public_sections(config), to_note(config)
    assert list(said) == list(GROUPS)
    assert noted.keys() == said.keys()
    assert said["labels"] == noted["labels"] == plain(config.labels)
    assert said["export"] == public(config.export)
    assert "names" not in said["export"]
    assert "include" not in said["source"]
    assert (noted["export"]["names"], noted["source"]["include"]) == (["Ada"], ["private/*"])
    assert "secret" not in json.dumps(noted)
    for name in set(GROUPS) - {"labels"}:
        known = fields_of(getattr(config, name).__class__)
        shown = [field.name for field in fields(getattr(config, name)) if not known[field.name].secret]
        assert list(noted[name]) == shown


def progress(what: str, done: int, total: int | None) -> None:
    """Progress that is told apart from `silent`."""


class Verification:
    """What is asked when a release is verified, and what is answered."""

    def __init__(self, **manifest: Any) -> None:
        self.manifest: Any = SimpleNamespace(
            **{"format": FORMAT, "digest": "d", "version": "1.0.0", "files": ["a", "b"], **manifest}
        )
        self.problems: list[str] = []
        self.shared = {"articles": 0, "exact_texts": 0}
        self.rebuilt: tuple[str, list[str]] = ("same bytes", [])
        self.asked: list[str] = []

    def __call__(self, config: Config, hashes_only: bool = False) -> Verified:
        answers = {
            "manifest.outline": self.manifest,
            "manifest.read": self.manifest,
            "signing.signer": "ada",
            "verify.check_files": self.problems,
            "verify.certify": self.shared,
            "verify.check_loads": None,
            "verify.compare_rebuilt": self.rebuilt,
        }
        with contextlib.ExitStack() as patched:
            for name, answer in {**answers, "manifest.find_release": Path("v1.0.0")}.items():
                heard = mock.Mock(return_value=answer, side_effect=self._note(name.partition(".")[2]))
                patched.enter_context(mock.patch(f"builder.release.{name}", heard))
            rebuild = mock.Mock(return_value=Path("again"), side_effect=self._note("rebuild"))
            patched.enter_context(mock.patch("builder.releases.rebuild", rebuild))
            return releases.verified(config, "v1", progress, hashes_only=hashes_only)

    def _note(self, name: str) -> Callable[..., Any]:
        def note(*given: Any) -> Any:
            self.asked.append(name)
            return mock.DEFAULT

        return note


BEFORE = ["find_release", "outline", "check_files", "signer"]


def test_a_release_is_verified_by_its_hashes_its_splits_and_a_rebuild(config: Config) -> None:
    whole = Verification()
    assert whole(config) == Verified(Path("v1.0.0"), "1.0.0", 2, whole.shared, "same bytes", "", "ada")
    assert whole.asked == [*BEFORE, "certify", "read", "rebuild", "compare_rebuilt"]
    hashes = Verification()
    assert hashes(config, hashes_only=True) == Verified(Path("v1.0.0"), "1.0.0", 2, signed_by="ada")
    assert hashes.asked == BEFORE


@pytest.mark.parametrize("hashes_only", [False, True])
@pytest.mark.parametrize("digest", ["", "d"])
def test_of_a_release_of_an_older_format_it_is_said_what_is_not_checked(
    config: Config, digest: str, hashes_only: bool
) -> None:
    older = Verification(format=FORMAT - 1, digest=digest)
    found = older(config, hashes_only)
    more = "" if digest else " and whether its manifest was changed"
    assert found.unchecked == (
        f"Format {FORMAT - 1} is older. Not checked: whether the same inputs give it again{more}."
    )
    assert (found.rebuilt, found.signed_by) == ("", "ada")
    assert older.asked == (BEFORE if hashes_only else [*BEFORE, "certify", "check_loads"])


def test_problems_of_a_release_are_said_together_and_nothing_is_looked_for_after_them(config: Config) -> None:
    for wrong, said, asked in (
        ({"problems": ["a is gone", "b is new"]}, "a is gone; b is new", []),
        ({"shared": {"articles": 0, "exact_texts": 2}}, "2 exact_texts are in several splits", ["certify"]),
        ({"rebuilt": ("", ["a differs"])}, "a differs", ["certify", "read", "rebuild", "compare_rebuilt"]),
    ):
        found = Verification()
        vars(found).update(wrong)
        with pytest.raises(ReleaseError) as error:
            found(config)
        assert str(error.value) == f"v1.0.0: {said}. Do not train on it. Restore it, or move it away and export again."
        assert found.asked == [*BEFORE, *asked]


class Rebuilding:
    """A workspace with a key and a pull, and three versions of a dataset of which the second is rebuilt."""

    def __init__(self, config: Config, tmp_path: Path) -> None:
        self.config, self.there = config, tmp_path / "there"
        pull = SimpleNamespace(hash="0123456789abcdef99")
        self.manifest: Any = SimpleNamespace(version="1.0.0", previous="0.9.0", name="news", pull=pull)
        self.kept = config.dataset_folder / "pulls" / "0123456789abcdef"
        self.kept.mkdir(parents=True)
        (self.kept / "tasks.jsonl").touch()
        (config.workspace / "pseudonyms.key").write_text("key")
        for version in ("v0.9.0", "v1.0.0", "v1.1.0"):
            release(config, f"news/{version}")

    def __call__(self, root: Path) -> Path:
        paths = Paths(workspace=str(self.there / "workspace"), exports=str(self.there / "exports"))
        again = replace(self.config, paths=paths)
        with (
            mock.patch("builder.releases._as_released", return_value=again) as asked,
            mock.patch("builder.releases.released") as made,
        ):
            found = releases.rebuild(self.config, root, self.manifest, self.there, progress)
        asked.assert_called_once_with(self.config, self.manifest, self.there)
        made.assert_called_once_with(again, progress, hold_gates=False)
        assert found is made.return_value.folder
        return found


@pytest.mark.parametrize("copied", [False, True])
def test_a_release_is_rebuilt_from_its_pull_on_top_of_the_versions_before_it(
    config: Config, tmp_path: Path, copied: bool
) -> None:
    """Wherever it is: a copy builds on the versions where it was made."""
    rebuilding = Rebuilding(config, tmp_path)
    rebuilding(tmp_path / "copy" if copied else config.release_folder / "v1.0.0")
    workspace = tmp_path / "there" / "workspace"
    assert (workspace / "pseudonyms.key").read_text() == "key"
    assert (workspace / "news" / "pulls" / "0123456789abcdef").resolve() == rebuilding.kept
    assert read_json(workspace / "news" / "pulls" / "latest.json") == {"hash": "0123456789abcdef99"}
    (before,) = (tmp_path / "there" / "exports" / "news").iterdir()
    assert before.resolve() == config.release_folder / "v0.9.0"


def test_what_a_rebuild_lacks_is_named(config: Config, tmp_path: Path) -> None:
    rebuilding = Rebuilding(config, tmp_path)
    root = config.release_folder / "v1.0.0"
    for path in (rebuilding.kept / "tasks.jsonl", config.workspace / "pseudonyms.key"):
        path.rename(tmp_path / "away")
        with pytest.raises(ReleaseError, match=f"{path.name} is missing, so the release cannot be rebuilt"):
            rebuilding(root)
        (tmp_path / "away").rename(path)
    rebuilding.manifest.previous = "0.8.0"
    with pytest.raises(ReleaseError, match=r"v0\.8\.0, on which v1\.0\.0 builds, is missing"):
        rebuilding(root)
    rebuilding.manifest.previous = ""
    rebuilding(root)


@pytest.mark.parametrize("recorded", [False, True])
def test_a_rebuild_has_the_settings_of_its_release(config: Config, tmp_path: Path, recorded: bool) -> None:
    """Public ones are in its manifest, private ones in the note of the export, and secret ones in the configuration."""
    made = replace(config, labels=scheme(name="then"), export=Export(names=["Ada"], shard_rows=7))
    configuration = public_sections(made)
    configuration["export"] |= {"names": "(private)", "gone": 1}
    manifest: Any = SimpleNamespace(name="news", version="1.0.0", configuration=configuration, recorded=recorded)
    now = replace(
        config,
        source=Source(storage_options={"key": "secret"}, include=["now"]),
        export=Export(names=["Ben"], sign="key"),
        annotators=Annotators(overlap=5, layout="each", recorded="x"),
    )
    found = releases._as_released(now, manifest, tmp_path)
    assert (found.labels, found.export) == (made.labels, replace(made.export, names=["Ben"], sign=""))
    assert (found.source.include, found.source.storage_options) == (["now"], {"key": "secret"})
    assert found.annotators == replace(now.annotators, kind="recorded" if recorded else "human", layout="shared")
    assert found.paths == Paths(config.paths.raw, str(tmp_path / "workspace"), str(tmp_path / "exports"))
    write_json(config.workspace / "news" / "exported" / "news-v1.0.0.json", to_note(made))
    again = releases._as_released(replace(now, annotators=Annotators()), manifest, tmp_path)
    assert (again.export, again.source) == (made.export, replace(made.source, storage_options={"key": "secret"}))
    assert again.annotators.recorded == "recorded"
    assert now.export.sign == "key"


def test_annotations_and_votes_of_a_row_have_the_link_of_their_task(config: Config) -> None:
    config.label_studio.url = "http://x"
    annotation = {"project_id": 1, "task_id": 7}
    votes = [{"project_id": 2, "task_id": 8}, {"project_id": None, "task_id": None}]
    found = SimpleNamespace(annotations=[annotation], gold=[{"votes": votes[:1]}, {"votes": votes[1:]}])
    manifest = SimpleNamespace(stages={"prepare": "0"})
    with (
        mock.patch("builder.releases.readable_release", return_value=Exported(Path("v1"), manifest)) as named,  # type: ignore[arg-type]
        mock.patch("builder.releases.tables_of", return_value="paths") as tables,
        mock.patch("builder.pipeline.raw_opener", return_value="opener"),
        mock.patch("builder.release.trace.trace", return_value=found) as traced,
    ):
        assert releases.traced(config, "ROW", "v1") == releases.Traced(Path("v1"), found)  # type: ignore[arg-type]
    named.assert_called_once_with(config, "v1")
    tables.assert_called_once_with(config, manifest.stages)
    traced.assert_called_once_with(Path("v1"), manifest, "ROW", "paths", "opener")
    assert annotation == {"task": "http://x/projects/1/data?task=7"}
    assert votes == [{"task": "http://x/projects/2/data?task=8"}, {"task": None}]


class Exporting:
    """Every export makes a release of the next version, or says that it is none; stages and pull are made up."""

    def __init__(self, config: Config) -> None:
        self.config, self.new, self.below = config, True, ""
        self.sources: list[Any] = []
        answers = {"agreement": "said", "chosen": "how"}
        self.stages = {
            name: SimpleNamespace(fingerprint=name, key=f"key of {name}", summary=answers, json=answers.get)
            for name in pipeline.NAMES
        }
        self.pull = pipeline.KeptPull(config.workspace / "pull", "0", b"k", {})
        write_json(self.pull.folder / "pull.json", {"hash": "0", "projects": {}})
        write_json(self.pull.folder / "users.json", {"1": {"email": "ada@example.org"}})

    def export(self, sources: Any, exports: Path, scratch: Path, watched: Any) -> Exported:
        assert (exports, scratch, watched) == (
            self.config.release_folder.parent, self.config.dataset_folder / "scratch", progress,
        )  # fmt: skip
        self.sources.append(sources)
        folder = self.config.release_folder / f"v1.{len(self.sources) - 1 if self.new else 0}.0"
        write_json(folder / "manifest.json", {"of": folder.name})
        return Exported(folder, SimpleNamespace(), self.new)  # type: ignore[arg-type]

    def __call__(self, **how: bool) -> Exported:
        names = dict(zip(("prepared", "checked", "gold"), self.stages.values(), strict=True))
        with contextlib.ExitStack() as patched:
            for name, stage in names.items():
                patched.enter_context(mock.patch(f"builder.pipeline.{name}", return_value=stage))
            patched.enter_context(mock.patch("builder.pipeline.gates", return_value=self.below))
            patched.enter_context(mock.patch("builder.pipeline.chosen_pull", return_value=self.pull))
            patched.enter_context(mock.patch("builder.releases.table_paths", return_value="tables"))
            patched.enter_context(mock.patch("builder.release.manifest.read", read_json_of_release))
            patched.enter_context(mock.patch("builder.release.export.export", self.export))
            return releases.released(self.config, progress, **how)


def read_json_of_release(root: Path) -> Any:
    return read_json(root / "manifest.json")


def test_an_export_is_remembered_until_something_that_it_is_made_from_differs(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stages, the settings, the file of self-descriptions, who annotates, the gates, the code, the last version."""
    said = tmp_path / "said.csv"
    said.write_text("email,age\nada@example.org,30\n")
    config.dataset.self_descriptions = str(said)
    config.export.below_gates = True
    made = Exporting(config)

    def exported() -> bool:
        before = len(made.sources)
        found = made()
        last = config.release_folder / f"v1.{len(made.sources) - 1}.0"
        assert found.folder == last
        again = made()
        assert (again.folder, again.manifest, again.new) == (last, {"of": last.name}, False)
        return len(made.sources) == before + 1

    assert exported()
    assert list(made.sources[0].said.values()) == [{"age": "30"}]
    said.write_text("email,age\nada@example.org,31\n")
    assert exported()
    made.stages["validate"].fingerprint = "other"
    assert exported()
    config.annotators = Annotators(kind="recorded", recorded="there")
    assert exported()
    made.below = "alpha is 0.1"
    assert exported()
    config.export.names = ["Ada"]
    assert exported()
    monkeypatch.setattr(releases, "code_digest", lambda *rooms: {("release", "reporting"): "other"}[rooms])
    assert exported()
    for version, number in (("v1.99.0", 8), ("v1.99.0", 9), ("v1.98.0", 9)):
        write_json(config.release_folder / version / "manifest.json", {"number": number})
        made()
        assert len(made.sources) == number, "only of the last version"


def test_an_export_knows_what_its_release_is_made_from_and_notes_what_the_release_does_not_say(config: Config) -> None:
    config.export.names, config.aggregation.experts = ["Ada"], ["annotator-1"]
    made = Exporting(config)
    made()
    (sources,) = made.sources
    report = sources.report
    about: Any = object()
    with mock.patch("builder.reports.public_page", return_value="page") as page:
        assert report(Path("v1"), about) == "page"
    page.assert_called_once_with(config, made.stages, Path("v1"), about)
    pull = {"hash": "0", "projects": {}}
    assert sources == Sources(
        "tables", config.labels, config.export, config.split, public_sections(config), pull, "said", "", "how",  # type: ignore[arg-type]
        {name: f"key of {name}" for name in pipeline.NAMES}, False, ["annotator-1"], {}, report,
    )  # fmt: skip
    note = config.dataset_folder / "exported" / "news-v1.0.0.json"
    assert read_json(note) == json.loads(json.dumps(to_note(config)))
    note.unlink()
    made.new, config.export.names = False, []
    made()
    assert len(made.sources) == 2
    assert not note.exists(), "the note of a release is that of the export that made it"


@pytest.mark.parametrize("allowed", [False, True])
def test_nothing_is_released_below_a_gate_unless_that_is_asked_for(config: Config, allowed: bool) -> None:
    config.export.below_gates = allowed
    made = Exporting(config)
    made.below = "alpha is 0.1"
    if not allowed:
        with pytest.raises(GateError, match=r"^Below the quality gates: alpha is 0\.1\. Run `builder review`"):
            made()
        assert made.sources == []
    made(hold_gates=allowed)
    assert made.sources[0].below_gates == "alpha is 0.1"
