"""Typed settings of the engine. They stand apart from it so that reading a configuration imports no engine."""

from dataclasses import dataclass


@dataclass
class Engine:
    """Where table functions run: in this process and over local cores, or on a cluster."""

    kind: str = "local"
    workers: int = 0  # 0: one a core
