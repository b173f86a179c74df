"""Speed and memory of the corpus room, each against its peer or its floor in the same run.

    python -m tests.benchmarks.corpus [--large]

It generates a corpus of 200 MB in a temporary folder (of 1 GB as well with --large) and prints one line per ratio.
"""

import contextlib
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from tests.benchmarks.corpus_data import Writer, edited, write
from tests.benchmarks.ratios import Report, best_of, in_turns

MEGABYTES = 200
GIB = 2**30


def main() -> None:
    """Runs all measurements."""
    # One core a measurement; what runs on two says so.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="builder-corpus-"))
    try:
        raw = folder / "raw"
        write(raw, MEGABYTES)
        chunking(report, raw)
        duplicates(report)
        pipeline(report, folder, raw)
        if "--large" in sys.argv:
            large(report, folder)
    finally:
        shutil.rmtree(folder)
    report.finish()


def sample(raw: Path, megabytes: float) -> Any:
    """One shard of the first files."""
    from builder.corpus.files import list_files
    from builder.corpus.inventory import InputShard, slice_files
    from builder.corpus.settings import Source

    files, _ = list_files(str(raw), Source())
    found, _ = slice_files(islice(files, max(1, int(megabytes / 4))), Source(), raw.parent / "sample.json")
    return InputShard(tuple(found))


def chunking(report: Report, raw: Path) -> None:
    """Reading, cleaning and chunking on one core against a framework, the segmenter alone, and the tokenizer alone."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from sentencex import segment

    from builder.corpus.articles import Article, ArticleMaker
    from builder.corpus.budgets import tokenizer
    from builder.corpus.records import Record
    from builder.corpus.settings import Chunking, Cleaning, Source
    from builder.corpus.shard_tables import read_shard
    from builder.memory import uncollected

    shard = sample(raw, 20)

    @uncollected()  # as the command does
    def prepare(settings: Chunking, limit: int | None = None) -> None:
        maker = ArticleMaker(Cleaning(), settings, "en")
        for record in islice(read_shard(shard, Source()), limit):
            article = maker.article(record) if isinstance(record, Record) else None
            if isinstance(article, Article):
                for _ in maker.chunks(article):
                    pass

    texts = [r.raw for r in read_shard(shard, Source()) if isinstance(r, Record)]
    word = re.compile(r"\w+")

    def floor() -> None:
        for text in texts:
            for sentence in segment("en", text):
                len(word.findall(sentence))

    tokenizer_file = raw.parent / "tokenizer.json"
    train(texts[:2000], tokenizer_file)
    model = tokenizer(str(tokenizer_file))
    prepare(Chunking(), 100)
    report.at_least("corpus.chunk_words_vs_segmenter", in_turns(5, floor, lambda: prepare(Chunking())), 0.5)
    words = best_of(2, lambda: prepare(Chunking()))

    def framework(count: Callable[[str], int], budget: int, some: list[str]) -> float:
        """Seconds the framework's splitter would take for all texts, measured on some."""
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=budget, chunk_overlap=0, length_function=count, add_start_index=True
        )
        return best_of(2, lambda: splitter.create_documents(some)) * sum(map(len, texts)) / sum(map(len, some))

    tokens = framework(lambda t: len(model.encode(t, add_special_tokens=False)), 256, texts[:300])
    report.at_least("corpus.chunk_words_vs_langchain_tokens", tokens / words, 10)
    # Counting words the framework looks for no sentences, only for line ends, and takes no longer than three of the
    # floor: ten times as fast is then out of anybody's reach, and the bound is not to lose.
    counted = framework(lambda t: len(word.findall(t)), 180, texts[:800])
    report.at_least("corpus.chunk_words_vs_langchain_words", counted / words, 1)

    settings = Chunking(unit="tokenizer", tokenizer=str(tokenizer_file), max_tokens=256)
    some = texts[:1500]
    ratio = in_turns(
        7, lambda: prepare(settings, len(some)), lambda: model.encode_batch(some, add_special_tokens=False)
    )
    report.at_most("corpus.chunk_tokenizer_vs_encode_batch", ratio, 1.2)


def train(texts: list[str], path: Path) -> None:
    """Writes a byte-level tokenizer of 8,000 tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=8000, initial_alphabet=alphabet, show_progress=False)
    )
    made.save(str(path))


def duplicates(report: Report) -> None:
    """Near-duplicates against rensa fed by Python shingles, and how many of the planted ones are found."""
    import numpy as np
    from rensa import RMinHash

    from builder.corpus import near_duplicates
    from builder.corpus.near_duplicates import bands, signatures
    from builder.corpus.settings import Dedup

    settings = Dedup()
    rng, writer = random.Random(5), Writer(5)
    originals = ["\n".join(writer.paragraphs(rng.randint(6, 12))) for _ in range(1500)]
    kinds = {
        "edits_5": lambda t: edited(t, 0.05, rng),
        "edits_10": lambda t: edited(t, 0.10, rng),
        "lede_cut": lambda t: t.split("\n", 1)[1],
        "boilerplate": lambda t: (
            t + "\nSubscribe to our letter. Follow us everywhere and share this page with your friends."
        ),
    }
    texts, family = list(originals), list(range(len(originals)))
    members: dict[str, list[int]] = {}
    for name, change in kinds.items():
        members[name] = list(range(len(texts), len(texts) + 300))
        chosen = rng.sample(range(len(originals)), 300)
        texts += [change(originals[i]) for i in chosen]
        family += chosen

    def ours() -> Any:
        return np.concatenate(
            [
                bands(signatures(texts[i : i + 100], settings.shingle, settings.permutations), settings.rows)
                for i in range(0, len(texts), 100)
            ]
        )

    def plain() -> None:
        for text in texts:
            words = re.findall(r"\w+", text.lower())
            sketch = RMinHash(settings.permutations, 42)
            sketch.update([" ".join(words[i : i + settings.shingle]) for i in range(len(words) - settings.shingle + 1)])
            sketch.digest()

    ours()
    report.at_least("corpus.near_duplicates_vs_rensa", best_of(2, plain) / best_of(3, ours), 2)

    folder = Path(tempfile.mkdtemp(prefix="builder-dedup-"))
    try:
        kept = clusters(folder, texts, settings, near_duplicates)
    finally:
        shutil.rmtree(folder)
    together = [(a, b) for a, b in enumerate(kept) if a != b]
    report.at_least(
        "corpus.near_duplicates_precision", sum(family[a] == family[b] for a, b in together) / len(together), 0.99, ""
    )
    for name, bound in (("edits_5", 1.0), ("edits_10", 0.97), ("lede_cut", 1.0), ("boilerplate", 1.0)):
        joined = sum(kept[m] == kept[family[m]] for m in members[name])
        report.at_least(f"corpus.near_duplicates_recall_{name}", joined / len(members[name]), bound, "")


def clusters(folder: Path, texts: list[str], settings: Any, near_duplicates: Any) -> list[int]:
    """The kept member of each text's cluster, found as `prepare` finds it."""
    from builder.corpus.inventory import FileSlice, InputShard
    from builder.corpus.settings import Cleaning, CorpusSettings
    from builder.corpus.shard_tables import ShardJob, write_shard

    lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    path = folder / "a.jsonl"
    path.write_text(lines, encoding="utf-8")
    shard = InputShard((FileSlice("a.jsonl", str(path), 0, -1, 0, len(lines), ""),))
    part = folder / shard.key("")
    write_shard(ShardJob(shard, str(part), CorpusSettings(cleaning=Cleaning(summary_lines=0), dedup=settings)))
    corpus = near_duplicates.CorpusIndex.load([part])
    found = near_duplicates.find_duplicates(
        corpus, settings, folder / "pairs.npy", lambda f, items: [f(i) for i in items]
    )[1]
    return list(map(int, found))


def pipeline(report: Report, folder: Path, raw: Path) -> None:
    """The whole command: cores, memory, and what a small change costs."""
    one, _ = run(raw, folder / "one", 1)
    two, peak = run(raw, folder / "two", 2)
    report.at_least("corpus.two_cores_vs_one", one / two, 1.7)
    report.at_most("corpus.peak_memory_200MB", peak / GIB, 1, " GiB")
    nothing, _ = run(raw, folder / "two", 2)
    (folder / "tiny").mkdir()
    (folder / "tiny" / "a.txt").write_text("One article. It is short.")
    start, _ = run(folder / "tiny", folder / "start", 2)
    report.at_most("corpus.nothing_new_seconds", nothing, 2, " s")
    write(raw, MEGABYTES / 100, seed=77, prefix="later")
    little, _ = run(raw, folder / "two", 2)
    report.at_most("corpus.one_percent_new", (little - start) / two, 0.05)


def large(report: Report, folder: Path) -> None:
    """Memory does not grow with the corpus."""
    raw = folder / "large"
    for seed in range(5):
        write(raw, MEGABYTES, seed=100 + seed, prefix=f"year-{seed}")
    _, peak = run(raw, folder / "big", 2)
    report.at_most("corpus.peak_memory_1GB", peak / GIB, 1, " GiB")


def run(raw: Path, workspace: Path, workers: int) -> tuple[float, float]:
    """Seconds of `prepare` in a process of its own (without its start), and the peak memory of all its processes.

    The peaks of the processes are added up, whether they were reached at the same time or not.
    """
    import psutil

    command = [sys.executable, "-m", "tests.benchmarks.corpus", "--prepare", str(raw), str(workspace), str(workers)]
    peaks: dict[int, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        top = psutil.Process(process.pid)
        while process.poll() is None:
            # The kernel keeps the peak, so looking now and then misses nothing but a process's last moment.
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                for pid in [process.pid, *(child.pid for child in top.children(recursive=True))]:
                    peaks[pid] = _peak(pid) or peaks.get(pid, 0)
            time.sleep(0.25)
        assert process.stdout is not None
        return float(process.stdout.read()), sum(peaks.values())


def _peak(pid: int) -> int:
    """The most memory the process held so far, in bytes; 0 when it is gone."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def prepare_once(raw: str, workspace: str, workers: int) -> None:
    """Prepares a corpus as the command line does, and prints the seconds it took."""
    from rich.console import Console

    from builder import prepare
    from builder.config import Config, Paths
    from builder.engine import Engine
    from builder.memory import without_pandas

    config = Config(paths=Paths(raw=raw, workspace=workspace), engine=Engine(workers=workers))
    start = time.perf_counter()
    without_pandas()
    prepare(config, Console(file=io.StringIO()))
    print(time.perf_counter() - start)  # noqa: T201


if __name__ == "__main__":
    if "--prepare" in sys.argv:
        prepare_once(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
