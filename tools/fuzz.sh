#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS, starting from its committed corpus.
# New inputs go to .cache/fuzz; a crash is left there and named.
set -euo pipefail
cd "$(dirname "$0")/.."
for target in build-fuzz/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  name=$(basename "$target"); name=${name#fuzz_}
  mkdir -p ".cache/fuzz/$name" "fuzz/corpus/$name"
  echo "fuzz $name: ${FUZZ_SECONDS:-30} s"
  "$target" -max_total_time="${FUZZ_SECONDS:-30}" -rss_limit_mb=2048 \
    -artifact_prefix=".cache/fuzz/$name/crash-" -print_final_stats=0 \
    ".cache/fuzz/$name" "fuzz/corpus/$name" >".cache/fuzz/$name.log" 2>&1 || {
      tail -20 ".cache/fuzz/$name.log"; exit 1; }
done
echo "fuzz: no crash"
