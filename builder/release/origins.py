"""From a stretch of a raw record to its bytes in the file: through encodings, escapes, quotes and tags.

A `Carrier` is a text as it was decoded from a stretch of its file, with the place of each of its characters there. The
carriers of a record are searched for the raw text; what surrounds a stretch says which of several places is meant.
"""

import csv
import html
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

#: Decompressed bytes of the file of a record, by its `source_path`; None when there is no such file.
Opener = Callable[[str], bytes | None]
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_CELL = re.compile(r'"((?:[^"]|"")*)"|([^"%s\r\n][^%s\r\n]*)?')
_PAGE = re.compile(
    r"<!--(?:(?!<!--|-->).)*+-->|<(script|style|head|noscript)\b(?:(?!</?\1\b).)*+</\1\s*>|<[^<>]*>"
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


@dataclass(frozen=True)
class Carrier:
    """A decoded text; character i of it is at `starts[i]:ends[i]` of the text of its file. `where` names it."""

    text: str
    starts: list[int]
    ends: list[int]
    where: str = ""


def find_bytes(
    data: bytes | None, path: str, record: int, encoding: str | None, raw: str, start: int, end: int
) -> Origin:
    """The bytes that decode to `raw[start:end]`, in the file `path` with these contents."""
    if data is None:
        return Origin(why="the file is gone")
    suffix = next((s for s in reversed(path.lower().split("/")[-1].split(".")) if s not in _PACKED), "")
    if suffix == "parquet":
        return _in_parquet(data, record, raw)
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
    for carrier in _carriers(text, suffix, record):
        place = _place(carrier.text, raw, start, end)
        if isinstance(place, str):
            stop = stop or place
            continue
        a, b = carrier.starts[place[0]], carrier.ends[place[1] - 1]
        begin, length = (len(part.encode(codec, "replace")) for part in (text[:a], text[a:b]))
        return Origin((mark + begin, mark + begin + length), carrier.where)
    return Origin(why=stop or f"record {record} of the file does not hold the text any more")


_PACKED = ("gz", "bz2", "xz", "zst", "lz4", "lzma")


def _carriers(text: str, suffix: str, record: int) -> Iterator[Carrier]:
    if suffix in ("jsonl", "ndjson"):
        found = _json_strings(text, *_line(text, record))
    elif suffix == "json":
        found = _json_strings(text, *_element(text, record))
    elif suffix in ("csv", "tsv"):
        found = _cells(text, suffix, record)
    else:
        found = iter([Carrier(text, [*range(len(text))], [*range(1, len(text) + 1)])])
    for carrier in found:
        if suffix not in ("html", "htm", "xhtml"):
            yield carrier
        if "<" in carrier.text:
            yield _page(carrier)


def _line(text: str, number: int) -> tuple[int, int]:
    """Where a line of a text is; only a newline ends it. Nowhere for one that it does not have."""
    found = next(itertools.islice(re.finditer(r"[^\n]*\n|[^\n]+\Z", text), number, None), None)
    return found.span() if found else (0, 0)


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
        places = [m.span() for m in _ESCAPE.finditer(text, match.start() + 1, match.end() - 1)]
        units = [(c, at) for at in places for c in json.loads(f'"{text[slice(*at)]}"', strict=False)]
        yield Carrier("".join(c for c, _ in units), [a for _, (a, _) in units], [b for _, (_, b) in units], key)


def _cells(text: str, suffix: str, record: int) -> Iterator[Carrier]:
    """The cells of the row of the record, named by their columns."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    mark = "\t" if suffix == "tsv" else max(",;|\t", key=first.count)
    cell = re.compile(_CELL.pattern % (re.escape(mark), re.escape(mark)))
    rows: list[list[Carrier]] = [[]]
    at = 0
    while at <= len(text):
        match = cell.match(text, at)
        assert match is not None
        lo, hi = match.span(1) if match.group(1) is not None else match.span()
        places = [m.span() for m in re.finditer('""|.' if match.group(1) is not None else ".", text[lo:hi], re.DOTALL)]
        starts, ends = [lo + a for a, _ in places], [lo + b for _, b in places]
        rows[-1].append(Carrier("".join(text[a] for a in starts), starts, ends))
        at = match.end()
        if text[at : at + 1] == mark:
            at += 1
            continue
        if at >= len(text):
            break
        at += 2 if text[at : at + 2] == "\r\n" else 1
        rows.append([])
    filled = [row for row in rows if any(found.text.strip() for found in row)]
    names = next(csv.reader(io.StringIO(first), delimiter=mark), [])
    for column, found in enumerate(filled[record + 1] if record + 1 < len(filled) else []):
        yield replace(found, where=names[column].strip() if column < len(names) else "")


def _page(carrier: Carrier) -> Carrier:
    """What a page shows: its text without tags, entities read."""
    shown: list[tuple[str, int, int]] = []
    for match in _PAGE.finditer(carrier.text):
        token = match.group()
        if token[0] != "<" or len(token) == 1:
            shown += [(char, match.start(), match.end() - 1) for char in html.unescape(token)]
    return Carrier(
        "".join(char for char, _, _ in shown),
        [carrier.starts[a] for _, a, _ in shown],
        [carrier.ends[b] for _, _, b in shown],
        carrier.where,
    )


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
