"""Typed settings of this room: types, defaults and range checks. The YAML files under conf/ make the choices."""

from dataclasses import dataclass


@dataclass
class LabelStudio:
    """Which Label Studio is used. An empty url means the embedded server on loopback."""

    url: str = ""
    port: int = 8080


@dataclass
class Annotators:
    """Who annotates, how many a chunk, and whether they are recorded (sample, tests) or people."""

    kind: str = "human"
    overlap: int = 3
