import json
import logging

import pytest

from serving import logs


@pytest.fixture
def log():
    ours = logging.getLogger("serving")
    before = (ours.handlers, ours.level, ours.propagate)
    yield logging.getLogger("serving.somewhere")
    ours.handlers, ours.level, ours.propagate = before


def test_off_a_terminal_each_line_is_an_object(log, capsys):
    logs.to_stderr("auto")
    log.info("request", extra={"route": "/v1/customers", "status": 200})
    told = json.loads(capsys.readouterr().err)
    told.pop("timestamp")
    assert told == {"event": "request", "level": "info", "route": "/v1/customers", "status": 200}


def test_an_error_keeps_its_traceback(log, capsys):
    logs.to_stderr("json")
    try:
        raise ZeroDivisionError("by nought")
    except ZeroDivisionError:
        log.exception("failed", extra={"request_id": "call-1"})
    told = json.loads(capsys.readouterr().err)
    assert told["request_id"] == "call-1" and "by nought" in told["exception"]


def test_on_a_terminal_it_is_read_by_people(log, capsys):
    logs.to_stderr("text")
    log.warning("a key %s", "has expired")
    assert "a key has expired" in capsys.readouterr().err


def test_a_traceback_on_a_terminal_holds_no_variables(log, capsys):
    logs.to_stderr("text")
    try:
        secret_of_a_person = "person-7".upper()
        raise ZeroDivisionError(len(secret_of_a_person))
    except ZeroDivisionError:
        log.exception("failed")
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told and "PERSON-7" not in told
