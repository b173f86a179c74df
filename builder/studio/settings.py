"""Settings of Label Studio, of the annotators and of suggestions."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from builder.errors import Fault
from builder.settings import Rules, has_credentials, limits, setting, shown_address

#: Choices of `suggestions.method`, with the functions that make them.
SUGGESTERS = {
    "none": "",
    "gazetteer": "builder.studio.suggestions:gazetteer_hook",
    "http": "builder.studio.suggestions:http_hook",
    "python": "builder.studio.suggestions:python_hook",
}


@dataclass
class LabelStudio:
    """Which Label Studio is used, and how requests are sent to it."""

    url: str = setting(
        "",
        "Address of a Label Studio that runs elsewhere. Empty: the embedded server on this machine.",
        allowed="a whole address, such as https://labels.example.org, or empty",
    )
    port: int = setting(8080, "First port that the embedded server tries.", ge=1, le=65_535)
    database: str = setting(
        "sqlite",
        "Database of the embedded server. `postgresql` reads the POSTGRE_* environment variables of Label Studio.",
        choices=("sqlite", "postgresql"),
    )
    roles: bool = setting(
        True,
        "Whether annotators on the embedded server see and change only their own projects and annotations."
        " False: everybody who logs in may see, change and delete everything.",
    )
    boot_timeout: float = setting(300.0, "Seconds the embedded server may take to start.", ge=1, le=86_400)
    token_file: str = setting("", "Path of a file with the token; the variable LABEL_STUDIO_API_KEY takes precedence.")
    proxy: str = setting("", "Address of an HTTP proxy. Empty: HTTPS_PROXY and NO_PROXY of the environment.")
    ca_file: str = setting("", "Path of certificates to trust besides those of the system.")
    timeout: float = setting(120.0, "Seconds one request may take.", ge=0.1, le=86_400)
    retries: int = setting(4, "How often a failed read is repeated. Writes are never repeated blindly.", ge=0, le=20)
    batch_bytes: int = setting(8 << 20, "Bytes of JSON per import request.", ge=1 << 10, le=200 << 20)
    concurrent_imports: int = setting(1, "Import requests at once. On SQLite more than one loses labels.", ge=1, le=32)
    concurrent_reads: int = setting(1, "Page requests at once. More is faster on PostgreSQL.", ge=1, le=32)
    gone_share: float = setting(
        0.05, "Largest share of annotations or tasks of the pull before that may be gone.", ge=0, le=1
    )
    page_size: int = setting(1000, "Tasks per page request.", ge=1, le=10_000)

    def rules(self) -> Rules:
        if has_credentials(self.proxy):
            yield Fault("proxy", "it holds a user name or password.", "Put the whole address into HTTPS_PROXY instead.")
        if has_credentials(self.url):
            # The address is not shown: it holds a password.
            hint = "Give a token through LABEL_STUDIO_API_KEY or label_studio.token_file instead."
            yield Fault("url", "it holds a user name or password.", hint)
        elif self.url and not _is_web_address(self.url):
            hint = "Write the whole address, such as https://labels.example.org."
            yield Fault("url", f"{self.url!r} is not an address.", hint)
        if not self.url and self.database == "sqlite" and self.concurrent_imports > 1:
            hint = "Set it to 1, or run Label Studio on PostgreSQL."
            yield Fault("concurrent_imports", "on SQLite more than one loses labels.", hint)


@dataclass
class Annotators:
    """Who annotates, and how many annotators see each chunk."""

    kind: str = setting("human", "People in a browser, or labels from files.", choices=("human", "recorded"))
    overlap: int = setting(3, "Annotators per chunk.", ge=1)
    overlaps: dict[str, Annotated[int, limits(ge=1)]] = setting(
        {},
        "Another overlap for some chunks: by the path of a file with a chunk id per line, or by a share of the chunks,"
        " drawn by their ids. The first that names a chunk counts. In the layout `shared` these chunks have a project"
        " of their own; where the overlap grew after a push, another one asks for the rest, and the same person may get"
        " a chunk again.",
        example="annotators.overlaps={hard.txt: 3, 10%: 2}",
    )
    after_skip: str = setting(
        "done",
        "`done`: a skip is an answer too. `another`: a skipped chunk goes to another annotator, until its overlap is"
        " reached or nobody is left; in the layout `each` at the next push.",
        choices=("done", "another"),
    )
    layout: str = setting(
        "shared",
        "`shared`: one project, anyone takes the next chunk. `each`: one project per annotator, chunks assigned.",
        choices=("shared", "each"),
    )
    people: dict[str, Annotated[str, limits(pattern="@", allowed="an e-mail address")]] = setting(
        {},
        "Name to e-mail address, the accounts on the embedded server. Empty: annotator-1 ... annotator-<overlap>.",
        example="annotators.people={ada: ada@example.org, ben: ben@example.org, cleo: cleo@example.org}",
    )
    file: str = setting(
        "",
        "Path of a CSV file of people instead: name, email, role (annotator or expert), active (yes or no), pseudonym"
        " (in releases), languages (codes that the person reads) and labels (of entities, where the person is asked for"
        " some only), both with blanks between. Experts alone open the review.",
    )
    recorded: str = setting("", "Folder of recorded labels, one <annotator>.jsonl each.")
    partial: bool = setting(False, "Whether a recorded annotator may have left chunks out.")

    @property
    def largest_overlap(self) -> int:
        return max([self.overlap, *self.overlaps.values()])

    def rules(self) -> Rules:
        if self.kind == "recorded" and not self.recorded:
            yield Fault("recorded", "annotators.kind is 'recorded' without it.", "Set the folder of recorded labels.")
        if self.file and (self.people or self.kind == "recorded"):
            problem = "annotators.file says who annotates, and so does annotators.people or annotators.kind."
            yield Fault("file", problem, "Keep one of them.")
        for name in self.overlaps:
            share = share_of(name)
            if share is not None and not 0 < share <= 1:
                yield Fault(f"overlaps.{name}", "it is no share of the chunks.", "Write it as 10%.")
        if self.kind == "human" and 0 < len(self.people) < self.largest_overlap:
            problem = f"{len(self.people)} are fewer than annotators.overlap ({self.largest_overlap})."
            yield Fault("people", problem, "Name more people, or lower the overlap.")
        seen: dict[str, str] = {}
        for name, address in self.people.items():
            first = seen.setdefault(address.lower(), name)
            if first != name:
                yield Fault(f"people.{name}", f"it is the address of {first}.", "Give each name its own address.")


@dataclass
class Suggestions:
    """Labels that annotators find filled in, and accept, change or reject."""

    method: str = setting(
        "none", "Where suggestions come from; the choices of this group describe it.", choices=SUGGESTERS
    )
    file: str = setting("", "Gazetteer: file with a `phrase<TAB>entity label` per line. Empty: targets' aliases.")
    alias_label: str = setting("", "Gazetteer without a file: entity label of the aliases.")
    url: str = setting("", "`http`: where chunks are posted.")
    function: str = setting("", "`python`: the function, as package.module:function.")
    model_version: str = setting("", "Stored with each suggestion; a model may give its own. Empty: `gazetteer`.")
    score: float = setting(0.5, "Score of each suggestion of the gazetteer.", ge=0, le=1)
    batch: int = setting(32, "Chunks per call of a model.", ge=1)
    timeout: float = setting(120.0, "Seconds one call of a model may take.", gt=0)
    uncertain_first: bool = setting(False, "Annotators get the chunks with the lowest scores first.")

    def rules(self) -> Rules:
        if self.method == "gazetteer" and not self.file and not self.alias_label:
            problem = "suggestions.method is 'gazetteer' without a file and without suggestions.alias_label."
            yield Fault("file", problem, "Set one of them.")
        if has_credentials(self.url):
            yield Fault("url", "it holds a user name or password.", "Let a proxy on this machine add them.")
        elif self.method == "http" and not _is_web_address(self.url):
            shown = shown_address(self.url)
            yield Fault("url", f"{shown!r} is not an address.", "Write the whole address of the model.")
        if self.method == "python" and ":" not in self.function:
            yield Fault("function", f"{self.function!r} is not a function.", "Write it as package.module:function.")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def share_of(name: str) -> float | None:
    """The share that "10%" means, 0.1; None for what is no share, such as a path.

    >>> share_of("10%"), share_of("hard.txt")
    (0.1, None)
    """
    try:
        return float(name[:-1]) / 100 if name.endswith("%") else None
    except ValueError:
        return None
