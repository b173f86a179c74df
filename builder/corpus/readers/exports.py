"""Reads exports of the news databases Nexis and Factiva: many documents in one file, each with its fields."""

import re
from collections.abc import Iterator

from builder.corpus.dates import instant
from builder.corpus.decoding import Encoding
from builder.corpus.records import Mapper, Record, Reject, text_of
from builder.corpus.settings import FIELDS, Source
from builder.corpus.trailers import formula
from builder.languages import language_named

#: What ends a document, or begins one in older exports of Nexis; and what every document of Nexis has.
_NEXIS = re.compile(
    r"^[ \t]*+(?:\d++ (?:of|von|de|sur) \d++ DO[CK]UMENT(?:S|EN|OS?)?"
    r"|End of Document|Ende des Dokuments|Fin du document)[ \t]*+$",
    re.MULTILINE,
)
#: A line of the cover, and the first title that it lists.
_COVER = re.compile(r"^[ \t]*+Job Number: ", re.MULTILINE)
_LISTED = re.compile(r"^[ \t]*+1\. (.*\S)", re.MULTILINE)
_MEASURED = re.compile(r"^[ \t]*+(?:length|länge|longueur|longitud) ?:[ \t]*+\d", re.MULTILINE | re.IGNORECASE)
_FACTIVA = re.compile(r"^(?:AN[ \t]++)?Do[ck]umento? ([A-Z][A-Za-z0-9]{20,29})[ \t]*+$", re.MULTILINE)
#: A field of Nexis before the text, such as "BYLINE: Ann Lee", and after it, such as "Load-Date: July 29, 2024".
_BEFORE = re.compile(
    r"(byline|autor|auteur|section|rubrik|rubrique|length|länge|longueur|longitud|dateline|highlight|series) ?:"
    r"[ \t]*+(.*)",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(url|graphic|subject|language|sprache|langue|idioma|load-date|update|ladedatum"
    r"|date-chargement|(?:publication|document|pub)-type|journal[ -]code|acc-no|correction-date)"
    r" ?:[ \t]*+(.*)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[\d,.]+ (words|Wörter|mots|palabras|parole|palavras)")
#: The language of dates, which is that of the fields and not always that of the text.
_DATED = {
    "länge": "de", "longueur": "fr", "longitud": "es", "Wörter": "de", "mots": "fr", "palabras": "es", "parole": "it",
    "palavras": "pt",
}  # fmt: skip
_DATE = re.compile(r"(?<!\w)[^\W\d]++\.? \d{1,2}, ?\d{4}|(?<!\d)\d{1,2}\.? (?:de )?[^\W\d]++\.? (?:de )?\d{4}")
#: A field of Factiva.
_TAG = re.compile(
    r"(HD|BY|CR|WC|PD|ET|SN|SC|ED|PG|VOL|LA|CY|CX|LP|TD|CT|RF|ART|CO|IN|NS|RE|IPD|IPC|PUB|SE|CLM|AN)"
    r"(?:(?:\t| {2})[ \t]*+(.*)| ?)"
)
#: What ends a document in a page; and a cell with a field of Factiva.
_IN_PAGE = re.compile(r">\s*(?:Do[ck]umento? [A-Z][A-Za-z0-9]{20,29}|End of Document|\d+ of \d+ DOCUMENTS)\s*<")
_CELL = re.compile(r"(<b>[A-Z]{2,3}(?:&nbsp;|\s)*</b>)(?:&nbsp;|\s)*</td>\s*<td\b[^<>]*>")
#: What stands for a tab in a page, whose own spaces say nothing.
_TAB = "\ue000"
#: The address of a page, not of a publisher, which all its articles share.
_PAGE = re.compile(r"https?://[^/\s]+/\S")
#: Headings of what follows the text in newer exports of Nexis.
_HEADINGS = ("Graphic", "Classification")
_RIGHTS = re.compile(r"(?:\(c\)|©|Copyright)", re.IGNORECASE)

Fields = dict[str, str]


def exported(text: str, path: str, source: Source, encoding: Encoding) -> list[Record | Reject]:
    """The records of a file whose text is an export; none where it is not."""
    mapper = Mapper(path, source, {name: [name] for name in FIELDS})
    found = enumerate(documents(text.replace("\r\n", "\n")))
    return [item for number, fields in found for item in mapper.records(fields, None, encoding, number)]


def page_text(page: str) -> str:
    """The text of an HTML page that is an export, a field or a paragraph a line; empty for any other page."""
    if not _IN_PAGE.search(page):
        return ""
    return (text_of(_CELL.sub(rf"\1{_TAB}", page)) or "").replace(f" {_TAB}", "\t").replace(_TAB, "\t")


def documents(text: str) -> Iterator[Fields]:
    """The documents of an export as columns of a record; none where the text is no export."""
    # Words are found many times as fast as patterns.
    if not any(word in text for word in ("ocument", "okument", "DOCUMENT", "DOKUMENT")):
        return
    if _FACTIVA.search(text):
        at = 0
        for end in _FACTIVA.finditer(text):
            lines = text[at : end.start()].strip("\ufeff \n").split("\n")
            yield {**(_tagged(lines) if _TAG.fullmatch(lines[0]) else _factiva(lines)), "id": end[1]}
            at = end.end()
        if text[at:].strip():
            yield {"text": "", "rest": text[at:].strip()}
    elif _NEXIS.search(text) and _MEASURED.search(text):
        for document in _NEXIS.split(_without_cover(text)):
            lines = [line.strip("\ufeff \t\r") for line in document.strip().split("\n")]
            if document.strip("\ufeff \n\t\r"):
                yield _nexis([line for line in lines if not re.fullmatch(r"Page \d+ of \d+", line)])


def _without_cover(text: str) -> str:
    """An export of Nexis without its cover, which says who asked for it and lists the titles of its documents."""
    listed = _LISTED.search(text) if _COVER.search(text) else None
    first = listed and re.search(rf"^[ \t]*+{re.escape(listed[1])}[ \t]*$", text[listed.end() :], re.MULTILINE)
    return text[listed.end() + first.start() :] if listed and first else text


def _tagged(lines: list[str]) -> Fields:
    """A document of Factiva whose fields begin with a tag of two letters."""
    fields: dict[str, list[str]] = {}
    tag = ""
    for line in lines:
        if found := _TAG.fullmatch(line.rstrip()):
            tag, line = found[1], found[2] or ""
        fields.setdefault(tag, []).append(line.strip())
    joined = {tag: " ".join(" ".join(value).split()) for tag, value in fields.items()}
    return _columns(
        title=joined.get("HD", ""),
        authors=joined.get("BY", ""),
        published=f"{joined.get('PD', '')} {joined.get('ET', '')}",
        source=joined.get("SN", ""),
        language=joined.get("LA", ""),
        text="\n".join("\n".join(fields.get(tag, [])).strip() for tag in ("LP", "TD")),
    )


def _factiva(lines: list[str]) -> Fields:
    """A document of Factiva with its fields in lines: title, author, words, date, time, source, language, rights."""
    lines = [line.strip() for line in lines]
    words = next((i for i, line in enumerate(lines) if _WORDS.fullmatch(line)), -1)
    end = next((i for i in range(words + 1, len(lines)) if not lines[i] or _RIGHTS.match(lines[i])), len(lines))
    head = lines[words + 1 : end]
    timed = re.fullmatch(r"\d\d?:\d\d(?: [AP]M)?(?: \w+)?", "".join(head[1:2])) is not None
    title = [line for line in lines[: max(words, 0)] if line]
    byline = title.pop() if len(title) > 1 and re.match(r"(?i)(?:by|von|par|por|di) ", title[-1]) else ""
    measure = _WORDS.fullmatch(lines[words]) if words >= 0 else None
    return _columns(
        title=" ".join(title),
        authors=byline.partition(" ")[2],
        dated=_DATED.get(measure[1] if measure else "", ""),
        published=" ".join(head[: 1 + timed]),
        source="".join(head[1 + timed : 2 + timed]),
        language=next((line for line in reversed(head) if language_named(line)), ""),
        text="\n".join(lines[end + 1 :]),
    )


def _nexis(lines: list[str]) -> Fields:
    """A document of Nexis: names and date, fields, the text, and more fields."""
    begin = next((i for i, line in enumerate(lines) if _BEFORE.fullmatch(line)), len(lines))
    body = next((i + 1 for i, line in enumerate(lines) if line in ("Body", "BODY:")), begin)
    while body < len(lines) and (not lines[body] or _BEFORE.fullmatch(lines[body])):
        # A field ends with a blank line, or where the next one begins.
        body += 1
        while body < len(lines) and lines[body - 1] and lines[body] and not _BEFORE.fullmatch(lines[body]):
            body += 1
    end = next((i for i in range(body, len(lines)) if lines[i] in _HEADINGS or _ends(lines[i])), len(lines))
    found = (_BEFORE.fullmatch(line) or _AFTER.fullmatch(line) for line in [*lines[begin:body], *lines[end:]])
    fields = {field[1].lower(): field[2] for field in found if field}
    head = lines[:begin]
    day = next((i for i, line in enumerate(head) if _DATE.search(line)), len(head))
    after = head[day:]
    title = [line for line in after[after.index("") :] if line and not _RIGHTS.match(line)] if "" in after else []
    named = [line for line in head[:day] if line and not _RIGHTS.match(line)]
    if not title:  # the title, the source, a date, rights; else the source, a date and edition, the title
        named, title = named[-1:], named[:-1]
    date = _DATE.search(head[day]) if day < len(head) else None
    return _columns(
        title=" ".join(title),
        authors=next((fields[name] for name in ("byline", "autor", "auteur") if name in fields), ""),
        dated=next((_DATED[name] for name in fields if name in _DATED), ""),
        published=date[0] if date else fields.get("load-date", ""),
        source=" ".join(named),
        language=next((fields[name] for name in ("language", "sprache", "langue", "idioma") if name in fields), ""),
        url=url if _PAGE.match(url := fields.get("url", "")) else "",
        text="\n".join(lines[body:end]),
    )


def _ends(line: str) -> bool:
    """Whether a line after the text is a field, or says whose the text is."""
    fits = formula(line) if _RIGHTS.match(line) else None
    return _AFTER.fullmatch(line) is not None or (fits is not None and fits.name == "copyright")


def _columns(language: str, published: str, text: str, dated: str = "", **others: str) -> Fields:
    code = language_named(language.split(";")[0]) or ""
    found = instant(published.strip(), dated or code)
    day = found.isoformat() if found else ""
    return {**others, "language": code, "published": day, "text": re.sub(r"\n{3,}", "\n\n", text).strip()}
