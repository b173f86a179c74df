"""Raw files: their listing, local or remote, those in archives included, and the patterns that choose them."""

import hashlib
import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from fsspec.utils import glob_translate

from builder.corpus.records import Reject, unreadable
from builder.corpus.settings import Source
from builder.corpus.streams import ARCHIVES, address_parts, archive_system, is_remote, os_errors
from builder.errors import ConfigError, SourceError
from builder.settings import shown_address

_MAGIC = re.compile(r"[*?\[]")
#: What remote file systems call the marks that change with a file.
_STAMPS = ("ETag", "etag", "LastModified", "mtime", "last_modified", "created")


class RawFile(NamedTuple):
    """One file: its posix path relative to the raw folder, its address, and its size in bytes.

    `stamp` changes whenever the bytes may have changed; it is 0 when nothing is known of that. `changed` is the time of
    the last change, in nanoseconds since 1970; 0 when it is not known.
    """

    path: str
    address: str
    size: int
    stamp: int
    changed: int = 0


def list_files(raw: str, source: Source) -> tuple[list[RawFile], list[Reject]]:
    """The files that `raw` (a folder, a file, a glob or an fsspec address) and the patterns choose, and rejects.

    They are in the order of their paths, and those in an archive in its order.

    Files and folders whose name begins with a dot are left out. Raises `SourceError` when there is nothing to read.
    """
    root, include = _split_glob(re.sub(r"^(?:file|local)://", "", raw), source.include)
    wanted, unwanted = matcher(include).match, matcher(source.exclude).match

    found = _remote(root, source.storage_options) if is_remote(root) else _local(Path(root), source.follow_links)
    files: list[RawFile] = []
    rejects: list[Reject] = []
    for one in sorted(found, key=itemgetter(0)):
        path = one[0]
        if isinstance(one, RawFile) and path.lower().endswith(ARCHIVES):
            for f in _members(one, source.storage_options):
                if any(map(wanted, (f[0], path))) and not any(map(unwanted, (f[0], path))):
                    files.append(f) if isinstance(f, RawFile) else rejects.append(f)
        elif wanted(path) and not unwanted(path):
            files.append(one) if isinstance(one, RawFile) else rejects.append(one)
    if not files and not rejects:
        raise SourceError(
            f"The raw folder {shown_address(raw)} holds no files to read.",
            "Put articles there, or set paths.raw, source.include or source.exclude.",
        )
    return files, rejects


def _split_glob(raw: str, include: list[str]) -> tuple[str, list[str]]:
    before, path, chained = address_parts(raw)
    if not _MAGIC.search(path) or (not is_remote(raw) and Path(raw).exists()):
        return raw, include
    parts = path.split("/")
    first = next(i for i, part in enumerate(parts) if _MAGIC.search(part))
    folder = "/".join(parts[:first])
    if not before:
        folder = folder or ("/" if path.startswith("/") else ".")
    return before + folder + chained, ["/".join(parts[first:])]


def _local(root: Path, follow: bool) -> Iterator[RawFile | Reject]:
    if not root.exists():
        raise SourceError(f"The raw folder {root} does not exist.", "Put articles there, or set paths.raw.")
    if root.is_file():
        yield _file(str(root), root.name, root.stat())
        return
    try:
        os.scandir(root).close()
    except OSError as e:
        raise SourceError(f"The raw folder {root} cannot be read: {e.strerror}.", "Repair it, or set paths.raw.") from e
    todo: list[tuple[str, str, tuple[str, ...]]] = [(str(root), "", (os.path.realpath(root),))]
    while todo:
        folder, prefix, parents = todo.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as e:
            yield unreadable(prefix.rstrip("/"), e)
            continue
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                continue
            path = _shown(prefix + name)
            link = entry.is_symlink()
            if link and not follow and not Path(os.path.realpath(entry.path)).is_relative_to(parents[0]):
                detail = "the link leads out of the raw folder; source.follow_links=true allows it"
                yield Reject(path, None, "outside", detail)
                continue
            try:
                is_file = entry.is_file()
                is_folder = not is_file and entry.is_dir()
            except OSError:  # a link to itself
                is_file = is_folder = False
            if is_file:
                try:
                    yield _file(entry.path, path, entry.stat())
                except OSError as e:
                    yield unreadable(path, e)
            elif is_folder:
                target = os.path.realpath(entry.path) if link else f"{parents[-1]}/{name}"
                if target in parents:
                    yield Reject(path, None, "symlink-loop", "the link leads back to a folder that contains it")
                else:
                    todo.append((entry.path, path + "/", (*parents, target)))
            else:
                yield Reject(path, None, "not-a-file", "a broken link, a pipe or a device")


def _shown(path: str) -> str:
    """A name that is not UTF-8 keeps its address; it is shown with its bytes, by which it differs."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _file(address: str, path: str, s: os.stat_result) -> RawFile:
    # The change time cannot be set back, so new bytes under an old modification time are noticed.
    size, modified, changed = s.st_size, s.st_mtime_ns, s.st_ctime_ns
    stamp = hash((s.st_ino, size, modified, changed))
    return RawFile(path, address, size, stamp, changed if changed > modified else modified)


def _members(file: RawFile, options: Mapping[str, Any]) -> Iterator[RawFile | Reject]:
    """The files in an archive."""
    kind = "zip" if file.path.lower().endswith(".zip") else "tar"
    try:
        with os_errors():
            system = archive_system(kind, file.address, options)
            listing: dict[str, dict[str, Any]] = system.find("", detail=True)
    except OSError as e:
        yield Reject(file.path, None, "damaged", f"the archive cannot be listed: {' '.join(str(e).split())}")
        return
    if not listing:
        yield Reject(file.path, None, "empty", "there is no file in the archive")
    # To go back in a compressed archive is to read it from its beginning, so members are in its order.
    place = {name: number for number, name in enumerate(getattr(system, "index", ()))}
    for member, info in sorted(listing.items(), key=lambda found: place.get(found[0], 0)):
        member = member.lstrip("/")
        name = posixpath.normpath(member)  # tar may write ./ before it
        if not any(part.startswith((".", "__MACOSX")) for part in name.split("/")):
            address = f"{kind}://{member}::{file.address}"
            yield RawFile(_shown(f"{file.path}/{name}"), address, info.get("size") or 0, file.stamp, file.changed)


def _remote(root: str, options: dict[str, Any]) -> Iterator[RawFile | Reject]:
    import fsspec

    shown = shown_address(root)
    try:
        with os_errors():
            system, base = fsspec.core.url_to_fs(root, **options)
            listing: dict[str, dict[str, Any]] = system.find(base, detail=True)
    except ImportError as e:
        raise SourceError(f"{shown} needs a package that is not installed: {e}.", "Install it beside builder.") from e
    except OSError as e:
        what = " ".join(str(e).replace(root, shown).split())
        raise SourceError(f"{shown} cannot be listed: {what}.", "Check the address and source.storage_options.") from e
    base = base.rstrip("/")
    before, inside, chained = address_parts(root)
    for name, info in listing.items():
        below = name[len(base) :].lstrip("/")
        # What follows the path of a web address may be a signature, and is no name of a file.
        named = name.partition("?")[0] if root.startswith("http") else name
        path = posixpath.normpath(below or named.rsplit("/", 1)[-1])
        kind = info.get("type", "file")
        if kind == "directory" or any(part.startswith(".") for part in path.split("/")):
            continue
        if kind != "file":
            yield Reject(path, None, "not-a-file", f"is a {kind}")
            continue
        marks = ":".join(str(info[k]) for k in _STAMPS if k in info)
        stamp = int.from_bytes(hashlib.sha256(marks.encode()).digest()[:7], "big") if marks else 0
        there = f"{inside.rstrip('/')}/{below}" if inside.rstrip("/") and below else inside or below
        # Servers that do not say how large a file is leave it to whoever reads it.
        yield RawFile(path, f"{before}{there}{chained}", info.get("size") or 0, stamp)


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
    between = "".join(rf"(?>[^/]*?{piece})" for piece in middle)
    return f"{first}{between}[^/]*{last}" if others else first
