"""No text makes a regular expression of the package slow: each gets its own attack strings, 100 kB long.

A pattern is found in the source, as a constant or where it is compiled. Its attacks repeat what its repetitions accept,
after what must come before them, and end with a character that nothing accepts. A pattern whose time grows with the
square of the length takes minutes on one of them, one with linear time milliseconds.
"""

import ast
import importlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser
from typing import Any

import pytest

from builder.corpus.formulas import FORMULAS
from builder.corpus.trailers import formula

PACKAGE = Path(__file__).resolve().parent.parent / "builder"
LENGTH = 100_000
#: Seconds after which a pattern counts as slow; linear ones need a hundredth of it.
LIMIT = 20
CALLS = {"compile", "sub", "match", "fullmatch", "search", "split", "findall", "finditer"}


def patterns() -> Iterator[tuple[str, Any, int, set[str]]]:
    """Place, pattern, flags and the methods it is used with, for every pattern that is written in the source."""
    # These settings can only be imported inside Label Studio; they have no pattern.
    paths = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "studio" / "embedded" / "server_settings.py"})
    sources = {path: path.read_text(encoding="utf-8") for path in paths}
    calls: dict[str, set[str]] = defaultdict(set)
    for name, method in re.findall(rf"\b(\w+)\.({'|'.join(CALLS)})\b", "\n".join(sources.values())):
        calls[name].add(method)
    for path, source in sources.items():
        module = importlib.import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
        known = {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}
        for name, value in known.items():
            yield f"{path.relative_to(PACKAGE)}:{name}", value.pattern, value.flags, calls[name] or CALLS
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
                of = node.func.value
                if isinstance(of, ast.Name) and of.id == "re" and isinstance(node.args[0], ast.Constant):
                    pattern = node.args[0].value
                    if all(pattern != value.pattern for value in known.values()):
                        flags = re.IGNORECASE if "IGNORECASE" in ast.unparse(node) else 0
                        yield f"{path.relative_to(PACKAGE)}:{node.lineno}", pattern, flags, {node.func.attr}


def sample(items: Any, groups: dict[int, str]) -> str:
    """A short string that the items of a parsed pattern match, as far as one can see from each alone."""
    out = ""
    for op, value in items:
        if op is c.LITERAL:
            out += chr(value)
        elif op is c.NOT_LITERAL:
            out += "a" if value != ord("a") else "b"
        elif op is c.ANY:
            out += "a"
        elif op is c.IN:
            out += member(value)
        elif op is c.BRANCH:
            out += sample(value[1][0], groups)
        elif op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            out += sample(value[2], groups) * max(1, min(value[0], 3))
        elif op is c.SUBPATTERN:
            found = sample(value[3], groups)
            groups[value[0]] = found
            out += found
        elif op is c.ATOMIC_GROUP:
            out += sample(value, groups)
        elif op is c.GROUPREF:
            out += groups.get(value, "")
    return out


def member(choices: Any) -> str:
    """A character of a class: a letter or a blank where it has one, else its first."""
    for char in "a .-/1_\n":
        if any(accepts(choice, char) for choice in choices) != (choices[0][0] is c.NEGATE):
            return char
    op, value = next(choice for choice in choices if choice[0] is not c.NEGATE)
    return chr(value if op is c.LITERAL else value[0]) if op in (c.LITERAL, c.RANGE) else "a"


CATEGORIES = {c.CATEGORY_SPACE: str.isspace, c.CATEGORY_DIGIT: str.isdigit, c.CATEGORY_WORD: str.isalnum}
CATEGORIES |= {
    c.CATEGORY_NOT_SPACE: lambda x: not x.isspace(),
    c.CATEGORY_NOT_DIGIT: lambda x: not x.isdigit(),
    c.CATEGORY_NOT_WORD: lambda x: not x.isalnum(),
}


def accepts(choice: Any, char: str) -> bool:
    op, value = choice
    if op is c.LITERAL:
        return bool(value == ord(char))
    if op is c.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    return op is c.CATEGORY and bool(CATEGORIES[value](char))


def units(items: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """What a repetition accepts with what must come before it, for every long repetition inside."""
    groups: dict[int, str] = {}
    for op, value in items:
        if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            if value[1] > 100:
                yield before, sample(value[2], groups)
            yield from units(value[2], before)
        elif op is c.SUBPATTERN:
            yield from units(value[3], before)
        elif op is c.ATOMIC_GROUP:
            yield from units(value, before)
        elif op is c.BRANCH:
            for branch in value[1]:
                yield from units(branch, before)
        before += sample([(op, value)], groups)


def attacks(pattern: Any, flags: int) -> Iterator[str]:
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    parsed = _parser.parse(text, flags & ~re.UNICODE if isinstance(pattern, bytes) else flags)
    for before, unit in units(parsed):
        pieces = {unit, before + unit, before, unit + before}
        for piece in sorted(filter(None, pieces)):
            many = piece * (LENGTH // len(piece))
            yield from (many, before + many + "\0", f" {many}\0{before}", f"x{before}{many}{unit}\0x")


ALL = list(patterns())


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize(("pattern", "flags", "used"), [found[1:] for found in ALL], ids=[found[0] for found in ALL])
def test_no_text_makes_a_pattern_slow(pattern: Any, flags: int, used: set[str]) -> None:
    compiled = re.compile(pattern, flags)
    anywhere = not used <= {"match", "fullmatch"}
    for text in sorted(set(attacks(pattern, flags))):
        subject: Any = text.encode("latin-1", "replace") if isinstance(pattern, bytes) else text
        if "fullmatch" in used:
            compiled.fullmatch(subject)
        # What goes through the whole text tries its beginning first, as `match` does.
        if anywhere:
            for _ in compiled.finditer(subject):
                pass
        elif "match" in used:
            compiled.match(subject)


@pytest.mark.timeout(LIMIT)
def test_no_list_in_the_last_lines_of_an_article_is_slow() -> None:
    """Formulas are one large pattern for lines of some hundred characters, of which many hold lists of names."""
    starts = {sample(_parser.parse(part.replace("{source}", "AP")), {}) for part in FORMULAS.values()}
    names, between = ("AP", "1.1", "The A, Inc.", "A of B"), (" ", " and ", ", ", "; ", " / ", ". ")
    for start, name, sign in itertools.product(starts, names, between):
        formula(f"{start} {(name + sign) * 30}"[:180] + "\0")


def test_patterns_are_found() -> None:
    places = {place for place, *_ in ALL}
    assert len(places) > 40
    assert {"corpus/cleaning.py:_MARK", "masking.py:_EMAIL"} <= places
