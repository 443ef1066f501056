"""Keys that stand twice in a YAML mapping: YAML itself takes the last and says nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from naysay.errors import NaysayError


def once_each(node: yaml.Node | None, file: Path, name: Callable[[str], str] = str) -> None:
    """Refuse a key that stands twice in the same mapping, at any depth.

    Args:
        node: What was composed from the file.
        file: For the error.
        name: What a key of the outermost mapping counts as.

    Raises:
        NaysayError: one stands twice, with both lines.
    """
    waiting, seen = [(node, name)], set()
    while waiting:
        here, named = waiting.pop()
        # An alias leads to what was seen, perhaps to what it stands in.
        if here is None or id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, yaml.SequenceNode):
            waiting += [(item, str) for item in here.value]
        elif isinstance(here, yaml.MappingNode):
            _no_key_twice([(named(key.value), key) for key, _ in here.value if isinstance(key, yaml.ScalarNode)], file)
            waiting += [(value, str) for _, value in here.value]


def _no_key_twice(keys: list[tuple[str, yaml.Node]], file: Path) -> None:
    lines: dict[str, int] = {}
    for name, key in keys:
        line = key.start_mark.line + 1
        if name in lines:
            raise NaysayError(
                f"{file}, line {line}: {name} is given twice (first in line {lines[name]}).", hint="Remove one."
            )
        lines[name] = line
