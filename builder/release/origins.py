"""From a stretch of a raw record to its bytes in the file: through encodings, escapes, quotes and tags.

The texts that a record carries are searched for the raw text; what surrounds a stretch says which of several places is
meant.
"""

import base64
import codecs
import contextlib
import csv
import html
import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from builder.store import suffixes

#: Decompressed bytes of the file of a record, by its `source_path`; None when there is no such file.
Opener = Callable[[str], bytes | None]
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_QUOTED = re.compile(r"=\r?\n|=[0-9A-Fa-f]{2}|.", re.DOTALL)
_BASE64 = re.compile(r"(?:^[A-Za-z0-9+/]{20,76}={0,2}\r?\n?)+", re.MULTILINE)
_CHARSET = re.compile(r'charset="?([\w.:-]+)', re.IGNORECASE)
_CELL = re.compile(r'"((?:[^"]|"")*)"|([^"%s\r\n][^%s\r\n]*)?')
_PAGE = re.compile(
    r"<!--(?:(?!<!--|-->).)*+-->|<!\[CDATA\[|\]\]>|<(script|style|head|noscript)\b(?:(?!</?\1\b).)*+</\1\s*>|<[^<>]*>"
    r"|&(?:#\d+|#[xX][0-9a-fA-F]+|\w+);?|.",
    re.DOTALL,
)


@dataclass(frozen=True)
class Origin:
    """Where a stretch is in its file.

    `bytes` count in the decompressed file, and decode to the text; where they cannot be named, `why` says which step
    stops it. `where` is a field, a column or a row.
    """

    bytes: tuple[int, int] | None = None
    where: str = ""
    why: str = ""


#: A character of a decoded text, and where it is in the text of its file.
_Unit = tuple[str, tuple[int, int]]


class Carrier(NamedTuple):
    """A decoded text in a file, character by character. `where` names it."""

    units: list[_Unit]
    where: str = ""

    @property
    def text(self) -> str:
        return "".join(char for char, _ in self.units)


def find_bytes(
    data: bytes | None, path: str, record: int, encoding: str | None, raw: str, start: int, end: int
) -> Origin:
    """The bytes that decode to `raw[start:end]`, in the file `path` with these contents."""
    if data is None:
        return Origin(why="the file is gone")
    suffix = suffixes(path)[0].removeprefix(".")
    if suffix == "parquet":
        return _in_parquet(data, record, raw)
    if suffix in _UNNAMED:
        return Origin(why=f"a .{suffix} file holds its text packed, not as bytes of the file")
    # Parts of a mail have encodings of their own.
    charset, encoding = encoding or "", "latin-1" if suffix in _MAIL else encoding
    name = (encoding or "").removesuffix("+replace")
    try:
        text = data.decode(name, "strict" if name == encoding else "replace")
    except (LookupError, UnicodeDecodeError) as e:
        return Origin(why=f"the file is no {encoding or 'text of a known encoding'} any more: {e}")
    # Without a byte order mark of its own, in the order of bytes that this machine reads.
    codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(name, name)
    again = text.encode(codec, "replace")
    mark = len(data) - len(again)
    if mark < 0 or data[mark:] != again:
        return Origin(why="bytes that are no text were replaced when the file was decoded")
    stop = ""
    for carrier in _carriers(text, suffix, record, charset.removesuffix("+replace")):
        place = _place(carrier.text, raw, start, end)
        if isinstance(place, str):
            stop = stop or place
            continue
        a, b = carrier.units[place[0]][1][0], carrier.units[place[1] - 1][1][1]
        begin, length = (len(part.encode(codec, "replace")) for part in (text[:a], text[a:b]))
        return Origin((mark + begin, mark + begin + length), carrier.where)
    return Origin(why=stop or f"record {record} of the file does not hold the text any more")


_MAIL = ("eml", "mbox")
#: Texts inside are compressed, parted by marks, or drawn on pages.
_UNNAMED = ("docx", "rtf", "pdf", "warc")


def _carriers(text: str, suffix: str, record: int, charset: str) -> Iterator[Carrier]:
    """The texts in the record of a file, as they are there and as a page shows them; `charset` is that of a mail."""
    if suffix in ("jsonl", "ndjson"):
        lines = re.finditer(r"[^\n]*\n|[^\n]+\Z", text)
        line = next(itertools.islice(lines, record, None), None)
        found = _json_strings(text, *line.span()) if line else iter(())
    elif suffix == "json":
        found = _json_strings(text, *_element(text, record))
    elif suffix in ("csv", "tsv"):
        found = _cells(text, suffix, record)
    elif suffix in _MAIL:
        found = _mail(text, charset)
    else:
        found = iter([Carrier(_units(re.finditer(".", text, re.DOTALL)))])
    for carrier in found:
        if suffix not in ("html", "htm", "xhtml"):
            yield carrier
        # Feeds escape the tags of the pages in them.
        for _ in range(2):
            if "<" in carrier.text or "&" in carrier.text:
                carrier = _page(carrier)
                yield carrier


def _mail(text: str, charset: str) -> Iterator[Carrier]:
    """The text of a mail, a character per byte, in its charset and those that it names.

    It may be plain, quoted-printable or base64.
    """
    whole = [(ord(char), (i, i + 1)) for i, char in enumerate(text)]
    pieces = [(match[0], match.span()) for match in _QUOTED.finditer(text) if match[0][:2] not in ("=\r", "=\n")]
    quoted = [(int(piece[1:], 16) if len(piece) > 1 else ord(piece), place) for piece, place in pieces]
    packed = []
    for block in _BASE64.finditer(text):
        at = [i for i in range(*block.span()) if not text[i].isspace()]
        at = at[: len(at) // 4 * 4]
        found = base64.b64decode("".join(text[i] for i in at))
        packed += [(byte, (at[i // 3 * 4], at[i // 3 * 4 + 3] + 1)) for i, byte in enumerate(found)]
    for named in dict.fromkeys([charset or "utf-8", *_CHARSET.findall(text), "utf-8"]):
        with contextlib.suppress(LookupError):
            yield from (_read(spelled, named) for spelled in (whole, quoted))
            yield _read(packed, named)._replace(where="base64, in whole groups of four characters")


def _read(found: Iterable[tuple[int, tuple[int, int]]], charset: str) -> Carrier:
    """The characters that bytes say, from the place of the first to that of the last byte of each."""
    decoder, units, begin = codecs.getincrementaldecoder(charset)("replace"), list[_Unit](), -1
    for byte, (lo, hi) in found:
        begin = lo if begin < 0 else begin
        if chars := decoder.decode(bytes([byte])):
            units += [(char, (begin, hi)) for char in chars]
            begin = -1
    return Carrier(units)


def _units(matches: Iterable[re.Match[str]], read: Callable[[str], str] = str) -> list[_Unit]:
    """The characters that the matched pieces of a text say, each with the place of its piece."""
    return [(char, match.span()) for match in matches for char in read(match.group())]


def _element(text: str, record: int) -> tuple[int, int]:
    """Where the record is in a file of JSON values or of one list; the whole file where it holds neither."""
    scan = json.JSONDecoder(strict=False).raw_decode
    at = number = 0
    between = re.compile(r"[\s,\ufeff\[]*")
    try:
        while (match := between.match(text, at)) and match.end() < len(text):
            _, end = scan(text, match.end())
            if number == record:
                return match.end(), end
            at, number = end, number + 1
    except ValueError:
        pass
    return 0, len(text)


def _json_strings(text: str, lo: int, hi: int) -> Iterator[Carrier]:
    """The strings of a JSON value, each named by its key where it has one."""
    key = ""
    for match in _STRING.finditer(text, lo, hi):
        if text[match.end() : match.end() + 3].lstrip().startswith(":"):
            key = match.group()[1:-1]
            continue
        pieces = _ESCAPE.finditer(text, match.start() + 1, match.end() - 1)
        yield Carrier(_units(pieces, lambda piece: str(json.loads(f'"{piece}"', strict=False))), key)


def _cells(text: str, suffix: str, record: int) -> Iterator[Carrier]:
    """The cells of the row of the record, named by their columns."""
    named = re.match(r"\s*sep=(.)\s*\n", text)  # of spreadsheet programs
    at = named.end() if named else 0
    first = next((line for line in text[at:].splitlines() if line.strip()), "")
    mark = named[1] if named else "\t" if suffix == "tsv" else max(",;|\t", key=first.count)
    cell = re.compile(_CELL.pattern % (re.escape(mark), re.escape(mark)))
    rows: list[list[Carrier]] = [[]]
    while match := cell.match(text, at):
        quoted = match.group(1) is not None
        pieces = re.compile('""|.' if quoted else ".", re.DOTALL).finditer(text, *match.span(int(quoted)))
        rows[-1].append(Carrier(_units(pieces, lambda piece: piece[0])))
        at = match.end()
        if at >= len(text):
            break
        if text[at] != mark:
            rows.append([])
        at += 2 if text[at : at + 2] == "\r\n" else 1
    filled = [row for row in rows if any(found.text.strip() for found in row)]
    names = next(csv.reader(io.StringIO(first), delimiter=mark), [])
    # Without a header the record is a row earlier.
    for row, titles in ((record + 1, names), (record, [])):
        for column, found in enumerate(filled[row] if row < len(filled) else []):
            yield found._replace(where=titles[column].strip() if column < len(titles) else f"column {column + 1}")


def _page(carrier: Carrier) -> Carrier:
    """What a page shows: its text without tags, entities read."""
    pieces = (match for match in _PAGE.finditer(carrier.text) if match.end() - match.start() == 1 or match[0][0] != "<")
    shown = _units(pieces, html.unescape)
    return Carrier([(c, (carrier.units[a][1][0], carrier.units[b - 1][1][1])) for c, (a, b) in shown], carrier.where)


def _place(text: str, raw: str, start: int, end: int) -> tuple[int, int] | str:
    """Where `raw[start:end]` is in a text that shows the same with other white space; or why that is not sure.

    Looked for with all that surrounds it in `raw`, then with its paragraph, then alone.
    """
    kept, squeezed = _squeezed(text)
    lines = [0, *(m.end() for m in re.finditer("\n", raw)), len(raw)]
    touched = [(a, b) for a, b in itertools.pairwise(lines) if a < end and start < b]
    for lo, hi in ((0, len(raw)), (touched[0][0], touched[-1][1]), (start, end)):
        before, inside, after = (_squeezed(part)[1] for part in (raw[lo:start], raw[start:end], raw[end:hi]))
        wanted = before + inside + after
        at = squeezed.find(wanted)
        if at >= 0 and inside:
            if squeezed.find(wanted, at + 1) >= 0:
                return "the text is there more than once"
            return kept[at + len(before)], kept[at + len(before) + len(inside) - 1] + 1
    return "what was extracted from the record differs from what it shows there"


def _squeezed(text: str) -> tuple[list[int], str]:
    """The characters that can be seen, and where they are: extraction changes spaces, and drops joiners and marks."""
    kept = [i for i, char in enumerate(text) if char != " " and char.isprintable()]
    return kept, "".join(text[i] for i in kept)


def _in_parquet(data: bytes, record: int, raw: str) -> Origin:
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data)).slice(record, 1)
    for name in table.column_names if table.num_rows else ():
        value = table[name][0].as_py()
        if isinstance(value, str) and not isinstance(_place(value, raw, 0, len(raw)), str):
            return Origin(where=f"row {record}, column {name}", why="Parquet encodes and compresses its values")
    return Origin(why=f"row {record} of the file does not hold the text any more")
