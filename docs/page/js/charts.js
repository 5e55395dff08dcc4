// Two charts: the energy sum, and the profile, of showers beside Monte Carlo.

import { energy, percent, plain, ticks, unitOf } from "./numbers.js";
import { line, picture, rect, svg, text } from "./svg.js";

const MIDDLE = { "text-anchor": "middle" };
const END = { "text-anchor": "end" };

/**
 * The energy sum: one shower, a histogram of many, and Monte Carlo's mean and spread.
 *
 * @param {HTMLElement} container
 * @param {{incident: number, symbol: string, sum: number, sums: Float64Array | null, monteCarlo: object | null}} data -
 *   Energies in MeV; Monte Carlo in shares of the incident energy.
 */
export function drawSum(container, { incident, symbol, sum, sums, monteCarlo }) {
  const width = Math.max(260, container.clientWidth);
  const [left, right, top, plot] = [52, 12, 20, 180];
  const [low, high] = sumRange(sum / incident, sums, incident, monteCarlo);
  const x = (share) => left + ((width - left - right) * (share - low)) / (high - low);
  const bottom = top + plot;
  const words = monteCarlo === null ? "" : `, Monte Carlo's mean ${percent(monteCarlo.total[0])}`;
  const chart = picture(`Energy sum: this shower ${percent(sum / incident)} of the incident energy${words}`,
    [0, 0, width, bottom + 44]);
  if (monteCarlo !== null) {
    const [mean, std] = monteCarlo.total;
    const [from, to] = [mean - std, mean + std].map((share) => x(Math.min(high, Math.max(low, share))));
    chart.append(rect(from, top, to - from, plot, { class: "band" }), line(x(mean), top, x(mean), bottom, { class: "mean" }));
  }
  if (sums !== null) chart.append(...histogram(sums, incident, [low, high], { x, left, bottom, plot }));
  chart.append(line(x(sum / incident), top - 6, x(sum / incident), bottom, { class: "shower" }),
    svg("path", { d: `M${x(sum / incident) - 6} ${top - 14}h12l-6 9z`, class: "shower-head" }));
  chart.append(line(left, bottom, width - right, bottom, { class: "axis" }));
  for (const tick of ticks(low, high, width / 90)) {
    chart.append(line(x(tick), bottom, x(tick), bottom + 4, { class: "axis" }), text(x(tick), bottom + 17, plain(tick, 4), MIDDLE));
  }
  chart.append(text(width / 2, bottom + 37, `Energy sum / ${symbol}`, MIDDLE));
  container.replaceChildren(chart);
}

function sumRange(share, sums, incident, monteCarlo) {
  let [low, high] = [share, share];
  if (monteCarlo !== null) {
    const [mean, std] = monteCarlo.total;
    low = Math.min(low, mean - 4 * std);
    high = Math.max(high, mean + 4 * std);
  }
  if (sums !== null) {
    const sorted = Float64Array.from(sums).sort();
    low = Math.min(low, sorted[Math.floor(0.002 * sorted.length)] / incident);
    high = Math.max(high, sorted[Math.ceil(0.998 * sorted.length) - 1] / incident);
  }
  const margin = 0.03 * (high - low) || 0.05;
  return [Math.max(0, low - margin), high + margin];
}

function histogram(sums, incident, [low, high], { x, left, bottom, plot }) {
  const bins = sums.length >= 500 ? 50 : 25;
  const counts = new Array(bins).fill(0);
  for (const sum of sums) {
    const bin = Math.floor((bins * (sum / incident - low)) / (high - low));
    if (bin >= 0 && bin < bins) counts[bin] += 1;
  }
  const height = (count) => (plot * count) / (1.08 * Math.max(...counts, 1));
  const bars = counts.map((count, bin) => {
    const [from, to] = [bin, bin + 1].map((edge) => x(low + ((high - low) * edge) / bins));
    return rect(from + 0.5, bottom - height(count), to - from - 1, height(count), { class: "many" });
  });
  const labels = ticks(0, Math.max(...counts, 1), 3).map((count) => text(left - 6, bottom - height(count) + 4, plain(count), END));
  return [...bars, ...labels, text(0, 0, "Showers", { ...MIDDLE, transform: `translate(12 ${bottom - plot / 2}) rotate(-90)` })];
}

/**
 * The profile: bars for one shower, dots for the mean of many, Monte Carlo's mean and spread behind.
 *
 * @param {HTMLElement} container
 * @param {{incident: number, shower: number[], mean: number[] | null, monteCarlo: object | null, edges: number[] | null,
 *   names: string[], title: string, logarithmic: boolean}} data - Energies in MeV; edges in mm where bins are distances.
 */
export function drawProfile(container, data) {
  const { incident, shower, mean, monteCarlo, names, title } = data;
  const width = Math.max(260, container.clientWidth);
  const [left, right, top, plot] = [52, 8, 10, 190];
  const bottom = top + plot;
  const expected = monteCarlo?.profile.map((pair) => pair.map((share) => share * incident)) ?? null;
  const scale = energyAxis([...shower, ...(mean ?? []), ...(expected ?? []).map(([m, s]) => m + s)], data.logarithmic);
  const y = (mev) => bottom - plot * Math.min(1, Math.max(0, scale.share(mev)));
  const step = (width - left - right) / shower.length;
  const label = shower.map((mev, i) => `${names[i]} ${energy(mev)}`).join(", ");
  const chart = picture(`${title}: this shower ${label}`, [0, 0, width, bottom + 44]);
  for (const tick of scale.ticks) {
    chart.append(line(left, y(tick), width - right, y(tick), { class: "grid" }),
      text(left - 6, y(tick) + 4, plain(tick / scale.unitMev, 4), END));
  }
  shower.forEach((mev, i) => {
    const middle = left + step * (i + 0.5);
    const half = 0.38 * step;
    if (expected !== null) {
      const [m, s] = expected[i];
      chart.append(rect(middle - half, y(m + s), 2 * half, y(m - s) - y(m + s), { class: "band" }));
    }
    chart.append(rect(middle - 0.5 * half, y(mev), half, bottom - y(mev), { class: "shower-bar" }));
    if (expected !== null) {
      chart.append(line(middle - half, y(expected[i][0]), middle + half, y(expected[i][0]), { class: "mean" }));
    }
    if (mean !== null) chart.append(svg("circle", { cx: middle, cy: y(mean[i]), r: 4, class: "many-dot" }));
  });
  chart.append(line(left, bottom, width - right, bottom, { class: "axis" }), ...binLabels(data, left, step, bottom));
  chart.append(text(left + (width - left - right) / 2, bottom + 37, title, MIDDLE));
  chart.append(text(0, 0, `Energy (${scale.unit})`, { ...MIDDLE, transform: `translate(12 ${top + plot / 2}) rotate(-90)` }));
  container.replaceChildren(chart);
}

/** Names below the middles of the bins, or edges between them. */
function binLabels({ edges, names }, left, step, bottom) {
  if (edges === null) return names.map((name, i) => text(left + step * (i + 0.5), bottom + 17, name, MIDDLE));
  return edges.map((edge, i) => text(left + step * i, bottom + 17, plain(edge), MIDDLE));
}

/** A linear axis from 0, or a logarithmic one over four decades. */
function energyAxis(energies, logarithmic) {
  const most = Math.max(...energies, 1e-3);
  const unit = unitOf(most);
  const unitMev = unit === "GeV" ? 1000 : 1;
  if (!logarithmic) {
    const high = 1.06 * most;
    return { unit, unitMev, share: (mev) => mev / high, ticks: ticks(0, high, 4) };
  }
  const high = 10 ** Math.ceil(Math.log10(most));
  const low = high / 1e5;
  const powers = [0, 1, 2, 3, 4, 5].map((k) => low * 10 ** k);
  return { unit, unitMev, share: (mev) => (mev > low ? Math.log10(mev / low) / 5 : 0), ticks: powers };
}
