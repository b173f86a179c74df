"""Reads .md: the whole file is one record, and its YAML front matter fills the columns."""

from collections.abc import Iterator
from typing import BinaryIO

from builder.corpus.cleaning import FRONT_MATTER
from builder.corpus.fields import fill
from builder.corpus.readers.text import text_file
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Source


def markdown_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The whole file is one record; YAML front matter fills its columns."""
    import yaml

    # By name, so that its words are the same in a process where the configuration was read and in a worker.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for record in text_file(stream, path, source):
        if isinstance(record, Record):
            record.kind = "markdown"
            matter = FRONT_MATTER.match(record.raw)
            if matter:
                try:
                    fields = yaml.load(matter.group(1), loader)
                    if isinstance(fields, dict):
                        fill(record, {str(k): v for k, v in fields.items()}, source)
                except (yaml.YAMLError, ValueError) as e:
                    record.problems.append(("field-front-matter", f"is not YAML: {' '.join(str(e).split())}"))
        yield record
