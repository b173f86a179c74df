"""The articles of a release: their split, cluster and raw hash, which the next release takes up again."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.release.splits import Assignment
from builder.store import write_table

PATH = "provenance/articles.parquet"


def write(root: Path, articles: pa.Table, assignment: Assignment) -> None:
    """Writes every article with texts in the order of ids; those that were left out have a null split."""
    splits = assignment.splits
    ids = sorted({*splits, *assignment.left_out})
    known = articles.select(["article_id", "cluster_id", "raw_sha256"]).filter(
        pc.is_in(articles["article_id"], pa.array(ids, pa.string()))
    )
    known = known.sort_by("article_id")
    column = pa.array([splits.get(a) for a in known["article_id"].to_pylist()], pa.string())
    write_table(root / PATH, known.append_column("split", column).replace_schema_metadata(None))


def earlier_splits(releases: Iterable[Path]) -> dict[str, str]:
    """Article to split, as any of the releases recorded it: an article may be missing from some and come back."""
    found: dict[str, str] = {}
    for release in releases:
        table = pq.read_table(release / PATH)
        pairs = zip(table["article_id"].to_pylist(), table["split"].to_pylist(), strict=True)
        found |= {article: split for article, split in pairs if split is not None}
    return found


def last_day(annotations: pa.Table) -> str:
    """The day of the newest annotation: the date of the release, the same whenever it is built."""
    newest = pc.max(annotations["updated"]).as_py()
    return newest.date().isoformat() if newest else ""
