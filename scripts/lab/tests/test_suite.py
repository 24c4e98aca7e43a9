"""Suite files: what is read, and what a user is told about a bad one."""

from pathlib import Path

import pytest

from lab.plan import suite
from lab.text.complaint import Complaint

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
    assert (loaded.guest, loaded.study) == ({"smp": 4}, "pipeline")
    assert loaded.scenarios[0] == suite.Scenario("a", {"queue-cap": 4, "wait": "spin"})
    assert loaded.scenarios[1] == suite.Scenario("b", {"queue-cap": 8, "wait": "spin"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[scenario.a]\nqueue-capp = 8", "[scenario.a]: unknown key 'queue-capp': did you mean queue-cap?"),
        ("[scenario.a]\nzzz = 8", "[scenario.a]: unknown key 'zzz': give one of duration, warmup"),
        ("[scenario.a]\nqueue-cap = '8'", "[scenario.a]: queue-cap = '8' is not valid: give an integer of at most 18"),
        ("[scenario.a]\nqueue-cap = true", "queue-cap = true is not valid: give an integer"),
        ("[scenario.a]\nqueue-cap = 1.5", "queue-cap = 1.5 is not valid: give an integer"),
        ("[scenario.a]\nduration = nan", "duration = nan is not valid: give a number from 0.001 to 86400"),
        ("[scenario.a]\nduration = inf", "duration = inf is not valid: give a number from 0.001 to 86400"),
        ("[scenario.a]\nduration = 1e300", "duration = 1e+300 is not valid: give a number from 0.001 to 86400"),
        (f"[scenario.a]\nqueue-cap = 1{'0' * 400}", "queue-cap = 1000"),
        (f"[scenario.a]\nqueue-cap = 1{'0' * 5000}", "is not valid TOML: Exceeds the limit (4300"),
        (f"[scenario.a]\nqueue-cap = 0x{'f' * 5000}", "queue-cap = a huge number is not valid: give an integer"),
        (f"[scenario.a]\nqueue = {'[' * 5000}{']' * 5000}", "is not valid TOML: "),
        ("[scenario.a]\nmlock = 1", "mlock = 1 is not valid: give true or false"),
        ('[scenario.a]\narrival = "burst:8,1000\\n"', "arrival = 'burst:8,1000\\n' is not valid"),
        ("[guest]\nsmp = 65\n[scenario.a]", "[guest]: smp = 65 is not valid: give an integer from 1 to 64"),
        ("[scenario.a]\nwait = 'spin --mlock'", "wait = 'spin --mlock' is not valid: give a word of letters, digits"),
        ("[scenario.a]\nwait = '$(id)'", "wait = '$(id)' is not valid: give a word"),
        ("[scenario.a]\nwait = ''", "wait = '' is not valid: give a word"),
        ("[scenario.a]\nprod-interval-us = inf", "prod-interval-us = inf is not valid: give a number of at most 18"),
        ("[scenario.a]\n[scenario.a]", "is not valid TOML: Cannot declare ('scenario', 'a') twice (at line 2"),
        ("[scenario.'a b']", "[scenario]: 'a b' is not a good name: use up to 64 letters"),
        ("baseline = " + "1" * 5000 + "\n[scenario.a]", "is not valid TOML: Exceeds the limit (4300 digits)"),
        ("baseline = 0x" + "f" * 5000 + "\n[scenario.a]", "baseline = a huge number is no scenario: give one of a"),
        ("baseline.a" + ".a" * 90 + " = 1\n[scenario.a]", "baseline = {'a': {'a':"),
        ("[scenario.a]\nqueue-cap.a" + ".a" * 900 + " = 1", ":2: has more than 100 dots: a key has two at most"),
        ("margin = " + "[" * 400 + "]" * 400 + "\n[scenario.a]", "margin = [[[[[["),
        ("# " + "x" * 2**18, "is larger than 256 KB: make several suites of it"),
        ("".join(f"[scenario.s{n}]\n" for n in range(1001)), "has 1001 scenarios, and 1000 are the most"),
        ("[scenario." + "a" * 65 + "]", "is not a good name: use up to 64 letters"),
        ("[scenario.a]\n[slo]\ndrop_rate = '<= 1__0'", "[slo]: drop_rate = '<= 1__0' is not valid: give a number"),
        ("[scenario.a]\n[slo]\ndrop_rate = '<= 1e400'", "[slo]: drop_rate = '<= 1e400' is not valid"),
        ("[scenario.a]\n[slo]\ndrop_rate = 1" + "0" * 400, "[slo]: drop_rate = 10000000000"),
        ("[scenario.a]\n[slo]\ndrop_rate = 0x" + "f" * 5000, "[slo]: drop_rate = a huge number is not valid"),
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
        ("baseline = 'basel'\n[scenario.base]", "baseline = 'basel' is no scenario: did you mean base?"),
        ("baseline = ['a', 3]\n[scenario.a]", "baseline = ['a', 3] is no scenario: give one of a"),
        ("baseline = []\n[scenario.a]", "baseline = [] is no scenario: give one of a"),
        ("margin = 3\n[scenario.a]", "margin = 3 is not valid: give a number from 0 to 1"),
        ("margin = true\n[scenario.a]", "margin = true is not valid"),
        ("slo = 3\n[scenario.a]", "slo: is not a section"),
        ("[slo]\nresponse_p9 = 3\n[scenario.a]", "[slo]: unknown objective 'response_p9'"),
    ],
)
def test_a_bad_suite_gets_one_line_with_file_place_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Complaint) as complaint:
        load(tmp_path, text)
    assert message in str(complaint.value)
    assert str(complaint.value).startswith(str(tmp_path / "s.toml"))
    assert "\n" not in str(complaint.value)
    assert complaint.value.exit_code == 2
    assert len(str(complaint.value)) < 600


def test_scenarios_are_compared_with_the_baseline_above_them(tmp_path: Path) -> None:
    scenarios = "[scenario.a]\n[scenario.b]\n[scenario.c]\n[scenario.d]\n"
    loaded = load(tmp_path, scenarios)
    assert loaded.baselines == {"b": "a", "c": "a", "d": "a"}
    assert (loaded.margin, loaded.objectives) == (0.03, ())
    assert load(tmp_path, f"baseline = 'c'\n{scenarios}").baselines == {"a": "c", "b": "c", "d": "c"}
    assert load(tmp_path, f"baseline = ['a', 'c']\n{scenarios}").baselines == {"b": "a", "d": "c"}


def test_objectives_are_read(tmp_path: Path) -> None:
    loaded = load(tmp_path, 'margin = 0.1\n[slo]\nresponse_p99_us = 200\nthroughput_ops_s = ">= 900"\n[scenario.a]')
    assert loaded.margin == 0.1
    assert [str(each) for each in loaded.objectives] == ["response_p99_us <= 200", "throughput_ops_s >= 900"]


GOOD_VALUES: dict[str, list[suite.Value]] = {
    "arrival": ["constant", "poisson", "burst:8,1000"],
    "batch": [1, 32],
    "item-bytes": [0, 4096],
    "mlock": [True, False],
    "numa-node": [0, 1],
    "on-full": ["drop", "block", "overwrite"],
    "pacing": ["sleep", "deadline", "spin"],
    "sample-every": [1, 100],
    "sched": ["other", "fifo:50", "rr:1", "deadline:100000,500000,1000000"],
    "timer-slack-ns": [1, 50000],
    "zero-copy": [True, False],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in GOOD_VALUES.items() for value in values])
def test_options_of_each_kind_are_read(tmp_path: Path, key: str, value: suite.Value) -> None:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower()
    assert load(tmp_path, f"[scenario.a]\n{key} = {text}").scenarios[0].options == {key: value}


@pytest.mark.parametrize("text", ["t000", "t000.toml", "scenarios/t000.toml", "scenarios/t000", "{}/t000.toml"])
def test_a_suite_may_be_given_as_its_file(text: str) -> None:
    assert suite.name_of(text.format(SCENARIOS), SCENARIOS) == "t000"


@pytest.mark.parametrize("text", ["../t000", "elsewhere/t000.toml", "/tmp/t000.toml"])
def test_a_file_elsewhere_is_no_suite(text: str) -> None:
    with pytest.raises(Complaint, match=f"^{text}: is not a suite of {SCENARIOS}: give one of .*t000"):
        suite.name_of(text, SCENARIOS)


def test_an_unknown_suite_is_named_beside_those_that_exist(tmp_path: Path) -> None:
    load(tmp_path, "[scenario.a]")
    with pytest.raises(Complaint, match="there is no such suite: give one of s"):
        suite.load(tmp_path / "other.toml")
