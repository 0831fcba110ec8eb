// Loads .contract files with the published @polkadot/api-contract, unchanged, and checks what a client relies on:
// the code hash and that every return type decodes. With --as NAME the file must have everything of the ABI of that name which the
// published @phala/sdk carries inside: labels, selectors, and types that encode alike; --also adds selectors that the SDK does not know.
// Usage: node check.mjs FILE.contract [--as NAME] [--also FILE.selectors.json] …
import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';
import { Abi } from '@polkadot/api-contract';
import { blake2AsHex } from '@polkadot/util-crypto';

/** The bytes of a value of this type: the registry's own zero value, encoded. */
function zero(abi, type) {
  return abi.registry.createTypeUnsafe(type.lookupName || type.type, []);
}

/** What a type encodes as; a struct of one nameless field is that field. */
function shape(json, id) {
  const { def } = json.types.find((one) => one.id === id).type;
  const fields = (list) => (list ?? []).map((field) => [field.name ?? null, shape(json, field.type)]);
  if (def.primitive) return def.primitive;
  if (def.composite) {
    const inner = fields(def.composite.fields);
    return inner.length === 1 && inner[0][0] === null ? inner[0][1] : { composite: inner };
  }
  if (def.variant) return { variant: (def.variant.variants ?? []).map((one) => [one.index, one.name, fields(one.fields)]) };
  if (def.sequence) return { sequence: shape(json, def.sequence.type) };
  if (def.array) return { array: [def.array.len, shape(json, def.array.type)] };
  if (def.tuple) return { tuple: def.tuple.map((one) => shape(json, one)) };
  return { compact: shape(json, def.compact.type) };
}
/** What a client needs to call a message. */
function signature(json, message) {
  return {
    label: message.label,
    selector: message.selector,
    payable: message.payable,
    args: message.args.map((arg) => [arg.label, shape(json, arg.type.type)]),
    returns: message.returnType ? shape(json, message.returnType.type) : null,
  };
}
const messages = (json) => [...json.spec.constructors, ...json.spec.messages].map((message) => signature(json, message));

function checkAgainst(path, json, wanted, also) {
  const found = messages(json);
  for (const message of messages(wanted)) {
    assert.deepEqual(found.find((one) => one.selector === message.selector), message, `${path}: ${message.label} differs from the SDK's`);
  }
  const known = new Set(messages(wanted).map((one) => one.selector));
  const more = Object.fromEntries(found.filter((one) => !known.has(one.selector)).map((one) => [one.label, one.selector]));
  assert.deepEqual(more, also ? JSON.parse(readFileSync(also, 'utf8')) : {}, `${path}: messages beyond the SDK's`);
}

async function check(path, as, also) {
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
  if (as) {
    const { abis } = await import('@phala/sdk');
    assert.ok(abis[as], `@phala/sdk has no ABI ${as}`);
    checkAgainst(path, json, abis[as], also);
  }
  console.log(`${path}: ${abi.constructors.length} constructors, ${abi.messages.length} messages, ${abi.events.length} events${as ? `, as ${as} of @phala/sdk` : ''}`);
}

const words = process.argv.slice(2);
assert.ok(words.length > 0, 'name at least one .contract file');
while (words.length > 0) {
  const path = words.shift();
  const option = (name) => (words[0] === name ? words.splice(0, 2)[1] : undefined);
  const as = option('--as');
  await check(path, as, option('--also'));
}
process.exit(0);
