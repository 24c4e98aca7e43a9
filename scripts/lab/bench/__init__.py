"""The queues against their peers: the files that `make bench` ends with, and their part of results.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from lab.bench import claims as bench_claims, losses, plot, tables as bench_tables
from lab.bench.tables import OWN, PLACEMENTS, REMEDY
from lab.tables import kept
from lab.text import markdown as md, numbers
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole

NEEDED = ("host_cpu", "kernel", "compiler", "packages", "cpus", "matrix", "rounds", "length_s", "seed")
FACTS = kept.Table({"key": kept.TEXT, "value": kept.TEXT}, REMEDY, unique=[("key",)])
CLAIMS = kept.Table(
    {"work": kept.TEXT, "measure": kept.TEXT, "placement": kept.one_of(*PLACEMENTS), "bound": kept.REAL}
    | {"figure": kept.optional(kept.REAL), "against": kept.TEXT, "met": kept.one_of("yes", "no", "")},
    REMEDY,
    others=kept.TEXT,
)
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
    for name, table in tables.items():
        write_whole(result_data / f"bench_{name}.csv", bench_tables.csv(table))
    write_whole(result_data / "bench_claims.csv", CLAIMS.csv(verdicts))
    write_whole(result_data / "bench.png", plot.draw(tables["throughput"], tables["round_trip"]))
    met = verdicts["met"].value_counts()
    counts = f"{met.get('yes', 0)} claims hold, {met.get('no', 0)} do not, {met.get('', 0)} have too few samples"
    missed = [
        f"does not hold on {host}: {row.work}, CPUs {row.placement}: {row.measure}: {row.figure:.2f}"
        for row in verdicts[verdicts["met"] == "no"].itertuples()
    ]
    return "\n".join([f"on {host}: {counts}", *missed])


def summary(result_data: Path) -> str:
    """How many claims hold, on which hosts."""
    claims = CLAIMS.read(result_data / "bench_claims.csv", needed=True)
    met = claims["met"].value_counts()
    hosts = ", ".join(str(md.words(host)) for host in dict.fromkeys(claims["host_cpu"]))
    return (
        f"on {hosts} {met.get('yes', 0)} claims hold, {met.get('no', 0)} do not, {met.get('', 0)} have too few samples."
    )


def section(result_data: Path) -> str:
    """The bench's part of results.md; empty when it has not been run."""
    if not (result_data / "bench_claims.csv").exists():
        return ""
    facts = _read_facts(result_data)
    throughput, round_trip, calls = (
        bench_tables.KEPT.read(result_data / f"bench_{name}.csv") for name in ("throughput", "round_trip", "calls")
    )
    references = bench_tables.REFERENCES.read(result_data / "bench_references.csv")
    try:
        parts = [_introduction(references, facts)]
        parts.append(_claims_table(CLAIMS.read(result_data / "bench_claims.csv", needed=True), facts["host_cpu"]))
        parts += [HANDICAP] * ("atomic_queue" not in facts) + [losses.line(throughput, round_trip)]
        parts.append("![The queues](result_data/bench.png)")
        for placement in PLACEMENTS:
            if placement in {*throughput["placement"], *round_trip["placement"]}:
                parts += _placement_tables(throughput, round_trip, placement)
                parts += _workload_tables(throughput, calls, placement)
        parts.append(_environment(facts))
    except (AttributeError, KeyError, ValueError) as error:
        raise Complaint(result_data, f"a file bench_*.csv lacks {error}: {REMEDY}", FAILED) from None
    return "\n\n".join(parts) + "\n"


def _read_facts(result_data: Path) -> dict[str, str]:
    """Where and how the bench ran: bench_environment.csv, by key."""
    file = result_data / "bench_environment.csv"
    table = FACTS.read(file, needed=True)
    facts = dict(zip(table["key"], table["value"]))
    if missing := [name for name in NEEDED if name not in facts]:
        raise FACTS.complaint(file, f"does not say {', '.join(missing)}")
    return facts


def _introduction(references: pd.DataFrame, facts: Mapping[str, str]) -> str:
    places = "; ".join(
        f"**{row.placement}**: a cache line's raw round trip {_digits(row.raw_round_trip_ns)} ns "
        f"({_digits(row.raw_round_trip_min_ns)}–{_digits(row.raw_round_trip_max_ns)}), "
        f"{row.samples:,.0f} samples, of which {row.disturbed_samples:,.0f} are not counted as other programs took a CPU "
        "meanwhile"
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
    lines: list[list[object]] = []
    for (work, measure), of_claim in claims.groupby(["work", "measure"], sort=False):
        places = of_claim.set_index("placement")
        figures = [f"{places['figure'][name]:.2f}" if places["met"][name] else "–" for name in seen]
        verdicts = {verdict for verdict in places["met"] if verdict}
        met = "too few samples" if not verdicts else md.bold("no") if "no" in verdicts else "yes"
        lines.append([work, measure, *figures, met, host])
    table = md.table(["work", "measure", *seen, "met", "on"], lines, right=range(2, 2 + len(seen)))
    unseen = " or ".join(placement for placement in PLACEMENTS if placement not in seen)
    note = f"Too little was measured with the CPUs {unseen} for a verdict: there is no such column."
    return table + f"\n\n{note}" * bool(unseen)


def _placement_tables(throughput: pd.DataFrame, round_trip: pd.DataFrame, placement: str) -> list[str]:
    """The tables of one placement, each under its heading; without those that nothing was measured for."""
    moved = throughput[(throughput["placement"] == placement) & (throughput["work"] == "throughput")]
    sent = round_trip[round_trip["placement"] == placement]
    sent = sent.assign(row=sent["contender"], text=_round_trips(sent))
    raw = sent[sent["contender"].isin(bench_tables.RAW_LINES)]
    parts = {
        "million items a second, one at a time": _grid(_throughputs(moved[moved["mode"] == "single"])),
        "million items a second, in batches and in place": _grid(_throughputs(moved[moved["mode"] != "single"])),
        "round trip over two queues, p50 / p99 in ns": _grid(sent.drop(raw.index)),
    }
    note = "The p99 is of single round trips and contains a clock read."
    if said := [f"{md.words(name)} {text}" for name, text in zip(raw["contender"], raw["text"])]:
        note += f" The bare cache lines, 8 B: {', '.join(said)}. Two queues need two lines, one each way."
    return [f"### CPUs {placement}: {title}\n\n{table}" for title, table in parts.items() if table] + [note]


def _workload_tables(throughput: pd.DataFrame, calls: pd.DataFrame, placement: str) -> list[str]:
    """Those of the other workloads' ways, where they were measured: calls by payload, tasks by producers."""
    called = calls[calls["placement"] == placement]
    tasks = throughput[(throughput["placement"] == placement) & (throughput["work"] == "submit")]
    tables = {}
    if len(called):
        called = called.assign(size=[f"{size:.0f} B" for size in called["item_bytes"]], text=_round_trips(called))
        tables["a call and its answer, p50 / p99 in ns"] = _table("way", called, ["raw line"])
    if len(tasks):
        texts = [_digits(1e9 / rate) for rate in tasks["throughput_items_s"]]
        tables["a task handed to one loop, in ns until it is taken"] = _table(
            "queue", tasks.assign(size=tasks["mode"], text=texts), bench_tables.OWN_MPSC
        )
    return [f"### CPUs {placement}: {title}\n\n{table}" for title, table in tables.items()]


def _table(of: str, rows: pd.DataFrame, first: Sequence[str]) -> str:
    """`text` by contender, the `first` ones first, and by `size`, in the order in which these come."""
    sizes = sorted(rows["size"].unique(), key=lambda size: int(str(size).split()[0]))
    grid = rows.pivot(index="contender", columns="size", values="text").fillna("")[sizes]
    order = [name for name in first if name in grid.index]
    grid = grid.loc[[*order, *(name for name in grid.index if name not in order)]]
    return md.table([of, *sizes], ([name, *texts] for name, texts in grid.iterrows()), right=range(1, len(sizes) + 1))


def _throughputs(moved: pd.DataFrame) -> pd.DataFrame:
    """With the names of rows and the texts of cells, the best of each size in bold."""
    ways = zip(moved["contender"], moved["mode"], moved["batch"])
    rows = [name if mode == "single" else f"{name}, {WAYS[mode, batch]}" for name, mode, batch in ways]
    rates = moved["throughput_items_s"]
    best = rates == moved.groupby(["item_bytes", "capacity"])["throughput_items_s"].transform("max")
    texts = [md.bold(_digits(rate / 1e6)) if is_best else _digits(rate / 1e6) for rate, is_best in zip(rates, best)]
    return moved.assign(row=rows, text=texts)


def _round_trips(sent: pd.DataFrame) -> list[str]:
    return [
        f"{_digits(p50)} / {_digits(p99)}" for p50, p99 in zip(sent["round_trip_p50_ns"], sent["round_trip_p99_ns"])
    ]


def _grid(table: pd.DataFrame) -> str:
    """`text` by `row` and by item size and capacity, our own queues first; empty when there is nothing."""
    if table.empty:
        return ""
    table = table.assign(size=list(zip(table["item_bytes"].astype(int), table["capacity"].astype(int))))
    grid = table.pivot(index="row", columns="size", values="text").fillna("").sort_index(axis=1)
    own = [row for name in OWN for row in grid.index if row.startswith(name)]
    grid = grid.loc[[*own, *(row for row in grid.index if row not in own)]]
    head = ["queue", *(f"{item_bytes} B, {capacity}" for item_bytes, capacity in grid.columns)]
    return md.table(head, ([row, *texts] for row, texts in grid.iterrows()), right=range(1, len(head)))


def _environment(facts: Mapping[str, str]) -> str:
    shown = {
        "host": f"{facts['host_cpu']}, {facts['kernel']}; CPUs {facts['cpus']}",
        "built with": f"{facts['compiler']}; {facts['packages']}",
        "run": f"{facts['rounds']} rounds in {float(facts['length_s']):g} s, seed {facts['seed']}; samples taken again: "
        f"{facts['samples_moved']} as the CPUs' placement changed, {facts['samples_disturbed']} as other programs "
        "took a CPU",
    }
    knob = " QUICK=1" if facts["matrix"] == "quick" else ""
    return f"{md.facts(shown.items())}\n\n**Reproduce**\n\n    make bench{knob}"


def _digits(value: float) -> str:
    return numbers.significant(value) or "–"
