#!/usr/bin/env bash
# Installs the Debian packages that the given verbs need (see packages.txt), and
# nothing when they are all there. Usage: install_deps.sh build test …
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=()
while read -r package verb; do
  case "$package" in ''|'#'*) continue ;; esac
  for asked in "$@"; do
    [ "$verb" = "$asked" ] && wanted+=("$package")
  done
done < tools/packages.txt

missing=()
for package in "${wanted[@]}"; do
  # A toolchain from elsewhere (nodejs, npm) counts when its command is there.
  case "$package" in
    nodejs) command -v node >/dev/null && continue ;;
    npm) command -v npm >/dev/null && continue ;;
  esac
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
    grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "These packages are needed; install them as root and run again:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
