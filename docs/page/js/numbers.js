// Numbers that people type, and numbers that they read.

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const WHOLE = /^\+?\d+$/;
// keeps a number and its unit in one line
const SPACE = "\u00a0";

/** What was typed cannot be used; `message` goes beside the field. */
export class FieldError extends Error {}

/**
 * A number from a field.
 *
 * @param {string} text
 * @param {{above?: number, low?: number, high?: number, of?: string, whole?: boolean, example?: string}} rule
 */
export function parse(text, { above = -Infinity, low = -Infinity, high = Infinity, of = "", whole = false, example = "" }) {
  const typed = text.trim();
  const value = Number(typed);
  const isNumber = (whole ? WHOLE : NUMBER).test(typed) && Number.isFinite(value);
  if (isNumber && value > above && value >= low && value <= high) return value;
  const found = typed === "" ? "nothing" : `“${typed.slice(0, 24)}”`;
  const kind = whole ? "a whole number" : "a number";
  let range = "";
  if (above > -Infinity) range = ` above ${above}`;
  else if (high < Infinity) range = ` from ${low} to ${high}`;
  throw new FieldError(`Found ${found}, expected ${kind}${of && ` of ${of}`}${range}${example && `, such as ${example}`}.`);
}

const round = (value, digits) => Number(value.toPrecision(digits));

/** An energy with its unit, three or so digits: 812 MeV, 16.4 GeV. */
export function energy(mev, digits = 3) {
  const [value, unit] = unitOf(Math.abs(mev)) === "GeV" ? [mev / 1000, "GeV"] : [mev, "MeV"];
  return `${plain(value, digits)}${SPACE}${unit}`;
}

/** Unit that suits energies up to `mev`. */
export const unitOf = (mev) => (mev >= 1000 ? "GeV" : "MeV");

/** A number without exponent, as long as it is not tiny. */
export function plain(value, digits = 3) {
  if (value === 0) return "0";
  if (Math.abs(value) >= 10 ** digits) return String(Math.round(value));
  return String(round(value, digits));
}

/** A share: one decimal from 10 % on, two below. */
export const percent = (share) => `${(100 * share).toFixed(Math.abs(share) < 0.0995 ? 2 : 1)}${SPACE}%`;

/** Mean and width with as many digits as two of the width. */
export function withWidth(mean, std) {
  if (!(std > 0)) return plain(mean);
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(std)));
  return `${mean.toFixed(decimals)} ± ${std.toFixed(decimals)}`;
}

/** Round steps that cut 0 ... `high`, or `low` ... `high`, into about `count` parts. */
export function ticks(low, high, count = 4) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9); k += 1) found.push(round(k * step, 6));
  return found;
}

/** Powers of ten within a range. */
export function decades(low, high) {
  const found = [];
  for (let k = Math.ceil(Math.log10(low) - 1e-9); k <= Math.log10(high) + 1e-9; k += 1) found.push(round(10 ** k, 3));
  return found;
}
