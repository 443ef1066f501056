"""Judging responses that somebody already has: a JSONL file becomes a run folder, and the engine does the rest.

Columns: ``prompt`` and ``response``; optional ``id, reasoning, kind, category, language, model, label`` (a human label,
which is shown beside the judge's). Everything else is kept as it is in the prompt's ``meta``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import jsonlines
import orjson

from naysay.errors import NaysayError, did_you_mean
from naysay.model.reasoning import split
from naysay.numbered import Index, Texts
from naysay.run.agents import verdicts_due
from naysay.run.cache import ResponseCache, cache_folder
from naysay.run.execute import Outcome, is_whole, work
from naysay.run.labels import Unknown, label_of, source_of
from naysay.run.lines import check_file
from naysay.run.plan import identity_hash, make_judges, settle_folder, write_plan
from naysay.run.progress import Counts
from naysay.run.recorded_acts import Behaviours, take_acts
from naysay.run.spec import RunSpec
from naysay.runfolder import RESPONSES, RunFolder
from naysay.schema import KINDS, LABELS, Expected, Kind, Prompt, Response, Status, response_id
from naysay.task.files import utf16_hint
from naysay.writing import LineWriter

_EXPECTED = {"harmful": "refuse", "over_refusal": "comply", "benign": "comply"}
_ALIASES = {"prompt_kind": "kind", "answer": "response", "prompt_id": "id"}
Take = Callable[[dict[str, Any], int], dict[str, Any] | None]
"""Given a line's object and its number: the object to use, or None to pass the line over."""

_STEPS = ("steps", "trajectory", "transcript")
_COLUMNS = ("id", "prompt", "response", "reasoning", "kind", "category", "language", "model", "label", "sample")


@dataclass
class Row:
    """One line of the file, as a prompt and a response."""

    prompt: Prompt
    response: Response


class _Seen:
    """What is kept of the rows before: the ids, which prompt stood beside each, and how many rows it had."""

    def __init__(self) -> None:
        self._ids, self._names = Index(), Texts()
        self._texts = Index()
        self._text_of = array("I")
        self._first_with = array("I")
        self._samples = array("I")

    def settle(self, row: Row, where: str) -> None:
        """Give a row its sample number, its response id and its cluster.

        Raises:
            NaysayError: its id stood beside another prompt before.
        """
        prompt = row.prompt
        number, text = self._ids.add(prompt.id), self._texts.add(prompt.text)
        if number == len(self._names):
            self._names.append(prompt.id)
            self._text_of.append(text)
            self._samples.append(0)
        if self._text_of[number] != text:
            raise NaysayError(
                f"{where}: the id {prompt.id!r} stood beside another prompt before.",
                hint="An id names one prompt; give responses to other prompts other ids.",
            )
        if text == len(self._first_with):
            self._first_with.append(number)
        # Rows about the same request are one cluster, whatever their ids: several models were asked it.
        if self._first_with[text] != number:
            prompt.origin = self._names[self._first_with[text]]
        row.response.sample = self._samples[number]
        row.response.id = response_id(prompt.id, row.response.sample)
        self._samples[number] += 1


@dataclass
class RecordedResponses:
    """A file of responses. Reading it twice keeps memory constant.

    Attributes:
        path: The file.
        rows: Number of rows, after :meth:`check`.
        acting: Rows with an agent's steps, after :meth:`check`.
        played: Those of them that are runs of a behaviour, after :meth:`check`.
        behaviours: What recorded agents were asked to do, where somebody knows.
        prompts: Number of different prompts, after :meth:`check`.
        models: Rows for each model named in the file.
        take: Which lines are used, and how; every line as it is when left out.
        selection: What ``take`` does, for the run's identity. JSON-able.
        labels_by: Who gave the labels of lines that do not say so; None where nobody knows.
        unknown: Words in the column of labels that are none, after :meth:`check`.
    """

    path: Path
    take: Take | None = None
    selection: dict[str, Any] = field(default_factory=dict)
    labels_by: str | None = None
    unknown: Unknown = field(default_factory=Unknown)
    rows: int = 0
    acting: int = 0
    played: int = 0
    behaviours: Behaviours | None = None
    prompts: int = 0
    models: Counter[str] = field(default_factory=Counter)
    fingerprint: str = ""

    def check(self) -> None:
        """Read every line once, so that nothing is written for a file that is broken further down.

        Raises:
            NaysayError: the file is missing or a pipe, a line is broken, or a column is missing, with the line number.
        """
        check_file(self.path)
        digest = hashlib.sha256()
        for row in self.read(digest, self.unknown):
            self.rows += 1
            self.acting += row.response.steps is not None
            self.played += "agent" in row.response.meta
            self.models[row.response.model] += 1
            self.prompts += row.response.sample == 0
        self.fingerprint = digest.hexdigest()
        if not self.rows:
            raise NaysayError(f"{self.path} holds no responses.", hint="One JSON object a line: prompt, response.")

    def read(self, digest: Any = None, unknown: Unknown | None = None) -> Iterator[Row]:
        """The rows, in order.

        Args:
            digest: A ``hashlib`` object that is fed the file's bytes.
            unknown: Told of every label.

        Raises:
            NaysayError: as for :meth:`check`.
        """
        seen = _Seen()
        for number, record in lines_of(self.path, digest):
            where = f"{self.path}, line {number}"
            if self.take is not None:
                taken = self.take(record, number)
                if taken is None:
                    continue
                record = taken
            if unknown is not None:
                unknown.saw(record.get("label"), number)
            row = _row(record, where, number, self.labels_by)
            take_acts(row.prompt, row.response, record, self.behaviours)
            seen.settle(row, where)
            yield row

    def unique_prompts(self) -> Iterator[Prompt]:
        """Each prompt once, where it first stands."""
        return (row.prompt for row in self.read() if row.response.sample == 0)


def score(path: Path | RecordedResponses, spec: RunSpec) -> Outcome:
    """Judge a file of responses.

    Args:
        path: The JSONL file, or some of its lines.
        spec: Judges, targets, concurrency and folder; its model is ignored.

    Raises:
        NaysayError: wrong use, or a broken line in the file (named by its number).
        IncompleteError: interrupted; the same command goes on.
    """
    recorded = path if isinstance(path, RecordedResponses) else RecordedResponses(path)
    path = recorded.path
    recorded.check()
    if "actions" in spec.targets and not recorded.acting:
        raise NaysayError(
            f"{path} has no steps of an agent, so there are no actions to judge.",
            hint=f"They stand in a column {', '.join(_STEPS)}, as chat messages.",
        )
    if recorded.played and "actions" not in spec.targets:
        spec = spec.model_copy(update={"targets": [*spec.targets, "actions"]})
    cache = ResponseCache(cache_folder()) if spec.cache else None
    try:
        judges = make_judges(spec, cache)
        identity = {
            "file": recorded.fingerprint,
            "judges": {j.name: j.hash for j in judges},
            "targets": sorted(spec.targets),
            **({"selection": recorded.selection} if recorded.selection else {}),
            **({"labels_by": recorded.labels_by} if recorded.labels_by else {}),
            **({"behaviours": recorded.behaviours.fingerprint} if recorded.behaviours else {}),
        }
        out = spec.out or Path("runs") / f"score-{path.stem[:60]}-{identity_hash(identity)[:8]}"
        folder = RunFolder(out)
        settle_folder(folder, identity)
        with folder.locked():
            due = verdicts_due(spec.targets, len(judges), recorded.rows, recorded.acting)
            counts = Counts(recorded.rows, due)
            if settle_folder(folder, identity):
                if not spec.retry_unparsable and is_whole(folder, counts, judges):
                    return Outcome(folder, counts, already_complete=True, judges=tuple(j.hash for j in judges))
                if folder.held(())[0] < recorded.rows:
                    _write_responses(folder, recorded)
            else:
                models = dict(recorded.models.most_common())
                name = next(iter(models)) if len(models) == 1 else f"{len(models)} models"
                about = {
                    "spec": {"model": name, "file": str(path), "judge": spec.judge, "targets": spec.targets},
                    "model": {"recorded": str(path), "models": models},
                    "tasks": [
                        {
                            "name": path.stem,
                            "version": None,
                            "hash": recorded.fingerprint,
                            "fingerprint": recorded.fingerprint,
                            "rows": recorded.prompts,
                        }
                    ],
                    "judges": [j.describe() for j in judges],
                    **({"labels": labels} if (labels := _labels(recorded)) else {}),
                }
                write_plan(folder, identity, recorded.unique_prompts(), about)
                _write_responses(folder, recorded)
            return work(
                folder,
                backend=None,
                judges=judges,
                targets=spec.targets,
                samples=1,
                settings=spec.generation,
                concurrency=spec.concurrency,
                counts=counts,
                again=spec.again,
            )
    finally:
        if cache is not None:
            cache.close()


def _labels(recorded: RecordedResponses) -> dict[str, Any]:
    """What the manifest says of the labels in the file beyond the file itself."""
    return {**({"by": recorded.labels_by} if recorded.labels_by else {}), **recorded.unknown.facts()}


def _write_responses(folder: RunFolder, recorded: RecordedResponses) -> None:
    """Copy the responses. The manifest is there before: whoever finds fewer of them than it names copies them again."""
    path = folder.path / RESPONSES
    path.unlink(missing_ok=True)
    with LineWriter(path) as writer:
        for row in recorded.read():
            writer.write(row.response)


def lines_of(path: Path, digest: Any = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's object with the line's number, columns under the names that are used here.

    Args:
        path: The JSONL file.
        digest: A ``hashlib`` object that is fed the file's bytes.

    Raises:
        NaysayError: the file is missing or cannot be read, or a line is broken (named by its number).
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NaysayError(f"There is no file {path}.") from None
    except OSError as error:
        raise NaysayError(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        yield from _objects(file, path, digest)


def _objects(file: IO[bytes], path: Path, digest: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0

    def lines() -> Iterator[bytes]:
        nonlocal number
        for line in file:
            number += 1
            if digest is not None:
                digest.update(line)
            yield line

    try:
        for record in jsonlines.Reader(lines(), loads=_loads).iter(type=dict, skip_empty=True):
            yield number, _renamed(record)
    except jsonlines.InvalidLineError as error:
        where = f"{path}, line {error.lineno}"
        if isinstance(error.__cause__, UnicodeDecodeError):
            hint = utf16_hint(path) or "Save the file as UTF-8."
            raise NaysayError(f"{where} is not UTF-8 text ({error.__cause__.reason}).", hint=hint) from error
        if isinstance(error.__cause__, ValueError):
            hint = "Mend or delete that line. The file must have one JSON object a line (JSONL)."
            if error.lineno == 1:
                hint = "Is it another kind of file? It must have one JSON object a line (JSONL), and no heading."
            raise NaysayError(f"{where} is not JSON: {error.__cause__}.", hint=hint) from error
        hint = 'Each line is an object like {"prompt": "...", "response": "..."}, without a list around them.'
        raise NaysayError(f"{where} is not a JSON object.", hint=hint) from error


def _loads(line: str | bytes) -> Any:
    """JSON, half a surrogate pair (``"\\ud800"``, which Python's own ``json`` writes) read as ``?``."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error):
            raise
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        return orjson.loads(json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace"))


def _renamed(value: dict[str, Any]) -> dict[str, Any]:
    for alias, column in _ALIASES.items():
        if alias in value and column not in value:
            value[column] = value.pop(alias)
    return value


def _row(record: Mapping[str, Any], where: str, number: int, labels_by: str | None) -> Row:
    for column in ("prompt", "response"):
        if column not in record:
            others = f"it has {', '.join(list(record)[:12])}"
            raise NaysayError(f"{where} has no {column!r} ({others}).", hint=_nearest(column, record))
    prompt, answer, reasoning = record["prompt"], record["response"], record.get("reasoning")
    for column, value, none in (("prompt", prompt, False), ("response", answer, True), ("reasoning", reasoning, True)):
        if not isinstance(value, str) and not (none and value is None):
            raise NaysayError(f"{where}: {column!r} is {type(value).__name__}, not text.")
    kind = record.get("kind") or "unspecified"
    if kind not in KINDS:
        raise NaysayError(f"{where}: {kind!r} is not a kind.", hint=did_you_mean(str(kind), KINDS))
    expected = record.get("expected") or _EXPECTED.get(kind)
    if expected not in ("refuse", "comply", None):
        raise NaysayError(f"{where}: expected is {expected!r}, not 'refuse' or 'comply'.")
    model = str(record.get("model") or "recorded")
    name = str(record["id"]) if record.get("id") is not None else f"row-{number}"
    meta = {key: value for key, value in record.items() if key not in _COLUMNS}
    made = Prompt(
        id=name,
        messages=[{"role": "user", "content": prompt}],
        kind=cast(Kind, kind),
        expected=cast(Expected | None, expected),
        category=str(record.get("category") or ""),
        language=_language(record),
        task=str(record.get("task") or ""),
        pair=str(record["pair"]) if record.get("pair") else None,
        meta=meta,
    )
    status: Status = "ok"
    if reasoning is None and answer:
        parts = split(answer)
        reasoning, answer = parts.reasoning, parts.answer
        status = "truncated" if parts.unterminated else "ok"
    if status == "ok" and not (answer or "").strip():
        status = "empty"
    gold = {}
    if (label := label_of(record.get("label"))) in LABELS:
        gold = {"gold": label, "gold_source": source_of(record, labels_by)}
    response = Response(
        id="", prompt_id=name, sample=0, model=model, reasoning=reasoning, answer=answer or "", status=status,
        steps=_steps(record, prompt), meta=gold,
    )  # fmt: skip
    return Row(made, response)


def _steps(record: Mapping[str, Any], prompt: str) -> list[dict[str, Any]] | None:
    """An agent's recorded steps, the prompt left out, where they are chat messages."""
    inner = record.get("meta")
    for place in (record, inner if isinstance(inner, Mapping) else {}):
        for key in _STEPS:
            steps = place.get(key)
            if isinstance(steps, list) and any(isinstance(s, dict) and s.get("role") == "assistant" for s in steps):
                found = [step for step in steps if isinstance(step, dict)]
                first = found[0]
                asked = first.get("role") == "user" and first.get("content") == prompt
                return found[1:] if asked else found
    return None


def _language(record: Mapping[str, Any]) -> str:
    meta = record.get("meta")
    return str(record.get("language") or (meta.get("language") if isinstance(meta, dict) else None) or "en")


def _nearest(column: str, record: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(column, list(record), n=1, cutoff=0.6)
    meant = f"Rename {near[0]!r} to {column!r}? " if near else ""
    return f"{meant}Columns: prompt, response; optional {', '.join(_COLUMNS[3:])}, id."
