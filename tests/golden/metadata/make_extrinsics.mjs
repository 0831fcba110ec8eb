// Signs a few extrinsics with the published client for metadata.hex, on a chain whose genesis is 0x11…11 and whose block 5 is 0x55…55.
// Usage: node make_extrinsics.mjs [FOLDER WITH node_modules] > extrinsics.json     (@polkadot/api 10.13.1)
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(resolve(process.argv[2] ?? '.'), 'package.json'));
const { TypeRegistry, Metadata, expandMetadata } = require('@polkadot/types');
const { Keyring } = require('@polkadot/keyring');
const { cryptoWaitReady } = require('@polkadot/util-crypto');
await cryptoWaitReady();
console.warn = () => {};

const registry = new TypeRegistry();
const metadata = new Metadata(registry, readFileSync(join(here, 'metadata.hex'), 'utf8').trim());
registry.setMetadata(metadata, undefined, { CheckMqSequence: { extrinsic: {}, payload: {} } });
const { tx } = expandMetadata(registry, metadata);

const genesisHash = '0x' + '11'.repeat(32), blockHash = '0x' + '55'.repeat(32);
const pair = (uri, type) => new Keyring({ type }).addFromUri(uri, {}, type);
const alice = pair('//Alice', 'sr25519'), bob = pair('//Bob', 'ed25519'), charlie = pair('//Charlie', 'ecdsa');
const dest = pair('//Dave', 'sr25519').publicKey;

function sign(name, signer, call, { nonce = 0, tip = 0, mortal = false } = {}) {
  const x = registry.createType('Extrinsic', call, { version: 4 });
  const era = mortal ? registry.createType('ExtrinsicEra', { current: 5, period: 64 }) : registry.createType('ExtrinsicEra', '0x00');
  x.sign(signer, { era, nonce, tip, genesisHash, blockHash: mortal ? blockHash : genesisHash, runtimeVersion: { specVersion: 101, transactionVersion: 1 }, signedExtensions: registry.signedExtensions });
  return { name, signer: '0x' + Buffer.from(signer.addressRaw).toString('hex'), extrinsic: x.toHex() };
}

const transfer = tx.balances.transferKeepAlive(dest, 1_000_000_000_000n);
process.stdout.write(JSON.stringify({
  genesisHash, block: 5, blockHash,
  signed: [
    sign('sr25519 immortal', alice, transfer),
    sign('ed25519 mortal with tip', bob, tx.utility.batchAll([transfer, tx.system.remarkWithEvent('0x010203')]), { tip: 12345, mortal: true }),
    sign('ecdsa, payload over 256 bytes', charlie, tx.system.remark('0x' + 'ab'.repeat(300)), { mortal: true }),
    sign('nested sudo', alice, tx.sudo.sudo(tx.phalaRegistry.addPruntime('0x' + '01'.repeat(68))), { nonce: 1 }),
  ],
}, null, 2) + '\n');
