"""The typed configuration: one dataclass a group of conf/, registered with Hydra and converted once, at the top."""

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from builder.corpus.settings import Chunking, Cleaning, Dedup, Selection, Source
from builder.engine_settings import Engine
from builder.errors import ConfigError
from builder.quality.settings import Aggregation, Quality
from builder.questions import scheme_from
from builder.release.settings import Export, Split
from builder.scheme import Scheme
from builder.studio.settings import Annotators, LabelStudio, Suggestions

# A folder name on every system, and a Hugging Face dataset name.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}\Z")


@dataclass
class Paths:
    """Folders, relative to the current one: raw articles, state between stages, finished releases."""

    raw: str = "raw"
    workspace: str = ".builder"
    exports: str = "exports"


@dataclass
class Dataset:
    """What the dataset is called and what its card says about it."""

    name: str = "news-stance"
    title: str = ""
    description: str = ""
    license: str = "other"
    language: str = "en"
    citation: str = ""

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ConfigError(
                f"dataset.name is {self.name!r}.",
                "Use lower-case letters, digits, '.', '_' and '-', as in news-stance.",
            )


@dataclass
class Config:
    """Everything a command needs to know."""

    paths: Paths = field(default_factory=Paths)
    dataset: Dataset = field(default_factory=Dataset)
    source: Source = field(default_factory=Source)
    cleaning: Cleaning = field(default_factory=Cleaning)
    dedup: Dedup = field(default_factory=Dedup)
    chunking: Chunking = field(default_factory=Chunking)
    selection: Selection = field(default_factory=Selection)
    labels: Scheme = MISSING
    annotators: Annotators = field(default_factory=Annotators)
    label_studio: LabelStudio = field(default_factory=LabelStudio)
    suggestions: Suggestions = field(default_factory=Suggestions)
    quality: Quality = field(default_factory=Quality)
    aggregation: Aggregation = field(default_factory=Aggregation)
    split: Split = field(default_factory=Split)
    export: Export = field(default_factory=Export)
    engine: Engine = field(default_factory=Engine)

    @property
    def raw(self) -> Path:
        return Path(self.paths.raw)

    @property
    def workspace(self) -> Path:
        return Path(self.paths.workspace)

    @property
    def dataset_folder(self) -> Path:
        """State of this dataset; the embedded server beside it is shared by all datasets of a workspace."""
        return self.workspace / self.dataset.name

    @property
    def release_folder(self) -> Path:
        """Holds one folder a version."""
        return Path(self.paths.exports) / self.dataset.name


def conf_folder() -> Path:
    """The folder of YAML groups: inside an installed wheel, or at the top of a checkout."""
    here = Path(__file__).resolve().parent
    return next(folder for folder in (here / "conf", here.parent / "conf") if folder.is_dir())


def register() -> None:
    """Makes the dataclasses the schema of config.yaml, so that types and names are checked as it is composed."""
    import yaml
    from hydra.core.config_store import ConfigStore

    # OmegaConf builds its loader on this name; libyaml's parser, where PyYAML has it, takes a fifth of the time.
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # type: ignore[misc]
    # A scheme is composed as it is written: which settings a question has depends on its kind.
    free = dataclasses.make_dataclass("Composed", [("labels", dict[str, Any], field(default=MISSING))], bases=(Config,))
    ConfigStore.instance().store(name="schema", node=free)


def convert(composed: DictConfig) -> Config:
    """The plain dataclasses of a composed configuration; raises `ConfigError` when a value is out of range."""
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    found: dict[str, Any] = vars(config)
    return Config(**{**found, "labels": scheme_from(found["labels"])})


def suggest(key: str, known: DictConfig | dict[str, Any]) -> list[str]:
    """Configuration keys that look like a misspelt one, best first."""
    import difflib

    keys = list(_leaves(OmegaConf.to_container(known) if isinstance(known, DictConfig) else known))
    by_tail = [k for k in keys if k.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    return list(dict.fromkeys([*difflib.get_close_matches(key, keys, n=3, cutoff=0.6), *by_tail]))[:3]


def _leaves(node: Any, prefix: str = "") -> list[str]:
    if not isinstance(node, dict):
        return [prefix]
    inner = [leaf for key, value in node.items() for leaf in _leaves(value, f"{prefix}.{key}" if prefix else str(key))]
    return [prefix, *inner] if prefix else inner
