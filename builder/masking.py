"""Personal data in texts: e-mail addresses, phone numbers and bank account numbers, and what is shown instead."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial

#: What may be masked, each with the words that take its place.
KINDS = {"emails": "[e-mail]", "hosts": "[e-mail]", "phones": "[phone]", "accounts": "[account]"}
#: The sign, also in full width and as an HTML entity.
_AT = r"(?:[@\uff20\ufe6b]|&#0{0,4}64;|&#[xX]0{0,4}40;|&commat;)"
_LOCAL = r"(?:\"[^\"\n@]{1,64}\"|(?<![\w.+-])[\w.+-]++)"
_DOT = r"[.\uff0e\u3002\uff61]"
_LITERAL = r"\[[\dA-Fa-f.:]{3,45}\]"
_EMAIL = re.compile(rf"{_LOCAL}{_AT}(?:[\w-]++(?:{_DOT}[\w-]++)++|{_LITERAL})")
_AT_HOST = re.compile(rf"{_LOCAL}{_AT}(?:[\w-]++(?:{_DOT}[\w-]++)*+|{_LITERAL})")
_SIGN = re.compile(_AT)
#: International numbers, national ones that begin with 0, and the ten digits of North America.
_PHONE = re.compile(
    r"(?<![\w.,/+-])(?:(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){6,13}|\(?0[1-9](?:[ ()./-]{0,2}\d){6,11}"
    r"|\(?[2-9]\d\d\)?[ .-][2-9]\d\d[ .-]\d{4})(?![\w-]|[.,/]\d)"
)
_DATE = re.compile(r"0?\d[./-]\d\d?[./-](?:19|20)?\d\d")
#: An IBAN, with or without spaces; its check digits decide.
_ACCOUNT = re.compile(r"(?<!\w)[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")


def personal(text: str, kinds: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of everything of these `KINDS` in a text, without overlap and in order.

    >>> [text for *_, text in personal("Write to ada@example.org or call +49 30 1234567.", KINDS)]
    ['[e-mail]', '[phone]']
    """
    found = [(*m.span(), KINDS[kind]) for kind in KINDS if kind in kinds for m in _FINDERS[kind](text)]
    end = 0
    for start, stop, instead in sorted(found, key=lambda one: (one[0], -one[1])):
        if start >= end:
            yield start, stop, instead
            end = stop


def masked(text: str, kinds: Collection[str], names: Iterable[str] = ()) -> str:
    """The text with personal data of these kinds replaced, and these names as whole words in any case of letters.

    >>> masked("ada＠example.org, GB82 WEST 1234 5698 7654 32", ["emails", "accounts"])
    '[e-mail], [account]'
    >>> masked("ADA LOVELACE's note; Adam and ada agree", [], ["Ada", "Ada Lovelace"])
    "[name]'s note; Adam and [name] agree"
    """
    parts, at = [], 0
    for start, end, instead in personal(text, kinds):
        parts += [text[at:start], instead]
        at = end
    rest = "".join([*parts, text[at:]])
    # The longest first, so that no part of a name is left.
    words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name)
    return re.sub(rf"(?<!\w)(?:{words})(?!\w)", "[name]", rest, flags=re.IGNORECASE) if words else rest


def _addresses(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    # Most texts have no such sign, and a look for it is cheaper.
    some = any(map(text.__contains__, "@\uff20\ufe6b&")) and _SIGN.search(text)
    return pattern.finditer(text) if some else iter(())


def _phones(text: str) -> Iterator[re.Match[str]]:
    return (m for m in _PHONE.finditer(text) if not _DATE.fullmatch(m[0]))


def _accounts(text: str) -> Iterator[re.Match[str]]:
    return (m for m in _ACCOUNT.finditer(text) if _is_account(m[0]))


def _is_account(written: str) -> bool:
    """Whether the check digits of an IBAN are right (ISO 13616: 97 divides the number with a remainder of one)."""
    plain = written.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


_FINDERS: dict[str, Callable[[str], Iterator[re.Match[str]]]] = {
    "emails": partial(_addresses, _EMAIL),
    "hosts": partial(_addresses, _AT_HOST),
    "phones": _phones,
    "accounts": _accounts,
}
