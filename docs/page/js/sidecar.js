// The sidecar of an exported bundle, checked: everything but the network that turns particles into showers.

import { readJson, require } from "./files.js";

const SCHEMA = 1;
const LAW = "normal_16bit";
const NORMALISATION = "layer_energies";

const isNumbers = (list, length) => Array.isArray(list) && list.length === length && list.every(Number.isFinite);
const isCount = (number) => Number.isInteger(number) && number > 0;
const sum = (list) => list.reduce((total, item) => total + item, 0);
const shown = (value) => JSON.stringify(value) ?? "nothing";

/**
 * What a generator needs of the sidecar in `folder`.
 *
 * @returns {Promise<{file: object, latent: object, mass: number, range: number[], mean: number[], std: number[],
 *   layerSizes: number[], trainedOn: object, sidecar: object}>}
 *   Kinetic energies trained on in MeV; mean and std standardise the attributes of the particle.
 */
export async function readSidecar(folder) {
  const path = `${folder}/sidecar.json`;
  const sidecar = await readJson(path);
  require(sidecar.schema === SCHEMA, path, `schema ${shown(sidecar.schema)}`, SCHEMA);
  const count = Array.isArray(sidecar.networks) ? sidecar.networks.length : 0;
  require(count === 1, path, `${count} networks`, "one");
  const [network] = sidecar.networks;
  const latent = checkedLatent(network?.latent, path);
  const law = checkedNormalisation(network.normalisation, sidecar, path);
  const cells = sum(law.layer_sizes);
  require(shown(network.output_shape) === shown([cells]) && sidecar.n_cells === cells, path,
    `outputs ${shown(network.output_shape)} and ${shown(sidecar.n_cells)} cells`, `${cells} as its layers have`);
  return {
    file: checkedFile(network.files?.onnx?.[0], path),
    latent,
    mass: law.mass_mev,
    range: [law.kin_min_mev, law.kin_max_mev],
    mean: law.condition_mean,
    std: law.condition_std,
    layerSizes: law.layer_sizes,
    trainedOn: network.trained_on?.attributes ?? {},
    sidecar,
  };
}

function checkedLatent(latent, path) {
  require(latent?.law === LAW, path, `latents of the law ${shown(latent?.law)}`, LAW);
  require(isCount(latent.size) && isNumbers([latent.mean, latent.std], 2), path, "latents without size, mean or std",
    "numbers");
  return latent;
}

function checkedNormalisation(law, sidecar, path) {
  require(law?.kind === NORMALISATION, path, `the normalisation ${shown(law?.kind)}`, NORMALISATION);
  require(isNumbers([law.mass_mev, law.kin_min_mev, law.kin_max_mev], 3) && law.mass_mev >= 0 && law.kin_min_mev > 0,
    path, "no usable mass or energy range", "numbers in MeV");
  require(Array.isArray(law.layer_sizes) && law.layer_sizes.length > 0 && law.layer_sizes.every(isCount), path,
    `layer sizes ${shown(law.layer_sizes)}`, "cells of each layer");
  const attributes = sidecar.attributes?.length;
  require(isNumbers(law.condition_mean, attributes) && isNumbers(law.condition_std, attributes)
    && law.condition_std.every((value) => value > 0), path, "no usable spread of the attributes",
  `a mean and a width for each of ${shown(sidecar.attributes)}`);
  return law;
}

function checkedFile(file, path) {
  const named = typeof file?.path === "string" && /^[\w.-]+$/.test(file.path) && isCount(file.bytes);
  require(named && typeof file.sha256 === "string", path, "no ONNX file", "its name, size and SHA-256");
  require(file.inputs?.length === 2 && typeof file.output === "string", path, "no names of inputs and output",
    "two inputs and an output");
  return file;
}
