"""Markdown marks cut from a text, as edits: what a reader sees stays."""

import re
from collections.abc import Iterator

from builder.corpus.documents import front_matter
from builder.offsets import Edit

_MARK = re.compile(
    r"^[ ]{0,3}(?:\#{1,6}[ \t]+|>[ \t]?)"  # heading, quotation
    r"|[ \t]+\#+[ \t]*$"  # closing marks of a heading
    r"|^[ ]{0,3}(?:-{3,}|\*{3,}|_{3,}|={3,}|```.*|~~~.*)[ \t]*$"  # rule, underline of a heading, code fence
    r"|!\[[^\]\n]*\]\([^()\n]*\)"  # image
    r"|\[(?P<link>[^\]\n]+)\]\([^()\n]*\)"
    r"|<(?P<address>https?://[^<>\s]+)>"
    r"|(?<![\w*])(?P<mark>\*\*|\*|__|_|`)(?=\S)(?P<inner>[^*_`\n]+?)(?<=\S)(?P=mark)(?![\w*])"
    r"|<!--.*?-->"
    r"|</?[a-zA-Z][^<>\n]*>",
    re.MULTILINE,
)


def markdown(text: str) -> Iterator[Edit]:
    """Front matter, images and marks are cut; links and emphasis keep their words."""
    start = front_matter(text)
    if start:
        yield Edit(0, start, "")
    for m in _MARK.finditer(text, start):
        inner = next((name for name in ("link", "address", "inner") if m.group(name)), "")
        if not inner:
            yield Edit(m.start(), m.end(), "")
        else:
            yield Edit(m.start(), m.start(inner), "")
            yield Edit(m.end(inner), m.end(), "")
