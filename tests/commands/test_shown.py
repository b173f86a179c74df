"""What commands print about their results, line by line."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.backups import Backup
from builder.commands import COMMANDS, function_of, plain_of
from builder.commands.workspace import Labels, clean
from builder.config import Config, Dataset, Paths
from builder.errors import StoreError
from builder.overview import Status
from builder.pipeline import stages
from builder.releases import Cleaned
from builder.reports import WrittenReport
from builder.setup import Examined, NewProject
from builder.stage import exclusive
from builder.studio.serving import AnnotationProgress, PersonCounts, ServerStatus
from tests.results import printed
from tests.samples import scheme


def status(**facts: Any) -> Status:
    """Nothing is done yet, but for what `facts` say."""
    empty: dict[str, Any] = {
        "dataset": "news", "workspace": "w", "stages": {"prepare": None}, "made": {}, "changed": {},
        "label_studio": None, "pulled": None, "facts": {}, "next": "builder prepare", "releases": [],
    }  # fmt: skip
    return Status(**{**empty, **facts})


def lines(result: Status) -> list[str]:
    first, *rest = printed("status", result).splitlines()
    assert first == "news in w"
    return rest


def test_a_status_without_anything_says_what_to_run() -> None:
    assert lines(status()) == [
        "  prepare       not done: builder prepare",
        "  label studio  not running: builder serve",
        "  pull          none: builder pull",
        "  release       none: builder export",
        "  next          builder prepare",
    ]


def test_a_status_names_who_did_how_much_and_the_latest_of_the_releases() -> None:
    people = {"ben@x": PersonCounts(annotated=1, skipped=0), "ada@x": PersonCounts(annotated=2, skipped=3)}
    progress = AnnotationProgress(7, 4, 9, by_annotator=people)
    found = status(
        stages={"prepare": {"articles": 1000, "chunks": 2, "selected": 1}},
        made={"prepare": "DAY", "v1.1.0": "LATER"},
        changed={"prepare": ["chunking", "dedup"]},
        label_studio=ServerStatus("http://x", True, True, progress=progress),
        pulled={"tasks": 3, "annotations": 2, "skipped": 1, "drafts": 0, "finished": None},
        facts={"checks": ["a", "b"], "report": ["none"]},
        releases=["v1.0.0", "v1.1.0"],
    )
    assert lines(found) == [
        "  prepare       DAY: 1,000 articles, 2 chunks, 1 selected (of other chunking, dedup)",
        "  label studio  http://x answers",
        "                4 of 7 chunks are done",
        "                ada@x: 2 annotated, 3 skipped",
        "                ben@x: 1 annotated, 0 skipped",
        "  pull          3 tasks, 2 annotations, 1 skipped, 0 drafts",
        "  release       LATER: v1.1.0, the latest of 2",
        "  checks        a",
        "                b",
        "  report        none",
        "  next          builder prepare",
    ]


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (ServerStatus("http://x", None, False), "http://x does not answer"),
        (ServerStatus("http://x", None, False, "No token."), "http://x No token."),
        (ServerStatus("http://x", None, True, "No token."), "http://x No token."),
        (ServerStatus("", False, False), "not running: builder serve"),
    ],
)
def test_a_server_answers_or_it_is_said_why_not(server: ServerStatus, said: str) -> None:
    assert lines(status(label_studio=server))[1] == f"  label studio  {said}"


def cells(said: str) -> list[tuple[str, ...]]:
    """The words of each line of a table, and of the lines around it."""
    return [tuple(line.split()) for line in said.splitlines() if line.strip()]


def prepared(**more: Any) -> Any:
    counts = dict.fromkeys(("files", "records", "articles", "kept", "chunks", "selected"), 1234)
    groups: dict[str, Any] = {name: {} for name in ("encodings", "languages", "rejected", "unused_fields")}
    return SimpleNamespace(summary={**counts, **groups, "unmatched": [], **more}, new=0, gone=0)


def test_what_was_read_and_left_out_is_in_one_table() -> None:
    groups = {"encodings": {"utf-8": 2}, "languages": {"en": 3}, "rejected": {"empty": 4}, "unused_fields": {"x": 5000}}
    found = cells(printed("prepare", prepared(**groups)))
    names = ("files", "records", "articles", "kept", "chunks", "selected")
    assert [row for row in found if row[-1] in ("1,234", "2", "3", "4", "5,000")] == [
        *((name, "1,234") for name in names), ("encoding:", "utf-8", "2"), ("language:", "en", "3"),
        ("rejected:", "empty", "4"), ("unused:", "x", "5,000"),
    ]  # fmt: skip
    assert "prepare:" not in printed("prepare", prepared(**groups))


@pytest.mark.parametrize(("new", "gone"), [(1200, 0), (0, 1200)])
def test_new_and_lost_chunks_and_vain_keywords_are_said(new: int, gone: int) -> None:
    result = prepared(selected=0, unmatched=["war", "peace"])
    result.new, result.gone = new, gone
    assert printed("prepare", result).splitlines()[-3:] == [
        f"prepare: {new:,} chunks are new and {gone:,} are gone; all others kept their ids.",
        "prepare: no chunk mentions war, peace.",
        "prepare: no chunk is selected, so there is nothing to annotate. Change the settings of selection.",
    ]
    assert plain_of("prepare", result) == result.summary | {"new": new, "gone": gone}


@pytest.mark.parametrize(("method", "left"), [("auto", 3), ("mace", 0)])
def test_gold_is_counted_by_status(method: str, left: int) -> None:
    counts = {"agreed": 1, "single": 2, "adjudicated": 3, "expert": 4, "unresolved": 5, "rejected": 6}
    summary = {
        "chunks": 9, "method": method, "chosen": {"stance": "mace: it predicts best"}, "without_votes": left,
        "gold_answers": counts, "gold_spans": {"single": 7},
    }  # fmt: skip
    found = cells(printed("adjudicate", SimpleNamespace(summary=summary)))
    assert ("Gold", "of", "9", "chunks", "by", method) in found
    assert ("gold", "answers", *"123456") in found
    assert ("gold", "spans", *"070000") in found
    said = [" ".join(row) for row in found if row[0] == "adjudicate:"]
    assert said == (
        ["adjudicate: stance by mace: it predicts best.", "adjudicate: 3 chunks have no annotation that counts."]
        if left
        else []
    )


def test_what_is_removed_and_what_is_kept_is_listed() -> None:
    assert printed("clean", Cleaned(True, ["a", "b"], 1200, {"c": "the latest run"})).splitlines() == [
        "clean: would remove a",
        "clean: would remove b",
        "clean: kept c: the latest run",
        "clean: 2 results would be removed, 1,200 bytes; pulls and keys stay.",
    ]
    assert printed("clean", Cleaned(False, ["a"])).splitlines() == [
        "clean: removed a",
        "clean: 1 results removed, 0 bytes; pulls and keys stay.",
    ]


def test_only_results_that_nothing_uses_are_cleaned_away_and_not_in_a_dry_run(tmp_path: Path) -> None:
    config = Config(paths=Paths(workspace=str(tmp_path)), dataset=Dataset(name="news"), labels=scheme())

    def make(folder: Path, *_: object) -> dict[str, int]:
        (folder / "in").mkdir()
        (folder / "in" / "x").write_bytes(bytes(1000))
        return {}

    old, new = (stages(config).get("validate", make, inputs={}, settings={"n": n}, rooms=()) for n in range(2))
    size = sum(path.stat().st_size for path in old.folder.rglob("*") if path.is_file())
    expected = ([str(old.folder)], size, {str(new.folder): "the latest run"})
    for dry_run in (True, False):
        found = clean(config, dry_run=dry_run)
        assert (found.dry_run, (found.removed, found.bytes, found.kept)) == (dry_run, expected)
        assert (old.folder.exists(), new.folder.exists()) == (dry_run, True)
    with (
        exclusive(config.dataset_folder / "locks" / "use", "backup"),
        pytest.raises(StoreError, match="Another command works on this dataset"),
    ):
        clean(config)


def test_the_work_in_a_new_folder_begins_with_its_labels() -> None:
    made = NewProject(Path("mine"), [Path("mine/people.csv")], "mine")
    assert printed("init", made).splitlines() == [
        "init: mine/people.csv",
        "Put articles into mine/raw, edit the questions in conf/labels and people.csv, and then:",
        "  cd mine",
        "  builder labels check experiment=mine",
        "  builder run experiment=mine",
    ]


def test_labels_are_shown_with_their_keys_and_their_page() -> None:
    keys = {"stance": {"favor": ["q", "w"], "none": []}}
    found = Labels("mine", "2", {"stance": "stance", "comment": "comment"}, keys, "http://x")
    said = cells(printed("labels", found))
    assert ("mine,", "version", "2") in said
    assert ("stance", "stance", "favor", "(q", "w),", "none") in said
    assert ("comment", "comment") in said
    assert " ".join(said[-1]).startswith("labels: the page is at http://x; ")


def test_a_report_says_its_notes_place_and_size() -> None:
    assert printed("report", WrittenReport(Path("a.html"), 1200, ("Gone.",))).splitlines() == [
        "report: Gone.",
        "report: a.html, 1,200 bytes. Open it in a browser.",
    ]


@pytest.mark.parametrize("left_out", ["", "a database elsewhere"])
@pytest.mark.parametrize("command", ["backup", "restore-backup"])
def test_a_backup_says_what_it_holds(command: str, left_out: str) -> None:
    first = "backup: b.tar.gz, of 2026-03-02T09:00:00+00:00: 2 files, 1,200 bytes."
    made = Backup(Path("b.tar.gz"), 2, 1200, "2026-03-02T09:00:00+00:00", left_out)
    more = ["backup: without a database elsewhere. Back that up there, too."] if left_out else []
    assert printed(command, made).splitlines() == [first, *more]


def test_what_a_machine_lacks_is_beside_what_was_found() -> None:
    said = cells(printed("doctor", [Examined("x", "found it"), Examined("y", "none", "do z")]))
    assert ("x", "found", "it", "fine") in said
    assert ("y", "none", "do", "z") in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_result_that_can_be_shown(name: str) -> None:
    assert callable(function_of(name))
    assert callable(function_of(name, "show"))
