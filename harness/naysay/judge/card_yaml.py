"""Reading the YAML files of judges, and saying what is wrong with one so that a person can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from naysay.errors import NaysayError, did_you_mean
from naysay.yaml_keys import once_each

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """A YAML file as plain data.

    Raises:
        NaysayError: it cannot be read, is not YAML, or has a key twice (with the line).
    """
    try:
        loader = _LOADER(path.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            once_each(node, path)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except OSError as error:
        raise NaysayError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise NaysayError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise NaysayError(f"{path}{where} is not valid YAML: {getattr(error, 'problem', None) or error}.") from error


def explain(path: Path, error: ValidationError, known: type[BaseModel] | None) -> NaysayError:
    """The first few of pydantic's complaints as one error a person can act on."""
    complaints: list[str] = []
    hint = None
    for problem in error.errors()[:5]:
        place = ".".join(str(p) for p in problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        said = f"{said[:1].lower()}{said[1:]}"
        if problem["type"] == "extra_forbidden":
            complaints.append(f"field {place!r} is not known")
            fields = _fields_at(known, problem["loc"])
            hint = hint or did_you_mean(str(problem["loc"][-1]), fields)
        else:
            if place.endswith(".[key]"):
                place = place.removesuffix(".[key]")
                if isinstance(problem["input"], bool):
                    hint = hint or "YAML reads yes, no, on and off as true and false: put the word into quotes."
            complaints.append(f"field {place!r}: {said}" if place else said)
    return NaysayError(f"{path}: {'; '.join(complaints)}.", hint=hint)


def _fields_at(model: type[BaseModel] | None, place: tuple[int | str, ...]) -> Iterable[str]:
    """The names of the fields beside the one at ``place``, as far as records lie straight in each other."""
    for part in place[:-1]:
        inner = model.model_fields[part].annotation if model and part in model.model_fields else None
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
    return model.model_fields if model else ()


def read_model(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a strict record.

    Raises:
        NaysayError: naming the file and the field.
    """
    data = read_yaml(path)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise explain(path, error, model) from error
