"""Names of cards to prompts: everything is read and checked once before the first prompt is asked."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from naysay.errors import NaysayError
from naysay.schema import Kind, Prompt
from naysay.task.card import CARD_KINDS, Card
from naysay.task.index import build
from naysay.task.prompts import once, read_prompts, selection
from naysay.task.selecting import Turn, from_stream
from naysay.task.source import Source, data_folder, sources

if TYPE_CHECKING:
    from naysay.task.overlap import Found, Overlap
    from naysay.task.suite_loading import SuiteInfo

_DIGEST = 16
AGENT_FIELDS = ("environment", "setup", "checks", "injected", "injected_text", "arm", "system")
"""What of an agent's behaviour decides what it is shown and scored by; it stands in a prompt's ``meta``."""


@dataclass(frozen=True)
class CardInfo:
    """What was read of one card, for manifests and reports.

    Attributes:
        name: Short name.
        hash: Content hash of the card (see :attr:`naysay.task.card.Card.hash`).
        version: The card's version.
        fingerprint: Hash of the prompts that are asked, in order.
        rows: How many prompts are asked.
        available: How many the data has (more than ``rows`` with a limit).
        kinds: How many are asked of each kind.
        contested: How many of them the publisher does not call clearly safe or unsafe.
        source: Where the rows came from.
        place: What kind of place that is.
        revision: Pinned commit of the data, when it came from there.
        licence: As the card states it.
        homepage: As the card states it.
        citation: As the card states it.
    """

    name: str
    hash: str
    version: str
    fingerprint: str
    rows: int
    available: int
    kinds: dict[str, int]
    contested: int
    source: str
    place: str
    revision: str | None
    licence: str
    homepage: str | None
    citation: str | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


@dataclass(frozen=True)
class Read:
    """A card, where its rows are, and which of them are asked (None: all)."""

    card: Card
    sources: list[Source]
    info: CardInfo
    chosen: frozenset[int] | None


class Loaded:
    """Cards whose rows have been read and found right.

    Attributes:
        cards: What was read, in the order in which the cards were named.
        suites: The suites that were named, and what was asked of each.
        dropped: For each suite what its cards have in common, of which only one is asked.
    """

    def __init__(self, read: Sequence[Read], suites: Sequence[SuiteInfo] = (), dropped: Sequence[Found] = ()) -> None:
        self._read = list(read)
        self.cards: list[CardInfo] = [item.info for item in read]
        self.suites = list(suites)
        self.dropped = list(dropped)

    def __len__(self) -> int:
        return sum(card.rows for card in self.cards)

    def prompts(self) -> Iterator[Prompt]:
        """The prompts, card by card and in the order of the data; read again from the source each time."""
        for item in self._read:
            rows = read_prompts(item.card, item.sources)
            if item.chosen is None:
                yield from rows
            else:
                begun = itertools.islice(rows, max(item.chosen) + 1)
                yield from (prompt for number, prompt in enumerate(begun) if number in item.chosen)

    __iter__ = prompts

    def overlap(self) -> Overlap | None:
        """Prompts that stand in several of the cards: dropped by suites, asked twice otherwise. None for one card."""
        from naysay.task.overlap import Overlap, overlaps

        whole = len(self.suites) == 1 and self.suites[0].holds == len(self.cards)
        if len(self.cards) == 1 and not self.suites:
            return None
        return Overlap(self.dropped, None if whole else overlaps(self.prompts()))


def load(
    names: Sequence[str],
    *,
    data: Path | str | None = None,
    limit: int | None = None,
    seed: int | None = None,
    allow_missing: bool = False,
) -> Loaded:
    """See :func:`naysay.task.load`."""
    if limit is not None and limit < 1:
        raise NaysayError(f"--limit must be at least 1, not {limit}.")
    folder = data_folder(data)
    catalog = build(data=folder)
    seen: dict[bytes, str] = {}
    read: list[Read] = []
    suites: list[SuiteInfo] = []
    dropped: list[Found] = []
    for unit in catalog.units(names):
        if isinstance(unit, Card):
            read.append(_read(unit, folder, limit, seed, seen))
            continue
        from naysay.task.suite_loading import load_suite

        cards, info, found = load_suite(unit, catalog, limit=limit, allow_missing=allow_missing, seen=seen)
        read += cards
        suites.append(info)
        dropped.append(found)
    return Loaded(read, suites, dropped)


def _read(card: Card, data: Path | None, limit: int | None, seed: int | None, seen: dict[bytes, str]) -> Read:
    where = sources(card, data)
    if card.about.stream and limit is not None:
        return _read_some(card, where, limit, seed, seen)
    kinds: list[Kind] = []
    turns: list[Turn] = []
    contested = bytearray()
    digests = bytearray()
    for prompt in read_prompts(card, where, seen):
        kinds.append(prompt.kind)
        turns.append(Turn.of(prompt))
        contested.append(bool(prompt.meta.get("contested")))
        digests += prompt_digest(prompt)
    if not kinds:
        raise NaysayError(f"{card.name}: {where[0].label} has no prompts.")
    chosen = None
    if limit is not None and limit < len(kinds):
        chosen = frozenset(itertools.islice(selection(kinds, turns, seed=seed, name=card.name), limit))
    asked = range(len(kinds)) if chosen is None else sorted(chosen)
    return Read(card, where, card_info(card, where, kinds, contested, digests, asked), chosen)


def _read_some(card: Card, where: list[Source], limit: int, seed: int | None, seen: dict[bytes, str]) -> Read:
    """As many rows of a streamed card as are asked, and no more of its data than it takes to find them."""
    stream = card.about.stream
    found = from_stream(lambda: read_prompts(card, where), stream, limit, seed=seed, name=card.name)
    prompts = [found[number] for number in sorted(found)]
    if not prompts:
        raise NaysayError(f"{card.name}: {where[0].label} has no prompts.")
    for prompt in prompts:
        once(prompt, where[0].label, seen)
    contested = bytes(bool(prompt.meta.get("contested")) for prompt in prompts)
    digests = b"".join(map(prompt_digest, prompts))
    info = card_info(card, where, [prompt.kind for prompt in prompts], contested, digests, range(len(prompts)))
    return Read(card, where, replace(info, available=card.about.rows or len(prompts)), frozenset(found))


def card_info(
    card: Card,
    where: Sequence[Source],
    kinds: Sequence[Kind],
    contested: bytes | bytearray,
    digests: bytes | bytearray,
    asked: Sequence[int],
) -> CardInfo:
    """What a manifest says of one card.

    Args:
        card: The card.
        where: Its sources.
        kinds: The kind of every row.
        contested: Whether each row is, one byte a row.
        digests: As :func:`prompt_digest` makes them, of every row.
        asked: Numbers of the rows that are asked, ascending.
    """
    digest = hashlib.sha256()
    for number in asked:
        digest.update(digests[number * _DIGEST : (number + 1) * _DIGEST])
    count = Counter(kinds[number] for number in asked)
    published = {"hub", "web"} & {source.place for source in where}
    return CardInfo(
        name=card.name,
        hash=card.hash,
        version=card.version,
        fingerprint=digest.hexdigest()[:16],
        rows=len(asked),
        available=len(kinds),
        kinds={kind: count[kind] for kind in CARD_KINDS if kind in count},
        contested=sum(contested[number] for number in asked),
        source=", ".join(dict.fromkeys(source.label for source in where)),
        place=where[0].place,
        revision=card.revision if published else None,
        licence=card.about.licence,
        homepage=card.about.homepage,
        citation=card.about.citation,
    )


def prompt_digest(prompt: Prompt) -> bytes:
    """Sixteen bytes over everything that a prompt asks and is judged by."""
    parts: list[Any] = [
        prompt.id, prompt.messages, prompt.kind, prompt.expected, prompt.category, prompt.language, prompt.pair,
        prompt.variant, prompt.origin, bool(prompt.meta.get("contested")),
    ]  # fmt: skip
    if prompt.meta.get("environment"):
        parts.append({name: prompt.meta.get(name) for name in AGENT_FIELDS})
    return hashlib.blake2b(orjson.dumps(parts), digest_size=_DIGEST).digest()
