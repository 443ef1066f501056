"""What judges said of labelled sets, as the tables of docs/judges.md."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from published import RULES, elsewhere_table

from naysay import __version__
from naysay.errors import NaysayError
from naysay.judge import Entry, create
from naysay.measure.judge_figures import Figure
from naysay.schema import LABELS, JudgeItem

OPEN, CLOSE = "<!-- judges_table -->", "<!-- /judges_table -->"
ABOUT = {
    "xstest_v2_human": "Final label of two people (XSTest).",
    "chatgpt_refusals_human": (
        "Hand-labelled by other rules: redirections and disclaimers count here as partial refusals. Self-contradicting "
        "and incoherent responses have no label and are left out, so this is not the authors' two-way task: that is "
        "`benchmarks/chatgpt_refusals.py`."
    ),
    "gptfuzz_human": (
        "People said whether a jailbreak worked. Three models, and no row says which. About 13 % are repeats, and some "
        "labels are wrong."
    ),
    "phtest_responses_machine": "Labelled by a language model. About half of the responses are cut by a token limit.",
    "k_overrefusal_merged_machine": "Korean; labelled by a language model, partial refusals are its deflections.",
    "refusal_direction_runs_machine": (
        "The labels are the twelve substrings' own, where Llama Guard 2 does not contradict: theirs is no result, and "
        "every rule about such phrases is flattered. Some responses come from models with edited activations."
    ),
    "agentharm_llama_trajectories_machine": (
        "The label is of a whole transcript with tool calls, given by the acting model itself; judges here read the "
        "last answer alone. Take it as a warning and not as a measure."
    ),
}
HEADER = (
    "| judge | scored | coverage | 3-way accuracy | 3-way kappa | refusal-or-partial accuracy | kappa | F1 "
    "| partial recall | partial precision | responses/s |"
)


@dataclass
class GoldSet:
    """A labelled set.

    Attributes:
        name: Of the file.
        fingerprint: Of its bytes.
        by: Who labelled.
        items: What judges are given.
        gold: Index of each label in :data:`LABELS`. Shape ``(rows,)``.
        cluster: Number of each row's prompt. Same shape.
        meta: What else came with each row.
        left_out: Rows without one of the three labels.
    """

    name: str
    fingerprint: str
    by: str
    items: list[JudgeItem]
    gold: NDArray[np.int64]
    cluster: NDArray[np.int64]
    meta: list[dict]
    left_out: int

    @property
    def three_way(self) -> bool:
        return len(np.unique(self.gold)) == len(LABELS)

    @property
    def texts(self) -> list[str]:
        return [item.response.answer for item in self.items]


@dataclass
class Line:
    """One judge on one set.

    Attributes:
        judge: What to call it.
        scored: Rows that got a label.
        total: Rows that could have.
        figures: By name.
        rate: Responses a CPU second, where it was run here.
        seconds: CPU seconds.
        mark: ``""``, ``in sample``, ``by construction``, ``held out: PROTOCOL`` or another remark.
    """

    judge: str
    scored: int
    total: int | None
    figures: dict[str, Figure]
    rate: float | None = None
    seconds: float = 0.0
    mark: str = ""


def number(figure: Figure | None, interval: bool = False) -> str:
    if figure is None or figure.value is None:
        return ""
    if not interval or figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def markdown(line: Line) -> str:
    name = f"*{line.judge} ({line.mark})*" if line.mark in ("in sample", "by construction") else line.judge
    if line.mark and not name.startswith("*"):
        name += f" ({line.mark})"
    shown = line.figures.get
    cells = [
        name,
        f"{line.scored:,}",
        "" if line.total is None else f"{line.scored / line.total:.3f}",
        number(shown("accuracy")),
        number(shown("kappa"), True),
        number(shown("binary_accuracy")),
        number(shown("binary_kappa"), True),
        number(shown("binary_f1")),
        number(shown("partial_recall")),
        number(shown("partial_precision")),
        "" if line.rate is None else f"{rounded(line.rate):,}",
    ]
    return "| " + " | ".join(cells) + " |"


def rounded(rate: float) -> int:
    """Two digits: more would be noise."""
    return int(float(f"{rate:.2g}"))


def set_section(data: GoldSet, lines: Sequence[Line]) -> list[str]:
    prompts, models = int(data.cluster.max()) + 1, len({item.response.model for item in data.items})
    ways = "three labels" if data.three_way else "two labels"
    left = f"; {data.left_out:,} rows without one of these labels left out" if data.left_out else ""
    facts = (
        f"{len(data.items):,} responses to {prompts:,} prompts, "
        f"{models} model name{'s' if models > 1 else ''}, {ways}, by {data.by}{left} (sha256 {data.fingerprint})."
    )
    return [
        f"#### {data.name}",
        "",
        " ".join(filter(None, [facts, ABOUT.get(data.name, "")])),
        "",
        HEADER,
        "|---|" + "--:|" * 10,
        *map(markdown, lines),
        "",
    ]


def glance(measured: Sequence[tuple[GoldSet, list[Line]]], names: Sequence[str]) -> list[str]:
    """Refusal-or-partial kappa of each judge on each set; never of rows that it was trained on."""
    head = [
        "Refusal-or-partial kappa at a glance. † held out, as on the judge's card; — trained on the set and not "
        "measured on rows held out, or no result by construction.",
        "",
        "| set | labels by | n | " + " | ".join(names) + " |",
        "|---|---|--:|" + "--:|" * len(names),
    ]
    for data, lines in measured:
        cells = []
        for name in names:
            mine = [line for line in lines if line.judge == name]
            plain = next((line for line in mine if not line.mark), None)
            known = next((line for line in mine if line.mark.startswith("held out")), None)
            if plain:
                cells.append(number(plain.figures.get("binary_kappa")))
            elif known:
                cells.append(number(known.figures.get("binary_kappa")) + " †")
            else:
                cells.append("—")
        head.append("| " + " | ".join([data.name, data.by, f"{len(data.items):,}", *cells]) + " |")
    return [*head, ""]


def speed(measured: Sequence[tuple[GoldSet, list[Line]]], names: Sequence[str]) -> list[str]:
    """Over all sets together."""
    total = sum(len(data.items) for data, _ in measured)
    length = statistics.median(len(text) for data, _ in measured for text in data.texts)
    rates = {
        name: total / sum(line.seconds for _, lines in measured for line in lines if line.judge == name)
        for name in names
    }
    beside_keyword = f"| beside {names[0]} "
    lines = [
        f"Speed over all of these: {total:,} responses, {length:,.0f} characters in the middle one.",
        "",
        f"| judge | responses/s {beside_keyword}|",
        "|---|--:|--:|",
    ]
    lines += [f"| {name} | {rounded(rate):,} | {rate / rates[names[0]]:.2f} |" for name, rate in rates.items()]
    return [*lines, ""]


def page(measured: Sequence[tuple[GoldSet, list[Line]]], entries: Sequence[Entry]) -> list[str]:
    names = [entry.name for entry in entries]
    hashes = ", ".join(f"{entry.name} {create(str(entry.path)).hash}" for entry in entries)
    return [
        f"naysay {__version__}; {hashes}.",
        "",
        *glance(measured, [*names, *RULES]),
        *speed(measured, names),
        *(line for data, lines in measured for line in set_section(data, lines)),
        "#### Published elsewhere",
        "",
        "Figures of other judges on other data, for orientation: another set, another question or another mix of "
        "models each time, so no row ranks above or below one of those above. Where XSTest's five models are named, "
        "three of them are in `xstest_v2_human`.",
        "",
        *elsewhere_table(),
    ]


def written(text: str, lines: Sequence[str], where: Path) -> str:
    """A page with what stands between the marks replaced.

    Raises:
        NaysayError: the marks are not there, once each.
    """
    if text.count(OPEN) != 1 or text.count(CLOSE) != 1:
        raise NaysayError(f"{where} does not hold {OPEN} and {CLOSE} once each.")
    made = "\n".join([OPEN, *lines, CLOSE])
    return re.sub(f"{re.escape(OPEN)}.*{re.escape(CLOSE)}", lambda _: made, text, flags=re.DOTALL)
