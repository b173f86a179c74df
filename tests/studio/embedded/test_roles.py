"""What the guard lets an annotator ask for, send and see; tests/integration/test_roles.py asks a real server."""

from typing import Any

import pytest

pytest.importorskip("django", reason="Label Studio is not installed: pip install -e '.[studio]'")

from builder.studio.embedded.roles import ROUTES, is_plain_query, own_part

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
