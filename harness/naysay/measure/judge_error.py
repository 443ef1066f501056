"""A judge's own error: its verdicts beside labels that others gave, measured once and kept by the judge's hash.

A changed judge has another hash, and what was measured of the old one says nothing of it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import orjson

from naysay.errors import NaysayError
from naysay.measure.intervals import CONFIDENCE
from naysay.measure.judge_figures import Bin, Figure
from naysay.writing import write_atomically

FOLDER_VARIABLE: Final = "NAYSAY_JUDGE_ERRORS"
"""Environment variable that names the folder of measurements."""
GROUPS: Final = ("in_training", "labels_by", "model", "kind", "language", "category", "length")
"""What figures are broken down by."""


@dataclass(slots=True)
class LabelError:
    """One label: how often it is right where it is said (precision), and said where it is right (recall)."""

    precision: Figure
    recall: Figure
    f1: Figure
    support: int
    said: int


@dataclass(slots=True)
class GroupError:
    """The rows of one group.

    Attributes:
        n: Rows that were scored.
        total: All rows.
        in_training: Scored rows that the judge was trained on.
        accuracy: Three-way; empty where the labels are two-way.
        kappa: The same, Cohen's.
        binary_accuracy: Refused or partly refused against complied.
        binary_kappa: The same, Cohen's.
    """

    n: int
    total: int
    in_training: int
    accuracy: Figure
    kappa: Figure
    binary_accuracy: Figure
    binary_kappa: Figure


@dataclass(slots=True)
class JudgeError:
    """One judge, in one state, beside the labels of one file.

    Attributes:
        judge: The judge's name.
        judge_hash: Its content hash.
        target: What was judged and labelled.
        gold: Name of the labelled set.
        gold_fingerprint: SHA-256 of its file.
        labels_by: Who labelled: ``human``, ``machine``, several joined by ``, ``, or ``""`` where it does not say.
        measured: When, in UTC, ISO 8601.
        naysay: The version that measured.
        two_way: The labels are refusal against compliance: there are no three-way figures, and a partial refusal of the
            judge counts as a refusal.
        total: Rows with a label.
        n: Rows that the judge scored.
        coverage: Share scored.
        unscored: The others, by reason.
        clusters: Different requests among the rows: the unit of every interval.
        in_training: Scored rows that the judge was trained on: agreeing with those is no merit.
        passed_over: Rows of the file that have none of the three labels, by why.
        conflicts: Responses that stand several times in the file, with different labels.
        lacks: Columns that the file does not have, of those that figures are broken down by.
        selection: Which rows were used (``limit``, ``seed``, ``labels``).
        confusion: ``confusion[gold][predicted]``, predicted over the three labels and ``unscored``.
        confusion_unseen: The same over the rows that the judge was not trained on: what rates are corrected with.
        figures: ``accuracy``, ``kappa`` (three-way), ``binary_accuracy``, ``binary_kappa``, ``binary_precision``,
            ``binary_recall``, ``binary_f1`` (of refusal-or-partial), ``coverage``, ``gold_rate``, ``judged_rate`` and
            ``bias`` (refused or partly refused, and the judge's rate above that of the labels).
        labels: By label; empty where the labels are two-way.
        ece: Expected calibration error; empty where the judge gives no probabilities.
        calibration: The reliability table behind it.
        groups: ``groups[by][value]`` over :data:`GROUPS`, where there are at least two values.
        confidence: Nominal coverage of the intervals.
        seed: Of the bootstrap.
    """

    judge: str
    judge_hash: str
    target: str
    gold: str
    gold_fingerprint: str
    labels_by: str
    measured: str
    naysay: str
    two_way: bool
    total: int
    n: int
    coverage: float
    unscored: dict[str, int]
    clusters: int
    in_training: int
    confusion: dict[str, dict[str, int]]
    figures: dict[str, Figure]
    confusion_unseen: dict[str, dict[str, int]] = field(default_factory=dict)
    labels: dict[str, LabelError] = field(default_factory=dict)
    ece: Figure = field(default_factory=Figure)
    calibration: list[Bin] = field(default_factory=list)
    groups: dict[str, dict[str, GroupError]] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0
    lacks: list[str] = field(default_factory=list)
    selection: dict[str, Any] = field(default_factory=dict)
    confidence: float = CONFIDENCE
    seed: int = 0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> JudgeError:
        """Read one back; keys that are not known are left out.

        Raises:
            TypeError: a required field is missing.
            KeyError: a field inside it is missing.
        """
        known = {f.name for f in fields(cls)}
        made = cls(**{key: value for key, value in data.items() if key in known})
        made.figures = {name: Figure.from_dict(value) for name, value in data["figures"].items()}
        made.labels = {name: _part(LabelError, value) for name, value in data.get("labels", {}).items()}
        made.ece = Figure.from_dict(data.get("ece") or {})
        made.calibration = [_part(Bin, value) for value in data.get("calibration", ())]
        made.groups = {
            by: {value: _part(GroupError, group) for value, group in groups.items()}
            for by, groups in data.get("groups", {}).items()
        }
        return made


def of_people(error: JudgeError) -> bool:
    """Whether all the labels that a judge was measured by say that people gave them."""
    from naysay.measure.labelled import by_people

    return all(by_people(name) for name in error.labels_by.split(","))


def worth(error: JudgeError) -> float:
    """Independent rows that one of its rows is worth: 1 with one response a request, less with several.

    Read from how much wider the interval of its accuracy is over requests than it would be over rows.
    """
    from naysay.measure.intervals import wilson

    figure = error.figures.get("accuracy") or Figure()
    if figure.value is None:
        figure = error.figures.get("binary_accuracy") or Figure()
    if error.clusters >= error.n or figure.value is None or figure.low is None or figure.high is None:
        return 1.0
    alone = wilson(figure.value * error.n, error.n, error.confidence)
    wider = (figure.high - figure.low) / (alone.high - alone.low)
    return min(1.0, max(error.clusters / error.n, 1 / wider**2)) if wider > 0 else 1.0


def _part(kind: Any, data: Mapping[str, Any]) -> Any:
    values = {f.name: data[f.name] for f in fields(kind)}
    return kind(**{k: Figure.from_dict(v) if isinstance(v, dict) else v for k, v in values.items()})


def folder() -> Path:
    """Where measurements are kept: ``$NAYSAY_JUDGE_ERRORS``, or the user's data folder."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    from platformdirs import user_data_dir

    return Path(user_data_dir("naysay", appauthor=False)) / "judge_errors"


def place(error: JudgeError) -> Path:
    """The file that :func:`store` keeps a measurement in."""
    rows = orjson.dumps([error.gold_fingerprint, error.selection], option=orjson.OPT_SORT_KEYS)
    name = f"{_safe(error.judge_hash)}-{error.target}-{hashlib.blake2b(rows, digest_size=6).hexdigest()}.json"
    return folder() / name


def store(error: JudgeError) -> Path:
    """Keep a measurement on this machine; one of the same judge, target and rows replaces the one before.

    Raises:
        NaysayError: nothing was scored, or it cannot be written.
    """
    if not error.n:
        why = ", ".join(f"{n:,} {reason}" for reason, n in error.unscored.items())
        if error.unscored.get("unparsable") or error.unscored.get("judge_error"):
            hint = "See to the judge's model: does it answer, and in the form that the rubric asks for? `naysay show` "
            hint += "has what it said; --retry-unparsable asks it again."
        else:
            said = "response" if error.target == "answer" else error.target
            hint = f"Does the file have a {said} on each line? --target says what is judged."
        raise NaysayError(
            f"{error.judge} scored none of the {error.total:,} labelled responses of {error.gold} ({why}): there is "
            "nothing to measure, and nothing was kept.",
            hint=hint,
        )
    path = place(error)
    hint = f"Measurements are kept in {folder()}; the variable {FOLDER_VARIABLE} names another folder."
    write_atomically(path, orjson.dumps(error, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE), hint=hint)
    return path


def find(judge_hash: str | None = None, target: str | None = None) -> list[JudgeError]:
    """Measurements kept on this machine, the newest first; those with nothing scored are passed over.

    Args:
        judge_hash: Of this judge only.
        target: Of this target only.

    Raises:
        NaysayError: a kept file cannot be read.
    """
    pattern = f"{_safe(judge_hash) if judge_hash else '*'}-{target or '*'}-*.json"
    found = []
    for path in sorted(folder().glob(pattern)):
        try:
            found.append(JudgeError.from_dict(orjson.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            what = "fields are missing, or of another shape" if isinstance(error, TypeError | KeyError) else str(error)
            raise NaysayError(
                f"{path} cannot be read as a measurement: {what}.", hint="Delete it, and measure the judge again."
            ) from error
    found = [
        error
        for error in found
        if error.n and judge_hash in (None, error.judge_hash) and target in (None, error.target)
    ]
    return sorted(found, key=lambda error: error.measured, reverse=True)


def _safe(digest: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", digest)
