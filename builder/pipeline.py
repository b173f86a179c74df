"""The stages of a configuration: each asks for the stages that it is made from.

    release <- gold <- checked <- prepared, pull

Order of commands does not matter: what is missing is made. What is made stands in `stage.py`; how, in the rooms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.config import Config
from builder.errors import ConfigError, GateError, StoreError
from builder.stage import Known, Progress, Stage, Stages, code_digest, exclusive, silent
from builder.store import digest, file_digest, write_json

#: Groups of the configuration that decide what a release holds, and are part of its manifest.
PUBLIC = (
    "dataset", "source", "cleaning", "dedup", "chunking", "selection", "labels", "quality", "aggregation", "split",
    "export",
)  # fmt: skip


def stages(config: Config) -> Stages:
    """The remembered stages of the dataset."""
    return Stages(config.dataset_folder)


@dataclass(frozen=True)
class Raw:
    """The raw articles as an input, with what reading them takes but what they hold does not depend on."""

    inventory: Any
    parts: Path
    config: Config

    @property
    def fingerprint(self) -> str:
        return str(self.inventory.fingerprint)


@dataclass(frozen=True)
class Pull:
    """A kept pull as an input, with the key of its annotators' pseudonyms."""

    folder: Path
    hash: str
    key: bytes

    @property
    def fingerprint(self) -> str:
        return digest(self.hash, digest(self.key))


@dataclass(frozen=True)
class File:
    """A file that the configuration names, as an input; an empty name is no file."""

    name: str

    @property
    def fingerprint(self) -> str:
        return file_digest(Path(self.name)) if self.name and Path(self.name).is_file() else ""
