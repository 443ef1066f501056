"""Finding what is known of a run's judges from other labelled sets, when the user asks for it by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields
from pathlib import Path

import orjson

from naysay.errors import NaysayError, did_you_mean
from naysay.measure.judge_error import JudgeError, find, of_people, place
from naysay.runfolder import RunFolder

AUTO = "auto"
"""Asks for whatever is known, and is an error that lists it where it leaves a choice."""


def judge_errors(run: RunFolder, names: Sequence[str], *, machines: bool = False) -> tuple[JudgeError, ...]:
    """The measurements that correct a run, one for each judge and target at most.

    Args:
        run: The run; its manifest names the judges.
        names: Names of labelled sets, files that ``naysay judges measure`` wrote, or :data:`AUTO`, which never takes
            one whose labels are not known to be people's.
        machines: One that is named may be such a one all the same.

    Raises:
        NaysayError: nothing is known by that name, what is known is of other judges or was not labelled by people, or
            several measurements are of the same judge and target.
    """
    judges = {str(j.get("hash")): str(j.get("name")) for j in run.manifest.get("judges") or ()}
    spec = run.manifest.get("spec")
    targets = set(spec.get("targets") or ()) if isinstance(spec, dict) else set()
    chosen: list[JudgeError] = []
    for name in names:
        known = [_read(Path(name))] if Path(name).is_file() else _known(judges)
        mine = [e for e in known if e.judge_hash in judges and (not targets or e.target in targets)]
        named = mine if name == AUTO or Path(name).is_file() else [e for e in mine if e.gold == name]
        if not named:
            raise _nothing(name, known, mine, judges)
        theirs = [e for e in named if of_people(e)]
        if not theirs and (name == AUTO or not machines):
            raise _not_by_people(named, name)
        named = theirs if name == AUTO or not machines else named
        chosen += _whole(named)
    for error in chosen:
        same = [e for e in chosen if (e.judge_hash, e.target) == (error.judge_hash, error.target)]
        if len(same) > 1:
            sets = ", ".join(f"{e.gold} ({e.n:,} labels, {e.measured[:10]})" for e in same)
            files = "".join(
                f"\n  --judge-error {_file_of(e, names)}  ({e.gold}, {e.n:,} labels, set {e.gold_fingerprint[:10]})"
                for e in same
            )
            raise NaysayError(
                f"The judge {error.judge} ({error.target}) was measured more than once: {sets}.",
                hint=f"Name one of them, the one whose responses are most like these:{files}",
            )
    return tuple(chosen)


def _whole(named: Sequence[JudgeError]) -> list[JudgeError]:
    """All but those on a part (``--limit``) of a set on which the same judge was measured by more of its labels."""
    of: dict[tuple[str, str, str, str], list[JudgeError]] = {}
    for error in named:
        of.setdefault((error.judge_hash, error.target, error.gold, error.gold_fingerprint), []).append(error)
    kept = []
    for same in of.values():
        most = max(same, key=lambda error: error.n)
        kept += [error for error in same if error is most or not error.selection.get("limit")]
    return kept


def _known(judges: Iterable[str]) -> list[JudgeError]:
    return [error for digest in judges for error in find(digest)]


def own_files(run: RunFolder) -> frozenset[str]:
    """SHA-256 of the files that a run is about."""
    settings = run.manifest.get("settings")
    found = {str(settings.get("file") or "")} if isinstance(settings, dict) else set()
    found |= {str(task.get("fingerprint") or "") for task in run.manifest.get("tasks") or ()}
    return frozenset(found - {""})


def _file_of(error: JudgeError, names: Iterable[str]) -> str:
    kept = place(error)
    if kept.is_file():
        return str(kept)
    return next((name for name in names if Path(name).is_file() and _read(Path(name)) == error), error.gold)


def _read(path: Path) -> JudgeError:
    hint = "`naysay judges measure NAME --gold FILE` writes one and says where."
    try:
        data = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise NaysayError(f"{path} is not a measurement of a judge: {error}.", hint=hint) from error
    if not isinstance(data, dict):
        raise NaysayError(f"{path} is not a measurement of a judge: it is no JSON object.", hint=hint)
    needed = [f.name for f in fields(JudgeError) if f.default is MISSING and f.default_factory is MISSING]
    if lacking := [name for name in needed if name not in data]:
        raise NaysayError(f"{path} is not a measurement of a judge: it has no {', '.join(lacking)}.", hint=hint)
    try:
        return JudgeError.from_dict(data)
    except KeyError as error:
        raise NaysayError(f"{path} is not a measurement of a judge: a part of it has no {error}.", hint=hint) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise NaysayError(
            f"{path} is not a measurement of a judge: a field in it is not of the right kind.", hint=hint
        ) from error


def _not_by_people(found: Sequence[JudgeError], name: str) -> NaysayError:
    error = found[0]
    sets = ", ".join(dict.fromkeys(f"{e.gold} (by {e.labels_by or 'nobody knows whom'})" for e in found))
    named = error.gold if name == AUTO else name
    return NaysayError(
        f"The judge {error.judge} was measured on labels that are not known to be people's: {sets}. They are another "
        "judge's errors, and correct nothing.",
        hint="If people gave them and the file does not say so: `naysay judges measure NAME --gold FILE --labels-by "
        f"human`. `--judge-error {named} --allow-machine-labels` corrects by them all the same; the report says so.",
    )


def _nothing(name: str, known: list[JudgeError], mine: list[JudgeError], judges: dict[str, str]) -> NaysayError:
    ours = ", ".join(f"{judge} ({digest[:17]})" for digest, judge in judges.items())
    if known and not mine:
        return NaysayError(
            f"{name} is about {known[0].judge} ({known[0].judge_hash[:17]}, {known[0].target}), which did not judge "
            f"this run: that was {ours}.",
            hint="A changed judge has another hash and other errors. Measure the judge that judged this run.",
        )
    if mine:
        return NaysayError(
            f"The judges of this run were not measured on {name!r}.", hint=did_you_mean(name, {e.gold for e in mine})
        )
    return NaysayError(
        f"Nothing is known of the errors of {ours or 'this run'}.",
        hint="Measure it first: `naysay judges measure NAME --gold labelled.jsonl`.",
    )
