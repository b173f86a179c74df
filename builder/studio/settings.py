"""Typed settings of this room: types, defaults and range checks. The YAML files under conf/ make the choices."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from builder.errors import ConfigError

DATABASES = ("sqlite", "postgresql")
KINDS = ("human", "recorded")
LAYOUTS = ("shared", "each")
METHODS = ("none", "gazetteer", "http", "python")


@dataclass
class LabelStudio:
    """Which Label Studio is used. An empty url means the embedded server on loopback."""

    url: str = ""
    #: First port tried by the embedded server.
    port: int = 8080
    #: Of the embedded server; "postgresql" reads the POSTGRE_* variables of the environment, as Label Studio does.
    database: str = "sqlite"
    boot_timeout: float = 300.0
    #: File that holds the token of a remote server; the environment variable LABEL_STUDIO_API_KEY goes before it.
    token_file: str = ""
    proxy: str = ""
    ca_file: str = ""
    #: Seconds one request may take.
    timeout: float = 120.0
    #: How often a read is tried again after a failure; writes are never repeated blindly.
    retries: int = 4
    #: Size of one import request, in bytes of JSON.
    batch_bytes: int = 8 << 20
    #: Import requests under way at once; more than one loses labels on SQLite.
    concurrent_imports: int = 1
    #: Page requests under way at once; pays with PostgreSQL and several server workers.
    concurrent_reads: int = 1
    page_size: int = 1000

    def __post_init__(self) -> None:
        if self.url and not _is_web_address(self.url):
            raise ConfigError(
                f"label_studio.url is {self.url!r}.", "Write the whole address, such as https://labels.example.org."
            )
        if "@" in urlsplit(self.url).netloc:
            raise ConfigError(
                "label_studio.url holds a user name or password.",
                "Give a token through LABEL_STUDIO_API_KEY or label_studio.token_file instead.",
            )
        if self.database not in DATABASES:
            raise ConfigError(f"label_studio.database is {self.database!r}.", f"Choose one of {', '.join(DATABASES)}.")
        for name, low, high in (
            ("port", 1, 65535),
            ("boot_timeout", 1, 86400),
            ("timeout", 0.1, 86400),
            ("retries", 0, 20),
            ("batch_bytes", 1 << 10, 200 << 20),
            ("concurrent_imports", 1, 32),
            ("concurrent_reads", 1, 32),
            ("page_size", 1, 10_000),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"label_studio.{name} is {getattr(self, name)}.", f"It lies between {low} and {high}."
                )
        if not self.url and self.database == "sqlite" and self.concurrent_imports > 1:
            raise ConfigError(
                f"label_studio.concurrent_imports is {self.concurrent_imports} on SQLite, which loses labels.",
                "Set it to 1, or run Label Studio on PostgreSQL.",
            )


@dataclass
class Annotators:
    """Who annotates, how many a chunk, and whether they are recorded (sample, tests) or people."""

    kind: str = "human"
    #: Annotators a chunk.
    overlap: int = 3
    #: "shared": one project, anyone takes the next chunk; "each": one project an annotator, chunks are assigned.
    layout: str = "shared"
    #: Name -> e-mail. Accounts on the embedded server; empty means annotator-1 ... annotator-<overlap>.
    people: dict[str, str] = field(default_factory=dict)
    #: Folder of recorded labels, one <annotator>.jsonl each.
    recorded: str = ""
    #: True: a recorded annotator may have left chunks out.
    partial: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"annotators.kind is {self.kind!r}.", f"Choose one of {', '.join(KINDS)}.")
        if self.layout not in LAYOUTS:
            raise ConfigError(f"annotators.layout is {self.layout!r}.", f"Choose one of {', '.join(LAYOUTS)}.")
        if self.overlap < 1:
            raise ConfigError(f"annotators.overlap is {self.overlap}.", "It is at least 1.")
        if self.kind == "recorded" and not self.recorded:
            raise ConfigError(
                "annotators.kind is 'recorded', but annotators.recorded names no folder.",
                "Set annotators.recorded to the folder of <annotator>.jsonl files.",
            )
        if self.kind == "human" and self.people and len(self.people) < self.overlap:
            raise ConfigError(
                f"annotators.overlap is {self.overlap}, but annotators.people names {len(self.people)}.",
                "Name more people, or lower the overlap.",
            )
        addresses = [address.casefold() for address in self.people.values()]
        if len(set(addresses)) < len(addresses) or not all("@" in address for address in addresses):
            raise ConfigError(
                "annotators.people holds an e-mail address twice, or one without '@'.",
                "Give each name its own address.",
            )


@dataclass
class Suggestions:
    """Labels that annotators find filled in, and accept, change or reject."""

    method: str = "none"
    #: Gazetteer: a file of `phrase<TAB>entity label` lines; empty means the aliases of the scheme's targets.
    file: str = ""
    #: Gazetteer from the scheme: the entity label that the aliases get.
    alias_label: str = ""
    #: HTTP: where chunks are posted. Python: `package.module:function`.
    url: str = ""
    function: str = ""
    #: Stored with each suggestion; a hook may give its own.
    model_version: str = "gazetteer"
    score: float = 0.5
    #: Chunks a call of a hook, and seconds it may take.
    batch: int = 32
    timeout: float = 120.0
    #: True: annotators get the chunks with the lowest score first.
    uncertain_first: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"suggestions.method is {self.method!r}.", f"Choose one of {', '.join(METHODS)}.")
        if self.method == "gazetteer" and not self.file and not self.alias_label:
            raise ConfigError(
                "suggestions.method is 'gazetteer', but there is neither a file nor a label for the targets' aliases.",
                "Set suggestions.file or suggestions.alias_label.",
            )
        if self.method == "http" and not _is_web_address(self.url):
            raise ConfigError(f"suggestions.url is {self.url!r}.", "Write the whole address of the model.")
        if self.method == "python" and ":" not in self.function:
            raise ConfigError(f"suggestions.function is {self.function!r}.", "Write it as package.module:function.")
        if not 0 <= self.score <= 1:
            raise ConfigError(f"suggestions.score is {self.score}.", "It lies between 0 and 1.")
        if self.batch < 1 or self.timeout <= 0:
            raise ConfigError("suggestions.batch and suggestions.timeout are positive.", "Correct them.")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
