"""Label Studio: projects and people, pushing chunks as tasks, pulling what annotators did, and the embedded server."""

from collections.abc import Callable

#: Gets what is being done, how much of it is done, and how much there is, or None where that is not known.
Progress = Callable[[str, int, int | None], None]


def silent(what: str, done: int, total: int | None) -> None:
    """A progress callback that says nothing."""
