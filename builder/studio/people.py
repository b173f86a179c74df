"""Who annotates, as configured, and who has an account on the server."""

import re
from dataclasses import dataclass
from pathlib import Path

from builder.errors import ConfigError, SourceError
from builder.studio.client import Client
from builder.studio.settings import Annotators

#: Domain of addresses we make up; reserved, so that no mail ever leaves.
_DOMAIN = "builder.invalid"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}\Z")


@dataclass(frozen=True)
class Annotator:
    """One annotator: the name in the configuration, and the e-mail address of the account."""

    name: str
    email: str


def annotators_of(settings: Annotators) -> list[Annotator]:
    """Who annotates, sorted by name: recorded annotators by their files, people as configured.

    Raises `ConfigError` when a name is not plain or there are fewer than the overlap, `SourceError` when the folder of
    recordings is empty.
    """
    if settings.kind == "recorded":
        folder = Path(settings.recorded)
        names = sorted(path.stem for path in folder.glob("*.jsonl"))
        if not names:
            raise SourceError(
                f"There are no recorded annotators in {folder}.",
                "Put one <annotator>.jsonl per annotator there, or correct annotators.recorded.",
            )
        people = {name: settings.people.get(name, "") for name in names}
    else:
        people = dict(settings.people) or {f"annotator-{n + 1}": "" for n in range(settings.overlap)}
    for name in people:
        if not _NAME.match(name):
            raise ConfigError(
                f"annotators.people: {name!r} is not a plain name.", "Use letters, digits, '.', '_' and '-'."
            )
    if len(people) < settings.overlap and settings.layout == "each":
        raise ConfigError(
            f"annotators.overlap is {settings.overlap}, but there are {len(people)} annotators.",
            "Name more annotators, or lower the overlap.",
        )
    return [Annotator(name, people[name] or f"{name.lower()}@{_DOMAIN}") for name in sorted(people)]


def accounts(client: Client) -> dict[int, str]:
    """User id -> e-mail address of every account on the server."""
    return {user.id: str(user.email) for user in client.ask(lambda sdk: sdk.users.list())}
