"""Releases on disk: their versions, and the manifest with all that each was made from and the hash of every file."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from packaging.version import Version

import builder
from builder.errors import ReleaseError
from builder.release.signing import SIGNATURE, sign
from builder.store import digest, file_digest, write_text

T = TypeVar("T")
FORMAT = 3
#: What to do about a release that is not what was written. Moved away, its splits and label ids are not known any more.
DAMAGED = "Restore it, or move it away and export again."
#: The page of a release, for people.
REPORT = "report.html"
#: Files of a release that its manifest cannot list.
UNLISTED = ("manifest.json", SIGNATURE)
_NAME = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")


class Pull(msgspec.Struct, frozen=True):
    """The pull that the annotations came in."""

    hash: str
    server_version: str | None = None
    scheme_version: str | None = None


class SplitFacts(msgspec.Struct):
    """Size of one split. `content_bytes` and `logical_sha256` depend on values alone, `bytes` on the encoding too.

    `labels` counts labels in its rows.
    """

    rows: int = 0
    bytes: int = 0
    content_bytes: int = 0
    logical_sha256: str = ""
    labels: dict[str, int] = {}


class Configured(msgspec.Struct):
    """One configuration and its splits with rows. A change of a `judged` column makes another version."""

    kind: str = ""
    features: dict[str, Any] = {}
    judged: list[str] = []
    question: str = ""
    splits: dict[str, SplitFacts] = {}


class Counts(msgspec.Struct):
    """What a release was made from, and what of it has no row, by configuration and label or reason.

    `published` are the days of the first and the last article, `sources` and `languages` those of articles, with
    their numbers, `predictions` what became of suggestions, `experts` how many gold labels an expert decided.
    """

    articles: int
    chunks: int
    windows: int
    annotators: int
    #: By state.
    annotations: dict[str, int]
    quarantined: int
    labels: dict[str, dict[str, int]]
    left_out: dict[str, dict[str, int]]
    windows_left_out: dict[str, int]
    chunks_left_out: dict[str, int]
    published: list[str]
    sources: dict[str, int]
    languages: dict[str, int]
    predictions: dict[str, int]
    experts: int


class LeftOut(msgspec.Struct):
    """What was left out so that splits share nothing: articles, texts, and texts at another granularity."""

    articles: int = 0
    texts: int = 0
    cut_texts: int = 0


class Leakage(msgspec.Struct):
    """What the splits share, counted on the final texts: near-duplicates have at least this Jaccard similarity."""

    articles: int
    clusters: int
    exact_texts: int
    near_texts: int
    similarity: float
    left_out: LeftOut


class Change(msgspec.Struct):
    """One change inside a row that both releases have: its kind in words, and the value before and after."""

    id: str
    what: str
    old: str = ""
    new: str = ""


class RowChanges(msgspec.Struct):
    """How the rows of one configuration differ. `labels` counts changes inside shared rows, by their kind in words."""

    kind: str
    added: int = 0
    removed: int = 0
    changed: int = 0
    labels: dict[str, int] = {}
    added_ids: list[str] = []
    removed_ids: list[str] = []
    examples: list[Change] = []


class Changes(msgspec.Struct):
    """What changed between two releases. `level` is the part of the version number that changes for it.

    "major": configurations, columns or labels changed; "minor": rows were added or removed; "patch": labels, votes or
    the card were corrected; "none": the same contents; "first": there is no earlier release. `columns` were added,
    removed or retyped; `moved` counts rows in another split; `agreement` has figures that differ, old and new.
    `wording` is how guidelines and descriptions were reworded, `notes` what settings could not change any more.
    """

    level: str
    old: str = ""
    new: str = ""
    configurations: dict[str, list[str]] = {}
    columns: dict[str, dict[str, list[str]]] = {}
    labels: dict[str, list[str]] = {}
    rows: dict[str, RowChanges] = {}
    moved: int = 0
    agreement: dict[str, list[float | None]] = {}
    card: bool = False
    wording: list[str] = []
    notes: list[str] = []


class File(msgspec.Struct):
    """One file of the release, by its path in it."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, kw_only=True):
    """manifest.json. Mappings keep the order of the scheme and of the settings, which a rebuild needs.

    `recorded` annotators give sample labels. `tokenizer` is the sha256 of its file, or empty. `stages` has the key of
    each stage, `labels` the names by id per question, `losses` what rows lose by configuration and reason.
    """

    format: int = FORMAT
    #: sha256 of this file with an empty digest.
    digest: str = ""
    name: str
    version: str = ""
    previous: str = ""
    configuration: dict[str, Any]
    recorded: bool
    pull: Pull
    tokenizer: str
    code: dict[str, str]
    libraries: dict[str, str]
    stages: dict[str, str]
    labels: dict[str, list[str]]
    configs: dict[str, Configured]
    counts: Counts
    losses: dict[str, dict[str, int]]
    leakage: Leakage
    below_gates: str
    agreement: dict[str, float]
    #: The method that decided each question and kind of span; after `auto`, and why.
    chosen: dict[str, str] = {}
    #: Known issues that the agreement report shows.
    findings: list[str] = []
    changes: Changes = msgspec.field(default_factory=lambda: Changes("first"))
    files: list[File] = []

    @property
    def rows(self) -> dict[str, dict[str, int]]:
        """Configuration to split to number of rows."""
        return {name: {s: f.rows for s, f in found.splits.items()} for name, found in self.configs.items()}


@dataclass(frozen=True)
class Exported:
    """A release, or one that is being made, which has no manifest.json yet; and whether it was made now."""

    folder: Path
    manifest: Manifest
    new: bool = False


def encode(value: Any) -> str:
    """Indented JSON with keys in their own order."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


class Outline(msgspec.Struct, kw_only=True):
    """What a manifest of any format says of the files of its release; older formats may have no digest."""

    format: int
    digest: str = ""
    name: str
    version: str
    stages: dict[str, str] = {}
    configs: dict[str, Configured]
    leakage: Leakage
    files: list[File]


def read(release: Path) -> Manifest:
    """The manifest of a release; raises `ReleaseError` when it is missing, changed or of another format."""
    if (found := outline(release)).format != FORMAT:
        raise ReleaseError(
            f"{release} has format {found.format}, and this version of the builder reads format {FORMAT}.",
            "`builder verify` checks its files; for all else use the version that wrote it, or another dataset.name.",
        )
    return _decode(release, Manifest)[0]


def outline(release: Path) -> Outline:
    """What is read of a release of any format; raises `ReleaseError` when its manifest is missing or changed."""
    found, content = _decode(release, Outline)
    now = hashlib.sha256(content.replace(found.digest.encode(), b"", 1)).hexdigest()
    if now != found.digest and (found.digest or found.format == FORMAT):
        raise ReleaseError(
            f"{release / 'manifest.json'} was changed after it was written.",
            DAMAGED,
        )
    return found


def _decode(release: Path, kind: type[T]) -> tuple[T, bytes]:
    path = release / "manifest.json"
    try:
        content = path.read_bytes()
        return msgspec.json.decode(content, type=kind), content
    except FileNotFoundError as e:
        raise ReleaseError(f"{release} has no manifest.json.", "Name a folder that `builder export` wrote.") from e
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise ReleaseError(f"{path} is no manifest of a release: {e}.", DAMAGED) from e


def seal(root: Path, manifest: Manifest, key: str) -> None:
    """Lists every file below the root, and writes manifest.json with its digest and, with a key, its signature.

    What is listed already keeps its hash. Keys keep their order, which a rebuild takes up again.
    """
    manifest.files = files(root, {file.path: file.sha256 for file in manifest.files})
    manifest.digest = ""
    manifest.digest = hashlib.sha256(encode(manifest).encode()).hexdigest()
    write_text(root / "manifest.json", encode(manifest))
    sign(root, key)


@cache
def code() -> dict[str, str]:
    """Version of the builder, and a hash of its source that distinguishes two states of the same version."""
    here = Path(builder.__file__).parent
    sources = sorted(p for p in here.rglob("*") if p.suffix in (".py", ".j2", ".css", ".js"))
    source = digest(*(part for p in sources for part in (p.relative_to(here).as_posix(), p.read_bytes())))
    return {"version": builder.__version__, "source_sha256": source}


def libraries() -> dict[str, str]:
    """Versions of the libraries that decide the bytes."""
    return {name: _installed(name) for name in ("numpy", "pyarrow")}


#: Reading the record of a library takes a tenth of a small export.
_installed = cache(installed)


def files(root: Path, known: Mapping[str, str]) -> list[File]:
    """Every file below the root but the manifest and its signature, in order of path. `known` has hashes by path."""
    found = {p.relative_to(root).as_posix(): p for p in sorted(root.rglob("*")) if p.is_file()}
    return [File(n, p.stat().st_size, known.get(n) or file_digest(p)) for n, p in found.items() if n not in UNLISTED]


def next_version(last: Version, level: str) -> Version:
    """The version after a change of this level, of which `Changes` says what each part of a number stands for.

    >>> str(next_version(Version("1.2.3"), "minor"))
    '1.3.0'
    """
    major, minor, patch = last.release
    steps = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    return Version(".".join(map(str, steps.get(level, last.release))))


def parse(name: str) -> Version | None:
    """The version of a folder name such as `v1.2.0` (or `1.2.0`), or None."""
    return Version(name) if _NAME.match(name) else None


def releases(folder: Path) -> list[tuple[Version, Path]]:
    """Every finished release in the folder, oldest version first."""
    if not folder.is_dir():
        return []
    found = [(parse(path.name), path) for path in folder.iterdir() if path.name.startswith("v")]
    return sorted((version, path) for version, path in found if version and (path / "manifest.json").is_file())


def find_release(folder: Path, name: str) -> Path:
    """The folder of a release named by version, path or `latest`; raises `ReleaseError` when there is none."""
    known = dict(releases(folder))
    if name in ("", "latest") and known:
        return list(known.values())[-1]
    version = parse(name)
    if version in known:
        return known[version]
    # A path, or a path in the folder of all releases, such as `news-stance/v1.0.0`.
    for path in (Path(name), folder.parent / name):
        if (path / "manifest.json").is_file():
            return path
    if not known:
        raise ReleaseError(f"There is no release in {folder} yet.", "Run `builder export` first.")
    here = ", ".join(f"v{version}" for version in known)
    raise ReleaseError(f"There is no release {name} in {folder}.", f"There are: {here}.")


def data_files(release: Path, configuration: str, split: str) -> list[Path]:
    """The Parquet files of a split, in order."""
    return sorted((release / configuration).glob(f"{split}-?????-of-?????.parquet"))
