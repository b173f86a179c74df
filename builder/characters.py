"""A quick look at the characters of a text, which spares most texts a slow one."""

_last = ("", True)


def is_printable(text: str) -> bool:
    """True when every character is a newline or printable, so that the only space is the plain one.

    The last answer is kept, because cleaning, segmenting and counting ask about the same text one after the other.
    """
    global _last
    known, answer = _last
    if known is not text:
        answer = text.replace("\n", "").isprintable()
        _last = (text, answer)
    return answer
