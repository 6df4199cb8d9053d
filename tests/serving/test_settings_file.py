"""Settings from a file: by name, all mistakes at once, and behind arguments and the environment."""

import pytest

from serving.errors import ServingError
from serving.settings import Settings, settings_of


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes a settings file; nothing of the environment counts."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HOLDFAST_{name.upper()}", raising=False)

    def written(text):
        path = tmp_path / "service.toml"
        path.write_text(text)
        return path

    return written


def refusal(path, **given):
    with pytest.raises(ServingError) as caught:
        settings_of(given, path)
    return str(caught.value)


def test_a_file_gives_settings_by_their_names(file):
    text = 'store = "sqlite:///x.db"\nport = 9000\nrequire_keys = true\nclock_start = 2026-01-01'
    found = settings_of({}, file(text))
    assert (found.store, found.port, found.require_keys) == ("sqlite:///x.db", 9000, True)
    assert found.clock_start.isoformat() == "2026-01-01T00:00:00"


def test_arguments_win_over_the_environment_and_that_over_a_file(file, monkeypatch):
    path = file('store = "sqlite:///x.db"\nport = 9000\nworkers = 3\nmax_waiting = 4')
    monkeypatch.setenv("HOLDFAST_PORT", "9001")
    monkeypatch.setenv("HOLDFAST_WORKERS", "2")
    found = settings_of({"port": 9002}, path)
    assert (found.port, found.workers, found.max_waiting) == (9002, 2, 4)


def test_all_mistakes_are_told_with_the_file_and_their_names(file):
    path = file('store = "sqlite:///x.db"\nport = 70000\nprot = 1\nlog_format = "xml"')
    told = refusal(path)
    assert f"settings file {path}:" in told
    assert "port must be at most 65535; got 70000. Choose a value in the range." in told
    assert "prot is not known here. Remove it or check its spelling." in told
    assert "log_format must be 'auto', 'text' or 'json'; got 'xml'" in told


def test_a_mistake_of_the_environment_is_told_by_its_variable(file, monkeypatch):
    monkeypatch.setenv("HOLDFAST_RELOAD_SECONDS", "-1")
    assert "HOLDFAST_RELOAD_SECONDS must be above 0.0; got '-1'" in refusal(file(""), store="x")


def test_a_store_that_is_wrong_is_not_repeated_for_its_password(file):
    told = refusal(file('store = ["x://u:secret@h"]'))
    assert "store must be text" in told and "secret" not in told


def test_a_file_that_is_none_is_refused(file, tmp_path):
    assert "does not exist" in refusal(tmp_path / "absent.toml")
    assert "cannot be read" in refusal(file("port 9000"))


def test_what_goes_to_the_environment_comes_back(file, monkeypatch):
    monkeypatch.setenv("HOLDFAST_SCORES", "other.csv")
    text = "reload_seconds = 0.25\nclock_start = 2026-01-01T08:00:00\nworker = false\nport = 0"
    given = {"store": "postgresql://u:p%40@host/shop", "scores": None}
    found = settings_of(given, file(text))
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:  # What is set below is undone.
            patch.setenv(f"HOLDFAST_{name.upper()}", "")
        found.to_environment()
        assert Settings().model_dump() == found.model_dump()
