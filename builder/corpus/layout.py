"""The parts of a news article: title, summary, body and the syndication trailer."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from builder.corpus.settings import Boilerplate, Cleaning
from builder.offsets import Edit

_TITLE_CHARS = 250
_SENTENCE_END = re.compile(r"(?<!\b[A-Z]\.[A-Z])(?<!\.\.)[.;:,]$")
_BULLET = re.compile(r"^(?:[-*•·–—▪●]|\d{1,2}[.)])\s+")
_SUMMARY_HEAD = re.compile(r"^(?:summary|key (?:points|takeaways|facts)|at a glance|highlights|tl;?dr)\s*:?$", re.I)
_TRAILER_LINES = 6
_HEAD_LINES = 40
#: Characters below which lines are no paragraphs, so that a list of names has no summary.
_PARAGRAPH = 60


#: One non-blank line: start, end, text. A plain tuple, as there are millions.
Line = tuple[int, int, str]


@dataclass
class Layout:
    """Where the parts lie in the cleaned text; `cuts` leave it, in order, and what remains is the article text."""

    title: str | None
    source: str | None
    trailer: str | None
    cuts: list[Edit]
    body: int  # where the body begins; the summary, if any, ends before it


class Recogniser:
    """Finds the parts of articles, with the patterns of the settings compiled once."""

    def __init__(self, settings: Cleaning) -> None:
        self.settings = settings
        self.trailers = [re.compile(f"(?:{p})\\Z", re.IGNORECASE) for p in settings.trailers.values()]
        # One pattern to tell the many lines that match none.
        names = re.compile(r"\(\?P<\w+>")
        self.any_trailer = re.compile(
            "(?:" + "|".join(names.sub("(?:", p) for p in settings.trailers.values()) + ")\\Z", re.IGNORECASE
        )
        self.rules = [_rule(rule) for rule in settings.boilerplate.values()]

    def recognise(
        self, text: str, title: str | None, source: str | None, repeated: frozenset[int] = frozenset(), summary: int = 0
    ) -> Layout:
        """The layout of a cleaned text.

        A title known from the record is not looked for, only cut when the text repeats it; `summary` is the number of
        summary lines when it is known. Lines whose `line_hash` is in `repeated` are boilerplate.
        """
        lines = split(text)
        found, first = self._title(lines, title)
        trailer, source_found, last = self._trailer(lines, first)
        source = source or source_found
        kept = list(range(first, last))
        if repeated or self.rules:
            kept = [i for i in kept if not self._is_boilerplate(lines[i][2], source or "", repeated)]
        if not summary and self.settings.summary_lines:
            summary = self._summary([lines[i][2] for i in kept[:_HEAD_LINES]])
        body = len(text) if not kept else lines[kept[summary if summary < len(kept) else 0]][0]
        return Layout(found, source, trailer, list(_cuts(lines, kept, len(text))), body)

    def _is_boilerplate(self, line: str, source: str, repeated: frozenset[int]) -> bool:
        return (bool(repeated) and line_hash(line) in repeated) or any(
            pattern.fullmatch(line) and where.search(source) for pattern, where in self.rules
        )

    def _title(self, lines: list[Line], known: str | None) -> tuple[str | None, int]:
        if known is not None:
            same = bool(lines) and abs(len(lines[0][2]) - len(known)) < 20 and _plain(lines[0][2]) == _plain(known)
            return known, int(same and len(lines) > 1)
        if not self.settings.title or len(lines) < 2 or len(lines[0][2]) > _TITLE_CHARS:
            return None, 0
        return (None, 0) if _SENTENCE_END.search(lines[0][2]) else (lines[0][2], 1)

    def _trailer(self, lines: list[Line], first: int) -> tuple[str | None, str | None, int]:
        """The last lines from the first one on that matches a trailer pattern; never the whole article."""
        last, source = len(lines), None
        for i in range(len(lines) - 1, max(first, len(lines) - 1 - _TRAILER_LINES), -1):
            if not self.any_trailer.match(lines[i][2]):
                break
            match = next(m for p in self.trailers if (m := p.match(lines[i][2])))
            last = i
            source = match.groupdict().get("source") or source
        return "\n".join(line for _, _, line in lines[last:]) or None, source and source.strip(), last

    def _summary(self, lines: list[str]) -> int:
        """How many of the first lines are the summary.

        Bullets, or lines under a heading such as "Key points", or a run of at least two short lines, each shorter
        than the line after the run and than the usual line of the rest.
        """
        most = self.settings.summary_lines
        headed = bool(lines) and bool(_SUMMARY_HEAD.match(lines[0]))
        at = int(headed)
        while at < len(lines) and at - headed < most and _BULLET.match(lines[at]):
            at += 1
        if at - headed >= 2 and len(lines) > at and not _BULLET.match(lines[at]):
            return at
        short = self.settings.summary_chars
        if len(lines) < 5 or len(lines[0]) > short or len(lines[1]) > short:
            return 0
        for count in range(min(most, len(lines) - 3), 1, -1):
            run, rest = lines[:count], lines[count:]
            longest = max(map(len, run))
            usual = sorted(map(len, rest))[len(rest) // 2]
            if longest <= short and longest < len(rest[0]) and max(longest, _PARAGRAPH) < usual:
                return count
        return 0


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


def _cuts(lines: list[Line], kept: list[int], length: int) -> Iterator[Edit]:
    """Deletions of all that lies neither in a kept line nor between two neighbouring ones."""
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


def _rule(rule: Boilerplate) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(rule.line), re.compile(rule.source)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def shifted(position: int, cuts: Iterable[Edit]) -> int:
    """Where a position that is not cut lands once the cuts are made."""
    return position - sum(c.end - c.start for c in cuts if c.end <= position)
