"""The attacks of a run: from ``--attack`` to the prompts that are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from naysay.errors import NaysayError, is_utf8
from naysay.run.cache import CachedBackend, ResponseCache
from naysay.run.engine import first_error
from naysay.run.rewrites import AGAIN, REWRITES, Asking, Rewrites
from naysay.run.spec import RunSpec
from naysay.schema import Backend, Prompt
from naysay.task.transforms import parse
from naysay.task.transforms.attack import Attack, Tally, apply


@dataclass
class Attacks:
    """What is done to the prompts of a run.

    Attributes:
        attacks: As ``--attack`` names them.
        seed: The run's.
        backend: The attack model, or None where no attack needs one.
        about: For the manifest: name, steps, hash, seed, and once the prompts have been written how many variants were
            made and why others were not.
    """

    attacks: list[Attack]
    seed: int
    backend: Backend | None = None
    about: list[dict[str, Any]] = field(default_factory=list)

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the variants beside the prompts; a part of the run's identity."""
        made: dict[str, Any] = {attack.name: attack.identity(self.seed) for attack in self.attacks}
        return made | ({"model": self.backend.identity()} if self.backend else {})

    async def ask(self, folder: Path, prompts: Callable[[], Iterable[Prompt]]) -> None:
        """Have the attack model rewrite what is not rewritten yet.

        Raises:
            NaysayError: it cannot be used.
            IncompleteError: it stopped answering; the same command goes on.
        """
        if self.backend is None:
            return
        from naysay import judge

        with self.rewrites(folder) as rewrites:
            asking = Asking(self.backend, rewrites, judge.create("keyword"))
            try:
                await asking.all(self.attacks, prompts)
            except* NaysayError as errors:
                raise first_error(errors) from None

    def applied(self, prompts: Iterable[Prompt], folder: Path) -> Iterator[Prompt]:
        """Each prompt and its variants, one at a time; :attr:`about` is filled when they have all been taken."""
        tallies: dict[str, Tally] = {}
        if self.backend is None:
            yield from apply(self.attacks, prompts, seed=self.seed, tallies=tallies)
        else:
            with self.rewrites(folder) as rewrites:
                yield from apply(
                    self.attacks, prompts, seed=self.seed, rewritten=rewrites.get, tallies=tallies
                )  # fmt: skip
        for about in self.about:
            about.update(tallies[about["name"]].as_dict())
        if not any(tally.made for tally in tallies.values()):
            reasons = sorted({reason for tally in tallies.values() for reason in tally.skipped})
            raise self._none(folder, reasons)

    def _none(self, folder: Path, reasons: Sequence[str]) -> NaysayError:
        hint = "`naysay attacks` says what each is made for."
        if self.backend is not None:
            again = " What failed or came without marks is asked for again." if not AGAIN.isdisjoint(reasons) else ""
            hint = (
                f"{folder / REWRITES} has what {self.backend.name} replied. See to its server or name another "
                f"--attack-model with another --out, then give the command again.{again}"
            )
        return NaysayError(f"The attacks made no variant of any prompt: {'; '.join(reasons)}.", hint=hint)

    def rewrites(self, folder: Path) -> Rewrites:
        """What the attack model made for the run in this folder."""
        identity = self.backend.identity() if self.backend else None
        return Rewrites(folder / REWRITES, identity, self.seed)


def plan_attacks(spec: RunSpec, cache: ResponseCache | None) -> Attacks | None:
    """The attacks that a spec names, or None where it names none.

    Raises:
        NaysayError: one is unknown or cannot be, or needs an attack model and none is named (or the other way round).
    """
    attacks = parse(spec.attack)
    needing = [attack.name for attack in attacks if attack.needs_model]
    if needing and not spec.attack_model:
        raise NaysayError(
            f"{', '.join(needing)} {'is' if len(needing) == 1 else 'are'} made by a language model, and none is named.",
            hint="Name it with --attack-model, for example --attack-model openai/NAME --attack-base-url URL.",
        )
    if spec.attack_model and not needing:
        raise NaysayError(
            f"No attack asks for --attack-model {spec.attack_model}.",
            hint="Leave it out, or name an attack that a model makes: paraphrase, past_tense_llm, translate:LANG.",
        )
    if not attacks:
        return None
    about = [
        {"name": attack.name, "steps": [step.name for step in attack.steps], **attack.identity(spec.seed)}
        for attack in attacks
    ]
    return Attacks(attacks, spec.seed, _backend(spec, cache) if needing else None, about)


def _backend(spec: RunSpec, cache: ResponseCache | None) -> Backend:
    from naysay import model

    assert spec.attack_model is not None
    backend: Backend = model.create(spec.attack_model, base_url=spec.attack_base_url)
    return CachedBackend(backend, cache) if cache is not None and getattr(backend, "cacheable", True) else backend


def shown(
    name: str, text: str, *, language: str = "en", seed: int = 0, model: str | None = None, base_url: str | None = None
) -> tuple[list[Prompt], dict[str, int], list[str]]:
    """What ``naysay attacks show`` shows.

    Returns:
        The variants; reasons for which others were not made, with their number; and what an attack model would be
        asked, where the attack needs one and none is named.

    Raises:
        NaysayError: the attack cannot be, or its model cannot be used.
    """
    if not is_utf8(text):
        raise NaysayError("The prompt is not UTF-8 text.", hint="Give --prompt as UTF-8.")
    attack = parse([name])[0]
    prompt = Prompt("example", [{"role": "user", "content": text}], "benign", "comply", language=language)
    tally = Tally()
    if not attack.needs_model:
        return list(attack.variants(prompt, seed=seed, tally=tally)), dict(tally.skipped), []
    if model is None:
        reason = attack.suits(prompt)
        asked = "" if reason else str(attack.steps[0].make(text, attack.steps[0].name, 0))
        return [], {reason: 1} if reason else {}, [asked] if asked else []
    from naysay import model as models

    made = Attacks([attack], seed, models.create(model, base_url=base_url))
    with TemporaryDirectory() as folder:
        asyncio.run(made.ask(Path(folder), lambda: [prompt]))
        with made.rewrites(Path(folder)) as rewrites:
            variants = list(attack.variants(prompt, seed=seed, rewritten=rewrites.get, tally=tally))
    return variants, dict(tally.skipped), []
