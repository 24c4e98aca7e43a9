"""The shape of guests: who may say it, where it works, and what is told of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.plan import plan, target
from lab.plan.arguments import Parser, add_guest_options
from lab.text.complaint import Complaint
from lab.plan.guest import Guest
from lab.plan.plan import Row, Sweep
from lab.tests.test_plan import IMAGE, SWEEP, TARGETS, expand_text, write_image

KERNELS = '[scenario.a]\n[scenario.b]\nkernel = "rt"\nkernel-args = "isolcpus=1"\nsmp = 4\n'


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build folder with facts of images, though without images."""
    for name in ("aarch64", "aarch64.rt", "x86_64", "armv7"):
        write_image(tmp_path, name, IMAGE | {"kernel_sha256": name})
    return tmp_path


def guests(rows: list[Row]) -> dict[str, Guest]:
    return {row.scenario: row.guest for row in rows}


def test_a_scenario_s_guest_comes_before_the_command_line_s_and_that_before_the_suite_s(build: Path) -> None:
    text = "[guest]\nsmp = 3\nmemory-mb = 256\n" + KERNELS
    sweep = replace(SWEEP, guest={"smp": 8, "numa-nodes": 2})
    assert guests(expand_text(build, text)) == {
        "a": Guest("cloud", "", 3, 256, 1),
        "b": Guest("rt", "isolcpus=1", 4, 256, 1),
    }
    assert guests(expand_text(build, text, sweep)) == {
        "a": Guest("cloud", "", 8, 256, 2),
        "b": Guest("rt", "isolcpus=1", 4, 256, 2),
    }


@pytest.mark.parametrize("guest", [{"smp": 3}, {"memory-mb": 600}, {"kernel-args": "quiet"}, {"numa-nodes": 2}])
def test_a_name_changes_with_the_shape_of_the_guest(build: Path, guest: dict[str, plan.Value]) -> None:
    usual, other = (expand_text(build, "[scenario.a]", replace(SWEEP, guest=each)) for each in ({}, guest))
    assert {row.run for row in usual}.isdisjoint(row.run for row in other)


def test_a_kernel_is_part_of_a_name_as_what_it_is(build: Path) -> None:
    cloud, rt = (expand_text(build, "[scenario.a]", replace(SWEEP, guest={"kernel": name})) for name in ("cloud", "rt"))
    assert {row.run for row in cloud}.isdisjoint(row.run for row in rt)
    assert [row.run for row in cloud] == [row.run for row in expand_text(build, "[scenario.a]")]


def test_vcpus_are_pinned_in_live_timing_and_that_is_part_of_a_name(build: Path) -> None:
    pinned, free = (expand_text(build, "[scenario.a]", replace(SWEEP, pin_vcpus=each)) for each in (True, False))
    assert {(row.timing, row.pin_vcpus) for row in pinned} == {("exact", False), ("live", True)}
    for timing in plan.TIMINGS:
        names = [{row.run for row in rows if row.timing == timing} for rows in (pinned, free)]
        assert (names[0] == names[1]) is (timing == "exact")


def test_the_knobs_are_told_as_they_were_given(build: Path) -> None:
    guest: dict[str, plan.Value] = {"kernel-args": "a b", "smp": 4, "quantum": "0.02ms"}
    sweep = replace(SWEEP, guest=guest, pin_vcpus=False, wanted_accelerator="tcg")
    row = expand_text(build, "[scenario.a]", sweep)[0]
    of_guest = {"KERNEL_ARGS": "a b", "SMP": "4", "QUANTUM": "0.02ms"}
    assert row.knobs == of_guest | {"PIN_VCPUS": "no", "ACCELERATOR": "tcg"}


@pytest.mark.parametrize(
    ("option", "value"), [("--quantum", "3us"), ("--quantum", "20"), ("--kernel-args", "quiet maxcpus=1")]
)
def test_what_no_guest_has_is_refused_on_the_command_line(option: str, value: str) -> None:
    parser = Parser()
    add_guest_options(parser)
    with pytest.raises(Complaint, match=f"^{option}: '{value}' is not valid: give ") as complaint:
        parser.parse_args([option, value])
    assert complaint.value.exit_code == 2


EXACT = Sweep("aarch64", ("exact",), 1, 1)
LIVE = Sweep("aarch64", ("live",), 1, 1)


@pytest.mark.parametrize(
    ("text", "sweep", "message"),
    [
        ("smp = 9", EXACT, "exact timing works with at most 8 CPUs, and 9 are wanted: give SMP=8, or TIMING=live"),
        (
            "quantum = '20us'\nsmp = 5",
            EXACT,
            "a quantum works with at most 4 CPUs, and 5 are wanted: give SMP=4, or QUANTUM=none",
        ),
        (
            "quantum = '20us'\nnuma-nodes = 2",
            EXACT,
            "a quantum works with 1 NUMA node, and 2 are wanted: give NUMA=1, or QUANTUM=none",
        ),
        (
            "numa-nodes = 2",
            replace(LIVE, target="armv7"),
            "armv7 has at most 1 NUMA node(s), and 2 are wanted: give NUMA=1, or TARGET=aarch64 or x86_64",
        ),
        ("numa-nodes = 3", LIVE, "3 NUMA nodes need a CPU each, and the guest has 2: give NUMA=2, or SMP=3"),
        (
            "pin-consumer = 2",
            LIVE,
            "pin-consumer = 2 is not one of the guest's CPUs: give 0 to 1, or the guest smp = 3",
        ),
        (
            "smp = 1\npin-producer = 1",
            LIVE,
            "pin-producer = 1 is not one of the guest's CPUs: give 0, or the guest smp",
        ),
        (
            "numa-node = 1",
            LIVE,
            "numa-node = 1 is not one of the guest's NUMA nodes: give 0, or the guest numa-nodes = 2",
        ),
        ('kernel = "amiga"', LIVE, "'amiga' is not one of aarch64: give one of cloud standard rt, or the file of a"),
    ],
)
def test_what_a_target_cannot_do_gets_one_line_with_what_would_work(
    build: Path, text: str, sweep: Sweep, message: str
) -> None:
    with pytest.raises(Complaint) as complaint:
        expand_text(build, f"[scenario.a]\n{text}", sweep)
    assert message in str(complaint.value) and "\n" not in str(complaint.value)
    assert complaint.value.exit_code == 2


@pytest.mark.parametrize(("text", "quantum"), [("none", "none"), ("20us", "20us"), ("0.02ms", "20us")])
def test_a_quantum_is_so_many_us_however_it_is_written(build: Path, text: str, quantum: str) -> None:
    (row,) = expand_text(build, f"[scenario.a]\nquantum = '{text}'", EXACT)
    assert row.guest.quantum == quantum


def test_exact_guests_with_several_cpus_have_a_quantum_and_that_is_part_of_a_name(build: Path) -> None:
    text = "[scenario.one]\nsmp = 1\n[scenario.two]\n[scenario.four]\nsmp = 4"
    without, having = (
        expand_text(build, text, replace(SWEEP, replicates=1, guest={"quantum": each})) for each in ("none", "20us")
    )
    assert {row.guest.quantum for row in without} == {"none"}
    differ = {("two", "exact"), ("four", "exact")}
    assert {(row.scenario, row.timing) for row in having if row.guest.quantum == "20us"} == differ
    assert {(row.scenario, row.timing) for row, other in zip(having, without) if row.run != other.run} == differ


def test_the_limits_of_a_quantum_are_none_of_live_guests(build: Path) -> None:
    assert expand_text(build, "[scenario.a]\nquantum = '20us'\nsmp = 8\nnuma-nodes = 2", LIVE)


def test_a_target_that_cannot_hide_cpus_has_no_quantum(build: Path, tmp_path: Path) -> None:
    conf = (TARGETS / "aarch64.conf").read_text()
    (tmp_path / "aarch64.conf").write_text(conf.replace("HIDDEN_CPUS=device-tree", "HIDDEN_CPUS="))
    assert expand_text(build, "[scenario.a]", EXACT, targets=tmp_path)
    what = r"\[scenario.a\]: aarch64 has no quantum, as nobody has tried .*: give QUANTUM=none"
    with pytest.raises(Complaint, match=what):
        expand_text(build, "[scenario.a]\nquantum = '20us'", EXACT, targets=tmp_path)


def test_pins_that_the_guest_has_are_taken(build: Path) -> None:
    assert expand_text(build, "[scenario.a]\nsmp = 4\npin-consumer = 3\nnuma-nodes = 2\nnuma-node = 1", EXACT)


def test_the_file_of_a_kernel_has_an_image_of_its_own(build: Path) -> None:
    file = build / "own"
    file.write_text("a kernel")
    machine = target.load(TARGETS, "aarch64")
    assert machine.image(build, machine.kernel(str(file))).name == "aarch64.file-4fff0d3e"
    assert machine.image(build, machine.kernel("")).name == "aarch64"
    assert machine.image(build, machine.kernel("rt")).name == "aarch64.rt"
