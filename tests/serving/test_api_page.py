"""Every curl of the page on the API is answered, by a service like that of `make serve`."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", API, re.M | re.S)
# A command may go on over lines, inside quotes.
CURLS = [
    command
    for block in BLOCKS
    for command in re.findall(r"^curl (?:[^'\n]|'[^']*')*", block, re.M)
    if "127.0.0.1" in command
]


@pytest.fixture(scope="module")
def curl(store_address, tmp_path_factory):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    folder = tmp_path_factory.mktemp("curl")
    (request,) = re.findall(r"```json\n(.*?)```", API, re.S)
    (folder / "customers.json").write_text(request)

    def run(command):
        words = shlex.split(command.replace("http://127.0.0.1:8000", store_address))
        asked = [*words, "--write-out", "\n%{http_code}"]
        done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True)
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    return run


def test_the_page_has_commands():
    assert len(CURLS) > 8


@pytest.mark.parametrize("command", CURLS)
def test_a_command_of_the_page_is_answered(curl, command):
    status, text = curl(command)
    assert status in (200, 201, 202), text
    if "-o " not in command:
        json.loads(text)


def test_the_events_of_the_page_are_all_taken(curl):
    (command,) = [command for command in CURLS if "/v1/events" in command]
    _, text = curl(command)
    told = json.loads(text)
    assert told["rejected"] == [] and told["accepted"] + told["duplicate"] == 4
