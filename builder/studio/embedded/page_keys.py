"""Keys that Label Studio has no setting for: a script on its pages. This runs inside Label Studio, as middleware.

The pages that `builder.questions.interface` makes work without it: then no key answers what is left open, and no words
are marked everywhere at once. Source: https://docs.djangoproject.com/en/5.1/topics/http/middleware/
"""

from collections.abc import Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse

SCRIPT = (Path(__file__).parents[2] / "questions" / "page.js").read_text(encoding="utf-8")


class PageKeys:
    """The middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Every page has the script, because the pages of a project are reached without loading another one."""
        answer = self._get_response(request)
        if not answer.streaming and answer.get("Content-Type", "").startswith("text/html"):
            nonce = getattr(request, "csp_nonce", "")
            script = f'<script nonce="{nonce}">{SCRIPT}</script></head>'
            answer.content = answer.content.replace(b"</head>", script.encode(), 1)
        return answer
