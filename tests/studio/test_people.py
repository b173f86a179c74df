"""Who annotates: people as configured, recorded annotators by their files."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from builder.errors import ConfigError, SourceError
from builder.studio import people
from builder.studio.people import (
    Annotator,
    annotators_of,
    labels_asked,
    people_of,
    pseudonyms_of,
    read_people,
    token_of,
)
from builder.studio.settings import Annotators
from tests.samples import scheme


def test_people_are_sorted_by_name() -> None:
    settings = Annotators(overlap=1, people={"ben": "Ben@example.org", "ada": ""} | {"ada": "a@example.org"})
    assert annotators_of(settings) == [Annotator("ada", "a@example.org"), Annotator("ben", "Ben@example.org")]


def test_unnamed_people_are_numbered_by_the_overlap() -> None:
    assert annotators_of(Annotators(overlap=2)) == [
        Annotator("annotator-1", "annotator-1@builder.invalid"),
        Annotator("annotator-2", "annotator-2@builder.invalid"),
    ]


def test_recorded_annotators_are_files(tmp_path: Path) -> None:
    settings = Annotators(kind="recorded", recorded=str(tmp_path), people={"Ben": "ben@example.org"})
    with pytest.raises(SourceError, match="no recorded annotators"):
        annotators_of(settings)
    for name in ("Cyd.jsonl", "Ben.jsonl", "notes.txt"):
        (tmp_path / name).touch()
    assert annotators_of(settings) == [Annotator("Ben", "ben@example.org"), Annotator("Cyd", "cyd@builder.invalid")]


@pytest.mark.parametrize("name", ["a b", "", ".ada", "a/b", "a" * 62, "ada\n"])
def test_a_name_must_be_plain(name: str) -> None:
    with pytest.raises(ConfigError, match="is not a plain name"):
        annotators_of(Annotators(overlap=1, people={name: "a@example.org"}))


def test_projects_of_ones_own_need_as_many_people_as_the_overlap(tmp_path: Path) -> None:
    (tmp_path / "ada.jsonl").touch()
    settings = Annotators(kind="recorded", recorded=str(tmp_path), layout="each", overlap=2)
    with pytest.raises(ConfigError, match=r"overlap is 2, but there are 1 annotators"):
        annotators_of(settings)
    settings.overlap = 1
    assert len(annotators_of(settings)) == 1
    settings.layout, settings.overlap = "shared", 2
    assert len(annotators_of(settings)) == 1


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_people_are_managed_in_a_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "name,email,role,active,notes,pseudonym,languages,labels",
        "ben, Ben@example.org ,,,speaks Greek,,,",
        "ada,ada@example.org,annotator,yes,,A-1,de EN-gb,GPE  ORG",
        "eva,eva@example.org,expert,,,E-1,,",
        "finn,Finn@example.org,annotator,no,left in May,A-2,,ORG",
    )
    settings = Annotators(overlap=2, file=str(path))
    ada = Annotator("ada", "ada@example.org", pseudonym="A-1", languages=("de", "en"), labels=("GPE", "ORG"))
    ben, eva = Annotator("ben", "Ben@example.org"), Annotator("eva", "eva@example.org", "expert", "E-1")
    assert people_of(settings) == [ada, ben, eva]
    assert read_people(path)[-1] == Annotator(
        "finn", "Finn@example.org", "annotator", "A-2", (), ("ORG",), active=False
    )
    assert pseudonyms_of(settings) == {"ada@example.org": "A-1", "eva@example.org": "E-1", "finn@example.org": "A-2"}
    assert pseudonyms_of(Annotators()) == {}
    with pytest.raises(ConfigError, match="In a shared project anybody gets the next chunk"):
        annotators_of(settings)
    settings.layout = "each"
    assert annotators_of(settings) == [ada, ben]
    settings.overlap = 3
    with pytest.raises(ConfigError, match="overlap is 3, but there are 2 annotators"):
        annotators_of(settings)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a b,a@example.org,,", "'a b' is not a plain name"),
        ("Review,a@example.org,,", "'Review' is not a plain name"),
        ("cyd,nobody,,", "'nobody' is not an e-mail address"),
        ("cyd,c@example.org,boss,", "'boss' is neither annotator nor expert"),
        ("cyd,c@example.org,,maybe", "active is 'maybe', neither yes nor no"),
        ("cyd,ADA@example.org,,", "is that of somebody before"),
        ("ada,other@example.org,,", "is that of somebody before"),
        ("cyd", "'' is not an e-mail address"),
        ("cyd,c@example.org,,,A 1,", "'A 1' is not a plain pseudonym"),
        ("cyd,c@example.org,,,A-1,", "is that of somebody before"),
        ("Ada,other@example.org,,", "of Ada is that of somebody before"),
        ("cyd,c @example.org,,", "'c @example.org' is not an e-mail address"),
        ("cyd,c@example@org,,", "'c@example@org' is not an e-mail address"),
        ('cyd,"c@exam\x07ple.org",,', "is not an e-mail address"),
        ("cyd,c@example.org,,yes,,,no", "it has more fields than the first line"),
        ("cyd,c@example.org,,,,German", "'German' is not a language code; 'de' is"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = written(tmp_path, "name,email,role,active,pseudonym,languages", "ada,ada@example.org,,,A-1,", line)
    with pytest.raises(SourceError, match=says) as caught:
        read_people(path)
    assert caught.value.message.startswith(f"{path}:3: ")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("name,email,Active", "the column 'Active' is not known. Did you mean active"),
        ("name,email,activ", "the column 'activ' is not known. Did you mean active"),
        ("name,email,role ", "the column 'role ' is not known. Did you mean role"),
        ("name,email,language", "the column 'language' is not known. Did you mean languages"),
        ("name,email,active,active", "the column 'active' is there twice. Leave one of them out"),
    ],
)
def test_a_column_that_would_not_be_read_is_named(tmp_path: Path, columns: str, says: str) -> None:
    """Who left would stay."""
    with pytest.raises(SourceError, match=says):
        read_people(written(tmp_path, columns, "ada,ada@example.org,no"))


def test_yes_and_no_are_read_in_any_case(tmp_path: Path) -> None:
    path = written(tmp_path, "name,email,active", "ada,ada@example.org,NO", "ben,ben@example.org,Yes")
    assert [(person.name, person.active) for person in read_people(path)] == [("ada", False), ("ben", True)]


def test_labels_of_entities_are_asked_of_some_in_projects_of_their_own(tmp_path: Path) -> None:
    lines = ["name,email,active,labels", "ada,Ada@x,,GPE", "ben,b@x,no,ORG GPE", "cyd,c@x,,"]
    settings = Annotators(overlap=1, layout="each", file=str(written(tmp_path, *lines)))
    asked = labels_asked(settings, scheme())
    assert {email: person.labels for email, person in asked.items()} == {"ada@x": ("GPE",), "b@x": ("ORG", "GPE")}
    assert (asked["b@x"].where, labels_asked(Annotators(), scheme())) == (f"{tmp_path}/people.csv:3", {})
    with pytest.raises(SourceError, match=r"people.csv:2: the label scheme sample has no entity label 'GPE'. .* ORG\."):
        labels_asked(settings, scheme(entities=["ORG"]))
    near = written(tmp_path, "name,email,labels", "ada,a@x,ORGS")
    with pytest.raises(SourceError) as caught:
        labels_asked(replace(settings, file=str(near)), scheme(entities=["ORGANS", "ORG", "GPE"]))
    assert caught.value.hint == "The column `labels` may name ORG."
    shared = replace(settings, layout="shared", file=str(written(tmp_path, *lines)))
    assert labels_asked(shared, scheme()) == {}
    with pytest.raises(ConfigError, match="is asked for every label"):
        annotators_of(shared)


@pytest.mark.parametrize(
    ("people", "says"),
    [
        ({"ada": "a@example.org", "ben": "A@example.org"}, "of ben is that of somebody before"),
        ({"Ada": "a@example.org", "ada": "b@example.org"}, "of ada is that of somebody before"),
        ({"ada": "nobody"}, "'nobody' is not an e-mail address"),
        ({"Review": "a@example.org"}, "'Review' is not a plain name"),
        ({"all": ""}, "'all' is not a plain name"),
    ],
)
def test_two_people_never_share_an_account_or_a_project(people: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        people_of(Annotators(overlap=1, people=people))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_people(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="has no column email"):
        read_people(written(tmp_path, "name;mail"))


@pytest.mark.parametrize("field", ["", '<input name="csrfmiddlewaretoken" value="of-the-form">'])
def test_a_token_is_fetched_by_logging_in_as_a_person_would(standin: Any, field: str) -> None:
    """With the words against forged requests that the form holds, or else those of the cookie."""
    cookie = {"Set-Cookie": "csrftoken=of-the-cookie; Path=/"}
    standin.at = {
        "/user/login/": SimpleNamespace(status=200, body=f"<form>{field}".encode(), headers=cookie),
        "/api/current-user/token": SimpleNamespace(status=200, body={"token": "hers"}, headers={}),
    }
    assert token_of(standin.url, "ada@example.org", "secret") == "hers"
    shown, sent, asked = standin.asked
    assert [(one.method, one.path) for one in (shown, sent, asked)] == [
        ("GET", "/user/login/"), ("POST", "/user/login/"), ("GET", "/api/current-user/token")
    ]  # fmt: skip
    assert parse_qs(sent.body.decode()) == {
        "email": ["ada@example.org"], "password": ["secret"], "persist_session": ["on"],
        "csrfmiddlewaretoken": ["of-the-form" if field else "of-the-cookie"],
    }  # fmt: skip
    assert sent.headers["Referer"] == f"{standin.url}/"


def test_addresses_are_told_apart_as_label_studio_does_it(tmp_path: Path) -> None:
    """By small letters, not by what letters may stand for."""
    people = {"ada": "gro\u00df@example.org", "ben": "gross@example.org"}
    assert [person.email for person in people_of(Annotators(overlap=1, people=people))] == list(people.values())


def test_a_label_that_is_misspelt_is_said_in_its_line(tmp_path: Path) -> None:
    settings = Annotators(overlap=1, layout="each", file=str(written(tmp_path, "name,email,labels", "ada,a@x,PERSONS")))
    for names, hint in ((["ORG", "PERSON"], "PERSON"), (["GPE", "ORG"], "GPE, ORG"), ([], "none")):
        with pytest.raises(SourceError) as caught:
            labels_asked(settings, scheme(entities=names))
        assert caught.value.hint == f"The column `labels` may name {hint}."


def test_a_page_is_asked_without_a_proxy_and_in_time() -> None:
    with people._browser("http://labels.example/prefix") as page:
        assert (page.timeout, page.trust_env, page.follow_redirects) == (httpx.Timeout(60), False, True)
        assert str(page.base_url) == "http://labels.example/prefix/"
