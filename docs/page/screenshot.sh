#!/usr/bin/env bash
# Picture of the page for the README: after `make page`, with Chromium and Python 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
port=${PORT:-8765}
python3 -m http.server --bind 127.0.0.1 --directory docs/_build/page "$port" >/dev/null 2>&1 &
server=$!
trap 'kill "$server"' EXIT
sleep 1
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,1060 --timeout=8000 \
    --screenshot=docs/figures/browser.png "http://127.0.0.1:$port/#detector=photon&energy=16384&seed=0&shower=2"
