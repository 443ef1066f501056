"""Fitting the two heads that read answers: logistic regression over hashed features, without a name in sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from naysay.errors import NaysayError
from naysay.judge.heads import HEADS, Heads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]

STRENGTHS = (10.0, 20.0)
"""Inverse regularisation of each head (scikit-learn's ``C``)."""
UNEVENNESS = (0.0, 0.5)
"""Power of the log-count ratio (NB-SVM) in each head's factors."""
MOST_FEATURES = 60_000
TOLERANCE, MOST_STEPS = 1e-5, 3000
"""The solver runs until it is done: stopped early, a set's agreement moved by several points with every word added."""


@dataclass(slots=True)
class Example:
    """One labelled answer.

    Attributes:
        keys: Its features, each once, for the first head.
        few: Those of them that the second head reads (no runs of characters, no first sentence).
        label: One of the three labels.
        two_way: Its label only says whether it complies.
        weight: Its weight.
    """

    keys: Keys
    few: Keys
    label: str
    two_way: bool
    weight: float


def fit_heads(examples: Sequence[Example], seed: int, *, limit: int | None = MOST_FEATURES) -> Heads:
    """Fit both heads; keep the features that weigh most and fit again.

    Args:
        examples: Answers of all three labels.
        seed: For the solver.
        limit: Most features of each head to keep; None keeps all and fits once.

    Raises:
        NaysayError: scikit-learn is missing.
    """
    declining = [e for e in examples if e.label != "compliance" and not e.two_way]
    weights = [e.weight for e in examples], [e.weight for e in declining]
    first = [e.keys for e in examples], [e.label == "compliance" for e in examples], weights[0]
    second = [e.few for e in declining], [e.label == "partial_refusal" for e in declining], weights[1]
    fitted = []
    for number, (keys, positive, weight) in enumerate((first, second)):
        allowed = _known(keys)
        head = _fit(keys, positive, weight, allowed, number, seed)
        if limit is not None and len(allowed) > limit:
            kept = np.sort(np.argsort(-np.abs(head[1]), kind="stable")[:limit])
            head = _fit(keys, positive, weight, allowed[kept], number, seed)
        fitted.append(head)
    return _joined(fitted)


def _known(examples: Sequence[Keys]) -> Keys:
    """Keys that stand in two examples or more, ascending."""
    keys, counts = np.unique(np.concatenate(examples), return_counts=True)
    return keys[counts >= 2]


def _fit(
    examples: Sequence[Keys], positive: Sequence[bool], weight: Sequence[float], allowed: Keys, number: int, seed: int
) -> tuple[Keys, NDArray[np.float64], NDArray[np.float64], float]:
    """Keys, weights with factors multiplied in, squared factors, bias."""
    try:
        import scipy.sparse
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import normalize
    except ImportError as error:
        raise NaysayError(f"Training needs scikit-learn ({error}).", hint="pip install 'naysay[train]'") from error

    flat = np.concatenate(examples)
    at = np.searchsorted(allowed, flat).clip(max=len(allowed) - 1)
    held = allowed[at] == flat
    owners = np.repeat(np.arange(len(examples)), [len(keys) for keys in examples])[held]
    matrix = scipy.sparse.csr_matrix(
        (np.ones(len(owners)), (owners, at[held])), shape=(len(examples), len(allowed)), dtype=np.float64
    )
    answers = np.array(positive, dtype=bool)
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    factors = np.log((1 + len(examples)) / (1 + counts)) + 1
    if UNEVENNESS[number]:
        masses = np.array(weight)
        for_it = 1 + matrix.T @ (masses * answers)
        against = 1 + matrix.T @ (masses * ~answers)
        ratio = np.log(for_it / for_it.sum()) - np.log(against / against.sum())
        factors = factors * np.abs(ratio) ** UNEVENNESS[number]
    scaled = normalize(matrix.multiply(factors).tocsr())
    solver = LogisticRegression(C=STRENGTHS[number], max_iter=MOST_STEPS, tol=TOLERANCE, random_state=seed)
    solver.fit(scaled, answers, sample_weight=np.array(weight))
    return allowed, solver.coef_[0] * factors, factors**2, float(solver.intercept_[0])


def _joined(fitted: Sequence[tuple[Keys, Any, Any, float]]) -> Heads:
    """One table of features for both heads; what a head does not read weighs nothing in it."""
    keys = np.unique(np.concatenate([head[0] for head in fitted]))
    weights, squares = (np.zeros((len(keys), len(HEADS)), dtype=np.float32) for _ in range(2))
    for column, (own, weight, square, _) in enumerate(fitted):
        rows = np.searchsorted(keys, own)
        weights[rows, column] = weight
        squares[rows, column] = square
    return Heads.make(keys, weights, squares, np.array([head[3] for head in fitted], dtype=np.float32))


def best_temperature(logits: Any, positive: Any) -> float:
    """The temperature of one head with the least log loss (Guo et al. 2017)."""

    def loss(temperature: float) -> float:
        return float(np.logaddexp(0, np.where(positive, -logits, logits) / temperature).mean())

    return min((round(0.4 + 0.02 * step, 2) for step in range(120)), key=loss)


def chances_of(logits: Any, temperatures: Sequence[float]) -> Any:
    """Probabilities ``(rows, 3)`` over the labels from the logits of both heads."""
    first, second = (1 / (1 + np.exp(-logits[:, k] / temperatures[k])) for k in range(2))
    return np.stack([(1 - first) * (1 - second), (1 - first) * second, first], axis=1)
