"""A file of responses is read more than once and named in the run folder: what does not allow for it is refused."""

import os
import threading

import pytest

from naysay.errors import NaysayError
from naysay.model.replay import ReplayBackend
from naysay.run.attacks import shown
from naysay.run.gold import read_gold
from naysay.run.lines import check_file
from naysay.run.score import RecordedResponses

LINE = b'{"prompt": "x", "response": "y", "label": "refusal"}\n'


def score(path):
    RecordedResponses(path).check()


def replay(path):
    ReplayBackend(str(path), name=f"replay/{path}").check()


@pytest.mark.parametrize("read", [score, read_gold, replay])
def test_a_pipe_is_refused_before_it_is_opened(tmp_path, read):
    os.mkfifo(tmp_path / "fifo")
    said = []

    def refused():
        with pytest.raises(NaysayError, match="Save it to a file first") as caught:
            read(tmp_path / "fifo")
        said.append(str(caught.value))

    reader = threading.Thread(target=refused, daemon=True)  # Opening a pipe that nobody writes waits for ever.
    reader.start()
    reader.join(20)
    assert said
    assert "fifo is a pipe or a device" in said[0]


def test_a_link_to_a_file_is_a_file_and_what_is_not_there_is_left_to_who_opens_it(tmp_path):
    (tmp_path / "file").write_bytes(LINE)
    (tmp_path / "link").symlink_to("file")
    check_file(tmp_path / "link")
    check_file(tmp_path / "nowhere")
    check_file(tmp_path / ("long" * 100))
    with pytest.raises(NaysayError, match="There is no file"):
        score(tmp_path / "nowhere")
    with pytest.raises(NaysayError, match="cannot read"):
        replay(tmp_path / ("long" * 100))


@pytest.mark.parametrize("read", [score, read_gold])
def test_a_name_that_cannot_be_written_down_is_refused(tmp_path, read):
    with pytest.raises(NaysayError, match=r"bad\\udcffname\.jsonl' is not UTF-8.\nRename the file"):
        read(tmp_path / "bad\udcffname.jsonl")


def test_a_prompt_to_show_an_attack_on_is_utf8():
    with pytest.raises(NaysayError, match="The prompt is not UTF-8"):
        shown("rot13", "a\udcff")
