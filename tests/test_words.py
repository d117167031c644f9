"""Both languages say everything, with the same things filled in."""

import re
from pathlib import Path
from string import Formatter

import pytest

import convscope
from convscope.words import SILENT, english, korean, say

SOURCE = Path(convscope.__file__).parent


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_both_tables_have_the_same_keys():
    assert english.TEXTS.keys() == korean.TEXTS.keys()


@pytest.mark.parametrize("key", english.TEXTS)
def test_both_languages_fill_in_the_same_things(key):
    assert placeholders(english.TEXTS[key]) == placeholders(korean.TEXTS[key])


@pytest.mark.parametrize("key", korean.TEXTS)
def test_the_korean_text_is_korean(key):
    same_everywhere = english.TEXTS[key] == korean.TEXTS[key]
    assert same_everywhere or re.search(r"[가-힣]", korean.TEXTS[key])


def test_every_text_that_the_code_asks_for_is_there():
    asked = set()
    for file in SOURCE.rglob("*.py"):
        asked |= set(
            re.findall(r'(?:message|say|both|both_in_svg)\(\s*"([a-z0-9_.-]+)"', file.read_text(encoding="utf-8"))
        )

    assert asked
    assert asked <= english.TEXTS.keys()


def test_stages_and_reasons_that_are_put_together_are_there():
    stages = set()
    for file in SOURCE.rglob("*.py"):
        stages |= set(re.findall(r'\.progress\("(\w+)"', file.read_text(encoding="utf-8")))

    assert {f"stage.{stage}" for stage in stages} <= english.TEXTS.keys()
    assert {f"train.stop.{reason}" for reason in ("epochs", "patience", "time")} <= english.TEXTS.keys()


def test_a_text_is_filled_in():
    assert say("train.split", "ko", train=8, val=1, test=1) == "분할: 학습 8장, 검증 1장, 테스트 1장"


def test_the_silent_listener_is_silent(capsys):
    SILENT.progress("read", 1, 2)
    SILENT.message("train.split")

    assert capsys.readouterr() == ("", "")
