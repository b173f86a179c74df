"""From bytes to text: byte order marks, UTF-8, UTF-16 without a mark, and legacy encodings."""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAGIC = (
    b"%PDF",
    b"PK\x03\x04",
    b"\x7fELF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"PAR1",
    b"SQLite format 3",
)


class NotTextError(ValueError):
    """The bytes are not text; `reason` is the code of the reject row."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def decode(data: bytes, forced: str = "") -> tuple[str, str]:
    """The text and the name of its encoding; a name ending in "+replace" says that bad bytes became U+FFFD.

    A byte order mark is not part of the text. Raises `NotTextError` for what is not text.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _strict(data, name)
    if forced:
        return _strict(data, forced)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if "\0" not in text:
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


def _strict(data: bytes, name: str) -> tuple[str, str]:
    try:
        return data.decode(name), name
    except UnicodeDecodeError:
        return data.decode(name, "replace"), f"{name}+replace"


def _wide(data: bytes) -> str:
    """UTF-16 without a mark, told by zeros in every other byte of mostly Latin text."""
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
        try:
            return data.decode("cp1252"), "cp1252"
        except UnicodeDecodeError:
            return data.decode("latin-1"), "latin-1"
    return _strict(data, best.encoding)


def _latin(data: bytes) -> bool:
    """Few high bytes, and each between ASCII: accents and curly quotes, not another script."""
    high = sum(1 for b in data[:65536] if b >= 0x80)
    return high * 10 < len(data[:65536])
