// How long a shower takes in this browser.

const ROUNDS = 5;
// browsers round their clocks to as much as 1 ms
const ROUND_MS = 60;

const pause = () => new Promise((done) => { setTimeout(done, 0); });
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/**
 * Microseconds per shower at a batch size, from particle to cells in MeV.
 *
 * @param {import("./generator.js").Generator} generator
 * @param {object} particle
 * @param {number} batch - Showers per call of the network.
 * @param {() => boolean} isWanted - The measurement ends early, with null, once this is false.
 * @returns {Promise<{median: number, least: number, most: number, network: number} | null>}
 *   Over five rounds; `network` is the median of ONNX Runtime's part.
 */
export async function measure(generator, particle, batch, isWanted = () => true) {
  await generator.showers(particle, 0, 0, batch);
  const all = [];
  const network = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await pause();
    if (!isWanted()) return null;
    const start = performance.now();
    let [calls, inside] = [0, 0];
    do {
      const latents = generator.latents(0, calls * batch, batch);
      const conditions = generator.conditions(particle, batch);
      const before = performance.now();
      const outputs = await generator.network(latents, conditions);
      inside += performance.now() - before;
      generator.toMev(outputs);
      calls += 1;
    } while (performance.now() - start < ROUND_MS);
    all.push((1000 * (performance.now() - start)) / (calls * batch));
    network.push((1000 * inside) / (calls * batch));
  }
  return { median: median(all), least: Math.min(...all), most: Math.max(...all), network: median(network) };
}
