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

    with pytest.raises(TrainingError, match=f"has format version {version}; .* reads 5.*Install"):
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


@pytest.mark.parametrize("harm", ["cut", "a digit", "gone", "empty"])
@pytest.mark.parametrize("name", ["trees_90d.txt", artifact.SCORING_FILE, artifact.DIGESTS_FILE])
def test_a_file_that_is_not_as_it_was_written_is_refused(tmp_path, harm, name):
    (tmp_path / "trees_90d.txt").write_text("leaf_value=0.25 -0.125\n")
    artifact.write(tmp_path, {"kind": "churn"})
    artifact.write_scoring(tmp_path, {"level": 0.25})
    path = tmp_path / name
    text = path.read_text()
    changed = {"cut": text[: len(text) // 2], "a digit": text.replace("2", "3"), "empty": ""}
    if harm == "gone":
        path.unlink()
    else:
        path.write_text(changed[harm])

    with pytest.raises(TrainingError, match=r"is damaged.*[Tt]rain again"):
        artifact.read(tmp_path)


def test_a_folder_that_is_written_again_is_sealed_again(tmp_path):
    artifact.write(tmp_path, {"kind": "churn"})
    artifact.write(tmp_path, {"kind": "clv"})

    assert artifact.read(tmp_path)["kind"] == "clv"


def test_numbers_that_json_does_not_know_are_never_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifact.write(tmp_path, {"level": float("nan")})
