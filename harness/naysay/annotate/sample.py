"""The sample of a run that people label: drawn once, kept in the run folder, enlarged without losing anything.

Inside each stratum the responses stand in a random order that the seed fixes; a sample is the first so many of each.
A larger one goes further down the same order, so that what was labelled stays in it and every stratum stays a simple
random sample.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from naysay.annotate.allocate import FLOOR, LEAST, Cell, by_size, by_width, expected_width
from naysay.annotate.strata import UNDER_ATTACK, Frame, Stratum, choose_judge, make_frame
from naysay.errors import NaysayError
from naysay.runfolder import RunFolder
from naysay.schema import Target
from naysay.writing import cannot_write, write_atomically

FOLDER: Final = "annotation"
SAMPLE: Final = "sample.json"
WIDTH: Final = 0.06
"""Interval width that a sample is drawn for unless told otherwise."""


@dataclass(slots=True)
class Sample:
    """Which responses of a run are labelled.

    Attributes:
        id: Names the sample; labels of another one are not taken for labels of this one.
        target: What is labelled.
        judge: Name of the judge whose verdicts made the strata.
        judge_hash: Its hash.
        seed: Of every random order in it.
        key: Makes the orders, and the ids that whoever labels sees.
        population: Responses that could have been drawn.
        fingerprint: Of these and their strata.
        error_from: Where the expected errors come from.
        strata: The strata, with their sizes.
        drawn: How many were drawn from each.
        batches: Response ids in the order in which they are shown, one list each time that some were drawn.
        stratum_of: Stratum of each response that was drawn.
    """

    id: str
    target: Target
    judge: str
    judge_hash: str
    seed: int
    key: str
    population: int
    fingerprint: str
    error_from: str
    strata: list[Stratum]
    drawn: list[int]
    batches: list[list[str]] = field(default_factory=list)
    stratum_of: dict[str, int] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """Response ids in the order in which they are shown."""
        return [response_id for batch in self.batches for response_id in batch]

    def item_id(self, response_id: str) -> str:
        """What a page calls a response: says nothing of its stratum, its model or its place."""
        return _digest(self.key, "item", response_id)[:16]

    @property
    def trained(self) -> int:
        """Responses that the judge was trained on, of those that could be drawn."""
        return sum(stratum.size for stratum in self.strata if stratum.trained)

    @property
    def variants(self) -> bool:
        """Whether responses to variants are in it."""
        return any(stratum.arm.endswith(UNDER_ATTACK) for stratum in self.strata)

    def cells(self) -> list[Cell]:
        """The strata as allocation sees them."""
        return [Cell(s.arm, s.size, s.error, n) for s, n in zip(self.strata, self.drawn, strict=True)]

    def widths(self) -> dict[str, float]:
        """By arm: the expected width of the interval of its share."""
        return expected_width(self.cells(), self.drawn)


def place(run: RunFolder, target: str) -> Path:
    """The folder of a run's sample and of its annotators' labels."""
    return run.path / FOLDER / target


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a sample's folder for writing.

    Raises:
        NaysayError: it cannot be written, or another process holds it.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise NaysayError(f"Another process is writing to {folder}.", hint="Wait for it, or stop it.") from None
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def load(run: RunFolder, target: str) -> Sample | None:
    """The sample that was drawn before, or None.

    Raises:
        NaysayError: its file cannot be read.
    """
    path = place(run, target) / SAMPLE
    try:
        data = orjson.loads(path.read_bytes())
        strata = [Stratum(**stratum) for stratum in data.pop("strata")]
        return Sample(**{key: value for key, value in data.items() if key in Sample.__slots__}, strata=strata)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise NaysayError(
            f"{path} cannot be read: {error}.", hint="Restore it: labels that were given belong to it."
        ) from error


def draw(
    run: RunFolder,
    target: Target,
    *,
    judge: str | None = None,
    size: int | None = None,
    width: float | None = None,
    seed: int = 0,
    variants: bool = False,
) -> Sample:
    """Draw a sample and keep it in the run folder.

    Args:
        run: The run.
        target: What is to be labelled.
        judge: The judge that makes the strata; :func:`choose_judge`'s choice when left out.
        size: How many to draw.
        width: Or: how wide the interval of each arm's share may be, from end to end. :data:`WIDTH` when both are left
            out.
        seed: Of every random order.
        variants: Draw from responses to variants (attacks, mutations), too, in arms of their own.

    Raises:
        NaysayError: nothing can be labelled, or ``size`` is too small for the strata or more than there is.
    """
    chosen = choose_judge(run, judge, target)
    frame = make_frame(run, chosen, target, variants=variants)
    _check_size(run, target, size, len(frame.of))
    frame = _by_model(run, chosen, target, frame, size, width, variants=variants)
    if size is not None and size < LEAST * len(frame.strata):
        frame = make_frame(run, chosen, target, bands=False, variants=variants)
        least = sum(min(LEAST, stratum.size) for stratum in frame.strata)
        if size < least:
            raise NaysayError(
                f"{size} responses are too few for {len(frame.strata)} strata.", hint=f"Draw at least {least}."
            )
    identity = str(run.manifest.get("identity", ""))
    key = _digest(identity, target, frame.judge_hash, seed)
    sample = Sample(
        id=_digest(key, "sample", frame.fingerprint)[:16],
        target=target,
        judge=frame.judge,
        judge_hash=frame.judge_hash,
        seed=seed,
        key=key,
        population=len(frame.of),
        fingerprint=frame.fingerprint,
        error_from=frame.error_from,
        strata=frame.strata,
        drawn=[0] * len(frame.strata),
    )
    _extend(sample, frame, _wanted(sample.cells(), size, width))
    save(run, sample)
    return sample


def _by_model(
    run: RunFolder, judge: tuple[str, str], target: Target, frame: Frame, size: int | None, width: float | None, *,
    variants: bool,
) -> Frame:  # fmt: skip
    """Strata by model, too, where there are several and the sample is large enough for what every stratum needs.

    First with the bands of how sure the judge is, then without. Otherwise the frame as it was: then each model is drawn
    as often as chance has it.
    """
    wanted = sum(_wanted(_cells(frame.strata), size, width))
    for bands in (True, False):
        made = make_frame(run, judge, target, bands=bands, variants=variants, models=True)
        if len({stratum.model for stratum in made.strata}) < 2:
            return frame
        if FLOOR * len(made.strata) <= wanted:
            return made
    return frame


def _cells(strata: Sequence[Stratum]) -> list[Cell]:
    return [Cell(s.arm, s.size, s.error) for s in strata]


def enlarge(run: RunFolder, sample: Sample, *, size: int | None = None, width: float | None = None) -> int:
    """Draw more, keeping everything that was drawn. Returns how many were added.

    Raises:
        NaysayError: the run has changed since the sample was drawn, or ``size`` is smaller than it or more than there
            is.
    """
    have = len(sample.ids)
    if size is not None and size < have:
        raise NaysayError(
            f"{have} responses are drawn already; a sample does not shrink to {size}.",
            hint="Stop labelling whenever you like: what is labelled counts, and the order is random.",
        )
    if size is None and width is None:
        return 0
    _check_size(run, sample.target, size, sample.population)
    frame = make_frame(
        run, (sample.judge, sample.judge_hash), sample.target, variants=sample.variants,
        bands=any(stratum.banded for stratum in sample.strata), models=any(stratum.model for stratum in sample.strata),
    )  # fmt: skip
    if frame.fingerprint != sample.fingerprint:
        raise NaysayError(
            f"{run.path} has changed since its sample was drawn ({sample.population} responses then, {len(frame.of)} "
            "now, or other verdicts).",
            hint=f"The sample stays as it is. To draw a new one, move {place(run, sample.target)} away.",
        )
    wanted = _wanted(sample.cells(), size, width)
    if sum(wanted) > have:
        _extend(sample, frame, wanted)
        save(run, sample)
    return len(sample.ids) - have


def save(run: RunFolder, sample: Sample) -> None:
    """Write the sample into the run folder, in one step."""
    data = orjson.dumps(asdict(sample), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomically(place(run, sample.target) / SAMPLE, data)


def _check_size(run: RunFolder, target: str, size: int | None, population: int) -> None:
    """A slip of the keyboard must not draw the whole run: a sample does not shrink again."""
    if size is not None and size > population:
        raise NaysayError(
            f"--size {size:,} is more than the {population:,} responses of {run.path} whose {target} can be labelled.",
            hint=f"--size {population} draws them all.",
        )


def _wanted(cells: Sequence[Cell], size: int | None, width: float | None) -> list[int]:
    if size is not None:
        return by_size(cells, size)
    return by_width(cells, WIDTH if width is None else width)


def _extend(sample: Sample, frame: Frame, wanted: Sequence[int]) -> None:
    """Go further down each stratum's order, and put what is new behind the rest in an order of its own."""
    members: list[list[str]] = [[] for _ in frame.strata]
    for response_id, stratum in frame.of.items():
        members[stratum].append(response_id)
    added: list[str] = []
    for number, (some, n) in enumerate(zip(members, wanted, strict=True)):
        ordered = sorted(some, key=lambda name: _digest(sample.key, "draw", name))
        for response_id in ordered[sample.drawn[number] : n]:
            sample.stratum_of[response_id] = number
            added.append(response_id)
        sample.drawn[number] = max(n, sample.drawn[number])
    sample.batches.append(sorted(added, key=lambda name: _digest(sample.key, "show", name)))


def _digest(*parts: Any) -> str:
    text = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
