#!/bin/sh
# Chromium for the tests of the HTML page: the system's package, where there is none yet.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        "$name" --version
        exit 0
    fi
done
command -v apt-get >/dev/null || { echo "Install Chromium with this system's package manager."; exit 1; }
[ "$(id -u)" = 0 ] && sudo="" || sudo=sudo
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
chromium --version
