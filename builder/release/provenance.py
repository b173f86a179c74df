"""What a release says about its articles and annotators, in tables beside its configurations."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.release.splits import Assignment
from builder.store import write_table

#: Where a release keeps the split of each of its articles, which the next one takes up again.
ARTICLES = "provenance/articles.parquet"
ANNOTATORS = "provenance/annotators.parquet"
#: Its columns that the builder fills; all others are what annotators said.
OWN = {"annotator": pa.string(), "role": pa.string(), "annotations": pa.int64()}


def write_articles(root: Path, articles: pa.Table, assignment: Assignment) -> None:
    """Writes what is known of every article with texts, with its split; those that were left out have a null split."""
    sides = assignment.splits | dict.fromkeys(assignment.left_out)
    columns = ["article_id", "cluster_id", "raw_sha256", "title", "source", "published", "language"]
    known = articles.select(columns).sort_by("article_id")
    column = pa.array([sides[article] for article in known["article_id"].to_pylist()], pa.string())
    write_table(root / ARTICLES, known.append_column("split", column).replace_schema_metadata(None))


def earlier_splits(releases: Iterable[Path]) -> dict[str, str]:
    """Article to split, as any of the releases recorded it: an article may be missing from some and come back."""
    found: dict[str, str] = {}
    for release in releases:
        rows = pq.read_table(release / ARTICLES, columns=["article_id", "split"]).to_pylist()
        found |= {row["article_id"]: row["split"] for row in rows if row["split"] is not None}
    return found


def write_annotators(
    root: Path, annotations: pa.Table, experts: Collection[str], said: Mapping[str, Mapping[str, str]], smallest: int
) -> None:
    """Writes role and number of annotations of every annotator, and what they `said` about themselves, by pseudonym.

    Columns: annotator, role ("annotator" or "expert"), annotations, and those of `said`. These are null for everybody
    who shares them and the role with fewer than `smallest` annotators (k-anonymity, Sweeney 2002).
    """
    counts = dict(sorted(Counter(annotations["annotator"].to_pylist()).items()))
    roles = {name: "expert" if name in experts else "annotator" for name in counts}
    shown = {name: (roles[name], *sorted(said.get(name, {}).items())) for name in counts}
    alike = Counter(shown.values())
    rows: list[dict[str, object]] = [
        {"annotator": name, "role": roles[name], "annotations": count}
        | (dict(said.get(name, {})) if alike[shown[name]] >= smallest else {})
        for name, count in counts.items()
    ]
    columns = sorted({key for described in said.values() for key in described})
    write_table(root / ANNOTATORS, pa.Table.from_pylist(rows, pa.schema(OWN | dict.fromkeys(columns, pa.string()))))


def self_descriptions(release: Path) -> list[dict[str, object]]:
    """What a release says of its annotators besides how much they did; nothing before it is written."""
    path = release / ANNOTATORS
    return pq.read_table(path).drop_columns("annotations").to_pylist() if path.is_file() else []
