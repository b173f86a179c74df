"""Whether a release is what its manifest says: hashes of its files, what its splits share, what a rebuild gives."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder.release.leakage import Fingerprints
from builder.release.manifest import File, Manifest, read
from builder.release.versions import data_files
from builder.store import file_digest
from builder.text import Ints

#: What file managers leave in folders, and the Hub adds.
_IGNORED = (".DS_Store", "Thumbs.db", ".gitattributes")


def check_files(root: Path, files: Iterable[File]) -> list[str]:
    """What is wrong with the files below `root`, one line per problem; empty when all are as they were written.

    `files` are those of the manifest.
    """
    expected = {file.path: file.sha256 for file in files}
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and p.name not in _IGNORED}
    problems = [f"{path} is missing" for path in expected if path not in there]
    problems += [f"{path} is not in the manifest" for path in sorted(there - set(expected) - {"manifest.json"})]
    present = [path for path in expected if path in there]
    # Hashing releases the interpreter's lock, so that cores share it; the disk is read once.
    with ThreadPoolExecutor() as pool:
        for path, found in zip(present, pool.map(lambda p: file_digest(root / p), present), strict=True):
            if found != expected[path]:
                problems.append(f"{path} is not what was released: its sha256 is {found[:16]}...")
    return problems


def certify(root: Path, manifest: Manifest) -> dict[str, int]:
    """Articles and texts that stand in several splits, counted on the files themselves.

    Keys are `articles`, `exact_texts` and `near_texts`, as in the manifest. Every text of every configuration is
    compared with every other.
    """
    names = sorted({split for found in manifest.configs.values() for split in found.splits})
    articles: dict[str, set[str]] = {}
    filled = [name for name, found in manifest.configs.items() if "text" in found.features]
    sizes = [facts.content_bytes for name in filled for facts in manifest.configs[name].splits.values()]
    prints, sides = Fingerprints.for_size(sum(sizes)), [np.zeros(0, np.int64)]
    texts: set[tuple[int, int]] = set()
    for configuration, found in manifest.configs.items():
        columns = [name for name in ("article_id", "text") if name in found.features]
        for split in found.splits:
            number = names.index(split)
            for path in data_files(root, configuration, split):
                with pq.ParquetFile(path) as opened:
                    for batch in opened.iter_batches(columns=columns):
                        for article in batch["article_id"].unique().to_pylist():
                            articles.setdefault(article, set()).add(split)
                        if "text" in columns:
                            fresh = _fresh(batch["text"], texts, number)
                            prints.add(fresh)
                            sides.append(np.full(len(fresh), number, np.int64))
    whole: Ints = np.concatenate(sides)
    shared = prints.shared(whole, manifest.leakage.similarity)
    return {
        "articles": sum(len(splits) > 1 for splits in articles.values()),
        "exact_texts": len(shared.exact),
        "near_texts": len(shared.near),
    }


def _fresh(column: pa.Array, seen: set[tuple[int, int]], split: int) -> pa.Array:
    """The texts not met in this split before: a window stands there once per target and annotator."""
    keep = []
    for i, text in enumerate(column.to_pylist()):
        key = (split, hash(text))
        if key not in seen:
            seen.add(key)
            keep.append(i)
    return column.take(pa.array(keep, pa.int64()))


def compare_rebuilt(root: Path, again: Path) -> tuple[str, list[str]]:
    """How a rebuild equals the release ("same bytes" or "same contents"), and one line per difference when it does not.

    Other versions of libraries or of the builder may write other bytes around the same values.
    """
    if again.name != root.name:
        return "", [f"the rebuild is {again.name}: the inputs or the releases before it changed"]
    old, new = read(root), read(again)
    a, b = ({file.path: file.sha256 for file in manifest.files} for manifest in (old, new))
    other = sorted(path for path in {*a, *b} if a.get(path) != b.get(path))
    if not other and (root / "manifest.json").read_bytes() == (again / "manifest.json").read_bytes():
        return "same bytes", []
    contents = [
        {f"{n}/{s}": facts.logical_sha256 for n, found in made.configs.items() for s, facts in found.splits.items()}
        for made in (old, new)
    ]
    if differ := sorted(x for x in {*contents[0], *contents[1]} if contents[0].get(x) != contents[1].get(x)):
        return "", [f"{place} has other contents when rebuilt" for place in differ]
    if (old.code, old.libraries) == (new.code, new.libraries):
        return "", [f"{path} has other bytes when rebuilt" for path in other or ["manifest.json"]]
    return "same contents", []
