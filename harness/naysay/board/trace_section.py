"""Where in the reasoning, for people: what ``naysay trace`` prints, and the section that it adds to ``report.html``.

Everything is made from ``trace.json``, so that a report can be made again without reading a trace again; only the texts
of the sharpest cliffs are fetched from the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from naysay.board.figures import Figures
from naysay.board.text import interval, one_line, percent, short_hash, title, visible
from naysay.board.trace_chart import outcome_lines
from naysay.errors import NaysayError
from naysay.measure.summary import Metrics
from naysay.runfolder import RunFolder
from naysay.trace.metrics import FORMAT, TraceMetrics
from naysay.trace.store import Sentence, TraceIndex
from naysay.writing import write_atomically

if TYPE_CHECKING:
    from rich.console import RenderableType

TRACE_JSON: Final = "trace.json"
SHOWN_OPENINGS: Final = 12
_FIRST_OPENINGS: Final = 3
_TELLING: Final = 0.5
"""Openings behind the first few are printed where their corrected p is below this."""
_LEAST: Final = 0.001
# Openings are joined by spaces; scripts that write none are shown without.
_HAN: Final = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WIDE: Final = re.compile(f"(?<=[{_HAN}…]) (?=[{_HAN}])|(?<=[{_HAN}]) (?=…)")
LONGEST: Final = 20_000
"""Characters of a trace that go into a page; an answer is shown to a quarter of that."""
EDGE: Final = 60
"""Sentences shown from the start and from the end of a long trace: where it begins, and what falls."""

RATES: Final = {
    "danger_recognised": "recognise danger",
    "ever_refuses": "think of refusing",
    "ends_refusing": "end on refusing",
    "turns": "turn at least once",
    "steady_refusing": "refuse steadily",
    "cliff": "refuse steadily, yet the answer complies (cliff)",
    "complied_in_danger": "recognise danger, yet the answer complies",
    "silent_refusal": "answer refuses, no thought of it (silent)",
    "refused_without_danger": "answer refuses, no danger recognised",
}
"""What each rate counts, and of what."""
OF: Final = {
    "cliff": "steady traces",
    "complied_in_danger": "traces with danger",
    "silent_refusal": "full refusals",
    "refused_without_danger": "full and partial refusals",
}
MEANS: Final = {
    "danger": ("danger first recognised at", True),
    "onset": ("refusing first thought of at", True),
    "decided": ("final stance taken up at", True),
    "deliberation": ("sentences from danger to that stance", False),
    "flips": ("turns", False),
    "sentences": ("sentences", False),
    "characters": ("characters", False),
    "tokens": ("reasoning tokens", False),
}
"""What each mean is of, and whether it is a share of the trace."""
PATHS: Final = {
    "refuse": "refuse throughout",
    "comply": "comply throughout",
    "comply_refuse": "comply, then refuse",
    "refuse_comply": "refuse, then comply",
    "several": "two turns or more",
    "partial": "only in part",
    "none": "no leaning",
}
TURNS: Final = {"0": "no turn", "1": "one turn", "2": "two turns", "3+": "three or more"}
ENDS: Final = {"refuse": "refuse", "partial": "in part", "comply": "comply", "none": "no leaning"}
NULLS: Final = {
    "across_prompts": "outcomes of prompts of one kind exchanged",
    "within_prompts": "outcomes of the samples of each prompt exchanged",
}
STANCES: Final = {
    "refuse": ("refusal", "refuses"),
    "comply": ("compliance", "complies"),
    "partial": ("partial_refusal", "in part"),
}


def write(run: RunFolder, metrics: TraceMetrics) -> Path:
    """Write ``trace.json`` into the run.

    Raises:
        NaysayError: it cannot be written.
    """
    path = run.path / TRACE_JSON
    write_atomically(path, orjson.dumps(metrics.to_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    return path


def load(run: RunFolder) -> dict[str, Any] | None:
    """What ``naysay trace`` wrote, or None where it was never given.

    Raises:
        NaysayError: the file cannot be read, or is of another format.
    """
    path = run.path / TRACE_JSON
    hint = "Make it again with naysay trace, or delete it."
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except orjson.JSONDecodeError as error:
        raise NaysayError(f"{path} cannot be read: {error}.", hint=hint) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NaysayError(f"{path} is not of the format that this naysay reads ({FORMAT}).", hint=hint)
    return found


def tables(found: Mapping[str, Any], top: int) -> Iterator[RenderableType]:
    """What ``naysay trace`` prints.

    Args:
        found: The contents of ``trace.json``.
        top: Cliffs to name.
    """
    from rich.text import Text

    yield Text(_headline(found), style="bold")
    yield Text(_unscored(found), style="dim")
    arms = {arm["kind"]: arm for arm in found["arms"]}
    everything = arms["all"]
    if not found["traces"]["scored"]:
        yield Text("No trace could be read, so there is nothing to say about where in the reasoning anything happens.")
        return
    level = f"{100 * found['confidence']:g}%"
    table = Figures("Traces that...", ("", f"share [{level} interval]", "n", "coverage"))
    for name, words in RATES.items():
        rate = everything["rates"][name]
        table.add(words, _rate(rate), f"{rate['n']:,}", percent(rate["coverage"]))
    yield table
    if len(arms) > 1:
        kinds = [kind for kind in arms if kind != "all"]
        table = Figures("By kind of prompt (share, n)", ("", *map(title, kinds)))
        for name, words in RATES.items():
            rates = [arms[kind]["rates"][name] for kind in kinds]
            table.add(words.split(" (")[0], *(f"{percent(r['value'], 0)} {r['n']:,}" if r["n"] else "–" for r in rates))
        yield table
    table = Figures("Where, and how long", ("", f"mean [{level} interval]", "median", "n"))
    for name, (words, share) in MEANS.items():
        mean = everything["means"][name]
        if mean["n"]:
            table.add(words, _mean(mean, share), _number(mean["median"], share), f"{mean['n']:,} / {mean['total']:,}")
    yield table
    for heading, names, key in (
        ("Stance at the end (rows) against answer (columns)", ENDS, "matrix"),
        ("Turns against answer", TURNS, "flips"),
        ("Way through the trace against answer", PATHS, "paths"),
    ):
        counts, rates = everything[key], everything.get(f"{key}_rates", {})
        columns = list(next(iter(counts.values())))
        table = Figures(heading, ("", *map(title, columns)))
        for row, words in names.items():
            if any(counts[row].values()):
                table.add(words, *(_cell(counts[row][column], rates.get(row, {}).get(column)) for column in columns))
        yield table
    for test in found["openings"]:
        yield from _opening_table(test)
    yield from _cliff_lines(found, top)


def _headline(found: Mapping[str, Any]) -> str:
    judge = found["judge"]
    answers = f"answers judged by {judge['judge']} ({short_hash(judge['judge_hash'])})" if judge else "no answer judged"
    reader = found["reader"]
    return visible(
        f"Where in the reasoning: {found['traces']['scored']:,} traces of {found['responses']:,} responses, "
        f"{found['sentences']['total']:,} sentences, read by {reader['name']} ({short_hash(reader['hash'])}); {answers}"
    )


def _unscored(found: Mapping[str, Any]) -> str:
    parts = [f"{title(name)} {n:,}" for name, n in found["traces"].items() if name != "scored"]
    left = found["sentences"]["total"] - found["sentences"]["scored"]
    if left:
        parts.append(f"sentences that could not be read {left:,}")
    return f"Not scored: {', '.join(parts)}." if parts else "Every trace and every sentence was scored."


def _cell(count: int, rate: Mapping[str, Any] | None) -> str:
    return f"{count:,}" if rate is None or rate["value"] is None else f"{count:,} ({percent(rate['value'], 0)})"


def _rate(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return "–"
    return f"{percent(rate['value'])} [{interval(rate['low'], rate['high'])}]"


def _number(value: float | None, share: bool) -> str:
    if value is None:
        return "–"
    if share:
        return percent(value)
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # Adding zero takes the sign from -0.0.


def _mean(mean: Mapping[str, Any], share: bool) -> str:
    if mean["low"] is None:
        return _number(mean["value"], share)
    return f"{_number(mean['value'], share)} [{_number(mean['low'], share)} to {_number(mean['high'], share)}]"


def _opening(found: Mapping[str, Any]) -> str:
    """The words of an opening; one that leaves longer ones out says how many."""
    text = _WIDE.sub("", found["text"])
    inside = found.get("contains") or 0
    return f"{text} (without {inside} longer)" if inside else text


def _opening_table(test: Mapping[str, Any]) -> Iterator[RenderableType]:
    from rich.text import Text

    if not test["openings"]:
        yield Text("\nOpenings: no beginning is shared by five prompts.", style="dim")
        return
    heading = f"Openings against refusing: {_p(test['p'])} ({NULLS[test['null']]})"
    table = Figures(heading, ("trace begins", "refused", "expected", "n", "prompts", "p, corrected"))
    shown = [
        found
        for place, found in enumerate(test["openings"][:SHOWN_OPENINGS])
        if place < _FIRST_OPENINGS or (found["p"] or 0) < _TELLING
    ]
    for found in shown:
        table.add(
            one_line(_opening(found), 44), percent(found["value"]), percent(found["expected"]), f"{found['n']:,}",
            f"{found['prompts']:,}", _p(found["p"]).removeprefix("p ").removeprefix("= "),
        )  # fmt: skip
    yield table
    more = len(test["openings"]) - len(shown)
    if more > 0:
        yield Text(f"{more:,} more openings are in trace.json.", style="dim")


def _p(value: float | None) -> str:
    if value is None:
        return "nothing to exchange, no p"
    return f"p = {value:.3f}" if value >= _LEAST else f"p < {_LEAST}"


def _cliff_lines(found: Mapping[str, Any], top: int) -> Iterator[RenderableType]:
    from rich.text import Text

    rate = next(arm for arm in found["arms"] if arm["kind"] == "all")["rates"]["cliff"]
    if not rate["n"]:
        yield Text("\nCliffs: no trace refuses steadily.", style="dim")
        return
    heading = f"Sharpest cliffs, of {rate['hits']:,}"
    table = Figures(heading, ("response", "kind", "fall", "refusing before"), left=("kind",))
    for cliff in found["cliffs"][:top]:
        table.add(
            visible(cliff["response_id"]), title(cliff["kind"]), f"{cliff['score']:.2f}", percent(cliff["refusing"], 0)
        )
    if found["cliffs"]:
        yield table
        yield Text(
            "fall: the share that refuses before, less the answer's probability of refusing (in part: half).\n"
            "A fall of about one half is the judge's doubt, and it errs: read them in the report.",
            style="dim",
        )


# The page.
def view(run: RunFolder, metrics: Metrics) -> dict[str, Any] | None:
    """What the template of the section is given, or None where the run was never traced.

    Raises:
        NaysayError: ``trace.json`` or a record of the run cannot be read.
    """
    found = load(run)
    if found is None:
        return None
    kinds = [arm["kind"] for arm in found["arms"]]
    counted = found["responses"] + found.get("variants", 0)
    old = counted != metrics.responses["total"]
    return {
        "found": found,
        "headline": _headline(found),
        "unscored": _unscored(found),
        "old": f"Made when the run had {counted:,} responses: run naysay trace again." if old else None,
        "arms": found["arms"],
        "rates": RATES,
        "of": OF,
        "means": [(name, words, share) for name, (words, share) in MEANS.items()],
        "number": _number,
        "ends": ENDS,
        "paths": PATHS,
        "turns": TURNS,
        "nulls": NULLS,
        "p": _p,
        "charts": [{"kind": kind, "lines": lines} for kind in kinds if (lines := outcome_lines(found, kind))],
        "openings": [
            {**test, "openings": [{**one, "text": _opening(one)} for one in test["openings"]]}
            for test in found["openings"]
        ],
        "shown_openings": SHOWN_OPENINGS,
        "cliffs": list(_cliffs(run, found)),
        "cliff_rate": found["arms"][0]["rates"]["cliff"],
        "stances": STANCES,
    }


def _cliffs(run: RunFolder, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The sharpest cliffs as transcripts, in order of sharpness."""
    wanted = {cliff["response_id"]: cliff for cliff in found["cliffs"]}
    if not wanted:
        return
    index = TraceIndex(run, str(found["reader"]["hash"]))
    prompts = {prompt.id: prompt for prompt in run.prompts() if any(i.rpartition("#")[0] == prompt.id for i in wanted)}
    made: dict[str, dict[str, Any]] = {}
    for response in run.responses():
        cliff = wanted.get(response.id)
        record = index.find(response) if cliff else None
        prompt = prompts.get(response.prompt_id)
        if cliff is None or record is None or prompt is None:
            continue
        trace = response.reasoning or ""
        made[response.id] = {
            **cliff,
            "request": prompt.text[:LONGEST],
            "pieces": list(_shown(trace, record.sentences)),
            "answer": response.answer[: LONGEST // 4],
            "answer_cut": len(response.answer) > LONGEST // 4,
        }
    yield from (made[name] for name in wanted if name in made)


def _shown(trace: str, sentences: Sequence[Sentence]) -> Iterator[dict[str, Any]]:
    """The trace with its stances; of a long one the start and the end, and between them how much is left out."""
    head, tail = list(sentences[:EDGE]), list(sentences[-EDGE:])
    if len(sentences) <= 2 * EDGE and len(trace) <= LONGEST:
        yield from _pieces(trace, sentences)
        return
    # Both ends keep to half of the characters, too, whatever the length of their sentences.
    start = min(head[-1].end, LONGEST // 2) if head else LONGEST // 2
    stop = max(start, tail[0].start if tail else 0, len(trace) - LONGEST // 2)
    if len(sentences) <= 2 * EDGE:
        start, stop = LONGEST // 2, len(trace) - LONGEST // 2
    yield from _pieces(trace[:start], [s for s in sentences if s.start < start])
    left = sum(start <= s.start < stop for s in sentences)
    yield {
        "text": f"{left:,} sentences, {stop - start:,} characters",
        "stance": None,
        "danger": False,
        "tip": "",
        "cut": True,
    }
    after = [replace(s, start=s.start - stop, end=s.end - stop) for s in sentences if s.start >= stop]
    yield from _pieces(trace[stop:], after)


def _pieces(trace: str, sentences: Any) -> Iterator[dict[str, Any]]:
    """The trace as runs of text, each with its stance; what stands between sentences has none."""
    at = 0
    for sentence in sentences:
        if sentence.start >= len(trace):
            break
        if sentence.start > at:
            yield {"text": trace[at : sentence.start], "stance": None, "danger": False, "tip": ""}
        tip = sentence.stance or "could not be read"
        if sentence.probability is not None:
            tip += f", {sentence.probability:.2f}"
        yield {
            "text": trace[sentence.start : sentence.end],
            "stance": sentence.stance,
            "danger": bool(sentence.danger),
            "tip": tip,
        }
        at = sentence.end
    if at < len(trace):
        yield {"text": trace[at:], "stance": None, "danger": False, "tip": ""}
