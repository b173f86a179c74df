"""Reversible cleaning of characters and whitespace: every step is a list of edits on the raw text."""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise, starmap

from builder.corpus.settings import Cleaning
from builder.masking import personal
from builder.offsets import Edit, OffsetMap, edit
from builder.text import is_printable

_LINE_ENDS = "\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"
_CUT = "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u2060\ufeff\ufff9-\ufffb]+"
_CHARACTERS = re.compile(f"({_LINE_ENDS})|{_CUT}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t]")
_WHITESPACE = re.compile(r" *\n[ \n]*|  +")
# Lead byte of a UTF-8 sequence and what its continuation bytes look like, both read as Windows-1252.
_MOJIBAKE = re.compile("[Â-ô][\u0080-¿ŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]{1,3}")
FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*$(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_MARK = re.compile(
    r"^[ ]{0,3}(?:\#{1,6}[ \t]+|>[ \t]?)"  # heading, quotation
    r"|(?<![ \t])[ \t]++\#++[ \t]*+$"  # closing marks of a heading
    r"|^[ ]{0,3}(?:-{3,}|\*{3,}|_{3,}|={3,}|```.*|~~~.*)[ \t]*$"  # rule, underline of a heading, code fence
    r"|!\[[^\[\]\n]*+\]\([^()\n]*+\)"  # image
    r"|\[(?P<link>[^\[\]\n]++)\]\([^()\n]*+\)"
    r"|<(?P<address>https?://[^<>\s]+)>"
    r"|(?<![\w*])(?P<mark>\*\*|\*|__|_|`)(?=\S)(?P<inner>[^*_`\n]+?)(?<=\S)(?P=mark)(?![\w*])"
    r"|<!--(?:(?!<!--|-->).)*+-->"
    r"|</?[a-zA-Z][^<>\n]*>",
    re.MULTILINE,
)


def _replaced(pattern: re.Pattern[str], text: str, new: Callable[[re.Match[str]], str]) -> Iterator[Edit]:
    for m in pattern.finditer(text):
        if (found := new(m)) != m[0]:
            yield Edit(m.start(), m.end(), found)


def characters(text: str) -> Iterable[Edit]:
    """Every line end becomes a newline; controls, marks and invisible characters are cut."""
    # No pattern matches in a printable text.
    return () if is_printable(text) else _replaced(_CHARACTERS, text, lambda m: "\n" if m[1] else "")


def entities(text: str) -> Iterable[Edit]:
    """HTML entities become the characters they mean; what HTML does not know stays."""
    # A soft hyphen is not a character of the word.
    return _replaced(_ENTITY, text, lambda m: html.unescape(m[0]).replace("\u00ad", "")) if "&" in text else ()


def mojibake(text: str) -> Iterable[Edit]:
    """Runs that are UTF-8 read as Windows-1252 become what they were; what does not decode stays."""
    return () if text.isascii() else _replaced(_MOJIBAKE, text, _decoded)


def _decoded(found: re.Match[str]) -> str:
    try:
        # Windows-1252 leaves five bytes undefined; decoders in the wild pass them through.
        data = b"".join(c.encode("latin-1" if "\x80" <= c <= "\x9f" else "cp1252") for c in found[0])
        return data.decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return found[0]


def spaces(text: str) -> Iterable[Edit]:
    """Unicode spaces and tabs become plain spaces, one for one."""
    return () if is_printable(text) else _replaced(_SPACES, text, lambda _: " ")


def whitespace(text: str) -> Iterator[Edit]:
    """No space at either end of a line, none doubled, at most one blank line, none at either end of the text."""
    # Most texts are tidy, and looking for strings is cheaper than a pattern.
    ends = text[:1] + text[-1:]
    untidy = any(map(text.__contains__, ("  ", " \n", "\n ", "\n\n\n")))
    if not untidy and ends == ends.strip() and is_printable(text):
        return
    start, end = len(text) - len(text.lstrip(" \n")), len(text.rstrip(" \n"))
    if start >= end:
        if text:
            yield Edit(0, len(text), "")
        return
    if start:
        yield Edit(0, start, "")
    for m in _WHITESPACE.finditer(text, start, end):
        found = m.group()
        new = " " if found[0] == " " and "\n" not in found else "\n" if found.count("\n") == 1 else "\n\n"
        if found != new:
            yield Edit(m.start(), m.end(), new)
    if end < len(text):
        yield Edit(end, len(text), "")


def reflow(text: str) -> Iterator[Edit]:
    """Lines broken at a fixed width are joined: newlines inside a paragraph become spaces.

    A paragraph counts as wrapped when blank lines separate paragraphs and its lines, but for the last, nearly share
    one length of at most 100.
    """
    if "" not in text.split("\n") or "\n\n" not in text:  # the first is the faster to find
        return
    at = 0
    for block in text.split("\n\n"):
        *lines, last = block.split("\n")
        ends = list(accumulate((len(line) + 1 for line in lines), initial=at))
        widest = max(map(len, lines), default=0)
        # A line is full when the next line's first word would not have fitted.
        if 40 <= widest <= 100 and all(
            len(line) + 1 + len(following.split(" ", 1)[0]) >= widest - 2
            for line, following in pairwise([*lines, last])
        ):
            yield from (Edit(end - 1, end, " ") for end in ends[1:])
        at += len(block) + 2


def markdown(text: str) -> Iterator[Edit]:
    """Front matter, images and marks are cut; links and emphasis keep their words."""
    matter = FRONT_MATTER.match(text)
    start = matter.end() if matter else 0
    if start:
        yield Edit(0, start, "")
    for m in _MARK.finditer(text, start):
        # The words that stay, or nothing at the end of the mark.
        start, end = next((m.span(name) for name in ("link", "address", "inner") if m[name]), (m.end(), m.end()))
        yield Edit(m.start(), start, "")
        if end < m.end():
            yield Edit(end, m.end(), "")


Step = Callable[[str], Iterable[Edit]]


def steps(settings: Cleaning) -> list[Step]:
    """The steps the settings ask for, in order: repairs before whitespace, which tidies what they leave."""
    kinds = settings.masks
    chosen: list[tuple[bool, Step]] = [
        (settings.mojibake, mojibake),
        (settings.entities, entities),
        (settings.characters, characters),
        (settings.whitespace, spaces),
        # After characters are repaired: invisible ones in an address would hide it.
        (bool(kinds), lambda text: starmap(Edit, personal(text, kinds))),
        (settings.whitespace, whitespace),
        (settings.reflow, reflow),
    ]
    return [step for wanted, step in chosen if wanted]


def clean(text: str, todo: list[Step]) -> tuple[str, OffsetMap]:
    """The text after all steps, and its map back to `text`."""
    mapping = OffsetMap.identity(len(text))
    for step in todo:
        if edits := list(step(text)):
            text, later = edit(text, edits)
            mapping = mapping.then(later)
    return text, mapping
