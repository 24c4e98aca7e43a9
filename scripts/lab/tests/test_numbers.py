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
