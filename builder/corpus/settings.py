"""Settings of reading, cleaning, de-duplication, chunking and selection."""

import codecs
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from builder.errors import Fault
from builder.settings import Rules, one_of, pattern_problem

CHUNKERS = ("sentences", "paragraphs", "article", "tokens")
SELECTORS = ("all", "random", "stratified", "keywords", "diverse")
Words = list[Annotated[str, Meta(min_length=1)]]


def _article_fields() -> dict[str, list[str]]:
    return {
        "text": ["text", "body", "content", "articleBody", "article", "maintext", "story"],
        "title": ["title", "headline", "name"],
        "summary": ["summary", "description", "abstract", "lede", "teaser"],
        "id": ["id", "_id", "article_id", "guid", "uuid"],
        "url": ["url", "link", "canonical_url"],
        "source": ["source.name", "source", "publisher.name", "publisher", "outlet", "site"],
        "authors": ["authors", "author", "byline", "creator"],
        "published": ["published", "published_at", "publishedAt", "datePublished", "date_publish", "date", "pubDate"],
        "language": ["language", "lang", "inLanguage"],
        "targets": ["targets"],
    }


@dataclass
class Source:
    """Which raw files are read, and how their records become articles."""

    include: Annotated[
        Words,
        Meta(
            description="Globs, relative to `paths.raw`: a file must match one. `**/` crosses "
            "folders. Names that begin with a dot are never read."
        ),
    ] = field(default_factory=lambda: ["**/*"])
    exclude: Annotated[Words, Meta(description="Globs, relative to `paths.raw`: a file must match none.")] = field(
        default_factory=list
    )
    fields: Annotated[
        dict[Annotated[str, one_of(_article_fields(), allowed="a column of an article")], Words],
        Meta(
            description="For each column of an article, the record's fields to try in order. A dot leads into nested "
            "objects. Columns that are not given keep their defaults.",
            extra={"example": "source.fields.text=[my_text]"},
        ),
    ] = field(default_factory=_article_fields)
    records: Annotated[
        str, Meta(description="Where a .json file holds its list of records, such as `data.articles`. Empty: find it.")
    ] = ""
    encoding: Annotated[
        str,
        Meta(
            description="Encoding of text files. Empty: detect it (byte order mark, UTF-8, UTF-16, Windows-1252, ...).",
            extra={"allowed": "the name of an encoding that Python knows, or empty"},
        ),
    ] = ""
    summary_field: Annotated[
        bool, Meta(description="Put a record's summary before its body, as a section of its own.")
    ] = False
    shard_mb: Annotated[
        int, Meta(ge=1, description="Megabytes of input per shard, the unit of parallel work and of recomputation.")
    ] = 16
    max_record_mb: Annotated[int, Meta(ge=1, description="Records of more megabytes are rejected.")] = 64
    storage_options: Annotated[
        dict[str, Any],
        Meta(
            description="Options of the fsspec file system when `paths.raw` is remote.",
            extra={"example": "source.storage_options={anon: true}"},
        ),
    ] = field(default_factory=dict)

    def rules(self) -> Rules:
        if not self.fields.get("text"):
            yield Fault("fields.text", "there is none.", "Name the record's field that holds the article.")
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            yield Fault("encoding", f"Python does not know {self.encoding!r}.", "Name an encoding such as latin-1.")


def _trailers() -> dict[str, str]:
    return {
        "original": r"Read the (?:original|full) (?:article|story|piece) (?:on|at|in) (?P<source>[^.]+?)\.?",
        "first_on": r"(?:The post .+ )?(?:first )?appeared (?:first )?(?:on|in|at) (?P<source>[^.]+?)\.?",
        "published_by": r"(?:This (?:article|story|post|piece) was )?originally published (?:by|on|in|at) "
        r"(?P<source>[^.]+?)\.?",
        "reporting": r"\(?(?:Reporting|Additional reporting|Writing|Editing) by .{1,200}",
        "copyright": r"(?:©|\(c\)|Copyright\b).{0,160}",
        "rights": r"All rights reserved\.?",
        "sign_up": r"(?:Sign up|Subscribe) (?:for|to) .{0,120}",
        "read_more": r"(?:Read more|More|Also read|See also|Related)\s*: .{0,160}",
    }


@dataclass
class Boilerplate:
    """Lines that are removed from the articles of a source."""

    line: Annotated[str, Meta(description="Regular expression of a whole line.")] = ""
    source: Annotated[str, Meta(description="Regular expression of the article's source. Empty: every source.")] = ""

    def rules(self) -> Rules:
        if not self.line:
            yield Fault("line", "it is empty.", "Give the regular expression of the lines to remove.")
        for name in ("line", "source"):
            if problem := pattern_problem(getattr(self, name)):
                yield Fault(name, problem)


@dataclass
class Cleaning:
    """What is edited between the raw record and the article text. Every edit can be traced back."""

    characters: Annotated[
        bool, Meta(description="Make all line ends newlines; remove control, zero-width and soft-hyphen characters.")
    ] = True
    whitespace: Annotated[
        bool, Meta(description="Make Unicode spaces plain; allow no doubled spaces and at most one blank line.")
    ] = True
    entities: Annotated[bool, Meta(description="Replace HTML entities (`&amp;`) by their characters.")] = True
    emails: Annotated[
        bool, Meta(description="Replace e-mail addresses by `[e-mail]`, so that none gets into a release.")
    ] = True
    mojibake: Annotated[
        bool,
        Meta(description="Repair UTF-8 that was read as Windows-1252 (`Ã©`). It may change text that was meant so."),
    ] = False
    reflow: Annotated[bool, Meta(description="Join lines that were broken at a fixed width.")] = True
    title: Annotated[bool, Meta(description="Take the first line as the title when it looks like one.")] = True
    summary_lines: Annotated[
        int, Meta(ge=0, description="At most this many short lines after the title are a summary. 0: no summary.")
    ] = 5
    summary_chars: Annotated[int, Meta(ge=1, description="Most characters per line of a summary.")] = 120
    trailers: Annotated[
        dict[str, str],
        Meta(
            description="Regular expressions of last lines to remove, by name. A group `source` gives the article's "
            "source.",
            extra={"example": "cleaning.trailers.mine='Brought to you by (?P<source>.+)'"},
        ),
    ] = field(default_factory=_trailers)
    boilerplate: Annotated[
        dict[str, Boilerplate],
        Meta(
            description="Lines to remove anywhere in an article, by name.",
            extra={"example": "cleaning.boilerplate={advert: {line: 'ADVERTISEMENT', source: 'Example Times'}}"},
        ),
    ] = field(default_factory=dict)
    repeated_lines: Annotated[
        int,
        Meta(
            ge=0,
            description="A line found in this many articles is removed. 0: none; otherwise the corpus is read twice.",
        ),
    ] = 0
    min_chars: Annotated[int, Meta(ge=1, description="Articles with fewer characters are rejected.")] = 1

    def rules(self) -> Rules:
        for name, pattern in self.trailers.items():
            if problem := pattern_problem(pattern):
                yield Fault(f"trailers.{name}", problem)


@dataclass
class Dedup:
    """How duplicates are found, and whether they are annotated."""

    policy: Annotated[
        str,
        one_of(("drop", "keep"), "`drop`: annotate one article per cluster of duplicates. `keep`: annotate all."),
    ] = "drop"
    near: Annotated[
        bool, Meta(description="Find near-duplicates too. Records with the same bytes are always found.")
    ] = True
    threshold: Annotated[
        float, Meta(ge=0.05, le=1, description="Least Jaccard similarity of the word shingles of two near-duplicates.")
    ] = 0.5
    shingle: Annotated[int, Meta(ge=1, le=32, description="Words per shingle.")] = 3
    permutations: Annotated[int, Meta(ge=1, le=1024, description="Hash functions per MinHash signature.")] = 126
    rows: Annotated[
        int, Meta(ge=1, le=1024, description="Hash functions per band. Fewer find pairs that are less similar.")
    ] = 3

    def rules(self) -> Rules:
        if self.permutations % self.rows:
            problem = f"{self.rows} does not divide dedup.permutations ({self.permutations})."
            yield Fault("rows", problem, "Choose a divisor.")


@dataclass
class Chunking:
    """How an article is cut into the chunks that annotators see."""

    method: Annotated[
        str,
        one_of(
            CHUNKERS,
            "`sentences`: whole sentences, up to `max_tokens`. `paragraphs`: one paragraph per chunk. `article`: "
            "one section (summary, body) per chunk, however long. `tokens`: a fixed number of tokens, cut anywhere.",
        ),
    ] = "sentences"
    max_tokens: Annotated[int, Meta(ge=1, description="Most tokens per chunk, counted in `unit`.")] = 180
    unit: Annotated[
        str,
        one_of(("words", "characters", "tokenizer"), "What counts as a token. `tokenizer`: those of the file below."),
    ] = "words"
    tokenizer: Annotated[str, Meta(description="Path of a Hugging Face tokenizer.json, for the unit `tokenizer`.")] = ""
    min_fill: Annotated[
        float,
        Meta(
            ge=0, le=1, description="A chunk at least this full ends with its paragraph if the next one does not fit."
        ),
    ] = 0.5
    context: Annotated[
        int, Meta(ge=0, description="Neighbouring sentences that annotators see before and after a chunk.")
    ] = 2

    def rules(self) -> Rules:
        if self.unit == "tokenizer" and not self.tokenizer:
            yield Fault(
                "tokenizer", "chunking.unit is 'tokenizer' without one.", "Set it to the path of a tokenizer.json."
            )


@dataclass
class Selection:
    """Which chunks are annotated."""

    method: Annotated[
        str,
        one_of(
            SELECTORS,
            "`all`: every chunk. `random`: drawn by a hash. `stratified`: equal shares per value of `by`. `keywords`: "
            "chunks that mention a keyword. `diverse`: chunks whose words differ most.",
        ),
    ] = "all"
    fraction: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of the chunks, drawn by a hash: a selected chunk stays selected as the corpus grows.",
        ),
    ] = 1.0
    budget: Annotated[
        int,
        Meta(
            ge=0,
            description="Most chunks; 0 is no limit. If new chunks are 10 % of the corpus, about 10 % of the selection "
            "is replaced.",
        ),
    ] = 0
    seed: Annotated[int, Meta(description="Another seed draws other chunks.")] = 0
    by: Annotated[str, one_of(("source", "date", "length"), "What `stratified` balances; a date counts by month.")] = (
        "source"
    )
    keywords: Annotated[
        Words, Meta(description="Words or phrases for `keywords`. Empty: the aliases of the scheme's targets.")
    ] = field(default_factory=list)

    def rules(self) -> Rules:
        if self.method == "diverse" and not self.budget:
            yield Fault("budget", "selection.method is 'diverse' without one.", "Set how many chunks to select.")


@dataclass(frozen=True)
class CorpusSettings:
    """All settings on which the tables depend."""

    source: Source = field(default_factory=Source)
    cleaning: Cleaning = field(default_factory=Cleaning)
    dedup: Dedup = field(default_factory=Dedup)
    chunking: Chunking = field(default_factory=Chunking)
    selection: Selection = field(default_factory=Selection)
    keywords: tuple[str, ...] = ()  # for `selection.method: keywords`
    language: str = "en"  # of records that name none
