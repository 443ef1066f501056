"""Pages that need nothing but themselves, and on which nothing from outside can run.

Templates and assets are content, in ``leaderboard/``. Every value is made visible and escaped by the environment, data
goes in as JSON without ``<``, and a content security policy allows exactly the scripts that are on the page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from naysay import __version__
from naysay.board.text import ACTING, METHODS, TITLES, interval, percent, short_hash, title, visible, writable
from naysay.content import folder
from naysay.writing import to_line

if TYPE_CHECKING:
    from jinja2 import Environment

ITEMS_MARKER = "<!--items-->"
"""Where items are written into the page. Escaping keeps it from appearing anywhere else."""


def render(template: str, scripts: Iterable[str], **context: Any) -> str:
    """A whole page.

    Args:
        template: Its file in ``leaderboard/templates``.
        scripts: The files in ``leaderboard/assets`` that it runs.
        context: What the template is given. Text is escaped; nothing needs to be safe beforehand.
    """
    from markupsafe import Markup

    sources = [_asset(name) for name in scripts]
    return writable(
        environment()
        .get_template(template)
        .render(
            css=Markup(_asset("page.css")),  # noqa: S704 - the project's own file
            scripts=[Markup(source) for source in sources],  # noqa: S704 - the project's own files
            script_hashes=Markup(" ".join(map(_csp_hash, sources)) or "'none'"),  # noqa: S704 - base64
            items_marker=Markup(ITEMS_MARKER),  # noqa: S704 - a constant
            version=__version__,
            **context,
        )
    )


def with_items(page: str, items: Iterable[Any]) -> Iterator[bytes]:
    """The page in pieces, with the items written where it expects them, one line each."""
    before, _, after = page.partition(ITEMS_MARKER)
    yield before.encode()
    yield b"[\n"
    for number, item in enumerate(items):
        yield (b",\n" if number else b"") + script_json(item)
    yield b"\n]"
    yield after.encode()


def script_json(value: Any) -> bytes:
    """JSON that cannot end the script element it stands in, and in which nothing acts on who reads the source."""
    line = to_line(value).rstrip(b"\n").replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
    return ACTING.sub(_escaped, line.decode()).encode()


def page_data(value: Mapping[str, Any]) -> Any:
    """The same for a template."""
    from markupsafe import Markup

    return Markup(script_json({**value, "titles": TITLES}).decode())  # noqa: S704 - escaped by script_json


def link(**filters: Any) -> str:
    """The address of the items that these filters leave; None and empty filters are left out.

    >>> link(judge=0, kind="harmful", answer="compliance")
    '#judge=0&kind=harmful&answer=compliance'
    """
    return "#" + urlencode({key: writable(str(value)) for key, value in filters.items() if value is not None})


@cache
def environment() -> Environment:
    """The templates' environment."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def show(value: Any) -> Any:
        return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)

    env = Environment(
        loader=FileSystemLoader(folder("leaderboard") / "templates"),
        autoescape=True,
        finalize=show,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(percent=percent, interval=interval, title=title, short_hash=short_hash, link=link)
    env.filters["n"] = lambda count: f"{count:,}"
    env.globals["method"] = lambda name: METHODS.get(name, name)
    return env


@cache
def _asset(name: str) -> str:
    return (folder("leaderboard") / "assets" / name).read_text(encoding="utf-8")


def _escaped(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _csp_hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
