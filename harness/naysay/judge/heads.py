"""Two linear classifiers over the same hashed features: does an answer comply, and if not, is it a partial refusal?

Three answers out of two questions: people tell compliance from the rest far more surely than a partial refusal from a
full one, and far more labelled data answers the first question than the second. Each head weighs a feature by its
inverse document frequency (and the second also by how unevenly it falls between the classes, Wang and Manning 2012),
scales the vector to length one, and adds up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Keys = NDArray[np.uint64]

HEADS = ("complies", "partial")
BITS = 22
FAMILIAR = 0.4
"""Share of features that are known in a text of the languages that a head was trained on, or more."""
_CHECK_BITS = 16


def bucket(keys: Keys) -> NDArray[np.int64]:
    """The bucket of each key: its upper bits."""
    return (keys >> np.uint64(64 - BITS)).astype(np.int64)


def check(keys: Keys) -> NDArray[np.uint16]:
    """The bits below the bucket, by which a key is told from others of its bucket."""
    return (keys >> np.uint64(64 - BITS - _CHECK_BITS)).astype(np.uint16)


@dataclass(slots=True)
class Heads:
    """Weights of both heads.

    Attributes:
        buckets: ``(features,)``, ascending.
        checks: ``(features,)``.
        weights: ``(features, 2)``, factors of the feature multiplied in.
        squares: ``(features, 2)``, squared factors, for the length.
        bias: ``(2,)``.
    """

    buckets: NDArray[np.int32]
    checks: NDArray[np.uint16]
    weights: Array
    squares: Array
    bias: Array
    _table: NDArray[np.int32]
    _joint: Array

    @classmethod
    def make(cls, keys: Keys, weights: Array, squares: Array, bias: Array) -> Heads:
        """Sort features into buckets; of two in one bucket, the heavier stays.

        Args:
            keys: ``(features,)``.
            weights: ``(features, 2)``.
            squares: ``(features, 2)``.
            bias: ``(2,)``.
        """
        order = np.argsort(-np.abs(weights).max(axis=1), kind="stable")
        _, first = np.unique(bucket(keys[order]), return_index=True)
        kept = order[first]
        return cls._from(bucket(keys[kept]).astype(np.int32), check(keys[kept]), weights[kept], squares[kept], bias)

    @classmethod
    def _from(
        cls, buckets: NDArray[np.int32], checks: NDArray[np.uint16], weights: Array, squares: Array, bias: Array
    ) -> Heads:
        table = np.zeros(1 << BITS, dtype=np.int32)
        table[buckets] = np.arange(1, len(buckets) + 1)
        blank = np.zeros((1, len(HEADS)), dtype=np.float32)
        weights = np.concatenate([blank, weights.astype(np.float32)])
        squares = np.concatenate([blank, squares.astype(np.float32)])
        checks = np.concatenate([np.zeros(1, dtype=np.uint16), checks])
        joint = np.concatenate([weights, squares], axis=1)
        return cls(buckets, checks, weights, squares, bias.astype(np.float32), table, joint)

    def rows(self, keys: Keys) -> NDArray[np.int32]:
        """The row of each key, 0 for those that are not known."""
        rows = self._table[bucket(keys)]
        rows[self.checks[rows] != check(keys)] = 0
        return rows

    def score(self, rows: NDArray[np.int32], texts: NDArray[np.int64], count: int) -> tuple[Array, Array]:
        """Logits of texts from the rows of their features, in any number, and the lengths of their vectors.

        Args:
            rows: ``(features,)``, rows of all texts.
            texts: ``(features,)``, the text of each, from 0.
            count: How many texts there are.

        Returns:
            Both ``(texts, 2)``.
        """
        held = rows > 0
        size = len(self.checks)
        kind = np.dtype(np.int32 if count * size < 1 << 31 else np.int64)
        # One number for a feature of a text, so that sorting brings those that come twice together.
        pairs = texts[held].astype(kind) * kind.type(size) + rows[held]
        pairs.sort()
        pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])] if len(pairs) else pairs
        starts = np.searchsorted(pairs, np.arange(count, dtype=kind) * kind.type(size))
        sums = np.zeros((count, 2 * len(HEADS)), dtype=np.float64)
        filled = np.diff(starts, append=len(pairs)) > 0
        if len(pairs):
            both = self._joint.take(pairs % kind.type(size), axis=0)
            sums[filled] = np.add.reduceat(both, starts[filled], axis=0)
        lengths = np.sqrt(np.maximum(sums[:, len(HEADS) :], 1e-9)).astype(np.float32)
        return sums[:, : len(HEADS)].astype(np.float32) / lengths + self.bias, lengths

    def strangeness(self, rows: NDArray[np.int32], texts: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """How little of each text is known, ``(texts,)``: 0 from a share of :data:`FAMILIAR` on, 1 for nothing."""
        known = np.bincount(texts[rows > 0], minlength=count)
        return 1 - np.minimum(known / np.maximum(np.bincount(texts, minlength=count), 1) / FAMILIAR, 1)

    def moved(
        self, rows: NDArray[np.int32], toward: Array, texts: NDArray[np.int64], owners: NDArray[np.int64], count: int
    ) -> NDArray[np.float64]:
        """How far each part moved its text, in logits, ``(parts,)``.

        Args:
            rows: ``(features,)``.
            toward: ``(texts, 2)``, how much each head's logit counts for a text, over its length.
            texts: ``(features,)``, the text of each.
            owners: ``(features,)``, the part that each belongs to.
            count: How many parts there are.
        """
        by_feature = np.einsum("ij,ij->i", self.weights.take(rows, axis=0), toward.take(texts, axis=0))
        return np.bincount(owners, weights=by_feature, minlength=count).astype(np.float64, copy=False)

    def to_arrays(self) -> dict[str, Any]:
        """Plain arrays for one ``.npz``, numbers in half precision."""
        return {
            "answer_buckets": np.diff(self.buckets, prepend=np.int32(0)).astype(np.int32),
            "answer_checks": self.checks[1:],
            "answer_weights": self.weights[1:].astype(np.float16),
            "answer_squares": self.squares[1:].astype(np.float16),
            "answer_bias": self.bias,
        }

    @classmethod
    def from_arrays(cls, arrays: Any) -> Heads:
        """Read what :meth:`to_arrays` made.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other.
        """
        buckets = np.cumsum(arrays["answer_buckets"], dtype=np.int64)
        shape = (len(buckets), len(HEADS))
        parts = arrays["answer_checks"], arrays["answer_weights"], arrays["answer_squares"], arrays["answer_bias"]
        if [part.shape for part in parts] != [shape[:1], shape, shape, shape[1:]]:
            raise ValueError("the arrays of the answers do not fit each other")
        if len(buckets) and not (buckets[0] >= 0 and buckets[-1] < 1 << BITS and (np.diff(buckets) > 0).all()):
            raise ValueError("the buckets of the answers are not in order")
        return cls._from(buckets.astype(np.int32), *parts)


def sigmoid(logit: float) -> float:
    """A probability from a logit."""
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
