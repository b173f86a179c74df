"""Byte streams of raw files: local or remote, plain, gzip or zstd; a file that ends early says so."""

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

_BLOCK = 1 << 20
COMPRESSED = (".gz", ".zst")


class DamagedError(ValueError):
    """A compressed file is cut off or corrupt."""


def suffixes(path: str) -> tuple[str, str]:
    """The suffix that names the format, and that of the compression or the empty string; both lower-case."""
    name = PurePosixPath(path)
    last = name.suffix.lower()
    if last in COMPRESSED:
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
    blocks = _gzip(plain) if compression == ".gz" else _zstd(plain)
    return cast(BinaryIO, io.BufferedReader(_Blocks(blocks, plain), _BLOCK))


def open_raw(address: str, options: Mapping[str, Any] | None = None) -> BinaryIO:
    """The bytes of a file as they are stored; whatever goes wrong with it, remote or not, is an `OSError`."""
    if is_remote(address):
        import fsspec

        with os_errors():
            system, path = fsspec.core.url_to_fs(address, **dict(options or {}))
            found = system.open(path, "rb")
        # File systems differ in what their files can do beside reading; ours look ahead and read lines up to a limit.
        return cast(BinaryIO, io.BufferedReader(_Remote(found, system), _BLOCK))
    return open(address, "rb")  # noqa: PTH123 - the caller closes it, and names may not be valid UTF-8


@contextlib.contextmanager
def os_errors() -> Iterator[None]:
    """Turns the errors of a remote file system's own library into `OSError`s; a library that is missing stays one."""
    try:
        yield
    except (OSError, ImportError):
        raise
    except Exception as e:
        raise OSError(f"{type(e).__name__}: {e}") from e


class _Remote(io.RawIOBase):
    """A file of fsspec."""

    def __init__(self, below: BinaryIO, system: object) -> None:
        self.below = below
        self.system = system  # an archive is closed with the last one who knows its file system

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.below.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.below.seek(offset, whence)

    def tell(self) -> int:
        return self.below.tell()

    def readinto(self, buffer: Any) -> int:
        with os_errors():
            data = self.below.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.below.close()
        super().close()


def _gzip(plain: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=plain) as f:
            while block := f.read1(_BLOCK):
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise DamagedError(f"gzip: {e}") from e


def _zstd(plain: BinaryIO) -> Iterator[bytes]:
    import zstandard

    frame = None
    rest = b""
    try:
        while data := rest or plain.read(_BLOCK):
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield from _pieces(frame.decompress(data))
            rest = b""
            if frame.eof:
                rest, frame = frame.unused_data, None
    except zstandard.ZstdError as e:
        raise DamagedError(f"zstd: {e}") from e
    if frame is not None:
        raise DamagedError("zstd: the file ends before its last frame does")


def _pieces(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _BLOCK):
        yield data[at : at + _BLOCK]


class _Blocks(io.RawIOBase):
    """A raw stream over an iterator of blocks."""

    def __init__(self, blocks: Iterator[bytes], below: BinaryIO) -> None:
        self.blocks = blocks
        self.below = below
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.rest = self.rest or next(self.blocks, b"")
        part = self.rest[: len(buffer)]
        buffer[: len(part)] = part
        self.rest = self.rest[len(part) :]
        return len(part)

    def close(self) -> None:
        self.below.close()
        super().close()
