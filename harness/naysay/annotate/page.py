"""The labelling page: one file that works without a network, holds nothing that a judge said, and keeps what is typed.

The page holds the request, the text and an opaque id of each response, in a random order. No verdict, stratum, kind,
category, model or response id is in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from naysay.annotate.items import Item, meanings
from naysay.annotate.marks import SKIP
from naysay.annotate.sample import Sample
from naysay.board.pages import render, script_json
from naysay.errors import NaysayError
from naysay.schema import LABELS
from naysay.writing import write_atomically


def check_place(path: Path) -> None:
    """See that a page can be written there, before anything is drawn for it.

    Raises:
        NaysayError: its folder does not exist, or a folder stands there.
    """
    if not path.parent.is_dir():
        raise NaysayError(f"There is no folder {path.parent} for the page.", hint="Make it, or give another --html.")
    if path.is_dir():
        raise NaysayError(f"{path} is a folder.", hint="Give --html the name of a file in it, like label.html.")


def write_page(sample: Sample, items: list[Item], path: Path, *, annotator: str = "") -> Path:
    """Write the page.

    Args:
        sample: The sample.
        items: What is to be labelled, in order.
        path: The HTML file.
        annotator: Who labels; asked on the page when left out.

    Raises:
        NaysayError: the file cannot be written.
    """
    check_place(path)
    from markupsafe import Markup

    data: dict[str, Any] = {
        "sample": sample.id,
        "target": sample.target,
        "annotator": annotator,
        "skip": SKIP,
        "items": [
            {
                "id": sample.item_id(item.response_id),
                "messages": item.messages,
                "text": item.text,
                "other": item.other,
                **({"said": item.said} if item.said else {}),
            }
            for item in items
        ],
    }
    page = render(
        "annotate.html.j2",
        ("page.js", "annotate.js"),
        target=sample.target,
        count=len(items),
        resolve=any(item.said for item in items),
        meanings=[(str(n), label, meanings(sample.target)[label]) for n, label in enumerate(reversed(LABELS), start=1)],
        data=Markup(script_json(data).decode()),  # noqa: S704 - escaped by script_json
    )
    write_atomically(path, page.encode())
    return path
