"""Settings are read whole, or refused with every mistake at its place."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from typing import Annotated, Literal

import pytest
from pydantic import Field

from features.settings import Text, checked, read, settings, table


@settings(LookupError, "shifts", "{name}")
class Shift:
    name: Text
    hours: Annotated[int, Field(ge=1, le=24)] = 8
    share: Annotated[float, Field(gt=0)] = 1.0
    pair: tuple[float, float] = (0.0, 1.0)
    tier: Literal["gold", "silver"] = "gold"


SLOT = table(Shift, "name", note=Text)
ROTA = table(Shift, *Shift.__dataclass_fields__, title=Text, night=SLOT, slots=dict[Text, SLOT])


def told(content):
    with pytest.raises(LookupError) as caught:
        checked(ROTA, content, LookupError)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("note", 7, 'must be text; got 7. Put it in quotes: "13085", not 13085.'),
        ("note", "", "must not be blank; got ''. Give a value."),
        ("hours", True, "must be a whole number; got True. Write for example 50."),
        ("hours", 8.0, "must be a whole number; got 8.0. Write for example 50."),
        ("hours", 0, "must be at least 1; got 0. Choose a value in the range."),
        ("hours", 25, "must be at most 24; got 25. Choose a value in the range."),
        ("share", "1", "must be a number; got '1'. Write 12.5, not \"12.5\"."),
        ("share", True, 'must be a number; got True. Write 12.5, not "12.5".'),
        ("share", 0, "must be above 0.0; got 0. Choose a value in the range."),
        (
            "share",
            float("nan"),
            "must be a finite number; got nan. Write a plain number.",
        ),
        (
            "share",
            float("inf"),
            "must be a finite number; got inf. Write a plain number.",
        ),
        ("pair", 1, "must be a list; got 1. Put it in [ ]."),
        ("pair", [1, 2, 3], "must have at most 2 items; got [1, 2, 3]. Remove the others."),
        ("tier", "gould", "must be 'gold' or 'silver'; got 'gould'. Use one of these."),
    ],
)
def test_a_mistake_is_told_with_its_key_the_rule_the_value_and_what_to_do(key, value, sentence):
    assert told({"night": {key: value}}) == [f"night.{key} {sentence}"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"night": {"pair": [1]}}, "night.pair.1 is missing. Add it."),
        (
            {"night": 3},
            "night must be a table; got 3. Put its keys under a [heading] of their own.",
        ),
        (
            {"day": {}},
            "day is not known here. Remove it or check its spelling. "
            "Known there: title, night, slots.",
        ),
        (
            {"night": {"hour": 8}},
            "night.hour is not known here. Did you mean hours? "
            "Known there: hours, share, pair, tier, note.",
        ),
        (
            {"slots": {"title": {"hour": 8}}},
            "slots.title.hour is not known here. Did you mean hours? "
            "Known there: hours, share, pair, tier, note.",
        ),
        ({"slots": {"": {}}}, "slots. must not be blank; got ''. Give a value."),
        (
            {"slots": {"late one": {"hours": 0}}},
            "slots.late one.hours must be at least 1; got 0. Choose a value in the range.",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(content, sentence):
    assert told(content) == [sentence]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_keys():
    found = told({"title": 1, "slots": {"a": {"hours": 0, "note": 1}, "b": 2}, "night": {"x": 1}})
    assert [line.split()[0] for line in found] == [
        "title",
        "night.x",
        "slots.a.hours",
        "slots.a.note",
        "slots.b",
    ]


def test_a_long_value_is_cut_off():
    (line,) = told({"night": "x" * 1000})
    assert len(line) < 200


def test_a_file_says_what_it_says_with_tuples_for_lists_and_no_defaults():
    content = {"night": {"pair": [1, 2]}, "slots": {"late": {}}}
    assert checked(ROTA, content, LookupError) == {
        "night": {"pair": (1.0, 2.0)},
        "slots": {"late": {}},
    }


def test_an_object_made_wrong_says_so_with_its_place_in_the_file():
    with pytest.raises(LookupError) as caught:
        Shift("early", hours=0)
    assert str(caught.value) == (
        "shifts.early.hours must be at least 1; got 0. Choose a value in the range."
    )


def test_an_object_is_told_of_keys_it_does_not_have():
    with pytest.raises(
        LookupError, match=r"^shifts\.early\.hour is not known here\. Did you mean hours"
    ):
        Shift("early", hour=1)


def test_an_argument_too_many_or_given_twice_is_refused():
    with pytest.raises(LookupError, match="multiple values"):
        Shift("early", 8, 1.0, (0.0, 1.0), "gold", "bank")
    with pytest.raises(TypeError, match="multiple values"):
        Shift("early", name="late")


def test_a_changed_copy_is_held_to_the_rules():
    shift = Shift("early")
    assert replace(shift, hours=4) == Shift("early", 4)
    with pytest.raises(LookupError, match="hours must be at least 1"):
        replace(shift, hours=0)


def test_an_object_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Shift("early").hours = 3
    assert hash(Shift("early")) == hash(Shift("early", 8))


def test_a_file_is_built_from(tmp_path):
    path = tmp_path / "shift.toml"
    path.write_text("\ufeffname = 'early'", encoding="utf-8")
    assert read(path, "shift", lambda content: Shift(**content), LookupError) == Shift("early")


def refused(path):
    with pytest.raises(LookupError) as caught:
        read(path, "shift", lambda content: Shift(**content), LookupError)
    return str(caught.value)


def test_a_file_with_mistakes_is_refused_with_a_line_for_each(tmp_path):
    path = tmp_path / "shift.toml"
    path.write_text("name = 'early'\nhours = 0\ndays = 3")
    head, *lines = refused(path).splitlines()
    assert (head, len(lines)) == (f"shift {path}:", 2)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    path = tmp_path / "gone.toml"
    assert refused(path) == f"shift {path} does not exist. Check the path."


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a = 1\n\nb = red", "at line 3"),
        (b"a = 1\na = 2\n", "at line 2"),
        (b"[a", "end of document"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(tmp_path, content, line):
    path = tmp_path / "shift.toml"
    path.write_bytes(content)
    assert line in refused(path)
    assert refused(path).startswith(f"shift {path} cannot be read: ")
    assert refused(path).endswith("Correct the file.")


def test_what_is_no_text_or_no_file_is_refused(tmp_path):
    path = tmp_path / "shift.toml"
    path.write_bytes(b"a = '\xff'")
    assert refused(path).startswith(f"shift {path} cannot be read: ")
    assert refused(tmp_path).startswith(f"shift {tmp_path} cannot be read: ")


@pytest.mark.parametrize("module", ["features.settings", "training.config"])
def test_settings_are_read_without_a_heavy_library(module):
    heavy = ("numpy", "pandas", "polars", "narwhals", "mlflow", "lightgbm", "sklearn", "fastapi")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
