"""An in-memory Label Studio over HTTP, as far as the builder uses one, with faults on demand.

What it does was seen on Label Studio 1.23.2: imports are atomic and allow duplicates, a listing shows only one's own
drafts, deleting drafts and adding predictions in bulk leave no date on a task, saving an annotation deletes the drafts
that would change it, and a labeling configuration is refused when annotations, or labels ever saved in drafts, do not
fit it.
"""

import json
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "0" * 40
_PAGE = '<form><input name="csrfmiddlewaretoken" value="abc"><p class="field_error">{}</p></form>'


@dataclass
class Fault:
    """Something that goes wrong with the next requests of this method and path (a regular expression).

    Kinds: "before" (the connection ends and nothing was done), "after" (it was done), "late" (the connection ends, and
    it is done after `delay` more requests), "500", "500-after", "413", "bare" (an import loses its predictions),
    "short" (an answer of success in which the task ids are missing).
    """

    kind: str
    method: str
    path: str
    times: int = 1
    delay: int = 3


class Refusal(Exception):
    """An answer of no."""

    def __init__(self, status: int, detail: Any) -> None:
        self.status = status
        self.body = {"detail": detail} if isinstance(detail, str) else detail


@dataclass
class FakeLabelStudio:
    """The state of the server; `url` once `start` was called."""

    url: str = ""
    now: datetime = datetime(2026, 3, 2, 9, tzinfo=UTC)
    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    users: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    #: Method, path and parameters of every request.
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    #: Called with method and path before each request is handled.
    before: Callable[[str, str], None] | None = None
    #: Project id -> the addresses of its members; None on a server without roles.
    members: dict[str, list[str]] | None = None
    #: Sign-ups are refused with this message.
    no_sign_up: str = ""
    _late: list[tuple[int, Callable[[], Any]]] = field(default_factory=list)
    _ids: dict[str, int] = field(default_factory=dict)
    _summary: dict[int, set[tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.add_user("admin@builder.local", "admin", TOKEN)

    # What tests use.

    def start(self, port: int = 0) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                fake.respond(self, self.rfile.read(length))

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def runs(self) -> bool:
        """True between `start` and `stop`."""
        return self.http.socket.fileno() >= 0

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def add_user(self, email: str, password: str = "", token: str = "") -> dict[str, Any]:
        number = self._next("user")
        self.users.append({"id": number, "email": email, "password": password, "token": token or f"{number:040d}"})
        return self.users[-1]

    def add_tasks(self, project: int, *bodies: dict[str, Any]) -> list[int]:
        return [self._add_task(project, body) for body in bodies]

    def annotate(self, task: int, result: list[Any] | None = None, user: int = 1, **more: Any) -> dict[str, Any]:
        made = {
            "id": self._next("annotation"),
            "task": task,
            "result": result or [],
            "completed_by": user,
            "updated_by": user,
            "was_cancelled": False,
            "ground_truth": False,
            "created_at": self._stamp(),
            "updated_at": self._stamp(),
            "draft_created_at": None,
            "lead_time": None,
            "parent_prediction": None,
            "parent_annotation": None,
            "import_id": None,
            "last_action": None,
            "unique_id": None,
            **more,
        }
        self.tasks[task]["annotations"].append(made)
        self._touch(task)
        return made

    def draft(self, task: int, result: list[Any], user: int = 1, annotation: int | None = None) -> dict[str, Any]:
        made = {
            "id": self._next("draft"),
            "result": result,
            "user": self._email(user),
            "annotation": annotation,
            "created_at": self._stamp(),
            "updated_at": self._stamp(),
            "lead_time": 1,
            "task": task,
        }
        self.tasks[task]["drafts"].append(made)
        self._summary[self.tasks[task]["project"]] |= set(_used(result))
        return made

    def delete_task(self, task: int) -> None:
        del self.tasks[task]

    def predict(self, task: int, **more: Any) -> None:
        """As in bulk: the task gets no new date."""
        stamp = self._stamp()
        made = {"id": self._next("prediction"), "task": task, "result": [], "model_version": "", "score": None}
        self.tasks[task]["predictions"].append({**made, "created_at": stamp, "updated_at": stamp, **more})

    def of(self, project: int) -> list[dict[str, Any]]:
        return [task for _, task in sorted(self.tasks.items()) if task["project"] == project]

    def requests(self, method: str, path: str) -> int:
        return sum(m == method and re.fullmatch(path, p) is not None for m, p, _ in self.asked)

    # Requests.

    def respond(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        address = urlsplit(handler.path)
        params = {key: values[0] for key, values in parse_qs(address.query).items()}
        with self.lock:
            method, path = handler.command, address.path
            self.asked.append((method, path, params))
            self._late = [(left - 1, act) for left, act in self._late]
            for _, act in [late for late in self._late if late[0] <= 0]:
                act()
            self._late = [late for late in self._late if late[0] > 0]
            if self.before:
                self.before(method, path)
            fault = next((f for f in self.faults if f.method == method and re.search(f.path, path)), None)
            if fault:
                fault.times -= 1
                self.faults = [f for f in self.faults if f.times > 0]
            kind = fault.kind if fault else ""
            if kind == "late" and fault:
                self._late.append((fault.delay, lambda: self._act(handler, method, path, params, body)))
            if kind in ("before", "late"):
                handler.close_connection = True
                return
            headers: dict[str, str] = {}
            try:
                if kind in ("500", "413"):
                    raise Refusal(int(kind), "injected")
                status, answer = self._act(handler, method, path, params, body, bare=kind == "bare", headers=headers)
                if kind == "500-after":
                    raise Refusal(500, "injected")
            except Refusal as e:
                status, answer = e.status, e.body
            if kind == "short":
                answer = {**answer, "task_ids": []}
            if kind == "after":
                handler.close_connection = True
                return
        content = answer.encode() if isinstance(answer, str) else b"" if status == 204 else json.dumps(answer).encode()
        handler.send_response_only(status)
        handler.send_header("Date", format_datetime(self.now, usegmt=True))
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _act(
        self,
        handler: BaseHTTPRequestHandler,
        method: str,
        path: str,
        params: dict[str, str],
        body: bytes,
        bare: bool = False,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        if path == "/health":
            return 200, {"status": "UP"}
        if path.startswith("/user/"):
            return self._page(path, method, params, body, {} if headers is None else headers)
        user = self._user(handler)
        if user is None:
            raise Refusal(401, "Invalid token.")
        for known, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, path)
            if known == method and found:
                given = json.loads(body) if body else None
                numbers = [int(group) for group in found.groups()]
                more = {"bare": bare} if name == "_import" else {}
                return getattr(self, name)(*numbers, given=given, params=params, user=user, **more)  # type: ignore[no-any-return]
        raise Refusal(404, "Not found.")

    def _user(self, handler: BaseHTTPRequestHandler) -> dict[str, Any] | None:
        token = handler.headers.get("Authorization", "").removeprefix("Token ")
        cookie = SimpleCookie(handler.headers.get("Cookie", "")).get("sessionid")
        session = cookie.value if cookie else ""
        return next((u for u in self.users if u["token"] == token or u["email"] == session), None)

    def _page(
        self, path: str, method: str, params: dict[str, str], body: bytes, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if method == "GET":
            return 200, _PAGE.format("")
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if form.get("csrfmiddlewaretoken") != "abc":
            raise Refusal(403, "CSRF")
        if path == "/user/signup/":
            if params.get("token") != "invitation" or self.no_sign_up:
                return 200, _PAGE.format(self.no_sign_up or "no <b>invitation</b>")
            self.add_user(form["email"].lower(), form["password"])
        elif any(u["email"] == form["email"].lower() and u["password"] == form["password"] for u in self.users):
            headers["Set-Cookie"] = f"sessionid={form['email'].lower()}; Path=/"
        return 200, _PAGE.format("")

    def _version(self, **_: Any) -> tuple[int, Any]:
        return 200, {"release": "1.23.2"}

    def _whoami(self, *, user: dict[str, Any], **_: Any) -> tuple[int, Any]:
        return 200, {"id": user["id"], "email": user["email"]}

    def _token(self, *, user: dict[str, Any], **_: Any) -> tuple[int, Any]:
        return 200, {"token": user["token"]}

    def _list_users(self, **_: Any) -> tuple[int, Any]:
        return 200, [{"id": u["id"], "email": u["email"]} for u in self.users]

    def _set_members(self, *, given: dict[str, Any], **_: Any) -> tuple[int, Any]:
        if self.members is None:
            raise Refusal(404, "Not found.")
        known = {u["email"].lower() for u in self.users}
        if unknown := {e for some in given["projects"].values() for e in some if e.lower() not in known}:
            raise Refusal(400, f"There is no account of {', '.join(sorted(unknown))}.")
        self.members |= given["projects"]
        return 200, {"roles": True}

    def _has_roles(self, **_: Any) -> tuple[int, Any]:
        if self.members is None:
            raise Refusal(404, "Not found.")
        return 200, {"roles": True}

    def _invite(self, **_: Any) -> tuple[int, Any]:
        return 200, {"token": "invitation"}

    def _list_projects(self, *, params: dict[str, str], **_: Any) -> tuple[int, Any]:
        page, size = int(params.get("page", 1)), int(params.get("page_size", 30))
        rows = sorted(self.projects.values(), key=lambda p: -int(p["id"]))
        some = rows[(page - 1) * size : page * size]
        if page > 1 and not some:
            raise Refusal(404, "Invalid page.")
        names = params["include"].split(",") if "include" in params else None
        results = [{k: v for k, v in self._shown(p).items() if names is None or k in names} for p in some]
        return 200, {"count": len(rows), "next": None, "previous": None, "results": results}

    def _create_project(self, *, given: dict[str, Any], **_: Any) -> tuple[int, Any]:
        number = self._next("project")
        usual = {"title": "", "label_config": "<View></View>", "maximum_annotations": 1, "description": ""}
        self.projects[number] = {**usual, **given, "id": number}
        self._summary[number] = set()
        return 201, self._shown(self.projects[number])

    def _get_project(self, number: int, **_: Any) -> tuple[int, Any]:
        return 200, self._shown(self._project(number))

    def _change_project(self, number: int, *, given: dict[str, Any], **_: Any) -> tuple[int, Any]:
        project = self._project(number)
        if "label_config" in given:
            known = _known(given["label_config"])
            used = {pair for t in self.of(number) for a in t["annotations"] for pair in _used(a["result"])}
            for control, label in sorted((used | self._summary[number]) - known):
                raise Refusal(400, {"validation_errors": {"label_config": [f"from_name={control} has {label}"]}})
        project.update(given)
        return 200, self._shown(project)

    def _delete_project(self, number: int, **_: Any) -> tuple[int, Any]:
        self._project(number)
        del self.projects[number]
        for task in self.of(number):
            del self.tasks[task["id"]]
        return 204, None

    def _import(
        self, number: int, *, given: list[Any], params: dict[str, str], bare: bool, **_: Any
    ) -> tuple[int, Any]:
        self._project(number)
        if bare:
            given = [{"data": body["data"]} for body in given]
        made = [self._add_task(number, body) for body in given]
        predictions = sum(len(body.get("predictions", ())) for body in given)
        answer = {"task_count": len(made), "annotation_count": 0, "prediction_count": predictions}
        return 201, answer | ({"task_ids": made} if params.get("return_task_ids") == "true" else {})

    def _import_predictions(self, number: int, *, given: list[Any], **_: Any) -> tuple[int, Any]:
        for row in given:
            assert self.tasks[row["task"]]["project"] == number
            self.predict(row["task"], **{k: v for k, v in row.items() if k != "task"})
        return 201, {"created": len(given)}

    def _list_views(self, *, params: dict[str, str], **_: Any) -> tuple[int, Any]:
        return 200, [view for view in self.views if view["project"] == int(params["project"])]

    def _add_view(self, *, given: dict[str, Any], **_: Any) -> tuple[int, Any]:
        self.views.append({"id": self._next("view"), **given})
        return 201, self.views[-1]

    def _action(self, *, given: dict[str, Any], params: dict[str, str], **_: Any) -> tuple[int, Any]:
        assert params["id"] == "delete_tasks_predictions"
        for number in given["selectedItems"]["included"]:
            assert self.tasks[number]["project"] == int(params["project"])
            self.tasks[number]["predictions"] = []
        return 200, {}

    def _model_versions(self, number: int, **_: Any) -> tuple[int, Any]:
        made = [p for t in self.of(number) for p in t["predictions"]]
        versions = sorted({p["model_version"] for p in made})
        rows = []
        for version in versions:
            same = [p for p in made if p["model_version"] == version]
            latest = max(p["created_at"] for p in same)
            rows.append({"model_version": version, "count": len(same), "latest": latest})
        return 200, {"static": rows, "live": None}

    def _reset_summary(self, number: int, **_: Any) -> tuple[int, Any]:
        self._summary[number] = {pair for t in self.of(number) for d in t["drafts"] for pair in _used(d["result"])}
        return 200, {}

    def _list_tasks(self, *, params: dict[str, str], user: dict[str, Any], **_: Any) -> tuple[int, Any]:
        query = json.loads(params.get("query", "{}"))
        tasks = self.of(int(params["project"]))
        totals = {"total_predictions": sum(len(t["predictions"]) for t in tasks)}
        totals["total_annotations"] = sum(not a["was_cancelled"] for t in tasks for a in t["annotations"])
        if "filters" in query:
            combine = all if query["filters"]["conjunction"] == "and" else any
            tasks = [t for t in tasks if combine(self._passes(t, item) for item in query["filters"]["items"])]
        if "selectedItems" in query:
            assert query["selectedItems"]["all"] is False
            tasks = [t for t in tasks if t["id"] in query["selectedItems"]["included"]]
        if query.get("ordering") == ["-tasks:id"]:
            tasks = tasks[::-1]
        size, page = int(params["page_size"]), int(params["page"])
        some = tasks[(page - 1) * size : page * size]
        if page > 1 and not some:
            raise Refusal(404, "Invalid page.")
        names = params["include"].split(",") if "include" in params else None
        shown = [self._listed(t, names, params.get("expand") == "annotations") for t in some]
        return 200, {"tasks": shown, "total": len(tasks), **totals}

    def _passes(self, task: dict[str, Any], item: dict[str, Any]) -> bool:
        column, operator, value = item["filter"].removeprefix("filter:tasks:"), item["operator"], item["value"]
        if column == "data.chunk_id" and operator == "in_list" and item["type"] == "String":
            return task["data"].get("chunk_id") in value
        if column == "updated_at" and operator == "greater" and item["type"] == "Datetime":
            return bool(task["updated_at"] > value)
        if column == "draft_exists" and operator == "equal" and item["type"] == "Boolean":
            return bool(task["drafts"]) == value
        raise AssertionError(item)

    def _listed(self, task: dict[str, Any], names: list[str] | None, expand: bool) -> dict[str, Any]:
        cancelled = sum(bool(a["was_cancelled"]) for a in task["annotations"])
        row = {
            **{key: task[key] for key in ("id", "data", "meta", "annotations", "predictions", "updated_at")},
            "draft_exists": bool(task["drafts"]),
            "total_annotations": len(task["annotations"]) - cancelled,
            "cancelled_annotations": cancelled,
            "total_predictions": len(task["predictions"]),
        }
        if names is None:
            return row
        nested = [name.removeprefix("annotations.") for name in names if name.startswith("annotations.")]
        top = {name.split(".")[0] for name in names}
        keys = nested if expand else names
        for kind in ("annotations", "predictions"):
            wanted = keys if kind == "annotations" else names
            row[kind] = [{k: v for k, v in made.items() if k in wanted} for made in row[kind]]
        return {key: value for key, value in row.items() if key in top}

    def _get_task(self, number: int, **_: Any) -> tuple[int, Any]:
        task = self._task(number)
        # Drafts of others are not shown here.
        return 200, {**task, "drafts": []}

    def _delete_task(self, number: int, **_: Any) -> tuple[int, Any]:
        self._task(number)
        self.delete_task(number)
        return 204, None

    def _list_annotations(self, number: int, **_: Any) -> tuple[int, Any]:
        return 200, self._task(number)["annotations"]

    def _create_annotation(
        self, number: int, *, given: dict[str, Any], params: dict[str, str], user: dict[str, Any], **_: Any
    ) -> tuple[int, Any]:
        task = self._task(number)
        assert int(params.get("project", task["project"])) == task["project"]
        everyone = [a for t in self.tasks.values() for a in t["annotations"]]
        if given.get("unique_id") and any(a["unique_id"] == given["unique_id"] for a in everyone):
            raise Refusal(409, "unique_id exists")
        made = {"updated_by": user["id"], **given}
        return 201, self.annotate(number, user=made.pop("completed_by", user["id"]), **made)

    def _list_drafts(self, number: int, **_: Any) -> tuple[int, Any]:
        return 200, self._task(number)["drafts"]

    def _get_annotation(self, number: int, **_: Any) -> tuple[int, Any]:
        return 200, self._find("annotations", number)[1]

    def _change_annotation(
        self, number: int, *, given: dict[str, Any], user: dict[str, Any], **_: Any
    ) -> tuple[int, Any]:
        task, made = self._find("annotations", number)
        if "task" in given:
            task["annotations"].remove(made)
            self._touch(task["id"])
            task = self._task(given["task"])
            task["annotations"].append(made)
        if "result" in given:
            task["drafts"] = [d for d in task["drafts"] if d["annotation"] != number]
        made.update(given, updated_at=self._stamp(), updated_by=user["id"])
        self._touch(task["id"])
        return 200, made

    def _get_prediction(self, number: int, **_: Any) -> tuple[int, Any]:
        return 200, self._find("predictions", number)[1]

    def _change_prediction(self, number: int, *, given: dict[str, Any], **_: Any) -> tuple[int, Any]:
        task, made = self._find("predictions", number)
        made.update(given)
        self._touch(task["id"])
        return 200, made

    def _change_draft(self, number: int, *, given: dict[str, Any], **_: Any) -> tuple[int, Any]:
        task, made = self._find("drafts", number)
        made.update(given)
        self._summary[task["project"]] |= set(_used(made["result"]))
        return 200, made

    # State.

    def _add_task(self, project: int, body: dict[str, Any]) -> int:
        number = self._next("task")
        self.tasks[number] = {"id": number, "project": project, "data": body["data"], "meta": {}, "annotations": []}
        self.tasks[number] |= {"predictions": [], "drafts": [], "updated_at": self._stamp()}
        for prediction in body.get("predictions", ()):
            self.predict(number, **prediction)
        return number

    def _project(self, number: int) -> dict[str, Any]:
        if number not in self.projects:
            raise Refusal(404, "No Project matches the given query.")
        return self.projects[number]

    def _task(self, number: int) -> dict[str, Any]:
        if number not in self.tasks:
            raise Refusal(404, "No Task matches the given query.")
        return self.tasks[number]

    def _find(self, kind: str, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        for task in self.tasks.values():
            for made in task[kind]:
                if made["id"] == number:
                    return task, made
        raise Refusal(404, "Not found.")

    def _shown(self, project: dict[str, Any]) -> dict[str, Any]:
        made = [a for t in self.of(project["id"]) for a in t["annotations"]]
        skipped = sum(bool(a["was_cancelled"]) for a in made)
        counts = {"task_number": len(self.of(project["id"])), "skipped_annotations_number": skipped}
        return {**project, **counts, "total_annotations_number": len(made) - skipped}

    def _touch(self, task: int) -> None:
        self.tasks[task]["updated_at"] = self._stamp()

    def _stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def tick(self, seconds: float = 1) -> None:
        self.now += timedelta(seconds=seconds)

    def _email(self, user: int) -> str:
        return next(str(u["email"]) for u in self.users if u["id"] == user)

    def _next(self, kind: str) -> int:
        self._ids[kind] = self._ids.get(kind, 0) + 1
        return self._ids[kind]


_ROUTES = [
    ("GET", "/api/version", "_version"),
    ("GET", "/api/current-user/whoami", "_whoami"),
    ("GET", "/api/current-user/token", "_token"),
    ("GET", "/api/users/?", "_list_users"),
    ("GET", "/api/invite", "_invite"),
    ("GET", "/api/builder/members", "_has_roles"),
    ("PUT", "/api/builder/members", "_set_members"),
    ("GET", "/api/projects/", "_list_projects"),
    ("POST", "/api/projects/", "_create_project"),
    ("GET", r"/api/projects/(\d+)/", "_get_project"),
    ("PATCH", r"/api/projects/(\d+)/", "_change_project"),
    ("DELETE", r"/api/projects/(\d+)/", "_delete_project"),
    ("POST", r"/api/projects/(\d+)/import", "_import"),
    ("POST", r"/api/projects/(\d+)/import/predictions", "_import_predictions"),
    ("GET", r"/api/projects/(\d+)/model-versions", "_model_versions"),
    ("POST", r"/api/projects/(\d+)/summary/reset/", "_reset_summary"),
    ("POST", "/api/dm/actions", "_action"),
    ("GET", "/api/dm/views", "_list_views"),
    ("POST", "/api/dm/views", "_add_view"),
    ("GET", "/api/tasks", "_list_tasks"),
    ("GET", r"/api/tasks/(\d+)/", "_get_task"),
    ("DELETE", r"/api/tasks/(\d+)/", "_delete_task"),
    ("GET", r"/api/tasks/(\d+)/annotations/", "_list_annotations"),
    ("POST", r"/api/tasks/(\d+)/annotations/", "_create_annotation"),
    ("GET", r"/api/tasks/(\d+)/drafts", "_list_drafts"),
    ("GET", r"/api/annotations/(\d+)/", "_get_annotation"),
    ("PATCH", r"/api/annotations/(\d+)/", "_change_annotation"),
    ("GET", r"/api/predictions/(\d+)/", "_get_prediction"),
    ("PATCH", r"/api/predictions/(\d+)/", "_change_prediction"),
    ("PATCH", r"/api/drafts/(\d+)/", "_change_draft"),
]


def _used(result: list[Any]) -> Iterator[tuple[str, str]]:
    """Control and label of each item of a result."""
    for item in result:
        for label in item["value"].get("labels") or item["value"].get("choices") or ():
            yield item["from_name"], label


def _known(label_config: str) -> set[tuple[str, str]]:
    """Control and label that a labeling configuration allows."""
    return {
        (control.get("name", ""), child.get("alias") or child.get("value", ""))
        for control in ET.fromstring(label_config).iter()
        if control.tag in ("Labels", "Choices")
        for child in control.iter()
        if child.tag in ("Label", "Choice")
    }
