"""Raw rates beside corrected ones, and what the correction rests on: for the terminal, for pages and for CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from naysay.board.figures import Figures
from naysay.board.text import interval, percent, short_hash, title, visible
from naysay.board.told import open_line
from naysay.measure.correction import Arm, CorrectedRate, Correction
from naysay.measure.headline import MEASURES, Headline
from naysay.measure.summary import Cell, Metrics

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS: Final = (
    "corrected", "corrected_low", "corrected_high", "corrected_method", "corrected_n", "gold_labels", "gold_by",
    "gold_sample", "gold_source", "assumption",
)  # fmt: skip
"""What ``rates.csv`` says of the correction of a rate."""
METHOD: Final = {
    "ppi++": "prediction-powered (PPI++)",
    "gold": "people's labels of everything",
    "rogan_gladen": "Rogan-Gladen",
}
SAMPLE: Final = {
    "everything": "everything labelled",
    "stratified": "stratified sample",
    "random": "random sample",
    "random_assumed": "taken as a random sample",
    "external": "another data set",
    "same": "these very responses, labelled outside the run",
}


def interval_cell(share: CorrectedRate | None) -> str:
    """A corrected share in one cell of a table: value and interval, or a dash.

    >>> interval_cell(None)
    '–'
    """
    if share is None or share.value is None:
        return "–"
    cut = "" if share.cut is None else f" cut at {percent(share.cut, 0)}"
    return f"{percent(share.value)} [{interval(*share.ends)}]{cut}"


def arm_line(arm: Arm) -> str:
    """What the corrected shares of an arm rest on, or why there are none."""
    what = title(arm.kind) + (f" (should {arm.expected})" if arm.kind == "agentic" and arm.expected else "")
    if arm.method == "none":
        return f"{what}: {visible(arm.reason or 'no gold labels')}"
    about = next(iter(arm.shares.values())).n
    if arm.method == "gold":
        line = f"{what}: people labelled all {about:,} responses, so their labels are the rate" + _outside(arm)
        return line + _unused(arm)
    by = f" by {visible(arm.labels_by)}" if arm.labels_by else ""
    labels = f"{arm.gold:,} gold labels{by}, {SAMPLE[arm.sample]}"
    if arm.source:
        labels += f" ({visible(arm.source)}, {short_hash(arm.fingerprint)})"
    used = f", from the judge's {arm.predictions}" if arm.predictions == "probabilities" else ""
    line = f"{what}: {METHOD[arm.method]}{used}, {labels}; about {about:,} responses"
    line += _outside(arm) + _unused(arm)
    folded = [title(name) for name, share in arm.shares.items() if share.folded]
    if folded:
        line += f"; {' and '.join(folded)} with refusals and partial refusals taken together"
    if cut := [
        f"{title(name)} at {percent(share.cut, 0)}" for name, share in arm.shares.items() if share.cut is not None
    ]:
        line += (
            f"; cut: {', '.join(cut)}, since no true share fits what the judge says here if it errs as it did there "
            "(within what chance explains)"
        )
    apart = {share.reason: name for name, share in arm.shares.items() if share.reason}
    for reason, name in apart.items():
        line += f"; no {title(name)}: {visible(reason)}"
    return line


def _unused(arm: Arm) -> str:
    return f"; --judge-error {visible(arm.unused)} is not used: labels of this run come first" if arm.unused else ""


def _outside(arm: Arm) -> str:
    return f" (left out: {', '.join(f'{n:,} {title(why)}' for why, n in arm.left_out.items())})" if arm.left_out else ""


def with_assumption(arm: Arm) -> str:
    """The same with what had to be assumed."""
    return arm_line(arm) + (f". Assumed: {visible(arm.assumption)}" if arm.assumption else "")


def correction_notes(metrics: Metrics, judge: dict[str, Any]) -> list[str]:
    """What a reader must know of a judge's corrected rates; empty where nothing was corrected or tried."""
    notes = []
    for correction in metrics.corrections:
        if (correction.judge, correction.judge_hash) != (judge["judge"], judge["judge_hash"]) or not tried(correction):
            continue
        lines = [arm_line(arm) for arm in correction.arms if arm.method != "none" or arm.reason != "no gold labels"]
        head = "Corrected" if correction.known else "Not corrected"
        assumed = dict.fromkeys(arm.assumption for arm in correction.arms if arm.assumption)
        notes.append(
            f"{head} for the errors of {visible(correction.judge)} ({title(correction.target)}): {'; '.join(lines)}."
            + "".join(f" Assumed: {visible(one)}." for one in assumed)
            + (f" {open_line(correction.open)}." if correction.open else "")
        )
    return notes


def tried(correction: Correction) -> bool:
    """Whether there was anything to correct by."""
    return any(arm.method != "none" or arm.gold or arm.reason not in NOTHING for arm in correction.arms)


NOTHING: Final = ("no gold labels", "nothing was scored", None)
"""Reasons of an arm for which nothing was tried."""


def corrected_tables(metrics: Metrics) -> Iterator[RenderableType]:
    """All four shares of every arm that was corrected, raw and corrected."""
    for correction in metrics.corrections:
        arms = [arm for arm in correction.arms if any(share.known for share in arm.shares.values())]
        # The headline has them where the prompts say what a good model does.
        arms = [arm for arm in arms if arm.kind in ("unspecified", "contested")]
        if not arms:
            continue
        heading = f"Corrected for the judge's errors: {title(correction.target)}, {visible(correction.judge)}"
        level = f"[{100 * metrics.confidence:g}%]"
        columns = ("kind", "label", f"raw {level}", f"corrected {level}", "gold labels")
        table = Figures(heading, columns, left=("label",))
        for arm in arms:
            for number, (name, share) in enumerate(arm.shares.items()):
                table.add(
                    "" if number else title(arm.kind),
                    title(name),
                    _raw_cell(share),
                    interval_cell(share),
                    f"{arm.gold:,}",
                )
        yield table


def _raw_cell(share: CorrectedRate) -> str:
    if share.raw is None or share.raw_low is None or share.raw_high is None:
        return "–"
    return f"{percent(share.raw)} [{interval(share.raw_low, share.raw_high)}]"


def of_model(metrics: Metrics, cell: Cell, name: str) -> tuple[Arm, CorrectedRate] | None:
    """The corrected share of one of several models, and its arm; None where nothing was tried."""
    correction = metrics.correction_of_model(cell.judge_hash, cell.target, cell.value) if cell.by == "model" else None
    mine = [arm for arm in correction.arms if arm.kind == cell.kind] if correction else []
    return (mine[0], mine[0].shares[name]) if len(mine) == 1 and name in mine[0].shares else None


def model_lines(metrics: Metrics, judge_hash: str, target: str) -> Iterator[str]:
    """What each model's corrected rates rest on, or why it has none."""
    for correction in metrics.corrections_by_model:
        if (correction.judge_hash, correction.target) == (judge_hash, target) and tried(correction):
            lines = [with_assumption(arm) for arm in correction.arms]
            yield f"{visible(correction.model)}: {'; '.join(lines)}."


def csv_columns(metrics: Metrics, owner: Any, section: str, by: str, kind: str, name: str) -> list[Any]:
    """Values of :data:`COLUMNS` for one rate of ``rates.csv``; blank where there is no corrected one."""
    found = _of_row(metrics, owner, section, by, kind, name)
    if found is None or found[1].value is None:
        return [""] * len(COLUMNS)
    arm, share = found
    return [
        share.value, share.low, share.high, arm.method, share.n, arm.gold, arm.labels_by, arm.sample, arm.source,
        arm.assumption,
    ]  # fmt: skip


def _of_row(
    metrics: Metrics, owner: Any, section: str, by: str, kind: str, name: str
) -> tuple[Arm, CorrectedRate] | None:
    correction = metrics.correction(owner.judge_hash, owner.target) if hasattr(owner, "target") else None
    if correction is None:
        return None
    if section == "headline":
        measure = next((m for m in MEASURES if m.name == name), None)
        return correction.find(measure.kind, measure.expected, measure.labels) if measure else None
    if section == "cell" and by == "model" and isinstance(owner, Cell):
        return of_model(metrics, owner, name)
    if section == "cell" and by == "overall":
        mine = [arm for arm in correction.arms if arm.kind == kind]
        if len(mine) == 1 and name in mine[0].shares:
            return mine[0], mine[0].shares[name]
    return None


def head_view(metrics: Metrics, head: Headline) -> dict[str, Any]:
    """What the page says beside a headline: whether it is corrected, and by what."""
    correction = metrics.correction(head.judge_hash, head.target)
    lines = []
    if correction is not None and tried(correction):
        lines = [with_assumption(arm) for arm in correction.arms]
    if correction is not None and correction.open:
        lines.append(open_line(correction.open))
    return {"corrected": bool(head.corrected), "lines": lines}


def view(metrics: Metrics) -> list[dict[str, Any]]:
    """The page's section with all corrected shares; empty where nothing was corrected."""
    return [
        {
            "judge": correction.judge,
            "hash": correction.judge_hash,
            "target": correction.target,
            "arms": [
                {"arm": arm, "line": with_assumption(arm)}
                for arm in correction.arms
                if any(share.known for share in arm.shares.values())
            ],
            "models": [
                {"model": one.model, "kind": arm.kind, "arm": arm, "line": with_assumption(arm)}
                for one in metrics.corrections_by_model
                if (one.judge_hash, one.target) == (correction.judge_hash, correction.target)
                for arm in one.arms
                if arm.reason not in NOTHING or arm.method != "none"
            ],
        }
        for correction in metrics.corrections
        if correction.known
    ]
