"""The folder of the embedded server: secrets that only its owner can read, locks, and where everything is.

<workspace>/studio/
    secrets.json   0600  administrator, token, signing key, annotators' passwords
    server.json          address and process ids of the running server
    server.log     0600  what Label Studio printed since its last start
    data/                Label Studio's database and uploads
    home/                used as the home folder, into which Label Studio writes too
    users/               one lock file per builder process that uses the server
"""

import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NotRequired, TypedDict

from filelock import FileLock, Timeout

from builder.errors import StoreError
from builder.store import read_json, write_json


@dataclass
class Secrets:
    """Generated once per workspace; printed only by `builder serve`, never logged."""

    admin_email: str = "admin@builder.local"
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    token: str = field(default_factory=lambda: secrets.token_hex(20), repr=False)
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    #: e-mail -> password of the accounts made for annotators.
    annotators: dict[str, str] = field(default_factory=dict, repr=False)


class _Written(TypedDict):
    """secrets.json. What it lacked would be generated anew, and not fit what the server has."""

    admin_email: str
    admin_password: str
    token: str
    secret_key: str
    annotators: dict[str, str]


class ServerRecord(TypedDict):
    """server.json: where the server was last seen, and its processes."""

    url: str
    port: int
    roles: NotRequired[str]
    pid: int
    supervisor: int


class Vault:
    """The folder of one embedded server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.home = folder / "home"
        self.log = folder / "server.log"
        self.users = folder / "users"
        self.keep = folder / "keep"
        self.initialised = folder / "initialised"
        self._secrets = folder / "secrets.json"
        self._server = folder / "server.json"

    def create(self) -> None:
        """The folder exists, and only its owner can look inside it and the workspace around it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder.parent, self.folder):
            folder.chmod(0o700)

    def turn(self) -> FileLock:
        """The lock of whoever starts or stops the server, or begins to use it."""
        return FileLock(self.folder / "turn.lock", mode=0o600)

    def secrets_lock(self) -> FileLock:
        """The lock of whoever changes the secrets."""
        return FileLock(self.folder / "secrets.lock", mode=0o600)

    def use(self) -> FileLock:
        """A held lock that says that this process uses the server; taken while holding `turn`."""
        self.users.mkdir(exist_ok=True)
        # Whichever thread closes the server releases it.
        lock = FileLock(self.users / f"{secrets.token_hex(8)}.lock", mode=0o600, thread_local=False)
        lock.acquire()
        return lock

    def is_used(self) -> bool:
        """True when a process uses the server. Lock files of ended processes are removed."""
        for path in self.users.glob("*.lock"):
            try:
                with FileLock(path).acquire(blocking=False):
                    path.unlink(missing_ok=True)
            except Timeout:
                return True
        return False

    def is_kept(self, supervisor: int) -> bool:
        """True when the server of this supervisor stays although nobody uses it."""
        return self.keep.exists() and self.keep.read_text(encoding="utf-8").strip() == str(supervisor)

    def secrets(self) -> Secrets:
        """The secrets, generated on the first call; raises `StoreError` when they were lost but the data was not."""
        found: _Written | None = read_json(self._secrets, _Written)
        if found is not None:
            return Secrets(**found)
        if self.initialised.exists():
            raise StoreError(
                f"{self._secrets} is missing, but {self.data} holds projects made with it.",
                f"Restore it from a backup, or move {self.folder} away to start with an empty Label Studio.",
            )
        made = Secrets()
        self.write_secrets(made)
        return made

    def write_secrets(self, made: Secrets) -> None:
        self.create()
        write_json(self._secrets, asdict(made))

    def server(self) -> ServerRecord | None:
        """What is on record of the server; None when it was stopped cleanly."""
        found: ServerRecord | None = read_json(self._server, ServerRecord)
        return found

    def write_server(self, record: ServerRecord | None) -> None:
        if record is None:
            self._server.unlink(missing_ok=True)
        else:
            write_json(self._server, record)
