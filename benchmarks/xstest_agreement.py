"""XSTest's agreement table: people, GPT-4 and string rules against the final human label, beside the published figures.

    python benchmarks/xstest_agreement.py ../shared/data/labelled/xstest_v2_human.jsonl
    python benchmarks/xstest_agreement.py --upstream CHECKOUT_OF_XSTEST

The figures that are stood beside were computed from XSTest's release: 2,250 responses, 450 of each of five models. The
JSONL file has three of the models and 448 prompts, so its figures must differ; what can be compared there is each
model's own agreement between people, which the publisher's notebook prints. ``--upstream`` takes the folder of the
release (``model_completions/``, ``evaluation/automated_evaluation_labels/``) and recomputes the whole table.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from published import arditi_substrings, xstest_string_match

from naysay.agreement import Pair, accuracy, binary, cohen_kappa, label_score
from naysay.errors import NaysayError
from naysay.raters import fleiss_kappa
from naysay.schema import LABELS

MEANS = {"1_full_compliance": "compliance", "2_full_refusal": "refusal", "3_partial_refusal": "partial_refusal"}
MODELS = ("gpt4", "llama2new", "llama2orig", "mistralguard", "mistralinstruct")
RELEASED = 2250
UNPARSED = "unparsed"
PEOPLE_BY_MODEL = {
    "llama2orig": (0.964, 0.93),
    "llama2new": (0.958, 0.93),
    "mistralinstruct": (0.976, 0.92),
    "mistralguard": (0.938, 0.89),
    "gpt4": (0.984, 0.97),
}
"""Agreement and Fleiss' kappa of the two annotators, printed in the release's ``evaluation/analysis.ipynb``."""
FINAL = ("gpt4", "strmatch", "arditi")


@dataclass(frozen=True)
class Answer:
    """One response with every label of it.

    Attributes:
        model: Who answered.
        final: The label that holds.
        first: First annotator's.
        second: Second annotator's.
        gpt4: The GPT-4 judge's, :data:`UNPARSED` where it gave none of the three; None where the file has none.
        strmatch: The string matcher's; None where the file has none.
        response: The text.
    """

    model: str
    final: str
    first: str
    second: str
    gpt4: str | None
    strmatch: str | None
    response: str


def read_jsonl(path: Path) -> list[Answer]:
    made = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise NaysayError(f"{path} cannot be read: {error.strerror}.", hint="Name xstest_v2_human.jsonl.") from error
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        try:
            row = orjson.loads(line)
            meta = row["meta"]
            made.append(
                Answer(
                    row["model"],
                    named(row["label_raw"], where),
                    named(meta["annotation_1"], where),
                    named(meta["annotation_2"], where),
                    MEANS.get(meta["machine_gpt4"], UNPARSED),
                    named(meta["machine_strmatch"], where),
                    row["response"],
                )
            )
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise NaysayError(f"{where}: {error!r}.", hint="Only xstest_v2_human.jsonl has these.") from error
    return made


def read_release(folder: Path) -> list[Answer]:
    """All models whose completions lie anywhere under a folder, in the publisher's columns.

    Raises:
        NaysayError: there are none, or one has a label that XSTest does not define.
    """
    made = []
    for model in MODELS:
        paths = sorted(folder.rglob(f"xstest_v2_completions_{model}.csv"))
        if not paths:
            continue
        judged = by_id(folder, f"xstest_v2_completions_{model}_gpteval.csv", "gpt4_label")
        matched = by_id(folder, f"xstest_v2_completions_{model}_streval.csv", "strmatch_label")
        for row in table(paths[0]):
            where = f"{paths[0]}, {row['id']}"
            labels = [named(row[column], where) for column in ("final_label", "annotation_1", "annotation_2")]
            gpt4 = MEANS.get(judged[row["id"]].strip(), UNPARSED) if judged else None
            strmatch = named(matched[row["id"]], where) if matched else None
            made.append(Answer(model, *labels, gpt4, strmatch, row["completion"]))
    if not made:
        raise NaysayError(
            f"{folder} holds no xstest_v2_completions_MODEL.csv.", hint="Name a checkout of paul-rottger/xstest."
        )
    return made


def table(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def by_id(folder: Path, name: str, column: str) -> dict[str, str]:
    paths = sorted(folder.rglob(name))
    return {row["id"]: row[column] for row in table(paths[0])} if paths else {}


def named(raw: str, where: str) -> str:
    if raw.strip() not in MEANS:
        raise NaysayError(f"{where}: {raw!r} is no label of XSTest.", hint=f"Labels are {', '.join(MEANS)}.")
    return MEANS[raw.strip()]


def two_way(pairs: Sequence[Pair]) -> list[Pair]:
    """Refusal or partial refusal against compliance; what could not be parsed counts as refusal, as published."""
    return binary(pairs)


def full(pairs: Sequence[Pair]) -> list[Pair]:
    """Full refusal against everything else; what could not be parsed is none."""
    return [tuple("refusal" if label == "refusal" else "compliance" for label in pair) for pair in pairs]  # type: ignore[misc]


def refusal_f1(pairs: Sequence[Pair]) -> float | None:
    return label_score(pairs, "refusal").f1


def macro_f1(pairs: Sequence[Pair]) -> float | None:
    """Mean F1 over the three labels and, where something could not be parsed, over that as a fourth (its F1 is 0)."""
    classes = [*LABELS, UNPARSED] if any(UNPARSED in pair for pair in pairs) else LABELS
    return sum(label_score(pairs, label).f1 or 0.0 for label in classes) / len(classes)


def pairs_of(answers: Sequence[Answer], who: str) -> list[Pair]:
    read: dict[str, Callable[[Answer], Pair | None]] = {
        "people": lambda a: (a.first, a.second),
        "gpt4": lambda a: (a.final, a.gpt4) if a.gpt4 else None,
        "strmatch": lambda a: (a.final, a.strmatch or xstest_string_match(a.response)),
        "arditi": lambda a: (a.final, arditi_substrings(a.response)),
    }
    return [pair for answer in answers if (pair := read[who](answer))]


def as_is(pairs: Sequence[Pair]) -> Sequence[Pair]:
    return pairs


@dataclass(frozen=True)
class Row:
    """One figure of the table: who, what, how it is computed, and what the release gives."""

    who: str
    name: str
    figure: str
    fold: Callable[[Sequence[Pair]], Sequence[Pair]]
    compute: Callable[[Sequence[Pair]], float | None]
    published: float


PEOPLE, GPT4 = "two people with each other", "GPT-4 judge"
STRINGS, TWELVE = "XSTest's string match", "Arditi et al.'s twelve substrings"
ROWS = (
    Row("people", PEOPLE, "3-way accuracy", as_is, accuracy, 0.964),
    Row("people", PEOPLE, "3-way kappa", as_is, cohen_kappa, 0.937),
    Row("people", PEOPLE, "refusal-or-partial kappa", two_way, cohen_kappa, 0.957),
    Row("gpt4", GPT4, "3-way accuracy", as_is, accuracy, 0.799),
    Row("gpt4", GPT4, "3-way kappa", as_is, cohen_kappa, 0.628),
    Row("gpt4", GPT4, "3-way macro-F1", as_is, macro_f1, 0.461),
    Row("gpt4", GPT4, "refusal-or-partial accuracy", two_way, accuracy, 0.821),
    Row("gpt4", GPT4, "refusal-or-partial kappa", two_way, cohen_kappa, 0.645),
    Row("gpt4", GPT4, "refusal-or-partial F1", two_way, refusal_f1, 0.801),
    Row("gpt4", GPT4, "full-refusal accuracy", full, accuracy, 0.856),
    Row("gpt4", GPT4, "full-refusal kappa", full, cohen_kappa, 0.702),
    Row("strmatch", STRINGS, "3-way accuracy", as_is, accuracy, 0.839),
    Row("strmatch", STRINGS, "3-way kappa", as_is, cohen_kappa, 0.699),
    Row("strmatch", STRINGS, "refusal-or-partial accuracy", two_way, accuracy, 0.884),
    Row("strmatch", STRINGS, "refusal-or-partial kappa", two_way, cohen_kappa, 0.770),
    Row("strmatch", STRINGS, "refusal-or-partial F1", two_way, refusal_f1, 0.879),
    Row("arditi", TWELVE, "refusal-or-partial accuracy", two_way, accuracy, 0.827),
    Row("arditi", TWELVE, "refusal-or-partial kappa", two_way, cohen_kappa, 0.656),
    Row("arditi", TWELVE, "refusal-or-partial F1", two_way, refusal_f1, 0.807),
)


def cell(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def main_table(answers: Sequence[Answer]) -> list[str]:
    whole = len(answers) == RELEASED
    lines = [
        f"| who | figure | release (n {RELEASED:,}) | here | n | |",
        "|---|---|--:|--:|--:|---|",
    ]
    for row in ROWS:
        pairs = pairs_of(answers, row.who)
        value = row.compute(row.fold(pairs)) if pairs else None
        if value is None:
            verdict = "not in these files"
        elif not whole:
            verdict = "other responses: must differ"
        else:
            verdict = "same" if cell(value) == cell(row.published) else "DIFFERS"
        cells = (row.name, row.figure, cell(row.published), cell(value), f"{len(pairs):,}", verdict)
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def model_table(answers: Sequence[Answer]) -> list[str]:
    """People by model beside the publisher's notebook, and every judge's refusal-or-partial kappa."""
    lines = [
        "| model | n | people agree: published | here | Fleiss' kappa: published | here "
        "| GPT-4: 3-way kappa | string match | refusal-or-partial kappa: GPT-4 | string match | twelve substrings |",
        "|---|" + "--:|" * 10,
    ]
    for model in MODELS:
        mine = [answer for answer in answers if answer.model == model]
        if not mine:
            continue
        people = pairs_of(mine, "people")
        agreed, fleiss = PEOPLE_BY_MODEL[model]
        judges = [pairs_of(mine, who) for who in FINAL]
        cells = [model, f"{len(mine):,}", cell(agreed), cell(accuracy(people)), cell(fleiss, 2)]
        cells += [cell(fleiss_kappa(people), 2), *(cell(cohen_kappa(pairs)) for pairs in judges[:2])]
        cells += [cell(cohen_kappa(two_way(pairs))) for pairs in judges]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def notes(answers: Sequence[Answer]) -> list[str]:
    models = [model for model in MODELS if any(answer.model == model for answer in answers)]
    made = []
    if len(answers) != RELEASED:
        made.append(
            f"The release column is over {RELEASED:,} responses of five models; here are {len(answers):,} of "
            f"{len(models)} ({', '.join(models)}): rows of the first table cannot be the same. The second table can."
        )
    unparsed = sum(answer.gpt4 == UNPARSED for answer in answers)
    made.append(
        f"GPT-4 replies that are none of the three labels: {unparsed}. As in the release column they are wrong in the "
        "3-way figures and refusals in the two-way ones; naysay itself would leave them unscored."
    )
    known = [answer for answer in answers if answer.strmatch]
    same = sum(answer.strmatch == xstest_string_match(answer.response) for answer in known)
    made.append(f"The string rule, run again, gives the published label on {same:,} of {len(known):,} responses.")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="xstest_v2_human.jsonl")
    parser.add_argument("--upstream", type=Path, help="folder of XSTest's release, instead of the file")
    arguments = parser.parse_args()
    if (arguments.file is None) == (arguments.upstream is None):
        parser.error("name either the JSONL file or --upstream FOLDER")
    try:
        answers = read_release(arguments.upstream) if arguments.upstream else read_jsonl(arguments.file)
    except NaysayError as error:
        raise SystemExit(str(error)) from None
    print("\n".join([*main_table(answers), "", *model_table(answers), "", *notes(answers)]))


if __name__ == "__main__":
    main()
