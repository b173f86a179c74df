"""The raw files of a corpus: which there are, and what cannot be one."""

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.corpus.records import Reject
from builder.corpus.settings import Source


@dataclass(frozen=True, order=True)
class RawFile:
    """One file: its posix path relative to the raw folder, its address and its size in bytes."""

    path: str
    address: str
    size: int


def matcher(patterns: list[str]) -> re.Pattern[str]:
    """A pattern for relative posix paths: `*` stays within a folder, `**/` crosses folders."""
    return re.compile("|".join(_translate(p) for p in patterns) or r"(?!)")


def _translate(pattern: str) -> str:
    out = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern):
        out += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or (
            fnmatch.translate(part)[4:-3] if part.startswith("[") and part.endswith("]") else re.escape(part)
        )
    return f"(?:{out})\\Z"


def local(root: Path, source: Source) -> Iterator[RawFile | Reject]:
    """The files under a folder (or the one file it is) that the patterns choose, sorted by path.

    Hidden files are passed over. A symbolic link that leads back into its own parents is a reject.
    """
    include, exclude = matcher(source.include), matcher(source.exclude)
    if root.is_file():
        yield RawFile(root.name, str(root), root.stat().st_size)
        return
    found = sorted(_walk(root, "", (root.resolve(),)))
    for path, problem in found:
        if not include.match(path) or exclude.match(path):
            continue
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if problem:
            yield Reject(shown, None, *problem)
            continue
        address = root / path
        try:
            size = address.stat().st_size
        except OSError as e:
            yield Reject(shown, None, "unreadable", str(e.strerror))
            continue
        yield RawFile(shown, str(address), size)


def _walk(folder: Path, prefix: str, parents: tuple[Path, ...]) -> Iterator[tuple[str, tuple[str, str] | None]]:
    try:
        entries = list(os.scandir(folder))
    except OSError as e:
        yield prefix.rstrip("/"), ("unreadable", str(e.strerror))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = prefix + entry.name
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError:  # a link to itself
            is_folder = is_file = False
        if is_folder:
            target = Path(entry.path).resolve()
            if target in parents:
                yield path, ("symlink-loop", "the link leads back to a folder it lies in")
            else:
                yield from _walk(Path(entry.path), path + "/", (*parents, target))
        elif is_file:
            yield path, None
        else:
            yield path, ("not-a-file", "a broken link, a pipe or a device")
