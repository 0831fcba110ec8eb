// Loads .contract files with the published @polkadot/api-contract, unchanged, and checks what a client relies on:
// the code hash, every selector against an optional table, and that every return type decodes.
// Usage: node check.mjs FILE.contract [FILE.selectors.json] …
import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';
import { Abi } from '@polkadot/api-contract';
import { blake2AsHex } from '@polkadot/util-crypto';

/** The bytes of a value of this type: the registry's own zero value, encoded. */
function zero(abi, type) {
  return abi.registry.createTypeUnsafe(type.lookupName || type.type, []);
}

function check(path, table) {
  const json = JSON.parse(readFileSync(path, 'utf8'));
  const abi = new Abi(json);
  assert.equal(json.source.hash, blake2AsHex(json.source.wasm, 256), `${path}: source.hash is not the hash of source.wasm`);
  assert.equal(abi.info.source.wasm.toHex(), json.source.wasm);
  assert.ok(abi.constructors.length > 0, `${path}: no constructor`);

  for (const message of [...abi.constructors, ...abi.messages]) {
    const values = message.args.map((arg) => zero(abi, arg.type));
    const encoded = message.toU8a(values);
    const selector = message.selector.toU8a();
    // toU8a prefixes the compact length of the whole call
    const text = Buffer.from(encoded).toString('hex');
    assert.ok(text.includes(Buffer.from(selector).toString('hex')), `${path}: ${message.identifier} does not start with its selector`);
    if (message.returnType) {
      const value = zero(abi, message.returnType);
      const again = abi.registry.createTypeUnsafe(message.returnType.lookupName || message.returnType.type, [value.toU8a()]);
      assert.equal(again.toHex(), value.toHex(), `${path}: return of ${message.identifier} does not survive encoding`);
    }
    if (message.isPayable === undefined || message.isMutating === undefined) assert.ok(message.isConstructor, `${path}: ${message.identifier}`);
  }
  if (table) {
    const wanted = JSON.parse(readFileSync(table, 'utf8'));
    const found = Object.fromEntries([...abi.constructors, ...abi.messages].map((m) => [m.identifier, m.selector.toHex()]));
    assert.deepEqual(found, wanted, `${path}: selectors differ from ${table}`);
  }
  console.log(`${path}: ${abi.constructors.length} constructors, ${abi.messages.length} messages, ${abi.events.length} events`);
}

const files = process.argv.slice(2);
assert.ok(files.length > 0, 'name at least one .contract file');
for (let i = 0; i < files.length; ++i) {
  const table = files[i + 1]?.endsWith('.selectors.json') ? files[i + 1] : undefined;
  check(files[i], table);
  if (table) ++i;
}
process.exit(0);
