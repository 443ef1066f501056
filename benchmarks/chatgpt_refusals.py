"""Reuter and Schulze's response classifiers (2023), reproduced, and naysay's judges on the same test rows.

    python benchmarks/chatgpt_refusals.py --data ../shared/data/upstream [--sensitivity] [--judge keyword,embedded]

``DIR`` holds the publisher's ``all_hand_labeled.json`` (or the same with ``chatgpt_refusals_`` before its name). The
protocol: rows labelled incoherent or dontknow are dropped and all that is not "complied" is a rejection; 70/15/15,
split twice with seed 0 in the order of the file; TF-IDF of 1- to 3-grams fitted on the training rows; logistic
regression (C 10, L2, liblinear) and a random forest (300 trees, at least 5 rows to split), both with seed 0.

``--sensitivity`` says which details the two figures hang on. The embedded judge that ships was trained on this set, so
its figure on the test rows is no merit; ``--labelled DIR`` (the folder of sets that it is trained on) trains it again
without the 512 validation and test rows (some minutes). Needs scikit-learn (``pip install naysay[train]``).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import orjson

from naysay.agreement import agreement
from naysay.errors import NaysayError
from naysay.judge import create, find
from naysay.schema import JudgeItem, Prompt, Response, Verdict

FILE = "all_hand_labeled.json"
QUORA = "quora_insincere_hand_labeled.json"
SET = "chatgpt_refusals_human"
DROPPED = frozenset({"incoherent", "dontknow"})
PUBLISHED = {"logistic regression": 90.62, "random forest": 86.72}
NAMES = {"complied": "compliance", "rejected": "refusal"}


@dataclass(frozen=True)
class Row:
    """One hand-labelled response.

    Attributes:
        prompt: What was asked.
        response: What gpt-3.5-turbo answered.
        label: ``complied`` or ``rejected``.
    """

    prompt: str
    response: str
    label: str


@dataclass(frozen=True)
class Setting:
    """What may be varied to see whether a figure hangs on it; the defaults are the publisher's."""

    seed: int = 0
    longest: int = 3
    stop_words: str | None = None
    model_seed: int = 0


def read_rows(folder: Path, name: str = FILE) -> list[Row]:
    """The rows that count, in the order of the file.

    Raises:
        NaysayError: the file is missing.
    """
    places = [folder / name, folder / f"chatgpt_refusals_{name}", folder / "data" / name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise NaysayError(f"{folder} has no {name}.", hint="--data names the folder of the publisher's files.")
    return [
        Row(row["prompt"], row["response"], "complied" if row["tone"] == "complied" else "rejected")
        for row in orjson.loads(path.read_bytes())
        if row["tone"] not in DROPPED
    ]


def split(rows: Sequence[Row], seed: int = 0) -> tuple[list[Row], list[Row], list[Row]]:
    """Training, validation and test rows."""
    from sklearn.model_selection import train_test_split

    train, rest = train_test_split(list(rows), test_size=0.3, random_state=seed)
    validation, test = train_test_split(rest, test_size=0.5, random_state=seed)
    return train, validation, test


def classify(rows: Sequence[Row], setting: Setting = Setting(), names: Iterable[str] = PUBLISHED) -> dict[str, float]:
    """Test accuracy of each classifier, in percent."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, _, test = split(rows, setting.seed)
    vectors = TfidfVectorizer(ngram_range=(1, setting.longest), stop_words=setting.stop_words)
    known = vectors.fit_transform([row.response for row in train])
    unseen = vectors.transform([row.response for row in test])
    seed = setting.model_seed
    # L2 is the default penalty; scikit-learn 1.8 deprecates naming it.
    classifiers = {
        "logistic regression": LogisticRegression(C=10, max_iter=10_000, solver="liblinear", random_state=seed),
        "random forest": RandomForestClassifier(n_estimators=300, min_samples_split=5, random_state=seed),
    }
    made = {}
    for name in names:
        said = classifiers[name].fit(known, [row.label for row in train]).predict(unseen)
        made[name] = 100 * sum(s == row.label for s, row in zip(said, test, strict=True)) / len(test)
    return made


def reproduce(folder: Path) -> list[str]:
    import sklearn

    rows = read_rows(folder)
    train, validation, test = split(rows)
    refused = sum(row.label == "rejected" for row in rows)
    commonest = max(NAMES, key=lambda label: sum(row.label == label for row in train))
    majority = 100 * sum(row.label == commonest for row in test) / len(test)
    digest = hashlib.sha256("\0".join(row.prompt + "\1" + row.response for row in test).encode()).hexdigest()[:12]
    known = {row.response for row in train}
    repeated = sum(row.response in known for row in test)
    lines = [
        f"{len(rows):,} rows, {refused} rejected; {len(train):,} to train on, {len(validation)} left aside, "
        f"{len(test)} to test (sha256 {digest}); scikit-learn {sklearn.__version__}",
        f"test responses that also stand, word for word, among the training rows: {repeated}",
        "",
        "| classifier | published, % | here, % | right | |",
        "|---|--:|--:|--:|---|",
        f"| always {commonest!r} | | {majority:.3f} | {round(majority * len(test) / 100)}/{len(test)} | baseline |",
    ]
    for name, value in classify(rows).items():
        verdict = "same" if abs(value - PUBLISHED[name]) <= 0.005 + 1e-9 else "DIFFERS"
        right = f"{round(value * len(test) / 100)}/{len(test)}"
        lines.append(f"| {name} | {PUBLISHED[name]:.2f} | {value:.3f} | {right} | {verdict} |")
    return lines


def sensitivity(folder: Path) -> list[str]:
    """The two figures under other splits, orders, words and rows."""
    rows = read_rows(folder)
    tried = {
        "as published": (rows, Setting()),
        "rows in reverse order": (rows[::-1], Setting()),
        "English stop words dropped": (rows, Setting(stop_words="english")),
        "1- and 2-grams": (rows, Setting(longest=2)),
        "other seed of the classifiers (1)": (rows, Setting(model_seed=1)),
        "other seed of the classifiers (2)": (rows, Setting(model_seed=2)),
        "other seed of the split (1)": (rows, Setting(seed=1)),
        "other seed of the split (2)": (rows, Setting(seed=2)),
        "other seed of the split (3)": (rows, Setting(seed=3)),
        "other seed of the split (4)": (rows, Setting(seed=4)),
    }
    try:
        tried["its Quora rows alone"] = (read_rows(folder, QUORA), Setting())
    except NaysayError:
        # A further file of the publisher's, of use only here.
        print(f"({QUORA} is not in {folder}: left out)")
    lines = ["| | rows | logistic regression, % | random forest, % |", "|---|--:|--:|--:|"]
    for name, (some, setting) in tried.items():
        values = classify(some, setting)
        lines.append(f"| {name} | {len(some):,} | " + " | ".join(f"{value:.3f}" for value in values.values()) + " |")
    return lines


def judged(name: str, rows: Sequence[Row]) -> list[Verdict]:
    items = []
    for number, row in enumerate(rows):
        asked = Prompt(f"row{number}", [{"role": "user", "content": row.prompt}], "benign", "comply")
        said = Response(f"row{number}#0", f"row{number}", 0, "gpt-3.5-turbo", None, row.response, "ok")
        items.append(JudgeItem(asked, said, "answer"))
    return asyncio.run(create(name).judge(items))


def judge_row(name: str, rows: Sequence[Row], verdicts: Sequence[Verdict], note: str) -> str:
    report = agreement((NAMES[row.label], v.label) for row, v in zip(rows, verdicts, strict=True))
    figures = (report.binary_accuracy, report.binary_kappa, report.binary_f1)
    seen = sum(v.in_training for v in verdicts)
    cells = [name, f"{report.n}/{len(rows)}", str(seen), *("" if f is None else f"{f:.3f}" for f in figures), note]
    return "| " + " | ".join(cells) + " |"


def judges(folder: Path, names: Sequence[str]) -> list[str]:
    """naysay's judges on the test rows: refusal or partial refusal against compliance."""
    _, _, test = split(read_rows(folder))
    lines = [
        "| judge | scored | of them trained on | accuracy | kappa | refusal F1 | |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for name in names:
        verdicts = judged(name, test)
        trained = [v.in_training for v in verdicts]
        lines.append(judge_row(name, test, verdicts, "in sample: no merit" if any(trained) else ""))
        if any(trained) and not all(trained):
            kept = [(row, v) for row, v in zip(test, verdicts, strict=True) if not v.in_training]
            rest, unseen = zip(*kept, strict=True)
            lines.append(judge_row(f"{name}, rows it has not seen", rest, unseen, "a selection, not a sample"))
        for known in find(name).agreement if any(trained) else ():
            if known["data"] == SET and known["protocol"] != "not trained on":
                figures = (f"{known[key]:.3f}" if key in known else "" for key in FIGURES)
                note = f"whole set, {known['protocol']} (its card)"
                lines.append(f"| {name} | {known['n']} | 0 | " + " | ".join(figures) + f" | {note} |")
    return lines


def retrained(folder: Path, labelled: Path) -> list[str]:
    """The embedded judge trained as it is shipped, but for the rows left aside or tested, on the test rows.

    Raises:
        NaysayError: a set is missing, or the judge that comes out has seen what it is tested on.
    """
    from naysay import content
    from naysay.judge.train_embedded import TRAINED_ON, train

    _, validation, test = split(read_rows(folder))
    away = {(row.prompt.strip(), row.response.strip()) for row in (*validation, *test)}
    shipped = content.folder("judges") / "embedded"
    dropped = 0
    with tempfile.TemporaryDirectory() as place:
        data, card = Path(place) / "data", Path(place) / "embedded"
        data.mkdir()
        card.mkdir()
        for name in TRAINED_ON:
            source = labelled / f"{name}.jsonl"
            if not source.is_file():
                raise NaysayError(f"{source} does not exist.", hint="--labelled names the folder of labelled sets.")
            with source.open("rb") as lines, (data / source.name).open("wb") as kept:
                for line in lines:
                    row = orjson.loads(line)
                    if (row["prompt"].strip(), row["response"].strip()) in away:
                        dropped += 1
                    else:
                        kept.write(line)
        for name in ("judge.yaml", "written.yaml", "README.md"):
            shutil.copy(shipped / name, card)
        with contextlib.redirect_stdout(io.StringIO()):
            train(data, card, 0)
        same = (card / "weights.npz").read_bytes() == (shipped / "weights.npz").read_bytes()
        verdicts = judged(str(card), test)
    if same or not dropped or any(v.in_training for v in verdicts):
        raise NaysayError("The judge that was trained again has seen the test rows: its figure would be in sample.")
    return [judge_row("embedded, held out", test, verdicts, f"trained again without {dropped} rows")]


FIGURES = ("binary_accuracy", "binary_kappa", "binary_f1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the publisher's file")
    parser.add_argument(
        "--sensitivity", action="store_true", help="also under other splits, orders and words (a minute)"
    )
    parser.add_argument(
        "--labelled", type=Path, metavar="DIR", help="train the embedded judge again without the test rows, from DIR"
    )
    parser.add_argument("--judge", default="keyword,embedded", help="judges to stand beside them; empty for none")
    arguments = parser.parse_args()
    try:
        print("\n".join(reproduce(arguments.data)), flush=True)
        if arguments.sensitivity:
            print("\n" + "\n".join(sensitivity(arguments.data)), flush=True)
        if arguments.judge:
            print("\n" + "\n".join(judges(arguments.data, arguments.judge.split(","))), flush=True)
        if arguments.judge and arguments.labelled:
            print("\n".join(retrained(arguments.data, arguments.labelled)))
    except NaysayError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
