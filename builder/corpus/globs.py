"""Patterns for paths, which take time in proportion to the path, whatever the pattern."""

import re

from fsspec.utils import glob_translate

from builder.errors import ConfigError

#: A set of characters, or one character.
_PART = re.compile(r"\[!?\]?[^\]]*\]|.", re.DOTALL)


def matcher(patterns: list[str]) -> re.Pattern[str]:
    """A pattern for relative posix paths: `*` stays within a folder, `**/` crosses folders.

    >>> bool(matcher(["**/*.txt"]).match("a/b.txt")), bool(matcher(["*.txt"]).match("a/b.txt"))
    (True, False)
    """
    try:
        for pattern in patterns:
            glob_translate(pattern)
        # Every path needs no look at its parts.
        return re.compile("" if "**/*" in patterns else "|".join(map(_path, patterns)) or r"(?!)")
    except ValueError as e:
        raise ConfigError(f"One of the patterns {', '.join(patterns)} is not valid: {e}.", "Correct it.") from e


def _path(pattern: str) -> str:
    """A regular expression for a whole path.

    What follows a `**/` is looked for at the first place where it is: when the rest is not found after it, it is not
    found after a later place either. So nothing is tried twice (atomic groups).
    """
    first, *others = re.sub(r"(?:\*\*/)+", "**/", pattern).split("**/")
    *middle, last = others or [first]
    found = [_names(first)] if others else []
    found += [rf"(?>(?:[^/]+/)*?{_names(names)})" for names in middle]
    found += ["(?:[^/]+/)*" if others else "", ".*" if last == "**" else _names(last.removesuffix("/**"))]
    return f"(?s:{''.join(found)}{'/.*' if last.endswith('/**') else ''})\\Z"


def _names(pattern: str) -> str:
    return "/".join(map(_name, pattern.split("/")))


def _name(pattern: str) -> str:
    """A regular expression for the name of a file or folder; what follows a `*` is looked for as `_path` does."""
    if pattern == "*":
        return "[^/]+"
    pieces = [""]
    for part in _PART.findall(pattern):
        pieces = [*pieces, ""] if part == "*" else [*pieces[:-1], pieces[-1] + part]
    first, *others = [glob_translate(piece)[4:-3] if piece else "" for piece in pieces]
    *middle, last = others or [""]
    between = "".join(rf"(?>[^/]*?{piece})" for piece in middle if piece)
    return f"{first}{between}[^/]*{last}" if others else first
