"use strict";
// Draws every plot, and draws it again when the reader chooses something else.

const STATES = {}; // by suite: what its plots show
const PLOTS = []; // each with its canvas, suite, series, and chart

function runNames(suite) {
  const runs = SERIES.suites[suite].measurements.flatMap(({ windows: table }) => Object.values(table).flatMap(Object.keys));
  return [...new Set(runs)].sort((one, other) => one - other);
}

function draw(plot) {
  const drawing = DRAWINGS[plot.kind](plot, STATES[plot.suite]);
  const style = getComputedStyle(document.body);
  const [text, grid] = ["--text", "--line"].map((name) => style.getPropertyValue(name));
  for (const axis of Object.values(drawing.scales)) {
    axis.grid = { color: grid, ...axis.grid };
    axis.ticks = { color: text, ...axis.ticks };
    if (axis.title) axis.title.color = text;
  }
  const bars = drawing.type === "bar";
  const configuration = {
    type: drawing.type || "line",
    data: { labels: drawing.labels, datasets: drawing.datasets },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: bars ? "y" : "x",
      interaction: { mode: "nearest", intersect: bars },
      scales: drawing.scales,
      plugins: {
        legend: { display: false },
        tooltip: { callbacks: { title: () => "", label: drawing.text }, displayColors: false },
      },
    },
  };
  if (plot.chart) plot.chart.destroy(); // scales that change their kind are not updated well
  plot.text = drawing.text;
  plot.chart = new Chart(plot.canvas, configuration);
  plot.canvas.dataset.traces = drawing.datasets.length;
}

function redraw(suite) {
  for (const plot of PLOTS) if (!suite || plot.suite === suite) draw(plot);
}

// The arrow keys go along a trace (left, right) and from one to the next (up, down), and say what is there.
function walk(plot, event) {
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const { datasets } = plot.chart.data;
  if (!(event.key in steps) || !datasets.length) return;
  event.preventDefault();
  const [traces, points] = steps[event.key];
  const wrap = (value, length) => (value + length) % length;
  let [trace, point] = plot.place ? [plot.place[0] + traces, plot.place[1] + points] : [0, 0];
  trace = wrap(trace, datasets.length);
  const { data } = datasets[trace];
  if (!data.length) return;
  point = traces ? Math.min(point, data.length - 1) : wrap(point, data.length);
  if (Number.isNaN(data[point].x)) point = wrap(point + (points || 1), data.length);
  plot.place = [trace, point];
  const active = [{ datasetIndex: trace, index: point }];
  plot.chart.setActiveElements(active);
  plot.chart.tooltip.setActiveElements(active, { x: 0, y: 0 });
  plot.chart.update("none");
  const said = { dataset: datasets[trace], raw: data[point], dataIndex: point };
  plot.canvas.closest("figure").querySelector(".value").textContent = plot.text(said);
}

function swatches() {
  for (const box of document.querySelectorAll("input[name=scenario]")) {
    box.nextElementSibling.style.background = colour(box.form.dataset.suite, box.value);
  }
}

function choose(form) {
  const state = STATES[form.dataset.suite];
  state.time = form.elements.time.value;
  state.ofWindow = form.elements["of-window"].value;
  state.run = form.elements.run.value;
  const boxes = [...form.querySelectorAll("input[name=scenario]")];
  state.hidden = new Set(boxes.filter((box) => !box.checked).map((box) => box.value));
  for (const plot of PLOTS) if (plot.suite === form.dataset.suite) plot.place = null;
  redraw(form.dataset.suite);
}

function offer(form) {
  for (const run of runNames(form.dataset.suite)) form.elements.run.add(new Option(run, run));
  form.addEventListener("change", () => choose(form));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const [name, checked] of [["all", true], ["none", false]]) {
    form.elements[name].addEventListener("click", () => {
      for (const box of form.querySelectorAll("input[name=scenario]")) box.checked = checked;
      choose(form);
    });
  }
  form.hidden = false;
}

for (const suite of Object.keys(SERIES.suites)) {
  STATES[suite] = { time: Object.keys(SERIES.suites[suite].times)[0], ofWindow: "largest", run: runNames(suite)[0] || "1", hidden: new Set() };
}
Chart.defaults.font.family = "system-ui, sans-serif";
Chart.defaults.font.size = 13;
for (const canvas of document.querySelectorAll("canvas[data-kind]")) {
  const { kind, metric, suite, measurement } = canvas.dataset;
  const plot = { canvas, kind, metric, suite, series: SERIES.suites[suite].measurements[measurement], shares: false, place: null };
  PLOTS.push(plot);
  draw(plot);
  canvas.addEventListener("keydown", (event) => walk(plot, event));
  canvas.addEventListener("blur", () => {
    plot.place = null;
    plot.chart.setActiveElements([]);
    plot.chart.tooltip.setActiveElements([], { x: 0, y: 0 });
    plot.chart.update("none");
  });
}
for (const box of document.querySelectorAll("input.shares")) {
  box.addEventListener("change", () => {
    for (const plot of PLOTS.filter(({ canvas }) => box.closest("section.figure").contains(canvas))) {
      plot.shares = box.checked;
      draw(plot);
    }
  });
}
document.querySelectorAll("form.controls").forEach(offer);
swatches();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { swatches(); redraw(); });
