"""Roles on a Label Studio: annotators see and change what is theirs. This runs inside Label Studio, as middleware.

Open-source Label Studio lets every account see and change everything. Here managers (accounts with `is_staff`, as the
first account of a server has) still may. Everybody else is an annotator: every route that is not listed below is
refused, also those of later versions; a listed one is open only for projects that the account is a member of, and for
annotations and drafts of its own. Answers are cut to what is the annotator's own.

Managers set the members of projects, which Label Studio has a table for and nothing else that fills it:

    PUT /api/builder/members   {"projects": {"7": ["ada@example.org"]}}   every named project has exactly these members

Source: https://docs.djangoproject.com/en/5.1/topics/http/middleware/, and the routes of Label Studio 1.23.2
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.apps import apps
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from builder.studio.embedded import MEMBERS

_REFUSED = "On this server annotators have access to their own projects and annotations only."
#: Pages and files that need no account.
_FILES = ("^static/", "^react-app/", "^dm/", "^label-studio-frontend/", "^sw", "^favicon")
_PUBLIC = {"user-login", "user-signup", "logout", "health", "version", "jwt_auth:token_refresh"}
#: What may be sent of an annotation or a draft. Others' names, other tasks and ground truth may not.
_SENT = {
    *("id", "result", "lead_time", "draft_id", "draft", "parent_prediction", "parent_annotation", "started_at"),
    *("was_cancelled", "was_postponed", "unique_id", "project", "task", "completed_by", "annotation"),
}
#: What is shown of a task, besides one's own annotations and drafts.
_SHOWN = {
    *("id", "data", "meta", "project", "inner_id", "overlap", "predictions", "total_predictions", "created_at"),
    *("updated_at", "is_labeled", "queue", "unique_lock_id", "allow_skip", "state", "draft_exists"),
}
#: What tasks may be filtered and sorted by, besides their data: other columns would show what others answered.
_COLUMNS = ("id", "inner_id", "completed_at")

#: What an address names -> its model, and the columns with its project, its task and its owner.
_NAMED = {
    "project": ("projects.Project", "id", "id", ""),
    "task": ("tasks.Task", "project_id", "id", ""),
    "view": ("data_manager.View", "project_id", "id", ""),
    "annotation": ("tasks.Annotation", "project_id", "task_id", "completed_by_id"),
    "draft": ("tasks.AnnotationDraft", "task__project_id", "task_id", "user_id"),
}
#: By route and method, what must be the annotator's own; everything else is refused. "anything" is cut to what is one's
#: own, or concerns nobody; "query" is a project that the query names; "next" asks there for the next task.
ROUTES: dict[str, dict[str, str]] = {
    "main": {"GET": "anything"},
    "projects:project-index": {"GET": "anything"},
    "data_manager:project-data": {"GET": "project"},
    "projects:api:project-list": {"GET": "anything"},
    "projects:api:project-counts-list": {"GET": "anything"},
    "projects:api:project-detail": {"GET": "project"},
    "projects:api:project-next": {"GET": "project"},
    "projects:api:label-stream-history": {"GET": "project"},
    "data_manager:dm-project": {"GET": "query"},
    "data_manager:dm-columns": {"GET": "query"},
    "data_manager:dm-actions": {"GET": "query", "POST": "next"},
    "data_manager:api:view-list": {"GET": "query"},
    "data_manager:api:view-detail": {"GET": "view"},
    "tasks:api:task-list": {"GET": "query"},
    "tasks:api:task-detail": {"GET": "task"},
    "tasks:api:task-annotations": {"GET": "task", "POST": "task"},
    "tasks:api:task-drafts": {"GET": "task", "POST": "task"},
    "tasks:api:task-annotations-drafts": {"GET": "annotation", "POST": "annotation"},
    "tasks:api-annotations:annotation-detail": {"GET": "annotation", "PATCH": "annotation"},
    "tasks:api-drafts:draft-detail": {"GET": "draft", "PATCH": "draft", "DELETE": "draft"},
    "ml:api:ml-list": {"GET": "query"},
    "labels_manager:api-labels:label_link-list": {"GET": "query"},
    "user-list": {"GET": "anything"},
    "current-user-whoami": {"GET": "anything"},
    "current-user-token": {"GET": "anything"},
    "current-user-hotkeys": {"GET": "anything", "PATCH": "anything"},
    "product-tour": {"GET": "anything", "PATCH": "anything"},
    "session_policy:session-policy": {"GET": "anything"},
    "feature_flags": {"GET": "anything"},
    "heidi_tips": {"GET": "anything"},
}
#: Where the tasks of an answer are: under a name, or the answer is one.
_TASKS = {
    "tasks:api:task-list": "tasks",
    **dict.fromkeys(("tasks:api:task-detail", "projects:api:project-next", "data_manager:dm-actions"), ""),
}
#: Answers that are lists of annotations or drafts.
_WORK = {"tasks:api:task-annotations", "tasks:api:task-drafts", "tasks:api:task-annotations-drafts"}
_LISTED = {"projects:api:project-list", "projects:api:project-counts-list"}


Row = Mapping[str, Any]


class Asked:
    """One request of an annotator."""

    def __init__(self, request: HttpRequest, user: Any, kwargs: Row) -> None:
        self.request, self.user, self.kwargs = request, user, kwargs

    def is_own(self, what: str) -> bool:
        """True when the annotator may open what the request is about, and writes nothing but own work there."""
        if what == "anything":
            return True
        if what in ("query", "next"):
            is_next = self.request.GET.get("id") == "next_task" and is_plain_query(self._body())
            return self._names_project() and (what == "query" or is_next)
        model, *columns, owner = _NAMED[what]
        number = self.kwargs.get("annotation_id", self.kwargs["pk"])
        project, task, author = _row(model, number, *columns, owner or "id")
        if not self.is_member(project) or (owner and author != self.user.pk):
            return False
        return self.request.method not in ("POST", "PATCH") or self._writes(project, task)

    def is_member(self, project: Any) -> bool:
        if not str(project or "").isdecimal():
            return False
        return bool(_members().filter(user=self.user, project_id=int(project), enabled=True).exists())

    def _names_project(self) -> bool:
        """The query names a project; a view that it names is in it, and it sorts and filters by nothing secret."""
        asked = self.request.GET
        project, view = asked.get("project"), asked.get("view")
        if view not in (None, "0") and project != str(_row("data_manager.View", view, "project_id")[0]):
            return False
        return self.is_member(project) and is_plain_query(_json(asked.get("query") or "{}"))

    def _writes(self, project: int, task: int) -> bool:
        """The body holds an annotation or a draft on this task, by its author."""
        body = self._body()
        if not isinstance(body, dict):
            return False
        mine: dict[str, Callable[[Any], bool]] = {
            "task": lambda given: str(given) == str(task),
            "project": lambda given: str(given) == str(project),
            "completed_by": lambda given: given == self.user.pk,
            "annotation": lambda given: (
                given is None or self.user.pk == _row("tasks.Annotation", given, "completed_by_id")[0]
            ),
        }
        return set(body) <= _SENT and all(mine[name](value) for name, value in body.items() if name in mine)

    def _body(self) -> Any:
        """The decoded body; None when it is not plain JSON, which a view could read in another way."""
        if self.request.content_type != "application/json":
            return None if self.request.body else {}
        charset = self.request.content_params.get("charset", "utf-8")
        return _json(self.request.body or b"{}") if charset.lower() in ("utf-8", "utf8") else None


class Guard:
    """The middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.strip("/") == MEMBERS:
            return set_members(request)
        answer = self._get_response(request)
        cut = getattr(request, "builder_cut", None)
        if cut is not None and not answer.streaming and answer.get("Content-Type", "").startswith("application/json"):
            found = _json(answer.content)
            if answer.status_code < 400 and found is not None:
                answer.content = json.dumps(cut(found))
        return answer

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, kwargs: Row) -> HttpResponse | None:
        """None lets the request through."""
        route, user = request.resolver_match, user_of(request)
        name = route.view_name
        if is_manager(user) or route.route.startswith(_FILES) or name in _PUBLIC:
            return None
        if not user.is_authenticated:
            is_page = not request.path_info.startswith("/api/") and name in ROUTES
            return HttpResponseRedirect("/user/login/") if is_page else _refuse("Log in first.", 401)
        method = "GET" if request.method == "HEAD" else str(request.method)
        what = ROUTES.get(name, {}).get(method)
        # The body of a GET could name another project than its query does.
        if what is None or not Asked(request, user, kwargs).is_own(what) or (method == "GET" and request.body):
            return _refuse(_REFUSED, 403)
        if name in _LISTED:
            # Filtered by the database, so that pages and counts are right.
            mine = [str(n) for n in _members().filter(user=user, enabled=True).values_list("project_id", flat=True)]
            request.GET = request.GET.copy()
            request.GET["ids"] = ",".join(mine) or "0"
        request.builder_cut = lambda answer: own_part(name, answer, user.pk, user.email)
        return None


def is_plain_query(query: Any) -> bool:
    """True when a query of the data manager filters and sorts by nothing but what the task shows.

    >>> is_plain_query({"ordering": ["-tasks:id"]}), is_plain_query({"ordering": ["tasks:annotations_results"]})
    (True, False)
    """
    if not isinstance(query, dict):
        return False
    filters, ordering = query.get("filters") or {}, query.get("ordering") or []
    if not isinstance(filters, dict) or not isinstance(ordering, list):
        return False
    items = filters.get("items") or []
    # Filters may have others inside.
    if not all(isinstance(item, dict) and not item.get("child_filter") for item in items):
        return False
    named = [str(item.get("filter")).removeprefix("filter:") for item in items]
    names = [name.removeprefix("-").removeprefix("tasks:") for name in [*named, *map(str, ordering)]]
    return all(name in _COLUMNS or name.startswith("data.") for name in names)


def own_part(route: str, answer: Any, user: int, email: str) -> Any:
    """What an annotator may see of an answer: nobody else's annotations, drafts or address."""
    if route in ("ml:api:ml-list", "labels_manager:api-labels:label_link-list"):
        return []
    if route == "user-list":
        return _without_addresses([row for row in answer if row.get("id") == user], email)
    if route in _WORK and isinstance(answer, list):
        answer = [row for row in answer if _is_own(row, user, email)]
    if route in _TASKS and isinstance(answer, dict):
        name = _TASKS[route]
        shown = {name: [_task(t, user, email) for t in answer[name]]} if name else _task(answer, user, email)
        answer = {**answer, **shown} if name else shown
    return _without_addresses(answer, email)


def user_of(request: HttpRequest) -> Any:
    """Who asks, as the views of Label Studio find it out: by session or by token."""
    from django.contrib.auth.models import AnonymousUser
    from rest_framework.exceptions import APIException
    from rest_framework.views import APIView

    try:
        return APIView().initialize_request(request).user
    except APIException:
        return AnonymousUser()


def is_manager(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_staff)


def set_members(request: HttpRequest) -> HttpResponse:
    """Every project that the request names has exactly the members that it names, by e-mail address."""
    from django.db import transaction

    # A page elsewhere could make a browser send its session, but never a token.
    if "Authorization" not in request.headers or not is_manager(user_of(request)):
        return _refuse("Only managers set the members of projects, with their token.", 403)
    if request.method == "GET":
        return JsonResponse({"roles": True})
    body = _json(request.body)
    wanted = body.get("projects") if isinstance(body, dict) else None
    if request.method != "PUT" or not isinstance(wanted, dict) or not all(map(str.isdecimal, wanted)):
        return _refuse('Send {"projects": {"7": ["ada@example.org"]}} by PUT.', 400)
    users = {user.email.lower(): user for user in apps.get_model("users.User").objects.all()}
    if unknown := sorted({email for some in wanted.values() for email in some if email.lower() not in users}):
        return _refuse(f"There is no account of {', '.join(unknown)}.", 400)
    with transaction.atomic():
        for project, emails in wanted.items():
            _set_members(int(project), {users[email.lower()].pk for email in emails})
    return JsonResponse({"roles": True})


def _set_members(project: int, users: Collection[int]) -> None:
    there = _members().filter(project_id=project)
    there.exclude(user_id__in=users).delete()
    missing = set(users) - set(there.values_list("user_id", flat=True))
    model = apps.get_model("projects.ProjectMember")
    model.objects.bulk_create([model(project_id=project, user_id=user) for user in missing])
    there.filter(enabled=False).update(enabled=True)


def _task(task: dict[str, Any], user: int, email: str) -> dict[str, Any]:
    kept = {name: value for name, value in task.items() if name in _SHOWN}
    for name in ("annotations", "drafts"):
        if isinstance(task.get(name), list):
            kept[name] = [row for row in task[name] if _is_own(row, user, email)]
    return kept


def _is_own(row: Row, user: int, email: str) -> bool:
    """True for an annotation or draft of this user; drafts name people by their address."""
    who = row.get("completed_by", row.get("user"))
    return (who.get("id") if isinstance(who, dict) else who) in (user, email)


def _without_addresses(value: Any, email: str) -> Any:
    if isinstance(value, list):
        return [_without_addresses(item, email) for item in value]
    if isinstance(value, dict):
        if value.get("email", email) != email:
            return {"id": value.get("id")}
        return {name: _without_addresses(item, email) for name, item in value.items()}
    return value


def _row(model: str, number: Any, *columns: str) -> tuple[Any, ...]:
    """Columns of the row with this id; None where there is none."""
    nothing = (None,) * len(columns)
    if not str(number).isdecimal():
        return nothing
    return apps.get_model(model).objects.filter(pk=int(number)).values_list(*columns).first() or nothing


def _members() -> Any:
    return apps.get_model("projects.ProjectMember").objects


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _refuse(why: str, status: int) -> HttpResponse:
    return JsonResponse({"detail": why}, status=status)
