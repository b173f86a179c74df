"""Raw files and the tables that are made of them, without a configuration: what tests of the corpus room share."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builder import engine
from builder.corpus.assembly import TABLES
from builder.corpus.inventory import Progress, inventory
from builder.corpus.prepare import Summary, prepare
from builder.corpus.settings import CorpusSettings
from builder.engine import Engine, Runner
from builder.tables import ARTICLES, CHUNKS, REJECTS, check

ONE = Engine(workers=1)


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
    def tables(self) -> Path:
        return self.folder / "tables"

    @property
    def parts(self) -> Path:
        return self.folder / "parts"

    def prepare(
        self,
        *,
        engine: Engine = ONE,
        code: str = "1",
        progress: Progress | None = None,
        **groups: Any,
    ) -> Summary:
        """Makes the tables with the default settings, but for the groups given."""
        settings = CorpusSettings(**groups)
        with Runner(engine) as runner:
            found = inventory(self.raw, settings.source, self.folder / "inventory.parquet", runner.run, progress)
            shutil.rmtree(self.tables, ignore_errors=True)
            return prepare(found, self.tables, self.parts, settings, code, runner.run, progress)

    def rows(self, name: str) -> list[dict[str, Any]]:
        schema = {"articles": ARTICLES, "rejects": REJECTS}.get(name, CHUNKS)
        found: list[dict[str, Any]] = check(pq.read_table(self.tables / f"{name}.parquet"), schema, name).to_pylist()
        return found

    def digests(self) -> dict[str, str]:
        """The sha256 of every file of the tables."""
        out = {}
        for name in TABLES:
            table = self.tables / f"{name}.parquet"
            for path in sorted(table.iterdir()) if table.is_dir() else [table]:
                out[f"{name}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
        return out


def begin_worker(environment: Mapping[str, str]) -> None:
    """A worker of the engine begins with these variables, besides those of the process that it was forked from."""
    os.environ.update(environment)
    engine._begin_worker()
