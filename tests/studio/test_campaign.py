"""A dataset on one server: who is asked what, and what the builder saved in the name of an author."""

from pathlib import Path
from typing import Any

import pytest

from builder.errors import SourceError
from builder.stage import silent
from builder.store import canonical, digest
from builder.studio import campaign as module
from builder.studio.campaign import Campaign, Rewritten, connected, open_server
from builder.studio.embedded.server import StudioServer
from builder.studio.settings import Annotators, LabelStudio
from builder.studio.tasks import Saved
from tests import samples

ONE, TWO = [{"id": "a"}], [{"id": "b"}]


def fresh(noted: Rewritten) -> Rewritten:
    """As the next command sees it."""
    return Rewritten(noted.folder, noted.server)


def test_the_last_result_of_each_annotation_counts_by_server(tmp_path: Path) -> None:
    noted, other = Rewritten(tmp_path / "made", "http://a"), Rewritten(tmp_path / "made", "http://b")
    noted.note(7, ONE)
    other.note(7, ONE)
    noted.note(7, TWO)
    noted.note(8, ONE)
    assert fresh(noted).results == {7: digest(canonical(TWO)), 8: digest(canonical(ONE))}
    assert other.results == {7: digest(canonical(ONE))}


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    noted = Rewritten(tmp_path, "s")
    noted.note(7, ONE)
    with (tmp_path / "rewritten.jsonl").open("a", encoding="utf-8") as file:
        file.write('\n{"server": "s", "anno')
    noted.note(8, TWO)
    assert set(fresh(noted).results) == {7, 8}


def test_what_another_changed_is_not_its_authors_afterwards(tmp_path: Path) -> None:
    noted = Rewritten(tmp_path, "s")
    noted.note(7, ONE)
    assert [noted.is_own(Saved(2, id=7, result=ONE, updated_by=who)) for who in (None, 2, 1)] == [True, True, True]
    assert not noted.is_own(Saved(2, id=7, result=TWO, updated_by=1))
    assert not noted.is_own(Saved(2, id=8, result=ONE, updated_by=1))


def test_a_task_is_linked_where_its_server_is(tmp_path: Path) -> None:
    campaign = Campaign("sample", tmp_path / "sample", tmp_path, samples.scheme())
    assert campaign.task_link(3, 7) == "7 of project 3", "it does not run"
    campaign.vault.create()
    url = "http://127.0.0.1:8080"
    campaign.vault.write_server({"url": url, "port": 8080, "roles": "open", "pid": 7, "supervisor": 8})
    assert campaign.task_link(3, 7) == "http://127.0.0.1:8080/projects/3/data?task=7"
    campaign.server = LabelStudio(url="https://labels.example/prefix/")
    assert campaign.task_link(3, 7) == "https://labels.example/prefix/projects/3/data?task=7"


def test_who_is_asked_for_some_labels_has_a_narrower_scheme(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    lines = ["name,email,role,labels", "ada,a@x,,GPE", "ben,b@x,,", "eva,e@x,expert,", "amy,y@x,expert,"]
    file.write_text("\n".join(lines), encoding="utf-8")
    people = Annotators(layout="each", overlap=1, file=str(file))
    campaign = Campaign("sample", tmp_path / "sample", tmp_path, samples.scheme(), people)
    asked = {name: campaign.asked_of(name) for name in ("ada", "ben", "")}
    labels = {name: [label for q in found.of_kind("entities") for label in q.labels] for name, found in asked.items()}
    assert labels == {"ada": ["GPE"], "ben": list(samples.NAMES), "": list(samples.NAMES)}
    assert asked["ben"] is campaign.scheme
    assert [person.name for person in campaign.people] == ["ada", "ben"]
    assert [person.name for person in campaign.experts] == ["amy", "eva"]
    assert not campaign.is_shared
    campaign.scheme = samples.scheme(entities=["ORG"])
    with pytest.raises(SourceError, match="no entity label 'GPE'"):
        _ = campaign.people


def test_the_embedded_server_is_kept_only_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Campaign("sample", tmp_path / "sample", tmp_path, samples.scheme())
    server, given = StudioServer("http://127.0.0.1:1", "t"), list[tuple[Any, ...]]()
    monkeypatch.setattr(module, "open_embedded", lambda vault, *more: given.append((vault.folder, *more)) or server)
    assert open_server(made) is server
    open_server(made, print, keep=True)
    with connected(made) as (opened, client):
        assert (opened, client.url) == (server, server.url)
    with connected(made, print, True):
        pass
    started = [(tmp_path / "studio", made.server, said, keep) for said, keep in ((silent, False), (print, True))]
    assert given == started * 2


def test_a_server_elsewhere_gets_the_token_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "mine")
    settings = LabelStudio(url="http://labels.example")
    opened = open_server(Campaign("sample", tmp_path / "sample", tmp_path, samples.scheme(), server=settings))
    assert (opened.url, opened.token, opened.vault) == ("http://labels.example", "mine", None)
