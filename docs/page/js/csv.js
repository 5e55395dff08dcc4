// Showers as CSV: a line of comment, a header, a line per shower.

/** Text of the first two lines. */
export function csvHead(detector, about) {
  const cells = Array.from({ length: detector.n_cells }, (_, cell) => `cell_${cell}`);
  const columns = ["shower", "incident_energy_mev", ...detector.attributes, ...cells];
  return `# ${about}\n${columns.join(",")}\n`;
}

/** Lines of showers `first` ... in `showers`, shape (count, cells), MeV, to seven digits. */
export function csvLines(showers, first, particle, cells) {
  const start = [particle.energy, ...particle.attributes].join(",");
  const lines = [];
  for (let row = 0; row * cells < showers.length; row += 1) {
    const values = Array.from(showers.subarray(row * cells, (row + 1) * cells), shortest);
    lines.push(`${first + row},${start},${values.join(",")}\n`);
  }
  return lines.join("");
}

// seven digits tell neighbouring float32 numbers apart to 5e-8
const shortest = (value) => (value === 0 ? "0" : String(Number(value.toPrecision(7))));

/** Hand a file to the visitor. */
export function save(name, parts) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
