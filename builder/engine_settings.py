"""Typed settings of the engine. They stand apart from it so that reading a configuration imports no engine."""

from dataclasses import dataclass

from builder.errors import ConfigError

KINDS = ("local", "dask")


@dataclass
class Engine:
    """Where table functions run: in this process and over local cores, or on a cluster."""

    kind: str = "local"
    #: Processes; 0 is one a core. With "dask" and no address, the size of a cluster started on this machine.
    workers: int = 0
    #: Of the dask scheduler, such as tcp://scheduler:8786. The workspace must be visible to its workers.
    address: str = ""
    #: How often an item is tried again when the worker that had it died.
    retries: int = 3

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"engine.kind is {self.kind!r}.", f"Choose one of {', '.join(KINDS)}.")
        if self.workers < 0 or self.retries < 0:
            raise ConfigError("engine.workers and engine.retries are at least 0.", "0 workers is one a core.")
