"""Roles hold on the real server: every path of the pinned Label Studio, asked as an annotator, and in two browsers."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from builder import pipeline, pull, push
from builder.studio.embedded.roles import ROUTES
from builder.studio.embedded.supervise import environment
from builder.studio.people import ensure_accounts, token_of
from builder.studio.projects import projects_of
from builder.studio.settings import Annotators
from tests.browser.label_studio import browser_page, log_in, open_next_task
from tests.conftest import connected

pytestmark = pytest.mark.studio

#: Paths that need no account.
PUBLIC = {"user-login", "user-signup", "logout", "health", "version", "api-version", "jwt_auth:token_refresh"}
#: Paths about oneself or about nothing.
HARMLESS = {
    *("main", "projects:project-index", "current-user-whoami", "current-user-token", "current-user-hotkeys"),
    *("product-tour", "session_policy:session-policy", "feature_flags", "heidi_tips"),
}
#: Pages and files that need no account.
FILES = ("^static", "^react-app", "^dm", "^label-studio-frontend", "^sw", "^favicon", "^data/")
#: Lists that are cut to what is one's own.
CUT = {"user-list", "projects:api:project-list", "projects:api:project-counts-list"}
#: Says which routes there are, then asks what it is told to: over HTTP, a thousand requests take minutes.
_INSIDE = """
import django, gc, json
gc.disable()
django.setup()
from django.test import Client
from django.urls import get_resolver
def walk(patterns, path, names):
    for p in patterns:
        here = path + str(p.pattern)
        if hasattr(p, "url_patterns"):
            yield from walk(p.url_patterns, here, names + ([p.namespace] if p.namespace else []))
        else:
            yield here, ":".join([*names, p.name or ""])
print(json.dumps(list(walk(get_resolver().url_patterns, "", []))))
client = Client(raise_request_exception=False)
for method, path, token in json.loads(input()):
    body = "" if method in ("GET", "HEAD") else "{}"
    sent = {"SERVER_NAME": "127.0.0.1", "HTTP_AUTHORIZATION": token, "content_type": "application/json"}
    answer = client.generic(method, path, body, **sent)
    print(answer.status_code)
"""


@dataclass
class World:
    """Two annotators, each with a project of two tasks; `ada` and `ben` speak for them."""

    sample: Any
    admin: Any
    url: str
    passwords: dict[str, str]
    ada: httpx.Client
    ben: httpx.Client
    project: dict[str, int]
    task: dict[str, int]
    annotation: dict[str, int]
    draft: dict[str, int]


def account(url: str, email: str, password: str) -> httpx.Client:
    token = token_of(url, email, password)
    headers = {"Authorization": f"Token {token}"}
    return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60)


def of(people: str) -> dict[str, str]:
    return {name: f"{name}@roles.example.org" for name in people.split()}


@pytest.fixture(scope="module")
def world(studio: Any) -> Iterator[World]:
    annotators = Annotators(layout="each", overlap=1, people=of("ada ben"))
    sample = studio.dataset(chunks=4, annotators=annotators)
    assert push(sample.config).roles
    with connected(sample.config) as (server, client):
        passwords = ensure_accounts(server.vault, client, pipeline.campaign(sample.config).people)
        who = {name: account(server.url, email, passwords[email]) for name, email in of("ada ben").items()}
        project = {slot: p.id for slot, p in projects_of(client, pipeline.campaign(sample.config)).items()}
        made: dict[str, dict[str, int]] = {"task": {}, "annotation": {}, "draft": {}}
        for name, speaker in who.items():
            tasks = client.get("api/tasks", {"project": project[name], "page_size": 10})["tasks"]
            made["task"][name] = tasks[0]["id"]
            sent = speaker.post(f"/api/tasks/{tasks[0]['id']}/annotations/", json={"result": [], "lead_time": 5})
            assert sent.status_code == 201, sent.text
            made["annotation"][name] = sent.json()["id"]
            sent = speaker.post(f"/api/tasks/{tasks[1]['id']}/drafts", json={"result": [], "lead_time": 5})
            assert sent.status_code == 201, sent.text
            made["draft"][name] = sent.json()["id"]
        yield World(sample, client, server.url, passwords, **who, project=project, **made)
        for speaker in who.values():
            speaker.close()


def address(path: str, world: World, name: str) -> str:
    """The path with the numbers of somebody's project, task, annotation and draft in it."""
    holder = next((kind for kind in ("annotation", "draft", "task") if f"api/{kind}s/" in path), "project")
    ids = {"annotation_id": world.annotation[name], "task_id": world.task[name], "pk": getattr(world, holder)[name]}
    filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(ids.get(m[1], 1)), path)
    filled = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda m: str(ids.get(m[1], 1)), filled)
    return "/" + re.sub(r"\\([.])", r"\1", filled).replace("^", "").replace("$", "").replace("/?", "/")


def test_every_path_and_method_is_refused_unless_it_is_listed(world: World) -> None:
    """Asked inside a Django process of the server's settings, on the server's database."""
    import label_studio

    vault = pipeline.campaign(world.sample.config).vault
    inner = environment(vault, "sqlite", "roles", os.environ)
    inner["PYTHONPATH"] = os.pathsep.join([inner["PYTHONPATH"], str(Path(label_studio.__file__).parent)])
    with subprocess.Popen(
        [sys.executable, "-c", _INSIDE], env=inner, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as inside:
        assert inside.stdout is not None
        found = next([tuple(row) for row in json.loads(line)] for line in inside.stdout if line.startswith("[["))
        assert set(ROUTES) <= {name for _, name in found}, "every listed route exists"
        assert len(found) > 150
        asked = [
            (method, f"{where}?project={world.project['ben']}&id=next_task", world.ada.headers["authorization"])
            for path, name in found
            if not path.startswith(
                ("^static", "^react-app", "^dm", "^label-studio-frontend", "^sw", "^favicon", "^data/")
            )
            for where in [address(path, world, "ben")]
            # The patterns of two public pages match wherever an address has the word.
            if "version/" not in where and "health/" not in where and name not in PUBLIC
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
            if not (name in HARMLESS and method in ("GET", "HEAD", "POST", "PATCH"))
            and not (name in CUT and method in ("GET", "HEAD"))
        ]
        answers, _ = inside.communicate(json.dumps(asked) + "\n")
    codes = [int(line) for line in answers.split()]
    assert len(codes) == len(asked)
    for request, code in zip(asked, codes, strict=True):
        assert code in (403, 404, 405), request
    assert codes.count(403) > 900
    for method, where, _ in asked[:: len(asked) // 20]:
        body = None if method in ("GET", "HEAD") else b"{}"
        answer = world.ada.request(method, where, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (403, 404, 405), "the server answers as well"
    kept = world.admin.get("api/tasks", {"project": world.project["ben"], "page_size": 10, "fields": "all"})["tasks"]
    assert [len(task["annotations"]) for task in kept] == [1, 0], "nothing of the other is gone"


def test_ones_own_work_goes_as_before(world: World) -> None:
    project, task, annotation = (getattr(world, kind)["ada"] for kind in ("project", "task", "annotation"))
    asked = {"project": project}
    own = [f"projects/{project}/", f"projects/{project}/next/", f"tasks/{task}/", f"tasks/{task}/annotations/"]
    own += [f"annotations/{annotation}/", f"tasks/{task}/drafts", "tasks/"]
    for path in [f"/api/{name}" for name in (*own, *(f"dm/{name}/" for name in ("project", "columns", "views")))]:
        assert world.ada.get(path, params=asked).status_code == 200, path
    sent = {"result": [], "lead_time": 9, "completed_by": world.ada.get("/api/current-user/whoami").json()["id"]}
    assert world.ada.patch(f"/api/annotations/{annotation}/", json=sent).status_code == 200
    queued = world.ada.post("/api/dm/actions/", params={"id": "next_task", **asked}, json={"project": project})
    assert queued.json()["data"]["chunk_id"]


def test_lists_show_ones_own_projects_and_no_address_of_others(world: World) -> None:
    listed = world.ada.get("/api/projects/").json()
    assert [p["id"] for p in listed["results"]] == [world.project["ada"]]
    assert listed["count"] == 1
    assert [u["email"] for u in world.ada.get("/api/users/").json()] == ["ada@roles.example.org"]
    for path in ("/api/projects/", "/api/users/", f"/api/projects/{world.project['ada']}/", "/api/current-user/whoami"):
        assert "ben@roles.example.org" not in world.ada.get(path).text
        assert "admin@builder.local" not in world.ada.get(path).text


@pytest.mark.parametrize(
    "sent",
    [
        {"completed_by": 1},
        {"task": 987_654},
        {"ground_truth": True},
        {"updated_by": 1},
        {"project": 987_654},
        {"anything": 1},
    ],
)
def test_an_annotation_names_its_author_and_task_alone(world: World, sent: dict[str, Any]) -> None:
    task, annotation = world.task["ada"], world.annotation["ada"]
    for method, path in (("POST", f"/api/tasks/{task}/annotations/"), ("PATCH", f"/api/annotations/{annotation}/")):
        assert world.ada.request(method, path, json={"result": [], **sent}).status_code == 403


def test_bodies_that_could_be_read_in_two_ways_are_refused(world: World) -> None:
    path = f"/api/tasks/{world.task['ada']}/annotations/"
    utf16 = json.dumps({"result": []}).encode("utf-16")
    for kind, body in (
        ("application/json; charset=utf-16", utf16),
        ("application/x-www-form-urlencoded", b"result=[]"),
    ):
        assert world.ada.post(path, content=body, headers={"Content-Type": kind}).status_code == 403
    own, other = world.project["ada"], world.project["ben"]
    listing = world.ada.request("GET", "/api/tasks/", params={"project": own}, json={"project": other})
    assert listing.status_code == 403


def test_others_answers_cannot_be_asked_for_by_filters(world: World) -> None:
    item = {"filter": "filter:tasks:annotations_results", "operator": "contains", "type": "String", "value": "favor"}
    query = json.dumps({"filters": {"conjunction": "and", "items": [item]}})
    assert world.ada.get("/api/tasks/", params={"project": world.project["ada"], "query": query}).status_code == 403


def test_in_a_shared_project_nobody_sees_what_others_answered(studio: Any) -> None:
    sample = studio.dataset(chunks=1, annotators=Annotators(overlap=2, people=of("cleo dan")))
    push(sample.config)
    with connected(sample.config) as (server, client):
        passwords = ensure_accounts(server.vault, client, pipeline.campaign(sample.config).people)
        cleo, dan = (account(server.url, email, passwords[email]) for email in of("cleo dan").values())
        project = projects_of(client, pipeline.campaign(sample.config))["all"].id
        (task,) = client.get("api/tasks", {"project": project})["tasks"]
        secret = {"result": [], "lead_time": 4321}
        with cleo, dan:
            mine = cleo.post(f"/api/tasks/{task['id']}/annotations/", json=secret).json()["id"]
            for path, asked in ((f"/api/tasks/{task['id']}/", {}), (f"/api/tasks/{task['id']}/annotations/", {}),
                                ("/api/tasks/", {"project": project, "fields": "all"}),
                                (f"/api/projects/{project}/next/", {})):  # fmt: skip
                answer = dan.get(path, params=asked)
                assert answer.status_code == 200, path
                assert "4321" not in answer.text, path
                assert "cleo" not in answer.text, path
            assert dan.get(f"/api/annotations/{mine}/").status_code == 403
            assert dan.patch(f"/api/annotations/{mine}/", json={"result": []}).status_code == 403
            assert dan.post(f"/api/tasks/{task['id']}/annotations/", json={"result": []}).status_code == 201
    assert pull(sample.config).record["counts"]["annotations"] == 2


def test_who_left_has_access_to_nothing(studio: Any) -> None:
    people = of("eva finn")
    sample = studio.dataset(chunks=2, annotators=Annotators(layout="each", overlap=1, people=people))
    push(sample.config)
    with connected(sample.config) as (server, client):
        passwords = ensure_accounts(server.vault, client, pipeline.campaign(sample.config).people)
        with account(server.url, people["finn"], passwords[people["finn"]]) as finn:
            project = projects_of(client, pipeline.campaign(sample.config))["finn"].id
            assert finn.get(f"/api/projects/{project}/").status_code == 200
            sample.config.annotators.people = of("eva")
            push(sample.config)
            assert finn.get(f"/api/projects/{project}/").status_code == 403


@pytest.mark.browser
def test_two_people_in_two_browsers_stay_with_their_own(world: World) -> None:
    refused: list[str] = []
    with browser_page() as ada:
        assert ada.context.browser is not None
        ben = ada.context.browser.new_context().new_page()
        for page, email in ((ada, "ada@roles.example.org"), (ben, "ben@roles.example.org")):
            log_in(page, world.url, email, world.passwords[email])
        ada.on("response", lambda r: refused.append(f"{r.request.method} {r.url}") if r.status == 403 else None)
        open_next_task(ada, f"{world.url}/projects/{world.project['ada']}")
        ada.locator("button:has-text('Submit')").wait_for()
        ada.goto(f"{world.url}/projects/{world.project['ada']}/data")
        ada.wait_for_selector("text=To do")
        ada.locator(".lsf-table, [class*=table]").first.wait_for()
        assert refused == [], "what annotating needs is open"
        ada.goto(f"{world.url}/projects/{world.project['ben']}/data?labeling=1")
        assert "own projects" in ada.inner_text("body")
        ada.goto(f"{world.url}/projects/{world.project['ada']}/settings")
        assert "own projects" in ada.inner_text("body")
        open_next_task(ben, f"{world.url}/projects/{world.project['ben']}")
