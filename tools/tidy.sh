#!/usr/bin/env bash
# clang-tidy over every source file. A file that was clean, and whose text with
# all it includes is as it was, is not looked at again.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset dev >/dev/null
export CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/bulla-tidy
mkdir -p "$CACHE"

tidy_one() {
  local file=$1 key
  key=$( { cat .clang-tidy "$file"
           clang++-14 -std=c++20 -Isrc -E -P "$file" 2>/dev/null || true
         } | sha256sum | cut -d' ' -f1)
  [ -e "$CACHE/$key" ] && return 0
  clang-tidy-14 -p build-dev --quiet "$file" 2>/dev/null && touch "$CACHE/$key"
}
export -f tidy_one

git ls-files 'src/*.cc' | grep -v _test.cc |
  xargs -P "$(nproc)" -I{} bash -c 'tidy_one "$1" || { echo "tidy: $1"; exit 1; }' _ {}
echo "clang-tidy: clean"
