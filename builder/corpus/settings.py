"""Typed settings of this room: types, defaults and range checks. The YAML files under conf/ make the choices."""

from dataclasses import dataclass, field

from builder.errors import ConfigError


@dataclass
class Source:
    """Which raw files are read. Patterns are globs relative to `paths.raw`."""

    include: list[str] = field(default_factory=lambda: ["**/*"])
    exclude: list[str] = field(default_factory=list)


@dataclass
class Cleaning:
    """What is edited between the raw record and the article text."""


@dataclass
class Dedup:
    """How duplicates are found, and whether they are annotated (`keep`) or left out (`drop`)."""

    policy: str = "drop"


@dataclass
class Chunking:
    """How an article is cut into the windows that annotators see."""

    method: str = "sentences"
    max_tokens: int = 180

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ConfigError(f"chunking.max_tokens is {self.max_tokens}.", "It is at least 1.")


@dataclass
class Selection:
    """Which chunks are annotated."""

    method: str = "all"
