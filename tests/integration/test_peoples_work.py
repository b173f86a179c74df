"""The right person's work counts, and none of it vanishes: on the real server, through the commands."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder import pipeline, pull, push, reopen, restore, status
from builder.errors import StoreError
from builder.studio.client import Client, NotFound
from builder.studio.embedded.server import StudioServer
from builder.studio.people import ensure_accounts, token_of
from builder.studio.projects import projects_of
from builder.studio.pull import Pulled
from builder.studio.serving import annotation_progress
from builder.studio.settings import Annotators
from builder.tables import ANNOTATIONS, GOLD_SPANS, rows_of
from tests.conftest import connected, small_scheme
from tests.results import printed

pytestmark = pytest.mark.studio
NOTHING: dict[str, Any] = {"result": [], "lead_time": 30}


@contextmanager
def speaking(config: Any) -> Iterator[dict[str, Client]]:
    """A client per annotator, and that of the administrator."""
    with connected(config) as (server, admin):
        found = {"admin": admin}
        for person in pipeline.campaign(config).people:
            password = ensure_accounts(server.vault, admin, [person])[person.email]
            token = token_of(server.url, person.email, password)
            found[person.name] = Client(StudioServer(server.url, token, server.vault), config.label_studio)
        yield found
        for client in found.values():
            client.close()


def people(*names: str, **more: Any) -> Annotators:
    return Annotators(overlap=2, people={name: f"{name}@example.org" for name in names}, **more)


def tasks(client: Client, config: Any, slot: str = "all") -> list[int]:
    project = projects_of(client, pipeline.campaign(config))[slot].id
    return sorted(t["id"] for t in client.get("api/tasks", {"project": project, "page_size": 100})["tasks"])


def pulled_annotations(pulled: Pulled) -> list[dict[str, Any]]:
    lines = (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines()
    return sorted((a for line in lines for a in json.loads(line)["annotations"]), key=lambda a: a["id"])


def by_author(pulled: Pulled) -> list[tuple[int, bool, float]]:
    made = pulled_annotations(pulled)
    return sorted((a["completed_by"], a["was_cancelled"], a["lead_time"] or 0.0) for a in made)


def changed_by_another(config: Any) -> int:
    found = {row["check"]: row["count"] for row in pipeline.checked(config).summary["issues"]}
    return int(found.get("changed-by-another", 0))


def test_work_in_anothers_project_does_not_count_until_it_is_accepted(studio: Any) -> None:
    config = studio.dataset(chunks=1, annotators=people("gus", "hal", layout="each")).config
    push(config)
    with speaking(config) as who:
        user = who["gus"].get("api/current-user/whoami")["id"]
        (task,) = tasks(who["admin"], config, "hal")
        # As gus could on a server without roles.
        made = who["admin"].post(f"api/tasks/{task}/annotations/", {**NOTHING, "completed_by": user})
        state = annotation_progress(pipeline.campaign(config))
        assert (state.tasks, state.done, state.not_assigned) == (2, 0, 1)
        pull(config)
        checked = pipeline.checked(config)
        found = {row["check"]: row["count"] for row in checked.summary["issues"] if row["severity"] == "error"}
        assert found == {"not-assigned": 1, "changed-by-another": 1}
        assert checked.table("annotations", ANNOTATIONS)["quarantined"].to_pylist() == [True]
        project = projects_of(who["admin"], pipeline.campaign(config))["hal"].id
        config.quality.accepted = [f"{project}:{made['id']}"]
        assert pipeline.checked(config).table("annotations", ANNOTATIONS)["quarantined"].to_pylist() == [False]


def test_a_change_of_anothers_annotation_is_noticed_and_a_rename_is_none(studio: Any) -> None:
    made = studio.dataset(chunks=2, recorded_by=("ada",))
    config = made.config
    push(config)
    # What was recorded has the labels of the scheme before.
    config.annotators.partial = True
    for path in made.recorded.glob("*.jsonl"):
        path.write_text("", encoding="utf-8")
    with speaking(config) as who:
        first = pulled_annotations(pull(config))
        who["admin"].patch(f"api/annotations/{first[0]['id']}/", {"result": first[0]["result"][:1]})
        pull(config)
        assert changed_by_another(config) == 1
        config.labels = small_scheme(
            version="2", entities=["PLACE", "ORG"], migrations={"1": {"entities": {"GPE": "PLACE"}}}
        )
        assert push(config).projects[0].results_rewritten == 2
        pull(config)
        assert changed_by_another(config) == 1, "those that the builder renamed are still their authors'"


def test_labels_are_asked_of_some_from_the_page_to_gold(studio: Any, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email,labels\nrae,rae@example.org,ORG\nsid,sid@example.org,\n", encoding="utf-8")
    config = studio.dataset(chunks=1, annotators=Annotators(overlap=2, layout="each", file=str(file))).config
    push(config)

    def marked(label: str, start: int) -> dict[str, Any]:
        mark = {"id": label, "from_name": "entity", "to_name": "text", "type": "labels"}
        place = {"start": start, "end": start + 4, "text": "", "labels": [label]}
        return {**NOTHING, "result": [{**mark, "value": place}]}

    with speaking(config) as who:
        pages = {slot: p.label_config for slot, p in projects_of(who["admin"], pipeline.campaign(config)).items()}
        assert {slot: ('value="GPE"' in page, 'value="ORG"' in page) for slot, page in pages.items()} == {
            "rae": (False, True),
            "sid": (True, True),
        }
        for name, said in (("rae", marked("ORG", 0)), ("sid", marked("GPE", 9))):
            (task,) = tasks(who["admin"], config, name)
            who[name].post(f"api/tasks/{task}/annotations/", said)
        pull(config)
        spans = pipeline.gold(config).table("gold_spans", GOLD_SPANS)
        assert set(rows_of(spans, "label", "status")) == {("GPE", "single"), ("ORG", "unresolved")}
        assert reopen(config, "all").sent == {"rae": 1, "sid": 1}
        again = projects_of(who["admin"], pipeline.campaign(config))["again/1/rae"]
        assert 'value="GPE"' not in again.label_config
        who["admin"].send("DELETE", f"api/projects/{projects_of(who['admin'], pipeline.campaign(config))['rae'].id}/")
        config.label_studio = replace(config.label_studio, gone_share=1)
        push(config)
        assert restore(config).restored == 1
        config.labels = small_scheme(
            version="2", entities=["PLACE", "ORG"], migrations={"1": {"entities": {"GPE": "PLACE"}}}
        )
        assert {row.slot: row.results_rewritten for row in push(config).projects} == {"rae": 0, "sid": 1}


def test_two_deleted_people_stay_two(studio: Any) -> None:
    config = studio.dataset(chunks=1, annotators=people("ida", "joe")).config
    push(config)
    with speaking(config) as who:
        (task,) = tasks(who["admin"], config)
        users = []
        for name in ("ida", "joe"):
            who[name].post(f"api/tasks/{task}/annotations/", NOTHING)
            users.append(who[name].get("api/current-user/whoami")["id"])
        pull(config)
        for user in users:
            who["admin"].send("DELETE", f"api/users/{user}")
        for full in (False, True):
            pulled = pull(config, full=full)
            assert [a["completed_by"] for a in pulled_annotations(pulled)] == users
            assert pulled.losses.accounts == ["ida@example.org", "joe@example.org"]
        assert "gone since the pull before: 2 accounts" in printed("pull", pulled)
        names = pipeline.checked(config).table("annotations", ANNOTATIONS)["annotator"].to_pylist()
        assert len(set(names)) == 2


def test_a_deleted_project_is_restored_once_under_its_authors(studio: Any) -> None:
    config = studio.dataset(chunks=2, annotators=people("kim", "leo")).config
    config.label_studio = replace(config.label_studio, gone_share=0.05)
    push(config)
    with speaking(config) as who:
        one, two = tasks(who["admin"], config)
        who["kim"].post(f"api/tasks/{one}/annotations/", {**NOTHING, "lead_time": 41.5})
        who["leo"].post(f"api/tasks/{one}/annotations/", NOTHING)
        who["leo"].post(f"api/tasks/{two}/annotations/", {"result": [], "was_cancelled": True})
        kept = pull(config)
        before = by_author(kept)
        who["admin"].send("DELETE", f"api/projects/{projects_of(who['admin'], pipeline.campaign(config))['all'].id}/")
        push(config)
        with pytest.raises(StoreError, match="3 annotations of the pull before are gone"):
            pull(config)
        assert restore(config, dry_run=True).restored == 3
        assert restore(config).restored == 3
        again = restore(config)
        assert (again.restored, again.there) == (0, 3)
        config.label_studio.gone_share = 1
        pulled = pull(config)
        assert by_author(pulled) == before
        assert changed_by_another(config) == 0
        config.dataset.pull = kept.hash[:8]
        assert pipeline.checked(config).summary["pull"] == kept.hash


def copy_database(one: Path, other: Path) -> None:
    """The other database is as the one is now, also while a server uses it."""
    with closing(sqlite3.connect(one)) as source, closing(sqlite3.connect(other)) as target:
        source.backup(target)


def test_a_database_that_was_set_back_is_noticed_and_restored(studio: Any, tmp_path: Path) -> None:
    config = studio.dataset(chunks=2, annotators=people("mia", "nik")).config
    config.label_studio = replace(config.label_studio, gone_share=0.05)
    live, backup = pipeline.campaign(config).vault.data / "label_studio.sqlite3", tmp_path / "backup.sqlite3"
    push(config)
    copy_database(live, backup)
    with speaking(config) as who:
        one, two = tasks(who["admin"], config)
        for name, task in (("mia", one), ("nik", one), ("mia", two)):
            who[name].post(f"api/tasks/{task}/annotations/", NOTHING)
        pull(config)
        copy_database(backup, live)
        with pytest.raises(StoreError, match="3 annotations of the pull before are gone"):
            pull(config)
        assert restore(config).restored == 3
        config.label_studio.gone_share = 1
        assert pull(config).record["counts"]["annotations"] == 3


def test_chunks_go_back_after_a_target_was_added(studio: Any) -> None:
    config = studio.dataset(chunks=2, annotators=people("ora", "pia")).config
    push(config)
    with speaking(config) as who:
        for task in tasks(who["admin"], config):
            for name in ("ora", "pia"):
                said = [
                    {"from_name": f"stance__{target}", "to_name": "text", "type": "choices", "id": target,
                     "value": {"choices": ["favor"]}}
                    for target in ("japan", "china")
                ]  # fmt: skip
                who[name].post(f"api/tasks/{task}/annotations/", {"result": said, "lead_time": 30})
        pull(config)
        assert reopen(config, "missing").sent == {}
        config.labels = small_scheme(version="2", targets={"japan": ["Japan"], "china": ["Beijing"], "kyiv": ["Kyiv"]})
        push(config)
        pull(config)
        found = reopen(config, "missing")
        assert found.sent == {"ora": 2, "pia": 2}
        state = status(config).label_studio
        assert (state.progress.tasks, state.progress.done, state.progress.reopened) == (2, 2, 4)
        one, _ = tasks(who["admin"], config, "again/1/ora")
        shown = who["ora"].get(f"api/tasks/{one}/")
        assert {item["from_name"] for item in shown["predictions"][0]["result"]} == {"stance__japan", "stance__china"}
        more = [*shown["predictions"][0]["result"]]
        more.append({**more[0], "from_name": "stance__kyiv", "id": "kyiv"})
        who["ora"].post(f"api/tasks/{one}/annotations/", {"result": more, "lead_time": 30})
        pull(config)
        checked = pipeline.checked(config)
        assert reopen(config, "missing").open == {"ora": 1, "pia": 2}
        assert {row["check"] for row in checked.summary["issues"]} >= {"second-annotation", "missing-answer"}
        assert status(config).label_studio.progress.reopened == 3


def test_a_skipped_chunk_goes_to_another_annotator_where_asked(studio: Any) -> None:
    config = studio.dataset(chunks=1, annotators=replace(people("ida", "jo"), overlap=1, after_skip="another")).config
    push(config)
    with speaking(config) as who:
        (task,) = tasks(who["admin"], config)
        project = projects_of(who["admin"], pipeline.campaign(config))["all"].id
        who["ida"].post(f"api/tasks/{task}/annotations/", {**NOTHING, "was_cancelled": True})
        assert annotation_progress(pipeline.campaign(config)).done == 0
        assert who["jo"].get(f"api/projects/{project}/next/")["id"] == task
        config.annotators.after_skip = "done"
        push(config)
        assert annotation_progress(pipeline.campaign(config)).done == 1
        with pytest.raises(NotFound):
            who["jo"].get(f"api/projects/{project}/next/")


def test_some_chunks_have_another_overlap(studio: Any, tmp_path: Path) -> None:
    made = studio.dataset(chunks=3, annotators=replace(people("kim", "lou"), overlap=1))
    listed = tmp_path / "double.txt"
    listed.write_text(made.chunks[1]["chunk_id"], encoding="utf-8")
    made.config.annotators.overlaps = {str(listed): 2}
    push(made.config)
    with speaking(made.config) as who:
        assert (len(tasks(who["admin"], made.config)), len(tasks(who["admin"], made.config, "all/2"))) == (2, 1)
        (twice,) = tasks(who["admin"], made.config, "all/2")
        for name, done in (("kim", 0), ("lou", 1)):
            who[name].post(f"api/tasks/{twice}/annotations/", NOTHING)
            assert annotation_progress(pipeline.campaign(made.config)).done == done
        (first, _) = tasks(who["admin"], made.config)
        who["kim"].post(f"api/tasks/{first}/annotations/", NOTHING)
        assert annotation_progress(pipeline.campaign(made.config)).done == 2
    pull(made.config)
    gates = {gate["gate"]: gate["message"] for gate in pipeline.checked(made.config).summary["gates"]}
    assert "fewer than" in gates["min_annotators"]
