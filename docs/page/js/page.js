// The page: from what is asked for to pictures, charts, speed and files.

import { drawProfile, drawSum } from "./charts.js";
import { colourBar, colourScale } from "./colours.js";
import { Controls, valueOf } from "./controls.js";
import { csvHead, csvLines, save } from "./csv.js";
import { PageError, readJson } from "./files.js";
import { kineticEnergy, loadGenerator } from "./generator.js";
import { energy, plain } from "./numbers.js";
import { monteCarloAt, profileOf, total } from "./observables.js";
import { beyondTraining, commandOptions, particleOf } from "./particle.js";
import { Pictures } from "./pictures.js";
import { drawFacts, drawNumbers, referenceWords } from "./tables.js";
import { measure } from "./timing.js";

const $ = (id) => document.getElementById(id);
const pause = (ms = 0) => new Promise((done) => { setTimeout(done, ms); });

// A pause in typing or sliding, after which many showers are made
const REST_MS = 150;
const ROWS_PER_CALL = 100;

let site;
let controls;
let turn = 0;
/** Detector name -> promise of {generator, reference, profile}. */
const loaded = new Map();
/** What is on the screen: request, particle, monteCarlo, cells, many. */
let shown = null;
let pictures = null;
/** What the speed on the screen was measured with. */
let measured = "";

function say(words, kind = "") {
  const status = $("status");
  status.hidden = words === "";
  status.className = kind;
  status.textContent = words;
}

function fail(error) {
  if (!(error instanceof PageError)) console.error(error);
  const words = error instanceof PageError ? error.message : `Something failed (${error?.message ?? error}): load the page again`;
  say(words.split("\n")[0], "failed");
  $("shown").classList.add("stale");
}

/** Generator and Monte Carlo of a detector, loaded once; tried anew after a failure. */
function detectorOf(detector) {
  if (!loaded.has(detector.name)) {
    const parts = Promise.all([loadGenerator(detector.name, site.smallest_mev), readJson(`${detector.name}/reference.json`)]);
    loaded.set(detector.name, parts.then(([generator, reference]) => {
      return { generator, reference, profile: profileOf(detector, reference) };
    }).catch((error) => {
      loaded.delete(detector.name);
      throw error;
    }));
  }
  return loaded.get(detector.name);
}

/** Show what is asked for: one shower at once, many after a rest. */
async function update() {
  turn += 1;
  const mine = turn;
  const isWanted = () => turn === mine;
  const request = controls.read();
  if (request === null) {
    $("shown").classList.add("stale");
    if (shown === null) say("Correct the field that is marked to see a shower.");
    return;
  }
  controls.remember();
  const { detector } = request;
  if (shown?.request.detector !== detector) say(`Loading the generator of ${detector.title} ...`);
  try {
    const parts = await detectorOf(detector);
    if (!isWanted()) return;
    const particle = particleOf(detector, request.energy, request.values);
    const cells = await parts.generator.showers(particle, request.seed, request.shower, 1);
    if (!isWanted()) return;
    const key = JSON.stringify([detector.name, particle, request.seed, $("batch").value]);
    const many = shown?.many?.key === key ? shown.many : null;
    shown = { request, parts, particle, cells, many, monteCarlo: monteCarloAt(parts.reference, request.energy) };
    draw();
    await pause(REST_MS);
    if (many === null && isWanted()) await makeMany(key, isWanted);
    if (isWanted()) await showSpeed(isWanted);
  } catch (error) {
    if (isWanted()) fail(error);
  }
}

/** Means and sums of a batch of showers. */
async function makeMany(key, isWanted) {
  const { parts, particle, request } = shown;
  const count = Number($("batch").value);
  const sums = new Float64Array(count);
  const mean = parts.profile(new Float32Array(parts.generator.cells)).fill(0);
  for (let first = 0; first < count; first += ROWS_PER_CALL) {
    const showers = await parts.generator.showers(particle, request.seed, first, ROWS_PER_CALL);
    for (let row = 0; row < ROWS_PER_CALL; row += 1) {
      const cells = showers.subarray(row * parts.generator.cells, (row + 1) * parts.generator.cells);
      sums[first + row] = total(cells);
      parts.profile(cells).forEach((value, i) => { mean[i] += value / count; });
    }
    await pause();
    if (!isWanted()) return;
  }
  shown.many = { key, sums, mean };
  draw();
}

function draw() {
  const { request, parts, particle, cells, monteCarlo, many } = shown;
  const { detector } = request;
  say("");
  $("shown").hidden = false;
  $("shown").classList.remove("stale");
  if (pictures?.detector !== detector) {
    pictures = new Pictures($("pictures"), detector, (words) => {
      $("cell").textContent = words || "Point at a cell to read it.";
    });
    $("logarithmic").checked = parts.reference.profile !== "layers";
    $("speed").replaceChildren("measuring ...");
    measured = "";
  }
  const hottest = cells.reduce((most, value) => Math.max(most, value), 0);
  const scale = colourScale(detector.threshold_mev / 10, hottest);
  $("colours").replaceChildren(colourBar(scale, 280));
  pictures.show(cells, scale, detector.direction === "momentum" ? [request.values.aim_x, request.values.aim_y] : null);
  $("cell").textContent = "Point at a cell to read it.";
  $("shower-title").textContent = `Shower ${request.shower}: ${detector.energy.particle_words} of ${energy(request.energy)}`;
  $("particle-words").textContent = particle.words;
  drawFacts($("facts"), shown, hottest);
  drawCharts();
  drawNumbers($("numbers"), shown);
  const kinetic = kineticEnergy(request.energy, parts.generator.record.mass);
  const beyond = beyondTraining(detector, parts.generator.record, particle, kinetic);
  const range = `Trained on ${energy(detector.energy.low_mev)} to ${energy(detector.energy.high_mev)}.`;
  $("energy-help").textContent = beyond ? `${range} Here ${beyond} lies outside: an extrapolation.` : range;
  $("energy-help").classList.toggle("warned", beyond !== "");
  $("many-words").textContent = many === null ? "many showers ..." : `${many.sums.length} showers of this generator`;
  $("reference-words").textContent = referenceWords(parts.reference, monteCarlo);
  drawCommand();
}

function drawCharts() {
  const { request, parts, cells, monteCarlo, many } = shown;
  const incident = request.energy;
  drawSum($("sum"), { incident, symbol: request.detector.energy.symbol, sum: total(cells), sums: many?.sums ?? null, monteCarlo });
  $("profile-title").textContent = parts.reference.title;
  drawProfile($("profile"), {
    incident, monteCarlo, shower: parts.profile(cells), mean: many?.mean ?? null, names: parts.reference.names,
    edges: parts.reference.edges_mm ?? null, title: parts.reference.axis, logarithmic: $("logarithmic").checked,
  });
}

function drawCommand() {
  const { request, particle } = shown;
  const bundle = `${request.detector.name}_bundle`;
  const options = commandOptions(request.detector, particle, request.seed, valueOf("count") ?? 1000);
  $("command").textContent = `calosim export ${request.detector.generator} --format onnx --out ${bundle}\n`
    + `calosim generate ${bundle} --backend onnx ${options} --out showers.hdf5`;
}

async function showSpeed(isWanted) {
  const batch = Number($("batch").value);
  const { particle, parts, request } = shown;
  const key = `${request.detector.name}, ${batch}`;
  if (measured === key) return;
  const found = await measure(parts.generator, particle, batch, isWanted);
  if (found === null) return;
  measured = key;
  const big = Object.assign(document.createElement("span"), { className: "big", textContent: `${plain(found.median)} µs` });
  $("speed").replaceChildren(big, ` per shower, ${plain(found.network)} of them in the network (calls of ${batch} showers, one thread; `
    + `5 rounds from ${plain(found.least)} to ${plain(found.most)})`);
}

async function download() {
  const count = valueOf("count");
  if (count === null || controls.read() === null || shown === null) {
    document.querySelector('[aria-invalid="true"]')?.focus();
    return;
  }
  const { request, particle, parts } = shown;
  const { detector, seed } = request;
  const { sidecar } = parts.generator.record;
  const parameters = `calosim_tf ${site.version}, ${detector.generator}, ${sidecar.source}`;
  const head = csvHead(detector, `${parameters}; seed ${seed}; cells in MeV, ${sidecar.cell_order}`);
  const lines = [head];
  $("download").disabled = true;
  try {
    for (let first = 0; first < count; first += ROWS_PER_CALL) {
      const rows = Math.min(ROWS_PER_CALL, count - first);
      const showers = await parts.generator.showers(particle, seed, first, rows);
      lines.push(csvLines(showers, first, particle, parts.generator.cells));
      $("download-status").textContent = `${first + rows} of ${count} showers ...`;
      await pause();
    }
    save(`${detector.name}_${particle.energy}MeV_seed${seed}.csv`, lines);
    $("download-status").textContent = `${count} showers, numbers 0 to ${count - 1} of seed ${seed}.`;
  } catch (error) {
    $("download-status").textContent = "";
    fail(error);
  } finally {
    $("download").disabled = false;
  }
}

function listen() {
  $("logarithmic").addEventListener("change", drawCharts);
  $("batch").addEventListener("change", update);
  $("measure").addEventListener("click", async () => {
    if (shown === null) return;
    const mine = turn;
    measured = "";
    $("measure").disabled = true;
    try {
      await showSpeed(() => turn === mine);
    } catch (error) {
      fail(error);
    } finally {
      $("measure").disabled = false;
    }
  });
  $("download").addEventListener("click", download);
  $("count").addEventListener("input", () => {
    const count = valueOf("count");
    $("download").textContent = `Download ${count ?? "..."} showers as CSV`;
    if (shown !== null) drawCommand();
  });
  const redraw = () => shown !== null && draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let width = 0;
  new ResizeObserver(() => {
    if (shown === null || $("sum").clientWidth === width) return;
    width = $("sum").clientWidth;
    drawCharts();
  }).observe($("sum"));
  addEventListener("hashchange", () => {
    controls.restore();
    update();
  });
}

async function start() {
  try {
    site = await readJson("generators.json");
    controls = new Controls(site.generators, update);
    $("about").textContent = `calosim_tf ${site.version}; ${site.runtime}. ${site.about}`;
    listen();
    await update();
  } catch (error) {
    fail(error);
  }
}

start();
