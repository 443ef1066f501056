"""Reading JSON lines, and what each line must look like before anything is made of it.

A line can be well-formed JSON and still be no record: somebody edited the file, or another program wrote it. That is
found here, where file and line are still known. Only the types of the fields are looked at, by tables made once from
the dataclasses: runs have hundreds of thousands of lines, and full validation would take longer than reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import orjson

from naysay.errors import NaysayError
from naysay.schema import Prompt


class _Absent:
    """Stands for a field that a line does not have."""


_ABSENT: Final = _Absent()
_NAMES: Final[dict[type, str]] = {
    str: "text", int: "a number", float: "a number", bool: "true or false", type(None): "null", list: "a list",
    dict: "an object",
}  # fmt: skip
_UNPRINTED: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")


_MOST_KEPT: Final = 1000


@dataclass(slots=True)
class Message:
    """What every message of a prompt has."""

    role: str
    content: str | list[Any] | None


_ITEMS: Final[dict[tuple[type, str], type]] = {(Prompt, "messages"): Message}
"""Fields whose items are more than their annotation says."""


@dataclass(slots=True, frozen=True)
class _Inside:
    """What the items of a list or the values of an object must be."""

    field: str
    types: frozenset[type]
    shape: Shape | None

    def wrong(self, value: list[Any] | dict[str, Any]) -> str | None:
        """What is wrong with one of them, or None."""
        items = value.values() if type(value) is dict else value
        if self.types.issuperset(map(type, items)) and (self.shape is None or not any(map(self.shape.wrong, items))):
            return None
        for key, item in zip(value if type(value) is dict else range(1, len(value) + 1), items, strict=True):
            if type(item) not in self.types:
                return f"{self._where(key)} is {named(item)}, not {_either(self.types)}"
            if self.shape is not None and (found := self.shape.wrong(item)):
                return f"{self._where(key)}: {found}"
        return None

    def _where(self, key: object) -> str:
        return f"{self.field!r}, {key!r}" if isinstance(key, str) else f"{self.field!r}, item {key}"


@dataclass(slots=True, frozen=True)
class Shape:
    """The fields of a record and what they may be.

    Attributes:
        outside: Names with their types; :class:`_Absent` is among the types of those that may be left out.
        inside: What lists and objects hold, where anything is known of it.
        words: Names of fields that hold one of a few words, with these.
    """

    outside: tuple[tuple[str, frozenset[type]], ...]
    inside: tuple[_Inside, ...]
    words: tuple[tuple[str, frozenset[object]], ...] = ()
    _right: set[tuple[object, ...]] = field(default_factory=set)
    """Names and types of whole lines that were right: nearly all lines of a file have the same few."""

    def wrong(self, record: Mapping[str, Any]) -> str | None:
        """What is wrong with a line's object, or None."""
        have = (*record, *map(type, record.values()))
        if have not in self._right:
            for name, types in self.outside:
                if type(record.get(name, _ABSENT)) not in types:
                    return _misfit(record, name, types)
            if len(self._right) < _MOST_KEPT:
                self._right.add(have)
        for name, known in self.words:
            if (word := record.get(name, _ABSENT)) not in known:
                return f"{name!r} is {word!r}, not one of {', '.join(sorted(map(str, known - {_ABSENT, None})))}"
        for inside in self.inside:
            if (value := record.get(inside.field)) and (found := inside.wrong(value)):
                return found
        return None


@cache
def shape_of(kind: type) -> Shape:
    """The shape of a dataclass as it stands on a line."""
    hints = get_type_hints(kind)
    outside: list[tuple[str, frozenset[type]]] = []
    inside: list[_Inside] = []
    words: list[tuple[str, frozenset[object]]] = []
    for each in fields(kind):
        types, item = _types(hints[each.name])
        if known := _words(hints[each.name]):
            words.append((each.name, known | {_ABSENT}))
        if types:
            needed = each.default is MISSING and each.default_factory is MISSING
            outside.append((each.name, types if needed else types | {_Absent}))
        item = _ITEMS.get((kind, each.name), item)
        held, _ = _types(item)
        if held:
            # What is no number (nan) is written as null, and numbers come from servers as they please.
            numbers = {int, float, bool, type(None)} if held & {int, float} else set()
            shape = shape_of(cast(type, item)) if is_dataclass(item) else None
            inside.append(_Inside(each.name, held | numbers, shape))
    return Shape(tuple(outside), tuple(inside), tuple(words))


def _types(hint: Any) -> tuple[frozenset[type], Any]:
    """The types that JSON has for an annotation, none for those that say nothing; and the annotation of what is in it.

    >>> _types(list[str] | None) == (frozenset({list, type(None)}), str)
    True
    """
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return frozenset(), Any
    if origin is Literal:
        return frozenset(map(type, args)), Any
    if origin in (list, dict):
        return frozenset({origin}), args[-1]
    if args and (origin is Union or type(None) in args):
        parts = [_types(arg) for arg in args]
        return frozenset().union(*(types for types, _ in parts)), next((i for _, i in parts if i is not Any), Any)
    if is_dataclass(hint):
        return frozenset({dict}), Any
    return frozenset({float, int} if hint is float else {hint}), Any


def _words(hint: Any) -> frozenset[object]:
    """The words that an annotation allows, None among them where it does; none where it is not of words.

    >>> sorted(map(str, _words(Literal["a", "b"] | None)))
    ['None', 'a', 'b']
    """
    if get_origin(hint) is Literal:
        return frozenset(get_args(hint))
    parts = [part for part in get_args(hint) if part is not type(None)]
    if len(parts) == 1 and get_origin(parts[0]) is Literal and type(None) in get_args(hint):
        return frozenset({*get_args(parts[0]), None})
    return frozenset()


def named(value: Any) -> str:
    """What a value out of JSON is, in words.

    >>> named(5), named(None)
    ('a number', 'null')
    """
    return _NAMES[type(value)]


def _misfit(record: Mapping[str, Any], name: str, types: frozenset[type]) -> str:
    if name in record:
        return f"{name!r} is {named(record[name])}, not {_either(types)}"
    return f"{name!r} is missing (it has {', '.join(list(record)[:12]) or 'nothing'})"


def _either(types: frozenset[type]) -> str:
    hidden = {_Absent, bool} if int in types else {_Absent}
    return " or ".join(sorted({_NAMES[one] for one in types - hidden}))


@dataclass(slots=True, frozen=True)
class Lines:
    """What a file of JSON lines holds.

    Attributes:
        kind: The dataclass of its records; None where any object will do.
        remedy: What to do about a line that cannot be read.
        whole: The file is written at once, so that its last line is whole, too; of a log that is being appended to, a
            last line without a newline is left out.
    """

    kind: type | None = None
    remedy: str = "Mend or delete that line."
    whole: bool = False


def lines(path: Path, what: Lines) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line of a JSONL file as ``(offset in bytes, object)``.

    Raises:
        NaysayError: the file cannot be read, or a line is not what it should be, with its number.
    """
    check = shape_of(what.kind).wrong if what.kind is not None else None
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unread(path, error) from error
    with file:
        offset = number = 0
        try:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n") and not what.whole and _torn(line):
                    return
                if line.strip():
                    try:
                        record = orjson.loads(line)
                    except ValueError as error:
                        raise _broken(path, number, line, error, what) from error
                    if type(record) is not dict:
                        found: str | None = f"it is {named(record)}, not an object"
                    else:
                        found = check(record) if check is not None else None
                    if found:
                        raise NaysayError(f"{path}, line {number}: {found}{_whose(record)}.", hint=what.remedy)
                    yield offset, record
                offset += len(line)
        except OSError as error:
            raise _unread(path, error) from error


def _whose(record: Any) -> str:
    name = (record.get("response_id") or record.get("id")) if isinstance(record, dict) else None
    return f" (of {name!r})" if isinstance(name, str) else ""


def _torn(line: bytes) -> bool:
    """Whether a killed process can have left this: the beginning of an object, or a block that was never filled."""
    kept = line.rstrip(b"\0")
    return not kept or kept.startswith(b"{")


def _unread(path: Path, error: OSError) -> NaysayError:
    return NaysayError(
        f"{path} cannot be read: {error.strerror or error}.",
        hint="Put the file back, or give it to whoever runs this command to read.",
    )


def _broken(path: Path, number: int, line: bytes, error: ValueError, what: Lines) -> NaysayError:
    try:
        line.decode("utf-8")
        text = _UNPRINTED.search(line) is None
    except UnicodeDecodeError:
        text = False
    if text:
        return NaysayError(f"{path}, line {number} is broken: {error}.", hint=what.remedy)
    # There may be many such lines, a record may stand behind the junk on the same one, and editors change the rest.
    return NaysayError(
        f"{path}, line {number} is not text: there is binary data in it, so the file was damaged.",
        hint=f"Restore the file from a copy if there is one. {what.remedy}",
    )
