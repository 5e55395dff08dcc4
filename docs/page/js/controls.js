// The form: what is asked for, with what is wrong beside the field that it is wrong in.

import { FieldError, energy, parse } from "./numbers.js";

export const MOST_SHOWERS = 10_000;
const LARGEST_SEED = Number.MAX_SAFE_INTEGER;
const LARGEST_SHOWER = 1_000_000_000;
const NAMES = { gamma: "γ", "pi+": "π⁺", "e-": "e⁻", "e+": "e⁺" };

const $ = (id) => document.getElementById(id);

const RULES = {
  energy: { above: 0, of: "MeV", example: "16384" },
  seed: { low: 0, high: LARGEST_SEED, whole: true },
  shower: { low: 0, high: LARGEST_SHOWER, whole: true },
  count: { low: 1, high: MOST_SHOWERS, whole: true },
};

/** Value of a field; null where it cannot be used, which is then said beside it. */
export function valueOf(id, rule = RULES[id]) {
  const [input, message] = [$(id), $(`${id}-error`)];
  let [value, words] = [null, ""];
  try {
    value = parse(input.value, rule);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    words = error.message;
  }
  input.setAttribute("aria-invalid", String(words !== ""));
  if (message.textContent !== words) message.textContent = words;
  return value;
}

/** The form of all detectors; `onChange` is called whenever something else is asked for. */
export class Controls {
  constructor(detectors, onChange) {
    this.detectors = detectors;
    this.onChange = onChange;
    $("detectors").replaceChildren(...detectors.map((detector) => this.choice(detector)));
    $("controls").addEventListener("submit", (event) => event.preventDefault());
    // `input` for every letter: a message comes and goes while one types
    for (const id of ["energy", "seed", "shower"]) $(id).addEventListener("input", () => this.changed());
    $("energy-slider").addEventListener("input", () => {
      $("energy").value = String(Math.round(2 ** $("energy-slider").valueAsNumber));
      this.changed();
    });
    $("next").addEventListener("click", () => this.step(1));
    $("previous").addEventListener("click", () => this.step(-1));
    this.restore();
  }

  choice(detector) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "detector", value: detector.name });
    const [symbol, words, more] = ["b", "span", "small"].map((tag) => document.createElement(tag));
    symbol.textContent = NAMES[detector.particle] ?? detector.particle;
    more.textContent = detector.cut;
    words.append(detector.title, more);
    label.append(input, symbol, words);
    input.addEventListener("change", () => {
      this.choose(detector);
      this.changed();
    });
    return label;
  }

  /** Fields of a detector, at what they start from. */
  choose(detector, settings = new Map()) {
    this.detector = detector;
    document.querySelector(`input[name="detector"][value="${detector.name}"]`).checked = true;
    const { low_mev: low, high_mev: high, name, sample_mev: sample } = detector.energy;
    $("energy-name").textContent = name;
    $("energy-help").textContent = `Trained on ${energy(low)} to ${energy(high)}.`;
    Object.assign($("energy-slider"), { min: Math.log2(low), max: Math.log2(high) });
    $("sample-energies").replaceChildren(...sample.map((mev) => {
      return Object.assign(document.createElement("option"), { value: Math.log2(mev) });
    }));
    $("energy").value = settings.get("energy") ?? String(detector.energy.start_mev);
    $("direction").hidden = detector.fields.length === 0;
    $("fields").replaceChildren(...detector.fields.map((field) => this.field(field, settings.get(field.name))));
  }

  field({ name, label, unit, start }, value = String(start)) {
    const part = $("field-template").content.cloneNode(true).firstElementChild;
    const [input, message] = [part.querySelector("input"), part.querySelector(".error")];
    Object.assign(input, { id: name, value });
    input.setAttribute("aria-describedby", `${name}-error`);
    message.id = `${name}-error`;
    Object.assign(part.querySelector("label"), { htmlFor: name, textContent: label });
    part.querySelector(".unit").textContent = unit;
    input.addEventListener("input", () => this.changed());
    return part;
  }

  /** Everything that is asked for; null where a field cannot be used. */
  read() {
    const found = { detector: this.detector, energy: valueOf("energy"), seed: valueOf("seed"), shower: valueOf("shower") };
    found.values = Object.fromEntries(this.detector.fields.map((field) => [field.name, valueOf(field.name, field)]));
    if (found.energy !== null) $("energy-slider").value = String(Math.log2(found.energy));
    return [...Object.values(found), ...Object.values(found.values)].includes(null) ? null : found;
  }

  step(by) {
    const shower = valueOf("shower");
    if (shower === null) return;
    $("shower").value = String(Math.min(LARGEST_SHOWER, Math.max(0, shower + by)));
    this.changed();
  }

  changed() {
    this.onChange();
  }

  /** Settings from the address, so that a shower can be linked to. */
  restore() {
    const settings = new Map(new URLSearchParams(location.hash.slice(1)));
    for (const id of ["seed", "shower", "count"]) if (settings.has(id)) $(id).value = settings.get(id);
    const wanted = this.detectors.find(({ name }) => name === settings.get("detector"));
    this.choose(wanted ?? this.detectors[0], settings);
  }

  /** The address of what is shown. */
  remember() {
    const names = ["energy", ...this.detector.fields.map(({ name }) => name), "seed", "shower"];
    const settings = new URLSearchParams([["detector", this.detector.name], ...names.map((id) => [id, $(id).value.trim()])]);
    history.replaceState(null, "", `#${settings}`);
  }
}
