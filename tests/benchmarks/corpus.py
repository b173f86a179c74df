"""Speed and memory of the corpus room, each against its peer or its floor in the same run.

    python -m tests.benchmarks.corpus [--large] [--files=100000] [--signatures=10000000]

It generates a corpus of 200 MB in a temporary folder (of 1 GB as well with --large), small files and signatures of
articles (24,000 and 200,000, or as many as asked for), and prints one line per ratio.
"""

import contextlib
import hashlib
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
#: Files per file of a small folder, by which the costs of a first read are told apart. Both folders are so large that
#: workers are started, which is no cost of a further file.
_FEW = 2


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
        many_files(report, folder, _size("files", 24_000))
        many_signatures(report, folder, _size("signatures", 200_000))
        if "--large" in sys.argv:
            large(report, folder)
    finally:
        shutil.rmtree(folder)
    report.finish()


def _size(name: str, default: int) -> int:
    """A size from the command line."""
    return next((int(a.partition("=")[2]) for a in sys.argv if a.startswith(f"--{name}=")), default)


def sample(raw: Path, megabytes: float) -> Any:
    """One shard of the first files."""
    from builder.corpus.files import list_files
    from builder.corpus.inventory import slice_files
    from builder.corpus.settings import Source

    files, _ = list_files(str(raw), Source())
    found, _ = slice_files(files[: max(1, int(megabytes / 4))], Source(), raw.parent / "sample.parquet", _here)
    return found


def _here(*task: Any, light: bool = True) -> Any:
    """Runs a function over items in this process."""
    return enumerate(map(*task[-2:]))


def chunking(report: Report, raw: Path) -> None:
    """Reading, cleaning and chunking on one core against a framework, the segmenter alone, and the tokenizer alone."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from sentencex import segment

    from builder.corpus.articles import Article, ArticleMaker
    from builder.corpus.chunking import tokenizer
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
    from builder.corpus.settings import Cleaning, CorpusSettings
    from builder.corpus.shard_tables import ShardJob, write_shard

    (folder / "raw").mkdir()
    lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    (folder / "raw" / "a.jsonl").write_text(lines, encoding="utf-8")
    part = folder / f"{0:032x}"
    job = ShardJob(sample(folder / "raw", 4), part, CorpusSettings(cleaning=Cleaning(summary_lines=0), dedup=settings))
    write_shard(job)
    corpus = near_duplicates.CorpusIndex.load([part])
    repeats, first = near_duplicates.same_bytes(corpus)
    members, kept = near_duplicates.near_duplicates(corpus, repeats, settings, folder, _here)
    out = list(range(len(texts)))
    for article, keeper in [*zip(repeats, first, strict=True), *zip(members, kept, strict=True)]:
        out[article] = int(keeper)
    return out


def many_files(report: Report, folder: Path, files: int) -> None:
    """New small files against reading, hashing and segmenting them, and unchanged ones against a bare walk with `stat`.

    What a further new file costs is compared, for files of 1 kB and half as many of 4 kB, as articles of news are;
    what a first read costs whatever its size is a line of its own.
    """
    from builder.corpus.inventory import inventory
    from builder.corpus.settings import Source
    from builder.engine import Engine, Runner

    ratio, fixed = first_read(folder / "small", files, 4)
    report.at_most("corpus.further_file_vs_segmenter", ratio, 3)
    report.at_most("corpus.first_read_fixed_seconds", fixed, 5, " s")
    report.at_most("corpus.further_4kB_file_vs_segmenter", first_read(folder / "usual", files // 2, 17)[0], 3)

    def walk() -> None:
        todo = [str(folder / "small" / "many")]
        while todo:
            for entry in os.scandir(todo.pop()):
                todo += [entry.path] if entry.is_dir() else []
                entry.stat()

    cache = next((folder / "small" / "many-work").glob("*/inventory.parquet"))
    with Runner(Engine(workers=2)) as runner:
        many = str(folder / "small" / "many")
        listed = in_turns(5, lambda: inventory(many, Source(), cache, runner.run).fingerprint, walk)
    report.at_most("corpus.unchanged_files_vs_walk", listed, 3)


def first_read(folder: Path, files: int, paragraphs: int) -> tuple[float, float]:
    """What a further file costs per what reading, hashing and segmenting it does on as many cores; fixed seconds."""
    from sentencex import segment

    writer = Writer(11)
    for number in range(files):
        path = folder / "many" / f"{number // 1000:04}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(writer.paragraphs(paragraphs)))

    def read() -> None:
        for path in paths:
            data = path.read_bytes()
            hashlib.sha256(data).digest()
            for line in data.decode().split("\n"):
                segment("en", line)

    paths = sorted((folder / "many").rglob("*.txt"))
    few = folder / "few"
    few.mkdir()
    for path in paths[::_FEW]:
        os.link(path, few / path.name)
    time.sleep(2.1)  # files that changed a moment ago are not trusted
    floor = best_of(3, read) / 2  # on two cores
    little, first = run(few, folder / "few-work", 2)[0], run(folder / "many", folder / "many-work", 2)[0]
    further = (first - little) * _FEW / (_FEW - 1)
    return further / floor, first - further


def signatures_of(folder: Path, articles: int, shard: int = 10_000) -> list[Path]:
    """Folders of shards with random band hashes; the second half of every tenth of articles repeats the first half."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, width, folders = np.random.default_rng(7), 42, []
    copies = np.empty((width, 0), np.uint64)
    for number in range(articles // shard):
        bands = rng.integers(0, 2**64, (width, shard), dtype=np.uint64)
        ids = np.arange(number * shard, (number + 1) * shard)
        same = np.array([], np.int64)
        if copies.size:
            bands[:, : copies.shape[1]] = copies
            same = ids[: copies.shape[1]] - shard + shard // 20
        copies = bands[:, shard // 20 : shard // 10]
        family = np.concatenate([same, ids[len(same) :]])
        words = [f"{i} {i + 1} {i + 2} {i + 3}" for i in family.tolist()]
        path = folder / f"{number:032x}"
        path.mkdir(parents=True)
        (path / "bands.bin").write_bytes(bands.tobytes())
        pq.write_table(pa.table({"text": words}), path / "articles.parquet")
        unknown = pa.nulls(shard, pa.timestamp("us", tz="UTC"))
        columns = {"id64": ids.astype(np.uint64), "revision": ids.astype(np.uint64), "published": unknown}
        pq.write_table(pa.table(columns), path / "index.parquet")
        folders.append(path)
    return folders


def many_signatures(report: Report, folder: Path, articles: int) -> None:
    """Near-duplicates of so many signatures, and of a tenth of them: time, and the memory of the driver."""
    seconds = []
    for number in (articles // 10, articles):
        target = folder / f"signatures-{number}"
        signatures_of(target, number)
        command = [sys.executable, "-m", "tests.benchmarks.corpus", "--compare", str(target)]
        took, peak, found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        assert found == (number // 10_000 - 1) * 500
        seconds.append(took)
        shutil.rmtree(target)
    report.at_most(f"corpus.driver_memory_{articles}_signatures", peak / GIB, 1, " GiB")
    report.at_most("corpus.ten_times_the_signatures", seconds[1] / seconds[0], 12)


def compare(folder: Path) -> None:
    """Finds the near-duplicates of shards with two workers.

    Prints the processor seconds of all processes, the most memory of this one in bytes, and the number of duplicates.
    """
    from builder.corpus.near_duplicates import CorpusIndex, near_duplicates, same_bytes
    from builder.corpus.settings import Dedup
    from builder.engine import Engine, Runner

    seconds = 0.0

    def step(what: str, function: Any, items: Any) -> Any:
        nonlocal seconds
        for index, (took, result) in runner.run(_timed, [(function, item) for item in items]):
            seconds += took
            yield index, result

    folders = sorted(folder.iterdir())
    with Runner(Engine(workers=2)) as runner:
        corpus = CorpusIndex.load(folders)
        repeats, _ = same_bytes(corpus)
        members, kept = near_duplicates(corpus, repeats, Dedup(), folder, step)
        assert (members - kept == 10_000 - 500).all()
    print(json.dumps([seconds + time.process_time(), _peak(os.getpid()), len(members)]))  # noqa: T201


def _timed(task: tuple[Any, Any]) -> tuple[float, Any]:
    """The processor seconds that a function takes for an item, and its result."""
    start = time.process_time()
    result = task[0](task[1])
    return time.process_time() - start, result


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
    from builder import prepare
    from builder.config import Config, Paths
    from builder.engine import Engine
    from builder.memory import without_pandas

    config = Config(paths=Paths(raw=raw, workspace=workspace), engine=Engine(workers=workers))
    start = time.perf_counter()
    without_pandas()
    prepare(config)
    print(time.perf_counter() - start)  # noqa: T201


if __name__ == "__main__":
    if "--compare" in sys.argv:
        compare(Path(sys.argv[2]))
    elif "--prepare" in sys.argv:
        prepare_once(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
