"""Django with the tables of Label Studio that the guard reads, in memory: a second instead of a server's minute.

Names of models and columns are those of Label Studio 1.23.2; tests/integration/test_roles.py asks the real ones.
"""

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("django", reason="Label Studio is not installed: pip install -e '.[studio]'")

import django
from django.conf import settings
from django.db import models
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [f"{__name__}.ByToken"]},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
)
django.setup()


class User(models.Model):
    email = models.TextField()
    is_staff = models.BooleanField(default=False)
    is_authenticated = True

    class Meta:
        app_label = "users"


class Project(models.Model):
    class Meta:
        app_label = "projects"


class ProjectMember(models.Model):
    user = models.ForeignKey(User, models.CASCADE)
    project = models.ForeignKey(Project, models.CASCADE)
    enabled = models.BooleanField(default=True)

    class Meta:
        app_label = "projects"


class View(models.Model):
    project = models.ForeignKey(Project, models.CASCADE)

    class Meta:
        app_label = "data_manager"


class Task(models.Model):
    project = models.ForeignKey(Project, models.CASCADE)

    class Meta:
        app_label = "tasks"


class Annotation(models.Model):
    project = models.ForeignKey(Project, models.CASCADE)
    task = models.ForeignKey(Task, models.CASCADE)
    completed_by = models.ForeignKey(User, models.CASCADE)

    class Meta:
        app_label = "tasks"


class AnnotationDraft(models.Model):
    task = models.ForeignKey(Task, models.CASCADE)
    user = models.ForeignKey(User, models.CASCADE)

    class Meta:
        app_label = "tasks"


MODELS: tuple[Any, ...] = (User, Project, ProjectMember, View, Task, Annotation, AnnotationDraft)
#: As `django.apps.apps`, with the models above.
APPS = SimpleNamespace(get_model={f"{model._meta.app_label}.{model.__name__}": model for model in MODELS}.__getitem__)


class ByToken(BaseAuthentication):
    """`Authorization: Token <id of a user>`."""

    def authenticate(self, request: Any) -> tuple[Any, None] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        found = User.objects.filter(pk=header.removeprefix("Token ")).first()
        if found is None:
            raise AuthenticationFailed
        return found, None
