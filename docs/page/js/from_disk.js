// Runs where modules do not: a browser loads no module and no network from file://.
if (location.protocol === "file:") {
  const status = document.getElementById("status");
  status.className = "failed";
  status.textContent = "Opened from the disk, where browsers load no programs: serve this folder, "
    + "`python3 -m http.server --directory FOLDER`, and open http://localhost:8000.";
}
