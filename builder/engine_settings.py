"""Settings of the engine, apart from it so that reading a configuration imports no engine."""

from dataclasses import dataclass

from builder.settings import setting

ENGINES = ("local", "dask")


@dataclass
class Engine:
    """Where functions over tables run."""

    kind: str = setting("local", "`local`: processes on this machine. `dask`: a dask cluster.", choices=ENGINES)
    workers: int = setting(0, "Processes, also of a dask cluster started here. 0: one per processor core.", ge=0)
    address: str = setting(
        "",
        "Address of a dask scheduler, such as tcp://scheduler:8786; its workers must see the workspace and the raw "
        "files under the same paths. Empty: start a cluster on this machine.",
    )
    retries: int = setting(3, "How often work is repeated after its worker died.", ge=0)
