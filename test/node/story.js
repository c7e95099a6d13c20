// The main story through npm's node-vault. Prints one line of JSON at the end;
// any surprise ends the process with a stack trace.
'use strict';
const assert = require('assert');
const nodeVault = require('node-vault');

const b64 = (text) => Buffer.from(text).toString('base64');

async function main() {
  const endpoint = process.argv[2];
  const vault = nodeVault({ apiVersion: 'v1', endpoint });

  assert.deepStrictEqual((await vault.initialized()).initialized, false);
  const made = await vault.init({ secret_shares: 3, secret_threshold: 2 });
  assert.strictEqual(made.keys.length, 3);
  assert.strictEqual((await vault.status()).sealed, true);
  assert.strictEqual((await vault.health()).sealed, true);
  await vault.unseal({ key: made.keys[0] });
  const open = await vault.unseal({ key: made.keys_base64[2] });
  assert.strictEqual(open.sealed, false);
  vault.token = made.root_token;

  await vault.mount({ mount_point: 'transit', type: 'transit' });
  assert('transit/' in (await vault.mounts()).data);
  await vault.addPolicy({
    name: 'encrypt-only',
    rules: 'path "transit/encrypt/app" { capabilities = ["update"] }',
  });
  assert((await vault.policies()).data.policies.includes('encrypt-only'));

  await vault.write('transit/keys/app', {});
  const limited = await vault.tokenCreate({ policies: ['encrypt-only'], ttl: '10m' });
  vault.token = made.root_token; // node-vault takes over each token it creates
  const app = nodeVault({ apiVersion: 'v1', endpoint, token: limited.auth.client_token });
  const first = (await app.write('transit/encrypt/app', { plaintext: b64('hello') }))
    .data.ciphertext;
  await assert.rejects(app.write('transit/decrypt/app', { ciphertext: first }),
    (error) => error.response.statusCode === 403 && /permission denied/.test(error.message));

  await vault.write('transit/keys/app/rotate', {});
  const second = (await vault.write('transit/rewrap/app', { ciphertext: first })).data;
  assert.strictEqual(second.key_version, 2);
  const opened = (await vault.write('transit/decrypt/app',
    { ciphertext: second.ciphertext })).data.plaintext;
  assert.strictEqual(Buffer.from(opened, 'base64').toString(), 'hello');
  assert.deepStrictEqual((await vault.list('transit/keys')).data.keys, ['app']);
  const batch = await vault.write('transit/encrypt/app',
    { batch_input: [{ plaintext: b64('a') }, { plaintext: b64('b') }] });
  assert.strictEqual(batch.data.batch_results.length, 2);

  const me = await app.tokenLookupSelf();
  assert.deepStrictEqual(me.data.policies, ['default', 'encrypt-only']);
  await vault.tokenRevoke({ token: limited.auth.client_token });
  await assert.rejects(app.tokenLookupSelf(), (e) => e.response.statusCode === 403);

  await vault.seal();
  assert.strictEqual((await vault.status()).sealed, true);
  console.log(JSON.stringify({ ok: true }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
