"""Reading ``--model-arg key=value`` pairs: typed, and strict about names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from naysay.errors import NaysayError, did_you_mean


class Arguments:
    """The ``--model-arg`` pairs of one backend.

    Args:
        model: The backend's name, for error messages.
        given: The pairs as typed.
        known: Every key the backend takes.

    Raises:
        NaysayError: a key is not known.
    """

    def __init__(self, model: str, given: Mapping[str, str], known: Iterable[str]) -> None:
        self.model = model
        self._given = dict(given)
        names = sorted(known)
        for key in self._given:
            if key not in names:
                raise NaysayError(f"{model}: unknown --model-arg {key!r}.", hint=did_you_mean(key, names))

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def text(self, key: str, default: str | None = None) -> str | None:
        """The value as typed."""
        return self._given.get(key, default)

    def choice(self, key: str, choices: Iterable[str], default: str) -> str:
        """One of ``choices``.

        Raises:
            NaysayError: it is none of them.
        """
        value = self._given.get(key, default)
        known = list(choices)
        if value not in known:
            raise self._wrong(key, f"one of {', '.join(known)}")
        return value

    def number(self, key: str, default: float, *, least: float = 0.0) -> float:
        """A number of at least ``least``.

        Raises:
            NaysayError: it is not a number, or too small.
        """
        if key not in self._given:
            return default
        try:
            value = float(self._given[key])
        except ValueError:
            value = float("nan")
        if not value >= least:
            raise self._wrong(key, f"a number of at least {least:g}")
        return value

    def integer(self, key: str, default: int, *, least: int = 0) -> int:
        """A whole number of at least ``least``.

        Raises:
            NaysayError: it is not a whole number, or too small.
        """
        value = self.number(key, default, least=least)
        if not float(value).is_integer():  # Infinity is none, either.
            raise self._wrong(key, "a whole number")
        return int(value)

    def flag(self, key: str, default: bool | None = None) -> bool | None:
        """``true`` or ``false``.

        Raises:
            NaysayError: it is something else.
        """
        if key not in self._given:
            return default
        value = self._given[key].strip().lower()
        if value not in ("true", "false"):
            raise self._wrong(key, "true or false")
        return value == "true"

    def mapping(self, key: str) -> dict[str, Any]:
        """A JSON object; empty when not given.

        Raises:
            NaysayError: it is not a JSON object.
        """
        if key not in self._given:
            return {}
        try:
            value = json.loads(self._given[key])
        except ValueError as error:
            raise self._wrong(key, f"a JSON object ({error})") from None
        if not isinstance(value, dict):
            raise self._wrong(key, "a JSON object")
        return value

    def _wrong(self, key: str, expected: str) -> NaysayError:
        return NaysayError(f"{self.model}: --model-arg {key}={self._given.get(key)!r} must be {expected}.")
