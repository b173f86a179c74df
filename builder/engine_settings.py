"""Settings of the engine, apart from it so that reading a configuration imports no engine."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from builder.settings import one_of

ENGINES = ("local", "dask")


@dataclass
class Engine:
    """Where functions over tables run."""

    kind: Annotated[str, one_of(ENGINES, "`local`: processes on this machine. `dask`: a dask cluster.")] = "local"
    workers: Annotated[
        int,
        Meta(ge=0, description="Processes, also of a dask cluster that is started here. 0: one per processor core."),
    ] = 0
    address: Annotated[
        str,
        Meta(
            description="Address of a dask scheduler, such as tcp://scheduler:8786; its workers must see the workspace "
            "and the raw files under the same paths. Empty: start a cluster on this machine."
        ),
    ] = ""
    retries: Annotated[int, Meta(ge=0, description="How often work is repeated after its worker died.")] = 3
