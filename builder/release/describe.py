"""What a release holds, for documentation: the columns of every configuration, and its files."""

from builder.release.configuration import Numbering
from builder.release.configurations import declare
from builder.release.features import described
from builder.release.labels import numbering
from builder.release.settings import Export
from builder.scheme import Question, Scheme

#: Path in a release, and what the file holds.
FILES: list[tuple[str, str]] = [
    ("README.md", "the dataset card; `load_dataset(<this folder>, <configuration>)` reads its YAML"),
    ("CHANGELOG.md", "what changed in each release, newest first"),
    (
        "manifest.json",
        "configuration, pull, versions of code and libraries, hashes of all files and contents",
    ),
    ("croissant.json", "the dataset described for machines, in MLCommons Croissant"),
    ("<configuration>/<split>-00000-of-0000N.parquet", "the rows of one split of one configuration"),
    ("provenance/articles.parquet", "split, near-duplicate cluster and sha256 of the raw record of every article"),
    ("<format>/<configuration>/<split>.<format>", "other formats on request (`export.formats`)"),
]


def schema_of(scheme: Scheme, settings: Export | None = None) -> list[tuple[str, str, str, str]]:
    """Configuration, column, type and description of every column that releases of this scheme have."""
    settings = settings or Export()

    def number(question: Question) -> Numbering:
        return numbering(scheme, question, settings, [])

    return [
        (name, column.name, described(column.feature), column.about)
        for name, configuration in declare(scheme, settings, number).items()
        for column in configuration.columns
    ]
