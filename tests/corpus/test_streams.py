"""Streams give the bytes of raw files wherever they are, and say what is wrong in one kind of error."""

import gzip
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pytest

from builder.corpus.streams import (
    DamagedError,
    _damage,
    address_parts,
    archive_system,
    open_raw,
    open_run,
    open_stream,
    os_errors,
)


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (FileNotFoundError("no file"), FileNotFoundError, "no file"),
        (ModuleNotFoundError("no package"), ModuleNotFoundError, "no package"),
        (RuntimeError("no bucket"), OSError, "RuntimeError: no bucket"),
    ],
)
def test_errors_of_a_file_system_are_os_errors_and_a_missing_package_stays_one(
    raised: Exception, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=f"^{said}$") as caught, os_errors():
        raise raised
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("raised", "kind"),
    [(OSError("disk"), OSError), (gzip.BadGzipFile("disk"), DamagedError), (EOFError("disk"), DamagedError)],
)
def test_what_a_decompressor_says_is_damage_and_a_disk_that_fails_is_not(
    raised: Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=r"^disk$") as caught, _damage():
        raise raised
    assert type(caught.value) is kind


def test_only_bytes_as_they_are_stored_can_be_read_from_any_place(tmp_path: Path) -> None:
    """A compressed file would be read from its beginning for every step back."""
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"0123456789"))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a.txt", "0123456789")
    with open_stream(str(tmp_path / "a.txt.gz")) as stream:
        assert (stream.seekable(), stream.read()) == (False, b"0123456789")
    with open_stream(f"zip://a.txt::{tmp_path / 'all.zip'}") as stream:
        assert (stream.seekable(), stream.seek(4), stream.read(2), stream.tell()) == (True, 4, b"45", 6)
        assert (stream.seek(-1, 2), stream.read()) == (9, b"9")


def test_a_run_is_the_bytes_between_its_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(bytes(range(100)))
    for begin, end in ((0, 100), (3, 7), (7, 7), (99, 200)):
        with open_run(str(path), begin, end) as stream:
            assert stream.read() == bytes(range(100))[begin:end]


def test_closing_a_stream_closes_the_file_below_it(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"text"))
    stream = open_stream(str(tmp_path / "a.gz"))
    own: Any = stream.raw
    held = (own, own.below, own.under)
    assert [one.closed for one in held] == [False] * 3
    stream.close()
    assert [one.closed for one in held] == [True] * 3


def test_a_file_is_read_from_any_file_system() -> None:
    fsspec.filesystem("memory").pipe("/news/a.txt", b"text")
    with open_raw("memory://news/a.txt") as stream:
        assert stream.read() == b"text"


@pytest.mark.parametrize(
    ("kind", "address", "more"),
    [
        ("zip", "a.zip", {}),
        ("tar", "a.tar", {}),
        ("tar", "a.tar.gz", {}),  # fsspec knows these
        ("tar", "a.TGZ", {"tar": {"compression": "gzip"}}),
        ("tar", "https://a.example/b.txz?sign=c.tbz", {"tar": {"compression": "xz"}}),
    ],
)
def test_archives_are_opened_with_the_options_given_and_the_compression_of_a_short_suffix(
    kind: str, address: str, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda url, **options: ((url, options), ""))
    assert archive_system(kind, address, {"anon": True}) == (f"{kind}://::{address}", {"anon": True, **more})


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("news/*.txt", ("", "news/*.txt", "")),
        ("s3://bucket/a.txt", ("s3://", "bucket/a.txt", "")),
        ("simplecache::s3://bucket/a.txt", ("simplecache::s3://", "bucket/a.txt", "")),
        ("zip://a.txt::s3://bucket/all.zip", ("zip://", "a.txt", "::s3://bucket/all.zip")),
        ("zip://a\nb.txt::all.zip", ("zip://", "a\nb.txt", "::all.zip")),
    ],
)
def test_an_address_is_taken_apart(raw: str, parts: tuple[str, str, str]) -> None:
    assert address_parts(raw) == parts
