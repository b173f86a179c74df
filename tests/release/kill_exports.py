"""Kills exports at random moments: `python -m tests.release.kill_exports FOLDER COUNT SEED` prints how each ended.

Every round forks a child that exports a changed dataset and kills it with SIGKILL after a random share of the time an
undisturbed export takes; then looks at what lies in exports/, and lets one export finish.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from builder.commands.export import export
from builder.quality import gold_answers, gold_spans, panel, windows
from builder.release import (
    build,
    card,
    croissant,
    diff,
    formats,
    integrity,
    pieces,
    provenance,
    versions,
)
from tests.release.story import story

# Imported before the forks, so that the time of an export is its work.
LOADED = (build, card, croissant, diff, formats, gold_spans, gold_answers, panel, pieces, provenance, windows)
QUIET = Console(quiet=True)


def main() -> None:
    root, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    draw = random.Random(seed)
    told = story(root)
    config = told.write()
    counts = {"rounds": count, "killed": 0, "old": 0, "new": 0, "half": 0}
    span = 0.0
    for number in range(count + 1):
        told.dissent[2, told.chunk_id(3, 0)] = {"comment": f"round {number}"}
        told.write()
        folder = config.release_folder
        before = [path.name for _, path in versions.releases(folder)]
        began = time.perf_counter()
        child = os.fork()
        if child == 0:
            export(config, QUIET)
            os._exit(0)
        if number:
            time.sleep(draw.uniform(0, span))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not number:
            span = 1.1 * (time.perf_counter() - began)
            continue
        counts["killed"] += os.WIFSIGNALED(status)
        names = sorted(path.name for path in folder.iterdir())
        found = versions.releases(folder)
        whole = all(not integrity.check_files(path, versions.manifest(path)) for _, path in found)
        if (
            names != sorted(path.name for _, path in found)
            or not whole
            or not len(before) <= len(found) <= len(before) + 1
        ):
            counts["half"] += 1
        counts["new" if len(found) > len(before) else "old"] += 1
        if len(found) > 5:
            # The oldest go, so that the folder stays small; releases are found by what is there.
            shutil.rmtree(found[0][1])
    child = os.fork()
    if child == 0:
        export(config, QUIET)
        os._exit(0)
    os.waitpid(child, 0)
    left = [p.name for p in (config.stage("export").folder).glob("building-*")]
    print(json.dumps(counts | {"left": len(left)}))  # noqa: T201


if __name__ == "__main__":
    main()
