"""Decoding a 300 MB pull to tables, against `json.load` plus a dictionary a row.

Each side runs in a process of its own, so that its peak memory is its own. Both keep one core busy all the time, so
processor time is what they take on a quiet machine, and other work on this one does not disturb it.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from builder.questions.decode import decode
from tests.benchmarks.ratios import Report
from tests.samples import scheme

TASKS, ANNOTATIONS = 50_000, 3
SCHEME = scheme(
    name="bench", entities=("PERSON", "ORG", "GPE", "WEAPON", "EVENT"), targets={"japan": [], "ukraine": []}
)
SENTENCE = (
    "Japan agreed with the United States to expand output of Patriot missiles, officials in Kyiv said after talks"
)


def write(folder: Path) -> None:
    """The same tasks as one line each and as one JSON array."""
    dice = random.Random(7)
    with (folder / "tasks.jsonl").open("w") as lines, (folder / "tasks.json").open("w") as array:
        for number in range(TASKS):
            line = json.dumps(_task(number, dice), ensure_ascii=False)
            lines.write(line + "\n")
            array.write(("[" if number == 0 else ",") + line)
        array.write("]")


def _task(number: int, dice: random.Random) -> dict[str, Any]:
    text = " ".join(dice.choices(SENTENCE.split(), k=138))
    if number % 10 == 0:
        text = "“\U0001f680” " + text
    data = {
        "chunk_id": f"{number:016x}", "article_id": f"{number // 6:016x}", "start": 800 * (number % 6), "text": text,
        "title": text[:70], "byline": "2026-03-02 · Reuters · chunk 1", "context_before": text[:150],
        "context_after": text[-150:], "scheme": "bench@1",
    }  # fmt: skip
    annotations = [_annotation(number * ANNOTATIONS + a, a, number, text, dice) for a in range(ANNOTATIONS)]
    return {"id": number, "project": 1, "data": data, "annotations": annotations, "drafts": [], "predictions": []}


def _annotation(identity: int, person: int, task: int, text: str, dice: random.Random) -> dict[str, Any]:
    result: list[dict[str, Any]] = []
    for _ in range(dice.randint(1, 6)):
        start = dice.randint(0, len(text) - 30)
        start = text.index(" ", start) + 1
        end = text.find(" ", start + 1)
        end = len(text) if end < 0 else end
        value = {"start": start, "end": end, "text": text[start:end], "labels": [dice.choice(["GPE", "PERSON", "ORG"])]}
        result.append(_item("entity", "labels", value, f"{dice.getrandbits(60):010x}"))
    for target in ("japan", "ukraine"):
        value = {"choices": [dice.choice(["favor", "against", "none"])]}
        result.append(_item(f"stance__{target}", "choices", value, f"{dice.getrandbits(60):010x}"))
    return {
        "id": identity, "completed_by": person + 1, "result": result, "was_cancelled": False, "ground_truth": False,
        "created_at": "2026-03-02T10:00:00.123456Z", "updated_at": "2026-03-02T10:01:00.123456Z", "lead_time": 21.5,
        "created_username": " ana@example.com, 1", "created_ago": "1 hour", "draft_created_at": None, "task": task,
        "project": 1, "updated_by": person + 1, "parent_prediction": None, "parent_annotation": None,
        "last_action": None, "last_created_by": None, "import_id": None, "bulk_created": False,
    }  # fmt: skip


def _item(control: str, kind: str, value: dict[str, Any], region: str) -> dict[str, Any]:
    return {"id": region, "from_name": control, "to_name": "text", "type": kind, "value": value, "origin": "manual"}


def ours(folder: Path) -> tuple[int, int]:
    """Rows of spans and stances by the builder's decoder."""
    users = {n: f"person{n}@example.com" for n in range(1, ANNOTATIONS + 1)}
    decoded = decode(folder / "tasks.jsonl", users, b"salt", SCHEME, "bench")
    return decoded.spans.num_rows, decoded.answers.num_rows


def plain(folder: Path) -> tuple[int, int]:
    """The same rows as dictionaries, without a single check."""
    annotations: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    stances: list[dict[str, Any]] = []
    with (folder / "tasks.json").open() as f:
        tasks = json.load(f)
    for task in tasks:
        data = task["data"]
        for made in task["annotations"]:
            shared = {
                "annotation_id": f"1:{made['id']}", "chunk_id": data["chunk_id"], "article_id": data["article_id"],
                "annotator": f"annotator-{made['completed_by']}",
            }  # fmt: skip
            annotations.append({
                **shared, "task_id": task["id"], "project_id": task["project"], "lead_time": made["lead_time"],
                "state": "skipped" if made["was_cancelled"] else "labelled", "ground_truth": made["ground_truth"],
            })  # fmt: skip
            for item in made["result"]:
                value = item["value"]
                if item["from_name"] == "entity":
                    place = {
                        **shared, "span_id": item["id"], "kind": "entity", "start": data["start"] + value["start"],
                        "end": data["start"] + value["end"], "text": value["text"], "targets": [],
                    }  # fmt: skip
                    spans.extend({**place, "label": label} for label in value["labels"])
                else:
                    target = item["from_name"].removeprefix("stance__")
                    stances.append({**shared, "target": target, "span_id": None, "label": value["choices"][0]})
    return len(spans), len(stances)


def measure(side: str, folder: Path) -> tuple[float, float, list[int]]:
    """Processor seconds and peak megabytes of one side in a process of its own, and its row counts."""
    command = [sys.executable, "-m", "tests.benchmarks.label_studio_decode", side, str(folder)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer["seconds"], answer["megabytes"], answer["rows"]


def main() -> None:
    """Prints the ratios of time and of memory."""
    if len(sys.argv) > 2:
        pa.array([0])  # loads what pyarrow loads late, so that no import is timed
        start = time.process_time()
        counts = {"ours": ours, "plain": plain}[sys.argv[1]](Path(sys.argv[2]))
        seconds = time.process_time() - start
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(json.dumps({"seconds": seconds, "megabytes": megabytes, "rows": counts}))
        return
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        # In turns, the best of two each: both sides see the same disturbances.
        runs = [(measure("ours", folder), measure("plain", folder)) for _ in range(2)]
    ours_runs, plain_runs = zip(*runs, strict=True)
    assert ours_runs[0][2] == plain_runs[0][2], "the sides disagree on the rows of spans and stances"
    seconds, plain_seconds = (min(run[0] for run in side) for side in (ours_runs, plain_runs))
    megabytes, plain_megabytes = (max(run[1] for run in side) for side in (ours_runs, plain_runs))
    report.at_least("label_studio.decode_time", plain_seconds / seconds, 4)
    report.at_most("label_studio.decode_memory", megabytes / plain_megabytes, 0.25)
    report.finish()


if __name__ == "__main__":
    main()
