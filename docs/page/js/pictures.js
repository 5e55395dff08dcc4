// One shower as pictures, a layer each: rings and angles as polar pictures, cells as a grid.

import { energy, percent, plain, ticks, decades } from "./numbers.js";
import { line, picture, svg, text } from "./svg.js";

const RADIUS = 100;
const MOST_IN_A_LINE = 5;
const degrees = (rad) => Math.round((rad * 180) / Math.PI);

/**
 * Pictures of the layers of a detector inside of `container`.
 *
 * @param {HTMLElement} container
 * @param {object} detector - Record of generators.json.
 * @param {(words: string) => void} onCell - Told in words what is under the pointer.
 */
export class Pictures {
  constructor(container, detector, onCell) {
    this.container = container;
    this.detector = detector;
    this.cells = new Array(detector.n_cells);
    this.captions = [];
    this.values = null;
    this.marker = null;
    const isRings = detector.shape === "rings";
    container.dataset.shape = detector.shape;
    const lines = Math.ceil(detector.layers.length / MOST_IN_A_LINE);
    container.style.setProperty("--columns", Math.ceil(detector.layers.length / lines));
    container.replaceChildren(...detector.layers.map((layer) => this.figure(layer, isRings)));
    container.onpointerover = (event) => {
      const cell = event.target.dataset?.cell;
      onCell(cell === undefined || this.values === null ? "" : this.words(Number(cell)));
    };
    container.onpointerleave = () => onCell("");
  }

  figure(layer, isRings) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    this.captions.push(caption);
    figure.append(isRings ? this.polar(layer) : this.grid(layer), caption);
    return figure;
  }

  /** Rings at log(1 + r / mm), angles from the right (eta) upwards (phi), as the files count them. */
  polar(layer) {
    const { r_edges_mm: edges, n_alpha: sectors, first } = layer;
    const outer = edges[edges.length - 1];
    const rho = (r) => (RADIUS * Math.log1p(r)) / Math.log1p(outer);
    const drawing = picture(`Layer ${layer.id}, seen along the shower axis`, [-106, -106, 212, 212]);
    for (let sector = 0; sector < sectors; sector += 1) {
      const [from, to] = [sector, sector + 1].map((edge) => -Math.PI + (2 * Math.PI * edge) / sectors);
      for (let ring = 0; ring + 1 < edges.length; ring += 1) {
        const cell = first + sector * (edges.length - 1) + ring;
        const shape = sectors === 1 ? annulus(rho(edges[ring]), rho(edges[ring + 1]))
          : wedge(rho(edges[ring]), rho(edges[ring + 1]), from, to);
        this.cells[cell] = svg("path", { d: shape, "fill-rule": "evenodd", "data-cell": cell });
        drawing.append(this.cells[cell]);
      }
    }
    for (const r of decades(10, outer)) {
      drawing.append(svg("circle", { r: rho(r), class: "ring" }), text(0, rho(r) - 2, plain(r), { class: "ring-label" }));
    }
    return drawing;
  }

  /** Cells to scale, columns to the right and rows upwards, in mm. */
  grid(layer) {
    const { rows, columns, row_mm: high, column_mm: wide, first } = layer;
    const [x, y] = [(columns * wide) / 2, (rows * high) / 2];
    const unit = Math.max(x, y) / 100;
    const drawing = picture(`Layer ${layer.id}, seen along the beam`,
      [-x - 22 * unit, -y - 4 * unit, 2 * x + 30 * unit, 2 * y + 26 * unit]);
    for (let cell = 0; cell < rows * columns; cell += 1) {
      const corner = [(cell % columns) * wide - x, y - (Math.floor(cell / columns) + 1) * high];
      this.cells[first + cell] = svg("rect", {
        x: corner[0], y: corner[1], width: wide, height: high, "data-cell": first + cell,
      });
      drawing.append(this.cells[first + cell]);
    }
    const font = 7 * unit;
    const label = (px, py, words, more = {}) => text(px, py, words, { "font-size": font, ...more });
    for (const tick of ticks(-x, x, 6)) {
      drawing.append(line(tick, y, tick, y + 2 * unit, { class: "axis" }),
        label(tick, y + 9.5 * unit, plain(tick), { "text-anchor": "middle" }));
    }
    for (const tick of ticks(-y, y, 6)) {
      drawing.append(line(-x, -tick, -x - 2 * unit, -tick, { class: "axis" }),
        label(-x - 3 * unit, -tick + 2.5 * unit, plain(tick), { "text-anchor": "end" }));
    }
    drawing.append(label(0, y + 19 * unit, `${layer.column_axis} (mm)`, { "text-anchor": "middle" }),
      label(0, 0, `${layer.row_axis} (mm)`, {
        "text-anchor": "middle", transform: `translate(${-x - 16 * unit} 0) rotate(-90)`,
      }));
    if (this.marker === null) {
      this.marker = svg("circle", { r: 0.7 * Math.max(high, wide), class: "marker", visibility: "hidden" });
      drawing.append(this.marker);
    }
    return drawing;
  }

  /** Show a shower (MeV) in the colours of a scale; `aim` in mm is marked in a grid. */
  show(values, scale, aim = null) {
    this.values = values;
    this.cells.forEach((shape, cell) => shape.setAttribute("fill", scale.colour(values[cell])));
    const sums = this.detector.layers.map(({ first, size }) => values.subarray(first, first + size)
      .reduce((sum, value) => sum + value, 0));
    const whole = sums.reduce((sum, value) => sum + value, 0);
    this.detector.layers.forEach((layer, i) => {
      const name = document.createElement("b");
      name.textContent = `Layer ${layer.id}`;
      const reach = layer.r_edges_mm ? ` r < ${layer.r_edges_mm.at(-1)} mm` : "";
      const share = sums[i] > 0 && sums.length > 1 ? `, ${percent(sums[i] / whole)}` : "";
      this.captions[i].replaceChildren(name, reach, document.createElement("br"), `${energy(sums[i])}${share}`);
    });
    if (this.marker !== null && aim !== null) {
      this.marker.setAttribute("cx", aim[0]);
      this.marker.setAttribute("cy", -aim[1]);
      this.marker.setAttribute("visibility", "visible");
    }
  }

  /** A cell in words: where it is, and its energy. */
  words(cell) {
    const layer = this.detector.layers.find(({ first, size }) => cell >= first && cell < first + size);
    const index = cell - layer.first;
    const value = this.values[cell] > 0 ? energy(this.values[cell], 4) : "no energy";
    let place;
    if (this.detector.shape === "rings") {
      const rings = layer.r_edges_mm.length - 1;
      const ring = index % rings;
      place = `r ${layer.r_edges_mm[ring]} to ${layer.r_edges_mm[ring + 1]} mm`;
      if (layer.n_alpha > 1) {
        const [from, to] = [0, 1].map((edge) => -Math.PI + (2 * Math.PI * (Math.floor(index / rings) + edge)) / layer.n_alpha);
        place += `, α ${degrees(from)}° to ${degrees(to)}°`;
      }
    } else {
      const column = ((index % layer.columns) + 0.5 - layer.columns / 2) * layer.column_mm;
      const row = (Math.floor(index / layer.columns) + 0.5 - layer.rows / 2) * layer.row_mm;
      place = `${layer.column_axis} ${column} mm, ${layer.row_axis} ${row} mm`;
    }
    return `Layer ${layer.id}, ${place}: ${value}`;
  }
}

const number = (value) => value.toFixed(2);
const at = (radius, angle) => `${number(radius * Math.cos(angle))} ${number(-radius * Math.sin(angle))}`;

function wedge(inner, outer, from, to) {
  return `M${at(inner, from)}L${at(outer, from)}A${number(outer)} ${number(outer)} 0 0 0 ${at(outer, to)}`
    + `L${at(inner, to)}A${number(inner)} ${number(inner)} 0 0 1 ${at(inner, from)}Z`;
}

function annulus(inner, outer) {
  const circle = (r) => `M${number(r)} 0A${number(r)} ${number(r)} 0 1 0 ${number(-r)} 0`
    + `A${number(r)} ${number(r)} 0 1 0 ${number(r)} 0Z`;
  return circle(outer) + (inner > 0 ? circle(inner) : "");
}
