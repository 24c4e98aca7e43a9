"""Suite files: what is read, which scenarios matrices and groups make, and what a user is told about a bad one."""

from pathlib import Path
from typing import Any

import pytest

from lab.plan import suite
from lab.plan.kinds import Value
from lab.plan.places import SCENARIOS
from lab.plan.scenarios import Scenario
from lab.text.complaint import Complaint


def load(folder: Path, text: str, name: str = "s") -> suite.Suite:
    file = folder / f"{name}.toml"
    file.write_text(text)
    return suite.load(file)


def options_of(folder: Path, text: str) -> dict[str, dict[str, Value]]:
    """By scenario, what it gives the program and its guest."""
    return {each.name: each.options | each.guest for each in load(folder, text).scenarios}


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.toml")), ids=lambda file: file.stem)
def test_the_suites_that_come_with_the_project_are_good(file: Path) -> None:
    assert suite.load(file).scenarios


def test_a_scenario_has_the_common_options_and_its_own(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        'title = "T"\n[common]\nqueue-cap = 4\nwait = "spin"\n[guest]\nsmp = 4\n[scenario.a]\n[scenario.b]\nqueue-cap = 8\n',
    )
    assert (loaded.title, loaded.guest, loaded.contract.name) == ("T", {"smp": 4}, "pipeline")
    assert (loaded.timings, loaded.replicates, loaded.margin, loaded.objectives) == (("exact", "live"), 6, 0.03, ())
    assert loaded.scenarios == (
        Scenario("a", {"queue-cap": 4, "wait": "spin"}),
        Scenario("b", {"queue-cap": 8, "wait": "spin"}),
    )


def test_a_suite_says_how_it_is_run_and_judged(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        'timing = "live"\nreps = 9\nmargin = 0.1\n[slo]\nresponse_p99_us = 200\nthroughput_ops_s = ">= 900"\n[scenario.a]',
    )
    assert (loaded.timings, loaded.replicates, loaded.margin) == (("live",), 9, 0.1)
    assert [str(each) for each in loaded.objectives] == ["response_p99_us <= 200", "throughput_ops_s >= 900"]
    assert load(tmp_path, 'timing = "live exact"\n[scenario.a]').timings == ("exact", "live")


def test_a_suite_says_on_what_it_is_run_and_with_what_it_is_compared(tmp_path: Path) -> None:
    loaded = load(tmp_path, 'targets = ["x86_64", "armv7", "x86_64"]\nbuilds = ["v1.0"]\n[scenario.a]')
    assert (loaded.targets, loaded.builds) == (("x86_64", "armv7"), ("v1.0",))
    assert load(tmp_path, "[scenario.a]").targets == ("aarch64",)


def test_each_scenario_is_on_each_kernel_and_compared_with_one_on_the_same(tmp_path: Path) -> None:
    loaded = load(tmp_path, 'kernels = ["cloud", "rt"]\n[guest]\nsmp = 1\n[scenario.a]\n[scenario.b]\nsmp = 2')
    assert [(each.name, each.guest) for each in loaded.scenarios] == [
        ("a-cloud", {"kernel": "cloud"}),
        ("b-cloud", {"kernel": "cloud", "smp": 2}),
        ("a-rt", {"kernel": "rt"}),
        ("b-rt", {"kernel": "rt", "smp": 2}),
    ]
    assert loaded.baselines == {"b-cloud": "a-cloud", "b-rt": "a-rt"}


def test_a_matrix_has_every_combination_named_by_its_values(tmp_path: Path) -> None:
    axes = "[axis.place]\nfree = {}\napart = { pin-producer = 0, pin-consumer = 1 }\n"
    matrix = (
        '[matrix]\nplace = ["free", "apart"]\ninterval = ["1ms", "10us"]\nqueue-cap = [8, "default"]\nmlock = [true]\n'
    )
    found = options_of(tmp_path, f"[common]\nqueue-cap = 4\n{axes}{matrix}")
    assert list(found) == [
        f"{place}-{interval}{cap}-mlock"
        for cap in ("-queue-cap-8", "")
        for interval in ("1ms", "10us")
        for place in ("free", "apart")
    ]
    assert found["apart-10us-mlock"] == {
        "queue-cap": 4,
        "pin-producer": 0,
        "pin-consumer": 1,
        "prod-interval-us": 10,
        "mlock": True,
    }
    assert found["free-1ms-queue-cap-8-mlock"] == {"queue-cap": 8, "prod-interval-us": 1000, "mlock": True}


def test_a_matrix_leaves_out_what_it_excludes_and_adds_what_it_includes(tmp_path: Path) -> None:
    matrix = '[matrix]\nsmp = [1, 2, 4]\nqueue = ["spsc", "mutex"]\n'
    more = 'exclude = [{ smp = 4 }, { smp = 1, queue = "mutex" }]\ninclude = [{ smp = 8, queue = "spsc" }, { smp = 2, queue = "spsc" }]'
    assert list(options_of(tmp_path, matrix + more)) == ["smp-1-spsc", "smp-2-spsc", "smp-2-mutex", "smp-8-spsc"]
    assert list(options_of(tmp_path, "[matrix]\ninclude = [{ smp = 8 }]")) == ["smp-8"]


def test_a_value_that_is_no_name_is_spelt_as_one(tmp_path: Path) -> None:
    found = options_of(tmp_path, '[matrix]\nsched = ["fifo:50", "other"]\nprod-interval-us = [0.5]')
    assert list(found) == ["fifo_50-prod-interval-us-0_5", "other-prod-interval-us-0_5"]


def test_a_quantum_is_an_axis(tmp_path: Path) -> None:
    found = options_of(tmp_path, '[matrix]\nquantum = ["none", "20us", "0.02ms"]')
    assert list(found.values()) == [{"quantum": "none"}, {"quantum": "20us"}, {"quantum": "0.02ms"}]


def test_a_group_s_scenarios_share_its_options_and_the_beginning_of_their_names(tmp_path: Path) -> None:
    text = '[scenario.a]\n[group.old]\nqueue = "mutex"\nmatrix.wait = ["spin", "futex"]\n[group.old.scenario.big]\nqueue-cap = 9\n'
    assert options_of(tmp_path, text) == {
        "a": {},
        "old-big": {"queue": "mutex", "queue-cap": 9},
        "old-spin": {"queue": "mutex", "wait": "spin"},
        "old-futex": {"queue": "mutex", "wait": "futex"},
    }


SCENARIOS_OF_FOUR = "[scenario.a]\n[scenario.b]\n[scenario.c]\n[scenario.d]\n"


def test_a_ladder_has_no_step_each_step_alone_and_all_up_to_each(tmp_path: Path) -> None:
    text = '[common]\nqueue = "mutex"\n[ladder]\nring = { queue = "spsc" }\nwide = { queue-cap = 9, smp = 4 }\nspin = { wait = "spin" }\n'
    ring, wide, spin = {"queue": "spsc"}, {"queue-cap": 9, "smp": 4}, {"wait": "spin"}
    mutex = {"queue": "mutex"}
    assert options_of(tmp_path, text) == {
        "no-step": mutex,
        "ring": ring,
        "wide": mutex | wide,
        "spin": mutex | spin,
        "to-wide": ring | wide,
        "to-spin": ring | wide | spin,
    }
    known = load(tmp_path, text)
    assert known.steps == ("ring", "wide", "spin") and set(known.baselines.values()) == {"no-step"}
    with pytest.raises(
        Complaint, match=r"\[ladder.ring\]: changes nothing: give an option another value than in \[common\]"
    ):
        load(tmp_path, text.replace('"spsc"', '"mutex"'))
    with pytest.raises(Complaint, match=r"two scenarios that are called ring"):
        load(tmp_path, text + "[scenario.ring]\n")
    with pytest.raises(Complaint, match="ladder: is not a section"):
        load(tmp_path, "ladder = 3\n")


GRID = '[axis.x]\np = {}\nq = { queue-cap = 8 }\n[matrix]\nx = ["p", "q"]\nwait = ["spin", "futex"]\n[group.g]\nqueue = "mutex"\nmatrix.x = ["p", "q"]\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SCENARIOS_OF_FOUR, {"b": "a", "c": "a", "d": "a"}),
        (f"baseline = 'c'\n{SCENARIOS_OF_FOUR}", {"a": "c", "b": "c", "d": "c"}),
        (f"baseline = ['a', 'c']\n{SCENARIOS_OF_FOUR}", {"b": "a", "d": "c"}),
        (f"baseline = {{ x = 'p' }}\n{GRID}", {"q-spin": "p-spin", "q-futex": "p-futex", "g-q": "g-p"}),
        (f"baseline = {{ wait = 'spin' }}\n{GRID}", {"p-futex": "p-spin", "q-futex": "q-spin"}),
    ],
)
def test_scenarios_are_compared_with_their_baseline(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    assert load(tmp_path, text).baselines == expected


@pytest.mark.parametrize(
    ("text", "option", "value"),
    [
        ("interval = '1ms'", "prod-interval-us", 1000),
        ("interval = '24.39us'", "prod-interval-us", 24.39),
        ("interval = '1500 ns'", "prod-interval-us", 1.5),
        ("interval = 0", "prod-interval-us", 0),
        ("rate = 41000", "prod-interval-us", 24.39),
        ("rate = 3", "prod-interval-us", 333333.333),
        ("prod-interval-us = '1ms'", "prod-interval-us", 1000),
        ("duration = '300ms'", "duration", 0.3),
        ("work-bytes = '64KiB'", "work-bytes", 65536),
        ("item-bytes = '4kB'", "item-bytes", 4000),
        ("timer-slack-ns = '50us'", "timer-slack-ns", 50000),
        ("duration = 2.0", "duration", 2),
        ("mlock = false", "mlock", False),
        ("arrival = 'burst:8,1000'", "arrival", "burst:8,1000"),
        ("sched = 'deadline:100000,500000,1000000'", "sched", "deadline:100000,500000,1000000"),
    ],
)
def test_a_value_may_have_a_unit(tmp_path: Path, text: str, option: str, value: Value) -> None:
    assert options_of(tmp_path, f"[scenario.a]\n{text}") == {"a": {option: value}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[scenario.a]\nqueue-capp = 8", "[scenario.a]: unknown key 'queue-capp': did you mean queue-cap?"),
        ("targets = ['aarch46']\n[scenario.a]", "targets: has no such target: did you mean aarch64?"),
        ("targets = 'aarch64'\n[scenario.a]", "targets = 'aarch64' is not valid: give a list of texts such as"),
        ("builds = []\n[scenario.a]", "builds = [] is not valid: give a list of texts"),
        ("kernels = [1]\n[scenario.a]", "kernels = [1] is not valid: give a list"),
        ("kernels = ['a b']\n[scenario.a]", "kernels = 'a b' is not valid: give a kernel"),
        ("kernels = ['rt']\n[scenario.a]\nkernel = 'rt'", "[scenario.a]: says its kernel itself, and the suite has"),
        ("[scenario.a]\nzzz = 8", "[scenario.a]: unknown key 'zzz': give one of duration, warmup"),
        ("[scenario.a]\nseed = 8", "[scenario.a]: unknown key 'seed'"),
        ("[scenario.a]\nqueue-cap = '8'", "[scenario.a]: queue-cap = '8' is not valid: give an integer from 1 to"),
        ("[scenario.a]\nqueue-cap = 0", "[scenario.a]: queue-cap = 0 is not valid: give an integer from 1 to 16777216"),
        ("[scenario.a]\nqueue-cap = true", "queue-cap = true is not valid: give an integer"),
        ("[scenario.a]\nqueue-cap = 1.5", "queue-cap = 1.5 is not valid: give an integer"),
        ("[scenario.a]\nwork-bytes = '1.5B'", "work-bytes = '1.5B' is not valid: give an integer"),
        (
            "[scenario.a]\ninterval = '1 year'",
            "interval = '1 year' is not valid: give a number from 0.0 to 60000000.0, or a",
        ),
        ("[scenario.a]\ninterval = '1__0us'", "interval = '1__0us' is not valid"),
        (
            "[scenario.a]\ninterval = '2h'",
            'is not valid: give a number from 0.0 to 60000000.0, or a text such as "1us"',
        ),
        ("[scenario.a]\nrate = 0", "rate = 0 is not valid: give a number from 1e-06 to"),
        ("[scenario.a]\nwait = 'sleep'", "wait = 'sleep' is not valid: give one of spin, yield, futex, hybrid"),
        ("[scenario.a]\nduration = nan", "duration = nan is not valid: give a number from 0.001 to 86400"),
        ("[scenario.a]\nduration = 1e300", "duration = 1e+300 is not valid: give a number from 0.001 to 86400"),
        (f"[scenario.a]\nqueue-cap = 1{'0' * 400}", "queue-cap = 1000"),
        (f"[scenario.a]\nqueue-cap = 1{'0' * 5000}", "is not valid TOML: Exceeds the limit (4300"),
        (f"[scenario.a]\nqueue-cap = 0x{'f' * 5000}", "queue-cap = a huge number is not valid: give an integer"),
        (f"[scenario.a]\nqueue = {'[' * 5000}{']' * 5000}", "is not valid TOML: "),
        ("[scenario.a]\nmlock = 1", "mlock = 1 is not valid: give true or false"),
        ('[scenario.a]\narrival = "burst:8,1000\\n"', "arrival = 'burst:8,1000\\n' is not valid"),
        (
            "[scenario.a]\narrival = 'spin --mlock'",
            "arrival = 'spin --mlock' is not valid: give a word of letters, digits",
        ),
        ("[scenario.a]\nsched = '$(id)'", "sched = '$(id)' is not valid: give a word"),
        ("[scenario.a]\nsched = ''", "sched = '' is not valid: give a word"),
        ("[scenario.a]\nprod-interval-us = inf", "prod-interval-us = inf is not valid: give a number from 0.0"),
        ("[guest]\nsmp = 65\n[scenario.a]", "[guest]: smp = 65 is not valid: give an integer from 1 to 64"),
        ("[guest]\nqueue-cap = 8\n[scenario.a]", "[guest]: unknown key 'queue-cap'"),
        (
            "[guest]\nquantum = '3us'\n[scenario.a]",
            "[guest]: quantum = '3us' is not valid: give \"none\", or whole us from 5us to 10000us",
        ),
        ("[scenario.a]\nquantum = '11ms'", "[scenario.a]: quantum = '11ms' is not valid: give \"none\""),
        ("[scenario.a]\nquantum = '20.5us'", "[scenario.a]: quantum = '20.5us' is not valid: give \"none\""),
        ("[scenario.a]\nquantum = '20'", "[scenario.a]: quantum = '20' is not valid: give \"none\""),
        ("[scenario.a]\nquantum = 20", '[scenario.a]: quantum = 20 is not valid: give "none"'),
        (
            "[guest]\nkernel-args = 'quiet maxcpus=1'\n[scenario.a]",
            "[guest]: kernel-args = 'quiet maxcpus=1' is not valid: give words with a space between them such as",
        ),
        ("[scenario.a]\nkernel-args = 'maxcpus=1'", "kernel-args = 'maxcpus=1' is not valid: give words"),
        ("[scenario.a]\n[scenario.a]", "is not valid TOML: Cannot declare ('scenario', 'a') twice (at line 2"),
        ("[scenario.'a b']", "'a b' is not a good name: use up to 64 letters"),
        ("[scenario." + "a" * 65 + "]", "is not a good name: use up to 64 letters"),
        ("[scenario.'..']", "'..' is not a good name"),
        ("[scenario]", "has no scenario: add a section"),
        ("", "has no scenario: add a section"),
        ("[scenario]\na = 1", "scenario.a: is not a section"),
        ("[group]\na = 1", "group.a: is not a section"),
        ("[axis]\na = 1\n[scenario.b]", "axis.a: is not a section"),
        ("[axis.x]\na = 3\n[scenario.b]", "axis.x.a: is not a section: write [axis.x.a] on a line of its own"),
        ("matrix = 3", "matrix: is not a section"),
        ("common = 3\n[scenario.a]", "common: is not a section"),
        ("title = 3\n[scenario.a]", "title = 3 is not valid: give a text"),
        (
            "workload = 'feeed'\n[scenario.a]",
            "workload = 'feeed' is not valid: give exchange, feed, ingress, pipeline, rpc",
        ),
        ("workload = '../x'\n[scenario.a]", "workload = '../x' is not valid"),
        ("speed = 3\n[scenario.a]", "unknown key 'speed'"),
        ("[scenario.a", "is not valid TOML"),
        ("reps = 0\n[scenario.a]", "reps = 0 is not valid: give an integer from 1 to 1000, runs of each scenario"),
        (
            "timing = 'virtual'\n[scenario.a]",
            'timing = \'virtual\' is not valid: give "exact", "live", or "exact live"',
        ),
        ("timing = [[]]\n[scenario.a]", "timing = [[]] is not valid"),
        ("baseline = " + "1" * 5000 + "\n[scenario.a]", "is not valid TOML: Exceeds the limit (4300 digits)"),
        ("baseline = 0x" + "f" * 5000 + "\n[scenario.a]", "baseline = a huge number is no scenario: give one of a"),
        ("baseline.a" + ".a" * 90 + " = 1\n[scenario.a]", "baseline = {'a': {'a':"),
        ("baseline = 'basel'\n[scenario.base]", "baseline = 'basel' is no scenario: did you mean base?"),
        ("baseline = ['a', 3]\n[scenario.a]", "baseline = ['a', 3] is no scenario: give one of a"),
        ("baseline = []\n[scenario.a]", "baseline = [] is no scenario: give one of a"),
        ("baseline = { smp = 1 }\n[scenario.a]", "baseline = {'smp': 1} is the baseline of no scenario: give axes"),
        ("baseline = { smp = [1] }\n[matrix]\nsmp = [1, 2]", "baseline = {'smp': [1]} is not valid: give axes of"),
        ("[scenario.a]\nqueue-cap.a" + ".a" * 900 + " = 1", ":2: has more than 100 dots: a key has two at most"),
        ("margin = " + "[" * 400 + "]" * 400 + "\n[scenario.a]", "margin = [[[[[["),
        ("margin = 3\n[scenario.a]", "margin = 3 is not valid: give a number from 0 to 1"),
        ("margin = true\n[scenario.a]", "margin = true is not valid"),
        ("# " + "x" * 2**18, "is larger than 256 KB: make several suites of it"),
        ("".join(f"[scenario.s{n}]\n" for n in range(10001)), "has more than the 10,000 scenarios that are the most"),
        (
            f"[matrix]\nqueue-cap = {list(range(1, 102))}\nbatch = {list(range(1, 101))}",
            "[matrix]: makes 10,100 scenarios, and 10,000 are the most: give fewer values, or several suites",
        ),
        (f"[matrix]\nqueue-cap = {[1] * 9000}\nbatch = {[1] * 9000}\nsmp = {[1] * 9000}", "makes 729,000,000,000 scen"),
        (
            "".join(f"[group.g{n}]\nmatrix.queue-cap = {list(range(1, 1001))}\n" for n in range(30)),
            "has more than the 10,000 scenarios that are the most: make several files of it",
        ),
        (f"[matrix]\nsmp = [1]\ninclude = [{'{smp=2},' * 30000}]", "[matrix]: include has more than 300 entries"),
        ("[matrix]\nsmp = [1, 1]", "has two scenarios that are called smp-1: give one of them another name"),
        ("[scenario.g-a]\n[group.g.scenario.a]", "has two scenarios that are called g-a"),
        ("[matrix]\nsmp = 2", "[matrix]: smp = 2 is not valid: give a list of values"),
        ("[matrix]\nsmp = []", "[matrix]: smp = [] is not valid: give a list of values"),
        ("[matrix]\nsmp = [[1]]", "[matrix]: smp = [1] is not valid: give an integer from 1 to 64"),
        ("[matrix]\nsmp = [{}]", "[matrix]: smp = {} is not valid"),
        ("[matrix]\nspm = [1]", "[matrix]: unknown key 'spm': did you mean smp?"),
        ("[matrix]\nspm = ['default']", "[matrix]: unknown key 'spm'"),
        ("[matrix]\nsmp = [1, 2]\nexclude = [{ smp = 4 }]", "[matrix]: exclude = {'smp': 4} excludes nothing: mend or"),
        ("[matrix]\nsmp = [1]\nexclude = [{ smp = 1 }]", "has no scenario"),
        ("[matrix]\nsmp = [1]\nexclude = 3", "[matrix]: exclude = 3 is not valid: give a list such as"),
        ("[matrix]\nsmp = [1]\ninclude = [3]", "[matrix]: include = [3] is not valid: give a list such as"),
        ("[matrix]\nsmp = [1]\ninclude = [{ x = 3 }]", "[matrix]: unknown key 'x'"),
        ("[axis.x]\na = {}\n[matrix]\nx = ['b']", "[matrix]: x = 'b' is not valid: give one of a"),
        ("[axis.x]\na = {}\n[matrix]\nx = [{}]", "[matrix]: x = {} is not valid: give one of a"),
        ("[axis.x]\na = { spm = 3 }\n[matrix]\nx = ['a']", "[axis.x.a]: unknown key 'spm'"),
        ("[axis.x]\n'a b' = {}\n[scenario.a]", "[axis.x]: 'a b' is not a good name"),
        (
            "[group.g]\nqueue-capp = 3\n[group.g.scenario.a]",
            "[group.g]: unknown key 'queue-capp': did you mean queue-cap?",
        ),
        ("[group.g]\nmatrix.spm = [3]", "[group.g.matrix]: unknown key 'spm'"),
        ("[group.'g/h'.scenario.a]", "[group]: 'g/h' is not a good name"),
        ("slo = 3\n[scenario.a]", "slo: is not a section"),
        ("[slo]\nresponse_p9 = 3\n[scenario.a]", "[slo]: unknown objective 'response_p9'"),
        ("[scenario.a]\n[slo]\ndrop_rate = '<= 1__0'", "[slo]: drop_rate = '<= 1__0' is not valid: give a number"),
        ("[scenario.a]\n[slo]\ndrop_rate = '<= 1e400'", "[slo]: drop_rate = '<= 1e400' is not valid"),
        ("[scenario.a]\n[slo]\ndrop_rate = 1" + "0" * 400, "[slo]: drop_rate = 10000000000"),
        ("[scenario.a]\n[slo]\ndrop_rate = 0x" + "f" * 5000, "[slo]: drop_rate = a huge number is not valid"),
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


def names(suites: list[suite.Suite]) -> dict[str, Any]:
    return {each.name: [scenario.name for scenario in each.scenarios] if not each.whole else "all" for each in suites}


def test_a_user_gives_suites_and_scenarios_by_name_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("t000", "t000.toml", "scenarios/t000.toml", f"{SCENARIOS}/t000.toml")
    assert [suite.find(text) for text in given] == [(SCENARIOS / "t000.toml", "")] * 4
    load(tmp_path, "[scenario.a]\n[scenario.b]\n[scenario.c]", "own")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert names(suite.load_all(["t001/baseline-0us", "../own.toml", "t001/affinity-0us"])) == {
        "t001": ["baseline-0us", "affinity-0us"],
        "own": "all",
    }
    assert names(suite.load_all(["../own.toml/c", "../own.toml/a"])) == {"own": ["a", "c"]}
    assert names(suite.load_all(["../own.toml/c", "../own.toml"])) == {"own": "all"}
    monkeypatch.chdir(tmp_path)
    assert suite.find("own.toml") == (tmp_path / "own.toml", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t009", "t009.toml: there is no such suite: give one of .*t000, t001"),
        ("t001/baselin-0us", "t001.toml: there is no such scenario: did you mean baseline-0us"),
        ("../t000", "^../t000: is no suite: give one of .*t000, t001, timerlat, or the path of a TOML file"),
        ("elsewhere/t000.toml", "^elsewhere/t000.toml: is no suite: give one of .*t000"),
        ("elsewhere/x", "^elsewhere/x: is no suite, nor a scenario of one: give one of .*t000"),
        ("x" * 5000, "x.toml: cannot be read .File name too long.: give one of"),
        ("a/b\0.toml", "is no suite: give one of"),
    ],
)
def test_what_is_no_suite_is_named_beside_those_that_exist(text: str, message: str) -> None:
    with pytest.raises(Complaint, match=message) as complaint:
        suite.load_all([text])
    assert complaint.value.exit_code == 2


def test_two_suites_of_one_name_are_refused(tmp_path: Path) -> None:
    load(tmp_path, "[scenario.a]", "t000")
    with pytest.raises(
        Complaint, match=f"{tmp_path}/t000.toml: has the name of {SCENARIOS}/t000.toml: give one of them"
    ):
        suite.load_all(["t000", str(tmp_path / "t000.toml")])
