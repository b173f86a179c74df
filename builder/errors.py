"""Every error the builder raises on purpose, in one tree.

    BuilderError
    ├── ConfigError          the configuration or the scheme does not hold together: change it
    │   └── SchemeError      the label scheme contradicts itself
    ├── SourceError          raw articles cannot be found or read: fix the folder
    ├── StoreError           the workspace is damaged or incomplete: re-run the stage named
    ├── StudioError          Label Studio did not do what was asked
    │   ├── Unreachable      no answer: start it, or wait and run again
    │   ├── Unauthorized     the token is missing, wrong or lacks rights
    │   └── Refused          it answered, and said no
    ├── GateError            the data is below a quality gate
    └── ReleaseError         a release cannot be written, read or verified

Each message says what happened and where; `hint` says what to do next.
"""

from collections.abc import Iterable
from typing import Any


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


class ConfigError(BuilderError):
    """The configuration does not hold together; `faults` lists every setting at fault, as its dotted key and why."""

    def __init__(self, message: str, hint: str = "", faults: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message, hint)
        self.faults = list(faults)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.hint, self.faults)


class SchemeError(ConfigError):
    """The label scheme contradicts itself."""


class SourceError(BuilderError):
    """Raw articles cannot be found or read."""


class StoreError(BuilderError):
    """The workspace lacks a stage, or what it holds is damaged."""


class StudioError(BuilderError):
    """Label Studio did not do what was asked."""


class Unreachable(StudioError):
    """Label Studio gave no answer."""


class Unauthorized(StudioError):
    """The token is missing, wrong or lacks rights."""


class Refused(StudioError):
    """Label Studio answered, and said no."""


class GateError(BuilderError):
    """The data is below a quality gate."""


class ReleaseError(BuilderError):
    """A release cannot be written, read or verified."""
