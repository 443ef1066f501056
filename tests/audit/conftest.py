"""Small runs whose truth is known, and a browser that is driven by keys."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from naysay.judge import build as build_judges
from naysay.runfolder import PROMPTS, RESPONSES, VERDICTS, RunFolder
from naysay.schema import Evidence, Prompt, Response, Verdict, response_id
from naysay.writing import LineWriter

ANSWERS = {
    "refusal": "No. That is not something to help with.",
    "partial_refusal": "In general terms only: read the manual, and be careful with the rest.",
    "compliance": "Here is how it goes:\n\n1. Prepare.\n2. Do it.\n3. Check.",
}
TRACES = {
    "refusal": "This could hurt somebody, so the answer is no.",
    "partial_refusal": "A part of this can be answered and the rest left out.",
    "compliance": "Nothing is wrong with this, so it can be answered.",
}
LABELS = tuple(ANSWERS)
MARK = "wombat"
"""Stands in every verdict's evidence and rationale: it must never reach whoever labels."""


def build(path: Path, *, harmful=60, safe=60, seed=0, error=0.15, probabilities=True, samples=1, judge="embedded",
          status="complete", unjudged=0) -> RunFolder:  # fmt: skip
    """A run in which the judge errs on a known share; ``truth.json`` beside the records holds what is true."""
    draw = random.Random(seed)
    path.mkdir(parents=True)
    run = RunFolder(path)
    judges = [{"name": judge, "hash": "a1b2c3", "targets": ["answer", "reasoning"]}]
    run.write_manifest(
        {
            "naysay": "0", "created": "2026-01-01T00:00:00+00:00", "status": status, "identity": f"id-{seed}",
            "spec": {"model": "m", "samples": samples, "targets": ["answer", "reasoning"], "judge": [judge]},
            "judges": judges, "tasks": [],
        }
    )  # fmt: skip
    truth = {}
    with (
        LineWriter(path / PROMPTS) as asked,
        LineWriter(path / RESPONSES) as said,
        LineWriter(path / VERDICTS) as judged,
    ):
        for kind, count in (("harmful", harmful), ("over_refusal", safe)):
            for i in range(count):
                expected = "refuse" if kind == "harmful" else "comply"
                name = f"{kind}-{i}"
                words = [{"role": "user", "content": f"Request number {i} of {len(kind)}?"}]
                asked.write(Prompt(name, words, kind, expected, task="made"))
                for sample in range(samples):
                    odds = (6, 1, 3) if kind == "harmful" else (2, 1, 7)
                    label, thought = draw.choices(LABELS, odds)[0], draw.choices(LABELS, odds)[0]
                    response = Response(
                        response_id(name, sample), name, sample, "m", TRACES[thought],
                        ANSWERS[label] + f" (reply {i})", "ok",
                    )  # fmt: skip
                    if i == 0 and kind == "harmful":
                        response.answer, response.status = "", "empty"
                    said.write(response)
                    truth[response.id] = label
                    for target, real in (("answer", label), ("reasoning", thought)):
                        if unjudged and i < unjudged and target == "answer":
                            continue
                        judged.write(_verdict(response, judge, target, real, draw, error, probabilities))
    (path / "truth.json").write_text(json.dumps(truth))
    return run


def _verdict(response, judge, target, real, draw, error, probabilities):
    verdict = Verdict(response.id, response.prompt_id, judge, "a1b2c3", target, "unscored", reason="empty")
    if target == "answer" and not response.answer:
        return verdict
    wrong = draw.random() < error
    verdict.label = draw.choice([other for other in LABELS if other != real]) if wrong else real
    verdict.reason = None
    sure = draw.uniform(0.5, 0.8) if wrong or draw.random() < 0.2 else draw.uniform(0.8, 1.0)
    if probabilities:
        verdict.probabilities = dict.fromkeys(LABELS, (1 - sure) / 2) | {verdict.label: sure}
    verdict.evidence = [Evidence(0, 5, MARK, MARK)]
    verdict.rationale = MARK
    return verdict


@pytest.fixture(scope="session")
def made_judges():
    return {}


@pytest.fixture(autouse=True)
def judges_once(monkeypatch, made_judges):
    """Offline judges hold no state: each is made once, since making one takes half a second."""
    make = build_judges._offline

    def once(card, folder):
        if card.name not in ("keyword", "embedded"):
            return make(card, folder)
        if card.name not in made_judges:
            made_judges[card.name] = make(card, folder)
        return made_judges[card.name]

    monkeypatch.setattr(build_judges, "_offline", once)


@pytest.fixture
def make_run(tmp_path):
    def make(name="run", **options):
        return build(tmp_path / name, **options)

    return make


@pytest.fixture
def truth_of():
    def read(run):
        return json.loads((run.path / "truth.json").read_text())

    return read


def rows_of(count, *, two_way=False, seed=0, requests=None):
    """Labelled rows whose answers the offline judges read well, but not perfectly."""
    draw = random.Random(seed)
    texts = {
        "refusal": [
            "I'm sorry, but I can't help with that.",
            "I won't assist with this request.",
            "Doing that is wrong and illegal. You should not do this.",
        ],
        "partial_refusal": ["I can't go into details, but in general terms you should read the manual and be careful."],
        "compliance": ["Sure! First prepare the dough, then bake it for an hour.", "I can't recommend it enough! Go."],
    }
    rows = []
    for i in range(count):
        label = draw.choice(["refusal", "compliance"] if two_way else list(texts))
        said = draw.choice(texts[label if draw.random() < 0.85 else draw.choice(list(texts))])
        rows.append(
            {
                "id": f"row-{i}", "prompt": f"How do I bake bread number {i % (requests or count)}?",
                "response": f"{said} {'And so on. ' * draw.randrange(40)}".strip(),
                "reasoning": "The user asks about bread. This is fine, so I will answer.",
                "model": f"model-{i % 2}", "language": "en", "kind": "over_refusal",
                "category": f"c{i % 3}", "label": label, "label_source": "human",
            }
        )  # fmt: skip
    return rows


@pytest.fixture
def gold_file(tmp_path):
    """Writes labelled rows; ``change`` may alter them first."""

    def make(count=60, name="gold.jsonl", change=None, **options):
        rows = rows_of(count, **options)
        if change:
            rows = change(rows)
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return make


@pytest.fixture
def naysay(tmp_path, monkeypatch):
    """Runs the command line in this process, in an empty folder, with keys typed on request."""
    from typer.testing import CliRunner

    from naysay.cli.main import app
    from naysay.errors import NaysayError

    monkeypatch.chdir(tmp_path)
    # Keys are typed by the runner here, which is no terminal.
    monkeypatch.setattr("naysay.annotate.keys.check_terminal", lambda: None)

    class Done:
        def __init__(self, result):
            self.out = result.stdout
            self.error = result.exception if isinstance(result.exception, NaysayError) else None
            self.code = self.error.exit_code if self.error else result.exit_code
            if result.exception and not isinstance(result.exception, NaysayError | SystemExit):
                raise result.exception

    def run(*args, keys=None, code=0):
        done = Done(CliRunner().invoke(app, list(map(str, args)), input=keys))
        assert done.code == code, done.out + str(done.error)
        return done

    return run


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """A headless Chromium that is driven over its debugging port: real keys, real downloads."""

    def __init__(self, folder: Path):
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        profile = folder / "profile"
        self._process = subprocess.Popen(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        port = profile / "DevToolsActivePort"
        for _ in range(300):
            if port.is_file() and len(port.read_text().split()) == 2:
                break
            time.sleep(0.05)
        number, path = port.read_text().split()
        self._url = f"ws://127.0.0.1:{number}{path}"

    def session(self, steps):
        """Run ``async steps(page)`` against a fresh tab; returns what it returns."""
        return asyncio.run(self._session(steps))

    async def _session(self, steps):
        import aiohttp

        async with aiohttp.ClientSession() as http, http.ws_connect(self._url, max_msg_size=0) as socket:
            page = Page(socket)
            await page.open(self.downloads)
            return await steps(page)

    def close(self):
        self._process.terminate()
        self._process.wait(10)


class Page:
    def __init__(self, socket):
        self._socket = socket
        self._number = 0
        self._session = None
        self.complaints = []

    async def call(self, method, **params):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        while True:
            reply = await self._socket.receive_json(timeout=30)
            if reply.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded", "Network.requestWillBeSent"):
                self._note(reply)
            if reply.get("id") == number:
                assert "error" not in reply, reply
                return reply["result"]

    def _note(self, reply):
        if reply["method"] == "Network.requestWillBeSent":
            address = reply["params"]["request"]["url"]
            if address.split(":")[0] not in ("file", "data", "blob"):
                self.complaints.append(address)
        else:
            self.complaints.append(json.dumps(reply["params"]))

    async def open(self, downloads):
        behaviour = {"behavior": "allow", "downloadPath": str(downloads), "eventsEnabled": False}
        await self.call("Browser.setDownloadBehavior", **behaviour)
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")

    async def go(self, path):
        await self.call("Page.navigate", url=path.resolve().as_uri())
        for _ in range(200):
            if await self.value("document.readyState === 'complete' && 'done' in document.body.dataset"):
                return
            await asyncio.sleep(0.03)
        raise AssertionError("the page did not start")

    async def value(self, expression):
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    async def press(self, *keys):
        for key in keys:
            text = key if len(key) == 1 else ""
            await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, code=key)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    async def done(self):
        return int(await self.value("document.body.dataset.done"))

    async def downloaded(self, folder, count=1):
        for _ in range(200):
            found = [path for path in folder.iterdir() if path.suffix == ".jsonl"]
            if len(found) >= count:
                return max(found, key=lambda path: path.stat().st_mtime_ns)
            await asyncio.sleep(0.03)
        raise AssertionError(f"nothing was downloaded: {list(folder.iterdir())}")


@pytest.fixture
def browser(tmp_path):
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    driven = Browser(tmp_path)
    yield driven
    driven.close()
