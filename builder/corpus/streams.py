"""Byte streams of raw files: local or remote, compressed or not. A compressed file that ends early is an error."""

import contextlib
import gzip
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

_BLOCK = 1 << 20
#: What fsspec calls the compression of each suffix. Archives of several files, such as .zip, are no single stream.
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".xz": "xz"}


class DamagedError(ValueError):
    """A compressed file is cut off or corrupt."""


def suffixes(path: str) -> tuple[str, str]:
    """The suffix that names the format, and that of the compression or the empty string; both lower-case.

    >>> suffixes("news/2024.JSONL.gz")
    ('.jsonl', '.gz')
    """
    name = PurePosixPath(path)
    last = name.suffix.lower()
    if last in _COMPRESSIONS:
        return PurePosixPath(name.stem).suffix.lower(), last
    return last, ""


def is_remote(address: str) -> bool:
    """Whether an address names an fsspec protocol rather than a local path."""
    return "://" in address


def open_stream(address: str, options: Mapping[str, Any] | None = None) -> BinaryIO:
    """The decompressed bytes of a file; reading raises `DamagedError` when its compression is broken."""
    plain = open_raw(address, options)
    compression = suffixes(address)[1]
    if not compression:
        return plain
    from fsspec.compression import compr

    below = compr[_COMPRESSIONS[compression]](plain, mode="rb")
    # `read1` returns what was decompressed before the place where the file is damaged.
    return cast(BinaryIO, io.BufferedReader(_Guarded(below, below.read1, _damage, under=plain), _BLOCK))


def open_raw(address: str, options: Mapping[str, Any] | None = None) -> BinaryIO:
    """The bytes of a file as they are stored; whatever goes wrong with it, remote or not, is an `OSError`."""
    if is_remote(address):
        import fsspec

        with os_errors():
            system, path = fsspec.core.url_to_fs(address, **dict(options or {}))
            found = system.open(path, "rb")
        # File systems differ in what their files can do besides reading. The buffer looks ahead and reads lines up to a
        # limit. The file system is kept, because an archive is closed with the last one who knows it.
        return cast(
            BinaryIO, io.BufferedReader(_Guarded(found, found.read, os_errors, seeks=True, under=system), _BLOCK)
        )
    return open(address, "rb")  # noqa: PTH123 - the caller closes it, and names may not be valid UTF-8


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
