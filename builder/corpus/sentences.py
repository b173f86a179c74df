"""Sentence intervals of an article text, by sentencex, never crossing a line.

In a cleaned text a newline ends a paragraph, so a sentence ends there too.
"""

import re

_SPACES = re.compile(r"[^\S\n ]")


def sentences(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Intervals of the sentences of `text`, without the whitespace around them; only whitespace lies outside them."""
    from sentencex import segment

    # sentencex panics on a capital followed by a multi-byte space; one-for-one replacement keeps the offsets.
    safe = text if text.isascii() else _SPACES.sub(" ", text)
    out: list[tuple[int, int]] = []
    at = 0
    for part in segment(language or "en", safe):
        end = at + len(part)
        bare = part.strip()
        if bare:
            start = at + part.find(bare[0])
            if "\n" not in bare:
                out.append((start, start + len(bare)))
            else:
                _split_lines(bare, start, out)
        at = end
    return out


def _split_lines(part: str, at: int, out: list[tuple[int, int]]) -> None:
    for line in part.split("\n"):
        bare = line.strip()
        if bare:
            start = at + line.find(bare[0])
            out.append((start, start + len(bare)))
        at += len(line) + 1
