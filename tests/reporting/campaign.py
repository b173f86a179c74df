"""A generated campaign with planted facts: what the report must show is known here.

    made = Campaign(tmp_path)        # raw files, a configuration, the people
    made.pull()                      # a pull of what they did, as `builder pull` leaves it
    made.pull(corrected=True)        # a later one: a stance is another one, a border moved

`PEOPLE` says who does what; `NAMED` are single articles by name, each one chunk. Everybody labels with care but for
what is planted.
"""

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from builder import pipeline
from builder.config import Config, Dataset, Paths
from builder.corpus.settings import Chunking
from builder.quality.settings import Aggregation, Gates, Quality
from builder.questions import encode
from builder.release.settings import Export
from builder.studio.pull_records import ensure_key
from builder.studio.settings import Annotators
from builder.tables import ARTICLES, CHUNKS
from tests.pulls import keep_pull
from tests.samples import DAY, NAMES, Span, article, mentions, reasons, scheme, sides

#: Pseudonyms of those who annotate, by number: what is planted about each. All but the fifth see three chunks of four.
PEOPLE = {
    "anno-careful": "labels with care, in 40 seconds",
    "anno-slow": "takes 240 seconds, and leaves `the` out of `the Ministry`",
    "anno-drift": "answers `against` from the middle on, and never marks `Zoë Adeyemi 👩‍✈️`",
    "anno-confused": "calls every organisation a place",
    "anno-fast": "looks at every third chunk for 1.5 seconds, marks nothing and always answers `favor`",
}
SECONDS = (40.0, 240.0, 45.0, 50.0, 1.5)
#: The e-mail addresses of the same people, which no report for the public may hold.
EMAILS = tuple(f"{name.removeprefix('anno-')}.person@example.org" for name in PEOPLE)
#: What would run, format, or turn text around, if a page took it for more than text.
HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "{{ 7 * 191 }} {% raw %}",
    "</td></table></main><h1>owned</h1>",
    "\u202eevil\u202c \u2067turned",
)
#: A comment with all of it, and somebody's address.
COMMENT = f"Ask careful.person@example.org about {' '.join(HOSTILE)}"
SOURCES = ("Harbour Post", "Quay & Sons <Gazette>")
#: How many ordinary articles there are, and from which of all on `anno-drift` drifts.
ORDINARY, DRIFTS_FROM = 40, 23


def _named() -> dict[str, tuple[str, list[Span], dict[str, str]]]:
    """Articles with something special: text, spans and stances."""
    ordinary = [article(100 + n, sentences=1).chunks[0] for n in range(200)]
    long = " ".join(" ".join(ordinary).split(" ")[:2000])
    arabic = "قالت وزارة الدفاع في كييف إن Raytheon ستبني مصنعا جديدا في ٢٠٢٦ قرب الميناء القديم."
    hebrew = "משרד הביטחון בקייב שיבח את Raytheon על העסקה (2026) ליד הנמל."
    chinese = "日本防卫省周一表示，基辅将从雷神公司购买爱国者导弹，双方在东京签署了协议。"
    nested = "Delegates of the Ministry of Defence of Ukraine Office for Japan Relations met in a hall."
    read = f"Officials of Ukraine read {' '.join(HOSTILE)} aloud"
    hostile = f"{read} and then praised Ukraine and promised Ukraine more help."

    def at(text: str, words: str, label: str) -> Span:
        return text.index(words), text.index(words) + len(words), label

    none = {"ukraine": "none", "japan": "none"}
    return {
        "long": (long, mentions(long), none),
        "arabic": (arabic, [at(arabic, w, x) for w, x in (("وزارة الدفاع", "ORG"), ("كييف", "GPE"))], none),
        "hebrew": (hebrew, [at(hebrew, w, x) for w, x in (("בקייב", "GPE"), ("Raytheon", "ORG"))], none),
        "chinese": (chinese, [at(chinese, w, x) for w, x in (("日本防卫省", "ORG"), ("日本", "GPE"))], none),
        "nested": (
            nested,
            [
                at(nested, "Ministry of Defence of Ukraine", "ORG"),  # around `Ukraine`, and across the office
                at(nested, "Ukraine", "GPE"),
                at(nested, "Ukraine Office for Japan Relations", "ORG"),
                at(nested, "Japan", "GPE"),
            ],
            none,
        ),
        "hostile": (hostile, [at(hostile, "Ukraine", "GPE")], {"ukraine": "favor", "japan": "none"}),
    }  # fmt: skip


NAMED = _named()
LANGUAGES = {"arabic": "ar", "hebrew": "he", "chinese": "zh"}


@dataclass
class Said:
    """What one person says of one chunk; spans count from the chunk."""

    spans: list[Span]
    stances: dict[str, str]
    seconds: float
    problems: list[str] = field(default_factory=list)
    comment: str | None = None
    state: str = "labelled"  # or "skipped", "draft"


class Campaign:
    """Raw files and a configuration below `root`; `changes` replace parts of the configuration.

    There are `ORDINARY` articles of one sentence, those of `NAMED`, two near-duplicates of the first, and three records
    that are no articles. Articles are of two sources and of January to April 2026. Gates ask for more than there is.
    """

    def __init__(self, root: Path, **changes: Any) -> None:
        people = root / "people.csv"
        usual: dict[str, Any] = {
            "paths": Paths(str(root / "raw"), str(root / "workspace"), str(root / "exports")),
            "dataset": Dataset(name="campaign", license="cc-by-4.0"),
            "chunking": Chunking(method="article", max_tokens=5000, context=0),
            "labels": scheme(overlap=True),
            "quality": Quality(bootstrap=20, gates=Gates(min_span_f1=0.99)),
            "aggregation": Aggregation(method="majority"),
            "annotators": Annotators(file=str(people)),
            "export": Export(below_gates=True),
        }
        self.config = Config(**{**usual, **changes})
        rows = [
            f"{name.removeprefix('anno-')},{email},annotator,yes,{name},"
            for name, email in zip(PEOPLE, EMAILS, strict=True)
        ]
        root.mkdir(parents=True, exist_ok=True)
        people.write_text("\n".join(["name,email,role,active,pseudonym,languages", *rows]) + "\n", encoding="utf-8")
        self.config.raw.mkdir(parents=True)
        records = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in self._records())
        (self.config.raw / "news.jsonl").write_text(records + "no record\n", encoding="utf-8")
        (self.config.raw / "empty.txt").write_bytes(b"")

    def _records(self) -> Iterator[dict[str, Any]]:
        texts = {str(n): article(n, sentences=1).chunks[0] for n in range(ORDINARY)}
        texts |= {name: text for name, (text, *_) in NAMED.items()}
        # One more word each at the end, and the same otherwise.
        texts |= {f"copy {n}": f"{texts['0']} Updated{n}." for n in (1, 2)}
        for n, (name, text) in enumerate(texts.items()):
            title = f"Title of {name}" if name != "hostile" else f"Hostile {HOSTILE[0]} {HOSTILE[4]}"
            yield {
                "id": name,
                "title": title,
                # What looks like HTML is read as a page; an entity becomes its character in the article.
                "text": html.escape(text),
                "source": SOURCES[n % 4 == 3],
                "published": f"{datetime(2026, 1, 5) + timedelta(days=2 * n):%Y-%m-%d}",
                "language": LANGUAGES.get(name, "en"),
            }
        yield {"id": "blank", "title": "Blank", "text": " "}

    def pull(self, corrected: bool = False) -> None:
        """What all of them did is the latest pull."""
        stage = pipeline.prepared(self.config)
        about = {row["article_id"]: row for row in stage.table("articles", ARTICLES).to_pylist()}
        chunks = stage.table("selected", CHUNKS).to_pylist()
        chunks.sort(key=lambda row: (about[row["article_id"]]["published"], row["chunk_id"]))
        lines = []
        for number, chunk in enumerate(chunks):
            source = about[chunk["article_id"]]
            made: dict[str, list[dict[str, Any]]] = {"annotations": [], "drafts": []}
            for user in range(len(PEOPLE)):
                if said := self._said(user, number, chunk["text"], source["record_id"], corrected):
                    kind = "drafts" if said.state == "draft" else "annotations"
                    made[kind].append(self._annotation(chunk, number, user, said))
            data = encode.task(chunk, source, self.config.labels)
            lines.append({"id": number + 1, "project": 1, "data": data, **made, "predictions": []})
        text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        people = {str(user): {"email": email} for user, email in enumerate(EMAILS, 1)}
        version = encode.scheme_name(self.config.labels)
        keep_pull(self.config, text, people, server_version="1.23.2", scheme_version=version)
        with mock.patch("secrets.token_bytes", return_value=b"c" * 32):
            ensure_key(self.config.workspace / "pseudonyms.key")

    def _said(self, user: int, number: int, text: str, name: str, corrected: bool) -> Said | None:
        """What a person says of the chunk with this number in the order of time; None for a chunk not opened."""
        if (number % 4 == user) if user < 4 else number % 3:
            return None
        spans, stances = [*mentions(text), *reasons(text)], sides(text)
        if name in NAMED:
            _, spans, stances = NAMED[name]
        said = Said(list(spans), dict(stances), SECONDS[user])
        if corrected and name == "5":
            said.stances = {"ukraine": "neutral", "japan": "neutral"}
        if corrected and name == "6":
            # The first person by the family name alone.
            person = next(n for n, span in enumerate(said.spans) if span[2] == "PERSON")
            start, end, label = said.spans[person]
            said.spans[person] = (start + text[start:end].index(" ") + 1, end, label)
        return self._planted(said, user, number, text, name)

    def _planted(self, said: Said, user: int, number: int, text: str, name: str) -> Said:
        if user == 1:
            said.spans = [(a + 4 * text.startswith("the Ministry", a), b, *rest) for a, b, *rest in said.spans]
        if user == 2:
            said.spans = [s for s in said.spans if text[s[0] : s[1]] != NAMES["PERSON"][2]]
            if number >= DRIFTS_FROM:
                said.stances = dict.fromkeys(said.stances, "against")
        if user == 3:
            said.spans = [(a, b, "GPE" if label == "ORG" else label, *rest) for a, b, label, *rest in said.spans]
        if user == 4:
            said.spans, said.stances = [], dict.fromkeys(said.stances, "favor")
        planted: Mapping[tuple[int, str], dict[str, Any]] = {
            (0, "hostile"): {"comment": COMMENT, "problems": ["garbled"]},
            (1, "10"): {"comment": "Is the Ministry an organisation here?", "problems": ["unsure"]},
            (0, "10"): {"seconds": 9000.0},  # the person left the page open
            (3, "13"): {"state": "skipped"},
            (2, "8"): {"state": "draft"},
        }
        for what, value in planted.get((user, name), {}).items():
            setattr(said, what, value)
        return said

    def _annotation(self, chunk: Mapping[str, Any], number: int, user: int, said: Said) -> dict[str, Any]:
        begin = chunk["start"]
        spans = [
            {
                "start": begin + start,
                "end": begin + end,
                "label": label,
                "kind": "evidence" if label == "EVIDENCE" else "entity",
                "span_id": None,
                "targets": list(*targets),
            }
            for start, end, label, *targets in said.spans
        ]
        stances = said.stances.items()
        answers = [{"question": "stance", "span_id": None, "target": key, "label": label} for key, label in stances]
        told = (said.problems, said.comment, begin, chunk["text"])
        result = encode.results(spans, answers, *told, self.config.labels)
        if user == 0 and number == 3:  # a label that nobody defined, so the annotation is in quarantine
            next(item for item in result if item["type"] == "labels")["value"]["labels"] = ["SHIP"]
        # Eight chunks per working day.
        when = DAY + timedelta(days=number // 8, minutes=30 * (number % 8) + user)
        times = dict.fromkeys(("created_at", "updated_at"), f"{when:%Y-%m-%dT%H:%M:%SZ}")
        made = {"id": 10 * (number + 1) + user, "lead_time": said.seconds, **times}
        if said.state == "draft":
            return {**made, "user": EMAILS[user], "annotation": None, "result": result}
        skipped = said.state == "skipped"
        return {**made, "completed_by": user + 1, "was_cancelled": skipped, "result": [] if skipped else result}
