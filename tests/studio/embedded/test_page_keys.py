"""Every page of Label Studio gets the script, and nothing else does."""

from types import SimpleNamespace

import pytest

from builder.studio.embedded.page_keys import SCRIPT, PageKeys

HTML = b"<html><head><title>x</title></head><body></head></body></html>"


class Answer(SimpleNamespace):
    """An answer of Django, as far as the middleware knows it."""

    def get(self, header: str, default: str) -> str:
        return str(getattr(self, header.replace("-", "_").lower(), default))


def answered(**fields: object) -> Answer:
    answer = Answer(**{"streaming": False, "content_type": "text/html; charset=utf-8", "content": HTML, **fields})
    made = PageKeys(lambda request: answer)(SimpleNamespace(csp_nonce="abc"))  # type: ignore[arg-type, return-value]
    assert made is answer
    return answer


def test_a_page_has_the_script_once_in_its_head() -> None:
    script = f'<script nonce="abc">{SCRIPT}</script>'.encode()
    assert answered().content == HTML.replace(b"</head>", script + b"</head>", 1)
    assert "</script" not in SCRIPT
    twice = HTML.replace(b"<title>", b"</head><title>")
    assert answered(content=twice).content.count(b"<script") == 1
    bare = Answer(streaming=False, content_type="text/html", content=HTML)
    PageKeys(lambda request: bare)(SimpleNamespace())  # type: ignore[arg-type, return-value]
    assert bare.content == HTML.replace(b"</head>", f'<script nonce="">{SCRIPT}</script></head>'.encode(), 1)


@pytest.mark.parametrize("fields", [{"content_type": "application/json"}, {"streaming": True}, {"content_type": ""}])
def test_other_answers_stay_as_they_are(fields: dict[str, object]) -> None:
    assert answered(**fields).content == HTML
