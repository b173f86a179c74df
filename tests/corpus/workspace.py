"""Raw files and the tables that are made of them, without a configuration: what tests of the corpus room share."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.corpus.inventory import Progress, inventory
from builder.corpus.prepare import TABLES, CorpusSettings, Summary, prepare
from builder.corpus.settings import Chunking, Cleaning, Dedup, Selection, Source
from builder.engine import Runner
from builder.engine_settings import Engine
from builder.store import read_table
from builder.tables import ARTICLES, CHUNKS, REJECTS

ONE = Engine(workers=1)


def corpus_settings(**groups: Any) -> CorpusSettings:
    """The default settings with other groups: `corpus_settings(chunking=Chunking(max_tokens=30))`."""
    given: dict[str, Any] = {
        "source": Source(),
        "cleaning": Cleaning(),
        "dedup": Dedup(),
        "chunking": Chunking(),
        "selection": Selection(),
    }
    return CorpusSettings(**{**given, **groups})


@dataclass
class Workspace:
    """A raw folder (or address) and a folder for what is made of it."""

    raw: str
    folder: Path

    def put(self, name: str, data: str | bytes) -> None:
        """Writes a raw file."""
        path = Path(self.raw) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    @property
    def parts(self) -> Path:
        return self.folder / "parts"

    def prepare(
        self,
        *,
        engine: Engine = ONE,
        keywords: Sequence[str] = (),
        code: str = "1",
        progress: Progress | None = None,
        **groups: Any,
    ) -> Summary:
        """Makes the tables with the default settings, but for the groups given."""
        settings = corpus_settings(**groups)
        found = inventory(self.raw, settings.source, self.folder / "inventory.json", progress)
        with Runner(engine) as runner:
            return prepare(found, self.folder, self.parts, settings, keywords, "en", code, runner, progress)

    def rows(self, name: str) -> list[dict[str, Any]]:
        schema = {"articles": ARTICLES, "rejects": REJECTS}.get(name, CHUNKS)
        found: list[dict[str, Any]] = read_table(self.folder / f"{name}.parquet", schema, "prepare").to_pylist()
        return found

    def digests(self) -> dict[str, str]:
        """The sha256 of every file of the tables."""
        out = {}
        for name in TABLES:
            table = self.folder / f"{name}.parquet"
            for path in sorted(table.iterdir()) if table.is_dir() else [table]:
                out[f"{name}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
        return out
