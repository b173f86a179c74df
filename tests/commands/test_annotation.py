"""What the command line says about work in Label Studio, from results as the commands return them."""

import contextlib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, call, patch

import pytest

from builder import pipeline
from builder.campaigns import Review
from builder.commands import annotation, plain_of
from builder.commands.annotation import People, Server
from builder.config import Config, Dataset, Paths
from builder.releases import Cleaned
from builder.studio import serving
from builder.studio.people import Annotator
from builder.studio.push import Pushed, PushedProject
from builder.studio.review import Reopened
from builder.studio.saving import Restored, Submitted
from builder.studio.scheme_changes import SchemeChanges
from builder.studio.serving import Served
from builder.studio.settings import Annotators
from tests import samples
from tests.results import printed


def test_a_push_says_what_it_did_in_each_project() -> None:
    row = PushedProject(slot="ada", url="http://x/1", planned=5, present=2, imported=3, unplanned=1, foreign=4)
    row.duplicates_removed = 2
    made = Pushed("http://x", "1", projects=[row], recorded={"ada": Submitted(3, 2)}, rejects=[{}, {}])
    assert printed("push", made).splitlines() == [
        "push ada: 5 planned, 2 there, 3 imported, 1 not selected any more  http://x/1",
        "push ada: 2 duplicate tasks removed, 4 tasks of others left alone.",
        "annotated as ada: 3 saved, 2 there",
        "push: Label Studio cannot store 2 chunks; the reasons are in push-rejects.parquet.",
    ]


@pytest.mark.parametrize("refused", [False, True])
def test_a_dry_run_says_what_a_changed_scheme_would_do(refused: bool) -> None:
    changes = SchemeChanges(additions=["GPE"], renames={"entities": {"LOC": "PLACE"}}, removals=["ORG"])
    row = PushedProject(slot="all", planned=5, imported=5, scheme=changes, refused=refused, foreign=4)
    verdict = "which would be refused, for there are annotations or drafts" if refused else "still unused"
    assert printed("push", Pushed("http://x", "1", dry_run=True, projects=[row])).splitlines() == [
        "push all: 5 planned, 0 there, 5 to import, 0 not selected any more  (new project)",
        "push all: the scheme would add GPE.",
        "push all: annotations, drafts and suggestions would be renamed, entities LOC to PLACE.",
        f"push all: the scheme would drop ORG, {verdict}.",
    ]


@pytest.mark.parametrize(("new", "said"), [(True, "new"), (False, "nothing new")])
def test_a_pull_says_what_it_holds_and_what_is_gone(new: bool, said: str) -> None:
    counts = {"tasks": 4, "annotations": 9, "skipped": 1, "drafts": 2, "duplicates": 0}
    lost = SimpleNamespace(projects=[], described=lambda: "")
    found: Any = SimpleNamespace(hash="0123456789abcdef99", new=new, record={"counts": counts}, losses=lost)
    first = f"pull 0123456789abcdef ({said}): 4 tasks, 9 annotations, 1 skipped, 2 drafts"
    assert printed("pull", found).splitlines() == [first]
    counts["duplicates"], lost.projects, lost.described = 3, ["ada", "ben"], lambda: "2 accounts"
    assert printed("pull", found).splitlines() == [
        first,
        "pull: the projects of ada, ben are not on the server any more.",
        "pull: gone since the pull before: 2 accounts. That pull still holds them; `builder restore` puts them back.",
        "pull: 3 duplicate tasks; `builder push` merges them.",
    ]


def test_a_review_says_what_is_open() -> None:
    assert printed("review", Review([], 2)) == "review: nothing is open; 2 chunks were decided by an expert.\n"
    dry = printed("review", Review(["a", "b"], 0))
    assert dry == "review: 2 chunks are open; without --dry-run they would be sent to the expert.\n"
    sent = PushedProject(slot="review", url="http://x/2", imported=1)
    said = "review: 2 chunks are open, 1 new in the review project; 3 were decided.  http://x/2\n"
    assert printed("review", Review(["a", "b"], 3, sent)) == said


def test_what_was_sent_back_and_restored_is_said() -> None:
    back = Reopened({"ben": 1, "ada": 2}, {"ada": 1, "ben": 0}, [PushedProject(slot="again-ada", url="http://x/3")], 4)
    assert printed("reopen", back).splitlines() == [
        "reopen ada: 2 chunks sent back, 1 open since before",
        "reopen ben: 1 chunks sent back, 0 open since before",
        "Label (again-ada) at http://x/3",
        "reopen: 4 annotations are by people who are not among the annotators.",
    ]
    assert printed("reopen", Reopened()) == "reopen: nothing to send back.\n"
    lost = Restored("0123456789abcdef99", 5, 6, 7, 8, Counter({"ada@x": 2, "": 1}))
    assert printed("restore", lost).splitlines() == [
        "restore 0123456789abcdef: 5 annotations restored, 6 there, "
        "7 left out because their authors annotated the chunk again",
        "restore: 8 annotations have no task on the server; run `builder push` first.",
        "restore: 1 annotations are by somebody who is not known.",
        "restore: 2 annotations are by ada@x, who has no account.",
    ]


def test_a_server_is_shown_without_passwords() -> None:
    passwords = {"boss@x": "hidden", "ben@x": "hidden", "ada@x": "hidden"}
    served = Served("http://x", "1.23", "boss@x", passwords, {"all": "http://x/1"})
    made = Server(None, served)  # type: ignore[arg-type]
    said, plain = printed("serve", made), plain_of("serve", made)
    assert "hidden" not in said + str(plain) + repr(made)
    assert "campaign" not in repr(made), "what it needs to go on is not for people"
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[0] == "Label Studio 1.23 runs at http://x"
    assert {"boss@x administrator", "ada@x annotator", "Label (all) at http://x/1"} <= set(lines)
    assert lines[-1] == "It stays until `builder serve --stop`."
    assert (plain["running"], plain["administrator"], plain["annotators"]) == (True, "boss@x", ["ada@x", "ben@x"])
    assert (plain["url"], plain["version"], plain["projects"]) == ("http://x", "1.23", {"all": "http://x/1"})
    served.projects.clear()
    assert "There is nothing to label yet: run `builder prepare` and `builder push`." in printed("serve", made)
    for stopped, words in ((True, "serve: stopped."), (False, "serve: no Label Studio was running.")):
        ended = Server(None, stopped=stopped)  # type: ignore[arg-type]
        assert printed("serve", ended) == f"{words}\n"
        assert plain_of("serve", ended) == {"running": False, "stopped": stopped}


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt])
def test_a_server_in_the_foreground_is_stopped_with_the_command(
    monkeypatch: pytest.MonkeyPatch, ending: type[BaseException] | None
) -> None:
    """By Ctrl-C, or when it ended by itself."""
    done: list[str] = []
    wait = Mock(side_effect=lambda campaign: done.append("waited"))
    if ending:
        wait.side_effect = ending
    monkeypatch.setattr(serving, "wait_served", wait)
    with contextlib.ExitStack() as stack:
        stack.callback(done.append, "closed")
        made = Server(None, Served("http://x", "1.23", "boss@x"), open=stack.pop_all())  # type: ignore[arg-type]
    assert printed("serve", made).splitlines()[-1] == "Ctrl-C stops it."
    assert done == (["closed"] if ending else ["waited", "closed"])
    assert plain_of("serve", made) == {"running": False, "stopped": True}


def test_passwords_are_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made = People([Annotator("ada", "ada@x")], "boss@x", {"ada@x": "hidden-1", "boss@x": "hidden-2"})
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    said = printed("people", made)
    assert "hidden" not in said + str(plain_of("people", made)) + repr(made)
    assert said.endswith("people: passwords are shown on a terminal only.\n")
    assert plain_of("people", made) == {"annotators": {"ada": "ada@x"}, "administrator": "boss@x"}
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    lines = [line.split() for line in printed("people", made).splitlines()]
    assert ["ada", "ada@x", "hidden-1"] in lines
    assert ["administrator", "boss@x", "hidden-2"] in lines
    assert "administrator" not in printed("people", People([], ""))


def test_a_folder_that_was_cleaned_is_named() -> None:
    made = Cleaned(False, ["a/1"], 1234, {"a/2": "the latest run"})
    assert printed("clean", made).splitlines() == [
        "clean: removed a/1",
        "clean: kept a/2: the latest run",
        "clean: 1 results removed, 1,234 bytes; pulls and keys stay.",
    ]
    assert printed("clean", Cleaned(True, ["a/1"])).splitlines() == [
        "clean: would remove a/1",
        "clean: 1 results would be removed, 0 bytes; pulls and keys stay.",
    ]


def progress(what: str, done: int, total: int | None) -> None:
    """Progress that is told apart from `silent`."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        paths=Paths(workspace=str(tmp_path)),
        dataset=Dataset(name="news"),
        labels=samples.scheme(),
        annotators=Annotators(overlap=1, people={"ada": "ada@x"}),
    )


def test_commands_pass_on_what_they_are_asked(config: Config) -> None:
    campaign = pipeline.campaign(config)
    with patch.multiple(annotation.campaigns, pushed=Mock(), reviewed=Mock(), reopened=Mock()):
        made = annotation.campaigns
        for dry_run in (False, True):
            assert annotation.push(config, dry_run=dry_run, progress=progress) is made.pushed.return_value
            assert annotation.review(config, dry_run=dry_run, progress=progress) is made.reviewed.return_value
            assert annotation.reopen(config, "all", dry_run=dry_run, progress=progress) is made.reopened.return_value
        assert made.pushed.mock_calls == [call(config, progress, dry_run=dry_run) for dry_run in (False, True)]
        assert made.reviewed.mock_calls == made.pushed.mock_calls
        assert made.reopened.mock_calls == [call(config, "all", progress, dry_run=dry_run) for dry_run in (False, True)]
    with patch.object(annotation.pulling, "pull") as pull:
        assert annotation.pull(config, full=True, progress=progress) is pull.return_value
        annotation.pull(config)
        assert pull.mock_calls[0] == call(campaign, full=True, progress=progress)
        assert pull.call_args.kwargs["full"] is False
    kept = SimpleNamespace(folder=Path("kept"))
    with patch.object(annotation.saving, "restore") as restore, patch.object(pipeline, "chosen_pull", lambda _: kept):
        for dry_run in (False, True):
            assert annotation.restore(config, dry_run=dry_run, progress=progress) is restore.return_value
            restore.assert_called_with(campaign, Path("kept"), dry_run=dry_run, progress=progress)


@pytest.mark.parametrize("foreground", [False, True])
def test_a_server_stays_with_the_command_in_the_foreground_alone(config: Config, foreground: bool) -> None:
    closed: list[bool] = []

    @contextlib.contextmanager
    def serve(*given: Any, keep: bool, progress: Any) -> Any:
        assert (given, keep, progress.__name__) == ((pipeline.campaign(config),), not foreground, "progress")
        yield "served"
        closed.append(True)

    with patch.object(serving, "serve", serve):
        made = annotation.serve(config, foreground=foreground, progress=progress)
    assert (made.served, made.stopped, closed) == ("served", False, [] if foreground else [True])
    assert made.report == config.dataset_folder / "report.html"
    assert (made.open is None) == (not foreground)
    if made.open:
        made.open.close()
        assert closed == [True]


@pytest.mark.parametrize("ran", [False, True])
def test_a_server_is_stopped_where_it_runs(config: Config, ran: bool) -> None:
    with patch.object(serving, "stop_serving", return_value=ran) as stop:
        made = annotation.serve(config, stop=True)
    stop.assert_called_once_with(pipeline.campaign(config))
    assert (made.served, made.stopped, made.open) == (None, ran, None)


def test_people_are_those_of_the_settings_with_passwords_of_the_embedded_server_on_request(config: Config) -> None:
    assert annotation.people(config, passwords=True) == People([Annotator("ada", "ada@x")], "")
    vault = pipeline.campaign(config).vault
    vault.create()
    kept = vault.secrets()
    assert annotation.people(config) == People([Annotator("ada", "ada@x")], kept.admin_email)
    found = annotation.people(config, passwords=True)
    assert found.passwords == {kept.admin_email: kept.admin_password, **kept.annotators}
