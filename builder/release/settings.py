"""Settings of splits and releases."""

import difflib
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from builder.errors import Fault
from builder.languages import language_code
from builder.settings import Rules, fields_of, limits, setting

#: Choices of `split.method`, with the functions that divide clusters.
SPLITTERS = {
    "hash": "builder.release.splits:by_hash",
    "stratified": "builder.release.splits:stratified",
    "time": "builder.release.splits:by_time",
}
#: Choices of `export.formats`, with the functions that write them.
FORMATS = {
    "jsonl": "builder.release.formats:write_jsonl",
    "conll": "builder.release.formats:write_conll",
    "spacy": "builder.release.formats:write_spacy",
}
#: Names of folders in a workspace that are no dataset.
RESERVED = ("studio", "runs", "sweeps")
#: What the Hub takes for a licence in the card of a dataset (its documentation, "Licenses").
LICENSES = """
agpl-3.0 afl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0
cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0
cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0
cdla-sharing-1.0 creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
fair-noncommercial-research-license gemma gfdl gpl gpl-2.0 gpl-3.0 grok2-community h-research intel-research isc lgpl
lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by
ofl-1.1 openmdw-1.0 openrail openrail++ osl-3.0 pddl postgresql unknown unlicense wtfpl zlib other
""".split()  # noqa: SIM905 - as a list it has eighty lines
METADATA = ("title", "source", "published", "language")
SplitName = Annotated[
    str, limits(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", allowed="lower-case letters, digits and '_', as in train")
]


def said(default: str, about: str, **allowed: Any) -> str:
    """A setting that people write for readers: every release says it."""
    return setting(default, about, released=True, **allowed)


@dataclass
class Dataset:
    """What the dataset is called, and what only people can say about it: the card and Croissant repeat it."""

    name: str = said(
        "news-stance",
        "Folder of the releases and title of the Label Studio project.",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,95}$(?!\n)",
        allowed="lower-case letters, digits, '.', '_' and '-', as in news-stance",
    )
    title: str = said("", "Headline of the card. Empty: the name.")
    description: str = said("", "First paragraph of the card.")
    license: str = said("other", "Licence of texts and labels, as a Hugging Face licence identifier.")
    license_name: str = said("", "Name of the licence, where `license` is `other`.")
    license_link: str = said("", "Address of the text of the licence, where `license` is `other`.")
    language: str = said(
        "en",
        "Code of the language that is expected where a record names none and its text does not show another.",
        allowed="a BCP 47 code, as in de or pt-BR",
    )
    citation: str = said("", "BibTeX, printed on the card.")
    homepage: str = said("", "Address of the page, repository or paper about the dataset.")
    curators: str = said("", "Who made the dataset.")
    funding: str = said("", "Who paid for it.")
    contact: str = said("", "Whom readers may ask.")
    rationale: str = said("", "Why the dataset was made, and why these articles were chosen.")
    collection: str = said("", "How the articles were collected, by whom, and with which rights.")
    variety: str = said("", "Variety of the language, such as en-GB, and of the newsrooms that wrote it.")
    authors: str = said("", "Who wrote the texts, as far as it is known.")
    expertise: str = said(
        "crowdsourced",
        "Who annotated: a crowd, or experts of the subject.",
        choices=("crowdsourced", "expert-generated"),
    )
    annotators: str = said("", "Who the annotators are: how they were found, trained and paid.")
    demographics: str = said("", "What the annotators said about themselves and agreed to share.")
    self_descriptions: str = setting(
        "",
        "CSV file with the e-mail address of each annotator (column `email`) and what they said about themselves and "
        "agreed to share, a column each. It becomes provenance/annotators.parquet, under pseudonyms.",
    )
    pull: str = setting(
        "", "First digits of the hash of a kept pull to validate, release or restore. Empty: the latest."
    )
    min_group: int = setting(
        3, "What fewer annotators than this have in common, in all columns together, is not shown.", ge=2
    )
    uses: str = said("", "What the dataset is made for.")
    out_of_scope: str = said("", "What it must not be used for.")
    limitations: str = said("", "What it cannot show.")
    biases: str = said("", "Which biases it has, by its sources, its selection and its annotators.")
    social_impact: str = said("", "Whom it may help or harm.")
    sensitive: str = said("", "Personal and sensitive information in the texts, and how it was treated.")
    ethics: str = said("", "Consent of the annotators, and the board that reviewed the work.")
    maintenance: str = said("", "Who corrects and extends it, how often, and how to report an error.")

    def rules(self) -> Rules:
        if self.name in RESERVED:
            yield Fault("name", f"{self.name!r} has another meaning in the workspace.", "Choose another name.")
        if self.license not in LICENSES:
            near = difflib.get_close_matches(self.license.lower().replace(" ", "-"), LICENSES, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            hint += "Any other licence is `other`, with license_name and license_link."
            yield Fault("license", f"{self.license!r} is no licence that the Hub knows.", hint)
        elif self.license_name and self.license != "other":
            yield Fault("license_name", f"the licence is {self.license}, which has a name.", "Set license=other.")
        try:
            language_code(self.language)
        except ValueError as e:
            yield Fault("language", f"{e}.")


#: What `Dataset` leaves empty and only people can say.
STATED = (
    "description", "curators", "contact", "rationale", "collection", "authors", "annotators", "demographics", "uses",
    "out_of_scope", "limitations", "biases", "social_impact", "sensitive", "ethics", "maintenance",
)  # fmt: skip


def unstated(dataset: Dataset) -> list[Fault]:
    """What a card needs people to say and nobody has said, by key."""
    known = fields_of(Dataset)
    found = [Fault(f"dataset.{name}", "it is empty.", known[name].about) for name in STATED if not vars(dataset)[name]]
    if dataset.license == "other" and not (dataset.license_name and dataset.license_link):
        found.append(Fault("dataset.license", "it is `other` without name and link.", known["license_name"].about))
    return found


@dataclass
class Split:
    """How articles are divided. An article that was released keeps its split in every later release."""

    method: str = setting("hash", "How articles are divided; the choices of this group describe it.", choices=SPLITTERS)
    ratios: dict[SplitName, Annotated[float, limits(ge=0)]] = setting(
        {},
        "Share of the clusters per split, in order; together they are 1. Empty: train 0.7, validation 0.15, test 0.15.",
        example="split.ratios={train: 0.8, validation: 0.1, test: 0.1}",
        released=True,
    )
    seed: int = setting(0, "Another seed divides articles otherwise.")
    near: float = setting(0.7, "Jaccard similarity from which one of two texts in two splits is left out.", gt=0, le=1)
    until: dict[str, str] = setting(
        {},
        "Method `time`: last day (UTC) of each split but the last. Empty: days that meet the ratios.",
        example="split.until={train: '2025-06-30', validation: '2025-09-30'}",
        released=True,
    )

    @property
    def shares(self) -> dict[str, float]:
        """Share of the clusters per split. As a default of `ratios`, Hydra would add these to what somebody sets."""
        return self.ratios or {"train": 0.7, "validation": 0.15, "test": 0.15}

    def rules(self) -> Rules:
        if not math.isclose(total := sum(self.shares.values()), 1, abs_tol=1e-6):
            given = ", ".join(f"{name} {share:g}" for name, share in self.shares.items())
            yield Fault("ratios", f"they add up to {total:g}: {given}.", "Shares of the splits add up to 1.")
        for name, day in self.until.items():
            if name not in self.shares:
                yield Fault(f"until.{name}", "the split has no ratio.", f"Known: {', '.join(self.shares)}.")
            try:
                date.fromisoformat(day)
            except ValueError:
                yield Fault(f"until.{name}", f"{day!r} is not a day.", "Write it as 2025-06-30.")


@dataclass
class Export:
    """What a release holds and in which form."""

    configs: list[str] = setting(
        [],
        "Configurations to release, in this order: `entities`, `evidence`, `annotations`, and those of answers by the "
        "name of their question. Empty: all that the scheme gives.",
        released=True,
    )
    variant: str = setting(
        "",
        "If not empty, the release is called `<dataset.name>-<variant>`, beside the main one.",
        pattern=r"^[a-z0-9._-]{0,64}$(?!\n)",
        allowed="at most 64 lower-case letters, digits, '.', '_' and '-'",
        released=True,
    )
    granularity: str = setting(
        "chunk",
        "One row of `entities`: a chunk, one of its sentences, the annotated parts of an article, joined, or a window "
        "as annotators saw it.",
        choices=("chunk", "sentence", "article", "window"),
    )
    tokenizer: str = setting("words", "`words`, or a tokenizer.json, to add `input_ids` and `labels`.", min_length=1)
    tags: str = setting("bio", "Scheme of the tags of tokens.", choices=("bio", "bioes", "none"))
    unknown: str = setting(
        "disputed",
        "Tokens of spans that were not decided. `unresolved`: hidden from training; `disputed`: so are those that a "
        "minority marked; `strict`: rows with undecided spans are left out; `outside`: they count as outside.",
        choices=("disputed", "unresolved", "strict", "outside"),
    )
    unresolved: str = setting(
        "apart",
        "Answers that were not decided: a configuration of their own, rows without a label, or left out. Of a question "
        "with several options, texts for which none was decided are left out, but for `rows`.",
        choices=("apart", "rows", "none"),
    )
    metadata: list[Annotated[str, limits(choices=METADATA)]] = setting(
        list(METADATA), "What each row says about its article."
    )
    soft_tags: bool = setting(False, "Write the share of annotators that gave each token each tag (`soft_tags`).")
    nested: str = setting("outer", "Which of two nested spans the tags keep.", choices=("outer", "inner"))
    text: bool = setting(True, "Write texts, and spans in them.")
    tokens: bool = setting(True, "Write tokens and their tags.")
    entities: dict[str, str | None] = setting(
        {},
        "Entity labels to rename or (null) leave out.",
        example="export.entities={WEAPON: MILITARY, EVENT: null}",
        released=True,
    )
    stance: dict[str, str | None] = setting(
        {}, "Stance labels to rename or (null) leave out.", example="export.stance={none: null}", released=True
    )
    targets: list[str] = setting([], "Targets to release. Empty: all.", released=True)
    min_probability: float = setting(0.0, "Gold with a lower probability is left out and counted.", ge=0, le=1)
    min_agreement: float = setting(0.0, "Gold with a smaller share of votes is left out and counted.", ge=0, le=1)
    below_gates: bool = setting(False, "Release although a quality gate does not hold; the card says which.")
    formats: list[Annotated[str, limits(choices=FORMATS)]] = setting(
        [],
        "Files beside Parquet; `conll` (CoNLL-2003, without texts with hidden tokens) and `spacy` hold `entities`.",
    )
    repo: str = setting("", "Repository on the Hugging Face Hub for `builder publish`: owner/name.", released=True)
    private: bool = setting(True, "Whether a repository that `builder publish` creates is private.", released=False)
    gated: str = setting(
        "no",
        "Whether readers must ask for access: `auto` grants it, `manual` lets you decide. `no` changes nothing.",
        choices=("no", "auto", "manual"),
        released=False,
    )
    sign: str = setting(
        "",
        "File of the SSH key that signs the manifest (the public key, when an agent holds the private one). "
        "`ssh-keygen -Y verify -n dataset-release` checks manifest.json.sig without the builder.",
        released=False,
    )
    signers: str = setting(
        "",
        "File of allowed signers (see ssh-keygen): `builder verify` asks for the signature of one of them.",
        released=False,
    )
    times: str = setting(
        "day",
        "How exactly `annotations` says when somebody worked: to the day, or to the second.",
        choices=("day", "second"),
    )
    names: list[Annotated[str, limits(min_length=1)]] = setting(
        [],
        "Names of people that comments of annotators do not show. They are in no release.",
        example="export.names=[Ada, Ada Lovelace]",
        released=False,
    )
    shard_rows: int = setting(100_000, "Most rows per Parquet file.", ge=1)
    group_rows: int = setting(100_000, "Rows per row group; a streaming reader holds one in memory.", ge=1)

    def rules(self) -> Rules:
        if not (self.text or self.tokens):
            yield Fault("tokens", "it is off, as is export.text.", "Keep at least one.")
        if self.configs and "entities" not in self.configs:
            return
        tagged = self.tokens and self.tags != "none"
        if "conll" in self.formats and not tagged:
            yield Fault("formats", "conll needs tags.", "Set export.tokens=true and export.tags=bio.")
        if "spacy" in self.formats and not (self.text and tagged):
            yield Fault("formats", "spacy needs texts and tags.", "Set text and tokens to true, and tags to bio.")


def name_faults(questions: Collection[str]) -> Iterator[Fault]:
    """Questions whose configuration would be called as another one, or as another folder, of a release."""
    taken = {"annotations", "provenance", *FORMATS, *(f"{name}_unresolved" for name in questions)}
    for name in questions:
        if name.casefold() in taken:
            yield Fault(
                f"labels.questions.{name}", "a release has another folder of this name.", "Rename the question."
            )


def release_name(dataset: str, variant: str) -> str:
    """The name of the dataset, followed by the variant when there is one: also the name of its folder of releases."""
    return f"{dataset}-{variant}" if variant else dataset
