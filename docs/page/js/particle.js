// The incident particle: from what a visitor sets to what the files of the detector say of it.

const DEGREE = Math.PI / 180;

/**
 * A particle of these settings.
 *
 * @param {object} detector - Record of generators.json.
 * @param {number} energy - Incident energy (a momentum where the files have one), MeV.
 * @param {Object<string, number>} values - Value of each of the detector's fields.
 * @returns {{energy: number, attributes: number[], words: string}} Attributes in the order of the files.
 */
export function particleOf(detector, energy, values) {
  if (detector.direction === "momentum") return fromAngles(detector, energy, values);
  return { energy, attributes: detector.fields.map(({ name }) => values[name]), words: "" };
}

/** Momentum and entry point from two angles and the point that is aimed at, a little behind the front face. */
function fromAngles(detector, energy, values) {
  const slopes = [Math.tan(values.theta_x * DEGREE), Math.tan(values.theta_y * DEGREE)];
  const along = energy / 1000 / Math.sqrt(1 + slopes[0] ** 2 + slopes[1] ** 2);
  const momentum = [slopes[0] * along, slopes[1] * along, along];
  const entry = [values.aim_x, values.aim_y].map((aim, i) => aim / 10 - detector.aim_depth_cm * slopes[i]);
  const shown = (list, digits) => list.map((value) => Number(value.toFixed(digits)) || 0).join(", ");
  return {
    energy,
    attributes: [...momentum, ...entry],
    words: `p = (${shown(momentum, 2)}) GeV, enters the front at (${shown(entry, 2)}) cm. `
      + `The aim is in a plane ${detector.aim_depth_cm} cm behind it: the circle.`,
  };
}

/** Where a particle goes beyond those that the generator was trained on, in words; empty where it does not. */
export function beyondTraining(detector, record, particle, kinetic) {
  const margin = 1e-6;
  const outside = (value, [low, high]) => {
    const slack = margin * Math.max(Math.abs(low), Math.abs(high));
    return value < low - slack || value > high + slack;
  };
  if (outside(kinetic, record.range)) return "energy";
  const found = detector.attributes.filter((name, i) => name in record.trainedOn
    && outside(particle.attributes[i], record.trainedOn[name]));
  return found.join(", ");
}

/** Options of `calosim generate` that make the same showers. */
export function commandOptions(detector, particle, seed, count) {
  const conditions = detector.attributes
    .map((name, i) => [name, particle.attributes[i]])
    .filter(([name, value]) => name !== "pz_gev" && value !== 0)
    .map(([name, value]) => `${name}=${value}`);
  const more = conditions.length ? ` --condition ${conditions.join(" ")}` : "";
  return `--energies ${particle.energy} --events ${count} --seed ${seed}${more}`;
}
