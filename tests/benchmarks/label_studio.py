"""Push and pull against a real Label Studio, beside the plain ways to do the same on the same server.

10,000 tasks of about 800 characters with two annotations each, one run. `python -m tests.benchmarks.label_studio 2000`
takes another number of tasks.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from label_studio_sdk.client import LabelStudio as Sdk

from builder import pipeline
from builder.questions import encode
from builder.studio.client import Client
from builder.studio.embedded.server import StudioServer
from builder.studio.importing import import_tasks
from builder.studio.planning import PlannedTask
from builder.studio.projects import Project, ensure_project
from builder.studio.pull import pull_projects
from builder.studio.settings import LabelStudio
from builder.studio.tasks import tasks_of
from tests.benchmarks.ratios import Report, best_of
from tests.conftest import Sample, connected, sample

WORDS = "Japan and Boeing agreed that Tokyo would build Patriot missiles for Kyiv 🚀 while Beijing rebuked the talks"


def bodies(made: Sample, annotations: int) -> dict[str, dict[str, Any]]:
    """Import bodies by chunk id; with annotations they carry six regions and two stances each."""
    random.seed(0)
    words = WORDS.split()
    articles = {a["article_id"]: {"published": None, **a} for a in made.articles}
    out = {}
    for chunk in made.chunks:
        text = ""
        while len(text) < 800:
            text += random.choice(words) + " "
        chunk = {**chunk, "text": text}
        data = encode.task(chunk, articles[chunk["article_id"]], made.config.labels)
        out[chunk["chunk_id"]] = {"data": data}
        if annotations:
            result = encode.results(_spans(text, chunk), _stances(), [], None, chunk["start"], text, made.config.labels)
            out[chunk["chunk_id"]]["annotations"] = [{"result": result}] * annotations
    return out


def _spans(text: str, chunk: dict[str, Any]) -> list[dict[str, Any]]:
    starts = [chunk["start"] + n * 100 for n in range(6)]
    return [
        {"kind": "entity", "start": s, "end": s + 9, "label": "GPE", "span_id": None, "targets": None} for s in starts
    ]


def _stances() -> list[dict[str, Any]]:
    given = {"question": "stance", "span_id": None, "label": "favor"}
    return [{**given, "target": target} for target in ("japan", "china")]


def project(client: Client, made: Sample, slot: str) -> Project:
    return ensure_project(client, pipeline.campaign(made.config), slot)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of this process."""
    wall, used = time.perf_counter(), _cpu()
    work()
    return time.perf_counter() - wall, _cpu() - used


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def bench_push(report: Report, client: Client, made: Sample, folder: Path) -> None:
    planned = {chunk: PlannedTask(body["data"]) for chunk, body in bodies(made, 0).items()}
    bare, ours = project(client, made, "bare").id, project(client, made, "ours").id
    everything = b"[" + b",".join(p.body for p in planned.values()) + b"]"
    one, _ = timed(lambda: client.send("POST", f"api/projects/{bare}/import", None, everything))
    note_file = folder / "pushed.json"
    pushed, _ = timed(lambda: import_tasks(client, ours, planned, note=note_file))
    reconcile = best_of(2, lambda: import_tasks(client, ours, planned, note=note_file))
    listing, _ = timed(lambda: tasks_of(client, ours))
    note(f"one import request {one:.1f} s, push {pushed:.1f} s, reconcile {reconcile:.2f} s, listing {listing:.2f} s")
    report.at_most("label_studio.push_against_one_import", pushed / one, 1.2)
    report.at_most("label_studio.reconcile_share_of_push", 100 * reconcile / pushed, 10, "%")


def bench_pull(report: Report, client: Client, server: StudioServer, made: Sample, folder: Path) -> None:
    found = {"all": project(client, made, "all")}
    number = found["all"].id
    rows = list(bodies(made, 2).values())
    for at in range(0, len(rows), 1000):
        answer = client.post(f"api/projects/{number}/import", rows[at : at + 1000])
        assert answer["annotation_count"] == 2 * answer["task_count"], "the server dropped annotations"

    campaign = pipeline.campaign(made.config)

    def ours(full: bool, where: str) -> Callable[[], object]:
        # A client of its own, like each command: changes are asked for from its first question on.
        own = Client(server, campaign.server)
        return lambda: pull_projects(own, campaign, found, folder / where, full)

    whole, used = min(timed(ours(True, where)) for where in ("first", "full"))
    sdk = Sdk(base_url=server.url, api_key=server.token, httpx_client=httpx.Client(timeout=600, trust_env=False))
    loop, _ = timed(lambda: sum(1 for _ in sdk.tasks.list(project=number, fields="all")))
    path = f"api/projects/{number}/export"
    export, _ = timed(lambda: client.get(path, {"exportType": "JSON", "download_all_tasks": "true"}))
    # The window in which everything is asked for again has passed by now; this pull notes so.
    time.sleep(max(0.0, 25 - loop - export))
    ours(False, "full")()
    nothing = best_of(3, ours(False, "full"))
    note(f"pull {whole:.1f} s, SDK {loop:.1f} s, export {export:.1f} s, nothing new {nothing:.3f} s")
    report.at_least("label_studio.pull_against_sdk_list", loop / whole, 2.5)
    report.at_least("label_studio.pull_against_export", export / whole, 1.3)
    report.at_most("label_studio.pull_nothing_new", 100 * nothing / whole, 1, "%")
    report.at_most("label_studio.pull_client_cpu", 100 * used / whole, 10, "%")


def note(line: str) -> None:
    sys.stderr.write(f"# {line}\n")


def main(count: int) -> None:
    report = Report()
    settings = LabelStudio(port=18380, timeout=900)
    with tempfile.TemporaryDirectory(prefix="builder-bench-") as name:
        folder = Path(name)
        made = sample(folder, "bench", count, label_studio=settings)
        with connected(made.config) as (server, client):
            bench_push(report, client, made, folder)
            bench_pull(report, client, server, made, folder)
    decode = subprocess.run([sys.executable, "-m", "tests.benchmarks.label_studio_decode"], check=False)
    report.short += decode.returncode
    report.finish()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
