"""From bytes to text: byte order marks, UTF-8, UTF-16 without a mark, and legacy encodings."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

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
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# fmt: off
_MAGIC = (
    b"%PDF", b"PK\x03\x04", b"\x7fELF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1",
    b"SQLite format 3",
)
# fmt: on


class NotTextError(ValueError):
    """The bytes are not text; `reason` is the code of the reject row."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def decode_text(data: bytes, forced: str = "") -> tuple[str, str]:
    """The text and the name of its encoding; a name ending in "+replace" says that bad bytes became U+FFFD.

    A byte order mark is not part of the text. Raises `NotTextError` for what is not text.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _strict(data, name)
    if forced:
        return _strict(data, forced)
    with suppress(UnicodeDecodeError):
        if "\0" not in (text := data.decode("utf-8")):
            return text, "utf-8"
    if wide := _wide(data):
        return _strict(data, wide)
    _refuse_binary(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as e:
        # Mostly good UTF-8 with damage: a legacy encoding would turn every good accent into two wrong characters.
        good = sum(1 for _ in _MULTIBYTE.finditer(data))
        text = data.decode("utf-8", "replace")
        bad = text.count("�")
        if good > bad or (bad == 1 and e.start >= len(data) - 3):
            return text, "utf-8+replace"
    return _legacy(data)


def is_wide(head: bytes) -> bool:
    """Whether lines or JSON that begin so use two or four bytes a character, so that no byte of them is a line end."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:4]


def blocks(stream: BinaryIO, forced: str = "") -> Iterator[tuple[str, str]]:
    """The text of a stream in blocks, and the encoding of each, found like that of `decode_text`.

    What begins as UTF-8 may turn out to be something else at its first accent, however late that comes; so a block is
    judged when it is no UTF-8, and what it is found to be holds from there on. Raises `NotTextError`.
    """
    decoder: codecs.IncrementalDecoder | None = None
    name, held, began = "utf-8", b"", False
    while True:
        # Blocks end with a line where lines are short, so that no character is judged by half of its bytes.
        data = stream.read(_BLOCK)
        data += stream.readline(_BLOCK) if data else b""
        if not began and data:
            began, name = True, decode_text(data, forced)[1].removesuffix("+replace")
            decoder = None if name == "utf-8" and not forced else codecs.getincrementaldecoder(name)("replace")
        if decoder is None:
            whole = held + data
            try:
                text, used = codecs.utf_8_decode(whole, "strict", not data)
                held, label = whole[used:], name
            except UnicodeDecodeError:
                text, label = decode_text(whole)
                held = b""
                if label != "utf-8+replace":
                    name, decoder = label, codecs.getincrementaldecoder(label.removesuffix("+replace"))("replace")
        else:
            text = decoder.decode(data, not data)
            label = f"{name}+replace" if "\ufffd" in text else name
        if text:
            yield text, label
        if not data:
            return


def text_lines(stream: BinaryIO, limit: int, forced: str = "") -> Iterator[tuple[str, str]]:
    """The lines of a stream with their ends, and the encoding of each; of one over the limit the beginning only."""
    rest = name = ""
    for text, name in blocks(stream, forced):
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


def _strict(data: bytes, name: str) -> tuple[str, str]:
    try:
        return data.decode(name), name
    except UnicodeDecodeError:
        return data.decode(name, "replace"), f"{name}+replace"


def _wide(data: bytes) -> str:
    """UTF-16 without a mark, recognised by zeros in every other byte of mostly Latin text."""
    head = data[:4096]
    if len(head) < 4:
        return ""
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.05 else ""


def _refuse_binary(data: bytes) -> None:
    if data.startswith(_MAGIC):
        raise NotTextError("binary", f"begins like a binary file: {data[:8]!r}")
    head = data[:65536]
    controls = sum(1 for _ in _CONTROL.finditer(head))
    if controls > max(8, len(head) // 50):
        raise NotTextError("binary", f"{controls} control characters in the first {len(head)} bytes")


def _legacy(data: bytes) -> tuple[str, str]:
    """Windows-1252 where it reads as well as anything else, since most legacy news is; else the best guess."""
    from charset_normalizer import from_bytes

    best = from_bytes(data[:65536], threshold=0.3).best()
    western = {"cp1250", "cp1252", "cp1254", "cp1257", "cp1258", "latin_1", "iso8859_15", "iso8859_2", "mac_roman"}
    if best is None or best.encoding in western or _latin(data):
        with suppress(UnicodeDecodeError):
            return data.decode("cp1252"), "cp1252"
        return data.decode("latin-1"), "latin-1"
    return _strict(data, best.encoding)


def _latin(data: bytes) -> bool:
    """Few high bytes, and each between ASCII: accents and curly quotes, not another script."""
    head = data[:65536]
    return sum(b >= 0x80 for b in head) * 10 < len(head)
