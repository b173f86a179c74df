"""How a configuration is composed: conf/ and the folders beside it, overrides, sweeps, and everything at fault."""

import contextlib
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_origin

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from builder.config import MORE, SCHEMA, Composed, Config, first_line, read_config
from builder.errors import ConfigError, Fault
from builder.settings import UNKNOWN, declared, leaves
from builder.store import quick_yaml

#: From overrides to the composed configuration.
Composing = Callable[[Sequence[str]], DictConfig]


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


@cache
def register() -> None:
    """Makes the dataclasses the schema of config.yaml: every setting with its type and default."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name=SCHEMA, node=Composed)


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
        except Exception as error:
            raise refusal(error, written, composing) from error
    faults: list[Fault] = []
    found = [Job(job, composed, read_config(composed, faults)) for job, composed in made]
    if faults:
        raise ConfigError.of(list(dict.fromkeys(faults)))
    return found


def spelled(override: str) -> str:
    """An override as Hydra wants it: entries of mappings such as `annotators.people` are added, not only changed."""
    found = re.match(r"\+?(?!\+)([\w-]+\.[\w.-]+)=", override)
    inside = found and any(get_origin(hint.type) is dict for hint in declared(Composed, found[1]))
    return f"++{override.lstrip('+')}" if inside else override


def refusal(error: Exception, overrides: Sequence[str], composing: Composing) -> ConfigError:
    """What to report when these overrides cannot be composed.

    Hydra stops at the first fault. Here everything is composed again without types, and then checked as a whole.
    Raises the error itself when it is not about the configuration.
    """
    from hydra.core.config_store import ConfigStore

    faults: list[Fault] = []
    store = ConfigStore.instance()
    typed = store.load(f"{SCHEMA}.yaml").node
    store.store(name=SCHEMA, node=_untyped())
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
                keys = ", ".join(override.partition("=")[0].lstrip("+~") for override in job)
                faults.append(_explained(refused, among=keys))
            else:
                read_config(composed, faults)
    finally:
        store.store(name=SCHEMA, node=typed)
    return ConfigError.of(list(dict.fromkeys(faults)) or [_explained(error)])


@cache
def _untyped() -> Any:
    """The schema without types: nothing of a configuration is refused, so that all of it is read."""
    return OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(Composed)))


@contextlib.contextmanager
def _hydra(config_dir: str) -> Iterator[Composing]:
    """Gives a function from overrides to the composed configuration."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.plugins import Plugins

    Plugins.instance().register(_further_folders())
    # Hydra has one application per process; whatever surrounds this one is put back.
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    *_FURTHER[:], ours = conf_folders(config_dir)
    try:
        with quick_yaml(), hydra.initialize_config_dir(str(ours), version_base="1.3"):
            yield lambda overrides: hydra.compose("config", list(overrides))
    finally:
        _FURTHER.clear()
        GlobalHydra.instance().hydra = outer


#: Folders of choices that come before ours, while something is composed.
_FURTHER: list[Path] = []


@cache
def _further_folders() -> Any:
    """Hydra's own way to search more folders than one."""
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.plugins.search_path_plugin import SearchPathPlugin

    class FurtherFolders(SearchPathPlugin):
        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for folder in reversed(_FURTHER):
                search_path.prepend("builder", f"file://{folder}")

    return FurtherFolders


def _values(override: str) -> list[str]:
    """The overrides that one of a sweep means; any other is itself. Raises `ConfigError` when it is none."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    try:
        (parsed,) = parser.parse_overrides([override])
    except HydraException as e:
        raise ConfigError.of([Fault(override, "it is not an override.", "Write group=choice or key=value.")]) from e
    if re.match(r"hydra\b", parsed.key_or_group):
        raise ConfigError.of([Fault(parsed.key_or_group, UNKNOWN, MORE)])
    key = parsed.get_key_element()
    return [f"{key}={value}" for value in parsed.sweep_string_iterator()] if parsed.is_sweep_override() else [override]


def _explained(error: Exception, key: str = "", among: str = "") -> Fault:
    """One fault for whatever Hydra, OmegaConf or YAML raised.

    `key` is what was overridden, where that is known; else it is one of those `among` which the error may name.
    """
    from hydra.errors import HydraException, MissingConfigException
    from yaml import MarkedYAMLError

    if isinstance(error, ConfigError):
        return error.faults[0]
    if isinstance(error, MissingConfigException):
        choices = ", ".join(error.options or ())
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return Fault(group, f"{choice!r} is not a choice.", f"Choose one of {choices}." if choices else MORE)
    if isinstance(error, MarkedYAMLError):
        at = error.problem_mark or error.context_mark
        where = f"{at.name}, line {at.line + 1}" if at else "A configuration file"
        return Fault(where, f"{error.problem}.", "Correct the YAML there.")
    # Hydra refuses a choice that is no text, or an entry of a list that is no number, with errors of Python.
    if isinstance(error, HydraException | OmegaConfBaseException | ValueError | TypeError):
        key = key or str(getattr(error.__cause__ or error, "full_key", None) or "")
        causes = [first_line(e).rstrip(". ") for e in (error, error.__cause__) if e]
        sweep = causes[0].startswith("Ambiguous value")
        hint = "Write a list as key=[a,b]; to sweep over values add --multirun." if sweep else MORE
        return Fault(key or among or "configuration", f"{': '.join(causes)}.", hint)
    raise error


@contextlib.contextmanager
def logged(dataset: Path, words: Sequence[str], overrides: Sequence[str]) -> Iterator[None]:
    """The dataset's builder.log says when a command ran, with which overrides, for how long, and how it ended."""
    began, start, outcome = datetime.now(UTC), time.monotonic(), "done"
    try:
        yield
    except BaseException as error:
        outcome = f"{type(error).__name__}: {error}"
        raise
    finally:
        if dataset.is_dir():
            said = " ".join([*words, *map(_without_secret, overrides)])
            took = time.monotonic() - start
            line = f"{began:%Y-%m-%d %H:%M:%S} UTC {said}: {took:.1f} s, {outcome}".replace("\n", " ")
            # What was done is done, also where the disk has no room for a line about it.
            with contextlib.suppress(OSError):
                handle = os.open(dataset / "builder.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(handle, "a", encoding="utf-8") as file:
                    file.write(f"{line}\n")


def _without_secret(override: str) -> str:
    """The override, or its key alone where its value must not be shown."""
    key = override.lstrip("+~").partition("=")[0]
    return key if any(hint.secret for hint in declared(Composed, key)) else override
