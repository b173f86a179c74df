"""Byte streams of raw files: local or remote, compressed or not, whole or a part, alone or in an archive."""

import contextlib
import gzip
import io
import posixpath
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from builder.store import COMPRESSIONS, suffixes

_BLOCK = 1 << 20


#: Short for .tar and the suffix of a compression, which fsspec does not know.
SHORT_SUFFIXES = {".tgz": "gzip", ".tbz2": "bz2", ".tbz": "bz2", ".txz": "xz", ".tzst": "zstd"}
#: Archives of several files, which are read as folders.
ARCHIVES = (".zip", ".tar", *SHORT_SUFFIXES, *(f".tar{suffix}" for suffix in COMPRESSIONS))


class DamagedError(ValueError):
    """A compressed file is cut off or corrupt."""


def is_remote(address: str) -> bool:
    """Whether an address names an fsspec protocol rather than a local path."""
    return "://" in address


def address_parts(raw: str) -> tuple[str, str, str]:
    """The protocols before the path of an fsspec address, the path, and the address that it is chained to.

    >>> address_parts("zip://news/*.txt::s3://bucket/all.zip")
    ('zip://', 'news/*.txt', '::s3://bucket/all.zip')
    """
    found = is_remote(raw) and re.fullmatch(r"((?:\w+::)*[\w+.-]+://)((?:(?!::).)*)(.*)", raw, re.DOTALL)
    return (found[1], found[2], found[3]) if found else ("", raw, "")


def open_stream(address: str, options: Mapping[str, Any] | None = None) -> io.BufferedReader:
    """The decompressed bytes of a file; reading raises `DamagedError` when its compression is broken."""
    plain = open_raw(address, options)
    compression = suffixes(address_parts(address)[1])[1]
    if not compression:
        return plain
    from fsspec.compression import compr

    below = compr[COMPRESSIONS[compression]](plain, mode="rb")
    # `read1` returns what was decompressed before the place where the file is damaged.
    return io.BufferedReader(_Guarded(below, below.read1, _damage, under=plain), _BLOCK)


def open_raw(address: str, options: Mapping[str, Any] | None = None) -> io.BufferedReader:
    """The bytes of a file as they are stored; whatever goes wrong with it, remote or not, is an `OSError`."""
    if is_remote(address):
        with os_errors():
            system, path = _system_of(address, dict(options or {}))
            found = system.open(path, "rb")
        # File systems differ in what their files can do besides reading. The file system is kept, because an archive is
        # closed with the last one who knows it.
        guarded = _Guarded(found, found.read, os_errors, seeks=True, under=system)
        return io.BufferedReader(guarded, _BLOCK)
    return open(address, "rb")  # noqa: PTH123 - the caller closes it, and names may not be valid UTF-8


#: The archive that a thread opened last: to open one is to read all of it when it is compressed.
_archive = threading.local()


def forget_archive() -> None:
    """The next member is read from its archive as it is then; one on this machine stays open while it is the same."""
    known = vars(_archive)
    if known and known["stamp"] != _stamp(known["key"][0]):
        known.clear()


def _stamp(address: str) -> object:
    """What changes when a file of this machine does; of others it is never the same."""
    with contextlib.suppress(OSError):
        s = Path(address).stat()
        return s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns
    return object()


def _system_of(address: str, options: dict[str, Any]) -> tuple[Any, str]:
    """The file system of an address and the path there."""
    import fsspec

    member = re.fullmatch(r"(zip|tar)://(.+?)::(.*)", address, re.DOTALL)
    if not member:
        found: tuple[Any, str] = fsspec.core.url_to_fs(address, **options)
        return found
    if vars(_archive).get("key") != (member[3], options):
        stamp = _stamp(member[3])
        _archive.system = archive_system(member[1], member[3], options)
        _archive.key, _archive.stamp = (member[3], options), stamp
    return _archive.system, member[2]


def archive_system(kind: str, address: str, options: Mapping[str, Any]) -> Any:
    """The file system inside an archive: "zip" or "tar"."""
    import fsspec

    packed = SHORT_SUFFIXES.get(posixpath.splitext(address.lower().partition("?")[0])[1])
    known = {"tar": {"compression": packed}} if packed else {}
    return fsspec.core.url_to_fs(f"{kind}://::{address}", **options, **known)[0]


def open_run(address: str, begin: int, end: int, options: Mapping[str, Any] | None = None) -> io.BufferedReader:
    """The bytes from `begin` to `end` of a file as they are stored."""
    plain = open_raw(address, options)
    plain.seek(begin)
    part = _Guarded(plain, lambda size: plain.read(min(size, end - plain.tell())), contextlib.nullcontext, under=plain)
    return io.BufferedReader(part, _BLOCK)


@contextlib.contextmanager
def os_errors() -> Iterator[None]:
    """Turns the errors of a remote file system's own library into `OSError`s; a missing library stays `ImportError`."""
    try:
        yield
    except (OSError, ImportError):
        raise
    except Exception as e:
        raise OSError(f"{type(e).__name__}: {e}") from e


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    """Turns what a decompressor says of its input into `DamagedError`; a file that cannot be read stays `OSError`."""
    try:
        yield
    except Exception as e:
        if isinstance(e, OSError) and not isinstance(e, gzip.BadGzipFile):
            raise
        raise DamagedError(str(e)) from e


class _Guarded(io.RawIOBase):
    """A stream over another one, whose errors `guard` turns into ours; `under` is held until it is closed."""

    def __init__(
        self,
        below: BinaryIO,
        read: Callable[[int], bytes],
        guard: Callable[[], contextlib.AbstractContextManager[None]],
        under: Any,
        seeks: bool = False,
    ) -> None:
        self.below, self.read_below, self.guard, self.under = below, read, guard, under
        self.seeks = seeks and below.seekable()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.seeks

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.below.seek(offset, whence)

    def tell(self) -> int:
        return self.below.tell()

    def readinto(self, buffer: Any) -> int:
        with self.guard():
            data = self.read_below(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.below.close()
        if isinstance(self.under, io.IOBase):  # a decompressor does not close what it reads
            self.under.close()
        super().close()
