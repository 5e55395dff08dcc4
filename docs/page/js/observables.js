// What showers are reduced to; the same definitions as docs/page/monte_carlo.py has for Monte Carlo.

/** Sum over the cells of one shower, MeV. */
export function total(cells) {
  let sum = 0;
  for (let i = 0; i < cells.length; i += 1) sum += cells[i];
  return sum;
}

/** Energy of each layer, MeV. */
export function layerEnergies(cells, layers) {
  return layers.map(({ first, size }) => total(cells.subarray(first, first + size)));
}

/** Middle of each cell of a detector with one layer of cells, mm: along columns and along rows. */
export function cellCentres(layer) {
  const { rows, columns, row_mm: rowSize, column_mm: columnSize } = layer;
  const along = new Float64Array(rows * columns);
  const across = new Float64Array(rows * columns);
  for (let cell = 0; cell < rows * columns; cell += 1) {
    along[cell] = ((cell % columns) + 0.5 - columns / 2) * columnSize;
    across[cell] = (Math.floor(cell / columns) + 0.5 - rows / 2) * rowSize;
  }
  return [along, across];
}

/**
 * Energy by distance from the shower's centre of energy, MeV; the last bin has all that is farther out.
 *
 * @param {Float32Array} cells
 * @param {Float64Array[]} centres - As from cellCentres.
 * @param {number[]} edges - Ascending, in mm, the first one 0.
 */
export function distanceEnergies(cells, centres, edges) {
  const [along, across] = centres;
  const energies = new Array(edges.length).fill(0);
  const sum = total(cells);
  if (sum === 0) return energies;
  let [x, y] = [0, 0];
  for (let i = 0; i < cells.length; i += 1) {
    x += along[i] * cells[i];
    y += across[i] * cells[i];
  }
  [x, y] = [x / sum, y / sum];
  for (let i = 0; i < cells.length; i += 1) {
    if (cells[i] === 0) continue;
    const distance = Math.hypot(along[i] - x, across[i] - y);
    let bin = edges.length - 1;
    while (distance < edges[bin]) bin -= 1;
    energies[bin] += cells[i];
  }
  return energies;
}

/** Function that gives the profile of a shower in the bins of the reference, MeV. */
export function profileOf(detector, reference) {
  if (reference.profile === "layers") return (cells) => layerEnergies(cells, detector.layers);
  const centres = cellCentres(detector.layers[0]);
  return (cells) => distanceEnergies(cells, centres, reference.edges_mm);
}

/**
 * Monte Carlo's mean and spread at an incident energy, as shares of it; null outside of the sample.
 *
 * Between the energies of the sample, mean and spread are linear in the logarithm of the energy.
 *
 * @returns {{total: number[], profile: number[][], between: number[]} | null} Pairs of mean and standard deviation,
 *   and the one or two energies of the sample that they come from, MeV.
 */
export function monteCarloAt(reference, incident) {
  const rows = reference.energies;
  const tolerance = 1e-6;
  if (incident < reference.low_mev * (1 - tolerance) || incident > reference.high_mev * (1 + tolerance)) return null;
  const above = rows.findIndex((row) => row.energy_mev >= incident * (1 - tolerance));
  const upper = above < 0 ? rows.length - 1 : above;
  const isOne = upper === 0 || above < 0 || Math.abs(rows[upper].energy_mev / incident - 1) < tolerance;
  const lower = isOne ? upper : upper - 1;
  const [a, b] = [rows[lower], rows[upper]];
  const weight = isOne ? 0 : Math.log(incident / a.energy_mev) / Math.log(b.energy_mev / a.energy_mev);
  const mix = (one, two) => one + weight * (two - one);
  return {
    total: [mix(a.total_mean, b.total_mean), mix(a.total_std, b.total_std)],
    profile: a.profile_mean.map((mean, i) => [mix(mean, b.profile_mean[i]), mix(a.profile_std[i], b.profile_std[i])]),
    between: isOne ? [b.energy_mev] : [a.energy_mev, b.energy_mev],
  };
}
