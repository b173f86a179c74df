"""`builder prepare`: from raw files to articles, chunks and the chunks to annotate."""

import functools
import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.config import Config
from builder.errors import ConfigError
from builder.store import digest

if TYPE_CHECKING:
    from rich.console import Console


def prepare(config: Config, console: "Console") -> dict[str, Any]:
    """The stage `prepare` holds the tables articles, chunks, selected and rejects; returns the counts."""
    from builder.corpus import prepare as corpus
    from builder.corpus.inventory import inventory
    from builder.engine import Runner
    from builder.studio.lock import exclusive

    stage = config.stage("prepare")
    settings = corpus.CorpusSettings(config.source, config.cleaning, config.dedup, config.chunking, config.selection)
    keywords, language = _keywords(config), config.dataset.language
    with (
        # Two at once with other settings would each remove the other's shards, and mix their tables.
        exclusive(config.dataset_folder / "prepare.lock", "prepare"),
        Runner(config.engine) as runner,
    ):
        found = inventory(config.paths.raw, config.source, stage.folder / "inventory.json")
        fingerprint = digest("prepare", _code(), found.fingerprint, corpus.settings_key(settings, keywords, language))
        summary = stage.summary()
        if summary and stage.is_current(fingerprint) and "unreadable" not in summary["rejected"]:
            console.print("prepare: nothing changed")
            return summary
        with stage.rewrite(fingerprint) as summary:
            made = corpus.prepare(
                found, stage.folder, stage.folder / "parts", settings, keywords, language, _code(), runner
            )
            summary |= asdict(made)
    for name, value in summary.items():
        console.print(f"{name}: {value}")
    return summary


@functools.cache
def _code() -> str:
    """A hash of the source that decides the tables."""
    package = Path(__file__).parent.parent
    paths = [*sorted((package / "corpus").rglob("*.py")), *(package / f"{n}.py" for n in ("text", "offsets", "tables"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def _keywords(config: Config) -> list[str]:
    if config.selection.method != "keywords":
        return []
    found = config.selection.keywords or [alias for t in config.labels.targets.values() for alias in t.aliases]
    if not found:
        raise ConfigError(
            "selection.method is 'keywords', but the label scheme's targets have no aliases.", "Set selection.keywords."
        )
    return found
