// Records through npm's node-vault: kv version 2 and 1, each verb that it can
// send. Prints one line of JSON at the end; any surprise ends the process with a
// stack trace.
'use strict';
const assert = require('assert');
const nodeVault = require('node-vault');

const isMissing = (error) => error.response.statusCode === 404;

// What a deleted or destroyed version answers: 404, with its metadata.
const isGone = (error) => isMissing(error)
  && error.response.body.data.data === null
  && (error.response.body.data.metadata.destroyed
    || error.response.body.data.metadata.deletion_time !== '');

async function patch(vault, path, data) {
  return vault.request({
    path: `/${path}`,
    method: 'PATCH',
    json: data,
    headers: { 'Content-Type': 'application/merge-patch+json' },
  });
}

async function version2(vault) {
  await vault.mount({ mount_point: 'secret', type: 'kv', options: { version: '2' } });
  const first = await vault.write('secret/data/app/db', {
    data: { user: 'app', deep: { n: 1, list: [1, 'two', null] } }, options: { cas: 0 },
  });
  assert.strictEqual(first.data.version, 1);
  await assert.rejects(vault.write('secret/data/app/db', { data: {}, options: { cas: 0 } }),
    (error) => error.response.statusCode === 400 && /did not match/.test(error.message));
  await vault.write('secret/data/app/db', { data: { user: 'other' } });
  assert.deepStrictEqual((await vault.read('secret/data/app/db')).data.data, { user: 'other' });
  assert.deepStrictEqual((await vault.read('secret/data/app/db?version=1')).data.data,
    { user: 'app', deep: { n: 1, list: [1, 'two', null] } });

  const patched = await patch(vault, 'secret/data/app/db', { data: { user: null, port: 5432 } });
  assert.strictEqual(patched.data.version, 3);
  assert.deepStrictEqual((await vault.read('secret/data/app/db')).data.data, { port: 5432 });
  assert.deepStrictEqual((await vault.read('secret/subkeys/app/db?version=1')).data.subkeys,
    { user: null, deep: { n: null, list: null } });

  await vault.delete('secret/data/app/db');
  await assert.rejects(vault.read('secret/data/app/db'), isGone);
  await vault.write('secret/undelete/app/db', { versions: [3] });
  await vault.write('secret/delete/app/db', { versions: [1, 2] });
  await assert.rejects(vault.read('secret/data/app/db?version=2'), isGone);
  await vault.write('secret/undelete/app/db', { versions: [1, 2] });
  await vault.write('secret/destroy/app/db', { versions: [1] });
  await vault.write('secret/undelete/app/db', { versions: [1] });
  await assert.rejects(vault.read('secret/data/app/db?version=1'), isGone);
  assert.deepStrictEqual((await vault.read('secret/data/app/db')).data.data, { port: 5432 });

  await vault.write('secret/metadata/app/db', {
    max_versions: 7, delete_version_after: '1h', custom_metadata: { type: 'password', team: 'a' },
  });
  await patch(vault, 'secret/metadata/app/db', { custom_metadata: { team: null, owner: 'ops' } });
  const metadata = (await vault.read('secret/metadata/app/db')).data;
  assert.deepStrictEqual(metadata.custom_metadata, { type: 'password', owner: 'ops' });
  assert.strictEqual(metadata.max_versions, 7);
  assert.strictEqual(metadata.delete_version_after, '1h0m0s');
  assert.deepStrictEqual(Object.entries(metadata.versions).map(([n, v]) => [n, v.destroyed]),
    [['1', true], ['2', false], ['3', false]]);

  await vault.write('secret/data/app', { data: {} });
  assert.deepStrictEqual((await vault.list('secret/metadata/')).data.keys, ['app', 'app/']);
  assert.deepStrictEqual((await vault.list('secret/metadata/app')).data.keys, ['db']);
  vault.noCustomHTTPVerbs = true;
  assert.deepStrictEqual((await vault.list('secret/metadata/app')).data.keys, ['db']);
  vault.noCustomHTTPVerbs = false;
  assert.deepStrictEqual((await vault.list('secret/detailed-metadata/app')).data.keys, ['db']);

  await vault.write('secret/config', { max_versions: 3, cas_required: true });
  assert.strictEqual((await vault.read('secret/config')).data.cas_required, true);
  await assert.rejects(vault.write('secret/data/app/db', { data: {} }),
    (error) => /check-and-set parameter required/.test(error.message));
  await vault.delete('secret/metadata/app/db');
  await assert.rejects(vault.read('secret/metadata/app/db'), isMissing);
  await assert.rejects(vault.list('secret/metadata/app'), isMissing);
}

async function version1(vault) {
  await vault.mount({ mount_point: 'old', type: 'kv' });
  await vault.write('old/a/b', { k: 'v', n: 12345678901234567 });
  const read = await vault.read('old/a/b');
  assert.strictEqual(read.data.k, 'v');
  assert.strictEqual(read.lease_duration, 2764800);
  await vault.write('old/a/b', { ttl: '1h' });
  assert.deepStrictEqual((await vault.read('old/a/b')).data, { ttl: '1h' });
  assert.deepStrictEqual((await vault.list('old/')).data.keys, ['a/']);
  await vault.delete('old/a/b');
  await vault.delete('old/a/b');
  await assert.rejects(vault.read('old/a/b'), isMissing);
  await assert.rejects(vault.list('old/'), isMissing);
}

async function main() {
  const vault = nodeVault({ apiVersion: 'v1', endpoint: process.argv[2], token: process.argv[3] });
  await version2(vault);
  await version1(vault);
  console.log(JSON.stringify({ ok: true }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
