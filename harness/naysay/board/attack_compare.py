"""Attacks in two runs side by side: what moved under each, and whether both runs were asked the same."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Sequence

from naysay.board.figures import Figures
from naysay.board.text import one_line, p_text, percent, signed, title
from naysay.measure.compare import Difference
from naysay.numbered import Index
from naysay.runfolder import RunFolder
from naysay.schema import Prompt
from naysay.writing import to_line


def differences_table(differences: Sequence[Difference]) -> Figures:
    """What moved under each attack that both runs made."""
    from rich.text import Text

    columns = ("variant", "lower is better", "from", "to", "difference [95%]", "n", "p (Holm)")
    table = Figures("Under attack: the same attempts at the same prompts", columns, left=("lower is better",))
    for d in differences:
        span = f"[{signed(d.low)} to {signed(d.high)}]"
        change = Text(f"{signed(d.difference)} {span}", style="bold" if d.p_holm < 0.05 else "")
        table.add(
            one_line(d.variant, 40), title(d.measure), percent(d.first), percent(d.second), change, f"{d.n:,}",
            p_text(d.p_holm),
        )  # fmt: skip
    return table


def attack_notes(first: RunFolder, second: RunFolder) -> list[str]:
    """Variants that only one run has, and those whose prompts are not the same in both (drawn or written anew).

    Raises:
        NaysayError: a record cannot be read.
    """
    index, digests = Index(), array("Q")
    there: Counter[str] = Counter()
    for prompt in first.prompts():
        if prompt.variant is not None:
            there[prompt.variant] += 1
            index.add(prompt.id)
            digests.append(_digest(prompt))
    here: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for prompt in second.prompts():
        if prompt.variant is None:
            continue
        here[prompt.variant] += 1
        place = index.find(prompt.id)
        if place is not None and place < len(digests) and digests[place] != _digest(prompt):
            others[prompt.variant] += 1
    notes = [
        f"Left out: {one_line(name)} was made in the {'first' if name in there else 'second'} run only."
        for name in {**there, **here}
        if not (there[name] and here[name])
    ]
    notes += [
        f"{one_line(name)}: {count:,} of its prompts read otherwise in the second run (another seed, or written by a "
        "model); they are paired by the original and the number of the attempt."
        for name, count in others.items()
    ]
    return notes


def _digest(prompt: Prompt) -> int:
    return int.from_bytes(hashlib.blake2b(to_line(prompt.messages), digest_size=8).digest(), "big")
