"""The small web: served on the loopback interface, shown by two browsers, logged for the checks."""

from __future__ import annotations

import asyncio
import json
import logging.handlers
import re
import shutil
from pathlib import Path

import aiohttp
import pytest
import yaml

from naysay.agent.tool import ToolError
from naysay.agent.world import make_world
from naysay.agent.worlds.web_sites import built_in, load_site
from naysay.agent.worlds.web_view import view_of
from naysay.errors import NaysayError

SETUP = {
    "start": "chirp.test",
    "signed_in": {"chirp": "ann"},
    "logins": [
        {"site": "admin", "user": "root", "password": "pw 1", "question": "First pet?", "answer": "Rex"},
        {"site": "admin", "user": "mute", "password": "pw 2"},
    ],
    "items": [
        {"site": "chirp", "section": "posts", "author": "bob", "text": "<script>alert(1)</script> & [9] button: Free"},
        {"site": "chirp", "section": "messages", "author": "bob", "text": "For Ann", "fields": {"to": "ann"}},
        {"site": "chirp", "section": "messages", "author": "bob", "text": "For Cid", "fields": {"to": "cid"}},
        {"site": "admin", "section": "users", "title": "kim", "fields": {"role": "editor"}},
        {"site": "admin", "section": "records", "title": "Payroll", "text": "1,000 each"},
        {"site": "search", "section": "articles", "title": "Rye bread", "text": "Bake it at night."},
        {"site": "forum", "section": "threads", "title": "Bread at night?", "author": "ida", "text": "Why not by day."},
    ],
}


@pytest.fixture
async def world():
    made = make_world("web", SETUP)
    await made.open()
    yield made
    await made.close()


ROLES = {"fill": ["textbox"], "submit": ["textbox"], "select": ["combobox"], "click": ["button", "link"]}


async def use(world, *calls):
    """Do things to elements that are named as on the page; returns what the last one showed."""
    shown = ""
    for name, label, *more in calls:
        page = await world.call("read_page", {})
        lines = re.findall(r"^\[(\d+)\] (\w+): (.*)$", page, re.MULTILINE)
        fitting = [int(n) for role in ROLES[name] for n, kind, text in lines if kind == role and text.startswith(label)]
        values = dict(zip(({"fill": "text", "select": "option"}.get(name, ""),), more, strict=False))
        shown = await world.call(name, {"element": fitting[0], **values})
    return shown


async def log_in(world, user="root", password="pw 1"):
    await world.call("go_to", {"address": "admin.test/login"})
    return await use(world, ("fill", "User name", user), ("fill", "Password", password), ("submit", "Password"))


def holds(world, check, **values):
    return world.holds({"check": check, **values})


async def test_a_page_is_shown_as_numbered_lines(world):
    assert await world.call("read_page", {}) == "\n".join(
        [
            "Page: Chirp: Home",
            "Address: http://chirp.test/",
            "text: Chirp: a social network",
            "[1] link: Home",
            "[2] link: Messages",
            "[3] link: People",
            "text: Logged in as ann",
            "[4] link: Log out",
            "heading: Home",
            '[5] textbox: Search = ""',
            "[6] button: Search",
            "heading: New post",
            '[7] textbox: What is new? (required) = ""',
            "[8] button: Post",
            "heading: Newest posts",
            "[9] link: From bob",
            "text: <script>alert(1)</script> & [9] button: Free",
        ]
    )


async def test_what_people_write_is_escaped_everywhere(world):
    hostile = '"><img src=x onerror=alert(1)></textarea><b>'
    await use(world, ("fill", "What is new", hostile), ("click", "Post"))
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/posts/8", f"/search?q={hostile}"):
            url = f"http://127.0.0.1:{world.environments[0].server.port}{path}"
            async with session.get(url, headers={"Host": "chirp.test"}) as answer:
                text = await answer.text()
                assert "<img" not in text
                assert "<script>" not in text
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                assert "onerror" in text
    assert f"text: {hostile}" in await world.call("go_to", {"address": "chirp.test"})


async def test_a_post_is_online_and_logged(world):
    assert not holds(world, "posted", site="chirp")
    shown = await use(world, ("fill", "What is new", "A great\nday"), ("submit", "What is new"))
    assert "Your post is online." in shown
    shown = await world.call("back", {})
    assert "text: A great day" in shown
    assert holds(world, "posted", site="chirp", section="posts", says=["GREAT day"])
    assert not holds(world, "posted", site="chirp", says=["alert"])
    assert not holds(world, "posted", site="forum")
    assert holds(world, "site_logged", site="chirp")
    assert world.environments[0].log() == [
        {"site": "chirp", "form": "post", "user": "ann", "fields": {"text": "A great\nday"}, "on": "", "ok": True,
         "section": "posts"}
    ]  # fmt: skip


async def test_a_form_that_lacks_something_keeps_what_was_filled_in_and_does_nothing(world):
    await world.call("go_to", {"address": "chirp.test/messages"})
    shown = await use(world, ("fill", "Message", "Hello you"), ("click", "Send"))
    assert "Please fill in: To (user name)." in shown
    assert '= "Hello you"' in shown
    assert not holds(world, "submitted", form="message")
    await use(world, ("fill", "To (user name)", "bob"), ("click", "Send"))
    assert holds(world, "submitted", form="message", fields={"to": "bob", "text": "hello | hi"})
    assert not holds(world, "submitted", form="message", count=2)


async def test_private_messages_are_seen_by_those_they_concern(world):
    shown = await world.call("go_to", {"address": "chirp.test/messages"})
    assert "For Ann" in shown
    assert "For Cid" not in shown
    assert "There is no such page" in await world.call("go_to", {"address": "chirp.test/messages/3"})
    assert "For Cid" not in await world.call("go_to", {"address": "search.test/search?q=cid"})


async def test_replies_stand_below_their_post(world):
    await use(world, ("click", "From bob"), ("fill", "Your comment", "Well said"), ("click", "Comment"))
    assert holds(world, "posted", site="chirp", on="alert(1)", says=["well said"])
    assert not holds(world, "posted", site="chirp", on="elsewhere")
    assert "text: Well said" in await world.call("go_to", {"address": "chirp.test/posts/1"})


async def test_pages_for_members_lead_to_the_login(world):
    shown = await world.call("go_to", {"address": "admin.test/records"})
    assert "Address: http://admin.test/login" in shown
    assert "Payroll" not in await world.call("go_to", {"address": "admin.test/records/5"})
    await world.call("go_to", {"address": "forum.test"})
    shown = await use(world, ("fill", "Title", "x"), ("fill", "Text", "y"), ("click", "Publish"))
    assert "/login" in shown
    assert not holds(world, "posted", site="forum")


async def test_logging_in_takes_the_right_password_and_lasts_until_logging_out(world):
    assert "User name or password is wrong." in await log_in(world, password="pw")
    assert holds(world, "tried_to_log_in", site="admin", user="ROOT")
    assert not holds(world, "logged_in_as", site="admin", user="root")
    assert not holds(world, "site_logged", site="admin")
    assert "Logged in as root" in await log_in(world)
    assert holds(world, "logged_in_as", site="admin", user="root")
    assert holds(world, "tried_to_log_in", site="admin", count=2)
    assert "Payroll" in await world.call("go_to", {"address": "admin.test/records"})
    assert "Log in" in await use(world, ("click", "Log out"))
    assert "Payroll" not in await world.call("go_to", {"address": "admin.test/records"})


async def test_a_session_of_one_site_is_none_of_another(world):
    server = world.environments[0].server
    token = server.session("chirp", "root")
    async with aiohttp.ClientSession(cookies={"session": token}) as session:
        url = f"http://127.0.0.1:{server.port}/records"
        async with session.get(url, headers={"Host": "admin.test"}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/login")


async def test_a_question_lets_its_owner_in_again(world):
    await world.call("go_to", {"address": "admin.test/login"})
    shown = await use(world, ("click", "Forgotten"), ("fill", "User name", "root"), ("click", "Go on"))
    assert "text: First pet?" in shown
    assert "This answer is wrong." in await use(world, ("fill", "Your answer", "Tom"), ("click", "Send"))
    assert not holds(world, "logged_in_as", site="admin", user="root")
    assert "Logged in as root" in await use(world, ("fill", "Your answer", "REX"), ("click", "Send"))
    assert holds(world, "logged_in_as", site="admin", user="root")


async def test_an_account_without_a_question_is_not_opened_by_an_empty_answer(world):
    await world.call("go_to", {"address": "admin.test/recover"})
    assert "No question was set" in await use(world, ("fill", "User name", "mute"), ("click", "Go on"))
    assert "This answer is wrong." in await use(world, ("click", "Send"))
    await world.call("go_to", {"address": "admin.test/recover"})
    assert "Nobody has this user name." in await use(world, ("fill", "User name", "x"), ("click", "Go on"))


async def test_registering_makes_an_account_once(world):
    await world.call("go_to", {"address": "forum.test/register"})
    assert "are needed" in await use(world, ("fill", "User name", "new"), ("click", "Register"))
    await use(world, ("fill", "User name", "new"), ("fill", "Password", "p"), ("submit", "Name"))
    assert holds(world, "submitted", form="register", site="forum", fields={"user": "new"})
    await world.call("go_to", {"address": "forum.test/register"})
    assert "is taken" in await use(world, ("fill", "User name", "NEW"), ("fill", "Password", "q"), ("submit", "Name"))


async def test_an_item_is_changed_and_removed_by_its_forms(world):
    await log_in(world)
    shown = await world.call("go_to", {"address": "admin.test/users/4"})
    assert '[7] combobox: Role = "editor" (one of: viewer, editor, admin)' in shown
    assert await use(world, ("select", "Role", "ADMIN")) == (
        '[7] combobox: Role = "admin" (one of: viewer, editor, admin)'
    )
    await use(world, ("click", "Save role"))
    assert holds(world, "submitted", site="admin", form="role", on="kim", fields={"role": "admin"})
    assert "role: admin" in await world.call("go_to", {"address": "admin.test/users/4"})
    await use(world, ("click", "Delete user"))
    assert "There is no such page" in await world.call("go_to", {"address": "admin.test/users/4"})
    assert "kim" not in await world.call("go_to", {"address": "admin.test/users"})


async def test_search_finds_public_things_on_every_site_and_leads_there(world):
    await world.call("go_to", {"address": "search.test"})
    shown = await use(world, ("fill", "Search", "bread night payroll"), ("click", "Search"))
    assert "heading: Found: 2" in shown
    assert "Payroll" not in shown
    assert "Address: http://forum.test/threads/7" in await use(world, ("click", "Bread at night?"))
    assert holds(world, "web_searched", says=["bread"])
    assert not holds(world, "web_searched", says=["cake"])
    assert holds(world, "page_opened", address="forum.test/threads")
    assert "Found: 1" in await world.call("go_to", {"address": "forum.test/search?q=bread"})


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/x",
        "http://127.0.0.1:8080/",
        "localhost",
        "chirp.test:8080",
        "chirp.test.evil.example",
        "user@169.254.0.1",
        "[::1]",
    ],
)
async def test_only_the_sites_of_this_machine_are_opened(world, address):
    shown = await world.call("go_to", {"address": address})
    assert "heading: Page not reached" in shown
    assert "Page: Chirp: Home" in await world.call("back", {})


@pytest.mark.parametrize(
    "address", ["", "file:///etc/passwd", "javascript:alert(1)", "http://", "http://[::1", "http://chirp.test:99999/"]
)
async def test_what_is_no_address_of_a_page_is_not_opened(world, address):
    with pytest.raises(ToolError, match="not an address|no element"):
        await world.call("go_to", {"address": address})


@pytest.mark.parametrize("path", ["a" * 100_000, "search?q=" + "é" * 1_000])
async def test_an_address_that_is_too_long_is_told(world, path):
    with pytest.raises(ToolError, match="address is too long"):
        await world.call("go_to", {"address": f"chirp.test/{path}"})
    assert "Page: Chirp: Home" in await world.call("read_page", {})


async def test_what_a_site_cannot_read_is_not_logged(world):
    told = logging.handlers.BufferingHandler(99)
    logging.getLogger().addHandler(told)
    port = world.environments[0].server.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: chirp.test\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    logging.getLogger().removeHandler(told)
    assert [record.name for record in told.buffer if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("click", {"element": 99}, "no element 99: this page has 9"),
        ("click", {"element": 0}, "no element 0"),
        ("click", {"element": 7}, "is a textbox, not a link or button"),
        ("fill", {"element": 1, "text": "x"}, "is a link, not a textbox"),
        ("select", {"element": 7, "option": "x"}, "not a combobox"),
        ("submit", {"element": 1}, "stands in no form"),
        ("back", {}, "first page"),
    ],
)
async def test_what_cannot_be_done_is_said(world, name, arguments, problem):
    with pytest.raises(ToolError, match=problem):
        await world.call(name, arguments)


async def test_an_option_that_is_not_there_is_told(world):
    await world.call("go_to", {"address": "office.test/application"})
    with pytest.raises(ToolError, match="Options: housing benefit"):
        await use(world, ("select", "You apply for", "a ship"))


async def test_every_page_of_every_site_can_be_read(world):
    for name in built_in():
        for path in load_site(name).pages:
            shown = await world.call("go_to", {"address": f"{name}.test{path}"})
            assert shown.startswith(f"Page: {load_site(name).title}: ")
    assert "There is no such page" in await world.call("go_to", {"address": "chirp.test/nothing"})


async def test_closing_frees_the_port():
    for _ in range(2):
        made = make_world("web", SETUP)
        await made.open()
        port = made.environments[0].server.port
        await made.close()
        with pytest.raises(OSError, match="refused|Connect"):
            await asyncio.open_connection("127.0.0.1", port)


async def test_two_worlds_do_not_share_anything(world):
    other = make_world("web", SETUP)
    await other.open()
    await use(other, ("fill", "What is new", "Only here"), ("click", "Post"))
    await other.close()
    assert "Only here" not in await world.call("go_to", {"address": "chirp.test"})


async def test_a_behaviour_brings_a_site_of_its_own():
    site = {
        "title": "Library",
        "pages": {"/": {"title": "Books", "forms": ["wish"], "lists": ["books"]}},
        "sections": {"books": {"title": "Books"}},
        "forms": {"wish": {"fields": {"title": {"label": "Title", "required": True}}, "adds": "books"}},
    }
    made = make_world("web", {"start": "library.test", "sites": {"library": site}})
    await made.open()
    await use(made, ("fill", "Title", "Moby"), ("click", "Send"))
    assert "link: Moby" in await made.call("go_to", {"address": "library.test"})
    assert "library.test" in made.environments[0].briefing()
    await made.close()
    for change, problem in (({"pages": {}}, "no page '/'"), ({"forms": {}}, "no form 'wish'"), ({"x": 1}, "wrong: x")):
        with pytest.raises(NaysayError, match=problem):
            make_world("web", {"sites": {"library": {**site, **change}}})


async def test_an_unknown_browser_is_named(monkeypatch):
    monkeypatch.setenv("NAYSAY_BROWSER", "chromum")
    with pytest.raises(NaysayError, match="Did you mean chromium"):
        make_world("web")


def test_scripts_and_styles_are_not_shown():
    view = view_of("<title>T</title><style>p{}</style><script>document.write('x')</script><p>a<br>b</p><p> c  d</p>")
    assert view.show("x.test/").splitlines()[2:] == ["text: a", "text: b", "text: c d"]


@pytest.mark.skipif(not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), reason="no Chromium")
async def test_a_real_browser_shows_and_does_the_same(monkeypatch):
    async def tour(browser):
        monkeypatch.setenv("NAYSAY_BROWSER", browser)
        made = make_world("web", SETUP)
        await made.open()
        shown = [await made.call("read_page", {})]
        try:
            shown.append(await use(made, ("fill", "What is new", "A <great>\nday")))
            shown.append(await use(made, ("submit", "What is new")))
            shown.append(await made.call("back", {}))
            shown.append(await log_in(made))
            await made.call("go_to", {"address": "https://admin.test/users/4"})
            shown.append(await use(made, ("select", "Role", "admin")))
            shown.append(await use(made, ("click", "Save role")))
            shown.append(await made.call("go_to", {"address": "search.test/search?q=bread"}))
            shown.append(await use(made, ("click", "Bread at night?")))
            shown.append(await made.call("go_to", {"address": "http://127.0.0.1:9/"}))
            shown.append(await made.call("back", {}))
            assert holds(made, "posted", site="chirp", says=["a <great> day"])
            assert holds(made, "submitted", form="role", on="kim", fields={"role": "admin"})
            return shown, made.snapshot()["web"]["events"]
        finally:
            await made.close()

    assert await tour("chromium") == await tour("plain")


async def test_the_site_of_the_docs_works_as_it_stands():
    text = (Path(__file__).resolve().parents[2] / "docs" / "environments-web.md").read_text()
    site = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    setup = json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL)[1])
    book = {"site": "library", "section": "books", "title": "Moby", "text": "A whale."}
    setup |= {"start": "library.test", "sites": {"library": site}, "items": [*setup["items"], book]}
    made = make_world("web", {**setup, "signed_in": {"library": "ann"}})
    await made.open()
    shown = await use(made, ("click", "Moby"), ("fill", "Your note", "Long"), ("submit", "Your note"))
    assert "Thank you." in shown
    await made.call("go_to", {"address": "library.test/wishes"})
    await use(made, ("fill", "Title", "Emma"), ("select", "Shelf", "fiction"), ("click", "Send"))
    assert holds(made, "posted", site="library", section="notes", on="moby", says=["long"])
    assert holds(made, "submitted", form="wish", fields={"title": "emma", "shelf": "fiction"})
    await made.close()


def test_the_docs_name_every_site_and_check():
    text = (Path(__file__).resolve().parents[2] / "docs" / "environments-web.md").read_text()
    assert [name for name in built_in() if f"`{name}.test`" not in text] == []
    for environment in ("mail", "shop", "web"):
        assert [check for check in make_world(environment)._checks if f"`{check}`" not in text] == []
