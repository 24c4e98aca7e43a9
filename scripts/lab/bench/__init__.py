"""The queues against their peers: the files that `make bench` ends with, and their part of results.md."""

import math
from pathlib import Path

import pandas as pd

from lab.text import numbers

from lab.bench import claims as bench_claims, losses, plot as bench_plot, tables as bench_tables
from lab.bench.tables import OWN, PLACEMENTS
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole
from lab.text.outside import markdown as words

WAYS = {
    ("batch", 8): "batches of 8",
    ("batch", 32): "batches of 32",
    ("in_place", 1): "in place",
    ("in_place", 8): "in place, by 8",
    ("in_place", 32): "in place, by 32",
}


# Said where older figures stand, until they are measured again.
HANDICAP = (
    "**atomic_queue was measured with a handicap** (`MINIMIZE_CONTENTION`, which is for many producers and consumers), so "
    "that what is claimed and lost against it is too good: run `make bench` again."
)


def write_results(samples_file: Path, result_data: Path) -> str:
    """Makes the tables, the verdicts and the picture; returns how many claims hold on this host, and which do not."""
    samples = bench_tables.read_samples(samples_file)
    tables = bench_tables.tables(samples)
    host = _read_facts(result_data)["host_cpu"]
    verdicts = bench_claims.verdicts(samples).assign(host_cpu=host)
    write_whole(result_data / "bench_throughput.csv", bench_tables.csv(tables.throughput))
    write_whole(result_data / "bench_round_trip.csv", bench_tables.csv(tables.round_trip))
    write_whole(result_data / "bench_references.csv", bench_tables.csv(tables.references))
    write_whole(result_data / "bench_claims.csv", verdicts.to_csv(index=False, lineterminator="\n"))
    write_whole(result_data / "bench.png", bench_plot.picture(tables.throughput, tables.round_trip))
    met = verdicts["met"].value_counts()
    counts = f"{met.get('yes', 0)} claims hold, {met.get('no', 0)} do not, {met.get('', 0)} have too few samples"
    missed = [
        f"does not hold on {host}: {row.work}, CPUs {row.placement}: {row.measure}: {row.figure:.2f}"
        for row in verdicts[verdicts["met"] == "no"].itertuples()
    ]
    return "\n".join([f"on {host}: {counts}", *missed])


def section(result_data: Path) -> str:
    """The bench's part of results.md; empty when it has not been run."""
    if not (result_data / "bench_claims.csv").exists():
        return ""
    facts = _read_facts(result_data)
    try:
        throughput, round_trip, references, claims = (
            pd.read_csv(result_data / f"bench_{name}.csv", keep_default_na=name != "claims")
            for name in ("throughput", "round_trip", "references", "claims")
        )
        parts = [_introduction(references, facts), _claims_table(claims, facts["host_cpu"])]
        parts += [HANDICAP] * ("atomic_queue" not in facts) + [losses.line(throughput, round_trip)]
        parts.append("![The queues](result_data/bench.png)")
        for placement in PLACEMENTS:
            if placement in {*throughput["placement"], *round_trip["placement"]}:
                parts += _placement_tables(throughput, round_trip, placement)
        parts.append(_environment(facts))
    except (OSError, ValueError, KeyError) as error:
        raise Complaint(
            result_data, f"a file bench_*.csv is damaged ({error}): run 'make bench' again", FAILED
        ) from None
    return "\n\n".join(parts) + "\n"


def _read_facts(result_data: Path) -> dict[str, str]:
    """Where and how the bench ran: bench_environment.csv, by key."""
    file = result_data / "bench_environment.csv"
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        facts = dict(zip(table["key"], table["value"]))
    except (OSError, ValueError, KeyError) as error:
        raise Complaint(file, f"is damaged ({error}): run 'make bench' again", FAILED) from None
    if "host_cpu" not in facts:
        raise Complaint(file, "does not say host_cpu: run 'make bench' again", FAILED)
    return facts


def _introduction(references: pd.DataFrame, facts: dict[str, str]) -> str:
    places = "; ".join(
        f"**{row.placement}**: a cache line's raw round trip {_digits(row.raw_round_trip_ns)} ns "
        f"({_digits(row.raw_round_trip_min_ns)}–{_digits(row.raw_round_trip_max_ns)}), "
        f"{row.samples:,} samples, of which {row.disturbed_samples:,} are not counted as other programs took a CPU meanwhile"
        for row in references.itertuples()
    )
    quick = " This was a quick run: only what the claims need." if facts["matrix"] == "quick" else ""
    return (
        "## The queues against their peers\n\n"
        "Two pinned threads of one process on this machine, medians over interleaved rounds, each contender "
        "with or without a spin hint for each fruitless poll, as suits it better. Where two CPUs are near each "
        f"other (below 100 ns) and where they are far apart are two different machines: {places}. A clock read "
        f"costs {_digits(references['clock_read_ns'].median())} ns.{quick}"
    )


def _claims_table(claims: pd.DataFrame, host: str) -> str:
    """One line a claim, and a column for each placement with a verdict; each says on which host it holds or does not."""
    seen = [placement for placement in PLACEMENTS if claims[claims["placement"] == placement]["met"].any()]
    lines = [f"| work | measure | {''.join(f'{placement} | ' for placement in seen)}met | on |"]
    lines.append(f"|---|---|{'---:|' * len(seen)}---|---|")
    for (work, measure), of_claim in claims.groupby(["work", "measure"], sort=False):
        places = of_claim.set_index("placement")
        numbers = "".join(f"{_figure(places.loc[placement])} | " for placement in seen)
        verdicts = {verdict for verdict in places["met"] if verdict}
        met = "too few samples" if not verdicts else "**no**" if "no" in verdicts else "yes"
        lines.append(f"| {words(work)} | {words(measure)} | {numbers}{met} | {words(host)} |")
    if unseen := [placement for placement in PLACEMENTS if placement not in seen]:
        places_text = " or ".join(unseen)
        lines += ["", f"Too little was measured with the CPUs {places_text} for a verdict: there is no such column."]
    return "\n".join(lines)


def _figure(verdict: pd.Series) -> str:
    return f"{float(verdict['figure']):.2f}" if verdict["met"] else "–"


def _placement_tables(throughput: pd.DataFrame, round_trip: pd.DataFrame, placement: str) -> list[str]:
    """The tables of one placement, each under its heading; without those that nothing was measured for."""
    moved = throughput[(throughput["placement"] == placement) & (throughput["work"] == "throughput")]
    sent = round_trip[round_trip["placement"] == placement]
    raw = sent[sent["contender"].isin(bench_tables.RAW_LINES)]
    queues = sent.drop(raw.index)
    parts = {
        "million items a second, one at a time": _throughputs(moved[moved["mode"] == "single"]),
        "million items a second, in batches and in place": _throughputs(moved[moved["mode"] != "single"]),
        "round trip over two queues, p50 / p99 in ns": _round_trips(queues),
    }
    note = "The p99 is of single round trips and contains a clock read."
    told = [f"{words(name)} {text}" for name, text in zip(raw["contender"], _round_trip_texts(raw))]
    if told:
        note += f" The bare cache lines, 8 B: {', '.join(told)}. Two queues need two lines, one each way."
    return [f"### CPUs {placement}: {title}\n\n{table}" for title, table in parts.items() if table] + [note]


def _throughputs(moved: pd.DataFrame) -> str:
    ways = zip(moved["contender"], moved["mode"], moved["batch"])
    rows = [name if mode == "single" else f"{name}, {WAYS[mode, batch]}" for name, mode, batch in ways]
    best = moved.groupby(["item_bytes", "capacity"])["throughput_items_s"].transform("max")
    texts = [
        f"**{_digits(value / 1e6)}**" if value == most else _digits(value / 1e6)
        for value, most in zip(moved["throughput_items_s"], best)
    ]
    return _grid(moved.assign(row=rows, text=texts))


def _round_trips(sent: pd.DataFrame) -> str:
    return _grid(sent.assign(row=sent["contender"], text=_round_trip_texts(sent)))


def _round_trip_texts(sent: pd.DataFrame) -> list[str]:
    pairs = zip(sent["round_trip_p50_ns"], sent["round_trip_p99_ns"])
    return [f"{_digits(p50)} / {_digits(p99)}" for p50, p99 in pairs]


def _grid(table: pd.DataFrame) -> str:
    """`row` by item size and capacity, our own queues first; empty when there is nothing."""
    if table.empty:
        return ""
    table = table.assign(size=list(zip(table["item_bytes"].astype(int), table["capacity"].astype(int))))
    grid = table.pivot(index="row", columns="size", values="text").fillna("").sort_index(axis=1)
    own = [row for name in OWN for row in grid.index if row.startswith(name)]
    grid = grid.loc[[*own, *(row for row in grid.index if row not in own)]]
    lines = [
        "| queue | " + " | ".join(f"{item_bytes} B, {capacity}" for item_bytes, capacity in grid.columns) + " |",
        "|---|" + "---:|" * len(grid.columns),
    ]
    return "\n".join([*lines, *(f"| {words(row)} | {' | '.join(texts)} |" for row, texts in grid.iterrows())])


def _environment(facts: dict[str, str]) -> str:
    shown = {
        "host": f"{facts['host_cpu']}, {facts['kernel']}; CPUs {facts['cpus']}",
        "built with": f"{facts['compiler']}; {facts['packages']}",
        "run": f"{facts['rounds']} rounds in {float(facts['length_s']):g} s, seed {facts['seed']}; samples taken again: "
        f"{facts['samples_moved']} as the CPUs' placement changed, {facts['samples_disturbed']} as other programs "
        "took a CPU",
    }
    lines = ["| what | value |", "|---|---|", *(f"| {what} | {words(value)} |" for what, value in shown.items())]
    knob = " QUICK=1" if facts["matrix"] == "quick" else ""
    return "\n".join(lines) + f"\n\n**Make it again**\n\n    make bench{knob}"


def _digits(value: float) -> str:
    """Three significant digits, and all digits before the point; a dash for what was not measured."""
    return "–" if math.isnan(value) else numbers.significant(value)
