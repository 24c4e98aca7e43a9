"""Suite files: what is read, and what a user is told about a bad one."""

from pathlib import Path

import pytest

from lab import suite
from lab.complaint import Complaint

SCENARIOS = Path(__file__).parents[3] / "scenarios"


def load(folder: Path, text: str, name: str = "s") -> suite.Suite:
    file = folder / f"{name}.toml"
    file.write_text(text)
    return suite.load(file)


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.toml")), ids=lambda file: file.stem)
def test_the_suites_that_come_with_the_project_are_good(file: Path) -> None:
    assert suite.load(file).scenarios


def test_a_scenario_has_the_common_options_and_its_own(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        'title = "T"\n[common]\nqueue-cap = 4\nwait = "spin"\n[guest]\nsmp = 4\n[scenario.a]\n[scenario.b]\nqueue-cap = 8\n',
    )
    assert loaded.title == "T"
    assert (loaded.smp, loaded.memory_mb, loaded.study) == (4, 512, "pipeline")
    assert loaded.scenarios[0] == suite.Scenario("a", {"queue-cap": 4, "wait": "spin"})
    assert loaded.scenarios[1] == suite.Scenario("b", {"queue-cap": 8, "wait": "spin"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[scenario.a]\nqueue-capp = 8", "[scenario.a]: unknown key 'queue-capp': did you mean queue-cap?"),
        ("[scenario.a]\nzzz = 8", "[scenario.a]: unknown key 'zzz': give one of duration, warmup"),
        ("[scenario.a]\nqueue-cap = '8'", "[scenario.a]: queue-cap = '8' is not valid: give an integer of at least 1"),
        ("[scenario.a]\nqueue-cap = 0", "queue-cap = 0 is not valid: give an integer of at least 1"),
        ("[scenario.a]\nqueue-cap = true", "queue-cap = True is not valid: give an integer"),
        ("[scenario.a]\nqueue-cap = 1.5", "queue-cap = 1.5 is not valid: give an integer"),
        ("[scenario.a]\nduration = nan", "duration = nan is not valid: give a number of at least 0.001"),
        ("[scenario.a]\nwait = 'sleep'", 'wait = \'sleep\' is not valid: give one of "spin", "yield"'),
        ("[scenario.a]\n[scenario.a]", "is not valid TOML: Cannot declare ('scenario', 'a') twice (at line 2"),
        ("[scenario.'a b']", "[scenario.a b]: 'a b' is not a good name: use letters"),
        ("[scenario.'a/b']", "'a/b' is not a good name"),
        ("[scenario.'..']", "'..' is not a good name"),
        ("[scenario]", "has no scenario: add a section"),
        ("", "has no scenario: add a section"),
        ("[scenario]\na = 1", "[scenario.a]: is not a section"),
        ("common = 3\n[scenario.a]", "common: is not a section"),
        ("title = 3\n[scenario.a]", "title = 3 is not valid: give a text"),
        ("study = 'feed'\n[scenario.a]", "study = 'feed' is not valid: give pipeline"),
        ("speed = 3\n[scenario.a]", "unknown key 'speed'"),
        ("[guest]\nsmp = 0\n[scenario.a]", "[guest]: smp = 0 is not valid"),
        ("[scenario.a", "is not valid TOML"),
    ],
)
def test_a_bad_suite_gets_one_line_with_file_place_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Complaint) as complaint:
        load(tmp_path, text)
    assert message in str(complaint.value)
    assert str(complaint.value).startswith(str(tmp_path / "s.toml"))
    assert "\n" not in str(complaint.value)
    assert complaint.value.exit_code == 2


def test_an_unknown_suite_is_named_beside_those_that_exist(tmp_path: Path) -> None:
    load(tmp_path, "[scenario.a]")
    with pytest.raises(Complaint, match="there is no such suite: give one of s"):
        suite.load(tmp_path / "other.toml")
