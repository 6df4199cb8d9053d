import pytest

from training.config import TrainingConfig
from training.errors import TrainingError

WRONG = [
    ("horizon_days", 0, "must be at least 1"),
    ("horizon_days", 90.0, "must be a whole number"),
    ("horizon_days", "90", "must be a whole number"),
    ("clv_horizon_days", True, "must be a whole number"),
    ("spacing_days", -1, "must be at least 1"),
    ("snapshots", 0, "must be at least 1"),
    ("origins", None, "must be a whole number"),
    ("max_rows", "many", "must be a whole number"),
    ("seed", -1, "must be at least 0"),
    ("seed", True, "must be a whole number"),
    ("margin_rate", 0, "must be above 0.0"),
    ("margin_rate", True, "must be a number"),
    ("margin_rate", float("inf"), "must be a finite number"),
    ("discount_rate_yearly", -0.1, "must be at least 0.0"),
    ("discount_rate_yearly", float("nan"), "must be a finite number"),
]


@pytest.mark.parametrize(("setting", "value", "rule"), WRONG)
def test_settings_out_of_range_are_refused_by_name(setting, value, rule):
    with pytest.raises(TrainingError, match=rf"^{setting} {rule}; got {value!r}\. \w"):
        TrainingConfig(**{setting: value})


def test_every_mistake_of_a_file_is_told_at_once(tmp_path):
    path = tmp_path / "training.toml"
    path.write_text("origin = 3\nhorizon_days = 90.0\nseed = true\nmargin_rate = nan\n")
    with pytest.raises(TrainingError) as caught:
        TrainingConfig.read(path)
    assert str(caught.value).splitlines() == [
        f"config {path}:",
        "horizon_days must be a whole number; got 90.0. Write for example 50.",
        "margin_rate must be a finite number; got nan. Write a plain number.",
        "seed must be a whole number; got True. Write for example 50.",
        "origin is not known here. Did you mean origins? Known there: "
        f"{', '.join(TrainingConfig().as_dict())}.",
    ]


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
        ("horizon = 90", r"horizon is not known here\. Did you mean horizon_days\?"),
        ("horizon_days = 0x", "cannot be read: .*at line 1"),
        ("[horizon_days]", "horizon_days must be a whole number; got {}"),
        ("[training]\nseed = 1", "training is not known here"),
        ("origins = 0", "origins must be at least 1; got 0"),
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
