"""Releases made and read by tests."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console

from builder.commands.export import export
from builder.release import versions
from tests.release.story import Story

QUIET = Console(quiet=True)


def exported(told: Story, **changes: Any) -> tuple[Path, dict[str, Any]]:
    """Folder and manifest of the release that the story's export leaves as the latest."""
    told.write()
    summary = export(told.config(**changes), QUIET)
    root = Path(summary["folder"])
    return root, versions.manifest(root)


def rows(root: Path, config: str, split: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted((root / config).glob(f"{split}*.parquet")):
        found += pq.read_table(path).to_pylist()
    return found
