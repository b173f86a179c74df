"""Last lines of trade words, names and numbers alone; `test_trailers.py` has lines as they are written."""

import re

import pytest

from builder.corpus.imprints import is_imprint

AGENCY = re.compile(r"\b(?:AFP|Canadian Press)\b")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Get our newsletter", True),
        ("Get our newsletter, Harbour Daily 24", True),
        ("Get our newsletter at example.org", True),
        ("Get our boring newsletter", False),
        ("Harbour newsletter", False),  # a first word has a capital anyway
        ("AFP newsletter", True),
        ("Newsletter", False),
        ("Get our “newsletter”", False),
        ("Get our newsletter?", False),
        ("The newsletter was edited by the team.", False),
        ("This article was edited from agencies.", True),
        ("With AFP", True),
        ("With AFP.", False),
        ("With material of AFP used in this report.", True),
        ("The AFP", False),
        ("With Harbour Daily", False),
        ("", False),
        ("...", False),
    ],
)
def test_every_word_is_of_the_trade_or_a_name(line: str, found: bool) -> None:
    assert is_imprint(line, AGENCY) is found


def test_long_lines_are_paragraphs() -> None:
    line = f"Get our newsletter {'Xxxx' * 40}"
    assert is_imprint(line[:160], AGENCY)
    assert not is_imprint(line[:161], AGENCY)
    assert is_imprint(f"Newsletter{' A' * 24}", AGENCY)
    assert not is_imprint(f"Newsletter{' A' * 25}", AGENCY)
    assert is_imprint(f"By AFP{' A' * 9}", AGENCY)
    assert not is_imprint(f"By AFP{' A' * 10}", AGENCY)
