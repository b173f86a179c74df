"""Dates as news write them: in many languages, forms and eras, never relative ones."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_DATE_FORMATS = ("%d.%m.%Y", "%Y/%m/%d", "%Y%m%d", "%Y-%m")
#: A date and a time as figures in a row.
_FIGURES = re.compile(r"((?:19|20)\d{6})(\d{6})\Z")
_UTC = re.compile(r"(?<=\d)\s*(?:UTC|GMT)\Z")
#: The year before the first of an era, in Japan and in the Republic of China.
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "民國": 1911, "民国": 1911}
_EAST_ASIAN = re.compile(
    rf"(?:中華)?({'|'.join(_ERAS)})? ?(\d{{1,4}}|元)[년年] ?(\d{{1,2}})[월月] ?(\d{{1,2}})[일日](?:\s?[(（]\w[)）])?"
)
_EAST_ASIAN_TIME = re.compile(
    r"\.? ?(?:({half}) ?(\d{{1,2}}):(\d\d)|({half})? ?(\d{{1,2}})[時时시点點] ?(?:(\d{{1,2}})[分분])?)".format(
        half="오전|오후|午前|午後|上午|下午"
    )
)
#: What is beside a date: words, the second name of an Arabic month, and a weekday of two letters.
_NOISE = re.compile(
    r"(?<=\d)(?:\s*(?:Uhr|h))\b|\b(?:at|às|alle|ore)\b|[|·•]|(?<=\d) m\.(?= )|(?<=\d) d\.|(?<=[ء-ي])/[ء-ي]+|"
    r"^[^\W\d]{2}\.?,? (?=\d)"
)
#: Years in Thailand, where no news is of so late a year of the Common Era, and how far they are ahead.
_BUDDHIST_YEAR, _BUDDHIST = re.compile(r"(?:พ\.ศ\. ?)?(?<!\d)(?<!:\d\d\.)(2[45]\d\d)(?!\d)"), 543
#: Smaller numbers are not seconds since 1970: 20240729 is a day.
_EPOCH = 1e8
#: Characters above which a text is no date.
_LONGEST = 80


def instant(value: Any, language: str = "") -> datetime | None:
    """The moment in UTC that a date, epoch seconds, or a date written out in a language name.

    A time without a zone is taken as UTC; None when it is no date between the years 1000 and 9999, or a relative one.

    >>> instant("2024-07-29T20:02:13+02:00").isoformat()
    '2024-07-29T18:02:13+00:00'
    >>> [instant(*date).day for date in (("Sept. 5, 2024",), ("5. März 2024", "de"), ("05/07/2024", "fr"))]
    [5, 5, 5]
    """
    try:
        found = _instant(value, language)
        if found is None or not 1000 <= found.year <= 9998:
            return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _instant(value: Any, language: str) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        if abs(value) >= _EPOCH and not _FIGURES.match(str(value)):
            return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, tz=UTC)
        value = str(value)
    text = _FIGURES.sub(r"\1T\2", value.strip()) if isinstance(value, str) else ""
    return _from_text(text, language.split("-")[0]) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _from_text(text: str, language: str) -> datetime | None:
    text = _BUDDHIST_YEAR.sub(lambda m: str(int(m[1]) - _BUDDHIST), text)
    with suppress(ValueError):
        return datetime.fromisoformat(_UTC.sub("+00:00", text))
    for form in _DATE_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
        return _instant(float(text), language)
    return _written_out(text, language) if re.search(r"\d", text) else None


def _written_out(text: str, language: str) -> datetime | None:
    import dateparser  # type: ignore[import-untyped]

    rules = {"PARSERS": ["absolute-time"], "REQUIRE_PARTS": ["day", "month", "year"], "TIMEZONE": "UTC"}
    text = re.sub(r"\bkl\.? ?(\d{1,2})[.:](?=\d\d\b)", r"\1:", text)
    text = _NOISE.sub(" ", re.sub(r"(?<=\d) ?h ?(?=\d\d\b)", ":", text))
    text = _EAST_ASIAN_TIME.sub(_clock, _EAST_ASIAN.sub(_western, text))
    # News means British and Indian time by BST and IST, and by ET what is the time in New York on that day.
    text = re.sub(r"\bBST\b", "+0100", text)
    text = re.sub(r"\(?\bIST\b\)?", "+0530", text)
    eastern = re.search(r"\bET\b", text)
    if eastern:
        found = _written_out(text.replace("ET", ""), language)
        return found and found.replace(tzinfo=ZoneInfo("America/New_York"))
    for languages in ([language] if language else []), ["en"]:
        with suppress(ValueError):  # of a language that it does not know
            if languages and (found := dateparser.parse(text, languages=languages, settings=rules)):
                moment: datetime = found
                return moment
    with suppress(ValueError, TypeError, IndexError):  # of mail, with the year at the end
        return parsedate_to_datetime(text)
    return None


def _western(date: re.Match[str]) -> str:
    """A date of East Asia with the year of the Common Era; without an era, a short year says nothing."""
    era, year, month, day = date.groups("")
    number = _ERAS.get(era, 0) + (1 if year == "元" else int(year))
    return f"{number}-{month}-{day} " if era or len(year) == 4 else ""


def _clock(time: re.Match[str]) -> str:
    half, hour, minute = (a or b for a, b in zip(time.groups("")[:3], time.groups("")[3:], strict=True))
    at = int(hour) if not half else int(hour) % 12 + 12 * (half in "오후午後下午")
    return f" {at}:{minute or '00'} "
