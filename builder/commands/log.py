"""`builder log`: the releases of the dataset, with their sizes, agreement and hashes."""

from dataclasses import dataclass

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent


@dataclass(frozen=True)
class Logged:
    """One release: what changed with it ("first", "major", "minor", "patch"), and rows by configuration."""

    version: str
    level: str
    articles: int
    annotators: int
    rows: dict[str, int]
    agreement: dict[str, float]
    pull: str
    digest: str


def log(config: Config, *, progress: Progress = silent) -> list[Logged]:
    """List the releases with their counts, agreement and hashes

    Oldest first. Raises `ReleaseError` when a manifest cannot be read.
    """
    from builder import releases
    from builder.release import versions
    from builder.release.manifest import read

    manifests = [read(path) for _, path in versions.releases(releases.release_folder(config))]
    return [
        Logged(
            version=f"v{made.version}",
            level=made.changes.level,
            articles=made.counts.articles,
            annotators=made.counts.annotators,
            rows={name: sum(splits.values()) for name, splits in made.rows.items()},
            agreement=made.agreement,
            pull=made.pull.hash,
            digest=made.digest,
        )
        for made in manifests
    ]


def show(result: list[Logged]) -> Shown:
    """A block per release."""
    for made in result:
        yield (
            f"{made.version} ({made.level}): {made.articles} articles, {made.annotators} annotators, "
            f"pull {made.pull[:16]}, manifest {made.digest[:16]}"
        )
        yield f"  {', '.join(f'{count} {name}' for name, count in made.rows.items())}"
        yield from (f"  {name}: {value:.3g}" for name, value in made.agreement.items())
    if not result:
        yield "log: no release yet. Run `builder export` first."
