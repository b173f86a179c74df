"""`builder init`: a folder of one's own, with labels and an experiment to edit, in which every command works."""

from dataclasses import dataclass
from pathlib import Path

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent


@dataclass(frozen=True)
class NewProject:
    """The folder that was made, its files, and the name of its experiment."""

    folder: Path
    files: list[str]
    experiment: str


def init(config: Config, folder: str, *, progress: Progress = silent) -> NewProject:
    """Make a folder of your own, with labels and settings to edit

    The label scheme is a copy of the configured one (`labels=...`). Raises `ConfigError` when there is something in
    the folder already.
    """
    from builder.setup import make_project

    files = make_project(folder, config.labels.name)
    experiment = next(path.stem for path in files if path.parent.name == "experiment")
    return NewProject(Path(folder), [str(path) for path in files], experiment)


def show(result: NewProject) -> Shown:
    """The files, and what to do next."""
    for file in result.files:
        yield f"init: {file}"
    yield f"Put articles into {result.folder / 'raw'}, edit the questions in conf/labels, and then:"
    yield f"  cd {result.folder}"
    yield f"  builder labels experiment={result.experiment}"
    yield f"  builder run experiment={result.experiment}"
