// Latent vectors as a function of (seed, shower number): the same as calosim_tf/latents.py draws.

import { philoxWords } from "./philox.js";

const SIXTEENTHS_PER_COUNT = 16;

/**
 * Latents of the showers first ... first + count - 1 by the law `normal_16bit`.
 *
 * @param {{size: number, mean: number, std: number}} law
 * @param {Float32Array} quantiles - The 65536 normal numbers that 16 bits choose from.
 * @param {number} seed - Integer from 0 to 2^53 - 1.
 * @param {number} first
 * @param {number} count
 * @returns {Float32Array} Shape (count, law.size).
 */
export function drawLatents(law, quantiles, seed, first, count) {
  const perShower = Math.ceil(law.size / SIXTEENTHS_PER_COUNT);
  const words = philoxWords(seed, first * perShower, count * perShower);
  // four integers of 16 bits in a word, the lowest first
  const draws = new Uint16Array(words.buffer);
  const stretch = perShower * SIXTEENTHS_PER_COUNT;
  const latents = new Float32Array(count * law.size);
  const standard = law.mean === 0 && law.std === 1;
  const [mean, std] = [Math.fround(law.mean), Math.fround(law.std)];
  for (let shower = 0; shower < count; shower += 1) {
    const [from, to] = [shower * stretch, shower * law.size];
    for (let i = 0; i < law.size; i += 1) {
      const normal = quantiles[draws[from + i]];
      latents[to + i] = standard ? normal : Math.fround(normal * std) + mean;
    }
  }
  return latents;
}
