"""Injects the list of faults into every command, many of them with a real Label Studio, and counts what they cost.

    python -m tests.benchmarks.faults            all of them
    python -m tests.benchmarks.faults killed     those whose name holds the word

After its faults the same command is run again until it succeeds, as a person would; then its result must be that of an
undisturbed run: every chunk exactly one task, every annotation there once, the pull, the stages and the release the
same bytes. What people do to one another's work must be refused, or show in the next pull, and every error must be one
of ours. The last line reads `N faults: 0 lost, 0 doubled, 0 changed, 0 unseen`. Fewer than 400 of the whole list are a
failure too: some did not come to pass.
"""

import sys
import tempfile
import time
from dataclasses import astuple
from pathlib import Path

from builder import pipeline
from builder.studio.campaign import open_server
from builder.studio.settings import LabelStudio
from tests.benchmarks.fault_bench import Bench
from tests.benchmarks.fault_people import curious_annotators, ensure_people, meddling_managers
from tests.benchmarks.fault_requests import (
    busy_annotators,
    full_disks,
    killed_commands,
    killed_servers,
    late_requests,
    spoilt_requests,
)
from tests.benchmarks.fault_stages import broken_machines
from tests.conftest import sample

FEWEST = 400
WITH_SERVER = (
    *(spoilt_requests, late_requests, killed_commands, full_disks, busy_annotators),
    *(curious_annotators, meddling_managers, killed_servers),
)
SCENARIOS = (broken_machines, *WITH_SERVER)


def main(words: list[str]) -> None:
    chosen = [s for s in SCENARIOS if not words or any(word in s.__name__ for word in words)]
    with tempfile.TemporaryDirectory(prefix="builder-faults-") as name:
        bench = Bench(Path(name))
        if served := any(scenario in WITH_SERVER for scenario in chosen):
            embedded = sample(bench.folder, "embedded", 1, label_studio=LabelStudio(port=18280)).config
            bench.serve(embedded, direct := open_server(pipeline.campaign(embedded)))
            ensure_people(direct)
        try:
            for scenario in chosen:
                bench.say(f"{scenario.__name__}: {scenario.__doc__}")
                start = time.monotonic()
                scenario(bench)
                bench.say(f"     {time.monotonic() - start:.0f} s")
        finally:
            if served:
                bench.proxy.close()
                bench.direct.close()
                direct.close()
    toll = bench.toll
    bench.say(f"the commands were run again {toll.reruns} times")
    missing = not words and toll.faults < FEWEST
    if missing:
        bench.say(f"that is less than the {FEWEST} that the whole list must inject")
    faults, *cost, _ = astuple(toll)
    lost, doubled, changed, unseen = cost
    bench.say(f"{faults} faults: {lost} lost, {doubled} doubled, {changed} changed, {unseen} unseen")
    sys.exit(1 if any(cost) or missing else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
