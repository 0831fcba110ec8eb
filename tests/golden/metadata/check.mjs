// Decodes metadata.hex with the published client and checks what applications rely on (docs/protocol.md §3.2).
// Usage: node check.mjs [FOLDER WITH node_modules]     (@polkadot/api 10.13.1)
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(resolve(process.argv[2] ?? '.'), 'package.json'));
const { TypeRegistry, Metadata, expandMetadata } = require('@polkadot/types');

const hex = readFileSync(join(here, 'metadata.hex'), 'utf8').trim();
console.warn = () => {};
const registry = new TypeRegistry();
const metadata = new Metadata(registry, hex);
registry.setMetadata(metadata);
const { tx, query, consts, events, errors } = expandMetadata(registry, metadata);

assert.equal(metadata.version, 14);
const paths = new Set(metadata.asLatest.lookup.types.map(({ type }) => type.path.join('::')));
for (const path of [
  'sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic', 'frame_system::EventRecord', 'sp_weights::weight_v2::Weight',
  'sp_core::crypto::AccountId32', 'sp_runtime::multiaddress::MultiAddress', 'sp_runtime::MultiSignature', 'sp_runtime::generic::era::Era',
  'primitive_types::H256', 'sp_runtime::DispatchError', 'frame_support::dispatch::DispatchInfo', 'phala_runtime::RuntimeCall', 'phala_runtime::RuntimeEvent',
]) assert(paths.has(path), `no type ${path}`);

assert.deepEqual(metadata.asLatest.extrinsic.signedExtensions.map((e) => e.identifier.toString()), [
  'CheckNonZeroSender', 'CheckSpecVersion', 'CheckTxVersion', 'CheckGenesis', 'CheckMortality', 'CheckNonce', 'CheckWeight', 'CheckMqSequence',
  'ChargeTransactionPayment']);

// every storage item, call, event and error can be built
const indices = Object.fromEntries(metadata.asLatest.pallets.map((p) => [p.name.toString(), p.index.toNumber()]));
for (const [name, index] of Object.entries({ System: 1, Utility: 2, Timestamp: 4, Balances: 7, TransactionPayment: 8, Sudo: 22,
  RandomnessCollectiveFlip: 27, PhalaMq: 40, PhalaRegistry: 41, PhalaPhatContracts: 48, PhalaPhatTokenomic: 49 })) assert.equal(indices[name], index, name);
for (const pallet of metadata.asLatest.pallets) {
  if (pallet.storage.isSome)
    for (const item of pallet.storage.unwrap().items) {
      const { type } = item, value = type.isPlain ? type.asPlain : type.asMap.value;
      const name = registry.createLookupType(value);
      if (item.modifier.isDefault) assert.equal(registry.createType(name, item.fallback).toHex() !== undefined, true, `${pallet.name}.${item.name}`);
      if (type.isMap && type.asMap.hashers.length > 1) assert.equal(registry.lookup.getSiType(type.asMap.key).def.asTuple.length, type.asMap.hashers.length);
    }
}
for (const [section, methods] of Object.entries({
  system: ['remark', 'setStorage', 'killStorage', 'killPrefix', 'remarkWithEvent'],
  utility: ['batch', 'asDerivative', 'batchAll', 'dispatchAs', 'forceBatch', 'withWeight'],
  timestamp: ['set'],
  balances: ['transferAllowDeath', 'forceTransfer', 'transferKeepAlive', 'transferAll', 'forceUnreserve', 'upgradeAccounts', 'forceSetBalance'],
  sudo: ['sudo', 'sudoUncheckedWeight', 'setKey', 'sudoAs', 'removeKey'],
  phalaMq: ['syncOffchainMessage', 'pushMessage', 'forcePushPalletMessage'],
  phalaRegistry: ['forceSetBenchmarkDuration', 'forceRegisterWorker', 'forceRegisterTopicPubkey', 'registerGatekeeper', 'unregisterGatekeeper', 'rotateMasterKey',
    'registerWorker', 'registerWorkerV2', 'updateWorkerEndpoint', 'addPruntime', 'removePruntime', 'addRelaychainGenesisBlockHash',
    'removeRelaychainGenesisBlockHash', 'setMinimumPruntimeVersion', 'setPruntimeConsensusVersion', 'setTrustedNtpServers'],
  phalaPhatContracts: ['addCluster', 'clusterUploadResource', 'transferToCluster', 'pushContractMessage', 'instantiateContract', 'clusterDestroy',
    'setPinkSystemCode', 'setPinkRuntimeVersion', 'addWorkerToCluster', 'removeWorkerFromCluster', 'cleanupRemovedWorkers'],
  phalaPhatTokenomic: ['adjustStake'],
})) {
  for (const method of methods) {
    const call = tx[section]?.[method];
    assert(call, `no call ${section}.${method}`);
    for (const { type } of call.meta.args) registry.createType(type.toString());
  }
}
const indexOf = (section, method) => tx[section][method].callIndex[1];
assert.deepEqual(['registerWorkerV2', 'updateWorkerEndpoint', 'addPruntime', 'setTrustedNtpServers'].map((m) => indexOf('phalaRegistry', m)), [7, 8, 9, 15]);
assert.deepEqual(['addCluster', 'instantiateContract', 'cleanupRemovedWorkers'].map((m) => indexOf('phalaPhatContracts', m)), [0, 4, 10]);

const { compactStripLength, u8aToHex } = require('@polkadot/util');
const keyOf = (entry, ...keys) => u8aToHex(compactStripLength(entry(...keys))[1]);

// what the SDK reads
const alice = '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d';
assert.equal(keyOf(query.system.account, alice), '0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d');
assert.equal(keyOf(query.timestamp.now), '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb');
assert.equal(keyOf(query.system.events), '0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7');
const account = registry.createType('FrameSystemAccountInfo', query.system.account.meta.fallback);
assert.equal(account.toU8a().length, 80);
assert.equal(account.data.free.toString(), '0');
for (const [section, items] of Object.entries({
  phalaPhatContracts: ['contracts', 'clusterCounter', 'clusters', 'clusterContracts', 'clusterWorkers', 'clusterByWorkers', 'pinkSystemCode', 'pinkSystemCodeHash', 'pinkRuntimeVersion'],
  phalaPhatTokenomic: ['contractUserStakes', 'contractTotalStakes', 'minStake'],
  phalaRegistry: ['contractKeys', 'endpoints', 'workers', 'gatekeeper', 'gatekeeperMasterPubkey', 'clusterKeys', 'pRuntimeAllowList'],
  phalaMq: ['offchainIngress', 'queuedOutboundMessage', 'outboundMessages'],
  balances: ['totalIssuance', 'locks', 'reserves', 'holds', 'freezes'],
})) for (const item of items) assert(query[section]?.[item], `no storage ${section}.${item}`);
assert.equal(query.phalaPhatContracts.clusters.meta.modifier.toString(), 'Optional');
assert.equal(query.phalaPhatContracts.clusterWorkers.meta.modifier.toString(), 'Default');
const cluster = registry.createType(registry.createLookupType(query.phalaPhatContracts.clusters.meta.type.asMap.value),
  '0x' + '11'.repeat(32) + '00' + '22'.repeat(32) + '01'.padEnd(32, '0') + '02'.padEnd(32, '0') + '03'.padEnd(32, '0'));
assert.deepEqual(tx.phalaPhatTokenomic.adjustStake.meta.args.map(({ name, type }) => `${name}: ${registry.createType(type.toString()).toRawType()}`), ['contract: H256', 'amount: u128']);
assert.deepEqual(events.phalaPhatTokenomic.UserStakeChanged.meta.fields.map((f) => f.name.unwrap().toString()), ['cluster', 'account', 'contract', 'stake']);
assert.equal(cluster.systemContract.toHex(), '0x' + '22'.repeat(32));
assert.equal(cluster.gasPrice.toString(), '1');
const key = registry.createType(registry.createLookupType(query.phalaRegistry.contractKeys.meta.type.asMap.value), '0x' + '33'.repeat(32));
assert.equal(key.toString(), '0x' + '33'.repeat(32));
const endpoints = registry.createType(registry.createLookupType(query.phalaRegistry.endpoints.meta.type.asMap.value), { V1: ['http://x'] });
assert.equal(endpoints.asV1[0].toString(), 'http://x');

// names of event fields and calls built by name
const weight = registry.createType('Weight', { refTime: 5, proofSize: 7 });
assert.equal(weight.toHex(), '0x141c');
const push = tx.phalaPhatContracts.pushContractMessage('0x' + '44'.repeat(32), '0x0102', 0);
assert.equal(push.toHex(), '0x3003' + '44'.repeat(32) + '080102' + '00'.repeat(16));
const nested = tx.sudo.sudo(tx.utility.batchAll([tx.balances.transferKeepAlive(alice, 12), push]));
assert.equal(nested.args[0].args[0].length, 2);
const instantiating = metadata.asLatest.lookup.types.find(({ type }) => type.path.join('::') === 'phala_pallets::phat::pallet::Event').type.def.asVariant.variants[4];
assert.deepEqual(instantiating.fields.map((f) => f.name.unwrap().toString()), ['contract', 'cluster', 'deployer']);
assert(errors.phalaPhatContracts.WorkerIsBusy && errors.balances.InsufficientBalance && events.system.ExtrinsicFailed);

// constants a signer needs
assert.equal(consts.system.ss58Prefix.toNumber(), 30);
assert.equal(consts.system.blockHashCount.toNumber(), 2400);
assert.equal(consts.timestamp.minimumPeriod.toNumber(), 1500);
assert.equal(consts.system.version.specName.toString(), 'phala-node');

// an extrinsic decodes with the types that the metadata names
const golden = JSON.parse(readFileSync(join(here, 'extrinsics.json'), 'utf8'));
registry.setSignedExtensions(metadata.asLatest.extrinsic.signedExtensions.map((e) => e.identifier.toString()), { CheckMqSequence: { extrinsic: {}, payload: {} } });
for (const { name, extrinsic } of golden.signed) {
  const x = registry.createType('Extrinsic', extrinsic);
  assert.equal(x.toHex(), extrinsic, name);
  assert(x.isSigned);
}
console.log(`metadata: ${metadata.asLatest.lookup.types.length} types, ${metadata.asLatest.pallets.length} pallets, all as clients need them`);
