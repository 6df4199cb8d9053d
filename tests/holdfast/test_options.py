import json

LINES = """\
sheet,invoice,invoice_date,customer_id,quantity,price
Year 2009-2010,1,2010-12-01 08:26,a,2,1.50
Year 2010-2011,1,2010-12-01 08:26,a,2,1.50
Year 2010-2011,1,2010-12-01 08:26,a,1,4.00
"""


def test_an_example_mapping_goes_by_its_name(holdfast, tmp_path):
    (tmp_path / "lines.csv").write_text(LINES)
    ended = holdfast("check", tmp_path / "lines.csv", "--mapping", "online_retail_ii", "--json")
    document = json.loads(ended.stdout)
    assert (document["customers"], document["orders"]) == (1, 1)


def test_a_file_goes_before_the_example_of_its_name(holdfast, shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdnow").write_text("no mapping")
    ended = holdfast("check", shop, "--mapping", "cdnow")
    assert ended.exit_code == 2
    assert "mapping cdnow cannot be read" in ended.stderr


def test_a_name_of_neither_is_told_as_it_was_given(holdfast, shop):
    ended = holdfast("check", shop, "--mapping", "cdnaw")
    assert ended.exit_code == 2
    assert "mapping cdnaw does not exist" in ended.stderr
