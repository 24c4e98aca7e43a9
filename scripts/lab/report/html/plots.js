"use strict";
// What each plot shows. A drawing is what Chart.js takes: datasets and scales; `state` is what the reader chose.

const SERIES = JSON.parse(document.getElementById("series").textContent);
// Not as an attribute of style, which the page's policy forbids.
for (const box of document.querySelectorAll("[data-rows]")) box.style.setProperty("--rows", box.dataset.rows);
// Okabe and Ito's colours, darker on white and lighter on black, so that each stands out from its background.
const COLOURS = {
  light: ["#0072b2", "#d55e00", "#00805c", "#a4468f", "#a87900", "#3b9bd0", "#6b4c9a"],
  dark: ["#56b4e9", "#ff8a4c", "#2ec49a", "#e08cc4", "#f0c040", "#8fb8ff", "#b79ce8"],
};
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]]; // for scenarios that share a colour
const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 });
const perCent = (oneIn) => `${+(100 - 100 / oneIn).toPrecision(oneIn > 100 ? 12 : 4)} %`;

function colour(suite, scenario) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const known = COLOURS[dark ? "dark" : "light"];
  return known[SERIES.suites[suite].scenarios.indexOf(scenario) % known.length];
}

function dash(suite, scenario) {
  const turn = Math.floor(SERIES.suites[suite].scenarios.indexOf(scenario) / COLOURS.light.length);
  return DASHES[turn % DASHES.length];
}

function line(plot, scenario, points) {
  const ink = colour(plot.suite, scenario);
  return {
    label: scenario,
    data: points,
    borderColor: ink,
    backgroundColor: ink,
    borderDash: dash(plot.suite, scenario),
    borderWidth: 2,
    pointRadius: 0,
    pointHoverRadius: 5,
    spanGaps: true,
  };
}

// From one round number to the next that holds all values; more of them get a label where there are few decades.
function logarithmic(title, values) {
  const known = values.filter((value) => value > 0);
  const [least, most] = known.length ? [Math.min(...known), Math.max(...known)] : [1, 10];
  const decades = Math.log10(most / least);
  const leads = decades > 3 ? [1] : decades > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
  const round = [];
  for (let decade = Math.floor(Math.log10(least)); decade <= Math.ceil(Math.log10(most)); decade++) {
    round.push(...leads.map((lead) => +(lead * 10 ** decade).toPrecision(3)));
  }
  const min = Math.max(...round.filter((tick) => tick <= least));
  const max = Math.min(...round.filter((tick) => tick >= most && tick > min));
  const ticks = round.filter((tick) => tick >= min && tick <= max).map((value) => ({ value }));
  return {
    type: "logarithmic",
    min,
    max: Number.isFinite(max) ? max : undefined,
    title: { display: true, text: title },
    afterBuildTicks: (axis) => { axis.ticks = ticks; },
    ticks: { callback: number, autoSkip: true, autoSkipPadding: 6, maxRotation: 0 },
  };
}

const axisOf = (plot, metric) => SERIES.suites[plot.suite].axes[metric];
const valuesOf = (datasets, axis) => datasets.flatMap(({ data }) => data.map((point) => point[axis]));

function linear(title) {
  return { type: "linear", title: { display: true, text: title }, ticks: { callback: number, maxRotation: 0, autoSkipPadding: 8 } };
}

function shown(plot, state, table) {
  return SERIES.suites[plot.suite].scenarios.filter((name) => name in table && !state.hidden.has(name));
}

// The most wanted ones first, and of the others those that there is room for.
function percentileTicks(rarest, width) {
  const room = (one, other) => (Math.abs(Math.log10(one / other)) / Math.log10(rarest)) * (width - 80);
  const chosen = [];
  for (const tick of [10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 2, 20, 1, 4]) {
    if (tick <= rarest * 1.001 && chosen.every((each) => room(each, tick) > 52)) chosen.push(tick);
  }
  return chosen.sort((one, other) => one - other).map((value) => ({ value }));
}

// An HdrHistogram's axis: as much room from 90 % to 99 % as from 99 % to 99.9 %.
function spectrum(plot, state) {
  const table = plot.series.percentiles;
  const datasets = shown(plot, state, table).map((name) => {
    const { median, low, high } = table[name][state.time];
    return line(plot, name, median.map((y, i) => ({ x: SERIES.oneIn[i], y, low: low[i], high: high[i] })));
  });
  const rarest = Math.max(10, ...datasets.map(({ data }) => (data.length ? data[data.length - 1].x : 1)));
  const x = {
    type: "logarithmic",
    min: 1,
    max: rarest,
    title: { display: true, text: "percentile" },
    afterBuildTicks: (axis) => { axis.ticks = percentileTicks(rarest, axis.chart.width); },
    ticks: { callback: perCent, autoSkip: false, maxRotation: 0 },
  };
  const text = ({ dataset, raw }) =>
    `${dataset.label}: ${perCent(raw.x)} within ${number(raw.y)} µs (runs: ${number(raw.low)} to ${number(raw.high)})`;
  return { datasets, scales: { x, y: logarithmic(axisOf(plot, state.time), valuesOf(datasets, "y")) }, text };
}

function cdf(plot, state) {
  const table = plot.series.percentiles;
  const datasets = shown(plot, state, table).map((name) => {
    const values = table[name][state.time].median.filter((_, i) => SERIES.oneIn[i] <= 100);
    return line(plot, name, values.map((x, i) => ({ x, y: +(100 - 100 / SERIES.oneIn[i]).toFixed(2) })));
  });
  const text = ({ dataset, raw }) => `${dataset.label}: ${number(raw.y)} % took at most ${number(raw.x)} µs`;
  const y = { ...linear(`share of ${SERIES.suites[plot.suite].items} (%)`), min: 0, max: 100 };
  return { datasets, scales: { x: logarithmic(axisOf(plot, state.time), valuesOf(datasets, "x")), y }, text };
}

function windows(plot, state) {
  const table = plot.series.windows;
  const datasets = shown(plot, state, table).filter((name) => table[name][state.run]?.[state.time]).map((name) => {
    const run = table[name][state.run];
    const values = run[state.time][state.ofWindow];
    const length = run.last_ms / values.length;
    const points = values.map((y, i) => ({ x: +((i + 0.5) * length).toPrecision(5), y }));
    return { ...line(plot, name, points.filter(({ y }) => y !== null)), borderWidth: 1.2 };
  });
  const text = ({ dataset, raw }) => `${dataset.label}: ${state.ofWindow} ${number(raw.y)} µs at ${number(raw.x)} ms`;
  const x = { ...linear("time into what the run kept (ms)"), min: 0 };
  return { datasets, scales: { x, y: logarithmic(axisOf(plot, state.time), valuesOf(datasets, "y")) }, text };
}

// A line a scenario: its runs as dots (hollow: noisy), their median as a diamond, and its interval.
function values(plot, state) {
  const key = plot.metric;
  const names = shown(plot, state, plot.series.values);
  const of = (name) => plot.series.values[name];
  const inks = names.map((name) => colour(plot.suite, name));
  const runs = names.flatMap((name, row) => of(name)[key].runs.map((x, run) => ({ x, y: row, ink: inks[row], quiet: of(name).quiet[run] })));
  const ends = names.flatMap((name, row) => {
    const [low, , high] = of(name)[key].interval;
    return low === null ? [] : [{ x: low, y: row }, { x: high, y: row }, { x: NaN, y: NaN }];
  });
  const medians = names.map((name, row) => ({ x: of(name)[key].interval[1], y: row, interval: of(name)[key].interval }));
  const marks = [...runs, ...ends].map(({ x }) => x).filter(Number.isFinite);
  const far = Math.min(...marks) > 0 && Math.max(...marks) >= 10 * Math.min(...marks);
  const title = axisOf(plot, key);
  const soft = getComputedStyle(document.body).getPropertyValue("--soft");
  const datasets = [
    { label: "median", data: medians, pointStyle: "rectRot", pointRadius: 7, pointHoverRadius: 9, backgroundColor: inks },
    { label: "runs", data: runs, pointRadius: 3.5, borderColor: runs.map(({ ink }) => ink), backgroundColor: runs.map(({ ink, quiet }) => (quiet ? ink : "transparent")) },
    { label: "interval", data: ends, showLine: true, pointStyle: "line", pointRotation: 90, pointRadius: 7, borderColor: soft, borderWidth: 2, spanGaps: false },
  ];
  const y = { type: "linear", reverse: true, min: -0.6, max: names.length - 0.4, grid: { display: false },
    afterBuildTicks: (axis) => { axis.ticks = names.map((_, value) => ({ value })); }, ticks: { callback: (row) => names[row], autoSkip: false } };
  const text = ({ dataset, raw }) => {
    if (dataset.label !== "median") return `${names[raw.y]}: ${dataset.label} ${number(raw.x)}`;
    const [low, , high] = raw.interval;
    return `${names[raw.y]}: median ${number(raw.x)}${low === null ? "" : ` (${plot.series.brackets}: ${number(low)} to ${number(high)})`}`;
  };
  for (const dataset of datasets) dataset.clip = false; // a mark on the axis is whole
  const x = far ? logarithmic(title, marks) : { ...linear(title), beginAtZero: true, grace: "5%" };
  return { type: "scatter", datasets, scales: { x, y }, text };
}

function stages(plot, state) {
  const rows = plot.series.stages.filter(({ scenario }) => !state.hidden.has(scenario));
  const total = rows.map(({ means }) => means.reduce((sum, each) => sum + each, 0));
  const datasets = SERIES.suites[plot.suite].stages.map(({ name, colour: ink }, stage) => ({
    label: name,
    data: rows.map(({ means }, row) => (plot.shares ? (100 * means[stage]) / (total[row] || 1) : means[stage])),
    backgroundColor: ink,
  }));
  const x = { ...linear(plot.shares ? "share of the response time (%)" : "response time (µs)"), stacked: true, max: plot.shares ? 100 : undefined };
  const y = { type: "category", stacked: true, grid: { display: false }, ticks: { autoSkip: false } };
  const text = ({ dataset, raw, dataIndex }) =>
    `${rows[dataIndex].scenario}, ${rows[dataIndex].population}: ${number(raw)} ${plot.shares ? "%" : "µs"} ${dataset.label}`;
  return { type: "bar", labels: rows.map(({ scenario, population }) => [scenario, population]), datasets, scales: { x, y }, text };
}

const DRAWINGS = { spectrum, cdf, windows, values, stages };
