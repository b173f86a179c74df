"""The configuration: one dataclass per group of conf/, composed by Hydra, checked and converted once."""

import contextlib
import difflib
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_origin

from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from builder.corpus.settings import Chunking, Cleaning, Dedup, Selection, Source
from builder.engine import Engine
from builder.errors import ConfigError, Fault, SchemeError
from builder.languages import language_code
from builder.quality.settings import Aggregation, Quality
from builder.questions import scheme_from
from builder.release.settings import Export, Split
from builder.scheme import Scheme
from builder.settings import UNKNOWN, Hint, Rules, declared, has_credentials, leaves, read_settings, setting
from builder.studio.settings import Annotators, LabelStudio, Suggestions

SCHEMA = "builder_schema"
#: From overrides to the composed configuration.
Composing = Callable[[Sequence[str]], DictConfig]
_MORE = "`builder <command> --cfg job` prints all settings."


@dataclass
class Paths:
    """Folders, relative to the current one."""

    raw: str = setting("raw", "Raw articles: a folder, a file, a glob, or any address that fsspec understands.")
    workspace: str = setting(".builder", "State between stages, pulls and the data of the embedded Label Studio.")
    exports: str = setting("exports", "Releases, as `<exports>/<dataset.name>/v<MAJOR.MINOR.PATCH>/`.")

    def rules(self) -> Rules:
        if has_credentials(self.raw):
            # The address is not shown: it holds a password.
            hint = "Put them into the variables or the profile that its fsspec package reads."
            yield Fault("raw", "it holds a user name or password.", hint)


@dataclass
class Dataset:
    """What the dataset is called, and what its card says about it."""

    name: str = setting(
        "news-stance",
        "Folder of the releases and title of the Label Studio project.",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,95}$(?!\n)",
        allowed="lower-case letters, digits, '.', '_' and '-', as in news-stance",
    )
    title: str = setting("", "Headline of the card. Empty: the name.")
    description: str = setting("", "First paragraph of the card.")
    license: str = setting("other", "Licence of texts and labels, as a Hugging Face licence identifier.")
    language: str = setting(
        "en",
        "Code of the language that is expected where a record names none and its text does not show another.",
        allowed="a BCP 47 code, as in de or pt-BR",
    )
    citation: str = setting("", "BibTeX, printed on the card.")

    def rules(self) -> Rules:
        try:
            language_code(self.language)
        except ValueError as e:
            yield Fault("language", f"{e}.")


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
        """Holds one folder per version."""
        return Path(self.paths.exports) / self.dataset.name


@dataclass
class Composed(Config):
    """A configuration as it is written: which settings a question has depends on its kind."""

    labels: dict[str, Any] = setting(  # type: ignore[assignment]
        MISSING,
        "What annotators are asked: `name`, `version`, `questions`, `guidelines`, `migrations`.",
        example="labels.questions.comment=null",
    )


def conf_folder() -> Path:
    """The folder of YAML groups: inside an installed wheel, or at the top of a checkout."""
    here = Path(__file__).resolve().parent
    return next(folder for folder in (here / "conf", here.parent / "conf") if folder.is_dir())


def conf_folders(config_dir: str = "") -> list[Path]:
    """Where choices are looked for, in order: the folder asked for, conf/ of the current folder, and our own.

    A conf/ that has a config.yaml belongs to another application that uses Hydra.
    """
    own = Path("conf").absolute()
    is_own = own.is_dir() and not (own / "config.yaml").exists()
    return [*([Path(config_dir).absolute()] if config_dir else []), *([own] if is_own else []), conf_folder()]


def register() -> None:
    """Makes the dataclasses the schema of config.yaml: every setting with its type and default."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name=SCHEMA, node=Composed)


@contextlib.contextmanager
def quick_yaml() -> Iterator[None]:
    """Inside, OmegaConf reads YAML with libyaml where PyYAML has it: composing takes 0.23 s instead of 0.36 s."""
    import yaml

    # OmegaConf has no option for it: it builds its loader on this name.
    before = yaml.SafeLoader
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", before)  # type: ignore[misc]
    try:
        yield
    finally:
        yaml.SafeLoader = before  # type: ignore[misc]


class Job(NamedTuple):
    """One configuration, with the overrides that give it."""

    overrides: list[str]
    composed: DictConfig
    config: Config

    def as_yaml(self) -> str:
        """The configuration as it is written in YAML, without secrets."""
        shown = self.composed.copy()
        for key, hint in leaves(Composed).items():
            if hint.secret:
                node = OmegaConf.select(shown, key)
                node.update(dict.fromkeys(node, "(secret)"))
        return str(OmegaConf.to_yaml(shown))


def compose(*overrides: str) -> Config:
    """The configuration of conf/ with these Hydra overrides, as on the command line.

    >>> compose("chunking=tokens", "chunking.max_tokens=64").chunking.max_tokens
    64

    Raises `ConfigError` that names every setting at fault.
    """
    return compose_jobs(overrides)[0].config


def compose_jobs(overrides: Sequence[str], *, sweep: bool = False, config_dir: str = "") -> list[Job]:
    """The configuration of these overrides; with `sweep` one for each combination of their comma-separated values.

    `config_dir` is a folder with further choices. Raises `ConfigError` that names every setting at fault in any job.
    """
    written = [spelled(override) for override in overrides]
    register()
    with _hydra(config_dir) as composing:
        try:
            values = [_values(override) for override in written]
            jobs = itertools.product(*values) if sweep else [written]
            made = [(list(job), composing(job)) for job in jobs]
            return [Job(job, composed, convert(composed)) for job, composed in made]
        except Exception as error:
            raise refusal(error, written, composing) from error


def convert(composed: DictConfig) -> Config:
    """The plain dataclasses of a composed configuration. Raises `ConfigError` that names every setting at fault."""
    faults: list[Fault] = []
    config = _read(composed, faults)
    if faults:
        raise ConfigError.of(faults)
    return config


def spelled(override: str) -> str:
    """An override as Hydra wants it: entries of mappings such as `annotators.people` are added, not only changed."""
    found = re.match(r"\+?(?!\+)([\w-]+\.[\w.-]+)=", override)
    inside = found and any(get_origin(hint.type) is dict for hint in declared(Composed, found[1]))
    return f"++{override.lstrip('+')}" if inside else override


def refusal(error: Exception, overrides: Sequence[str], composing: Composing) -> ConfigError:
    """What to report when these overrides cannot be composed or converted.

    Hydra stops at the first fault. Here everything is composed again without types, and then checked as a whole.
    Raises the error itself when it is not about the configuration.
    """
    from hydra.core.config_store import ConfigStore

    faults: list[Fault] = []
    # Without types nothing of the configuration is refused, so that all of it is read.
    untyped = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(Composed)))
    ConfigStore.instance().store(name=SCHEMA, node=untyped)
    usable: list[list[str]] = []
    try:
        for override in overrides:
            key = override.partition("=")[0]
            setting = "." in key and not key.startswith("~")
            try:
                values = _values(f"++{override.lstrip('+')}" if setting else override)
                # A choice of a group that does not exist must not hide the faults of the others.
                for value in [] if setting else values:
                    composing([value])
                usable.append(values)
            except Exception as refused:  # noqa: BLE001 - `_explained` raises what it does not know
                faults.append(_explained(refused, key.lstrip("+~").partition("@")[0]))
        for job in itertools.product(*usable):
            try:
                composed = composing(job)
            except Exception as refused:  # noqa: BLE001
                faults.append(_explained(refused))
            else:
                _read(composed, faults)
    finally:
        register()
    return ConfigError.of(list(dict.fromkeys(faults)) or [_explained(error)])


@contextlib.contextmanager
def _hydra(config_dir: str) -> Iterator[Composing]:
    """Gives a function from overrides to the composed configuration."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    first, *others = map(str, conf_folders(config_dir))
    quoted = ("'file://" + folder.replace("\\", "\\\\").replace("'", "\\'") + "'" for folder in others)
    more = [f"hydra.searchpath=[{','.join(quoted)}]"] if others else []
    # Hydra has one application per process; whatever surrounds this one is put back.
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with quick_yaml(), hydra.initialize_config_dir(first, version_base="1.3"):
            yield lambda overrides: hydra.compose("config", [*more, *overrides])
    finally:
        GlobalHydra.instance().hydra = outer


def _values(override: str) -> list[str]:
    """The overrides that one of a sweep means; any other is itself. Raises `ConfigError` when it is none."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    try:
        parsed = parser.parse_override(override)
    except OverrideParseException as e:
        raise ConfigError.of([Fault(override, "it is not an override.", "Write group=choice or key=value.")]) from e
    if re.match(r"hydra\b", parsed.key_or_group):
        raise ConfigError.of([Fault(parsed.key_or_group, UNKNOWN, _MORE)])
    key = parsed.get_key_element()
    return [f"{key}={value}" for value in parsed.sweep_string_iterator()] if parsed.is_sweep_override() else [override]


def _read(composed: DictConfig, faults: list[Fault]) -> Config:
    plain = _plain(composed, "", faults)
    found = read_settings(Hint(Composed), plain, "", faults)
    scheme = None
    if "labels" in plain:
        try:
            scheme = scheme_from(found.labels)
        except SchemeError as error:
            faults += error.faults
    for i, fault in enumerate(faults):
        if fault.problem == UNKNOWN:
            near = suggest(fault.key)
            faults[i] = fault._replace(hint=f"Did you mean {' or '.join(near)}? {_MORE}" if near else _MORE)
    return Config(**{**vars(found), "labels": scheme})


def _plain(node: Any, prefix: str, faults: list[Fault]) -> Any:
    """Plain dicts and lists; appends a fault for each value that is missing or refers to nothing, and leaves it out."""
    entries: dict[Any, Any] = {}
    for name in list(node) if isinstance(node, DictConfig) else range(len(node)):
        key = f"{prefix}.{name!s}" if prefix else str(name)
        about = "".join(hint.about for hint in declared(Composed, key)[-1:])
        if OmegaConf.is_missing(node, name):
            faults.append(Fault(key, "it is not set.", about))
            continue
        try:
            value = node[name]
        except OmegaConfBaseException as error:
            reason = _first_line(error).removeprefix("KeyError raised while resolving interpolation: ").strip("\"'.")
            faults.append(Fault(key, f"{reason}.", f"Set it. {about}".rstrip()))
            continue
        entries[name] = _plain(value, key, faults) if isinstance(value, DictConfig | ListConfig) else value
    return entries if isinstance(node, DictConfig) else list(entries.values())


def _explained(error: Exception, key: str = "") -> Fault:
    """One fault for whatever Hydra, OmegaConf or YAML raised; `key` is what was overridden, where that is known."""
    from hydra.errors import HydraException, MissingConfigException
    from yaml import MarkedYAMLError

    if isinstance(error, ConfigError):
        return error.faults[0]
    if isinstance(error, MissingConfigException):
        choices = ", ".join(error.options or ())
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return Fault(group, f"{choice!r} is not a choice.", f"Choose one of {choices}." if choices else _MORE)
    if isinstance(error, MarkedYAMLError):
        at = error.problem_mark or error.context_mark
        where = f"{at.name}, line {at.line + 1}" if at else "A configuration file"
        return Fault(where, f"{error.problem}.", "Correct the YAML there.")
    # Hydra refuses a group choice that is no text with a ValueError.
    if isinstance(error, HydraException | OmegaConfBaseException) or (key and isinstance(error, ValueError)):
        key = key or str(getattr(error.__cause__ or error, "full_key", None) or "")
        causes = [_first_line(e).rstrip(". ") for e in (error, error.__cause__) if e]
        sweep = causes[0].startswith("Ambiguous value")
        hint = "Write a list as key=[a,b]; to sweep over values add --multirun." if sweep else _MORE
        return Fault(key or "configuration", f"{': '.join(causes)}.", hint)
    raise error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def suggest(key: str) -> list[str]:
    """Settings that look like a misspelt one, best first."""
    keys = list(leaves(Composed))
    by_tail = [k for k in keys if k.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    return list(dict.fromkeys([*difflib.get_close_matches(key, keys, n=3, cutoff=0.6), *by_tail]))[:3]
