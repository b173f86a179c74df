"""Typed settings of this room: types, defaults and range checks. The YAML files under conf/ make the choices."""

from dataclasses import dataclass


@dataclass
class Split:
    """How articles are divided into train, validation and test."""

    seed: int = 0


@dataclass
class Export:
    """What a release holds."""

    tokenizer: str = "words"
