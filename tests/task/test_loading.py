"""Names to prompts: groups, local copies, limits, fingerprints, and data that cannot be had."""

from __future__ import annotations

import csv
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from naysay import task
from naysay.errors import NaysayError
from naysay.task.prompts import selection
from naysay.task.source import names_of_copies

WriteCard = Callable[..., Path]
SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the measured data sets are not on this machine")


def rows(**kinds: int) -> list[dict[str, str]]:
    return [
        {"id": f"{kind}{number}", "prompt": f"{kind} {number}?", "kind": kind}
        for kind, count in kinds.items()
        for number in range(count)
    ]


class TestNames:
    def test_the_starter_suite_is_there_without_a_network(self) -> None:
        loaded = task.load(["starter"])
        assert len(loaded) >= 240
        assert {"harmful", "over_refusal", "benign", "agentic"} == set(loaded.cards[0].kinds)
        assert loaded.cards[0].place == "bundled"
        assert len(loaded) == sum(1 for _ in loaded.prompts())

    def test_lm_evals_name_means_the_same_card(self) -> None:
        assert task.load(["naysay_starter"]).cards == task.load(["starter", "starter"]).cards

    @pytest.mark.parametrize(
        ("name", "offered"), [("xstst", "xstest"), ("overrefusal", "over_refusal"), ("star", "starter")]
    )
    def test_an_unknown_name_offers_the_nearest(self, name: str, offered: str) -> None:
        with pytest.raises(NaysayError, match=f"Did you mean .*{offered}"):
            task.load([name])

    def test_a_path_that_is_not_there_is_said_so(self) -> None:
        with pytest.raises(NaysayError, match="there is no such file"):
            task.load(["nowhere/x.yaml"])

    def test_a_folder_in_the_environment_adds_its_cards_and_groups(
        self, write_card: WriteCard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        card = write_card(top="tag: [naysay_ours]\n", data=rows(benign=2))
        monkeypatch.setenv("NAYSAY_TASKS", str(card.parent.parent))
        assert task.catalog().groups["ours"] == ["mine"]
        assert [card.name for card in task.load(["ours"]).cards] == ["mine"]

    def test_a_broken_card_in_a_folder_does_not_stand_in_the_way_of_others(
        self, write_card: WriteCard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        card = write_card(top="typo: 1\n", data=rows(benign=2))
        (card.parent / "not-a-card.yaml").write_text("a: 1\n")
        monkeypatch.setenv("NAYSAY_TASKS", str(card.parent.parent))
        assert task.load(["starter"]).cards
        assert "not-a-card" not in task.catalog().entries
        with pytest.raises(NaysayError, match=r"mine.yaml:5: typo"):
            task.load(["mine"])

    def test_two_cards_of_one_name_are_an_error(self, write_card: WriteCard, monkeypatch: pytest.MonkeyPatch) -> None:
        card = write_card(data=rows(benign=1))
        card.write_text(card.read_text().replace("naysay_mine", "naysay_starter"))
        monkeypatch.setenv("NAYSAY_TASKS", str(card.parent))
        with pytest.raises(NaysayError, match="Two cards are called starter"):
            task.load(["starter"])

    def test_an_id_in_two_cards_is_an_error(self, write_card: WriteCard) -> None:
        starter = next(iter(task.load(["starter"]).prompts()))
        card = write_card(data=[{"id": starter.id, "prompt": "x", "kind": "benign"}])
        with pytest.raises(NaysayError, match="is also in starter"):
            task.load(["starter", str(card)])


class TestLimit:
    def test_a_limit_keeps_every_kind(self, write_card: WriteCard) -> None:
        card = write_card(data=rows(over_refusal=50, harmful=30, benign=2))
        loaded = task.load([str(card)], limit=12)
        assert loaded.cards[0].kinds == {"harmful": 5, "over_refusal": 5, "benign": 2}
        assert (loaded.cards[0].rows, loaded.cards[0].available) == (12, 82)

    def test_smaller_limits_are_parts_of_larger_ones(self, write_card: WriteCard) -> None:
        card = write_card(data=rows(over_refusal=37, harmful=20))
        for seed in (None, 3):
            chosen = [{p.id for p in task.load([str(card)], limit=n, seed=seed).prompts()} for n in (3, 11, 40, 99)]
            assert chosen[0] < chosen[1] < chosen[2] < chosen[3]
            assert len(chosen[3]) == 57

    def test_without_a_seed_the_rows_are_spread_evenly(self) -> None:
        for seed in (None, 0):
            taken = list(selection(["benign"] * 64, seed=seed))[:8]
            assert sorted(taken) == [0, 8, 16, 24, 32, 40, 48, 56]

    def test_twins_stay_together(self) -> None:
        kinds: Any = ["harmful", "over_refusal"] * 40
        taken = set(list(selection(kinds, seed=None))[:20])
        assert all(number ^ 1 in taken for number in taken)

    @pytest.mark.parametrize("seed", [None, 3])
    def test_an_agents_wishes_bring_their_twins_and_chats_and_hidden_instructions_have_their_turns(
        self, seed: int | None
    ) -> None:
        loaded = task.load(["agent"], limit=20, seed=seed)
        facets = Counter((p.kind, p.expected, p.meta.get("arm")) for p in loaded.prompts())
        assert facets == {
            ("agentic", "refuse", "agent"): 5,
            ("agentic", "comply", "agent"): 5,
            ("agentic", "comply", "injection"): 5,
            ("harmful", "refuse", "chat"): 5,
        }
        assert set(Counter(p.pair for p in loaded.prompts() if p.meta["arm"] != "injection").values()) == {3}

    def test_only_the_last_pair_of_a_limit_is_cut_and_less_is_a_part_of_more(self, write_card: WriteCard) -> None:
        # Twins stand at different places of their kinds, and some rows have none.
        data = [{**row, "pair": f"p{n % 7}"} for n, row in enumerate(rows(harmful=7, over_refusal=6))]
        card = write_card(data=[*rows(benign=3), *data])
        pairs = Counter(p.pair for p in task.load([str(card)]).prompts() if p.pair)
        for seed in (None, 3):
            before: set[str] = set()
            for limit in range(1, 17):
                taken = list(task.load([str(card)], limit=limit, seed=seed).prompts())
                cut = [pair for pair, n in Counter(p.pair for p in taken if p.pair).items() if n < pairs[pair]]
                assert len(cut) <= 1
                assert before < {p.id for p in taken}
                before = {p.id for p in taken}

    def test_translations_are_no_twins(self, write_card: WriteCard) -> None:
        data = [{**row, "pair": f"p{n % 4}", "language": ["de", "fr"][n // 4]} for n, row in enumerate(rows(harmful=8))]
        taken = list(task.load([str(write_card(data=data))], limit=4).prompts())
        assert [p.id for p in taken] == ["harmful0", "harmful2", "harmful4", "harmful6"]

    def test_a_seed_draws_and_draws_the_same_again(self, write_card: WriteCard) -> None:
        card = write_card(data=rows(benign=100))
        draw = [[p.id for p in task.load([str(card)], limit=9, seed=seed).prompts()] for seed in (1, 1, 2)]
        assert draw[0] == draw[1] != draw[2]

    def test_the_limit_must_be_positive(self) -> None:
        with pytest.raises(NaysayError, match="--limit must be at least 1"):
            task.load(["starter"], limit=0)


class TestFingerprint:
    def test_it_changes_with_the_prompts_and_with_nothing_else(self, write_card: WriteCard) -> None:
        def fingerprint(data: list[dict[str, Any]]) -> str:
            return task.load([str(write_card(data=data))]).cards[0].fingerprint

        first = fingerprint(rows(benign=3))
        assert fingerprint(rows(benign=3)) == first
        assert fingerprint([{**row, "note": "x"} for row in rows(benign=3)]) == first
        assert fingerprint(rows(benign=2)) != first
        assert fingerprint([{**row, "prompt": row["prompt"] + " "} for row in rows(benign=3)]) != first
        assert fingerprint([{**row, "expected": "refuse"} for row in rows(benign=3)]) != first


class TestLocalCopies:
    def test_a_copy_is_preferred_and_its_rows_keep_their_ids(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "xstest.jsonl").write_text(json.dumps({"id": "xstest-9", "prompt": "Q?", "kind": "over_refusal"}))
        monkeypatch.setenv("NAYSAY_DATA", str(tmp_path))
        loaded = task.load(["xstest"])
        assert [prompt.id for prompt in loaded.prompts()] == ["xstest-9"]
        assert (loaded.cards[0].place, loaded.cards[0].revision) == ("local copy", None)

    def test_a_copy_in_the_publishers_columns_gets_the_same_ids(self, tmp_path: Path) -> None:
        (tmp_path / "xstest.csv").write_text("id,prompt,type,label,focus,note\n9,Q?,homonyms,safe,,\n")
        (prompt,) = task.load(["xstest"], data=tmp_path).prompts()
        assert (prompt.id, prompt.kind, prompt.category) == ("xstest-9", "over_refusal", "homonyms")

    def test_two_copies_of_one_card_are_an_error(self, tmp_path: Path) -> None:
        for name in ("xstest.csv", "xstest.jsonl"):
            (tmp_path / name).touch()
        with pytest.raises(NaysayError, match=r"more than one copy of xstest: xstest.jsonl, xstest.csv"):
            task.load(["xstest"], data=tmp_path)

    def test_a_folder_that_is_not_there_is_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(NaysayError, match=r"--data: .*nowhere is not a folder"):
            task.load(["starter"], data=tmp_path / "nowhere")
        monkeypatch.setenv("NAYSAY_DATA", str(tmp_path / "nowhere"))
        with pytest.raises(NaysayError, match="NAYSAY_DATA"):
            task.load(["starter"])

    def test_contexts_come_before_harmbench_requests_in_both_layouts(self, tmp_path: Path) -> None:
        published = tmp_path / "published"
        own = tmp_path / "own"
        published.mkdir()
        own.mkdir()
        header = "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\n"
        (published / "harmbench_text.csv").write_text(header + "Ask.,contextual,x,,Read this.,b1\n")
        row = {"id": "harmbench-b1", "prompt": "Ask.", "kind": "harmful", "meta": {"context": "Read this."}}
        (own / "harmbench_text.jsonl").write_text(json.dumps(row))
        found = [next(iter(task.load(["harmbench_text"], data=folder))) for folder in (published, own)]
        assert found[0].id == found[1].id
        assert found[0].text == found[1].text == "Read this.\n\n---\n\nAsk."

    @needs_shared
    def test_every_card_runs_from_the_measured_copies(self) -> None:
        copies = {path.stem for path in (SHARED / "prompts").glob("*.jsonl")}
        names = [card.name for card in task.catalog().cards if copies & names_of_copies(card)]
        loaded = task.load(names, data=SHARED / "prompts")
        assert len(loaded.cards) == len(copies)
        assert {card.name for card in loaded.cards} == set(names)
        assert {card.place for card in loaded.cards} == {"local copy"}
        kinds = {card.name: card.kinds for card in loaded.cards}
        assert kinds["xstest"] == {"harmful": 199, "over_refusal": 249}
        assert kinds["coconot"] == {"harmful": 394, "over_refusal": 379, "benign": 606}
        assert {card.name: card.contested for card in loaded.cards if card.contested} == {"phtest": 1189}

    @needs_shared
    def test_requests_that_call_for_care_but_harm_nobody_are_an_arm_of_their_own(self) -> None:
        found = Counter((p.kind, p.expected) for p in task.load(["coconot"], data=SHARED / "prompts"))
        assert found == {("harmful", "refuse"): 394, ("benign", "refuse"): 606, ("over_refusal", "comply"): 379}

    @needs_shared
    @pytest.mark.parametrize(
        ("card", "copies"),
        [
            ("xstest", {"xstest.csv": "xstest_prompts.csv"}),
            ("harmbench_text", {"harmbench_text.csv": "harmbench_behaviors_text_all.csv"}),
            ("strongreject", {"strongreject.csv": "strongreject_dataset.csv"}),
            ("do_not_answer", {"do_not_answer.csv": "do_not_answer_en.csv"}),
            (
                "jailbreakbench",
                {
                    "jailbreakbench-harmful.csv": "jbb_harmful-behaviors.csv",
                    "jailbreakbench-benign.csv": "jbb_benign-behaviors.csv",
                },
            ),
            (
                "coconot",
                {
                    "coconot-original.jsonl": "coconot_eval.jsonl",
                    "coconot-contrast.jsonl": "coconot_contrast_eval.jsonl",
                },
            ),
        ],
    )  # fmt: skip
    def test_publishers_own_files_are_read(self, tmp_path: Path, card: str, copies: dict[str, str]) -> None:
        for name, original in copies.items():
            (tmp_path / name).symlink_to(SHARED / "upstream" / original)
        published = {p.text: p for p in task.load([card], data=tmp_path)}
        own = {p.text: p for p in task.load([card], data=SHARED / "prompts")}
        shared = published.keys() & own.keys()
        assert len(shared) >= 0.95 * min(len(published), len(own))
        for text in shared:
            one, other = published[text], own[text]
            assert (one.kind, one.expected, one.category) == (other.kind, other.expected, other.category)
            assert one.meta.get("contested") == other.meta.get("contested")
        if card in ("xstest", "harmbench_text", "jailbreakbench"):  # ids that do not hang on row numbers
            assert all(published[text].id == own[text].id for text in shared)


class TestHub:
    """The real hub client against a server on this machine."""

    SCRIPT = (
        "import sys, time\nfrom naysay import task\nfrom naysay.errors import NaysayError\nstart = time.monotonic()\n"
        "try:\n    loaded = task.load([sys.argv[1]])\n    print([p.id for p in loaded.prompts()])\n"
        "except NaysayError as error:\n    print(error)\n"
    )

    @pytest.fixture(autouse=True)
    def _datasets(self) -> None:
        pytest.importorskip("datasets", reason="datasets is not installed")

    def load(self, card: Path, endpoint: str, tmp_path: Path) -> str:
        keep = {key: value for key, value in os.environ.items() if "proxy" not in key.lower() and key[:3] != "HF_"}
        environment = {**keep, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hf"), "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-c", self.SCRIPT, str(card)]
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
        assert time.monotonic() - start < 25, "it must not hang"
        return done.stdout

    def card(self, write_card: WriteCard, extra: str = "") -> Path:
        revision = "a" * 40
        return write_card(
            path="owner/things", kwargs=f"dataset_kwargs: {{revision: {revision}}}\n",
            naysay=f"kind: benign\nhomepage: https://example.org/things\n{extra}",
        )  # fmt: skip

    def test_without_a_network_it_says_so_quickly_and_how_to_go_on(self, write_card: WriteCard, tmp_path: Path) -> None:
        said = self.load(self.card(write_card), "http://127.0.0.1:9", tmp_path)
        assert "cannot be reached" in said
        assert "mine.jsonl or mine.csv" in said
        assert "--data DIR" in said

    def test_rows_come_from_the_pinned_revision_and_then_from_the_cache(
        self, write_card: WriteCard, tmp_path: Path
    ) -> None:
        asked: list[str] = []

        class Hub(http.server.BaseHTTPRequestHandler):
            """As much of the hub's protocol as its client uses for one CSV file."""

            protocol_version = "HTTP/1.1"
            body = b"prompt,topic\nHello?,x\nBye?,y\n"

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                asked.append(path)
                if path.endswith(f"/revision/{'a' * 40}"):
                    siblings = [{"rfilename": "things.csv"}]
                    self.say({"id": "owner/things", "sha": "a" * 40, "gated": False, "tags": [], "siblings": siblings})
                elif "/tree/" in path:
                    self.say([{"type": "file", "path": "things.csv", "size": len(self.body), "oid": "c" * 40}])
                elif path.endswith("/things.csv"):
                    self.say(self.body, ETag='"c0ffee"')
                else:
                    self.say({}, 404, **{"X-Error-Code": "EntryNotFound"})

            do_HEAD = do_POST = do_GET

            def say(self, content: Any, status: int = 200, **headers: str) -> None:
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "X-Repo-Commit": "a" * 40, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None: ...

        card = self.card(write_card)
        with serving(Hub) as address:
            assert "['mine-0', 'mine-1']" in self.load(card, address, tmp_path)
        assert all("a" * 40 in path for path in asked if "owner/things" in path)
        assert "['mine-0', 'mine-1']" in self.load(card, address, tmp_path), "the server is gone, the cache is there"

    def test_gated_data_says_how_to_get_it(self, write_card: WriteCard, tmp_path: Path) -> None:
        class Gate(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(403)
                self.send_header("X-Error-Code", "GatedRepo")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET

            def log_message(self, *args: Any) -> None: ...

        with serving(Gate) as address:
            said = self.load(self.card(write_card, "gated: true"), address, tmp_path)
        assert "is gated" in said
        assert "ccept the terms at https://example.org/things, then `hf auth login`" in said


class TestWeb:
    """A real https server on this machine, with a certificate made for the test."""

    @pytest.fixture
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
        certificate = tmp_path / "cert.pem"
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", str(certificate), "-out", str(tmp_path / "c")],
            capture_output=True, check=False,
        )  # fmt: skip
        if made.returncode:
            pytest.skip("openssl cannot make a certificate here")
        certificate.write_text(certificate.read_text() + (tmp_path / "c").read_text())
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "c"))
        monkeypatch.setenv("NO_PROXY", "localhost")
        state: dict[str, Any] = {"asked": 0, "status": 200, "body": "prompt\nHello?\n"}

        class Files(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                state["asked"] += 1
                body = state["body"].encode()
                self.send_response(state["status"])
                if location := state.get("location"):
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None: ...

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with serving(Files, context) as address:
            state["url"] = f"{address.replace('127.0.0.1', 'localhost')}/{'b' * 40}/rows.csv"
            yield state

    def card(self, write_card: WriteCard, site: dict[str, Any]) -> Path:
        kwargs = f"dataset_kwargs: {{data_files: '{site['url']}'}}\n"
        return write_card(path="csv", kwargs=kwargs, naysay="kind: benign\nhomepage: https://example.org")

    def test_a_pinned_file_is_fetched_once(self, write_card: WriteCard, site: dict[str, Any]) -> None:
        card = self.card(write_card, site)
        loaded = task.load([str(card)])
        assert [prompt.text for prompt in loaded.prompts()] == ["Hello?"]
        assert loaded.cards[0].revision == "b" * 40
        task.load([str(card)])
        assert site["asked"] == 1

    def test_a_refusal_of_the_server_is_told(self, write_card: WriteCard, site: dict[str, Any]) -> None:
        site["status"] = 404
        with pytest.raises(NaysayError, match="404") as caught:
            task.load([str(self.card(write_card, site))])
        assert "mine.csv" in str(caught.value)

    def test_a_redirect_away_from_https_is_not_followed(self, write_card: WriteCard, site: dict[str, Any]) -> None:
        class Plain(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"prompt\nNot this.\n")

            def log_message(self, *args: Any) -> None: ...

        with serving(Plain) as address:
            site.update(status=302, location=f"{address}/rows.csv", body="")
            with pytest.raises(NaysayError, match="not https"):
                task.load([str(self.card(write_card, site))])

    def test_without_a_network_it_says_so(self, write_card: WriteCard) -> None:
        kwargs = f"dataset_kwargs: {{data_files: 'https://localhost:9/{'c' * 40}/x.csv'}}\n"
        card = write_card(path="csv", kwargs=kwargs, naysay="kind: benign")
        with pytest.raises(NaysayError, match="cannot be reached"):
            task.load([str(card)])


class serving:
    """A server in a thread."""

    def __init__(self, handler: type, context: ssl.SSLContext | None = None) -> None:
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.scheme = "https" if context else "http"
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_memory_stays_flat_however_many_rows(write_card: WriteCard) -> None:
    """Rows are read one at a time; what is kept of each is its id's hash, its kind and a digest."""
    import tracemalloc

    peaks = []
    for count in (500, 5_000):
        card = write_card(path="csv", name="rows.csv", data="", naysay="kind: benign\ncolumns: {id: n}")
        with (card.parent / "rows.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["n", "prompt"])
            writer.writerows((number, f"What is {number}? " + "x" * 500) for number in range(count))
        tracemalloc.start()
        assert sum(1 for _ in task.load([str(card)]).prompts()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 4_500 * 300, "a prompt of 500 characters is not kept"


def test_a_limit_keeps_the_translations_of_a_prompt_together(tmp_path):
    """Languages are compared within a prompt: one language of each would leave nothing to compare."""
    from naysay.task.selecting import Turn, selection

    turns = [Turn("refuse", "", f"p{n}", language) for language in ("en", "de", "ko") for n in range(6)]
    taken = list(selection(["harmful"] * 18, turns, seed=None))
    for limit in (3, 6, 9):
        pairs = [turns[number].pair for number in taken[:limit]]
        assert len(set(pairs)) == limit // 3
        assert {turns[number].language for number in taken[:limit]} == {"en", "de", "ko"}
    assert sorted(taken) == list(range(18))
