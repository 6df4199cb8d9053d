import json

import pytest

from training.errors import TrainingError
from training.models import artifact


def test_what_is_written_is_read_with_its_format_version(tmp_path):
    artifact.write(tmp_path / "deep" / "model", {"kind": "churn", "level": 0.1})

    content = artifact.read(tmp_path / "deep" / "model", "churn")

    assert content == {"format_version": artifact.FORMAT_VERSION, "kind": "churn", "level": 0.1}


def test_numbers_keep_every_digit(tmp_path):
    artifact.write(tmp_path, {"number": 0.1 + 0.2})

    assert artifact.read(tmp_path)["number"] == 0.1 + 0.2


@pytest.mark.parametrize("version", [0, 1, 2, "3", None])
def test_an_unknown_format_is_refused(tmp_path, version):
    artifact.write(tmp_path, {"kind": "churn"})
    path = tmp_path / artifact.MODEL_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": version}))

    with pytest.raises(TrainingError, match=f"has format version {version}; .* reads 4.*Install"):
        artifact.read(tmp_path)


def test_another_kind_of_model_is_refused(tmp_path):
    artifact.write(tmp_path, {"kind": "clv"})

    with pytest.raises(TrainingError, match="is a clv model; expected churn"):
        artifact.read(tmp_path, "churn")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"holds no model: model\.json is missing"):
        artifact.read(tmp_path)


def test_a_damaged_model_is_refused(tmp_path):
    (tmp_path / artifact.MODEL_FILE).write_text('{"format_version": 3,')

    with pytest.raises(TrainingError, match=r"is damaged: .*Train again"):
        artifact.read(tmp_path)


def test_numbers_that_json_does_not_know_are_never_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifact.write(tmp_path, {"level": float("nan")})
