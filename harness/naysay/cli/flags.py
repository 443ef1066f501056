"""The flags, the same everywhere: names, types and help are written once."""

# Typer reads these annotations at run time, and shows ``Optional`` as "may be left out".
# ruff: noqa: UP045

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional

import typer

from naysay.errors import NaysayError

Model = Annotated[
    Optional[str],
    typer.Option(
        "--model",
        metavar="NAME",
        help="Who answers: organism, openai/NAME, anthropic/NAME, hf/PATH, vllm/PATH, lm-eval/TYPE:ARGS or "
        "replay/FILE.jsonl.",
    ),
]
BaseUrl = Annotated[
    Optional[str], typer.Option("--base-url", metavar="URL", help="An OpenAI-compatible server for openai/NAME.")
]
ModelArg = Annotated[
    Optional[list[str]],
    typer.Option("--model-arg", metavar="KEY=VALUE", help="A setting of the model backend; may be repeated."),
]
Tasks = Annotated[
    Optional[list[str]],
    typer.Option(
        "--tasks", metavar="NAME_OR_PATH[,...]", help="Task cards, suites or groups, by name or path. [starter]"
    ),
]
Data = Annotated[
    Optional[Path],
    typer.Option("--data", metavar="DIR", help="A folder of local copies of data sets, named like the cards."),
]
AllowMissing = Annotated[
    Optional[bool],
    typer.Option("--allow-missing", help="Run a suite without the sets that cannot be had here; the run says so."),
]
LabelsBy = Annotated[
    Optional[str],
    typer.Option(
        "--labels-by",
        metavar="WHO",
        help="Who gave the labels of lines without a label_source. Only labels by `human` correct rates.",
    ),
]
Judge = Annotated[Optional[list[str]], typer.Option("--judge", metavar="NAME[,...]", help="Who decides. [embedded]")]
JudgeModel = Annotated[
    Optional[str], typer.Option("--judge-model", metavar="NAME", help="The model behind LLM judges, as for --model.")
]
JudgeBaseUrl = Annotated[
    Optional[str], typer.Option("--judge-base-url", metavar="URL", help="The server for an openai/NAME judge model.")
]
Targets = Annotated[
    Optional[list[str]],
    typer.Option(
        "--targets",
        metavar="TARGET[,...]",
        help="What is judged: answer, reasoning, both; actions where agents act. [answer,reasoning]",
    ),
]
Limit = Annotated[Optional[int], typer.Option("--limit", metavar="N", help="At most N prompts from each card.")]
Samples = Annotated[Optional[int], typer.Option("--samples", metavar="N", help="Responses for each prompt. [1]")]
Concurrency = Annotated[
    Optional[int], typer.Option("--concurrency", metavar="N", help="Requests in flight. [the backend's own]")
]
Seed = Annotated[Optional[int], typer.Option("--seed", metavar="N", help="For sampling and for --limit. [0]")]
Temperature = Annotated[
    Optional[float],
    typer.Option("--temperature", metavar="T", help="[0 for one sample, the server's own default for several]"),
]
TopP = Annotated[Optional[float], typer.Option("--top-p", metavar="P", help="Nucleus sampling.")]
MaxTokens = Annotated[
    Optional[int],
    typer.Option("--max-tokens", metavar="N", help="Most tokens to generate, reasoning included. [2048]"),
]
ReasoningTokens = Annotated[
    Optional[int], typer.Option("--reasoning-tokens", metavar="N", help="Budget for reasoning where the API has one.")
]
ReasoningEffort = Annotated[
    Optional[str], typer.Option("--reasoning-effort", metavar="LEVEL", help="minimal, low, medium or high.")
]
System = Annotated[Optional[str], typer.Option("--system", metavar="TEXT", help="A system prompt before every prompt.")]
Attack = Annotated[
    Optional[list[str]],
    typer.Option(
        "--attack", metavar="NAME[,...]", help="Ask variants of every prompt, too: rot13, rot13+prefix_injection, "
        "translate:de, misspelling*8. `naysay attacks` lists them.",
    ),
]  # fmt: skip
AttackModel = Annotated[
    Optional[str], typer.Option("--attack-model", metavar="NAME", help="Who rewrites prompts, as for --model.")
]
AttackBaseUrl = Annotated[
    Optional[str], typer.Option("--attack-base-url", metavar="URL", help="The server for an openai/NAME attack model.")
]
MaxTurns = Annotated[
    Optional[int], typer.Option("--max-turns", metavar="N", help="Turns that an agent may take for one behaviour. [20]")
]
AgentSeconds = Annotated[
    Optional[float],
    typer.Option("--agent-seconds", metavar="S", help="Seconds that one behaviour may take an agent. [1200]"),
]
AgentTokens = Annotated[
    Optional[int],
    typer.Option("--agent-tokens", metavar="N", help="Tokens, in and out, of all turns of one behaviour. [250000]"),
]
Environments = Annotated[
    Optional[str],
    typer.Option(
        "--environments", metavar="FILE.py[,...]", help="Python files with environments of your own; they are run."
    ),
]
Cache = Annotated[
    Optional[bool], typer.Option("--cache/--no-cache", help="Use responses kept from earlier runs. [--cache]")
]
RetryUnparsable = Annotated[
    bool,
    typer.Option(
        "--retry-unparsable",
        help="Ask judges' models again where their reply could not be read; kept replies are not used for it.",
    ),
]
Out = Annotated[Optional[Path], typer.Option("--out", metavar="DIR", help="The run folder. [runs/MODEL-TASKS-HASH]")]


def kept_seed(value: int | None) -> int | None:
    """A seed of ``naysay judges`` or ``naysay annotate``, as typed: it is written into a file beside the results.

    Raises:
        typer.BadParameter: it does not fit into 64 bits, which is all that is read back the same everywhere.
    """
    if value is not None and not -(2**63) <= value < 2**63:
        raise typer.BadParameter(f"{value} does not fit into 64 bits; give a smaller number.")
    return value


def pairs(values: Sequence[str] | None, flag: str) -> dict[str, str] | None:
    """``["a=b"]`` as ``{"a": "b"}``.

    Raises:
        NaysayError: a value has no ``=``.
    """
    if values is None:
        return None
    made = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise NaysayError(f"{flag} {value!r} is not KEY=VALUE.")
        made[key] = rest
    return made


def data_folder(given: Path | None) -> Path | None:
    """``--data``, or ``NAYSAY_DATA``, or None.

    Raises:
        NaysayError: it is named and is not a folder.
    """
    named = given or (Path(value) if (value := os.environ.get("NAYSAY_DATA")) else None)
    if named is not None and not named.is_dir():
        origin = "--data" if given else "NAYSAY_DATA"
        raise NaysayError(f"{origin} {named} is not a folder.", hint="Name a folder that holds CARD.jsonl files.")
    return named
