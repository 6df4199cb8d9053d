import pytest

from training.config import TrainingConfig
from training.errors import TrainingError


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("horizon_days", 0),
        ("horizon_days", 90.0),
        ("clv_horizon_days", True),
        ("spacing_days", -1),
        ("snapshots", 0),
        ("origins", None),
        ("max_rows", "many"),
        ("seed", -1),
        ("seed", True),
        ("margin_rate", 0),
        ("margin_rate", float("inf")),
        ("discount_rate_yearly", -0.1),
        ("discount_rate_yearly", float("nan")),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting, value):
    with pytest.raises(TrainingError, match=f"{setting} must be a .*number.*got {value!r}"):
        TrainingConfig(**{setting: value})


def test_spacing_is_a_third_of_the_horizon_within_5_and_90_days():
    assert [TrainingConfig().spacing(horizon) for horizon in (7, 90, 180, 365)] == [5, 30, 60, 90]
    assert TrainingConfig(spacing_days=7).spacing(90) == 7


def test_the_horizon_of_clv_is_that_of_churn_unless_it_is_given():
    assert TrainingConfig(horizon_days=90).horizons == (90, 90)
    assert TrainingConfig(horizon_days=90, clv_horizon_days=365).horizons == (90, 365)


def test_a_horizon_left_to_the_data_is_no_number_yet():
    with pytest.raises(TrainingError, match="horizon_days must be a whole number > 0; got None"):
        _ = TrainingConfig(clv_horizon_days=90).horizons


def test_settings_are_read_from_toml(tmp_path):
    path = tmp_path / "training.toml"
    path.write_text("horizon_days = 60\nmargin_rate = 0.4\n")

    config = TrainingConfig.read(path)

    assert config == TrainingConfig(horizon_days=60, margin_rate=0.4)
    assert TrainingConfig.from_dict(config.as_dict()) == config


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("horizon = 90", r"unknown keys \['horizon'\]; the keys are .*'horizon_days'"),
        ("horizon_days = ", "cannot be read"),
        ("origins = 0", "origins must be a whole number > 0"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, content, message):
    path = tmp_path / "training.toml"
    path.write_text(content)

    with pytest.raises(TrainingError, match=message):
        TrainingConfig.read(path)


def test_an_absent_file_is_told(tmp_path):
    with pytest.raises(TrainingError, match=r"nowhere\.toml does not exist"):
        TrainingConfig.read(tmp_path / "nowhere.toml")
