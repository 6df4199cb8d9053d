from pathlib import Path

from features.metrics.catalogue import METRICS, as_markdown

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_names_are_unique():
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_the_document_is_generated_from_the_code():
    found = DOCUMENT.read_text(encoding="utf-8")
    assert found == as_markdown(), "run python -m features.metrics.catalogue > docs/metrics.md"
