// Files of this page.  Whatever is wrong with one is an error of one line that names it.

const AGAIN = "run `make page` again";

/** Something that a visitor is told in one line. */
export class PageError extends Error {}

async function answerFor(path) {
  let answer;
  try {
    // after another build, files of the last one in the browser's cache would contradict the new sidecar
    answer = await fetch(path, { cache: "no-cache" });
  } catch {
    throw new PageError(`${path}: cannot be loaded: is the server of this page still running?`);
  }
  if (!answer.ok) {
    throw new PageError(`${path}: found no such file (${answer.status}), expected it beside the page: ${AGAIN}`);
  }
  return answer;
}

/** Content of a file; compared with the size and SHA-256 of its record where one is given. */
export async function readBytes(path, record = null) {
  let bytes;
  const answer = await answerFor(path);
  try {
    bytes = await answer.arrayBuffer();
  } catch {
    throw new PageError(`${path}: broke off while it was loaded: load the page again`);
  }
  if (record !== null) await requireSound(path, bytes, record);
  return bytes;
}

async function requireSound(path, bytes, record) {
  if (bytes.byteLength !== record.bytes) {
    throw new PageError(`${path}: damaged: found ${bytes.byteLength} bytes, expected ${record.bytes}: ${AGAIN}`);
  }
  // browsers form sums only for pages from https or this machine
  if (globalThis.crypto?.subtle === undefined) return;
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== record.sha256) {
    throw new PageError(`${path}: damaged: found SHA-256 ${found.slice(0, 12)}..., expected `
      + `${record.sha256.slice(0, 12)}...: ${AGAIN}`);
  }
}

/** Content of a JSON file that holds an object. */
export async function readJson(path) {
  const text = new TextDecoder().decode(await readBytes(path));
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new PageError(`${path}: damaged: is not JSON: ${AGAIN}`);
  }
  if (content === null || typeof content !== "object" || Array.isArray(content)) {
    throw new PageError(`${path}: damaged: found no record in it: ${AGAIN}`);
  }
  return content;
}

/** PageError that `path` holds something else, unless `holds`. */
export function require(holds, path, found, expected) {
  if (!holds) throw new PageError(`${path}: found ${found}, expected ${expected}: ${AGAIN}`);
}
