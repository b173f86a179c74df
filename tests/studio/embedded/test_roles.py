"""What the guard lets an annotator ask for, send and see; tests/integration/test_roles.py asks a real server."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("django", reason="Label Studio is not installed: pip install -e '.[studio]'")

from django.db import connection, transaction
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import RequestFactory

from builder.studio.embedded import MEMBERS, roles
from builder.studio.embedded.roles import ROUTES, Guard, is_plain_query, own_part
from tests.studio.embedded import label_studio_tables as tables

ADA, BEN = {"id": 7, "email": "ada@example.org"}, {"id": 8, "email": "ben@example.org"}


def seen(route: str, answer: Any) -> Any:
    return own_part(route, answer, 7, "ada@example.org")


def test_of_a_task_one_sees_ones_own_work_and_nothing_about_others() -> None:
    mine = {"id": 1, "completed_by": 7, "result": []}
    task = {
        "id": 3,
        "data": {"text": "x"},
        "project": 2,
        "predictions": [{"id": 4}],
        "annotations": [mine, {"id": 2, "completed_by": 8}, {"id": 5, "completed_by": BEN}, {"result": ["stub"]}],
        "drafts": [{"id": 1, "user": "ben@example.org"}, {"id": 2, "user": "ada@example.org"}],
        "annotators": [7, 8],
        "annotations_results": "x",
        "updated_by": [{"user_id": 8}],
        "anything_new": 1,
    }
    shown = {
        "id": 3,
        "data": {"text": "x"},
        "project": 2,
        "predictions": [{"id": 4}],
        "annotations": [mine],
        "drafts": [{"id": 2, "user": "ada@example.org"}],
    }
    for route in ("tasks:api:task-detail", "projects:api:project-next", "data_manager:dm-actions"):
        assert seen(route, task) == shown
    assert seen("tasks:api:task-list", {"tasks": [task], "total": 1}) == {"tasks": [shown], "total": 1}


@pytest.mark.parametrize("route", ["tasks:api:task-annotations", "tasks:api:task-drafts"])
def test_lists_of_work_hold_ones_own(route: str) -> None:
    rows = [{"id": 1, "completed_by": 8}, {"id": 2, "completed_by": 7}, {"id": 3}]
    assert seen(route, rows) == [{"id": 2, "completed_by": 7}]
    named = [{"completed_by": {"id": number}} for number in (7, 8)]
    assert seen(route, named) == named[:1], "where people are shown with their names"
    assert seen(route, {"id": 9, "completed_by": 7}) == {"id": 9, "completed_by": 7}, "the answer to one's own POST"


def test_addresses_of_others_are_left_out_wherever_they_are() -> None:
    assert seen("user-list", [ADA, BEN]) == [ADA]
    assert seen("projects:api:project-detail", {"id": 1, "created_by": BEN, "x": [{"y": ADA}]}) == {
        "id": 1,
        "created_by": {"id": 8},
        "x": [{"y": ADA}],
    }


@pytest.mark.parametrize(
    ("query", "plain"),
    [
        ({}, True),
        ({"ordering": ["-tasks:id", "tasks:data.title"]}, True),
        ({"ordering": ["tasks:annotators"]}, False),
        (
            {"filters": {"conjunction": "and", "items": [{"filter": "filter:tasks:data.text", "child_filter": None}]}},
            True,
        ),
        (
            {"filters": {"items": [{"filter": "filter:tasks:id"}, {"filter": "filter:tasks:annotations_results"}]}},
            False,
        ),
        ({"filters": {"items": [{"filter": "filter:tasks:id", "child_filter": {"filter": "x"}}]}}, False),
        ({"filters": {"items": ["x"]}}, False),
        ({"filters": "x"}, False),
        ({"ordering": "tasks:id"}, False),
        ([], False),
        (None, False),
    ],
)
def test_tasks_are_filtered_and_sorted_by_what_they_show_alone(query: Any, plain: bool) -> None:
    assert is_plain_query(query) is plain


def test_no_listed_route_deletes_anything_but_a_draft() -> None:
    assert {name for name, methods in ROUTES.items() if "DELETE" in methods} == {"tasks:api-drafts:draft-detail"}
    writing = {name for name, methods in ROUTES.items() if set(methods) - {"GET"}}
    assert writing == {
        "data_manager:dm-actions",
        "tasks:api:task-annotations",
        "tasks:api:task-drafts",
        "tasks:api:task-annotations-drafts",
        "tasks:api-annotations:annotation-detail",
        "tasks:api-drafts:draft-detail",
        "current-user-hotkeys",
        "product-tour",
    }


# The guard over tables like those of Label Studio.

ADA_IS, BEN_IS, EVA_IS = 7, 8, 9


@pytest.fixture(scope="module")
def rows() -> Iterator[None]:
    """Ada works in project 1, ben in 2, and ada is disabled in 3; eva is a manager.

    Tasks are 11, 12 (of project 1), 21 (of 2); views 31 (of 1), 32 (of 2); annotations 41 and drafts 51 ada's, 42 and
    52 ben's, on task 11; annotation 43 ada's on task 21, where she is no member any more.
    """
    with connection.schema_editor() as editor:
        for model in tables.MODELS:
            editor.create_model(model)
    people = {ADA_IS: "ada@example.org", BEN_IS: "Ben@example.org", EVA_IS: "eva@example.org"}
    for number, email in people.items():
        tables.User.objects.create(pk=number, email=email, is_staff=number == EVA_IS)
    for number in (1, 2, 3):
        tables.Project.objects.create(pk=number)
    for project, user, enabled in ((1, ADA_IS, True), (2, BEN_IS, True), (3, ADA_IS, False)):
        tables.ProjectMember.objects.create(project_id=project, user_id=user, enabled=enabled)
    for number, project in ((11, 1), (12, 1), (21, 2)):
        tables.Task.objects.create(pk=number, project_id=project)
    for number, project in ((31, 1), (32, 2)):
        tables.View.objects.create(pk=number, project_id=project)
    for number, user, project, task in ((41, ADA_IS, 1, 11), (42, BEN_IS, 1, 11), (43, ADA_IS, 2, 21)):
        tables.Annotation.objects.create(pk=number, completed_by_id=user, project_id=project, task_id=task)
    for number, user in ((51, ADA_IS), (52, BEN_IS)):
        tables.AnnotationDraft.objects.create(pk=number, user_id=user, task_id=11)
    yield
    with connection.schema_editor() as editor:
        for model in reversed(tables.MODELS):
            editor.delete_model(model)


@pytest.fixture
def guarded(rows: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The rows, as they were for every test."""
    monkeypatch.setattr(roles, "apps", tables.APPS)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def request_of(who: int | None, method: str, path: str, route: str, sent: Any = None, **more: Any) -> Any:
    token = {"HTTP_AUTHORIZATION": f"Token {who}"} if who else {}
    body = b"" if sent is None else sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    made: Any = RequestFactory().generic(method, path, body, more.pop("kind", "application/json"), **token)
    made.resolver_match = SimpleNamespace(view_name=route, route=more.pop("pattern", "^api/"))
    return made


def status(
    who: int | None, method: str, route: str, pk: int = 0, query: str = "", sent: Any = None, **more: Any
) -> int:
    """HTTP status of the refusal, or 200 when the guard lets the request through."""
    kwargs = {"pk": pk, **more.pop("kwargs", {})}
    asked = request_of(who, method, f"{more.pop('path', '/api/x/')}?{query}", route, sent, **more)
    refused = Guard(lambda _: HttpResponse()).process_view(asked, None, (), kwargs)
    return 200 if refused is None else refused.status_code


PROJECT, TASK, VIEW = "projects:api:project-detail", "tasks:api:task-detail", "data_manager:api:view-detail"
ANNOTATION, DRAFT = "tasks:api-annotations:annotation-detail", "tasks:api-drafts:draft-detail"
WORK, DRAFTS = "tasks:api:task-annotations", "tasks:api:task-drafts"
LIST, ACTIONS = "tasks:api:task-list", "data_manager:dm-actions"


@pytest.mark.parametrize(
    ("route", "own", "others"),
    [
        (PROJECT, [1], [2, 3, 99]),
        (TASK, [11, 12], [21, 99]),
        (VIEW, [31], [32, 99]),
        (ANNOTATION, [41], [42, 43, 99]),
        (DRAFT, [51], [52, 99]),
    ],
)
def test_annotators_open_what_is_theirs_in_their_projects(
    guarded: None, route: str, own: list[int], others: list[int]
) -> None:
    wanted = dict.fromkeys(own, 200) | dict.fromkeys(others, 403)
    for method in ("GET", "HEAD"):
        assert {pk: status(ADA_IS, method, route, pk) for pk in wanted} == wanted
    assert {status(EVA_IS, "GET", route, pk) for pk in wanted} == {200}, "managers open everything"
    assert status(ADA_IS, "GET", route, own[0], sent={"project": 2}) == 403, "a body could name another one"


def test_of_an_annotation_with_drafts_the_annotation_is_what_counts(guarded: None) -> None:
    """Its address names the task as well."""
    route = "tasks:api:task-annotations-drafts"
    assert status(ADA_IS, "GET", route, 21, kwargs={"annotation_id": 41}) == 200
    assert status(ADA_IS, "GET", route, 11, kwargs={"annotation_id": 42}) == 403


@pytest.mark.parametrize(
    ("route", "method"),
    [("users:everybody", "GET"), (PROJECT, "PATCH"), (PROJECT, "DELETE"), (ANNOTATION, "DELETE"), (LIST, "POST")],
)
def test_what_is_not_listed_is_refused_to_annotators_alone(guarded: None, route: str, method: str) -> None:
    pk, query = (41 if route == ANNOTATION else 1), "project=1"
    assert status(ADA_IS, method, route, pk, query) == 403
    assert status(EVA_IS, method, route, pk, query) == 200


def test_nobody_gets_only_public_pages_and_files(guarded: None) -> None:
    public = ["user-login", "user-signup", "logout", "health", "version", "jwt_auth:token_refresh"]
    assert {name: status(None, "POST", name) for name in public} == dict.fromkeys(public, 200)
    files = ["^static/", "^react-app/", "^dm/", "^label-studio-frontend/", "^sw", "^favicon"]
    assert {name: status(None, "GET", "f", pattern=f"{name}x") for name in files} == dict.fromkeys(files, 200)
    assert status(None, "GET", "f", pattern="^data/static/") == 401
    assert status(None, "GET", "user-list") == 401
    assert status(77, "GET", "user-list") == 401, "a token of nobody"
    assert status(None, "GET", "main", path="/projects/") == 302, "a page leads to the login"
    assert status(None, "GET", "admin", path="/admin/") == 401
    assert status(None, "GET", "user-list", path="/api/users/") == 401
    login = Guard(lambda _: HttpResponse()).process_view(request_of(None, "GET", "/x", "main"), None, (), {})
    assert login is not None
    assert login["Location"] == "/user/login/"


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("project=1", True),
        ("project=2", False),
        ("project=3", False),
        ("", False),
        ("project=x", False),
        ("project=1&view=0", True),
        ("project=1&view=31", True),
        ("project=1&view=32", False),
        ("project=1&view=x", False),
        ("project=1&view=99", False),
        ('project=1&query={"ordering":["tasks:id"]}', True),
        ('project=1&query={"ordering":["tasks:annotators"]}', False),
        ("project=1&query=", True),
        ("project=1&query={", False),
    ],
)
def test_a_query_names_a_project_of_ones_own_and_a_view_of_it(guarded: None, query: str, allowed: bool) -> None:
    assert status(ADA_IS, "GET", LIST, query=query) == (200 if allowed else 403)
    assert status(ADA_IS, "POST", ACTIONS, query=f"{query}&id=next_task", sent={}) == (200 if allowed else 403)


@pytest.mark.parametrize(
    ("action", "sent", "allowed"),
    [
        ("next_task", {}, True),
        ("next_task", None, True),
        ("next_task", {"ordering": ["tasks:annotators"]}, False),
        ("next_task", b"{", False),
        ("delete_tasks", {}, False),
    ],
)
def test_the_one_action_of_an_annotator_is_to_get_the_next_task(
    guarded: None, action: str, sent: Any, allowed: bool
) -> None:
    assert status(ADA_IS, "POST", ACTIONS, query=f"project=1&id={action}", sent=sent) == (200 if allowed else 403)


MINE = {
    "id": 1, "result": [], "lead_time": 5, "draft_id": 0, "draft": None, "parent_prediction": None,
    "parent_annotation": None, "started_at": "", "was_cancelled": False, "was_postponed": False, "unique_id": "u",
    "project": 1, "task": "11", "completed_by": ADA_IS, "annotation": 41,
}  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "allowed"),
    [
        (MINE, True),
        ({}, True),
        (None, True),
        ({"project": "1", "task": 11, "annotation": None}, True),
        ({"task": 12}, False),
        ({"project": 2}, False),
        ({"completed_by": BEN_IS}, False),
        ({"completed_by": str(ADA_IS)}, False),
        ({"annotation": 42}, False),
        ({"annotation": 99}, False),
        ({"annotation": "x"}, False),
        ({"ground_truth": True}, False),
        ([], False),
        (b"{", False),
        (b"[" * 100_000, False),
    ],
)
def test_annotators_write_their_own_work_on_the_task_they_name(guarded: None, sent: Any, allowed: bool) -> None:
    wanted = 200 if allowed else 403
    for method, route, pk in (
        ("POST", WORK, 11),
        ("POST", DRAFTS, 11),
        ("PATCH", ANNOTATION, 41),
        ("PATCH", DRAFT, 51),
    ):
        assert status(ADA_IS, method, route, pk, sent=sent) == wanted, route
    assert status(ADA_IS, "POST", WORK, 21, sent={}) == 403
    assert status(ADA_IS, "DELETE", DRAFT, 51) == 200
    assert status(ADA_IS, "DELETE", DRAFT, 52) == 403


@pytest.mark.parametrize(
    ("kind", "sent", "allowed"),
    [
        ("application/json; charset=UTF-8", b"{}", True),
        ("application/json; charset=utf8", b"{}", True),
        ("application/json; charset=utf-16", "{}".encode("utf-16"), False),
        ("application/x-www-form-urlencoded", b"task=21", False),
        ("application/x-www-form-urlencoded", b"", True),
    ],
)
def test_a_body_that_could_be_read_in_another_way_is_refused(
    guarded: None, kind: str, sent: bytes, allowed: bool
) -> None:
    assert status(ADA_IS, "POST", WORK, 11, sent=sent, kind=kind) == (200 if allowed else 403)


@pytest.mark.parametrize("route", ["projects:api:project-list", "projects:api:project-counts-list"])
def test_lists_of_projects_ask_for_ones_own_alone(guarded: None, route: str) -> None:
    tables.ProjectMember.objects.create(project_id=2, user_id=ADA_IS)
    for who, ids in ((ADA_IS, "1,2"), (BEN_IS, "2")):
        asked = request_of(who, "GET", "/api/projects/?ids=1,2,3&page=4", route)
        assert Guard(lambda _: HttpResponse()).process_view(asked, None, (), {}) is None
        assert (asked.GET["ids"], asked.GET["page"]) == (ids, "4")
    tables.ProjectMember.objects.all().delete()
    asked = request_of(ADA_IS, "GET", "/api/projects/", route)
    Guard(lambda _: HttpResponse()).process_view(asked, None, (), {})
    assert asked.GET["ids"] == "0", "without any, an empty list would mean all"


def answered(answer: Any, who: int = ADA_IS) -> Any:
    """What comes through the guard of an answer to a list of users."""
    asked = request_of(who, "GET", "/api/users/", "user-list")
    guard = Guard(lambda _: answer)
    assert guard.process_view(asked, None, (), {}) is None
    return guard(asked)


def test_answers_are_cut_to_what_is_ones_own(guarded: None) -> None:
    everybody = [ADA, BEN]
    assert json.loads(answered(JsonResponse(everybody, safe=False)).content) == [ADA]
    assert json.loads(answered(JsonResponse(everybody, safe=False), EVA_IS).content) == everybody
    for route in ("ml:api:ml-list", "labels_manager:api-labels:label_link-list"):
        assert own_part(route, [{"id": 1}], 7, "ada@example.org") == []


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (JsonResponse({"detail": "no"}, status=400), b'{"detail": "no"}'),
        (HttpResponse(b"<html>", content_type="text/html"), b"<html>"),
        (HttpResponse(b"{", content_type="application/json"), b"{"),
    ],
)
def test_answers_that_hold_no_rows_stay_as_they_are(guarded: None, answer: Any, content: bytes) -> None:
    assert answered(answer).content == content


def test_a_stream_is_not_read(guarded: None) -> None:
    stream = StreamingHttpResponse(iter([b"[]"]), content_type="application/json")
    assert b"".join(answered(stream)) == b"[]"


def test_everything_that_a_task_shows_to_its_annotator() -> None:
    names = (
        "id data meta project inner_id overlap predictions total_predictions created_at updated_at is_labeled queue"
        " unique_lock_id allow_skip state draft_exists"
    )
    task = dict.fromkeys(names.split(), "x")
    assert seen(TASK, {**task, "annotators": [8], "drafts": "x"}) == task
    other = {"tasks": [task], "count": 1}
    assert seen("tasks:api:task-annotations-drafts", [{"completed_by": 7}, {"completed_by": 8}]) == [
        {"completed_by": 7}
    ]
    assert seen(PROJECT, other) == other


def members(who: int | None, method: str, sent: Any) -> tuple[int, Any]:
    answer = Guard(lambda _: HttpResponse(status=204))(request_of(who, method, f"/{MEMBERS}/", "", sent))
    return answer.status_code, json.loads(answer.content)


def belonging() -> set[tuple[int, int, bool]]:
    return set(tables.ProjectMember.objects.values_list("project_id", "user_id", "enabled"))


def test_managers_set_exactly_the_members_of_the_projects_they_name(guarded: None) -> None:
    before = belonging()
    assert members(EVA_IS, "GET", None) == (200, {"roles": True})
    assert belonging() == before
    wanted = {"projects": {"1": ["BEN@example.org", "ada@example.org"], "3": ["Ada@example.org"]}}
    assert members(EVA_IS, "PUT", wanted) == (200, {"roles": True})
    assert belonging() == {(1, ADA_IS, True), (1, BEN_IS, True), (2, BEN_IS, True), (3, ADA_IS, True)}
    assert members(EVA_IS, "PUT", wanted) == (200, {"roles": True})
    assert tables.ProjectMember.objects.count() == 4, "nobody twice"
    assert members(EVA_IS, "PUT", {"projects": {"1": []}}) == (200, {"roles": True})
    assert belonging() == {(2, BEN_IS, True), (3, ADA_IS, True)}


@pytest.mark.parametrize(
    ("who", "method", "sent", "expected"),
    [
        (None, "PUT", {"projects": {}}, 403),
        (ADA_IS, "PUT", {"projects": {}}, 403),
        (77, "GET", None, 403),
        (EVA_IS, "POST", {"projects": {}}, 400),
        (EVA_IS, "PUT", {"projects": []}, 400),
        (EVA_IS, "PUT", [], 400),
        (EVA_IS, "PUT", {"projects": {"one": []}}, 400),
        (EVA_IS, "PUT", {"projects": {"1": ["ada@example.org"], "x": []}}, 400),
        (EVA_IS, "PUT", {"projects": {"1": ["nobody@example.org"]}}, 400),
    ],
)
def test_members_are_set_by_managers_for_people_with_accounts_alone(
    guarded: None, who: int | None, method: str, sent: Any, expected: int
) -> None:
    before = belonging()
    assert members(who, method, sent)[0] == expected
    assert belonging() == before


def test_everybody_without_an_account_is_named(guarded: None) -> None:
    sent = {"projects": {"1": ["f@x", "b@x", "ada@example.org"], "2": ["d@x", "a@x", "c@x", "e@x"]}}
    unknown = "a@x, b@x, c@x, d@x, e@x, f@x"
    assert members(EVA_IS, "PUT", sent) == (400, {"detail": f"There is no account of {unknown}."})


def test_a_session_alone_sets_no_members(guarded: None) -> None:
    """A page elsewhere could make a browser send it."""
    asked = request_of(None, "PUT", f"/{MEMBERS}", "", {"projects": {}})
    asked.user = tables.User.objects.get(pk=EVA_IS)
    assert Guard(lambda _: HttpResponse())(asked).status_code == 403


def test_other_addresses_go_on_to_label_studio(guarded: None) -> None:
    assert Guard(lambda _: HttpResponse(status=204))(request_of(EVA_IS, "GET", f"/x/{MEMBERS}", "")).status_code == 204
