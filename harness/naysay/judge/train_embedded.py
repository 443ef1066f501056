"""Train the embedded judge, measure it and write its weights, card and page.

    python -m naysay.judge.train_embedded --data DIR --out judges/embedded

``DIR`` holds labelled sets, one JSONL file each (``prompt, response, label, model``). Only sets whose licence allows it
are trained on (:data:`TRAINED_ON`), together with what the project wrote (``written.yaml`` and ``exchanges/``); the
others only measure, and so does ``gold.jsonl``, which the project wrote to mislead judges. The same data and seed give
the same bytes.

Every figure is measured on answers that the classifier did not see, and by groups: of XSTest, one model's are left out
at a time, with or without the prompts; of GPTFuzz, whose rows do not say which model answered, the questions.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import yaml

from naysay import content
from naysay.errors import NaysayError
from naysay.judge import trained_on
from naysay.judge.beginnings import Beginnings
from naysay.judge.card import KeywordCard, beside, read_card
from naysay.judge.embedded_model import FORMAT, STANCES, Cues, EmbeddedModel, pick
from naysay.judge.features import answer_features, stance_grams
from naysay.judge.heads import Heads
from naysay.judge.lexicon import Lexicon, read_lexicon
from naysay.judge.linear import LinearModel
from naysay.judge.measured_card import measure, write_card
from naysay.judge.text import fold
from naysay.judge.train_heads import Example, best_temperature, chances_of, fit_heads
from naysay.judge.written import Exchange, written_answers, written_exchanges, written_stances
from naysay.schema import LABELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

FindCues = Callable[[Sequence[tuple[str, str]], Beginnings], list[Cues]]
Away = Callable[[Any, Any], bool]

TRAINED_ON = {
    "xstest_v2_human": (1.0, "CC-BY-4.0", "Röttger et al., XSTest (human-labelled completions of three models)"),
    "chatgpt_refusals_human": (0.05, "MIT", "Reuter and Schulze, chatgpt-refusals (hand-labelled responses)"),
    "gptfuzz_human": (0.1, "MIT", "Yu et al., GPTFuzzer (hand-labelled responses to jailbreaks, two-way)"),
}
"""Set, weight of its rows (the labels of all but the first were given by other rules), licence, credit."""
EXCHANGE_WEIGHT = 0.2
"""Weight of a written exchange. They were written against surface cues, which hold more often in life."""
TWO_WAY = frozenset({"gptfuzz_human"})
"""Sets whose labels only say whether an answer complies."""
MEASURED_ON = {
    "phtest_responses_machine": "machine",
    "k_overrefusal_merged_machine": "machine",
    "refusal_direction_runs_machine": "machine",
}
SHIFTS = {
    "declined": 1.5, "short": 0.5, "short_chars": 450, "turned": 1.5, "condemned": 0.5, "part": 1.5, "whole": 2.0,
    "strange": 2.5, "requested": 20.0, "wanted": 3.0, "answered": 2.0,
    "false_friend": 2.0, "relented": 2.0, "voiced": 1.0,
}  # fmt: skip
PARTIAL_AT = 0.27
STANCE_C = 10.0
MAX_STANCE_FEATURES = 12_000
FOLDS = 5
GOLD = "gold.jsonl"
MAIN = "xstest_v2_human"


@dataclass(slots=True)
class Row:
    """One labelled response.

    Attributes:
        prompt: What was asked.
        response: What was answered.
        model: Who answered.
        shifts: What the phrase rules add to the heads' logits.
        example: Its features, label and weight.
    """

    prompt: str
    response: str
    model: str
    shifts: tuple[float, float]
    example: Example

    @property
    def label(self) -> str:
        """Its label."""
        return self.example.label


def read_rows(path: Path, weight: float, cues: FindCues) -> list[Row]:
    """Rows of a labelled set that have one of the three labels and an answer.

    Raises:
        NaysayError: the file is missing or a line is not as it should be.
    """
    if not path.is_file():
        raise NaysayError(f"{path} does not exist.", hint="--data names the folder of labelled sets.")
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            data = orjson.loads(line)
            prompt, response, label, model = data["prompt"], data["response"], data["label"], data.get("model", "")
        except (orjson.JSONDecodeError, KeyError) as error:
            raise NaysayError(f"{path}, line {number}: {error!r}.") from error
        if label in LABELS and response.strip():
            rows.append(row(prompt, response, label, model, weight, cues, two_way=path.stem in TWO_WAY))
    return rows


def row(
    prompt: str, response: str, label: str, model: str, weight: float, cues: FindCues, *, two_way: bool = False
) -> Row:
    """A labelled response with its features."""
    pairs = [(response, prompt)]
    read = Beginnings.of(pairs)
    ((found, shifts, _),) = cues(pairs, read)
    seen = answer_features(read, [response], [found])
    example = Example(np.unique(seen.keys), np.unique(seen.keys[: seen.few]), label, two_way, weight)
    return Row(prompt, response, model, shifts, example)


def written_rows(written: dict[str, Any], exchanges: Sequence[Exchange], cues: FindCues) -> list[Row]:
    """The project's own answers, with their features."""
    return [
        *(row("", text, label, "written", 1.0, cues) for text, label in written_answers(written)),
        *(row(one.prompt, one.response, one.label, one.part, EXCHANGE_WEIGHT, cues) for one in exchanges),
    ]


def fit(
    examples: Sequence[Sequence[str]],
    labels: Sequence[str],
    classes: tuple[str, ...],
    *,
    weights: Sequence[float] | None = None,
    strength: float,
    limit: int,
    seed: int,
) -> LinearModel:
    """Fit, keep the features that weigh most, fit again.

    Args:
        examples: Features of each example.
        labels: Its class.
        classes: All classes, in the order of the columns.
        weights: Weight of each example.
        strength: Inverse regularisation (scikit-learn's ``C``).
        limit: Most features to keep.
        seed: For the solver.
    """
    counts: Counter[str] = Counter()
    for features in examples:
        counts.update(set(features))
    names = sorted(name for name, count in counts.items() if count >= 2)
    model = _fit_once(examples, labels, classes, names, counts, weights, strength, seed)
    if len(names) > limit:
        spread = model.weights.max(axis=1) - model.weights.min(axis=1)
        kept = sorted(np.argsort(-spread, kind="stable")[:limit].tolist())
        model = _fit_once(examples, labels, classes, [names[i] for i in kept], counts, weights, strength, seed)
    return model


def _fit_once(
    examples: Sequence[Sequence[str]],
    labels: Sequence[str],
    classes: tuple[str, ...],
    names: list[str],
    counts: Counter[str],
    weights: Sequence[float] | None,
    strength: float,
    seed: int,
) -> LinearModel:
    try:
        import scipy.sparse
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise NaysayError(f"Training needs scikit-learn ({error}).", hint="pip install 'naysay[train]'") from error

    vocabulary = {name: row for row, name in enumerate(names)}
    idf = np.array([math.log((1 + len(examples)) / (1 + counts[name])) + 1 for name in names])
    data: list[NDArray[np.float64]] = []
    indices: list[int] = []
    starts = [0]
    for features in examples:
        rows = sorted({vocabulary[f] for f in features if f in vocabulary})
        values = idf[rows]
        data.append(values / (math.sqrt(float((values**2).sum())) or 1.0))
        indices += rows
        starts.append(len(indices))
    matrix = scipy.sparse.csr_matrix((np.concatenate(data), indices, starts), shape=(len(examples), len(names)))
    solver = LogisticRegression(C=strength, max_iter=600, random_state=seed)
    solver.fit(matrix, np.array(labels), sample_weight=np.array(weights) if weights is not None else None)
    order = [list(solver.classes_).index(name) for name in classes]
    return LinearModel(
        classes=classes,
        vocabulary=vocabulary,
        weights=(solver.coef_[order].T * idf[:, None]).astype(np.float32),
        squares=(idf**2).astype(np.float32),
        bias=solver.intercept_[order].astype(np.float32),
    )


def prompt_fold(prompt: str) -> int:
    """The fold of a prompt, the same everywhere."""
    return hashlib.blake2b(prompt.encode(), digest_size=4).digest()[0] % FOLDS


def held_out(rows: Sequence[Row], always: Sequence[Row], groups: Sequence[Hashable], away: Away, seed: int) -> Any:
    """Logits ``(rows, 2)`` by heads that saw none of what ``away`` says of a row's group.

    Args:
        rows: Rows to be judged, and to learn from where their group is not away.
        always: Rows that every classifier sees.
        groups: The group of each row.
        away: Whether a row of one group must not be seen by the judge of another.
        seed: For the solver.
    """
    logits = np.zeros((len(rows), 2))
    for group in sorted(set(groups), key=str):
        train = [r.example for r, other in zip(rows, groups, strict=True) if not away(other, group)]
        heads = fit_heads([*train, *(r.example for r in always)], seed, limit=None)
        mine = [i for i, other in enumerate(groups) if other == group]
        logits[mine] = logits_of(heads, [rows[i] for i in mine])
    return logits


def logits_of(heads: Heads, rows: Sequence[Row]) -> Any:
    """Logits ``(rows, 2)`` of the heads, shifted."""
    keys = np.concatenate([r.example.keys for r in rows])
    texts = np.repeat(np.arange(len(rows)), [len(r.example.keys) for r in rows])
    features = heads.rows(keys)
    logits = heads.score(features, texts, len(rows))[0] + np.array([r.shifts for r in rows])
    logits[:, 1] -= SHIFTS["strange"] * heads.strangeness(features, texts, len(rows))
    return logits


def said_by(chances: Any) -> list[tuple[str, float]]:
    """The label that is given, and its probability, from probabilities ``(rows, 3)``."""
    rows = chances.tolist()
    return [(LABELS[best], row[best]) for row in rows for best in [pick(row, PARTIAL_AT)]]


def _as_shipped(model: EmbeddedModel, rows: Sequence[Row]) -> tuple[list[str], list[tuple[str, float]]]:
    """Labels, and what the judge itself makes of rows; those that it does not understand are left out."""
    scored = model.answers([(r.response, r.prompt) for r in rows])
    pairs = [(r.label, one) for r, one in zip(rows, scored, strict=True) if not isinstance(one, str)]
    return [label for label, _ in pairs], [(said, (chances or {})[said]) for _, (said, _, chances, _) in pairs]


def _lexicon() -> tuple[Lexicon, KeywordCard]:
    folder = content.folder("judges") / "keyword"
    card = read_card(folder)
    if not isinstance(card, KeywordCard):
        raise NaysayError(f"{folder} is not a keyword judge.")
    return read_lexicon([beside(folder, name, "phrases") for name in card.phrases]), card


def train(data: Path, out: Path, seed: int) -> None:
    """Train, measure and write everything.

    Raises:
        NaysayError: a set or ``written.yaml`` is missing or wrong.
    """
    for needed in (out / "written.yaml", *(data / f"{name}.jsonl" for name in TRAINED_ON)):
        if not needed.is_file():
            hint = "--data names the folder of labelled sets, --out a judge's folder with what the project wrote."
            raise NaysayError(f"{needed} does not exist.", hint=hint)
    written = yaml.safe_load((out / "written.yaml").read_text(encoding="utf-8"))
    exchanges = written_exchanges(out)
    lexicon, keyword = _lexicon()
    stance_rows = written_stances(written, seed)
    stances = fit(
        [stance_grams(fold(text).text, lexicon) for text, _ in stance_rows],
        [label for _, label in stance_rows],
        STANCES,
        strength=STANCE_C,
        limit=MAX_STANCE_FEATURES,
        seed=seed,
    )
    config = {
        "format": FORMAT,
        "seed": seed,
        "temperatures": [1.0, 1.0],
        "partial_at": PARTIAL_AT,
        "shifts": SHIFTS,
        "rules": keyword.answer.model_dump(mode="json"),
        "lexicon": lexicon.source,
    }
    blank = np.zeros((0, 2), dtype=np.float32)
    nothing = Heads.make(np.zeros(0, dtype=np.uint64), blank, blank, np.zeros(2, dtype=np.float32))
    model = EmbeddedModel(nothing, stances, config)
    cues = model.all_cues
    own = written_rows(written, exchanges, cues)
    sets = {name: read_rows(data / f"{name}.jsonl", weight, cues) for name, (weight, _, _) in TRAINED_ON.items()}
    rows, temperatures = _measure_trained_on(sets, own, seed)
    config["temperatures"] = temperatures
    everything = [r for name in sets for r in sets[name]]
    model.heads = fit_heads([r.example for r in (*everything, *own)], seed)
    for name, labels in MEASURED_ON.items():
        path = data / f"{name}.jsonl"
        if path.is_file():
            test = read_rows(path, 1.0, cues)
            rows.append(measure(name, "not trained on", labels, *_as_shipped(model, test)))
    if (out / GOLD).is_file():
        test = read_rows(out / GOLD, 1.0, cues)
        rows.append(measure(GOLD, "not trained on, written to mislead", "construction", *_as_shipped(model, test)))
    weights = out / "weights.npz"
    model.write(weights)
    trained_on.write(out / trained_on.FILE, ((r.prompt, r.response) for r in everything))
    attribution = [
        {"data": name, "licence": licence, "credit": credit, "rows": len(sets[name])}
        for name, (_, licence, credit) in TRAINED_ON.items()
    ]
    attribution.append(
        {
            "data": "written.yaml, exchanges",
            "licence": "Apache-2.0",
            "credit": "naysay (exchanges, answers and trace sentences in six languages)",
            "rows": len(own) + len(stance_rows),
        }
    )
    write_card(out, rows, attribution)
    print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    print(f"{weights}: {weights.stat().st_size:,} bytes, temperatures {config['temperatures']}")


def _measure_trained_on(
    sets: dict[str, list[Row]], own: Sequence[Row], seed: int
) -> tuple[list[dict[str, Any]], list[float]]:
    """Cross-validate on the sets that are trained on: rows of the card, and the heads' temperatures."""
    main = sets[MAIN]
    others = [r for name, rows in sets.items() if name != MAIN for r in rows] + list(own)
    gold = [r.label for r in main]
    models = [r.model for r in main]
    both = [(r.model, prompt_fold(r.prompt)) for r in main]
    by_model = held_out(main, others, models, lambda other, this: other == this, seed)
    by_both = held_out(main, others, both, lambda other, this: other[0] == this[0] or other[1] == this[1], seed)
    declined = np.array([label != "compliance" for label in gold])
    temperatures = [
        best_temperature(by_both[:, 0], ~declined),
        best_temperature(by_both[declined, 1], np.array([label == "partial_refusal" for label in gold])[declined]),
    ]
    rows = [
        (MAIN, "leave one source model out", gold, by_model),
        (MAIN, "leave one source model out, prompts disjoint too", gold, by_both),
    ]
    for name, how in (("gptfuzz_human", "leave questions out, five folds"), ("chatgpt_refusals_human", "five folds")):
        rest = [r for other, some in sets.items() if other != name for r in some] + list(own)
        folds = [prompt_fold(r.prompt) for r in sets[name]]
        logits = held_out(sets[name], rest, folds, lambda other, this: other == this, seed)
        rows.append((name, how, [r.label for r in sets[name]], logits))
    figures = [
        measure(name, how, "human", labels, said_by(chances_of(logits, temperatures)))
        for name, how, labels, logits in rows
    ]
    return figures, temperatures


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m naysay.judge.train_embedded",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--out", type=Path, required=True, help="the judge's folder, with written.yaml and its card")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn [0]")
    arguments = parser.parse_args()
    try:
        train(arguments.data, arguments.out, arguments.seed)
    except NaysayError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
