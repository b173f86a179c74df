"""Sentence intervals of a text, by sentencex, never crossing a line.

In a cleaned text a newline ends a paragraph, so a sentence ends there too. Chunks are packed from these sentences, and
a release cut into sentences has the same ones.
"""

import re

from builder.characters import is_printable

_SPACES = re.compile(r"[^\S\n ]")


def sentences(text: str, language: str = "en", at: int = 0) -> list[tuple[int, int]]:
    """Intervals of the sentences of `text`, without the whitespace around them; only whitespace lies outside them.

    `at` is the offset of `text` in the article, and is added to every position.
    """
    from sentencex import segment

    # sentencex panics on a capital followed by a multi-byte space; one-for-one replacement keeps the offsets.
    safe = text if text.isascii() or is_printable(text) else _SPACES.sub(" ", text)
    out: list[tuple[int, int]] = []
    language = language or "en"
    for line in safe.split("\n"):
        for part in segment(language, line) if line else ():
            bare = part.strip()
            if bare:
                start = at if part[0] == bare[0] else at + part.index(bare[0])
                out.append((start, start + len(bare)))
            at += len(part)
        at += 1
    return out
