"""The words fit pydantic's own mistakes."""

from typing import get_args

from pydantic_core.core_schema import ErrorType

from features.explanations import EXPLANATIONS, OTHER, explained, refusal


def test_every_explanation_is_of_a_kind_of_mistake_that_there_is():
    assert EXPLANATIONS.keys() - {OTHER} <= set(get_args(ErrorType))
    for rule, remedy in EXPLANATIONS.values():
        assert rule.startswith(("must ", "is "))
        assert remedy.endswith(".")


def test_a_kind_without_words_is_told_as_pydantic_tells_it():
    mistake = {"type": "bool_type", "msg": "Input should be a valid boolean"}
    assert explained(mistake) == ("is refused: input should be a valid boolean", "Correct it.")


def test_a_refusal_has_words_of_its_own():
    refused = refusal("must rise", "Put the lowest first.")
    mistake = {"type": refused.type, "ctx": refused.context}
    assert explained(mistake) == ("must rise", "Put the lowest first.")
