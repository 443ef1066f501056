"""Responses recorded earlier, instead of a model: ``replay/FILE.jsonl``."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from naysay.errors import NaysayError, did_you_mean
from naysay.model import reasoning
from naysay.model.arguments import Arguments
from naysay.records import shape_of
from naysay.schema import STATUSES, Generation, Prompt, Response, Status, response_id

_ANSWER_COLUMNS = ("answer", "response", "completion")
_KNOWN_COLUMNS = (*_ANSWER_COLUMNS, "id", "prompt_id", "response_id", "prompt", "sample", "reasoning", "status")


class ReplayBackend:
    """Gives back recorded responses, found by response id, prompt id, or the prompt's text.

    The file has one JSON object a line: naysay's own ``responses.jsonl``, or any with a column ``response`` (or
    ``answer``, ``completion``) and one of ``id``, ``prompt_id``, ``response_id``, ``prompt``. ``reasoning``,
    ``finish_reason`` and ``sample`` are read where they are there; without ``sample``, the second line for a prompt is
    its second sample. A response without ``reasoning`` is searched for inline thoughts.

    Only offsets are kept in memory, about 100 bytes a line.

    Args:
        path: The file.
        name: As given to ``--model``.
        base_url: None; a file has no address.
        args: None are known.
    """

    concurrency = 64
    cacheable = False
    """The file is the record; a second copy in the response cache would serve nobody."""

    def __init__(
        self, path: str, *, name: str, base_url: str | None = None, args: Mapping[str, str] | None = None
    ) -> None:
        Arguments(name, args or {}, ())
        if not path:
            raise NaysayError(f"{name!r} names no file.", hint="Write replay/FILE.jsonl.")
        if base_url:
            raise NaysayError(f"{name} reads a file: --base-url has no meaning here.")
        self.name = name
        self.path = Path(path)
        self._file: BinaryIO | None = None
        self._digest = ""
        self._exact: dict[bytes, int] = {}
        self._first: dict[bytes, int] = {}
        self._further: dict[bytes, list[int]] = {}

    def check(self) -> None:
        """Read the file once, and build the index.

        Raises:
            NaysayError: the file is missing, or a line of it is wrong (named by its number).
        """
        if self._file is not None:
            return
        try:
            if self.path.exists() and not self.path.is_file() and not self.path.is_dir():
                raise NaysayError(
                    f"{self.name}: {self.path} is a pipe or a device, which can be read only once.",
                    hint="Save it to a file first, and name that.",
                )
            file = self.path.open("rb")
        except OSError as error:
            raise NaysayError(
                f"{self.name}: cannot read {self.path} ({error.strerror}).", hint="Write replay/ and then a path."
            ) from error
        try:
            self._digest = self._read_all(file)
        except BaseException:
            file.close()
            self._forget()
            raise
        self._file = file

    def _read_all(self, file: BinaryIO) -> str:
        """Index every line; the content's hash."""
        digest = hashlib.sha256()
        offset = 0
        try:
            for number, line in enumerate(file, start=1):
                digest.update(line)
                if not line.isspace():
                    self._index(line, number, offset)
                offset += len(line)
        except OSError as error:
            raise NaysayError(f"{self.name}: cannot read {self.path} ({error.strerror}).") from error
        if not self._first and not self._exact:
            raise NaysayError(f"{self.name}: {self.path} holds no responses.")
        return digest.hexdigest()

    def _forget(self) -> None:
        for index in (self._exact, self._first, self._further):
            index.clear()

    async def prepare(self) -> None:
        """Read and index the file before a run writes anything.

        Raises:
            NaysayError: see :meth:`check`.
        """
        self.check()

    def identity(self) -> dict[str, Any]:
        """The file's content, wherever it lies.

        Raises:
            NaysayError: see :meth:`check`.
        """
        self.check()
        return {"backend": "replay", "file": self.path.name, "sha256": self._digest}

    def _index(self, line: bytes, number: int, offset: int) -> None:
        where = f"{self.path}, line {number}"
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise NaysayError(f"{where}: not JSON ({error}).", hint="Every line is one JSON object.") from None
        if not isinstance(row, dict):
            raise NaysayError(f"{where}: a JSON {type(row).__name__}, not an object.")
        if not any(column in row for column in _ANSWER_COLUMNS):
            near = next((k for k in row if "id" not in k and k != "prompt"), "")
            raise NaysayError(
                f"{where}: no column response, answer or completion (it has {', '.join(row) or 'none'}).",
                hint=did_you_mean(near, _ANSWER_COLUMNS),
            )
        for column in ("reasoning", *_ANSWER_COLUMNS):
            if row.get(column) is not None and not isinstance(row[column], str):
                raise NaysayError(f"{where}: {column} is a {type(row[column]).__name__}, not text.")
        if row.get("status") is not None and row["status"] not in STATUSES:
            raise NaysayError(
                f"{where}: status {row['status']!r} is unknown.", hint=did_you_mean(str(row["status"]), STATUSES)
            )
        if row.get("status") is not None and (found := shape_of(Response).wrong(_as_response(row))):
            raise NaysayError(f"{where}: {found}.", hint="Lines with a status are responses as naysay writes them.")
        sample = row.get("sample")
        if sample is not None and (not isinstance(sample, int) or sample < 0):
            raise NaysayError(f"{where}: sample {sample!r} is not a number from 0 on.")
        keys = _keys(row)
        if not keys:
            raise NaysayError(f"{where}: no column id, prompt_id, response_id or prompt, so nothing to match it by.")
        for key in keys:
            if sample is not None:
                self._exact[_digest(f"{key}#{sample}")] = offset
            elif key.startswith("i:") and "#" in key:
                self._exact[_digest(key)] = offset
            else:
                digest = _digest(key)
                if digest in self._first:
                    self._further.setdefault(digest, []).append(offset)
                else:
                    self._first[digest] = offset

    def _find(self, prompt: Prompt, sample: int) -> int | None:
        keys = (f"i:{prompt.id}", f"t:{prompt.text.strip()}")
        for key in keys:
            offset = self._exact.get(_digest(f"{key}#{sample}"))
            if offset is not None:
                return offset
        for key in keys:
            digest = _digest(key)
            if digest in self._first:
                offsets = self._further.get(digest, [])
                if sample == 0:
                    return self._first[digest]
                if sample <= len(offsets):
                    return offsets[sample - 1]
        return None

    async def generate(self, prompt: Prompt, sample: int, settings: Generation) -> Response:
        """The recorded response; ``settings`` are those of the recording."""
        self.check()
        await asyncio.sleep(0)
        offset = self._find(prompt, sample)
        if offset is None:
            return self._response(
                prompt, sample, None, "", "errored",
                error=f"{self.path} holds no response to {prompt.id}" + (f", sample {sample}" if sample else ""),
            )  # fmt: skip
        file = self._file
        assert file is not None
        file.seek(offset)
        return self._recorded(orjson.loads(file.readline()), prompt, sample)

    def _recorded(self, row: dict[str, Any], prompt: Prompt, sample: int) -> Response:
        text = next((row[column] for column in _ANSWER_COLUMNS if row.get(column) is not None), None)
        if row.get("status") is not None:
            kept = Response.from_dict(
                _as_response(
                    row, id=response_id(prompt.id, sample), prompt_id=prompt.id, sample=sample, model=self.name
                )
                | {"answer": text or ""}
            )
            kept.meta = {**kept.meta, **({"recorded_model": row["model"]} if row.get("model") else {})}
            return kept
        ended = str(row.get("finish_reason") or "stop")
        thought = row.get("reasoning")
        unterminated = False
        if thought is None and text:
            thought, text, unterminated = reasoning.split(text, finish_reason=ended)
        status: Status = "ok"
        if row.get("error") and not text:
            status = "errored"
        elif ended == "content_filter":
            status = "blocked"
        elif ended == "length" or unterminated:
            status = "truncated"
        elif not text or text.isspace():
            status = "empty"
        response = self._response(
            prompt, sample, thought or None, text or "", status, finish_reason=ended,
            error=str(row["error"]) if status == "errored" else None,
            blocked="content_filter" if status == "blocked" else None,
        )  # fmt: skip
        if row.get("model"):
            response.meta["recorded_model"] = str(row["model"])
        return response

    def _response(
        self, prompt: Prompt, sample: int, thought: str | None, answer: str, status: str, **more: Any
    ) -> Response:
        return Response(
            response_id(prompt.id, sample), prompt.id, sample, self.name, thought, answer, cast(Status, status), **more
        )

    async def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        self._forget()
        if file is not None:
            file.close()


def _as_response(
    row: Mapping[str, Any], *, id: str = "", prompt_id: str = "", sample: int = 0, model: str = ""
) -> dict[str, Any]:
    """A line with a status as a response's record; what is null in it is left out."""
    told = {key: value for key, value in row.items() if value is not None}
    mine = {"id": id, "prompt_id": prompt_id, "sample": sample, "model": model, "answer": "", "latency": None}
    return {"reasoning": None, **told, **mine}


def _keys(row: Mapping[str, Any]) -> list[str]:
    """What a line can be found by: ``i:`` and an id, ``t:`` and the prompt's text."""
    keys: list[str] = []
    for column in ("response_id", "id", "prompt_id"):
        value = row.get(column)
        if value is not None and f"i:{value}" not in keys:
            keys.append(f"i:{value}")
    text = row.get("prompt")
    if isinstance(text, str) and text.strip():
        keys.append(f"t:{text.strip()}")
    return keys


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=12).digest()
