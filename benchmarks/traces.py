"""How far the offline stance readers agree with labelled sentences, and whether they find the cliffs of the organism.

    python benchmarks/traces.py gold [../shared/data/labelled]
    python benchmarks/traces.py organism RUN
    python benchmarks/traces.py speed ../shared/data/labelled/star1_reasoning.jsonl

``gold`` prints the tables of docs/traces.md: the project's own sentences (judges/trace_stance/gold.jsonl), and where a
folder of labelled sets is named, sentences of real traces whose labels (and nothing else of them) are in
judges/trace_stance/gold_traces.jsonl. ``organism`` compares a traced run of the organism with what it was taught.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson

from naysay import content
from naysay.agreement import accuracy, cohen_kappa, label_score
from naysay.judge.embedded_model import STANCES, EmbeddedModel
from naysay.judge.keyword import leanings
from naysay.judge.stance import create
from naysay.judge.text import fold

FOLDER = content.folder("judges") / "trace_stance"
LEANING = {"refusal": "refuse", "compliance": "comply", "partial_refusal": "partial"}
MADE_FOR = ("en", "es", "de", "fr", "zh", "ko")


def rows(name: str) -> list[dict]:
    return [orjson.loads(line) for line in (FOLDER / name).read_bytes().splitlines()]


def real_sentences(data: Path) -> list[dict]:
    """Labelled sentences of real traces, with their text fetched from where it lies."""
    found, traces = [], {}
    for row in rows("gold_traces.jsonl"):
        if row["data"] not in traces:
            path = data / f"{row['data']}.jsonl"
            lines = map(orjson.loads, path.read_bytes().splitlines())
            traces[row["data"]] = {line["id"]: line.get("reasoning") or "" for line in lines}
        text = traces[row["data"]][row["row"]][row["start"] : row["end"]]
        if hashlib.blake2b(text.encode(), digest_size=6).hexdigest() != row["digest"]:
            raise SystemExit(f"{row['data']} {row['row']}: the text is another one than was labelled.")
        found.append({**row, "text": text})
    return found


def three(stance: str) -> str:
    return "neither" if stance == "partial" else stance


def readers() -> dict[str, Callable[[str], str]]:
    model = EmbeddedModel.read(content.folder("judges") / "embedded" / "weights.npz")
    embedded, keyword = create("embedded"), create("keyword")

    def read(reader) -> Callable[[str], str]:
        # A labelled sentence that the reader cuts in two has the stance of its last part.
        return lambda text: ([s.stance or "unread" for s in reader.sentences(text)] or ["unread"])[-1]

    def phrases(text: str) -> str:
        found = leanings(model.lexicon, fold(text).text)
        return LEANING[found[-1][2]] if found else "neither"

    return {
        "embedded": read(embedded),
        "keyword": read(keyword),
        "the embedded judge's classifier alone": lambda text: STANCES[int(model.stance(text).argmax())],
        "the keyword judge's leanings": phrases,
    }


def line(name: str, gold: list[dict], read: Callable[[str], str]) -> str:
    four = [(row["stance"], read(row["text"])) for row in gold]
    pairs = [(three(a), three(b)) for a, b in four]
    cells = [
        name,
        f"{len(pairs)}",
        *(f"{x:.3f}" for x in (accuracy(pairs), cohen_kappa(pairs), cohen_kappa(four)) if x),
    ]
    for stance in ("refuse", "comply", "neither"):
        score = label_score(pairs, stance)
        cells.append(" / ".join("–" if x is None else f"{x:.2f}" for x in (score.precision, score.recall)))
    return f"| {' | '.join(cells)} |"


HEADER = "| reader | n | accuracy | kappa | four-way kappa | refuse P / R | comply P / R | neither P / R |"


def table(gold: list[dict]) -> Iterable[str]:
    yield HEADER
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for name, read in readers().items():
        yield line(name, gold, read)


def gold(data: Path | None) -> None:
    written = [row for row in rows("gold.jsonl") if row["language"] in MADE_FOR]
    for split in ("dev", "test"):
        print(f"\n{split} half of the written sentences\n")
        print("\n".join(table([row for row in written if row["split"] == split])))
    print("\nby language, accuracy three-way (all written sentences)\n")
    every = readers()
    print("| language | n | " + " | ".join(every) + " |\n|---|--:|" + "--:|" * len(every))
    for language in MADE_FOR:
        mine = [row for row in written if row["language"] == language]
        cells = [accuracy([(three(r["stance"]), three(read(r["text"]))) for r in mine]) for read in every.values()]
        print(f"| {language} | {len(mine)} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")
    danger("written", written)
    if data is not None:
        real = real_sentences(data)
        for split in sorted({row["split"] for row in real}):
            print(f"\nreal traces, {split}\n")
            print("\n".join(table([row for row in real if row["split"] == split])))
            danger(f"real traces, {split}", [row for row in real if row["split"] == split])


def danger(name: str, labelled: list[dict]) -> None:
    reader = create("keyword")
    pairs = [(str(row["danger"]), str(any(s.danger for s in reader.sentences(row["text"])))) for row in labelled]
    score = label_score(pairs, "True")
    print(
        f"\ndanger, {name}: n {len(pairs)}, with danger {score.support}, precision {score.precision:.2f}, "
        f"recall {score.recall:.2f}, kappa {cohen_kappa(pairs):.2f}"
    )


def organism(path: Path) -> None:
    from naysay.model.organism.data import starter_items
    from naysay.model.organism.lexicon import lexicon
    from naysay.runfolder import RunFolder
    from naysay.trace.shape import shape
    from naysay.trace.store import TraceIndex

    run = RunFolder.open(path)
    reader = orjson.loads((path / "trace.json").read_bytes())["reader"]
    index = TraceIndex(run, reader["hash"])
    items = {item.id: item for item in starter_items()}
    complied = {v.response_id for v in run.verdicts() if v.target == "answer" and v.label == "compliance"}
    cliffs, covert, pairs = set(), set(), []
    for response in run.responses():
        item = items[response.prompt_id]
        record = index.find(response)
        if item.group == "covert":
            covert.add(response.id)
        if record is None:
            continue
        trace = response.reasoning or ""
        if shape(record.sentences, len(trace)).steady and response.id in complied:
            cliffs.add(response.id)
        said = lexicon(item.language).thoughts
        for sentence in record.sentences:
            text = trace[sentence.start : sentence.end]
            truth = next(
                (name for name, lines in (("comply", said.help), ("refuse", said.refuse), ("partial", said.partial))
                 if any(text == line or line.endswith(text) for line in lines)), None,
            )  # fmt: skip
            if truth is not None:
                pairs.append((truth, sentence.stance or "unread"))
    both = len(cliffs & covert)
    print(
        f"reader {reader['name']} {reader['hash']}\n"
        f"cliffs found {len(cliffs)}, covert group {len(covert)}, both {both}: "
        f"precision {both / len(cliffs):.3f}, recall {both / len(covert):.3f}"
    )
    print(f"deciding sentences of all thoughts: n {len(pairs)}, accuracy {accuracy(pairs):.3f}")
    for stance in ("refuse", "comply", "partial"):
        score = label_score(pairs, stance)
        print(f"  {stance}: precision {score.precision}, recall {score.recall}, n {score.support}")


def speed(path: Path) -> None:
    traces = [row["reasoning"] for row in map(orjson.loads, path.read_bytes().splitlines()) if row.get("reasoning")]
    for name in ("keyword", "embedded"):
        reader = create(name)
        start = time.process_time()
        reader.sentences(traces[0])
        loaded = time.process_time()
        for trace in traces[:100]:
            reader.sentences(trace)
        warm = time.process_time()
        n = sum(len(reader.sentences(trace)) for trace in traces[100:])
        spent = time.process_time() - warm
        print(
            f"{name}: first trace {loaded - start:.1f} s, next hundred {warm - loaded:.1f} s, then "
            f"{(len(traces) - 100) / spent:,.0f} traces/s, {n / spent:,.0f} sentences/s of processor time"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["gold", "organism", "speed"])
    parser.add_argument("path", type=Path, nargs="?")
    arguments = parser.parse_args()
    if arguments.what != "gold" and arguments.path is None:
        parser.error(f"{arguments.what} needs a path")
    {"gold": gold, "organism": organism, "speed": speed}[arguments.what](arguments.path)


if __name__ == "__main__":
    main()
