"""What the command line says about releases, from results as the commands return them."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from builder.commands import plain_of, releases
from builder.commands.releases import Release, publish
from builder.config import Config
from builder.errors import ConfigError, ReleaseError
from builder.release.manifest import Changes
from builder.release.publish import Published
from builder.release.settings import Export
from builder.release.trace import Place, Trace
from builder.releases import Traced, Verified
from tests.results import printed

ROWS = {"stance": {"train": 5, "test": 2}, "evidence": {}}


def manifest(**more: Any) -> Any:
    usual: dict[str, Any] = {
        "name": "news", "version": "1.0.1", "previous": "1.0.0", "rows": ROWS, "digest": "0123456789abcdef9",
        "changes": Changes("patch", "1.0.0", "1.0.1", notes=["split.seed differs."], card=True),
        "counts": SimpleNamespace(articles=3, annotators=4), "agreement": {"stance, alpha": 0.75251},
        "pull": SimpleNamespace(hash="fedcba98765432100"),
    }  # fmt: skip
    return SimpleNamespace(**{**usual, **more})


@pytest.mark.parametrize("new", [True, False])
def test_an_export_says_its_rows_its_changes_and_how_to_load_it(new: bool) -> None:
    made = Release(Path("exports/news/v1.0.1"), manifest(), new)
    same = ["export: nothing changed since v1.0.1, so there is no new version."]
    changed = ["  What is said about the dataset or its annotators changed."]
    assert printed("export", made).splitlines() == [
        *([] if new else same),
        "export: exports/news/v1.0.1",
        "  stance: 5 train, 2 test",
        "  evidence: no rows",
        *(changed if new else []),
        "  split.seed differs.",
        "Load it with:",
        "  from datasets import load_dataset",
        '  stance = load_dataset("exports/news/v1.0.1", "stance")',
    ]
    plain = plain_of("export", made)
    assert plain.pop("changes")["level"] == "patch"
    assert plain == {
        "name": "news", "version": "v1.0.1", "previous": "v1.0.0", "new": new, "folder": "exports/news/v1.0.1",
        "rows": ROWS, "load": ['load_dataset("exports/news/v1.0.1", "stance")'],
    }  # fmt: skip
    assert plain_of("export", Release(made.folder, manifest(previous=""), new))["previous"] == ""


def test_the_log_has_a_few_lines_for_each_release() -> None:
    assert printed("log", [manifest()]).splitlines() == [
        "v1.0.1 (patch): 3 articles, 4 annotators, pull fedcba9876543210, manifest 0123456789abcdef",
        "  7 stance, 0 evidence",
        "  stance, alpha: 0.753",
    ]
    assert plain_of("log", [manifest()]) == [
        {
            "version": "v1.0.1", "level": "patch", "articles": 3, "annotators": 4, "rows": {"stance": 7, "evidence": 0},
            "agreement": {"stance, alpha": 0.75251}, "pull": "fedcba98765432100", "digest": "0123456789abcdef9",
        }
    ]  # fmt: skip


def test_what_was_verified_is_said() -> None:
    found = Verified(Path("v1.0.0"), "1.0.0", 20, rebuilt="same bytes", signed_by="ada")
    said = "verify: v1.0.0: 20 files as released, rebuilt offline: same bytes, signed by ada\n"
    assert printed("verify", found) == said
    assert printed("verify", Verified(Path("v1.0.0"), "1.0.0", 20)) == "verify: v1.0.0: 20 files as released\n"


def place(**more: Any) -> Place:
    about = {"article": (3, 8), "text": "Tokyo", "before": "In ", "after": " it", "file": "a.txt", "record": 0}
    return Place(**{**about, "raw": (13, 18), "raw_text": "Tokyo", "bytes": (14, 19), **more})  # type: ignore[arg-type]


def test_a_trace_goes_from_the_row_to_its_raw_characters() -> None:
    decided = {"status": "agreed", "method": "majority"}
    voted = {"annotator": "a1", "label": "GPE", "task": "http://x/1", "annotation_id": "1:1"}
    gold = [
        {"label": "GPE", "text": "Tokyo", "targets": None, **decided, "place": place(), "votes": [voted]},
        {"label": "EVIDENCE", "text": "it", "targets": ["japan", "china"], **decided, "votes": []},
        {"question": "stance", "label": "favor", "target": "japan", **decided, "votes": [{**voted, "task": None}]},
        {"question": "topic", "label": "war", "target": "", **decided, "votes": []},
    ]
    made = {
        "annotator": "a1",
        "updated": datetime(2026, 3, 2, 9, 5, tzinfo=UTC),
        "state": "labelled",
        "task": "http://x/1",
    }
    chunk = {"chunk_id": "c1", "ordinal": 0, "start": 3, "end": 10}
    article = {"article_id": "a0", "title": "News"}
    found = Trace("stance", "train", {"id": "s1"}, gold, [made], chunk, article, place(where="text"))
    assert printed("trace", Traced(Path("v1.0.0"), found)).splitlines() == [
        "row         s1 of stance/train in v1.0.0",
        "gold        GPE 'Tokyo': agreed by majority",
        "            article (3, 8), raw (13, 18), bytes (14, 19)",
        "  vote      a1: GPE (http://x/1)",
        "gold        EVIDENCE 'it' about japan, china: agreed by majority",
        "gold        stance favor about japan: agreed by majority",
        "  vote      a1: GPE (1:1)",
        "gold        topic war: agreed by majority",
        "annotation  a1 2026-03-02 09:05 UTC, labelled: http://x/1",
        "chunk       c1, number 1, [3, 10) of the article",
        "article     a0 News",
        "raw         a.txt, record 0, text, characters (13, 18), bytes (14, 19)",
        "text        ...In >>>Tokyo<<< it...",
    ]
    lost = place(bytes=None, why="the file is gone")
    bare = Trace("x", "train", {"id": "s1"}, [], [], {**chunk, "ordinal": None}, {**article, "title": None}, lost)
    assert printed("trace", Traced(Path("v1.0.0"), bare)).splitlines()[1:4] == [
        "chunk       c1, [3, 10) of the article",
        "article     a0 ",
        "raw         a.txt, record 0, characters (13, 18), bytes unknown: the file is gone",
    ]
    plain = plain_of("trace", Traced(Path("v1.0.0"), found))
    assert plain["release"] == {"folder": "v1.0.0", "configuration": "stance", "split": "train", "row": {"id": "s1"}}
    assert sorted(plain) == ["annotations", "article", "chunk", "gold", "place", "release"]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Published("me/x", "v1"), ["publish: me/x v1: it is there already"]),
        (
            Published("me/x", "v1", added=["a", "b"], kept=["c"]),
            ["  add    a", "  add    b", "  keep   c", "publish: me/x v1: 2 to add, 1 to keep; add --upload to do it."],
        ),
        (
            Published("", "v1", changed=["a"]),
            ["  change a", "publish: (export.repo is empty) v1: 1 to change; add --upload to do it."],
        ),
        (
            Published("me/x", "v1", True, "abc", deleted=["a"]),
            ["  delete a", "publish: me/x v1: 1 to delete in one commit"],
        ),
        (
            Published("me/x", "v1", True, "abc", pull_request="http://x/7"),
            ["publish: me/x v1: nothing to change in http://x/7"],
        ),
    ],
)
def test_what_is_published_is_listed(result: Published, said: list[str]) -> None:
    assert printed("publish", result).splitlines() == said


@pytest.mark.parametrize("flags", [{}, {"upload": True, "prune": True}, {"upload": True, "pull_request": True}])
def test_a_release_is_published_as_asked(flags: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub")
    config, made = Config(export=Export(repo="me/x")), SimpleNamespace(files=[])
    with (
        mock.patch("builder.releases.found_release", return_value=(Path("v1"), made)),
        mock.patch.object(releases, "publish_release") as sent,
        mock.patch("builder.release.verify.check_files", return_value=[]) as problems,
    ):
        assert publish(config, "v1", **flags) is sent.return_value  # type: ignore[arg-type]
        usual = {"upload": False, "prune": False, "pull_request": False, "endpoint": "http://hub"}
        sent.assert_called_once_with(Path("v1"), made, config.export, **{**usual, **flags})
        problems.assert_called_once_with(Path("v1"), made.files)
        sent.reset_mock()
        config.export.repo = ""
        if flags:
            with pytest.raises(ConfigError, match=r"export\.repo is empty"):
                publish(config, **flags)  # type: ignore[arg-type]
        else:
            publish(config)
        assert sent.called == (not flags)
        problems.return_value = ["a is gone", "b is new"]
        with pytest.raises(ReleaseError, match="v1 is not as it was released: a is gone; b is new"):
            publish(config, **flags)  # type: ignore[arg-type]
