"""Last lines that are no content: those that fit a formula of a news agency, and those that lead elsewhere.

A line fits only as a whole, so that a sentence that begins alike stays. What an entry of a list may be as well, such as
"Watch: The Sea" or "Written by Jane Austen", is a doubtful one, unless it is in brackets or names one of the media.
"""

import re
from functools import cache
from typing import NamedTuple

from builder.corpus.formulas import AGENCY, FORMULAS, MEDIUM, NAME, STAFF
from builder.corpus.imprints import is_imprint

#: Longer lines are paragraphs.
_LONGEST = 400
#: Lines after which only other articles are named.
_ELSEWHERE = re.compile(
    r"(?i)(?:read (?:next|more)|related(?: (?:articles?|stories|content|topics|links|news|coverage))?|more from .{1,"
    r"40}|more (?:news|stories|on this (?:story|topic))|you (?:may|might) also (?:like|be interested in)|"
    r"recommended(?: (?:stories|for you|reading))?|most (?:read|popular|viewed)(?: from .{1,30})?|"
    r"top stories|trending(?: now)?|also read|see also|what to read next|editor'?s'? picks|popular now|"
    r"suggested topics|keep reading|mehr zum thema|"
    r"auch interessant|à lire aussi|sur le même sujet|te puede interesar|lea también|leggi anche|leia também|читайте "
    r"также|関連記事)[:：]?"
)
#: A line with one of these verbs reports something.
_PROSE = re.compile(
    r"\b(?:said|says|say|told|tells|added|asked|argued|argues|warned|warns|claimed|claims|suggests?|insisted|denied|"
    r"according to|explained that|announced|confirmed|admitted|wrote|urged?|urges|declined|"
    r"begged|pleaded|advis(?:es?|ed)|shout(?:s|ed)|joked|recalled|promised|replied|complained)\b"
)
#: What the whole line is when it is a doubtful formula: a credit to one name alone may be a title, such as "Written by
#: Hand", and one to an author, a label of one word, or the name of a publisher an entry of a list.
_DOUBTFUL = {
    "read_more": r"(?:Read|More|Watch|Listen|Next|Up next|Explained|Recommended|In pictures|Don't miss|"
    r"(?i:must[- ]read|also see))\s?[:：|>»].*|"
    r"(?i:related|see also)\s?: ?\S++(?: \S++){0,2}",
    "reporting": rf"(?!.*\b[Rr]eporting\b)[^:;]* by (?!.* by |(?:the |our |\w+ )?{STAFF})[^:;]*|"
    rf"[^:;]* by (?:the )?(?!{STAFF})[^\s/]+|(?!.* by ).*[Nn]ewsroom",
    "original": r".* in (?!The )\S+",
    "published": r"(?!(?=This|A (?:\w+ )?version of this|The following|[^,]* on ).*(?i:first|originally|re-?pub|repri|"
    r"synd)|"
    r".*(?:licen[cs]e|permission)).*",
    "follow": r"Follow (?!us|our|him|her|them|me\b|.*(?:coverage|updates|updated|the latest|breaking)).*",
    "credit": r"(?i:video|pictures?|images?(?! credit)|illustrations?|graphics?).*|[^:;/]*(?: ?[:：]| by) "
    r"(?:the )?[^\s/]+",
    "assistance": r"[Ww]ith (?:(?:information|reports?|material)\b.*|[\w ]+ (?:from|by) \S+)",
    "desks": r"(?!.*ecueilli|(?i:reda|mitarb|haber|muhab|ediç|edici)\w*\s?:)[^,;.]*",
    "agency": r"BBC|CNN|UNI|AA|TT|CP|PA|SID|STT|ATS|VOA",
}
#: Words by which a doubtful line is known to be a formula.
_TRADE = re.compile(rf"\b{AGENCY}\b|{MEDIUM}|\w\.\w\w|@")
#: An agency in brackets before another formula.
_LEADING = re.compile(rf"^\(({AGENCY})\)(?: [-–])? ")
#: An agency in brackets with a paper or a sign of the desk, and characters of such a line at most.
_KNOWN = re.compile(rf"(?!(?:{_DOUBTFUL['agency']})$){AGENCY}")
_PARTED, _CREDIT = re.compile(r" ?[/,;、،+] ?"), 40
_IN_LINE = re.compile(rf"(?<!\w){AGENCY}(?!\w)")
#: What ends a sentence, and what may stand after it.
_ENDS, _AFTER_END = tuple(".!?…。！？｡؟۔।॥։።"), " \t\xa0\u202f\u3000\"'”’»›“‘)]）」』】"


class Formula(NamedTuple):
    """A formula that a line fits: its name, the source that the line names, and whether it may be content as well."""

    name: str
    source: str | None
    doubtful: bool = False


@cache
def _pattern(several: bool = False) -> re.Pattern[str]:
    """Finds a formula, or several in one line; the names of its groups are those of the first."""
    first = "|".join(
        f"(?P<{name}>{pattern.replace('{source}', f'(?P<source_{name}>{NAME})')})" for name, pattern in FORMULAS.items()
    )
    if not several:
        return re.compile(first)
    others = "|".join(pattern.replace("{source}", NAME) for pattern in FORMULAS.values())
    # Atomic, as a line of many alike parts would else be tried in more ways than anybody waits for.
    return re.compile(rf"(?:{first})(?:[.;,|•·)]*(?: [-–—|•·])? ?(?:\b|(?=[©(]))(?>{others}))*+")


def formula(line: str) -> Formula | None:
    """The formula that the whole line fits; None for a line that is content."""
    if len(line) > _LONGEST:
        return None
    bare = line.strip(" *|•·").rstrip(" .;") or line
    bracketed = False
    while len(bare) > 2 and bare[0] + bare[-1] in ("()", "[]", "（）", "【】", "「」"):
        bare, bracketed = bare[1:-1].strip(" .;") or line, True
    bare = _LEADING.sub(r"\1 ", bare)
    if not _pattern().match(bare):
        return _in_words(bare, bracketed)
    # The pattern of several takes as long to compile as hundreds of articles to read, and few lines need it.
    found = _pattern().fullmatch(bare) or _pattern(several=True).fullmatch(bare)
    if found is None:
        return _in_words(bare, bracketed)
    name = next(n for n in FORMULAS if found[n] is not None)
    # Headlines may report, but are no sentences.
    if line.endswith(".") if name == "read_more" else name != "corrected" and _PROSE.search(line):
        return None
    doubtful = name in _DOUBTFUL and re.fullmatch(_DOUBTFUL[name], bare) is not None
    if doubtful and name != "read_more" and (bracketed or name != "agency"):
        doubtful = not bracketed and _TRADE.search(bare) is None
    source = found.groupdict().get(f"source_{name}")
    if source and name == "source" and line[-1] in ".。।۔" and source.upper() == source.lower():
        return None  # a sentence in a script without capitals, of which any word may be a name
    return Formula(name, source.split(", ")[0].strip(' .“”"') if source else None, doubtful)


def _in_words(line: str, bracketed: bool) -> Formula | None:
    """A formula by its words; without an agency, what is written like a title may be one: "Reporting for Duty"."""
    if bracketed and len(line) <= _CREDIT and any(map(_KNOWN.fullmatch, _PARTED.split(line))):
        return Formula("agency", None)
    if not is_imprint(line, _IN_LINE):
        return None
    titled = all(word[0].isupper() for word in re.findall(r"[^\W\d_]{4,}", line))
    return Formula("words", None, titled and _IN_LINE.search(line) is None)


def ends_sentence(line: str) -> bool:
    """Whether a line ends like a sentence, also with quotation marks or brackets after it."""
    return line.rstrip(_AFTER_END).endswith(_ENDS)


def leads_elsewhere(line: str) -> bool:
    """Whether the line is a heading over links to other articles."""
    return _ELSEWHERE.fullmatch(line) is not None and not ends_sentence(line)
