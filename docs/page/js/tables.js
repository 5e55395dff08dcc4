// What is shown in words and numbers: facts of a shower, its profile as a table.

import { energy, percent, plain, withWidth } from "./numbers.js";
import { total } from "./observables.js";

/** What the grey of the charts is. */
export function referenceWords(reference, monteCarlo) {
  if (monteCarlo === null) return `Monte Carlo (${reference.sample}): none at this energy`;
  const from = monteCarlo.between.map((mev) => energy(mev)).join(" and ");
  const where = monteCarlo.between.length === 2 ? `, between its ${from}` : `, at ${from}`;
  return `Monte Carlo, mean and spread of one shower (${reference.sample}${reference.average_over}${where})`;
}

/** The list above the pictures. */
export function drawFacts(list, { request, cells, monteCarlo }, hottest) {
  const { detector } = request;
  const sum = total(cells);
  const above = cells.reduce((count, value) => count + (value >= detector.threshold_mev), 0);
  const facts = [
    ["Energy sum", `${energy(sum, 4)} = ${percent(sum / request.energy)} of ${detector.energy.symbol}`],
    ["Monte Carlo, mean ± spread", monteCarlo === null ? "none at this energy" : `${withWidth(...monteCarlo.total.map((x) => 100 * x))} %`],
    ["Hottest cell", energy(hottest)],
    [`Cells of ${plain(detector.threshold_mev)} MeV or more`, `${above} of ${cells.length}`],
  ];
  list.replaceChildren(...facts.map(([name, value]) => {
    const [group, term, words] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = name;
    words.textContent = value;
    group.append(term, words);
    return group;
  }));
}

/** The table of the profile. */
export function drawNumbers(table, { request, parts, cells, monteCarlo, many }) {
  const profile = parts.profile(cells);
  const expected = (pair) => (pair === undefined ? "-" : withWidth(...pair.map((share) => share * request.energy)));
  const rows = [
    [parts.reference.axis, "this shower, MeV", "mean of many, MeV", "Monte Carlo, MeV"],
    ["all", plain(total(cells), 5), many === null ? "-" : plain(total(many.sums) / many.sums.length, 5), expected(monteCarlo?.total)],
    ...profile.map((mev, i) => [
      parts.reference.names[i], plain(mev, 5), many === null ? "-" : plain(many.mean[i], 5), expected(monteCarlo?.profile[i]),
    ]),
  ];
  table.replaceChildren(...rows.map((row, at) => {
    const line = document.createElement("tr");
    line.append(...row.map((words, column) => {
      const cell = document.createElement(at === 0 || column === 0 ? "th" : "td");
      cell.textContent = words;
      return cell;
    }));
    return line;
  }));
}
