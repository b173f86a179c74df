"""The manifest: everything a release was made from, and the hash of everything in it."""

import re
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import builder
from builder.release.build import Built
from builder.store import digest, file_digest

FORMAT = 1
#: Libraries whose version decides the bytes of the data files.
_LIBRARIES = ("numpy", "pyarrow")


def describe(built: Built) -> dict[str, Any]:
    """Features, splits and files of each configuration."""
    configs = {}
    for name, shards in built.shards.items():
        splits: dict[str, Any] = {}
        for shard in shards:
            facts = splits.setdefault(
                shard.split,
                {"rows": 0, "bytes": 0, "content_bytes": 0, "logical_sha256": built.logical[name][shard.split]},
            )
            facts["rows"] += shard.rows
            facts["bytes"] += shard.bytes
            facts["content_bytes"] = built.sizes[name][shard.split]
        configs[name] = {"features": built.features[name], "splits": splits}
    return configs


@cache
def code() -> dict[str, str]:
    """Version of the builder, and a hash of its source that tells apart two states of the same version."""
    here = Path(builder.__file__).parent
    files = sorted(p for p in here.rglob("*") if p.suffix in (".py", ".j2"))
    source = digest(*(part for p in files for part in (p.relative_to(here).as_posix(), p.read_bytes())))
    return {"version": builder.__version__, "source_sha256": source}


def libraries() -> dict[str, str]:
    """Versions of the libraries that decide the bytes."""
    return {name: installed(name) for name in _LIBRARIES}


def files(root: Path) -> list[dict[str, Any]]:
    """Path, size and sha256 of every file below the root but the manifest itself, in order of path."""
    found = sorted(p for p in root.rglob("*") if p.is_file() and p != root / "manifest.json")
    return [
        {"path": p.relative_to(root).as_posix(), "bytes": p.stat().st_size, "sha256": file_digest(p)} for p in found
    ]


_PRIVATE = re.compile(r"://|@|^/|^[A-Za-z]:\\|^~")


def public(value: Any) -> Any:
    """A configuration without addresses, e-mail addresses and absolute paths: those are replaced by "(private)"."""
    if isinstance(value, dict):
        return {key: public(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [public(inner) for inner in value]
    return "(private)" if isinstance(value, str) and "\n" not in value and _PRIVATE.search(value) else value
