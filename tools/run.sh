#!/usr/bin/env bash
# `make run`: a development server on 127.0.0.1:8200 whose store in .run/ is
# initialised the first time and opens by itself with the KEK kept beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
address=${BULLA_RUN_ADDRESS:-127.0.0.1:8200}
export BULLA_ADDR=http://$address
mkdir -p -m 700 .run

prepare() {
  for _ in $(seq 100); do
    curl -fsS "$BULLA_ADDR/v1/sys/health" >/dev/null 2>&1 && break
    sleep 0.1
  done
  export BULLA_TOKEN; BULLA_TOKEN=$(cat .run/dev-root-token)
  build/bulla secrets list -format=json | grep -q '"transit/"' ||
    build/bulla secrets enable transit >/dev/null
  build/bulla write -force transit/keys/demo >/dev/null
  cat <<TEXT
Bulla answers on $BULLA_ADDR. Paste this in another terminal to encrypt something:

  export BULLA_ADDR=$BULLA_ADDR BULLA_TOKEN=$BULLA_TOKEN
  build/bulla write transit/encrypt/demo plaintext=\$(echo -n 'hello world' | base64)

TEXT
}

prepare &
exec build/bulla server -dev -dev-data=.run -dev-no-store-token \
  -dev-listen-address="$address"
