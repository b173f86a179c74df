"""Settings of Label Studio, of the annotators and of suggestions."""

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from builder.errors import Fault
from builder.settings import Rules, one_of

SUGGESTERS = ("none", "gazetteer", "http", "python")


@dataclass
class LabelStudio:
    """Which Label Studio is used, and how requests are sent to it."""

    url: Annotated[
        str,
        Meta(
            description="Address of a Label Studio that runs elsewhere. Empty: the embedded server on this machine.",
            extra={"allowed": "a whole address, such as https://labels.example.org, or empty"},
        ),
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65_535, description="First port that the embedded server tries.")] = 8080
    database: Annotated[
        str,
        one_of(
            ("sqlite", "postgresql"),
            "Database of the embedded server. `postgresql` reads the POSTGRE_* variables of the environment, as Label "
            "Studio does.",
        ),
    ] = "sqlite"
    boot_timeout: Annotated[
        float,
        Meta(ge=1, le=86_400, description="Seconds the embedded server may take to start; the first start is slow."),
    ] = 300.0
    token_file: Annotated[
        str,
        Meta(
            description="Path of a file with the token of a server elsewhere. The environment variable "
            "LABEL_STUDIO_API_KEY takes precedence."
        ),
    ] = ""
    proxy: Annotated[
        str, Meta(description="Address of an HTTP proxy. Empty: HTTPS_PROXY and NO_PROXY of the environment.")
    ] = ""
    ca_file: Annotated[str, Meta(description="Path of certificates to trust besides those of the system.")] = ""
    timeout: Annotated[float, Meta(ge=0.1, le=86_400, description="Seconds one request may take.")] = 120.0
    retries: Annotated[
        int, Meta(ge=0, le=20, description="How often a failed read is repeated. Writes are never repeated blindly.")
    ] = 4
    batch_bytes: Annotated[int, Meta(ge=1 << 10, le=200 << 20, description="Bytes of JSON per import request.")] = (
        8 << 20
    )
    concurrent_imports: Annotated[
        int, Meta(ge=1, le=32, description="Import requests at once. On SQLite more than one loses labels.")
    ] = 1
    concurrent_reads: Annotated[
        int,
        Meta(
            ge=1, le=32, description="Page requests at once. More is faster on PostgreSQL with several server workers."
        ),
    ] = 1
    page_size: Annotated[int, Meta(ge=1, le=10_000, description="Tasks per page request.")] = 1000

    def rules(self) -> Rules:
        if "@" in self.url.partition("//")[2].partition("/")[0]:
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

    kind: Annotated[
        str,
        one_of(
            ("human", "recorded"), "`human`: people, in the browser. `recorded`: labels from files, through the API."
        ),
    ] = "human"
    overlap: Annotated[int, Meta(ge=1, description="Annotators per chunk.")] = 3
    layout: Annotated[
        str,
        one_of(
            ("shared", "each"),
            "`shared`: one project, anyone takes the next chunk. `each`: one project per annotator, chunks assigned.",
        ),
    ] = "shared"
    people: Annotated[
        dict[str, Annotated[str, Meta(pattern="@", extra={"allowed": "an e-mail address"})]],
        Meta(
            description="Name to e-mail address, the accounts on the embedded server. Empty: annotator-1 ... "
            "annotator-<overlap>.",
            extra={"example": "annotators.people={ada: ada@example.org, ben: ben@example.org, cleo: cleo@example.org}"},
        ),
    ] = field(default_factory=dict)
    recorded: Annotated[str, Meta(description="Folder of recorded labels, one <annotator>.jsonl each.")] = ""
    partial: Annotated[bool, Meta(description="Whether a recorded annotator may have left chunks out.")] = False

    def rules(self) -> Rules:
        if self.kind == "recorded" and not self.recorded:
            yield Fault(
                "recorded", "annotators.kind is 'recorded' without it.", "Set it to the folder of recorded labels."
            )
        if self.kind == "human" and 0 < len(self.people) < self.overlap:
            problem = f"{len(self.people)} are fewer than annotators.overlap ({self.overlap})."
            yield Fault("people", problem, "Name more people, or lower the overlap.")
        seen: dict[str, str] = {}
        for name, address in self.people.items():
            first = seen.setdefault(address.casefold(), name)
            if first != name:
                yield Fault(f"people.{name}", f"it is the address of {first}.", "Give each name its own address.")


@dataclass
class Suggestions:
    """Labels that annotators find filled in, and accept, change or reject."""

    method: Annotated[
        str,
        one_of(
            SUGGESTERS,
            "`none`: an empty form. `gazetteer`: names from a list. `http`: a model behind an address. `python`: a "
            "function.",
        ),
    ] = "none"
    file: Annotated[
        str,
        Meta(
            description="Gazetteer: path of a file with one `phrase<TAB>entity label` per line. Empty: the aliases of "
            "the scheme's targets."
        ),
    ] = ""
    alias_label: Annotated[str, Meta(description="Gazetteer without a file: entity label of the aliases.")] = ""
    url: Annotated[str, Meta(description="`http`: where chunks are posted.")] = ""
    function: Annotated[str, Meta(description="`python`: the function, as package.module:function.")] = ""
    model_version: Annotated[str, Meta(description="Stored with each suggestion; a model may give its own.")] = (
        "gazetteer"
    )
    score: Annotated[float, Meta(ge=0, le=1, description="Score of each suggestion of the gazetteer.")] = 0.5
    batch: Annotated[int, Meta(ge=1, description="Chunks per call of a model.")] = 32
    timeout: Annotated[float, Meta(gt=0, description="Seconds one call of a model may take.")] = 120.0
    uncertain_first: Annotated[bool, Meta(description="Annotators get the chunks with the lowest scores first.")] = (
        False
    )

    def rules(self) -> Rules:
        if self.method == "gazetteer" and not self.file and not self.alias_label:
            problem = "suggestions.method is 'gazetteer' without a file and without suggestions.alias_label."
            yield Fault("file", problem, "Set one of them.")
        if self.method == "http" and not _is_web_address(self.url):
            yield Fault("url", f"{self.url!r} is not an address.", "Write the whole address of the model.")
        if self.method == "python" and ":" not in self.function:
            yield Fault("function", f"{self.function!r} is not a function.", "Write it as package.module:function.")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
