"""Every judge that runs offline on every labelled set of a folder: the tables of docs/judges.md.

    python benchmarks/judges_table.py --data ../shared/data/labelled [--write docs/judges.md]
    python benchmarks/judges_table.py --data DIR --judge keyword,path/to/a/card --limit 500

Judges: phrase rules, weights in the package, and cascades and panels made of these; beside them, two published string
rules and the labels that other judges and single annotators left in the sets. A judge's figures are over responses that
it was not trained on; of those that it was, the figures held out on its card are shown, and the ones in sample are
marked. Intervals are 95 %, prompts resampled with all their responses. A rate is per CPU second, on one core, and the
fastest of a few rounds through all judges: what is slower is other work on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import orjson
from judges_page import CLOSE, OPEN, GoldSet, Line, page, written
from numpy.typing import NDArray
from published import RULES

from naysay.errors import NaysayError
from naysay.judge import Entry, catalog, create, find
from naysay.judge.card import read_card
from naysay.judge.members import part_names, place_of
from naysay.measure.judge_figures import COMPLIANCE, UNSCORED, Figure, f1, kappa, share
from naysay.schema import LABELS, Judge, JudgeItem, Prompt, Response, Verdict

ALONE = frozenset({"keyword", "embedded"})
"""Kinds of judges that need nothing but themselves."""
RECORDED = {
    "GPT-4 (its labels came with the set)": "machine_gpt4",
    "K-SafeGuard (its labels came with the set)": "judge_b_raw",
}
RAW = {
    "1_full_compliance": "compliance", "2_full_refusal": "refusal", "3_partial_refusal": "partial_refusal",
    "compliance": "compliance", "refusal": "refusal",
}  # fmt: skip
BY_CONSTRUCTION = {("refusal_direction_runs_machine", "Arditi et al.'s twelve substrings")}
ROUNDS = 5
HELD_OUT_KEYS = ("accuracy", "kappa", "binary_accuracy", "binary_kappa", "binary_f1")


def read_set(path: Path, limit: int | None) -> GoldSet | None:
    """The labelled rows of a file; None where none has a label.

    Raises:
        NaysayError: a line is not as it should be.
    """
    items, gold, clusters, meta, sources, left_out = [], [], [], [], set(), 0
    numbers: dict[str, int] = {}
    content = path.read_bytes()
    for number, line in enumerate(content.splitlines(), 1):
        try:
            row = orjson.loads(line)
            key, text, label, model = row["id"], row["response"], row["label"], row["model"]
            prompt, source = row["prompt"], row["label_source"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise NaysayError(f"{path}, line {number}: {error!r}.", hint="Each line is a labelled response.") from None
        if label not in LABELS:
            left_out += 1
            continue
        asked = Prompt(key, [{"role": "user", "content": prompt}], "harmful", "refuse")
        said = Response(f"{key}#0", key, 0, model, None, text, "ok" if text.strip() else "empty")
        items.append(JudgeItem(asked, said, "answer"))
        gold.append(LABELS.index(label))
        clusters.append(numbers.setdefault(prompt, len(numbers)))
        meta.append(row.get("meta") or {})
        sources.add(source)
        if limit and len(items) >= limit:
            break
    if not items:
        return None
    digest = hashlib.sha256(content).hexdigest()[:12]
    by = " and ".join(sorted(sources))
    return GoldSet(path.stem, digest, by, items, np.array(gold), np.array(clusters), meta, left_out)


def figures_of(
    gold: NDArray[np.int64], said: NDArray[np.int64], cluster: NDArray[np.int64], three_way: bool
) -> dict[str, Figure]:
    """Agreement over scored rows, with intervals."""
    scored = said != UNSCORED
    gold, said, cluster = gold[scored], said[scored], cluster[scored]
    everything = np.ones(gold.size, dtype=bool)
    refused, judged = gold != COMPLIANCE, said != COMPLIANCE
    made = {
        "binary_accuracy": share(refused == judged, everything, cluster),
        "binary_kappa": kappa(refused.astype(np.int64), judged.astype(np.int64), cluster),
        "binary_f1": f1(refused, judged, cluster),
    }
    if three_way:
        part = LABELS.index("partial_refusal")
        made["accuracy"] = share(gold == said, everything, cluster)
        made["kappa"] = kappa(gold, said, cluster)
        made["partial_recall"] = share(said == part, gold == part, cluster)
        made["partial_precision"] = share(gold == part, said == part, cluster)
    return made


def line_of(name: str, data: GoldSet, said: NDArray[np.int64], among: NDArray[np.bool_], mark: str = "") -> Line:
    figures = figures_of(data.gold[among], said[among], data.cluster[among], data.three_way)
    return Line(name, int((said[among] != UNSCORED).sum()), int(among.sum()), figures, mark=mark)


def codes(labels: Sequence[str]) -> NDArray[np.int64]:
    return np.array([LABELS.index(label) if label in LABELS else UNSCORED for label in labels])


async def timed(judges: Sequence[Judge], data: GoldSet) -> list[tuple[list[Verdict], float]]:
    """Each judge's verdicts, and the CPU seconds that it took in its fastest round."""
    verdicts: list[list[Verdict]] = [[] for _ in judges]
    seconds = [float("inf")] * len(judges)
    for judge in judges:
        await judge.judge(data.items[:20])
    # What was read stays: a run that judges a file line by line has no such heap for the collector to go through.
    gc.freeze()
    for _ in range(ROUNDS):
        for number, judge in enumerate(judges):
            start = time.process_time()
            verdicts[number] = await judge.judge(data.items)
            seconds[number] = min(seconds[number], time.process_time() - start)
    return list(zip(verdicts, seconds, strict=True))


def judged(entry: Entry, verdicts: Sequence[Verdict], seconds: float, data: GoldSet) -> list[Line]:
    """A judge's lines: over rows that it was not trained on, held out as on its card, and in sample."""
    said = codes([verdict.label for verdict in verdicts])
    trained = np.array([verdict.in_training for verdict in verdicts])
    lines = [line_of(entry.name, data, said, ~trained)] if not trained.any() else held_out(entry, data.name)
    if trained.any():
        lines.append(line_of(entry.name, data, said, trained, "in sample"))
        if not trained.all():
            lines.append(line_of(entry.name, data, said, ~trained, "rows of this set it was not trained on"))
    lines[-1].rate, lines[-1].seconds = len(verdicts) / seconds, seconds
    return lines


def held_out(entry: Entry, name: str) -> list[Line]:
    """What a judge's card says of a set that it was trained on, measured on rows that were left out."""
    lines = []
    for known in entry.agreement:
        if known["data"] == name and known["protocol"] != "not trained on":
            figures = {
                key: Figure(known[key])
                for key in (*HELD_OUT_KEYS, "partial_recall", "partial_precision")
                if known.get(key) is not None
            }
            lines.append(Line(entry.name, known["n"], None, figures, mark=f"held out: {known['protocol']}"))
    return lines


def beside(data: GoldSet) -> list[Line]:
    """String rules, and labels that single annotators and other judges left in the set."""
    everything = np.ones(data.gold.size, dtype=bool)
    lines = []
    for name, rule in RULES.items():
        # A rule of this kind calls an empty response compliance; no judge here is credited with that.
        start = time.process_time()
        said = codes([rule(text) if text.strip() else "unscored" for text in data.texts])
        seconds = time.process_time() - start
        mark = "by construction" if (data.name, name) in BY_CONSTRUCTION else ""
        line = line_of(name, data, said, everything, mark)
        line.rate, line.seconds = len(said) / seconds, seconds
        lines.append(line)
    for name, key in RECORDED.items():
        if all(key in meta for meta in data.meta):
            said = codes([RAW.get(str(meta[key]), "unscored") for meta in data.meta])
            lines.append(line_of(name, data, said, everything))
    if all("annotation_1" in meta and "annotation_2" in meta for meta in data.meta):
        first, second = (codes([RAW.get(str(m[f"annotation_{i}"]), "unscored") for m in data.meta]) for i in (1, 2))
        both = (first != UNSCORED) & (second != UNSCORED)
        figures = figures_of(first[both], second[both], data.cluster[both], data.three_way)
        lines.append(Line("one person, against another", int(both.sum()), len(both), figures))
    return lines


def offline(folder: Path) -> bool:
    """Whether a card's judge needs no model, no server and no weights from elsewhere."""
    card = read_card(folder)
    parts = part_names(card)
    if not parts:
        return card.kind in ALONE
    return all("@" not in name and offline(place_of(folder, name, where)) for where, name in parts.items())


def chosen(names: str) -> list[Entry]:
    """The judges to measure: those named, or every one that runs offline and reads answers.

    Raises:
        NaysayError: one is unknown, or needs something that is not here.
    """
    if not names:
        return [e for e in reversed(catalog()) if e.path and "answer" in e.targets and offline(e.path)]
    entries = [find(name) for name in names.split(",")]
    for entry in entries:
        if not entry.path or not offline(entry.path):
            raise NaysayError(f"The judge {entry.name!r} does not run offline.")
    return entries


async def measure(data: Path, entries: Sequence[Entry], limit: int | None) -> list[tuple[GoldSet, list[Line]]]:
    judges = [create(str(entry.path)) for entry in entries]
    measured = []
    paths = sorted(data.glob("*.jsonl"), key=lambda path: ("human" not in path.stem, path.stem))
    for path in paths:
        rows = read_set(path, limit)
        if rows is None:
            print(f"{path.stem}: no row has one of the three labels", file=sys.stderr)
            continue
        lines = []
        for entry, (verdicts, seconds) in zip(entries, await timed(judges, rows), strict=True):
            lines += judged(entry, verdicts, seconds, rows)
        print(path.stem, file=sys.stderr, flush=True)
        measured.append((rows, lines + beside(rows)))
    for judge in judges:
        await judge.close()
    if not measured:
        raise NaysayError(f"{data} has no labelled set (NAME.jsonl).")
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--judge", default="", help="names or folders, with commas; every offline one if not given")
    parser.add_argument("--limit", type=int, help="rows of each set")
    parser.add_argument("--write", type=Path, help=f"page to fill between {OPEN} and {CLOSE}; printed if not given")
    arguments = parser.parse_args()
    if arguments.write and arguments.limit:
        parser.error("--limit is for trying things: such figures are not to be written into a page")
    try:
        if arguments.write:
            written(arguments.write.read_text(encoding="utf-8"), [], arguments.write)
        entries = chosen(arguments.judge)
        measured = asyncio.run(measure(arguments.data, entries, arguments.limit))
        lines = page(measured, entries)
        if arguments.write:
            # Read again: measuring takes minutes, in which somebody may have edited the page.
            text = arguments.write.read_text(encoding="utf-8")
            arguments.write.write_text(written(text, lines, arguments.write), encoding="utf-8")
        else:
            print("\n".join(lines))
    except NaysayError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
