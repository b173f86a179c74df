"""Every setting of every room refuses what it does not allow, and allows everything else."""

from dataclasses import asdict
from typing import Any

import pytest

from builder.config import Composed
from builder.corpus.settings import CHUNKERS, STRATA, UNITS
from builder.errors import Fault
from builder.quality.aggregation import METHODS, WEIGHTS
from builder.quality.settings import SPAN_METHODS
from builder.release.settings import FORMATS, SPLITTERS
from builder.settings import Hint, leaves, load, read_settings
from builder.studio.settings import SUGGESTERS

LEAVES = leaves(Composed)


def faults(settings: dict[str, Any]) -> list[Fault]:
    """The faults of these settings, by dotted key; every other setting has its default."""
    groups: dict[str, Any] = {}
    for key, value in settings.items():
        *path, name = key.split(".")
        group = groups
        for part in path:
            group = group.setdefault(part, {})
        group[name] = value
    found: list[Fault] = []
    read_settings(Hint(Composed), groups, "", found)
    return found


def refused(key: str, value: Any) -> bool:
    """Whether the declaration of the setting refuses the value; rules across settings do not count."""
    found = faults({key: value})
    return any(fault.key == key and fault.hint.startswith(("Allowed: ", "Choose one of ")) for fault in found)


def test_the_defaults_have_no_fault() -> None:
    assert faults({group: value for group, value in asdict(Composed()).items() if group != "labels"}) == []


@pytest.mark.parametrize("key", LEAVES)
def test_every_setting_says_what_it_means(key: str) -> None:
    description = LEAVES[key].about
    assert description[0].isupper() or description[0] == "`"
    assert description.endswith((".", ")"))
    assert LEAVES[key].allowed


@pytest.mark.parametrize("key", [key for key, hint in LEAVES.items() if hint.choices])
def test_each_choice_is_allowed_and_nothing_else(key: str) -> None:
    for choice in LEAVES[key].choices:
        assert not refused(key, choice)
    for other in ("nope", "", LEAVES[key].choices[0].upper(), 3, None):
        assert refused(key, other), other


def _bounds(hint: Hint) -> list[tuple[float, float]]:
    """Pairs of the last value that is allowed and the first that is not, at each end."""
    meta, step = hint.meta, 1 if hint.type is int else 1e-9
    pairs = [(meta.ge, meta.ge - step)] if meta.ge is not None else []
    pairs += [(meta.le, meta.le + step)] if meta.le is not None else []
    pairs += [(meta.gt + step, meta.gt)] if meta.gt is not None else []
    return pairs + ([(meta.lt - step, meta.lt)] if meta.lt is not None else [])


@pytest.mark.parametrize("key", [key for key, hint in LEAVES.items() if hint.type in (int, float)])
def test_each_bound_holds_from_both_sides(key: str) -> None:
    hint = LEAVES[key]
    for allowed, beyond in _bounds(hint):
        assert not refused(key, allowed), allowed
        assert refused(key, beyond), beyond
    for wrong in ("many", [1], {"a": 1}):
        assert refused(key, wrong)
    assert refused(key, None) is not hint.optional
    if hint.type is int:
        assert refused(key, 1.5)


#: Bounds that a change of the code must not move: setting, the extreme values that are allowed.
BOUNDS = {
    "dataset.min_group": (2, None),
    "source.doubtful_below": (0, 1),
    "source.shard_mb": (1, None), "source.max_record_mb": (1, None), "cleaning.summary_lines": (0, None),
    "source.max_record_seconds": (0, None),
    "cleaning.summary_chars": (1, None), "cleaning.repeated_lines": (0, None), "cleaning.min_chars": (1, None),
    "dedup.threshold": (0.05, 1), "dedup.shingle": (1, 32), "dedup.permutations": (1, 1024), "dedup.rows": (1, 1024),
    "chunking.max_tokens": (1, None), "chunking.min_fill": (0, 1), "chunking.context": (0, None),
    "selection.fraction": (0, 1), "selection.budget": (0, None), "selection.seed": (None, None),
    "annotators.overlap": (1, None), "label_studio.port": (1, 65535), "label_studio.boot_timeout": (1, 86400),
    "label_studio.timeout": (0.1, 86400), "label_studio.retries": (0, 20),
    "label_studio.batch_bytes": (1024, 209715200), "label_studio.concurrent_imports": (1, 32),
    "label_studio.concurrent_reads": (1, 32), "label_studio.page_size": (1, 10000), "label_studio.gone_share": (0, 1),
    "suggestions.score": (0, 1),
    "suggestions.batch": (1, None), "suggestions.timeout": ("> 0", None), "quality.fast_seconds": (0, 86400),
    "quality.straight_share": (0.5, 1), "quality.drift_distance": (0, 1), "quality.min_chunks": (2, 1000000),
    "quality.same_text": (0, 1), "quality.bootstrap": (0, 1000000), "quality.confidence": (0.5, 0.9999),
    "quality.seed": (0, None), "quality.gamma": (0, 100000), "quality.question_rate": (0, 0.9),
    "quality.question_accuracy": (0, 1),
    "quality.gates.min_annotators": (0, 1000), "quality.gates.min_alpha": (-1, 1),
    "quality.gates.min_span_f1": (0, 1), "quality.gates.max_quarantined": (0, 1),
    "quality.gates.max_unresolved": (0, 1), "quality.gates.max_short": (0, 1),
    "quality.gates.min_question_accuracy": (0, 1),
    "aggregation.min_share": (0.5, "< 1"), "aggregation.min_overlap": (0.01, 1), "aggregation.rounds": (1, 100000),
    "aggregation.min_backers": (1, 1000), "aggregation.tolerance": (0, 1),
    "aggregation.min_shared": (0, 1000000), "aggregation.smoothing": (0, 1000),
    "split.seed": (None, None), "split.near": ("> 0", 1),
    "export.min_probability": (0, 1), "export.min_agreement": (0, 1), "export.shard_rows": (1, None),
    "export.group_rows": (1, None), "report.idle": ("> 0", None),
    "engine.workers": (0, None), "engine.retries": (0, None),
}  # fmt: skip


def test_the_bounds_are_these() -> None:
    found = {}
    for key, hint in LEAVES.items():
        if hint.type in (int, float):
            meta = hint.meta
            low = meta.ge if meta.gt is None else f"> {meta.gt:g}"
            found[key] = (low, meta.le if meta.lt is None else f"< {meta.lt:g}")
    assert found == BOUNDS


@pytest.mark.parametrize("key", [key for key, hint in LEAVES.items() if hint.type is bool])
def test_each_switch_is_true_or_false(key: str) -> None:
    assert not refused(key, True)
    assert refused(key, "perhaps")
    assert refused(key, None)


#: Settings whose choices name their functions themselves.
NAMED = (CHUNKERS, UNITS, STRATA, SPLITTERS, FORMATS, SUGGESTERS, METHODS, WEIGHTS, SPAN_METHODS)


@pytest.mark.parametrize("choices", NAMED)
def test_each_choice_names_a_function(choices: dict[str, str]) -> None:
    for name, reference in choices.items():
        assert callable(load(reference)) if reference else name == "none"


def test_choices_are_these() -> None:
    by_key = {key: " ".join(hint.choices) for key, hint in LEAVES.items() if hint.choices}
    assert by_key == {
        "source.doubtful": "keep reject",
        "source.format": "auto txt md html json jsonl csv tsv parquet xml eml mbox docx rtf pdf warc",
        "dedup.policy": "drop keep",
        "chunking.unit": "words characters tokenizer",
        "selection.by": "source date length",
        "split.method": "hash stratified time",
        "chunking.method": "sentences paragraphs article tokens",
        "selection.method": "all random stratified keywords diverse",
        "annotators.kind": "human recorded",
        "annotators.layout": "shared each",
        "annotators.after_skip": "done another",
        "suggestions.method": "none gazetteer http python",
        "export.times": "day second",
        "label_studio.database": "sqlite postgresql",
        "aggregation.method": "auto majority dawid_skene sequence mace weighted expert",
        "aggregation.spans": "auto exact overlap tokens",
        "aggregation.weigh_by": "given agreement questions",
        "export.granularity": "chunk sentence article window",
        "export.tags": "bio bioes none",
        "export.nested": "outer inner",
        "export.unknown": "disputed unresolved strict outside",
        "export.unresolved": "apart rows none",
        "export.gated": "no auto manual",
        "dataset.expertise": "crowdsourced expert-generated",
        "engine.kind": "local dask",
    }


#: Settings that are wrong or do not go together, and how the report of the one fault begins.
BROKEN = [
    ({"source.fields": {"text": []}}, "source.fields.text: there is none. Name the record's field that holds the"),
    ({"source.fields": {"body": ["b"]}}, "source.fields.body: 'body' is not a choice. Choose one of text, title,"),
    ({"source.encoding": "utf-99"}, "source.encoding: Python does not know 'utf-99'. Name an encoding such as"),
    ({"source.include": [""]}, "source.include[0]: '' is not allowed. Allowed: text, not empty."),
    ({"cleaning.trailers": {"mine": "("}}, "cleaning.trailers.mine: '(' is not a regular expression: missing ),"),
    ({"cleaning.boilerplate": {"ad": {}}}, "cleaning.boilerplate.ad.line: it is empty. Give the regular expression"),
    ({"cleaning.boilerplate": {"ad": {"line": "["}}}, "cleaning.boilerplate.ad.line: '[' is not a regular"),
    (
        {"cleaning.boilerplate": {"ad": {"line": "x", "source": "*"}}},
        "cleaning.boilerplate.ad.source: '*' is not a regular expression: nothing to repeat at position 0.",
    ),
    ({"dedup.rows": 4}, "dedup.rows: 4 does not divide dedup.permutations (126). Choose a divisor."),
    ({"chunking.unit": "tokenizer"}, "chunking.tokenizer: chunking.unit is 'tokenizer' without one. Set the"),
    ({"selection.method": "diverse"}, "selection.budget: selection.method is 'diverse' without one. Set how many"),
    ({"label_studio.url": "labels.example.org"}, "label_studio.url: 'labels.example.org' is not an address. Write"),
    ({"label_studio.url": "ftp://labels.example.org"}, "label_studio.url: 'ftp://labels.example.org' is not an"),
    ({"label_studio.url": "http://[::1"}, "label_studio.url: 'http://[::1' is not an address. Write the whole"),
    ({"label_studio.url": "https://"}, "label_studio.url: 'https://' is not an address. Write the whole address,"),
    ({"label_studio.url": "https://me:secret@x.org"}, "label_studio.url: it holds a user name or password. Give a"),
    ({"label_studio.url": "ftp://me:secret@x.org/"}, "label_studio.url: it holds a user name or password. Give a"),
    ({"label_studio.concurrent_imports": 2}, "label_studio.concurrent_imports: on SQLite more than one loses labels."),
    ({"annotators.kind": "recorded"}, "annotators.recorded: annotators.kind is 'recorded' without it. Set the"),
    (
        {"annotators.overlap": 2, "annotators.people": {"ada": "ada@example.org"}},
        "annotators.people: 1 are fewer than annotators.overlap (2). Name more people, or lower the overlap.",
    ),
    (
        {"annotators.overlap": 1, "annotators.overlaps": {"x.txt": 2}, "annotators.people": {"ada": "a@example.org"}},
        "annotators.people: 1 are fewer than annotators.overlap (2). Name more people, or lower the overlap.",
    ),
    ({"annotators.overlaps": {"0%": 2}}, "annotators.overlaps.0%: it is no share of the chunks. Write it as 10%."),
    ({"annotators.overlaps": {"101%": 2}}, "annotators.overlaps.101%: it is no share of the chunks."),
    ({"annotators.overlaps": {"10%": 0}}, "annotators.overlaps.10%: 0 is not allowed."),
    (
        {"annotators.overlap": 1, "annotators.people": {"ada": "a@example.org", "ben": "A@example.org"}},
        "annotators.people.ben: it is the address of ada. Give each name its own address.",
    ),
    (
        {"annotators.overlap": 1, "annotators.people": {"ada": "a@b"}, "annotators.file": "people.csv"},
        "annotators.file: annotators.file says who annotates, and so does annotators.people or annotators.kind.",
    ),
    ({"annotators.overlap": 1, "annotators.people": {"ada": "nowhere"}}, "annotators.people.ada: 'nowhere' is not"),
    ({"suggestions.method": "gazetteer"}, "suggestions.file: suggestions.method is 'gazetteer' without a file and"),
    ({"suggestions.method": "http"}, "suggestions.url: '' is not an address. Write the whole address of the model."),
    ({"suggestions.method": "python", "suggestions.function": "f"}, "suggestions.function: 'f' is not a function."),
    ({"quality.severity": {"nope": "off"}}, "quality.severity.nope: 'nope' is not a choice. Choose one of"),
    ({"quality.severity": {"bounds": "grave"}}, "quality.severity.bounds: 'grave' is not a choice. Choose one of"),
    ({"quality.gates": {"min_alpha_of": {"japan": 1.1}}}, "quality.gates.min_alpha_of.japan: 1.1 is not allowed."),
    ({"quality.gates": {"min_alpha_of": {"japan": -1.1}}}, "quality.gates.min_alpha_of.japan: -1.1 is not allowed."),
    ({"aggregation.weights": {"ada": -1}}, "aggregation.weights.ada: -1 is not allowed. Allowed: a number, at least"),
    ({"aggregation.weights": {"ada": 1000001}}, "aggregation.weights.ada: 1000001 is not allowed. Allowed: a"),
    ({"split.ratios": {"train": -0.1, "test": 1}}, "split.ratios.train: -0.1 is not allowed. Allowed: a number, at"),
    ({"split.ratios": {"Train": 1}}, "split.ratios.Train: 'Train' is not allowed. Allowed: lower-case letters,"),
    ({"split.ratios": {"1st": 1}}, "split.ratios.1st: '1st' is not allowed. Allowed: lower-case letters, digits and"),
    ({"split.ratios": {"train\n": 1}}, "split.ratios.train\n: 'train\\n' is not allowed. Allowed: lower-case"),
    ({"split.ratios": {"test": 0}}, "split.ratios: they add up to 0: test 0. Shares of the splits add up to 1."),
    ({"split.ratios": {"train": 0.5, "test": 0.51}}, "split.ratios: they add up to 1.01: train 0.5, test 0.51. Shares"),
    (
        {"split.ratios": {"train": 0.5, "test": 0.49999}},
        "split.ratios: they add up to 0.99999: train 0.5, test 0.49999. ",
    ),
    (
        {"dataset.license": "CC BY 4.0"},
        "dataset.license: 'CC BY 4.0' is no licence that the Hub knows. Did you mean cc-by-4.0",
    ),
    (
        {"dataset.license": "nosuch"},
        "dataset.license: 'nosuch' is no licence that the Hub knows. Any other licence is `o",
    ),
    ({"dataset.license": "mit", "dataset.license_name": "Ours"}, "dataset.license_name: the licence is mit, which has"),
    ({"split.until": {"dev": "2025-06-30"}}, "split.until.dev: the split has no ratio. Known: train, validation,"),
    ({"split.until": {"train": "June"}}, "split.until.train: 'June' is not a day. Write it as 2025-06-30."),
    ({"export.variant": "Big"}, "export.variant: 'Big' is not allowed. Allowed: at most 64 lower-case letters,"),
    ({"export.variant": "a" * 65}, "export.variant: 'aaa"),
    ({"export.tokenizer": ""}, "export.tokenizer: '' is not allowed. Allowed: text, not empty."),
    ({"export.formats": ["jsonl", "xml"]}, "export.formats[1]: 'xml' is not a choice. Choose one of jsonl, conll,"),
    ({"export.text": False, "export.tokens": False}, "export.tokens: it is off, as is export.text. Keep at least one."),
    ({"export.formats": ["conll"], "export.tags": "none"}, "export.formats: conll needs tags. Set"),
    ({"export.formats": ["conll"], "export.tokens": False}, "export.formats: conll needs tags. Set"),
    ({"export.formats": ["spacy"], "export.tokens": False}, "export.formats: spacy needs texts and tags. Set"),
    ({"export.formats": ["spacy"], "export.text": False}, "export.formats: spacy needs texts and tags. Set"),
    ({"dataset.name": "../up"}, "dataset.name: '../up' is not allowed. Allowed: lower-case letters, digits, '.',"),
    ({"dataset.name": ""}, "dataset.name: '' is not allowed. Allowed: lower-case letters, digits, '.', '_' and '-',"),
    ({"dataset.name": "Upper"}, "dataset.name: 'Upper' is not allowed. Allowed: lower-case letters, digits, '.',"),
    ({"dataset.name": "-x"}, "dataset.name: '-x' is not allowed. Allowed: lower-case letters, digits, '.', '_' and"),
    ({"dataset.name": "a\n"}, "dataset.name: 'a\\n' is not allowed. Allowed: lower-case letters, digits, '.', '_'"),
    ({"dataset.name": "a" * 97}, "dataset.name: 'aaa"),
    ({"chunking": 5}, "chunking: 5 is not allowed. Allowed: {method, max_tokens, unit, tokenizer, min_fill, context}."),
    ({"chunking.size": 5}, "chunking.size: there is no such setting."),
    ({"chunk.max_tokens": 5}, "chunk.max_tokens: there is no such setting."),
    ({"export.targets": "japan"}, "export.targets: 'japan' is not allowed. Allowed: a list, each text."),
    ({"export.stance": []}, "export.stance: [] is not allowed. Allowed: a mapping {name: text, or null}."),
]


@pytest.mark.parametrize(("settings", "words"), BROKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_each_fault_has_its_key_and_says_what_to_do(settings: dict[str, Any], words: str) -> None:
    (text,) = map(str, faults(settings))
    assert text.startswith(words)
    assert text.endswith(".")
    assert "secret" not in text


@pytest.mark.parametrize(
    "settings",
    [
        {"source.encoding": "latin-1", "source.fields": {"text": ["my_text"]}},
        {"cleaning.boilerplate": {"ad": {"line": "AD", "source": "A.*"}}},
        {"dedup.permutations": 128, "dedup.rows": 4},
        {"chunking.unit": "tokenizer", "chunking.tokenizer": "t.json"},
        {"selection.method": "diverse", "selection.budget": 1},
        {"label_studio.url": "https://labels.example.org/@team", "label_studio.concurrent_imports": 2},
        {"label_studio.url": "http://localhost:8080"},
        {"label_studio.database": "postgresql", "label_studio.concurrent_imports": 4},
        {"annotators.kind": "recorded", "annotators.recorded": "labels", "annotators.people": {"ada": "a@b"}},
        {"annotators.overlap": 2, "annotators.people": {"ada": "a@b", "ben": "b@b"}},
        {"suggestions.method": "gazetteer", "suggestions.file": "names.tsv"},
        {"suggestions.method": "gazetteer", "suggestions.alias_label": "GPE"},
        {"suggestions.method": "http", "suggestions.url": "http://127.0.0.1:9090/suggest"},
        {"suggestions.method": "python", "suggestions.function": "package.module:function"},
        {"quality.gates": {"min_annotators": None, "max_quarantined": None}},
        {"split.ratios": {"train_2": 0, "test": 1}, "split.until": {"train_2": "2025-06-30"}},
        {"export.variant": "a" * 64, "export.entities": {"EVENT": None}, "export.formats": ["jsonl", "conll", "spacy"]},
        {"export.formats": ["jsonl"], "export.tags": "none", "export.tokens": False},
        {"export.formats": ["conll"], "export.text": False},
        {"export.configs": ["stance"], "export.formats": ["conll", "spacy"], "export.tokens": False},
        {"split.ratios": {"train": 0.1, "validation": 0.2, "test": 0.7}},
        {"dataset.license_name": "Ours"},
        {"dataset.name": "0" * 96},
        {"dataset.name": "a.b_c-d"},
    ],
    ids=str,
)
def test_what_goes_together_is_allowed(settings: dict[str, Any]) -> None:
    assert faults(settings) == []


def test_all_faults_are_found_in_one_reading() -> None:
    """A fault does not hide those of other settings of its group, nor rules that do not concern it."""
    wrong = {"chunking.max_tokens": 0, "chunking.unit": "tokenizer", "chunking.min_fill": 2.0}
    wrong |= {"annotators.people": {"ada": "x", "ben": 5}, "annotators.overlap": 0}
    found = faults(wrong | {"split.ratios": {"train": -1.0}, "split.near": 0})
    assert [fault.key for fault in found] == [
        "chunking.max_tokens",
        "chunking.min_fill",
        "chunking.tokenizer",
        "annotators.people.ada",
        "annotators.people.ben",
        "annotators.overlap",
        "split.ratios.train",
        "split.near",
    ]


def test_a_rule_about_a_faulty_setting_is_not_asked() -> None:
    assert [fault.key for fault in faults({"split.until": {"train": [1], "nope": "x"}})] == ["split.until.train"]
