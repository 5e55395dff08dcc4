// Colours of energies: a logarithmic scale in MeV.  More energy stands out more, on paper and on a dark screen.

import { decades, plain } from "./numbers.js";
import { rect, svg, text } from "./svg.js";

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
// YlGnBu (ColorBrewer) without its palest step, and viridis (matplotlib): the first colour is the one nearer to the paper
const ON_PAPER = ["#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#253494", "#081d58"].map(channels);
const ON_DARK = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"].map(channels);

export const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

function ramp(share, dark) {
  const colours = dark ? ON_DARK : ON_PAPER;
  const place = Math.min(1, Math.max(0, share)) * (colours.length - 1);
  const lower = Math.min(colours.length - 2, Math.floor(place));
  const mixed = colours[lower].map((one, i) => Math.round(one + (place - lower) * (colours[lower + 1][i] - one)));
  return `rgb(${mixed.join(",")})`;
}

/** Scale from `low` MeV up to the first 1, 2 or 5 times a power of ten that is not below `hottest`. */
export function colourScale(low, hottest) {
  const power = 10 ** Math.floor(Math.log10(Math.max(hottest, 10 * low)));
  const high = [1, 2, 5, 10].map((factor) => factor * power).find((end) => end >= Math.max(hottest, 10 * low) * 0.9999);
  const dark = isDark();
  const width = Math.log(high / low);
  return {
    low,
    high,
    share: (mev) => Math.log(mev / low) / width,
    colour: (mev) => (mev > 0 ? ramp(Math.log(mev / low) / width, dark) : "var(--empty)"),
    ramp: (share) => ramp(share, dark),
  };
}

/** The scale as a bar with its ticks, `width` pixels wide. */
export function colourBar(scale, width) {
  const [left, right, height] = [12, 56, 10];
  const bar = svg("svg", { viewBox: `0 0 ${width} 34`, width, height: 34, role: "img" });
  bar.setAttribute("aria-label", `Colours from ${plain(scale.low)} to ${plain(scale.high)} MeV per cell, logarithmic`);
  const gradient = svg("linearGradient", { id: "ramp" });
  for (let step = 0; step <= 16; step += 1) {
    gradient.append(svg("stop", { offset: step / 16, "stop-color": scale.ramp(step / 16) }));
  }
  const inner = width - left - right;
  bar.append(svg("defs", {}, gradient), rect(left, 0, inner, height, { fill: "url(#ramp)", class: "frame" }));
  for (const mev of decades(scale.low, scale.high)) {
    const x = left + inner * scale.share(mev);
    bar.append(svg("line", { x1: x, x2: x, y1: height, y2: height + 4, class: "axis" }),
      text(x, height + 17, plain(mev), { "text-anchor": "middle" }));
  }
  bar.append(text(width, height + 17, "MeV", { "text-anchor": "end" }));
  return bar;
}
