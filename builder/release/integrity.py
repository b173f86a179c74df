"""Whether a release is what its manifest says: the hashes of its files, and what its splits share."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder.release.leakage import Fingerprints
from builder.store import file_digest
from builder.text import Ints

#: What file managers leave behind, and the Hub adds.
_IGNORED = (".DS_Store", "Thumbs.db", ".gitattributes")


def check_files(root: Path, manifest: dict[str, Any]) -> list[str]:
    """What is wrong with the files of the release, one problem a line; nothing when all is as it was written."""
    said = {facts["path"]: facts for facts in manifest["files"]}
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and p.name not in _IGNORED}
    problems = [f"{path} is missing" for path in said if path not in there]
    problems += [f"{path} is not in the manifest" for path in sorted(there - set(said) - {"manifest.json"})]
    present = [path for path in said if path in there]
    # Hashing leaves the interpreter's lock, so that cores share it; the disk is read once.
    with ThreadPoolExecutor() as pool:
        for path, found in zip(present, pool.map(lambda p: file_digest(root / p), present), strict=True):
            if found != said[path]["sha256"]:
                problems.append(f"{path} is not what was released: its sha256 is {found[:16]}...")
    return problems


def certify(root: Path, manifest: dict[str, Any]) -> dict[str, int]:
    """Articles and texts that stand in several splits, counted on the files themselves, named as in the manifest."""
    articles: dict[str, set[str]] = {}
    exact = near = 0
    for config, facts in manifest["configs"].items():
        columns = [name for name in ("article_id", "text") if name in facts["features"]]
        prints, sides = Fingerprints.for_size(_characters(facts)), []
        texts: set[tuple[int, int]] = set()
        for number, split in enumerate(facts["splits"]):
            for path in shards(root, config, split):
                with pq.ParquetFile(path) as opened:
                    for batch in opened.iter_batches(columns=columns):
                        for article in batch["article_id"].unique().to_pylist():
                            articles.setdefault(article, set()).add(split)
                        if "text" in columns:
                            fresh = _fresh(batch["text"], texts, number)
                            prints.add(fresh)
                            sides.append(np.full(len(fresh), number, np.int64))
        if sides:
            all_sides: Ints = np.concatenate(sides)
            shared = prints.shared(all_sides, manifest["leakage"]["similarity"])
            exact, near = exact + len(shared.exact), near + len(shared.near)
    return {"articles": sum(len(s) > 1 for s in articles.values()), "exact_texts": exact, "near_texts": near}


def _characters(facts: dict[str, Any]) -> int:
    return sum(int(split["content_bytes"]) for split in facts["splits"].values())


def _fresh(column: pa.Array, seen: set[tuple[int, int]], split: int) -> pa.Array:
    """The texts not met in this split before: a chunk stands there once for each target and annotator."""
    keep = []
    for i, text in enumerate(column.to_pylist()):
        key = (split, hash(text))
        if key not in seen:
            seen.add(key)
            keep.append(i)
    return column.take(pa.array(keep, pa.int64()))


def shards(root: Path, config: str, split: str) -> list[Path]:
    """The Parquet files of a split, in order."""
    return sorted((root / config).glob(f"{split}-?????-of-?????.parquet"))
