"""Text from outside, as terminals, Markdown and HTML get it; and names, which must be no more than that."""

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import markdown as python_markdown
import pandas as pd
import pytest

from lab.tables import measurement, results
from lab.plan import plan_file, target
from lab.report import page as report
from lab.runs import run_record
from lab.tests.conftest import run_folder
from lab.text.complaint import MOST, Complaint
from lab.report.html import page
from lab.report.html.text import block, inline
from lab.text.page import Part, Picture
from lab.text.markdown import code, words as markdown
from lab.text.outside import say, visible

HOSTILE = [
    "[x](javascript:alert(1))",
    "![x](result_data/../../../etc/passwd)",
    "![x](https://evil.example/p.png)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</code><b>x",
    "a | b | c",
    "x\n\n# Heading",
    "x\n| a |\n|---|",
    "**bold** __strong__ ~~gone~~ $x$",
    "`code` `open",
    "``x | y``",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "<https://evil.example>",
    "\x1b[2Jx\u202ey\u2028z",
    "back\\slash \\[x](y)",
]
PATHS = ["../x", "a/b", "..", ".", "/etc/passwd", "a\nb", "a b", "$(x)", "a\x1b[2J", "<b>", "x](y)", "-x", "a|b", "é"]


TAGS = {"p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "div", "strong"}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("frame", ["- **{}.** end", "| a | {} |", "a {} b"])
@pytest.mark.parametrize("escape", [markdown, code])
def test_words_from_outside_are_words_in_markdown(text: str, frame: str, escape: Any) -> None:
    written = frame.format(escape(text))
    assert "\n" not in written
    table = "| x | y |\n|---|---|\n" if frame.startswith("|") else ""
    for html in (python_markdown.markdown(table + written, extensions=["tables"]), block(table + written)):
        assert set(re.findall(r"<(\w+)", html)) - TAGS <= {"code"}, html
        assert html.count("<strong>") == ("**" in frame) and html.count("<td>") == (2 if table else 0)
        shown = unescape(re.sub("<[^>]*>", "", html))
        assert visible(text, None).replace("`", "") in shown.replace("`", "")


@pytest.mark.parametrize("text", ["1000 items a second: how much, and [guest] or x_y < 3 & more", "`a-*` → b (3 > 2)"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert markdown(text) == text


def test_a_complaint_is_one_line_that_keeps_its_remedy() -> None:
    text = str(Complaint("a\x1b[2J.toml", "b\nc\u202e" + "x" * 5000 + ": mend it"))
    assert text.startswith("a\\x1b[2J.toml: b\\nc\\u202e") and text.endswith("x: mend it")
    assert text.isprintable() and len(text) < MOST + 20 and "[...]" in text


def test_what_is_said_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\tb\n\x1b[31mc\x85d")
    assert capsys.readouterr().out == "a\\tb\n\\x1b[31mc\\x85d\n"


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "../x", "result_data/../x", "file:///etc/passwd"],
)
def test_html_links_to_nothing_but_results_and_the_web(link: str) -> None:
    assert link not in inline(f"[x]({link}) [y](<{link}>) ![z]({link})")
    for good in ("#capacity", "result_data/t000_raw.csv", "https://example.org/a"):
        assert f'href="{good}"' in inline(f"[x]({good})")


@pytest.mark.parametrize("name", ["../secret.png", "other.png", "bench.png/../../secret.png", "/etc/passwd"])
def test_html_shows_no_picture_but_the_report_s(tmp_path: Path, name: str) -> None:
    for file in (tmp_path / "secret.png", tmp_path / "r" / "other.png"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(page.PNG)
    assert page._shown(Part(3, "x", [Picture("a", name)]), {}, {}, tmp_path / "r").body == []
    (part,) = report.of_markdown(f"## x\n\n![a](result_data/{name})\n")
    assert "<img" not in str(page._shown(part, {}, {}, tmp_path / "r").body)


def test_html_shows_nothing_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(page.PNG + b"of another folder")
    (tmp_path / "linked.png").symlink_to(tmp_path / "secret")
    (tmp_path / "text.png").write_text("secret")
    for file in (tmp_path / "linked.png", tmp_path / "text.png"):
        with pytest.raises(Complaint, match="is no picture of ours"):
            page._picture("x", file)


@pytest.fixture
def told(results_folder: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of results, and what its environment file says."""
    folder = results_folder / "result_data"
    return folder, json.loads((folder / "t000_environment.json").read_text())


def write(folder: Path, environment: dict[str, Any]) -> None:
    (folder / "t000_environment.json").write_text(json.dumps(environment))


def test_nothing_in_results_from_elsewhere_becomes_a_part_of_the_report(told: tuple[Path, dict[str, Any]]) -> None:
    folder, environment = told
    text = "<b>[x](javascript:1)![y](result_data/../../z)|\n\n# h\n"
    environment |= {"title": text, "question": text}
    for each in environment["measurements"]:
        each["git_commits"] = [text]
        for guest in each["guests"]:
            guest["image"] |= dict.fromkeys(("qemu_version", "compiler", "program_version", "kernel_version"), text)
        if "host" in each:
            each["host"] |= {"cpu": text, "from": text, "to": text}
    write(folder, environment)
    findings = json.loads((folder / "t000_findings.json").read_text())
    assert findings
    for finding in findings:
        finding |= {"rule": "false sharing", "values": {"where": text}}
    (folder / "t000_findings.json").write_text(json.dumps(findings))
    written = "\n".join(report.pages(folder).values())
    assert not re.search(r"<b>|\]\(javascript|\]\(result_data/\.\.|^# h", written, re.MULTILINE)
    html = page.render(folder, folder / "runs")
    assert not re.search(r"<b>|href=\"javascript|<h1>h", html.replace(page.LIBRARY.read_text(), ""))


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("key", ["target", "timing", "accelerator", "scenario", "baseline", "changed guest", "suite"])
def test_results_with_names_that_are_none_are_refused(told: tuple[Path, dict[str, Any]], key: str, name: str) -> None:
    folder, environment = told
    first = environment["measurements"][0]
    if key == "scenario":
        first["scenarios"][name] = next(iter(first["scenarios"].values()))
    elif key == "baseline":
        environment["baselines"] = {"affinity": name}
    elif key == "changed guest":
        environment["changed_guests"] = [name]
    elif key == "suite":
        table = pd.read_csv(folder / "t000_raw.csv", dtype=str, keep_default_na=False)
        table.assign(suite=name).to_csv(folder / "t000_raw.csv", index=False)
    else:
        first[key] = name
    write(folder, environment)
    for read in (report.pages, results.load):
        with pytest.raises(Complaint) as caught:
            read(folder)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", ["$(touch x)", "`x`", "b; x", "b\nrm -r x", "'b", 'b"', "<b>"])
def test_results_with_a_knob_or_an_option_that_does_more_are_refused(
    told: tuple[Path, dict[str, Any]], value: str
) -> None:
    folder, environment = told
    write(folder, environment | {"sweeps": [{"SUITE": value}]})
    with pytest.raises(Complaint, match="is no plain words"):
        report.pages(folder)
    next(iter(environment["measurements"][0]["scenarios"].values()))["options"]["wait"] = value
    write(folder, environment)
    with pytest.raises(Complaint, match="is no plain word"):
        report.pages(folder)


@pytest.mark.parametrize("text", ["<b>", "[x](y)", "a *b*", "a\nb", "a|b"])
def test_results_of_a_contract_with_markdown_are_refused(told: tuple[Path, dict[str, Any]], text: str) -> None:
    folder, environment = told
    known = environment["workload"]["contract"]
    for table, key in ((known, "title"), (known["metrics"]["latency"], "title"), (known["stages"]["behind"], "text")):
        before, table[key] = table[key], text
        write(folder, environment)
        with pytest.raises(Complaint, match="without Markdown or HTML"):
            report.pages(folder)
        table[key] = before


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("key", ["run", "suite", "scenario", "target", "timing"])
def test_a_plan_with_names_that_are_none_is_refused(runs: Path, key: str, name: str) -> None:
    file = runs / "t000.aarch64.exact.plan.jsonl"
    row = json.loads(file.read_text().splitlines()[0])
    file.write_text(json.dumps(row | {key: name}) + "\n")
    with pytest.raises(Complaint, match="is damaged"):
        plan_file.read(file)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("key", ["run", "suite", "scenario", "target", "timing", "accelerator", "files"])
def test_a_record_with_names_that_are_none_is_refused(runs: Path, key: str, name: str) -> None:
    folder = run_folder(runs, "baseline", "exact", 1)
    facts = json.loads((folder / "run.json").read_text())
    if key == "files":
        facts["files"] |= {f"../{name}": {"bytes": 0, "sha256": ""}}
    elif key == "accelerator":
        facts[key] = name
    else:
        facts["row"][key] = name
    facts[run_record.CHECKSUM] = run_record.checksum(facts)
    (folder / "run.json").write_text(json.dumps(facts))
    with pytest.raises(
        Complaint,
        match=r"run\.json: (is damaged|has no good row|has no good value for|is of the run|has another command)",
    ):
        run_record.load(folder)


@pytest.mark.parametrize("words", ["pipelab pipeline --x $(x)", "pipelab pipeline; x", "a\x1b[2J", "a -- b"])
@pytest.mark.parametrize("key", ["command", "kernel", "kernel_args", "quantum"])
def test_a_row_has_no_words_that_a_shell_takes_apart(runs: Path, key: str, words: str) -> None:
    row = plan_file.read(runs / "t000.aarch64.exact.plan.jsonl")[0]
    said: dict[str, Any] = {key: words}
    changed = replace(row, **said) if key == "command" else replace(row, guest=replace(row.guest, **said))
    assert plan_file.fault(row) == "" and plan_file.fault(changed) == ("command" if key == "command" else "guest")


def test_a_target_s_name_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("MAX_NUMA_NODES=1\nKERNELS=a:b\n")
    (tmp_path / "targets").mkdir()
    with pytest.raises(Complaint, match="is not a good name"):
        target.load(tmp_path / "targets", "../x")


@pytest.mark.parametrize("words", ["$(x)", "a,\x1fb", "../x y; z"])
@pytest.mark.parametrize("key", ["kernel", "kernel_args", "quantum"])
def test_results_whose_guest_is_no_plain_words_are_refused(
    told: tuple[Path, dict[str, Any]], key: str, words: str
) -> None:
    _, environment = told
    environment["measurements"][0]["guests"][0][key] = words
    with pytest.raises(ValueError, match="no plain words"):
        measurement.check(environment)
