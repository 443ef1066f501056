"""Rows from files: CSV, TSV, JSON, JSON Lines, Parquet and sheets, one at a time, each knowing where it stands."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naysay.errors import NaysayError

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".xlsx")
_BATCH = 1024


@dataclass(slots=True)
class Row:
    """One data row.

    Attributes:
        number: Its 0-based number among the rows of its source.
        values: Column to value.
        where: Where it stands, for errors (``data.jsonl:17``).
    """

    number: int
    values: Mapping[str, Any]
    where: str


def read_file(path: Path, field: str | None = None) -> Iterator[Row]:
    """The rows of a data file; its suffix says what it is.

    Empty lines in JSON Lines are passed over. ``NaN`` is a missing value (None). A JSON list of plain texts is read as
    rows with one column, ``text``.

    Args:
        path: The file.
        field: For JSON, the field of the outermost object that holds the rows.

    Raises:
        NaysayError: missing or unreadable file, unknown suffix, or a broken line, which is named.
    """
    readers: dict[str, Callable[[Path], Iterator[Row]]] = {
        ".jsonl": _json_lines, ".json": lambda file: _json(file, field), ".csv": lambda file: _csv(file, ","),
        ".tsv": lambda file: _csv(file, "\t"), ".parquet": _parquet, ".xlsx": _sheet,
    }  # fmt: skip
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise NaysayError(f"{path}: unknown kind of data file.", hint=f"Known: {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise NaysayError(f"{path}: there is no such data file.")
    try:
        yield from reader(path)
    except UnicodeDecodeError as error:
        raise NaysayError(
            f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}).", hint=utf16_hint(path)
        ) from error
    except OSError as error:
        raise NaysayError(f"{path}: cannot be read: {error.strerror or error}.") from error


def utf16_hint(path: Path) -> str | None:
    """What to do where a file's first bytes look like UTF-16, else None."""
    with path.open("rb") as stream:
        head = stream.read(64)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head.count(0) * 3 > len(head):
        return "It looks like UTF-16: save it as UTF-8."
    return None


def _json_error(error: json.JSONDecodeError) -> str:
    return f"{error.msg.removesuffix(' at')} at column {error.colno}"


def count_rows(path: Path) -> int | None:
    """How many rows a file has where that is cheap to know (JSON Lines), else None."""
    if path.suffix.lower() != ".jsonl":
        return None
    with path.open("rb") as stream:
        return sum(1 for line in stream if line.strip())


def plain(value: Any) -> Any:
    """A value as JSON has it: NaN is None, a whole float is an integer (pandas makes floats of both)."""
    if isinstance(value, float):
        if value != value:
            return None
        return int(value) if value.is_integer() else value
    return value


def _json_lines(path: Path) -> Iterator[Row]:
    number = 0
    with path.open(encoding="utf-8-sig") as stream:
        for line_number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            where = f"{path}:{line_number}"
            try:
                values = json.loads(line)
            except json.JSONDecodeError as error:
                raise NaysayError(f"{where}: is not valid JSON: {_json_error(error)}.") from error
            yield Row(number, _mapping(values, where), where)
            number += 1


def _json(path: Path, field: str | None) -> Iterator[Row]:
    text = path.read_text(encoding="utf-8-sig")
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        first = text.split("\n", 1)[0].strip()
        if error.msg == "Extra data" and first.startswith("{") and first.endswith("}"):
            yield from _json_lines(path)
            return
        message = f"{path}:{error.lineno}: is not valid JSON: {_json_error(error)}."
        raise NaysayError(message) from error
    if isinstance(rows, dict) and field is not None and field in rows:
        rows = rows[field]
    elif isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        raise NaysayError(f"{path}: must be a list of objects.")
    for number, values in enumerate(rows):
        where = f"{path}: row {number + 1}"
        yield Row(number, {"text": values} if isinstance(values, str) else _mapping(values, where), where)


def _mapping(values: Any, where: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise NaysayError(f"{where}: must be an object with named columns, not {type(values).__name__}.")
    return values


def _csv(path: Path, delimiter: str) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True, delimiter=delimiter)
        header: list[str] | None = None
        number = 0
        while True:
            start = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise NaysayError(f"{path}:{start}: is not valid CSV: {error}.") from error
            if not cells:
                continue
            if header is None:
                header = cells
                if len(set(header)) != len(header):
                    double = next(name for name in header if header.count(name) > 1)
                    raise NaysayError(f"{path}:{start}: the column {double!r} is there twice.")
                continue
            if len(cells) != len(header):
                message = f"{path}:{start}: has {len(cells)} cells, the header has {len(header)}."
                raise NaysayError(message, hint="A comma, quote or line break in a cell needs quotes around the cell.")
            yield Row(number, dict(zip(header, cells, strict=True)), f"{path}:{start}")
            number += 1


def _sheet(path: Path) -> Iterator[Row]:
    from naysay.task.sheets import read_sheet

    yield from (Row(number, values, where) for number, (values, where) in enumerate(read_sheet(path)))


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet as parquet  # type: ignore[import-untyped]
    except ImportError:
        raise NaysayError(
            f"{path}: reading Parquet needs pyarrow.", hint="pip install 'naysay[hub]', or convert the file to JSONL."
        ) from None
    try:
        table = parquet.ParquetFile(path)
        number = 0
        for batch in table.iter_batches(batch_size=_BATCH):
            for values in batch.to_pylist():
                yield Row(number, values, f"{path}: row {number + 1}")
                number += 1
    except (ValueError, RuntimeError) as error:  # pyarrow's errors derive from these
        raise NaysayError(f"{path}: is not a readable Parquet file: {error}.") from error
