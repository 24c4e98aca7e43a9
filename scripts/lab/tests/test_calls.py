"""The system calls of a user's traced program, as the attendant left them."""

from pathlib import Path

import pandas as pd
import pytest

from lab.tests.test_own_trace import EXACT, KNOWN, rows_of
from lab.text.complaint import Complaint
from lab.trace import calls


def counted(folder: Path, text: str) -> pd.DataFrame:
    (folder / "out").mkdir(exist_ok=True)
    (folder / "vm.tsv").write_text("accelerator\ttcg\n")
    (folder / "out/calls.csv").write_text(text)
    of_thread = ["thread,tid,role,cpu,cpu_ns", "pool-1,11,,,5", "pool-2,12,,,5", "main,10,,,9"]
    (folder / "out/threads.csv").write_text("\n".join(of_thread) + "\n")
    return calls.table([folder], rows_of(1), KNOWN)


def test_system_calls_are_counted_by_name_and_thread(tmp_path: Path) -> None:
    head = "tid,call,count,total_ns\n"
    # 98 is futex on aarch64. 9999 is none, and 77 is no thread of the program.
    found = counted(tmp_path, head + "11,98,3,3000\n12,98,1,1000\n10,9999,1,7\n77,98,1,1\n")
    assert found[["thread", "call", "calls", "total_ns"]].values.tolist() == [
        ["main", "call-9999", 1, 7],
        ["pool-*", "futex", 4, 4000],
    ]
    assert calls.KEPT.csv(found).count("\n") == 3
    text = calls.markdown(found, EXACT)
    assert "| futex | pool-&#42; | 4 | 1.00 |" in text and "*System calls*" in text
    assert calls.markdown(found, EXACT._replace(timing="live")) == ""
    assert counted(tmp_path, "").empty and counted(tmp_path, head).empty


@pytest.mark.parametrize("text", ["x", "tid,call,count\n1,2,3\n", "tid,call,count,total_ns\n1,2,3,-4\n"])
def test_damaged_counts_of_system_calls_are_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(Complaint, match="calls.csv: is damaged"):
        counted(tmp_path, text)


@pytest.mark.parametrize(
    ("target", "number", "name"),
    [("x86_64", 202, "futex"), ("armv7", 240, "futex"), ("armv7", 422, "futex_time64"), ("mars", 1, "call-1")],
)
def test_system_calls_have_the_machine_s_names(target: str, number: int, name: str) -> None:
    assert calls.name_of(target, number) == name
