"""Whether a release is what its manifest says: its files, what its splits share, how it loads, what a rebuild gives."""

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder.errors import ReleaseError
from builder.release.manifest import DAMAGED, UNLISTED, Configured, File, Manifest, Outline, data_files, outline, read
from builder.release.provenance import ARTICLES
from builder.release.separation import Fingerprints
from builder.store import file_digest, quick_yaml

#: What file managers leave in folders, and the Hub adds.
_IGNORED = (".DS_Store", "Thumbs.db", ".gitattributes")
#: Splits with more rows than this are streamed: counted batch by batch, and only first and last row compared.
STREAMED = 200_000
_BATCH = 10_000


def check_files(root: Path, files: Iterable[File], only: str = "*") -> list[str]:
    """One line per file below `root` that is not as the manifest has it; empty when all are as they were written.

    `only` is a pattern for their paths.
    """
    expected = {file.path: file.sha256 for file in files if fnmatchcase(file.path, only)}
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and p.name not in _IGNORED}
    problems = [f"{path} is missing" for path in expected if path not in there]
    unlisted = (path for path in sorted(there - {*expected, *UNLISTED}) if fnmatchcase(path, only))
    problems += [f"{path} is not in the manifest" for path in unlisted]
    present = [path for path in expected if path in there]
    # Hashing releases the interpreter's lock, so that cores share it; the disk is read once.
    with ThreadPoolExecutor() as pool:
        for path, found in zip(present, pool.map(lambda p: file_digest(root / p), present), strict=True):
            if found != expected[path]:
                problems.append(f"{path} is not what was released: its sha256 is {found[:16]}...")
    return problems


def check_read(root: Path, *only: str) -> None:
    """Raises `ReleaseError` where files of a release that are about to be read are not as they were released."""
    files = outline(root).files
    if problems := [problem for pattern in only for problem in check_files(root, files, pattern)]:
        raise ReleaseError(f"{root}: {'; '.join(problems)}.", DAMAGED)


def certify(root: Path, made: Manifest | Outline) -> dict[str, int]:
    """Articles and texts of any configuration in several splits, counted on the files; keys as in `Leakage`."""
    filled = [found for found in made.configs.values() if "text" in found.features]
    size = sum(facts.content_bytes for found in filled for facts in found.splits.values())
    prints, sides = Fingerprints(size), [np.zeros(0, np.int64)]
    articles: dict[str, set[str]] = {}
    texts: dict[str, set[int]] = {split: set() for found in made.configs.values() for split in found.splits}
    for configuration, found in made.configs.items():
        columns = [name for name in ("article_id", "text") if name in found.features]
        for split, path in [(s, path) for s in found.splits for path in data_files(root, configuration, s)]:
            with pq.ParquetFile(path) as opened:
                for batch in opened.iter_batches(columns=columns):
                    for article in batch["article_id"].unique().to_pylist():
                        articles.setdefault(article, set()).add(split)
                    if "text" in columns:
                        fresh = _fresh(batch["text"], texts[split])
                        prints.add(fresh)
                        sides.append(np.full(len(fresh), [*texts].index(split)))
    shared = prints.shared(np.concatenate(sides), made.leakage.similarity)
    torn = sum(len(splits) > 1 for splits in articles.values())
    return {"articles": torn, "exact_texts": len(shared.exact), "near_texts": len(shared.near)}


def _fresh(column: pa.Array, seen: set[int]) -> pa.Array:
    """The texts not met in this split before: a window is there once per target and annotator."""
    texts = column.unique()
    hashes = [*map(hash, texts.to_pylist())]
    fresh = texts.filter(pa.array([key not in seen for key in hashes], pa.bool_()))
    seen.update(hashes)
    return fresh


def compare_rebuilt(root: Path, again: Path) -> tuple[str, list[str]]:
    """How a rebuild equals the release, and one line per difference when it does not.

    It has the "same bytes", or the "same contents" when other versions of the code or of libraries wrote it. Raises
    `ReleaseError` when raw articles are not what they were, so that no rebuild can tell.
    """
    then, now = (pq.read_table(made / ARTICLES, columns=["article_id", "raw_sha256"]) for made in (root, again))
    kept = dict(zip(*(column.to_pylist() for column in now.columns), strict=True))
    pairs = zip(*(column.to_pylist() for column in then.columns), strict=True)
    if other := [article for article, sha256 in pairs if kept.get(article) != sha256]:
        raise ReleaseError(
            f"The files of {root} are as released, but the raw records of {len(other)} of its articles are not what "
            f"they were, or are gone, such as that of {other[0]}.",
            "Put the raw files back to rebuild it; --hashes-only checks its files alone.",
        )
    old, new = read(root), read(again)
    if new.version != old.version:
        return "", [f"the rebuild is {again.name}: the inputs or the releases before it changed"]
    contents = (
        {f"{n}/{s}": facts.logical_sha256 for n, found in made.configs.items() for s, facts in found.splits.items()}
        for made in (old, new)
    )
    if differ := _differing(*contents):
        return "", [f"{place} has other contents when rebuilt" for place in differ]
    other = _differing(*({file.path: file.sha256 for file in made.files} for made in (old, new)))
    if not other and (root / "manifest.json").read_bytes() == (again / "manifest.json").read_bytes():
        return "same bytes", []
    if (old.code, old.libraries) == (new.code, new.libraries):
        return "", [f"{path} has other bytes when rebuilt" for path in other or ["manifest.json"]]
    return "same contents", []


def _differing(a: dict[str, str], b: dict[str, str]) -> list[str]:
    return sorted({name for name, _ in a.items() ^ b.items()})


def check_loads(root: Path, made: Manifest | Outline, streamed: int = STREAMED) -> None:
    """Every configuration and split loads with `load_dataset`; raises `ReleaseError` with what is wrong otherwise.

    Compared are splits, features, label names, the number of rows, and the first and the last row. Works offline.
    """
    import datasets

    datasets.disable_progress_bars()
    with quick_yaml(), tempfile.TemporaryDirectory(prefix="loading-", dir=root.parent) as cache:
        for name, found in made.configs.items():
            if not found.splits:
                continue
            large = sum(facts.rows for facts in found.splits.values()) > streamed
            try:
                loaded = datasets.load_dataset(str(root), name, cache_dir=cache, streaming=large)
                problems = list(_problems(datasets, root, name, found, loaded, large))
            except Exception as e:  # noqa: BLE001 - whatever `datasets` raises, its users would meet it
                problems = [f"{type(e).__name__}: {e}"]
            if problems:
                raise ReleaseError(
                    f"The release does not load as it was declared: {name}: {'; '.join(problems)}.",
                    "Check the version of `datasets`, and report this with the message.",
                )


def _problems(datasets: Any, root: Path, name: str, found: Configured, loaded: Any, large: bool) -> Iterator[str]:
    if set(loaded) != set(found.splits):
        yield f"splits are {', '.join(loaded)}, not {', '.join(found.splits)}"
        return
    declared = datasets.Features.from_dict(found.features)
    for split, facts in found.splits.items():
        part = loaded[split]
        if part.features != declared:
            yield f"{split} has the features {part.features}, not {declared}"
            continue
        rows, *shown = _streamed(part) if large else (len(part), part[:1], part[-1:])
        if rows != facts.rows:
            yield f"{split} has {rows} rows, not {facts.rows}"
        for edge, row, expected in zip(("first", "last"), shown, _edges(data_files(root, name, split)), strict=True):
            if row != expected:
                yield f"the {edge} row of {split} is {row}, not {expected}"


def _streamed(part: Any) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Number of rows, first and last row of a split that is streamed."""
    rows, first, last = 0, pa.table({}), pa.table({})
    for batch in part.with_format("arrow").iter(batch_size=_BATCH):
        first = first if rows else batch.slice(0, 1)
        last = batch.slice(batch.num_rows - 1)
        rows += batch.num_rows
    return rows, first.to_pydict(), last.to_pydict()


def _edges(files: list[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first and the last row in files."""
    with pq.ParquetFile(files[0]) as first, pq.ParquetFile(files[-1]) as last:
        end = last.read_row_group(last.num_row_groups - 1)
        return first.read_row_group(0).slice(0, 1).to_pydict(), end.slice(end.num_rows - 1).to_pydict()
