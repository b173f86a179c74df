"""Configurations as the command line composes them from `conf/`."""

import copy
import functools

from hydra import compose, initialize_config_dir

from builder.config import Config, conf_folder, convert, register


def composed(*overrides: str) -> Config:
    """The configuration of these overrides, the caller's own; composing takes a while and is done once for each."""
    return copy.deepcopy(_composed(overrides))


@functools.cache
def _composed(overrides: tuple[str, ...]) -> Config:
    register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return convert(compose("config", overrides=list(overrides)))
