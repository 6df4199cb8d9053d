"""What docs/integrations.md sends to others, received by a server of the test's own."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest
import sqlalchemy as sa

from training.scoring.columns import STAGES

PAGE = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")


def block(kind):
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)
    return found


@pytest.fixture
def receiver():
    """A server that takes what it is sent: path, headers and body of every request."""
    taken = []

    class Receiver(BaseHTTPRequestHandler):
        status = 202

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            taken.append((self.path, dict(self.headers), body))
            self.send_response(Receiver.status)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", taken, Receiver
    server.shutdown()
    server.server_close()


@pytest.fixture
def bring(store_address, receiver, tmp_path):
    """Run the script of the page against the receiver; its exit code."""
    (tmp_path / "bring.py").write_text(block("python"))
    told = dict.fromkeys(("KLAVIYO_URL", "HUBSPOT_URL"), receiver[0])
    keys = {"KLAVIYO_KEY": "pk_1", "HUBSPOT_KEY": "pat_1", "HOLDFAST_URL": store_address}

    def run(where):
        command = [sys.executable, "bring.py", where]
        environment = {**os.environ, **told, **keys}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True
        ).returncode

    return run


def rows(address):
    stages = "&".join(f"stage={stage}" for stage in STAGES)
    with urlopen(f"{address}/v1/customers?limit=1000&{stages}") as answer:
        return {row["customer_id"]: row for row in json.load(answer)["customers"]}


def test_klaviyo_gets_properties_of_all_profiles(bring, receiver, store_address):
    assert bring("klaviyo") == 0
    ((path, headers, body),) = receiver[1]
    assert path == "/api/profile-bulk-import-jobs"
    assert headers["Authorization"] == "Klaviyo-API-Key pk_1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", headers["Revision"])
    assert body["data"]["type"] == "profile-bulk-import-job"
    sent = body["data"]["attributes"]["profiles"]["data"]
    assert {each["type"] for each in sent} == {"profile"}
    found = {each["attributes"]["external_id"]: each["attributes"]["properties"] for each in sent}
    assert found == {
        customer: {name: row[name.removeprefix("holdfast_")] for name in found[customer]}
        for customer, row in rows(store_address).items()
    }


def test_hubspot_gets_texts_in_hundreds(bring, receiver, store_address):
    assert bring("hubspot") == 0
    sent = [each for _, _, body in receiver[1] for each in body["inputs"]]
    assert {path for path, _, _ in receiver[1]} == {"/crm/objects/2026-03/contacts/batch/upsert"}
    assert {headers["Authorization"] for _, headers, _ in receiver[1]} == {"Bearer pat_1"}
    assert max(len(body["inputs"]) for _, _, body in receiver[1]) == 100
    assert {each["id"] for each in sent} == set(rows(store_address))
    for each in sent:
        assert each["idProperty"] == "shop_customer_id"
        assert all(isinstance(value, str) for value in each["properties"].values())
        assert "None" not in each["properties"].values()


def test_what_was_brought_is_not_brought_again(bring, receiver, tmp_path, store_address):
    assert bring("klaviyo") == 0
    latest = max(row["updated_at"] for row in rows(store_address).values())
    since = datetime.fromisoformat((tmp_path / "klaviyo-since.txt").read_text())
    assert since == datetime.fromisoformat(latest) - timedelta(minutes=1)
    (tmp_path / "klaviyo-since.txt").write_text((since + timedelta(days=1)).isoformat())
    assert bring("klaviyo") == 0 and len(receiver[1]) == 1


def test_what_was_refused_is_brought_by_the_next_run(bring, receiver, tmp_path):
    receiver[2].status = 400
    assert bring("klaviyo") != 0
    assert not (tmp_path / "klaviyo-since.txt").exists()


def test_braze_reads_fields_that_a_customer_has(store_address):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (command,) = re.findall(r"^curl .*$", PAGE, re.M)
    words = shlex.split(command.replace("http://127.0.0.1:8000", store_address))
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    customer = json.loads(done.stdout)["customer"]
    fields = re.findall(r"scored\.customer\.(\w+)", block("liquid"))
    assert fields and all(customer[name] is not None for name in fields)
    assert "/v1/customers/{{${user_id} | url_param_escape}}" in block("liquid")


def test_sql_finds_the_scores_in_force_once_each(filled, served):
    with filled.reading() as connection:
        found = connection.execute(sa.text(block("sql"))).mappings().all()
    assert {row["customer_id"] for row in found} == set(served.batch.index)
    assert len(found) == len(served.batch)
    for row in found[:20]:
        assert row["churn_risk"] == served.batch.loc[row["customer_id"], "churn_risk"]
