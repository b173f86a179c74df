"""Every error the builder raises on purpose, in one tree.

Each message says what happened and where; `hint` says what to do next.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self


class BuilderError(Exception):
    """A problem the user can act on, printed without a traceback."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process borders when a stage runs on several cores.
        return type(self), (self.message, self.hint)


class Fault(NamedTuple):
    """One thing that is wrong with a configuration: the dotted key, what is wrong (a sentence), and what to do."""

    key: str
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.problem} {self.hint}".rstrip()


class ConfigError(BuilderError):
    """The configuration does not hold together; `faults` lists what is wrong where it is known by its keys."""

    def __init__(self, message: str, hint: str = "", faults: Iterable[Fault] = ()) -> None:
        super().__init__(message, hint)
        self.faults = list(faults)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.hint, self.faults)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> Self:
        """One error for all faults: a line for one, a list for several."""
        if len(faults) == 1:
            return cls(f"{faults[0].key}: {faults[0].problem}", faults[0].hint, faults)
        lines = [f"{len(faults)} settings cannot be used.", *(f"  {fault}" for fault in faults)]
        return cls("\n".join(lines), "", faults)


class SchemeError(ConfigError):
    """The label scheme contradicts itself."""


class SourceError(BuilderError):
    """Raw articles cannot be found or read."""


class StoreError(BuilderError):
    """The workspace lacks a stage, or what it holds is damaged."""


class StudioError(BuilderError):
    """Label Studio did not do what was asked."""


class Unreachable(StudioError):
    """Label Studio gave no answer: start it, or wait and run again."""


class Unauthorized(StudioError):
    """The token is missing, wrong or lacks rights."""


class Refused(StudioError):
    """Label Studio answered, and said no."""


class GateError(BuilderError):
    """The data is below a quality gate; `result` is the stage that was made all the same."""

    def __init__(self, message: str, hint: str = "", result: Any = None) -> None:
        super().__init__(message, hint)
        self.result = result


class ReleaseError(BuilderError):
    """A release cannot be written, read or verified."""
