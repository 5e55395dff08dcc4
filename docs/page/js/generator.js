// A generator in the browser: particles in, showers in MeV out, by the rules of calosim_tf/inference.

import { PageError, readBytes } from "./files.js";
import { drawLatents } from "./latents.js";
import { readSidecar } from "./sidecar.js";

const RUNTIME = "ort/ort.wasm.bundle.min.mjs";
const RUNTIME_BINARY = "ort/ort-wasm-simd-threaded.wasm";
const QUANTILES = "normal_16bit.f32";
const QUANTILE_BYTES = 4 * 65536;
// In place of the energy of a layer, in the condition: the generator draws it
const DRAW = -1;

const firstLine = (error) => String(error?.message ?? error).split("\n")[0];

/** ONNX Runtime, single-threaded: threads would need headers that plain file servers do not send. */
async function startRuntime() {
  if (typeof WebAssembly !== "object") {
    throw new PageError("This browser has no WebAssembly, which runs the generator: switch it on, or take another browser");
  }
  const binary = await readBytes(RUNTIME_BINARY);
  let ort;
  try {
    ort = await import(`../${RUNTIME}`);
  } catch (error) {
    throw new PageError(`${RUNTIME}: cannot be loaded (${firstLine(error)}): run \`make page\` again`);
  }
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  ort.env.wasm.wasmBinary = binary;
  return ort;
}

async function readQuantiles() {
  const bytes = await readBytes(QUANTILES);
  if (bytes.byteLength !== QUANTILE_BYTES) {
    throw new PageError(`${QUANTILES}: damaged: found ${bytes.byteLength} bytes, expected ${QUANTILE_BYTES}: `
      + "run `make page` again");
  }
  return new Float32Array(bytes);
}

let shared = null;

/** What all generators share, loaded once; tried anew after a failure. */
function runtime() {
  shared ??= Promise.all([startRuntime(), readQuantiles()]).catch((error) => {
    shared = null;
    throw error;
  });
  return shared;
}

/** Kinetic energy in MeV of a particle with this momentum; without the cancellation of sqrt(p^2 + m^2) - m. */
export function kineticEnergy(momentum, mass) {
  return momentum ** 2 / (Math.sqrt(momentum ** 2 + mass ** 2) + mass);
}

/** The exported network of a bundle with its physics. */
export class Generator {
  constructor(ort, session, quantiles, record, smallest) {
    Object.assign(this, { ort, session, quantiles, record, smallest: Math.fround(smallest) });
    this.cells = record.sidecar.n_cells;
    this.busy = Promise.resolve();
  }

  /** Latents of showers first ... first + count - 1, shape (count, latent size). */
  latents(seed, first, count) {
    return drawLatents(this.record.latent, this.quantiles, seed, first, count);
  }

  /** Conditions of `count` showers of one particle, shape (count, 1 + attributes + layers). */
  conditions(particle, count) {
    const { mass, mean, std, layerSizes } = this.record;
    const row = [
      Math.log(kineticEnergy(particle.energy, mass)),
      ...particle.attributes.map((value, i) => (value - mean[i]) / std[i]),
      ...layerSizes.map(() => DRAW),
    ];
    const conditions = new Float32Array(count * row.length);
    for (let shower = 0; shower < count; shower += 1) conditions.set(row, shower * row.length);
    return conditions;
  }

  /** Outputs of the network, shape (count, cells); calls wait for each other, as a session runs one at a time. */
  network(latents, conditions) {
    const outputs = this.busy.then(() => this.run(latents, conditions));
    this.busy = outputs.catch(() => {});
    return outputs;
  }

  async run(latents, conditions) {
    const count = latents.length / this.record.latent.size;
    const [latent, condition] = this.record.file.inputs;
    const tensor = (values) => new this.ort.Tensor("float32", values, [count, values.length / count]);
    const outputs = await this.session.run({ [latent]: tensor(latents), [condition]: tensor(conditions) });
    return outputs[this.record.file.output].data;
  }

  /** Outputs as energies in MeV, in place: what is below the smallest energy is 0. */
  toMev(outputs) {
    const { smallest } = this;
    for (let i = 0; i < outputs.length; i += 1) {
      if (outputs[i] < smallest) outputs[i] = 0;
      else if (!Number.isFinite(outputs[i])) {
        throw new PageError("The network gives no finite energies for this particle: it is too far from what it was "
          + "trained on");
      }
    }
    return outputs;
  }

  /**
   * Showers first ... first + count - 1 of a seed, all of one particle, in one call of the network.
   *
   * @param {{energy: number, attributes: number[]}} particle - Incident energy in MeV and attributes as in the files.
   * @returns {Promise<Float32Array>} Shape (count, cells), MeV.
   */
  async showers(particle, seed, first, count) {
    const outputs = await this.network(this.latents(seed, first, count), this.conditions(particle, count));
    return this.toMev(outputs);
  }
}

/**
 * The generator of the bundle in `folder`.
 *
 * @param {string} folder
 * @param {number} smallest - Cells below are 0, MeV.
 */
export async function loadGenerator(folder, smallest) {
  const record = await readSidecar(folder);
  const path = `${folder}/${record.file.path}`;
  const [model, [ort, quantiles]] = await Promise.all([readBytes(path, record.file), runtime()]);
  let session;
  try {
    session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"] });
  } catch (error) {
    throw new PageError(`${path}: onnxruntime-web cannot load it (${firstLine(error)}): run \`make page\` again`);
  }
  return new Generator(ort, session, quantiles, record, smallest);
}
