"""Numbers and JSON, read strictly; and rates, shown with their digits."""

import pytest

from lab.text import numbers, strict


@pytest.mark.parametrize("text", ["1_0", " 1", "1 ", "1.0", "+1", "", "-", "0x10", "\u0663", "1" * 19, "nan"])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(ValueError):
        strict.whole(text)


@pytest.mark.parametrize(
    "text", ["1_0", " 1", "", ".", "e5", "nan", "inf", "-inf", "1e400", "1e9999", "1" * 400, "\u0663"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        strict.real(text)


def test_what_is() -> None:
    assert [strict.whole(text) for text in ("0", "-5", "007")] == [0, -5, 7]
    assert [strict.real(text) for text in ("0", "+1", "-5.", ".5", "1e-3", "12.50")] == [0, 1, -5, 0.5, 0.001, 12.5]
    assert strict.parse_json('{"a": [1, 0.5, true, null, "x"]}') == {"a": [1, 0.5, True, None, "x"]}


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "1e400", "9" * 5000, "[" * 100_000, '{"a": 1, "a": 2}', "", "{", "1 2", "\ufffd"]
)
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(ValueError):
        strict.parse_json(text)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.333333, "0.333"), (3.5, "3.5"), (9.99, "9.99"), (9.996, "10"), (1234.5, "1,234")]
)
def test_rates_below_ten_have_digits(value: float, text: str) -> None:
    assert numbers.rate(value) == text


NAN = float("nan")


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ([numbers.significant(each) for each in (0.0, 0.01234, 9.511, 14.98, 99.96, 1234.5)], "0 0.0123 9.51 15.0 100 1,234"),
        ([numbers.significant(each, sign="+") for each in (-5.5, 12.34)], "-5.50 +12.3"),
        ([numbers.count(each) for each in (2, 0.605, 58.0, 58.31, 123456)], "2 0.605 58 58.3 123,456"),
        ([numbers.time(each) for each in (0, 940, 999.9, 13_700, 2.31e6, 1.2e10)], "0 ns/940 ns/1.00 µs/13.7 µs/2.31 ms/12.0 s"),
        ([numbers.share(each) for each in (0, 0.31, 0.025, 0.0001)], "0 %/31 %/2.5 %/0.010 %"),
        ([numbers.change(each) for each in (0.31, -0.025, 0.994, 1.3, 19)], "+31 %/-2.5 %/+99 %/× 2.3/× 20"),
        ([numbers.factor(each) for each in (-0.93, -0.17, 0.04)], "× 0.07/× 0.83/× 1.04"),
        (numbers.together([0.1, 1.0]), "× 1.10/× 2.0"),
        ([numbers.axis(each) for each in (0.5, 12, 9000, 20_000, 1.5e6)], "0.5 12 9000 20k 1.5M"),
        ([numbers.shown(13_700, "ns"), numbers.shown(0.025, "share"), numbers.shown(41_000, "ops_s")], "13.7 2.5 41,000"),
        ([numbers.amount(13_700, "ns"), numbers.amount(0.025, "share"), numbers.amount(8, "count")], "13.7 µs/2.5 %/8"),
        ([numbers.titled("p99", "ns"), numbers.titled("items", "count")], "p99 (µs)/items"),
        ([numbers.time(NAN), numbers.count(NAN), numbers.share(NAN), numbers.change(NAN)], "   "),
    ],
)  # fmt: skip
def test_values_as_readers_see_them(shown: list[str], text: str) -> None:
    assert shown == text.split("/" if "/" in text else " ")
