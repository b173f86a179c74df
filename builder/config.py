"""The configuration: one dataclass per group of conf/, checked as a whole and converted once."""

import difflib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import to_builtins
from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from builder.corpus.settings import Chunking, Cleaning, Dedup, Selection, Source
from builder.engine import Engine
from builder.errors import ConfigError, Fault, SchemeError
from builder.quality.settings import Aggregation, Quality
from builder.questions import scheme_from
from builder.release.settings import Dataset, Export, Split, name_faults, release_name
from builder.reporting.settings import Report
from builder.scheme import Scheme
from builder.settings import (
    SECRETS_ELSEWHERE,
    UNKNOWN,
    Hint,
    Rules,
    declared,
    has_credentials,
    leaves,
    read_settings,
    setting,
)
from builder.studio.settings import Annotators, LabelStudio, Suggestions

SCHEMA = "builder_schema"
#: Where all settings are to be seen.
MORE = "`builder <command> --cfg job` prints all settings."


@dataclass
class Paths:
    """Folders, relative to the current one."""

    raw: str = setting("raw", "Raw articles: a folder, a file, a glob, or any address that fsspec understands.")
    workspace: str = setting(".builder", "State between stages, pulls and the data of the embedded Label Studio.")
    exports: str = setting("exports", "Releases, as `<exports>/<dataset.name>/v<MAJOR.MINOR.PATCH>/`.")

    def rules(self) -> Rules:
        if has_credentials(self.raw):
            # The address is not shown: it holds a password.
            yield Fault("raw", "it holds a user name or password.", SECRETS_ELSEWHERE)
        for name in ("workspace", "exports"):
            if "://" in getattr(self, name):
                hint = "Set a local folder. What workers make may be anywhere: engine.storage."
                yield Fault(name, "it must be a folder of this machine, not an address.", hint)


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
    report: Report = field(default_factory=Report)
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
        """Holds one folder per version of the dataset, or of the configured variant of it."""
        return Path(self.paths.exports) / release_name(self.dataset.name, self.export.variant)


@dataclass
class Composed(Config):
    """A configuration as it is written: which settings a question has depends on its kind."""

    labels: dict[str, Any] = setting(  # type: ignore[assignment]
        MISSING,
        "What annotators are asked: `name`, `version`, `questions`, `guidelines`, `migrations`.",
        example="labels.questions.comment=null",
    )


def read_config(composed: DictConfig, faults: list[Fault]) -> Config:
    """The plain dataclasses of a composed configuration; appends a fault for each setting that cannot be used."""
    plain = _plain(composed, "", faults)
    found = read_settings(Hint(Composed), plain, "", faults)
    scheme = None
    if "labels" in plain:
        try:
            scheme = scheme_from(found.labels)
            faults += [*_unknown_names(found, scheme), *name_faults(scheme.questions)]
        except SchemeError as error:
            faults += error.faults
    for i, fault in enumerate(faults):
        if fault.problem == UNKNOWN:
            near = suggest(fault.key)
            faults[i] = fault._replace(hint=f"Did you mean {' or '.join(near)}? {MORE}" if near else MORE)
    return Config(**{**vars(found), "labels": scheme})


def check_config(config: Config) -> None:
    """A configuration that was made or changed in Python; raises `ConfigError` that names every setting at fault."""
    plain = {name: to_builtins(group, enc_hook=str) for name, group in vars(config).items() if name != "labels"}
    faults: list[Fault] = []
    read_settings(Hint(Config), plain, "", faults)
    if not faults and isinstance(config.labels, Scheme):  # reading articles needs none
        faults = [*_unknown_names(config, config.labels), *name_faults(config.labels.questions)]
    if faults:
        raise ConfigError.of(faults)


def _unknown_names(config: Config, scheme: Scheme) -> Iterator[Fault]:
    """Labels and targets that settings name, and that the scheme does not have."""
    known: dict[str, set[str]] = {"spans": set(), "answers": set(), "notes": set(), "targets": set(), "gates": set()}
    for question in scheme.questions.values():
        known[question.gives].update(question.labels)
        known["targets"].update(question.targets)
        for about in question.asked(None) or () if question.gives == "answers" else ():
            known["gates"].add(about or question.name)
    asked = [label for labels in config.quality.asked.values() for label in labels]
    entities = {label for question in scheme.of_kind("entities") for label in question.labels}
    suggests = config.suggestions
    alias = suggests.alias_label if suggests.method == "gazetteer" and not suggests.file else ""
    lacks = f"the label scheme {scheme.name} has no"
    yield from unknown_names("suggestions.alias_label", [alias] if alias else [], entities, lacks)
    for key, given, there in (
        ("export.entities", config.export.entities, known["spans"]),
        ("export.stance", config.export.stance, known["answers"]),
        ("export.targets", config.export.targets, known["targets"]),
        ("quality.asked", asked, known["spans"]),
        ("quality.gates.min_alpha_of", config.quality.gates.min_alpha_of, known["targets"] and known["gates"]),
    ):
        # A scheme without fixed targets leaves them to the articles.
        yield from unknown_names(key, given if there else (), there, lacks)


def unknown_names(key: str, given: Iterable[str], known: Collection[str], problem: str) -> Iterator[Fault]:
    """A fault for each name of a setting that is not known; `problem` is what precedes the name."""
    for name in dict.fromkeys(given):
        if name not in known:
            near = difflib.get_close_matches(name, known)
            hint = f"Did you mean {near[0]}?" if near else f"Choose among {', '.join(sorted(known)) or 'none'}."
            yield Fault(key, f"{problem} {name!r}.", hint)


def _plain(node: Any, prefix: str, faults: list[Fault]) -> Any:
    """Plain dicts and lists; appends a fault for each value that is missing or refers to nothing, and leaves it out."""
    entries: dict[Any, Any] = {}
    for name in list(node) if isinstance(node, DictConfig) else range(len(node)):
        key = f"{prefix}.{name!s}" if prefix else str(name)
        if OmegaConf.is_missing(node, name):
            faults.append(Fault(key, "it is not set.", _about(key)))
            continue
        try:
            value = node[name]
        except OmegaConfBaseException as error:
            reason = first_line(error).removeprefix("KeyError raised while resolving interpolation: ").strip("\"'.")
            faults.append(Fault(key, f"{reason}.", f"Set it. {_about(key)}".rstrip()))
            continue
        entries[name] = _plain(value, key, faults) if isinstance(value, DictConfig | ListConfig) else value
    return entries if isinstance(node, DictConfig) else list(entries.values())


def _about(key: str) -> str:
    return "".join(hint.about for hint in declared(Composed, key)[-1:])


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def suggest(key: str) -> list[str]:
    """Settings that look like a misspelt one, best first."""
    keys = list(leaves(Composed))
    by_tail = [k for k in keys if k.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    return list(dict.fromkeys([*difflib.get_close_matches(key, keys, n=3, cutoff=0.6), *by_tail]))[:3]
