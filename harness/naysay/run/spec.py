"""What a person asks for: one validated record, made from flags, from a YAML file, or from both.

The names in the file are the names of the flags, with underscores for hyphens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from naysay.errors import NaysayError, did_you_mean, is_utf8
from naysay.schema import Generation, Target
from naysay.yaml_keys import once_each


def _listed(value: Any) -> Any:
    """``a,b`` is the list of ``a`` and ``b``, so that the file may be written like the flag, which may be repeated."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [name for item in value for name in _listed(item)]
    return value


def _named(value: Any) -> Any:
    """A flag that is given and names nothing is a mistake, and not the same as none."""
    names = _listed(value)
    if names == [] and value != []:
        raise ValueError("names no attack; `naysay attacks` lists them")
    return names


def _number(value: Any) -> Any:
    """YAML reads ``limit: yes`` as true, which Python would take for 1."""
    if isinstance(value, bool):
        raise ValueError("is true or false (in YAML also yes, no, on and off), not a number")
    return value


def _utf8(value: Any) -> Any:
    """Text, a path, or several of either, as they are: a run folder holds UTF-8 and nothing else."""
    parts = [*value, *value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    if not all(is_utf8(part) for part in parts if isinstance(part, str | Path)):
        raise ValueError("is not UTF-8 text, and a run folder holds no other; write it, or rename it, in UTF-8")
    return value


_PLAIN = ("allow_missing", "retry_unparsable")
"""Switches that stand in a file only where they are on."""
_SECRET = re.compile(r"(^|_)(api_?key|key|secret|password|token|authorization)$", re.IGNORECASE)

_MOST: Final = 2**31 - 1
"""The largest count: products of counts are kept in 64 bits."""
_MOST_AT_ONCE: Final = 2**16
"""Requests in flight: a machine has no more ports for them."""
_MOST_SEED: Final = 2**62
"""The number of a sample is added to the seed, and the sum has to fit into 64 bits, too."""

Names = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]
Count = Annotated[int, BeforeValidator(_number), Field(ge=1, le=_MOST)]
AtOnce = Annotated[int, BeforeValidator(_number), Field(ge=1, le=_MOST_AT_ONCE)]
Seed = Annotated[int, BeforeValidator(_number), Field(ge=-_MOST_SEED, le=_MOST_SEED)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]


class RunSpec(BaseModel):
    """One run. Every field is a flag of ``naysay run``.

    ``out``, ``concurrency``, ``cache`` and ``retry_unparsable`` say how the work is done; everything else is part
    of the run's identity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(min_length=1)
    base_url: str | None = None
    model_arg: dict[str, str] = {}
    tasks: Names = ["starter"]
    data: Path | None = None
    allow_missing: bool = False
    judge: Names = ["embedded"]
    judge_model: str | None = None
    judge_base_url: str | None = None
    targets: Annotated[list[Target], BeforeValidator(_listed), Field(min_length=1)] = ["answer", "reasoning"]
    limit: Count | None = None
    attack: Annotated[list[str], BeforeValidator(_named)] = []
    attack_model: str | None = None
    attack_base_url: str | None = None
    samples: Count = 1
    seed: Seed = 0
    temperature: Annotated[Number, Field(ge=0)] | None = None
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    max_tokens: Count = 2048
    reasoning_tokens: Count | None = None
    reasoning_effort: Literal["minimal", "low", "medium", "high"] | None = None
    system: str | None = None
    max_turns: Count = 20
    agent_seconds: Annotated[Number, Field(gt=0)] = 1200.0
    agent_tokens: Count = 250_000
    environments: Annotated[list[Path], BeforeValidator(_listed)] = []
    concurrency: AtOnce | None = None
    cache: bool = True
    retry_unparsable: bool = False
    out: Path | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _is_utf8(cls, value: Any) -> Any:
        return _utf8(value)

    @field_validator("model_arg")
    @classmethod
    def _no_secrets(cls, args: dict[str, str]) -> dict[str, str]:
        for key in args:
            if _SECRET.search(key):
                raise ValueError(
                    f"{key} would be written into the run folder; put the key into an environment variable"
                )
        return args

    @field_validator("base_url", "judge_base_url", "attack_base_url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not a URL such as http://127.0.0.1:8000/v1")
        if parts.username or parts.password:
            raise ValueError("a user name or password in the URL would be written into the run folder")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _no_repeats(self) -> Self:
        for field in ("tasks", "judge", "targets", "attack"):
            names = getattr(self, field)
            if len(set(names)) != len(names):
                raise ValueError(f"{field} names {max(names, key=names.count)!r} twice")
        return self

    @property
    def again(self) -> tuple[str, ...]:
        """Reasons after which an earlier verdict is made again, beside errors."""
        return ("unparsable",) if self.retry_unparsable else ()

    @property
    def generation(self) -> Generation:
        """The settings that backends are given.

        Without ``--temperature`` one sample a prompt is greedy, and several are drawn at the server's own default:
        at temperature 0 they would all be the same.
        """
        temperature = self.temperature
        if temperature is None and self.samples == 1:
            temperature = 0.0
        return Generation(
            temperature=temperature,
            max_tokens=self.max_tokens,
            reasoning_tokens=self.reasoning_tokens,
            reasoning_effort=self.reasoning_effort,
            top_p=self.top_p,
            seed=self.seed,
            system=self.system,
        )

    def as_yaml(self) -> str:
        """The file that, given to ``naysay run``, does the same."""
        plain = self.model_dump(mode="json", exclude_none=True)
        plain = {k: v for k, v in plain.items() if v not in ({}, []) and not (k in _PLAIN and not v)}
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def make_spec(flags: Mapping[str, Any], file: Path | None = None) -> RunSpec:
    """A spec from a file and flags; a flag that was given wins over the file.

    Args:
        flags: ``{field: value}``; None means "not given".
        file: A YAML file, as ``naysay run --print-spec`` writes it.

    Raises:
        NaysayError: the file cannot be read, or a field is unknown or wrong; every problem is listed.
    """
    values: dict[str, Any] = dict(_read_spec(file)) if file else {}
    values.update({name: value for name, value in flags.items() if value is not None})
    where = str(file) if file else "The command line"
    if "model" not in values:
        raise NaysayError(
            "No model is named." if not file else f"{file}: no model is named.",
            hint="Give --model, for example --model organism, --model openai/gpt-4o-mini or --model replay/FILE.jsonl.",
        )
    try:
        return RunSpec(**values)
    except ValidationError as error:
        raise NaysayError(f"{where} is not a valid run:\n" + "\n".join(_problems(error))) from None


def _read_spec(file: Path) -> dict[str, Any]:
    shape = "`naysay run --print-spec ... > FILE` makes one."
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NaysayError(f"There is no spec file {file}.", hint=shape) from None
    except IsADirectoryError:
        raise NaysayError(
            f"{file} is a folder, not a spec file.",
            hint=f"Name a YAML file; {shape} A run folder goes on with the command it was made with.",
        ) from None
    except UnicodeDecodeError as error:
        raise NaysayError(
            f"{file} is not UTF-8 text: {error.reason} at byte {error.start}.",
            hint=f"A spec file is YAML; save it as UTF-8, or let naysay write one: {shape}",
        ) from None
    except OSError as error:
        raise NaysayError(f"{file} cannot be read: {error.strerror or error}.", hint=shape) from error
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise NaysayError(f"{file} is not a mapping of fields.", hint="`naysay run --print-spec` shows the shape.")
        once_each(node, file, _field)
        value = loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2025-02-30.
        raise NaysayError(f"{file} cannot be read as YAML: {error}", hint=shape) from error
    finally:
        loader.dispose()
    return {_field(key): field for key, field in value.items()}


def _field(key: Any) -> str:
    return str(key).replace("-", "_")


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False):
        field = ".".join(str(part) for part in problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            lines.append(f"  {field}: unknown field. {did_you_mean(field, RunSpec.model_fields)}")
        else:
            # Our own checks say what was wrong; repeating their input could repeat a secret.
            show = problem["type"] != "value_error" and problem["loc"]
            given = f" (given: {problem['input']!r})" if show else ""
            lines.append(f"  {field}: {said}{given}" if field else f"  {said}")
    return lines
