#!/usr/bin/env bash
# Measures the noise floor of a suite's guests: how late a timer and a thread are there, with nothing else to do.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step timer-latency "$@"
