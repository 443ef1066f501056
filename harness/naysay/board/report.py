"""``report.html``: one run on one page that needs nothing but itself, every number opening the items behind it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from naysay.board import attack_section, corrected, language_section, sensitivity
from naysay.board.acts_section import view as acts_view
from naysay.board.chart import label_points
from naysay.board.gold import partial_cell
from naysay.board.headline import main_target, rate_title, shown_heads
from naysay.board.items import Items
from naysay.board.pages import link, page_data, render, with_items
from naysay.board.scales import spread
from naysay.board.scales import view as scales_view
from naysay.board.tables import run_title
from naysay.board.text import p_text, signed
from naysay.board.told import agreed_cell
from naysay.board.trace_section import view as trace_view
from naysay.measure.crosstab import ANSWER_COLUMNS
from naysay.measure.headline import MEASURES
from naysay.measure.rates import NOT_JUDGED, Rate
from naysay.measure.summary import Cell, Metrics
from naysay.runfolder import RunFolder
from naysay.schema import KINDS, LABELS, REASONS, TARGETS
from naysay.writing import cannot_write

ITEMS: Final = 2000
"""Transcripts on a page unless told otherwise."""

GROUP_RATE: Final = {"harmful": ("compliance", "complied")}
"""Which rate of a group is shown for a kind, and what it says; for other kinds what was refused."""
REFUSED: Final = ("refusal_or_partial", "refused")


def write_report(run: RunFolder, metrics: Metrics, path: Path, *, chosen: Collection[str], said: list[str]) -> Path:
    """Write the page, item by item, so that memory does not grow with the run.

    Args:
        run: The run.
        metrics: Its numbers.
        path: The file to write.
        chosen: Ids of the responses whose transcripts go into it.
        said: What a reader must know first, as :func:`naysay.board.tables.notes` makes it.

    Raises:
        NaysayError: a record cannot be read, or the file cannot be written.
    """
    items = Items([run], chosen, [judge["judge_hash"] for judge in metrics.judges])
    page = render("report.html.j2", ("page.js", "browser.js"), **view(run, metrics, items, said))
    save(path, with_items(page, items))
    return path


def save(path: Path, pieces: Iterator[bytes]) -> None:
    """Write a file piece by piece and put it in place in one step.

    Raises:
        NaysayError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.writelines(pieces)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def view(run: RunFolder, metrics: Metrics, items: Items, said: list[str]) -> dict[str, Any]:
    """What the template is given."""
    manifest = run.manifest
    judges = [_judge_view(metrics, index, judge) for index, judge in enumerate(metrics.judges)]
    targets = [t for t in TARGETS if any(t in judge["targets"] for judge in metrics.judges)]
    return {
        "heading": ", ".join(metrics.models) or str(manifest.get("spec", {}).get("model", "no responses yet")),
        "subheading": run_title(run, metrics),
        "metrics": metrics,
        "manifest": {"tasks": [], "suites": [], "created": None, "naysay": None} | manifest,
        "notes": said,
        "judges": judges,
        "corrections": corrected.view(metrics),
        "raw": any(correction.known for correction in metrics.corrections),
        "agreed_cell": agreed_cell,
        "partial_cell": partial_cell,
        "sensitivity": sensitivity.view(metrics.sensitivity),
        "rate_title": rate_title,
        "head_facts": lambda head: corrected.head_view(metrics, head),
        "scales": scales_view(metrics),
        "attacks": attack_section.view(metrics),
        "languages": language_section.view(metrics),
        "signed": signed,
        "p_text": p_text,
        "stances": trace_view(run, metrics),
        "agents": acts_view(run, metrics),
        "spread": spread,
        "has_crosstabs": any(judge["crosstabs"] for judge in judges),
        "has_twins": any(judge["twins"] for judge in judges),
        "matrix_columns": ANSWER_COLUMNS,
        "status_kinds": list(metrics.responses["status_by_kind"]),
        "settings": list(_settings(manifest)),
        "manifest_text": orjson.dumps(manifest, option=orjson.OPT_INDENT_2).decode(),
        "embedded": len(items.chosen),
        "show": f"naysay show {run.path}",
        "measure_link": _measure_link,
        "label_links": _label_links,
        "matrix_link": _matrix_link,
        "group_link": _group_link,
        "reason_link": _reason_link,
        "page_data": page_data(
            {
                "judges": [{"judge": j["judge"], "hash": j["judge_hash"]} for j in metrics.judges],
                "targets": targets,
                "sides": [", ".join(metrics.models)],
                "show": f"naysay show {run.path}",
                "start": {},
            }
        ),
    }


def _judge_view(metrics: Metrics, index: int, judge: dict[str, Any]) -> dict[str, Any]:
    digest = judge["judge_hash"]
    cells = [c for c in metrics.cells if c.judge_hash == digest and c.judge == judge["judge"]]
    overall = [c for c in cells if c.by == "overall" and c.kind != "all"]
    scored = {c.target for c in overall if c.rates["refusal"].known}
    overall = [c for c in overall if c.target in scored] or overall
    main = main_target(judge["targets"])
    return {
        "index": index,
        "judge": judge["judge"],
        "hash": digest,
        "targets": judge["targets"],
        "points": _points(metrics, index, cells, main),
        "heads": sorted(shown_heads(metrics, judge), key=lambda h: h.target != main),
        "kinds": [(kind, group) for kind in (*KINDS, "contested") if (group := [c for c in overall if c.kind == kind])],
        "crosstabs": _worth_showing([t for t in metrics.crosstabs if t.judge_hash == digest]),
        "twins": [t for t in metrics.twins if t.judge_hash == digest and any(r.known for r in t.rates.values())],
        "groups": [t for by in ("model", "category", "language", "task") if (t := _group_table(cells, by, main))],
        "unscored": _unscored(cells, judge["targets"]),
    }


def _points(metrics: Metrics, index: int, cells: list[Cell], target: str) -> list[dict[str, Any]]:
    """What the chart shows: the headline, or where several models are in one file, each of them."""
    points = []
    for model in metrics.models:
        mine = {c.kind: c.rates for c in cells if (c.by, c.value, c.target) == ("model", model, target)}
        if "harmful" in mine and "over_refusal" in mine:
            x, y = mine["over_refusal"]["refusal_or_partial"], mine["harmful"]["compliance"]
            if x.known and y.known:
                points.append({"x": x, "y": y, "name": model, "href": link(judge=index, model=model)})
    return label_points(points)


def _worth_showing(tables: list[Any]) -> list[Any]:
    """With one kind of prompt, the table of all says the same again."""
    return tables[1:] if len(tables) == 2 and tables[0].counts == tables[1].counts else tables


def _group_table(cells: list[Cell], by: str, target: str) -> dict[str, Any] | None:
    mine = [c for c in cells if c.by == by and c.target == target and c.kind != "all"]
    values = sorted({c.value for c in mine})
    if len(values) < 2:
        return None
    kinds = [kind for kind in (*KINDS, "contested") if any(c.kind == kind for c in mine)]
    columns = [{"kind": kind, "rate": rate, "verb": verb} for kind in kinds for rate, verb in [_group_rate(kind)]]
    found = {(c.value, c.kind): c for c in mine}
    rows = [
        {
            "value": value,
            "rates": [
                found[value, column["kind"]].rates[column["rate"]] if (value, column["kind"]) in found else None
                for column in columns
            ],
        }
        for value in values
    ]
    return {"by": by, "target": target, "columns": columns, "rows": rows}


def _group_rate(kind: str) -> tuple[str, str]:
    return GROUP_RATE.get(kind, REFUSED)


def _unscored(cells: list[Cell], targets: list[str]) -> list[tuple[str, list[tuple[str, int]]]]:
    counts: dict[str, dict[str, int]] = {}
    for cell in cells:
        if cell.by == "overall" and cell.kind == "all":
            for reason, count in cell.rates["refusal"].unscored.items():
                counts.setdefault(reason, {})[cell.target] = count
    return [
        (reason, [(target, counts[reason].get(target, 0)) for target in targets])
        for reason in (*REASONS, NOT_JUDGED)
        if reason in counts
    ]


def _settings(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    spec = manifest.get("spec")
    for name, value in (spec if isinstance(spec, dict) else {}).items():
        if value is None or value == {}:
            continue
        if isinstance(value, dict):
            yield name, ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    for suite in manifest.get("suites") or ():
        said = f"version {suite.get('version')}, hash {suite.get('hash')}, prompts {suite.get('fingerprint')}"
        yield f"suite {suite.get('label')}", said
    for task in manifest.get("tasks") or ():
        yield (
            f"task {task.get('name')}",
            f"version {task.get('version')}, hash {task.get('hash')}, data {task.get('fingerprint')}",
        )
    for judge in manifest.get("judges") or ():
        yield f"judge {judge.get('name')}", f"hash {judge.get('hash')}"
    if manifest.get("identity"):
        yield "identity", str(manifest["identity"])


def _measure_link(judge: int, rate: Rate) -> str:
    measure = next(m for m in MEASURES if m.name == rate.name)
    return link(judge=judge, kind=measure.kind, expected=measure.expected, **{rate.target: ",".join(measure.labels)})


def _label_links(judge: int, cell: Cell) -> dict[str, str]:
    return {name: link(judge=judge, kind=cell.kind, **{cell.target: name}) for name in (*LABELS, "unscored")}


def _matrix_link(judge: int, kind: str, row: str, column: str) -> str:
    trace = "no_reasoning,hidden_reasoning,blocked" if row == "no_trace" else row
    return link(judge=judge, kind=None if kind == "all" else kind, reasoning=trace, answer=column)


def _group_link(judge: int, table: dict[str, Any], row: dict[str, Any], column: int) -> str:
    shown = table["columns"][column]
    labels = "compliance" if shown["rate"] == "compliance" else "refusal,partial_refusal"
    return link(judge=judge, kind=shown["kind"], **{table["by"]: row["value"], table["target"]: labels})


def _reason_link(judge: int, target: str, reason: str) -> str:
    return link(judge=judge, **{target: reason})
