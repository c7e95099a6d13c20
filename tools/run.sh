#!/usr/bin/env bash
# `make run`: a development server on 127.0.0.1:8200 whose store in .run/ is
# initialised the first time and opens by itself with the KEK kept beside it.
# BULLA_RUN_ADDRESS=HOST:PORT serves elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
address=${BULLA_RUN_ADDRESS:-127.0.0.1:8200}
export BULLA_ADDR=http://$address
mkdir -p -m 700 .run

# $$ is the server by now. Whatever else may answer at the address is not ours.
prepare() {
  for _ in $(seq 100); do
    sleep 0.1
    kill -0 $$ 2>/dev/null || return 0
    curl -fsS "$BULLA_ADDR/v1/sys/health" >/dev/null 2>&1 && break
  done
  export BULLA_TOKEN; BULLA_TOKEN=$(cat .run/dev-root-token)
  build/bulla token lookup >/dev/null 2>&1 || return 0
  build/bulla secrets list -format=json | grep -q '"transit/"' ||
    build/bulla secrets enable transit >/dev/null
  build/bulla read transit/keys/demo >/dev/null 2>&1 ||
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
