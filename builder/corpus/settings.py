"""Settings of reading, cleaning, de-duplication, chunking and selection."""

import codecs
import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from builder.corpus.formulas import FORMULAS
from builder.errors import Fault
from builder.languages import language_code
from builder.settings import Rules, limits, setting

#: Choices of `chunking.method`, with the functions that cut a section.
CHUNKERS = {
    "sentences": "builder.corpus.chunking:by_sentences",
    "paragraphs": "builder.corpus.chunking:by_paragraphs",
    "article": "builder.corpus.chunking:by_article",
    "tokens": "builder.corpus.chunking:by_tokens",
}
#: Choices of `chunking.unit`, with what counts them, and of `selection.by`, with the strata of a shard's articles.
UNITS = {
    "words": "builder.corpus.chunking:WordCounter",
    "characters": "builder.corpus.chunking:CharacterCounter",
    "tokenizer": "builder.corpus.chunking:TokenCounter",
}
STRATA = {
    "source": "builder.corpus.selection:by_source",
    "date": "builder.corpus.selection:by_date",
    "length": "builder.corpus.selection:by_length",
}
FORMATS = (
    "txt", "md", "html", "json", "jsonl", "csv", "tsv", "parquet", "xml", "eml", "mbox", "docx", "rtf", "pdf", "warc",
)  # fmt: skip
SELECTORS = ("all", "random", "stratified", "keywords", "diverse")
#: For each column of an article, the record's fields to try.
FIELDS = {
    "text": [
        "text", "body", "content.rendered", "content", "articleBody", "article", "maintext", "story", "fields.bodyText",
        "fields.body", "bodyText", "plain_text", "full_text", "content_text", "article_text", "body_text",
        "cleaned_text",
    ],
    "title": ["title.rendered", "title", "headline", "name", "webTitle", "fields.headline", "headline.main"],
    "summary": ["summary", "description", "abstract", "lede", "teaser", "fields.trailText", "standfirst", "snippet"],
    "id": ["id", "_id", "article_id", "guid", "uuid", "doc_id"],
    "url": ["url", "link", "canonical_url", "webUrl", "web_url", "requested_url", "source_url"],
    "source": [
        "source.name", "source", "publisher.name", "publisher", "outlet", "site", "source_domain", "sitename",
        "publication", "domain", "hostname",
    ],
    "authors": ["authors", "author", "byline", "creator", "fields.byline", "byline.original"],
    "published": [
        "published", "published_at", "publishedAt", "datePublished", "date_publish", "date", "pubDate",
        "webPublicationDate", "publish_date", "published_date", "pub_date", "publication_date", "date_published",
    ],
    "language": ["language", "lang", "inLanguage", "fields.lang"],
    "targets": ["targets"],
}  # fmt: skip
#: Rules by which parts of an article are found, beside the settings' own.
RULES = (
    *("kicker", "first-line", "byline", "date", "dateline", "bullets", "heading", "short-lines", "links", "words"),
    *FORMULAS,
)
Words = list[Annotated[str, limits(min_length=1)]]


@dataclass
class Source:
    """Which raw files are read, and how their records become articles."""

    include: Words = setting(
        ["**/*"],
        "Globs, relative to `paths.raw`: a file must match one. `**/` crosses folders. Names that begin with a dot are "
        "never read.",
    )
    exclude: Words = setting([], "Globs, relative to `paths.raw`: a file must match none.")
    fields: dict[Annotated[str, limits(choices=FIELDS, allowed="a column of an article")], Words] = setting(
        FIELDS,
        "For each column of an article, the record's fields to try in order, in any case of letters. A dot leads into "
        "nested objects. Columns that are not given keep their defaults.",
        example="source.fields.text=[my_text]",
        released=True,
    )
    records: str = setting("", "Where a .json file holds its list of records, such as `data.articles`. Empty: find it.")
    format: str = setting(
        "auto", "Read every file as this, whatever its suffix. `auto`: by the suffix.", choices=("auto", *FORMATS)
    )
    columns: Words = setting([], "Names of the columns of .csv and .tsv files that have no header.", released=True)
    recall: bool = setting(False, "Keep more of HTML pages, such as lists outside the article's element.")
    encoding: str = setting(
        "",
        "Encoding of text files. Empty: what the file declares, UTF-8, or the one that is detected.",
        allowed="the name of an encoding that Python knows, or empty",
        released=True,
    )
    languages: Words = setting(
        [],
        "Codes of expected languages; they decide between encodings that fit alike. Empty: `dataset.language`.",
        released=True,
    )
    doubtful_below: float = setting(
        0.2,
        "A detected encoding that is less sure (0 to 1) is doubtful; articles have it as `encoding_sure`.",
        ge=0,
        le=1,
    )
    doubtful: str = setting(
        "keep",
        "`keep`: a row of the rejects table notes it. `reject`: leave the article out.",
        choices=("keep", "reject"),
    )
    summary_field: bool = setting(False, "Put a record's summary before its body, as a section of its own.")
    shard_mb: int = setting(16, "Megabytes of input per shard, the unit of parallel work.", ge=1)
    max_record_mb: int = setting(64, "Records of more megabytes are rejected.", ge=1)
    follow_links: bool = setting(False, "Read what symbolic links in the raw folder lead to outside it.")
    max_record_seconds: float = setting(
        120.0,
        "A record that takes longer to read or to clean is rejected. 0: no limit. On dask workers there is none.",
        ge=0,
    )
    storage_options: dict[str, Any] = setting(
        {},
        "Options of the fsspec file system of a remote `paths.raw`. Never shown or released; keys and passwords are "
        "better in the variables or the profile that its package reads, or written as `${oc.env:NAME}`.",
        example="source.storage_options={anon: true}",
        secret=True,
    )

    def rules(self) -> Rules:
        if not self.fields.get("text"):
            yield Fault("fields.text", "there is none.", "Name the record's field that holds the article.")
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            yield Fault("encoding", f"Python does not know {self.encoding!r}.", "Name an encoding such as latin-1.")
        for language in self.languages:
            try:
                language_code(language)
            except ValueError as e:
                yield Fault("languages", f"{e}.")


def _pattern_rule(key: str, pattern: str) -> Rules:
    try:
        re.compile(pattern)
    except re.error as e:
        yield Fault(key, f"{pattern!r} is not a regular expression: {e}.")


@dataclass
class Boilerplate:
    """Lines that are removed from the articles of a source."""

    line: str = setting("", "Regular expression of a whole line.")
    source: str = setting("", "Regular expression of the article's source. Empty: every source.")

    def rules(self) -> Rules:
        if not self.line:
            yield Fault("line", "it is empty.", "Give the regular expression of the lines to remove.")
        yield from _pattern_rule("line", self.line)
        yield from _pattern_rule("source", self.source)


@dataclass
class Cleaning:
    """What is edited between the raw record and the article text. Every edit can be traced back."""

    characters: bool = setting(True, "Make line ends newlines; remove control, zero-width and soft-hyphen characters.")
    whitespace: bool = setting(True, "Make Unicode spaces plain; no doubled spaces, at most one blank line.")
    entities: bool = setting(True, "Replace HTML entities (`&amp;`) by their characters.")
    emails: bool = setting(
        True,
        "Replace e-mail addresses by `[e-mail]` in texts, titles, authors and addresses, so that none gets into a "
        "release.",
    )
    bare_hosts: bool = setting(False, "Also addresses at hosts without a dot, such as `root@localhost`.")
    phones: bool = setting(False, "Replace phone numbers by `[phone]`.")
    accounts: bool = setting(False, "Replace bank account numbers (IBAN) by `[account]`.")
    mojibake: bool = setting(False, "Repair UTF-8 that was read as Windows-1252 (`Ã©`); may change what was meant so.")
    reflow: bool = setting(True, "Join lines that were broken at a fixed width.")
    title: bool = setting(True, "Take the first line as the title when it looks like one.")
    summary_lines: int = setting(5, "At most this many short lines after the title are a summary. 0: none.", ge=0)
    summary_chars: int = setting(120, "Most characters per line of a summary.", ge=1)
    trailers: dict[str, str] = setting(
        {},
        "Regular expressions of more last lines to remove, by name. A group `source` gives the article's source.",
        example="cleaning.trailers.mine='Brought to you by (?P<source>.+)'",
        released=True,
    )
    off: dict[Annotated[str, limits(choices=RULES)], str] = setting(
        {},
        "Rules that find parts of an article and are switched off, each for the sources that its regular expression "
        "fits; empty: for all. The column `parts` names the rule of every part.",
        example="cleaning.off={copyright: 'Example Times', first-line: ''}",
        released=True,
    )
    boilerplate: dict[str, Boilerplate] = setting(
        {},
        "Lines to remove anywhere in an article, by name.",
        example="cleaning.boilerplate={advert: {line: 'ADVERTISEMENT', source: 'Example Times'}}",
        released=True,
    )
    repeated_lines: int = setting(
        0, "Remove lines found in this many articles (0: none); reads the corpus twice.", ge=0
    )
    min_chars: int = setting(1, "Articles with fewer characters are rejected.", ge=1)

    @property
    def masks(self) -> list[str]:
        """The kinds of personal data that are replaced, as `builder.masking` names them."""
        wanted = {"emails": self.emails, "hosts": self.bare_hosts, "phones": self.phones, "accounts": self.accounts}
        return [kind for kind, on in wanted.items() if on]

    def rules(self) -> Rules:
        for group in ("trailers", "off"):
            for name, pattern in getattr(self, group).items():
                yield from _pattern_rule(f"{group}.{name}", pattern)


@dataclass
class Dedup:
    """How duplicates are found, and whether they are annotated."""

    policy: str = setting(
        "drop", "`drop`: annotate one article per cluster. `keep`: annotate all.", choices=("drop", "keep")
    )
    near: bool = setting(True, "Find near-duplicates too. Records with the same bytes are always found.")
    threshold: float = setting(0.5, "Least Jaccard similarity of word shingles of two near-duplicates.", ge=0.05, le=1)
    shingle: int = setting(3, "Words per shingle.", ge=1, le=32)
    permutations: int = setting(126, "Hash functions per MinHash signature.", ge=1, le=1024)
    rows: int = setting(3, "Hash functions per band. Fewer find pairs that are less similar.", ge=1, le=1024)

    def rules(self) -> Rules:
        if self.permutations % self.rows:
            problem = f"{self.rows} does not divide dedup.permutations ({self.permutations})."
            yield Fault("rows", problem, "Choose a divisor.")


@dataclass
class Chunking:
    """How an article is cut into the chunks that annotators see."""

    method: str = setting("sentences", "How articles are cut; the choices of this group describe it.", choices=CHUNKERS)
    max_tokens: int = setting(180, "Most tokens per chunk, counted in `unit`.", ge=1)
    unit: str = setting("words", "What a token is.", choices=UNITS)
    tokenizer: str = setting("", "Path of a Hugging Face tokenizer.json, for the unit `tokenizer`.")
    min_fill: float = setting(0.5, "A chunk this full ends with its paragraph if the next does not fit.", ge=0, le=1)
    context: int = setting(2, "Neighbouring sentences that annotators see before and after a chunk.", ge=0)

    def rules(self) -> Rules:
        if self.unit == "tokenizer" and not self.tokenizer:
            yield Fault("tokenizer", "chunking.unit is 'tokenizer' without one.", "Set the path of a tokenizer.json.")


@dataclass
class Selection:
    """Which chunks are annotated."""

    method: str = setting("all", "How chunks are picked; the choices of this group describe it.", choices=SELECTORS)
    fraction: float = setting(1.0, "Share of the chunks; selected ones stay selected as the corpus grows.", ge=0, le=1)
    budget: int = setting(0, "Most chunks; 0: no limit. If 10 % of the corpus is new, about 10 % are replaced.", ge=0)
    seed: int = setting(0, "Another seed draws other chunks.")
    by: str = setting("source", "What `stratified` balances; dates by month.", choices=STRATA)
    keywords: Words = setting(
        [], "Words or phrases for `keywords`. Empty: the aliases of the scheme's targets.", released=True
    )

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
