"""Markdown marks go, the words stay."""

import pytest

from builder.corpus.markdown import markdown
from builder.offsets import edit


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("# Heading ##\nText", "Heading\nText"),
        ("Some **bold**, *slanted* and `code`.", "Some bold, slanted and code."),
        ("A [link](http://x.y/z) and ![image](a.png)here", "A link and here"),
        ("> Quoted\n\n---\n\nNext", "Quoted\n\n\n\nNext"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("---\ntitle: T\n---\nBody <b>here</b> <http://a.b>", "Body here http://a.b"),
        ("```python\ncode\n```", "\ncode\n"),
    ],
)
def test_what_is_cut(raw: str, text: str) -> None:
    assert edit(raw, markdown(raw))[0] == text
