"""Typed settings of this room: types, defaults and range checks. The YAML files under conf/ make the choices."""

import re
from dataclasses import dataclass, field
from typing import Any

from builder.errors import ConfigError

UNITS = ("words", "characters", "tokenizer")
CHUNKERS = ("sentences", "paragraphs", "article", "tokens")
POLICIES = ("drop", "keep")
SELECTORS = ("all", "random", "stratified", "keywords", "diverse")
STRATA = ("source", "date", "length")


def _choose(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{key} is {value!r}.", f"Choose one of {', '.join(choices)}.")


def _at_least(key: str, value: float, bound: float) -> None:
    if value < bound:
        raise ConfigError(f"{key} is {value}.", f"It is at least {bound:g}.")


def _between(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{key} is {value}.", f"It lies between {low:g} and {high:g}.")


def _pattern(key: str, value: str) -> None:
    try:
        re.compile(value)
    except re.error as e:
        raise ConfigError(f"{key} is not a regular expression: {e}.", f"Correct {value!r}.") from e


def _fields() -> dict[str, list[str]]:
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
    """Which raw files are read, and how their records become articles.

    Patterns are globs relative to `paths.raw`. `fields` names, for each column, the record's own fields to try in
    order; a dot leads into nested objects.
    """

    include: list[str] = field(default_factory=lambda: ["**/*"])
    exclude: list[str] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=_fields)
    #: Where the list of records stands in a .json file, such as "data.articles"; empty finds it.
    records: str = ""
    #: A forced encoding of text files; empty detects it.
    encoding: str = ""
    #: Whether a `summary` field is put before the body as a section of its own.
    summary_field: bool = False
    #: Megabytes of input a shard; shards are the unit of parallel work and of recomputation.
    shard_mb: int = 16
    #: Megabytes above which a record is refused.
    max_record_mb: int = 64
    #: Options of the fsspec file system when `paths.raw` is remote, such as endpoint_url or anon.
    storage_options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _at_least("source.shard_mb", self.shard_mb, 1)
        _at_least("source.max_record_mb", self.max_record_mb, 1)
        unknown = sorted(set(self.fields) - set(_fields()))
        if unknown:
            raise ConfigError(
                f"source.fields names {', '.join(unknown)}, which no article has.", f"Known: {', '.join(_fields())}."
            )
        if not self.fields.get("text"):
            raise ConfigError("source.fields.text is empty.", "Name the field that holds the article.")
        if self.encoding:
            try:
                "".encode(self.encoding)
            except LookupError as e:
                raise ConfigError(f"source.encoding is {self.encoding!r}.", "Name an encoding Python knows.") from e


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
    """Lines that are cut wherever they stand: whole lines matching `line` in articles whose source matches `source`."""

    line: str = ""
    source: str = ""


@dataclass
class Cleaning:
    """What is edited between the raw record and the article text."""

    #: Line ends to one newline, control characters, byte order marks, soft hyphens and zero-width characters cut.
    characters: bool = True
    #: Unicode spaces to plain ones, runs of spaces to one, blank lines to at most one.
    whitespace: bool = True
    #: HTML entities in text (`&amp;`) to the characters they stand for.
    entities: bool = True
    #: E-mail addresses to "[e-mail]", so that none gets into a release.
    emails: bool = True
    #: UTF-8 read as Windows-1252 ("Ã©") back to what it was. Off: it may change what was meant.
    mojibake: bool = False
    #: Lines broken at a fixed width joined to paragraphs.
    reflow: bool = True
    #: First line to the title, when it looks like one.
    title: bool = True
    #: A run of at most so many short lines after the title is a summary; 0 recognises none.
    summary_lines: int = 5
    summary_chars: int = 120
    #: Regular expressions of the last lines cut as trailer; a group `source` names the source.
    trailers: dict[str, str] = field(default_factory=_trailers)
    boilerplate: dict[str, Boilerplate] = field(default_factory=dict)
    #: A line found in so many articles of the corpus is boilerplate; 0 looks for none (it reads the corpus twice).
    repeated_lines: int = 0
    #: Articles with fewer characters are left out.
    min_chars: int = 1

    def __post_init__(self) -> None:
        _at_least("cleaning.summary_lines", self.summary_lines, 0)
        _at_least("cleaning.summary_chars", self.summary_chars, 1)
        _at_least("cleaning.min_chars", self.min_chars, 1)
        _at_least("cleaning.repeated_lines", self.repeated_lines, 0)
        for name, pattern in self.trailers.items():
            _pattern(f"cleaning.trailers.{name}", pattern)
        for name, rule in self.boilerplate.items():
            _pattern(f"cleaning.boilerplate.{name}.line", rule.line)
            _pattern(f"cleaning.boilerplate.{name}.source", rule.source)
            if not rule.line:
                raise ConfigError(f"cleaning.boilerplate.{name} has no line.", "Say which lines it cuts.")


@dataclass
class Dedup:
    """How duplicates are found, and whether they are annotated (`keep`) or left out (`drop`)."""

    policy: str = "drop"
    #: Whether near-duplicates are looked for; records with the same bytes are always found.
    near: bool = True
    #: Smallest Jaccard similarity of the word shingles of two near-duplicates.
    threshold: float = 0.5
    #: Words a shingle.
    shingle: int = 3
    #: Hash functions of a signature, and rows a band: more bands find less similar pairs.
    permutations: int = 126
    rows: int = 3

    def __post_init__(self) -> None:
        _choose("dedup.policy", self.policy, POLICIES)
        _between("dedup.threshold", self.threshold, 0.05, 1)
        _between("dedup.shingle", self.shingle, 1, 32)
        _between("dedup.permutations", self.permutations, 1, 1024)
        _between("dedup.rows", self.rows, 1, self.permutations)
        if self.permutations % self.rows:
            raise ConfigError(
                f"dedup.permutations is {self.permutations} and dedup.rows is {self.rows}.", "Rows divide permutations."
            )


@dataclass
class Chunking:
    """How an article is cut into the windows that annotators see."""

    method: str = "sentences"
    max_tokens: int = 180
    #: What `max_tokens` counts: words, characters, or the tokens of a Hugging Face tokenizer file.
    unit: str = "words"
    #: Path of a tokenizer.json, for the unit "tokenizer".
    tokenizer: str = ""
    #: A chunk at least this full ends with its paragraph when the next paragraph does not fit.
    min_fill: float = 0.5
    #: Neighbouring sentences shown before and after a chunk.
    context: int = 2

    def __post_init__(self) -> None:
        _choose("chunking.method", self.method, CHUNKERS)
        _choose("chunking.unit", self.unit, UNITS)
        _at_least("chunking.max_tokens", self.max_tokens, 1)
        _at_least("chunking.context", self.context, 0)
        _between("chunking.min_fill", self.min_fill, 0, 1)
        if self.unit == "tokenizer" and not self.tokenizer:
            raise ConfigError("chunking.unit is 'tokenizer' without a tokenizer.", "Set chunking.tokenizer to a file.")


@dataclass
class Selection:
    """Which chunks are annotated."""

    method: str = "all"
    #: Share of the chunks, taken by a hash of their ids: a chunk once chosen stays chosen as the corpus grows.
    fraction: float = 1.0
    #: Chunks at most; 0 is no limit. New chunks displace as small a share of the old ones as they are of the corpus.
    budget: int = 0
    seed: int = 0
    #: What "stratified" balances: source, date (month) or length.
    by: str = "source"
    #: Words or phrases of which "keywords" wants one; empty takes the aliases of the scheme's targets.
    keywords: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        _choose("selection.method", self.method, SELECTORS)
        _choose("selection.by", self.by, STRATA)
        _between("selection.fraction", self.fraction, 0, 1)
        if self.method == "diverse" and not self.budget:
            raise ConfigError("selection.method is 'diverse' without a budget.", "Set selection.budget.")
        _at_least("selection.budget", self.budget, 0)
