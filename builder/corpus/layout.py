"""The parts of an article: title, byline, date, dateline, summary, body and trailer, each with the rule that found it.

What may be content stays in the text that annotators see: title, byline, date and trailer are cut only when a whole
line has their form. A summary and a dateline stay, as they say something.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from builder.corpus.dates import instant
from builder.corpus.heads import (
    BULLET,
    Line,
    Named,
    byline_of,
    date_of,
    dateline,
    day_of,
    has_kicker,
    is_author,
    reads_like_title,
)
from builder.corpus.records import author_names
from builder.corpus.settings import Cleaning
from builder.corpus.trailers import Formula, ends_sentence, formula, leads_elsewhere
from builder.offsets import Edit

_SUMMARY_HEAD = re.compile(r"^(?:summary|key (?:points|takeaways|facts)|at a glance|highlights|tl;?dr)\s*:?$", re.I)
#: Lines that are looked at before the body, at its end, and after a heading over links.
_HEAD_LINES, _BYLINES, _TRAILER_LINES, _LINKS = 40, 4, 14, 12
#: Characters below which lines are no paragraphs, so that a list of names has no summary.
_PARAGRAPH = 60
#: Characters of a standfirst, at most.
_STANDFIRST = 300
#: Characters of usual links, at least.
_HEADLINE = 15
#: Letters by which two forms of a word are known to be one, and the share of a summary's words that the body has, too.
_STEM, _RETOLD = 5, 0.4
_NO_SUMMARY = re.compile(
    r"\b(?:photo(?:graph)?s?|image|picture|credit|getty|shutterstock|illustration|file photo|courtesy|min(?:ute)?s? "
    r"read)\b|©|^advert",
    re.I,
)


class Part(NamedTuple):
    """A recognised part of an article: its kind, the rule that found it, and its text."""

    kind: str
    rule: str
    text: str


@dataclass
class Layout:
    """Where the parts are in the cleaned text; `cuts` leave it, in order, and what remains is the article text."""

    title: str | None
    source: str | None
    cuts: list[Edit] = field(default_factory=list)
    body: int = 0  # where the body begins; the summary, if any, ends before it
    parts: list[Part] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    published: datetime | None = None
    place: str | None = None

    @property
    def trailer(self) -> str | None:
        """The lines cut from the end."""
        return "\n".join(part.text for part in self.parts if part.kind == "trailer") or None


class Recogniser:
    """Finds the parts of articles, with the patterns of the settings compiled once."""

    def __init__(self, settings: Cleaning) -> None:
        self.settings = settings
        self.trailers = {name: re.compile(p, re.IGNORECASE) for name, p in settings.trailers.items()}
        self.off = {rule: re.compile(source) for rule, source in settings.off.items()}
        self.boilerplate = [(re.compile(r.line), re.compile(r.source)) for r in settings.boilerplate.values()]

    def recognise(
        self,
        text: str,
        title: str | None = None,
        source: str | None = None,
        repeated: frozenset[int] = frozenset(),
        summary: int = 0,
        language: str = "en",
    ) -> Layout:
        """The layout of a cleaned text.

        A title known from the record is not looked for, only cut when the text repeats it; `summary` is the number of
        summary lines when it is known. Lines whose `line_hash` is in `repeated` are boilerplate.
        """
        lines = split(text)
        found = Layout(title, source)
        trailer = self._trailer(lines, found)
        last = len(lines) - len(trailer)
        first = self._byline(lines[:last], self._title(lines[:last], found, language), found, language)
        if found.title is None and first:  # some name the author or the day before the headline
            first += self._title(lines[first:last], found, language)
            first = self._byline(lines[:last], first, found, language)
        kept: Sequence[int] = range(first, last)
        if first and not found.authors and (below := self._below_standfirst(lines[:last], first, found, language)):
            kept = [*range(first, below[0]), *range(below[-1] + 1, last)]
        if repeated or self.boilerplate:
            kept = [i for i in kept if not self._is_boilerplate(lines[i][2], found.source or "", repeated)]
        head = [lines[i][2] for i in kept[:_HEAD_LINES]]
        self._dateline(head, found, language)
        if summary:
            found.parts.append(Part("summary", "field", head[0] if head else ""))
        elif self.settings.summary_lines:
            summary, rule = self._summary(head)
            if summary and self._on(rule, found):
                found.parts.append(Part("summary", rule, "\n".join(head[:summary])))
            else:
                summary = 0
        found.parts += trailer
        found.body = len(text) if not kept else lines[kept[summary if summary < len(kept) else 0]][0]
        found.cuts = list(_cuts(lines, kept, len(text)))
        return found

    def _on(self, rule: str, found: Layout) -> bool:
        return rule not in self.off or not self.off[rule].search(found.source or "")

    def _is_boilerplate(self, line: str, source: str, repeated: frozenset[int]) -> bool:
        return (bool(repeated) and line_hash(line) in repeated) or any(
            pattern.fullmatch(line) and where.search(source) for pattern, where in self.boilerplate
        )

    def _title(self, lines: list[Line], found: Layout, language: str) -> int:
        """How many lines the title takes, with a kicker above it; or none."""
        above = int(self._on("kicker", found) and has_kicker(lines, language))
        rule, taken = "record", 0
        if found.title is not None:
            for at in range(min(above + 1, len(lines) - 1)):
                line = lines[at][2]
                if abs(len(line) - len(found.title)) < 20 and _words(line) == _words(found.title):
                    taken, above = at + 1, at
        elif self.settings.title and self._on("first-line", found) and reads_like_title(lines[above:], language):
            rule, taken, found.title = "first-line", above + 1, lines[above][2]
        else:
            return 0
        if taken and above:
            found.parts.append(Part("kicker", "kicker", lines[0][2]))
        found.parts.append(Part("title", rule, found.title))
        return taken

    def _byline(self, lines: list[Line], first: int, found: Layout, language: str) -> int:
        """The first line after those that name authors or a date, which follow the title."""
        end = min(first + _BYLINES, max(first, len(lines) - 1))
        for at in range(first, end):
            line = lines[at][2]
            kind, named = self._named(line, found, language)
            if named is None:
                return at
            found.authors += [x for name in named.authors for x in author_names(name) if is_author(x)]
            found.published, found.source = found.published or named.published, found.source or named.source
            found.parts.append(Part(kind, kind, line))
        return end

    def _named(self, line: str, found: Layout, language: str) -> tuple[str, Named | None]:
        named = byline_of(line, language) if self._on("byline", found) else None
        if named is None and self._on("date", found):
            return "date", date_of(line, language)
        return "byline", named

    def _below_standfirst(self, lines: list[Line], first: int, found: Layout, language: str) -> range:
        """The only line with authors, or with a date, and what follows it, where it is below the first lines."""
        head = [self._named(line, found, language)[1] for _, _, line in lines[first : first + _BYLINES]]
        if any(head):
            rest = lines[first + _BYLINES : first + _HEAD_LINES]
            head += [self._named(line, found, language)[1] for _, _, line in rest]
        for wanted, within in (("authors", _BYLINES), ("published", 2)):
            at = [i for i, named in enumerate(head) if named and getattr(named, wanted)]
            above = [line for _, _, line in lines[first : first + at[0]]] if len(at) == 1 and 0 < at[0] < within else []
            if above and max(map(len, above)) <= _STANDFIRST and not getattr(found, wanted):
                return range(first + at[0], self._byline(lines, first + at[0], found, language))
        return range(0)

    def _dateline(self, head: list[str], found: Layout, language: str) -> None:
        """Takes place, date and source from the line in which the story begins; they stay in the text."""
        for line in head[:_BYLINES]:
            match = dateline(line)
            if match and self._on("dateline", found):
                named = match.groupdict()
                found.place = named.get("place")
                found.source = found.source or named["source"] or named.get("agency")
                found.published = found.published or instant(named.get("date"), language)
                found.parts.append(Part("dateline", "dateline", match[0].strip()))
                return

    def _trailer(self, lines: list[Line], found: Layout) -> list[Part]:
        """Links below a heading, and last lines that fit formulas, the first without doubt; never everything."""
        out: list[Part] = []
        end = len(lines)
        # Links are no sentences, so that few articles are looked at for them.
        for at in range(max(1, end - _LINKS), end if lines and lines[-1][2][-1] != "." else 0):
            if leads_elsewhere(lines[at][2]) and self._on("links", found):
                links = [line for _, _, line in lines[at:]]
                headlines = sum(map(len, links[1:])) >= _HEADLINE * len(links[1:])  # no entries of a list
                if headlines and all(not ends_sentence(x) or x[-1] in "?!" or formula(x) for x in links[1:]):
                    out, end = [Part("trailer", "links", line) for line in links], at
                    break
        doubtful: list[Part] = []
        for _, _, line in reversed(lines[max(1, end - _TRAILER_LINES) : end]):
            own = next(((name, m) for name, p in self.trailers.items() if (m := p.fullmatch(line))), None)
            fits = Formula(own[0], own[1].groupdict().get("source")) if own else formula(line)
            if fits is None or not self._on(fits.name, found):
                break
            doubtful.insert(0, Part("trailer", fits.name, line))
            # No content follows a line that is certainly none, and credits are among themselves.
            if not fits.doubtful or (out and len(doubtful) == 1 and out[0].rule == fits.name):
                found.source = found.source or (fits.source and fits.source.strip()) or None
                out, doubtful = doubtful + out, []
        return out

    def _summary(self, lines: list[str]) -> tuple[int, str]:
        """How many of the first lines are the summary, and the rule that says so.

        Bullets, or lines under a heading such as "Key points", or a run of at least two short lines, each shorter
        than the line after the run and than the usual line of the rest, which says the same at length.
        """
        most, short = self.settings.summary_lines, self.settings.summary_chars
        headed = int(bool(lines) and bool(_SUMMARY_HEAD.match(lines[0])))
        at = headed
        while at < len(lines) and at - headed < most and BULLET.match(lines[at]):
            at += 1
        if at - headed >= 2 and len(lines) > at and not BULLET.match(lines[at]):
            return at, "heading" if headed else "bullets"
        if len(lines) >= 5 and len(lines[0]) <= short and len(lines[1]) <= short:
            sizes = [len(line) for line in lines]
            for count in range(min(most, len(lines) - 3), 1, -1):
                longest, usual = max(sizes[:count]), sorted(sizes[count:])[(len(lines) - count) // 2]
                shape = longest <= short and longest < sizes[count] and max(longest, _PARAGRAPH) < usual
                if shape and _retold(lines[:count], lines[count:]):
                    return count, "short-lines"
        return 0, ""


def _retold(summary: list[str], rest: list[str]) -> bool:
    """Whether a summary says what the rest says, too, and none of its lines is a credit or a date."""
    if any(_NO_SUMMARY.search(line) or day_of(line, "en") or byline_of(line, "en") for line in summary):
        return False
    stems = {word[:_STEM] for word in _words("\n".join(rest))}
    own = [word[:_STEM] for word in _words("\n".join(summary)) if len(word) >= _STEM or not word.isascii()]
    return sum(word in stems for word in own) >= _RETOLD * len(own)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def line_hash(line: str) -> int:
    """64 bits by which a line is known across the corpus, whatever its case."""
    return int.from_bytes(hashlib.blake2b(line.casefold().encode(), digest_size=8).digest(), "little")


def split(text: str) -> list[Line]:
    """The non-blank lines of a text whose lines have no spaces around them."""
    out: list[Line] = []
    at = 0
    for line in text.split("\n"):
        end = at + len(line)
        if line and not line.isspace():
            out.append((at, end, line))
        at = end + 1
    return out


def _cuts(lines: list[Line], kept: Sequence[int], length: int) -> Iterator[Edit]:
    """Deletions of all that is neither in a kept line nor between two neighbouring ones."""
    at, before = 0, -1
    for i in kept:
        start = lines[i][0]
        if before < 0 and start:
            yield Edit(0, start, "")
        elif before >= 0 and i != before + 1:
            # The newlines before the kept line stay, and so divide it from the kept line before it.
            yield Edit(at, lines[i - 1][1], "")
        at, before = lines[i][1], i
    if at < length:
        yield Edit(at, length, "")


def shifted(position: int, cuts: Iterable[Edit]) -> int:
    """Where a position that is not cut lands once the cuts are made."""
    return position - sum(c.end - c.start for c in cuts if c.end <= position)
