"""From bytes to text: the encoding that is set, marked, declared, valid or detected, in this order."""

import codecs
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple

from builder.corpus.settings import Source

_BLOCK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_END = re.compile(r"\n?")
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
#: What announces ISO-2022 and HZ, whose bytes are all ASCII; and Korean in ISO-2022, which is announced once per file.
_KOREAN = re.compile(rb"\x0e(?:[!-~]{2})+\x0f")
_ESCAPES = re.compile(rb"\x1b[$(.]|~\{[!-~]{2}|" + _KOREAN.pattern)
_WIDE = re.compile("[\\s -~\u0370-\u074f\u0900-\u0fff\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]")
_HEAD_END = re.compile(rb"</head|<body", re.IGNORECASE)
_DECLARED = re.compile(
    rb"<!--(?:(?!<!--|-->).)*+-->|<script\b(?:(?!</?script\b).)*+</script"
    rb"|\A\s*<\?xml\s[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)"
    rb"|<meta\b[^<>]*?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)",
    re.IGNORECASE | re.DOTALL,
)
_MARKUP = re.compile(
    rb"<(script|style)\b(?:(?!</?\1\b).)*+</\1\s*>|<!--(?:(?!<!--|-->).)*+-->|<[^<>]*>|&#?\w+;",
    re.IGNORECASE | re.DOTALL,
)
#: What browsers take for a label; https://encoding.spec.whatwg.org/#names-and-labels
_READ_AS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip


class Encoding(NamedTuple):
    """How bytes became text: the codec, how it was found, and how sure that is (0 to 1).

    A name that ends in "+replace" says that bad bytes became U+FFFD. `found` is "set", "mark" (a byte order mark),
    "declared", "valid" (UTF-8) or "detected".
    """

    name: str
    found: str
    sure: float = 1.0


UTF8 = Encoding("utf-8", "valid")
Decode = Callable[[bytes], tuple[str, Encoding]]


class NotTextError(ValueError):
    """The bytes are not text; `reason` is the code of the reject row."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def decode_text(data: bytes, source: Source, label: str = "") -> tuple[str, Encoding]:
    """The text and its encoding. A byte order mark is not part of the text. Raises `NotTextError`.

    Bytes that are UTF-8 beyond ASCII are read as that even when they declare something else: such pages are common,
    others that happen to be UTF-8 are not. `label` is the encoding that a server declared.
    """
    if source.encoding:
        return _decoded(data, Encoding(source.encoding, "set"))
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _decoded(data, Encoding(name, "mark"))
    text = _utf8(data)
    declared = codec(label) or _declaration(data)
    if declared and (text is None or data.isascii()):
        with suppress(UnicodeDecodeError):
            return data.decode(declared), Encoding(declared, "declared")
    return (text, UTF8) if text is not None else _decoded(data, _detected(data, source))


def _decoded(data: bytes, encoding: Encoding) -> tuple[str, Encoding]:
    try:
        return data.decode(encoding.name).removeprefix("\ufeff"), encoding
    except UnicodeDecodeError:
        text = data.decode(encoding.name, "replace").removeprefix("\ufeff")
        return text, encoding._replace(name=f"{encoding.name}+replace")


def _utf8(data: bytes) -> str | None:
    with suppress(UnicodeDecodeError):
        if "\0" not in (text := data.decode("utf-8")) and not escaped(data):
            return text
    return None


def escaped(data: bytes) -> bool:
    """Whether bytes that are all ASCII are another encoding: ISO-2022 or HZ."""
    return (b"\x1b" in data or b"~" in data or b"\x0e" in data) and _ESCAPES.search(data) is not None


def _declaration(data: bytes) -> str:
    """The codec that an XML prolog or the head of a page declares; empty without one that Python knows."""
    if not data[:64].lstrip().startswith(b"<"):
        return ""
    end = _HEAD_END.search(data)
    for found in _DECLARED.finditer(data, 0, end.start() if end else len(data)):
        if label := found[1] or found[2]:
            return codec(label.decode("ascii"))
    return ""


@lru_cache(maxsize=256)
def codec(label: str) -> str:
    """The codec for an encoding's label as browsers read it; empty for what is not ASCII-compatible or not known."""
    label = re.sub(r"^x-(?=sjis|gbk|euc|mac)|(?<=8859-8)-[ie]$|^windows-(?=874|949)", "", label.lower())
    with suppress(LookupError, ValueError):
        name = codecs.lookup(f"cp{label}" if label.isdecimal() else label).name
        if b"<a>".decode(name) == "<a>" and not name.startswith(("utf", "punycode", "idna", "unicode", "raw_unicode")):
            return _READ_AS.get(name, name)
    return ""


_ORDERS = ("utf-16-le", "utf-16-be")


def _detected(data: bytes, source: Source) -> Encoding:
    """The encoding that chardet finds most likely for bytes that are not valid UTF-8."""
    import chardet

    high = _HIGH.search(data)
    good = sum(1 for _ in _MULTIBYTE.finditer(data)) if b"\0" not in data else 0
    bad = data.decode("utf-8", "replace").count("\ufffd") if good else 0
    if good > 2 * bad or (good and bad == 1):
        # Mostly good UTF-8 with damage: a legacy encoding would turn every good character into several wrong ones.
        return Encoding("utf-8", "detected", round(good / (good + bad), 3))
    era = chardet.EncodingEra.ALL & ~chardet.EncodingEra.MAINFRAME
    # Its own supersets are left out: cp1250 has other letters than ISO 8859-2 where Czech needs them.
    evidence = _evidence(data, high)
    guesses = chardet.detect_all(
        evidence, ignore_threshold=True, encoding_era=era, prefer_superset=False, compat_names=False
    )
    guesses.sort(key=lambda guess: guess["encoding"] == "hp-roman8")  # of printers, in which no news is written
    best = guesses[0]
    if best["encoding"] is None:
        if name := _wide_without_zeros(data):
            return Encoding(name, "detected", 0.9)
        raise NotTextError("binary", f"looks like {best['mime_type']}: it begins with {data[:8]!r}")
    least = _PRIOR * best["confidence"]
    languages = {*source.languages, *(_NORDIC if _NORDIC & {*source.languages} else ())}
    expected = (g for g in guesses if g["language"] in languages and g["confidence"] >= least)
    best = next(expected, best)
    if b"\0" not in data and _oddities(evidence, best):
        near = [best, *(g for g in guesses if g["confidence"] >= _NEAR * best["confidence"])]
        best = min(near, key=lambda g: _oddities(evidence, g))
    name = _read_as(best)
    if name in _ORDERS:
        # Spaces and line ends tell the order of bytes, which is mistaken where they are few, as in Thai.
        name = max((name, *_ORDERS), key=lambda order: sum(map(data.decode(order, "replace").count, " \r\n")))
    return Encoding(name, "detected", round(best["confidence"], 3))


def _read_as(guess: Mapping[str, Any]) -> str:
    name = codecs.lookup(str(guess["encoding"])).name
    return "utf-8" if name == "ascii" else _READ_AS.get(name, name)


def _oddities(evidence: bytes, guess: Mapping[str, Any]) -> int:
    """How often the beginning of the evidence, read so, has what no prose has."""
    return len(_odd().findall(evidence[: 1 << 14].decode(_read_as(guess), "replace")))


@lru_cache(maxsize=1)
def _odd() -> re.Pattern[str]:
    """Control characters, lone line drawing; capitals and signs inside a word; letters of two alphabets in one word."""
    cased = [chr(code) for code in range(0x80, 0x530)]
    lower, upper = "a-z" + "".join(filter(str.islower, cased)), "".join(filter(str.isupper, cased))
    sign, drawn = r"[^\w\s\0-\x7f´·’‘…\xad\u0300-\u036f\u2010-\u2015]", "[\u2500-\u25a0]"
    # The letters of "\n" and the like in JSON are part of no word.
    inside = rf"(?<=[{lower}])(?<!\\[bfnrt])(?:[{upper}]|{sign}(?=[{lower}]))"
    mixed = r"(?<=[a-zA-Z])(?<!\\[bfnrt])[\u0370-\u06ff]|(?<=[\u0370-\u06ff])[a-zA-Z]"
    return re.compile(f"[\x80-\x9f\ufffd]|(?<!{drawn}){drawn}(?!{drawn})|{inside}|{mixed}")


def _wide_without_zeros(data: bytes) -> str:
    """UTF-16 of a script such as Thai or Chinese, so that hardly a byte is zero."""
    for name in ("utf-16-le", "utf-16-be"):
        text = data[:4096].decode(name, "ignore")
        if len(_WIDE.findall(text)) * 20 >= len(text) * 19 > 0:
            return name
    return ""


#: A guess of a language that is expected outweighs one that is so much surer.
_PRIOR = 0.9
#: The best guess gives way to one at least half as sure that reads fewer oddities: of 938 short texts in 35 languages,
#: 83 were wrong without this and 54 with it.
_NEAR = 0.5
#: Languages of the same letters and nearly the same words: a guess of one of them is a guess of all.
_NORDIC = {"da", "nb", "nn", "no"}


def _evidence(data: bytes, high: re.Match[bytes] | None) -> bytes:
    """The lines that are not ASCII, without markup; all of it where bytes have another meaning."""
    if high is None or b"\0" in data[:4096]:
        return data[:_BLOCK]
    some = data[max(0, high.start() - 4096) : high.start() + _BLOCK]
    lines = [line for line in _MARKUP.sub(b" ", some).splitlines() if not line.isascii()]
    return b"\n".join(lines) or some


def is_wide(head: bytes) -> bool:
    """Whether lines or JSON that begin so use two or four bytes a character, so that no byte of them is a line end."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:4]


def line_decoder(source: Source, more: Callable[[], bytes]) -> Decode:
    """Decodes the lines of one file: each as UTF-8 where it is valid, else in the encoding of the first that is not.

    `more()` gives bytes that follow; by its lines that are not UTF-8 that encoding is judged as well.
    """
    found: list[Encoding] = []

    def decode(line: bytes) -> tuple[str, Encoding]:
        if source.encoding or (text := _utf8(line)) is None:
            if b"\x1b" not in line and _KOREAN.search(line):
                line = b"\x1b$)C" + line
            if not found:
                others = [other for other in more().split(b"\n")[:-1] if _utf8(other) is None]
                found.append(decode_text(b"\n".join([line, *others]), source)[1])
            return _decoded(line, found[0]._replace(name=found[0].name.removesuffix("+replace")))
        return text, UTF8

    return decode


def blocks(stream: BinaryIO, source: Source) -> Iterator[tuple[str, Encoding]]:
    """The text of a stream in blocks, and the encoding of each, found like that of `decode_text`.

    What begins as UTF-8 may turn out to be something else at its first accent, however late that comes; so a block is
    judged when it is no UTF-8, and what it is found to be holds from there on. Raises `NotTextError`.
    """
    utf8 = codecs.getincrementaldecoder("utf-8")
    decoder: codecs.IncrementalDecoder = utf8()
    found, began, accents = UTF8, False, False
    while True:
        # Blocks end with a line where lines are short, so that no character is judged by half of its bytes.
        data = stream.read(_BLOCK) + stream.readline(_BLOCK)
        held = decoder.getstate()[0]
        try:
            if (data and not began) or (found is UTF8 and escaped(held + data)):
                raise UnicodeDecodeError("utf-8", data, 0, 1, "it may be another encoding")
            runs = list(_runs(data, found, decoder, not data))
        except UnicodeDecodeError:
            if not data and accents:  # cut off inside a character
                runs = [(held.decode("utf-8", "replace"), found)]
            else:
                data = held + data
                others = b"".join(line for line in data.splitlines(keepends=True) if _utf8(line) is None)
                found = decode_text(data if b"\0" in data else others or data, source)[1]
                found = found._replace(name=found.name.removesuffix("+replace"))
                if found == UTF8:
                    found, decoder = UTF8, utf8()
                else:
                    decoder = codecs.getincrementaldecoder(found.name)("replace")
                runs = list(_runs(data, found, decoder, not data))
        for text, encoding in runs:
            began, accents = True, accents or not text.isascii()
            if text:
                damaged = encoding._replace(name=f"{encoding.name}+replace")
                yield text.removeprefix("\ufeff"), damaged if "\ufffd" in text else encoding
        if not data:
            return


def _runs(
    data: bytes, found: Encoding, decoder: codecs.IncrementalDecoder, last: bool
) -> Iterator[tuple[str, Encoding]]:
    """The text of a block; in one whose encoding was detected, some lines may be UTF-8 all the same."""
    if found.found != "detected" or found.name.startswith(("utf", "iso2022", "hz")):
        yield decoder.decode(data, last), found
        return
    before, run = found, ""
    for line in data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True):
        encoding, text = before, None if decoder.getstate()[0] else _utf8(line)
        if text is None or not line.isascii():
            # Few characters may be UTF-8 by chance.
            sure = text and (len(_MULTIBYTE.findall(line)) > 2 or _odd().search(line.decode(found.name, "replace")))
            encoding, text = (UTF8, text) if text and sure else (found, decoder.decode(line))
        if encoding != before:
            yield run, before
            before, run = encoding, ""
        run += text
    yield run + decoder.decode(b"", last), before


def text_lines(stream: BinaryIO, limit: int, source: Source) -> Iterator[tuple[str, Encoding]]:
    """The lines of a stream with their ends, and the encoding of each; of one over the limit the beginning only."""
    rest, name = "", UTF8
    for text, name in blocks(stream, source):
        if len(rest) > limit:
            end = _END.match(text) if rest[-1] == "\r" else _LINE.match(text)
            if end is None:
                continue
            yield rest[: limit + 1], name
            rest, text = "", text[end.end() :]
        found = io.StringIO(rest + text, newline="").readlines()
        # A lone CR at the end may be half of a line end.
        rest = found.pop() if found and not found[-1].endswith("\n") else ""
        for line in found:
            yield line[: limit + 1], name
    if rest:
        yield rest[: limit + 1], name
