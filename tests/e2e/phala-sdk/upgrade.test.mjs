// A running cluster goes to a newer contract runtime: refused while it is not released, taken up without losing anything, the same after a restart; and what a
// worker's build does not have stops it with a reason, and harms nothing.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { OnChainRegistry, getContract, options, signCertificate } from '@phala/sdk'

import { contractFile, sleep, startNetwork } from '../lib/network.mjs'
import { deploy, inBlock } from './deploy.mjs'

let network, base, api, registry, alice, cert
const contracts = {}

const info = async (worker, method) => (await fetch(`${worker.url}/prpc/PhactoryAPI.${method}?json=true`)).json()
const clusters = () => Promise.all(network.workers.map(async (w) => (await info(w, 'GetClusterInfo')).info))
async function until(what, condition) {
  for (let i = 0; i < 150; i++, await sleep(200)) if (await condition()) return
  assert.fail(`waited half a minute for ${what}`)
}
const versionsBecome = (version) => until(`contract runtime ${version} on all workers`, async () => (await clusters()).every((c) => c.runtime_version === version))
const rootsAgree = () => until('equal roots', async () => new Set((await clusters()).map((c) => c.state_root)).size === 1)
const logOf = (name) => readFileSync(join(base, 'logs', `${name}.log`), 'utf8')
/** What the owner is told before anything is sent. */
const wouldUpgrade = async (version) => (await registry.systemContract.query['system::upgradeRuntime'](alice.address, { cert }, version)).output
const upgrade = (version) => registry.systemContract.send['system::upgradeRuntime']({ pair: alice, cert }, version)
const evaluate = () => contracts.phat.query.evaluate(alice.address, { cert }, '1', [])
const counter = async () => (await contracts.flipper.query.counter(alice.address, { cert })).output.asOk.toNumber()

async function connect() {
  api = await ApiPromise.create(options({ provider: new WsProvider(network.rpc), noInitWarn: true }))
  alice = new Keyring({ type: 'sr25519' }).addFromUri('//Alice')
  registry = await OnChainRegistry.create(api)
  cert = await signCertificate({ pair: alice })
  for (const [name, contract] of Object.entries(contracts)) contracts[name] = await getContract({ client: registry, contractId: contract.address.toHex(), abi: contractFile(name) })
}
async function disconnect() {
  await api?.disconnect()
  return network?.stop()
}

before(async () => {
  base = mkdtempSync(join(tmpdir(), 'phala-upgrade-'))
  network = await startNetwork({ base, args: ['--block-ms', '500'] })
  await network.stop()
  // the same network, if its chain had begun with contract runtime 1.1
  const file = join(base, 'chain.json')
  const spec = readFileSync(file, 'utf8')
  const older = spec.replace(/("pinkRuntimeVersion":\s*\[\s*1,\s*)2/, '$11')
  assert.notEqual(older, spec)
  writeFileSync(file, older)
  for (const name of ['node', 'relay', ...network.workers.map((_, i) => `worker-${i + 1}`)]) rmSync(join(base, name), { recursive: true })
  network = await startNetwork({ base, args: ['--block-ms', '500'] })
  await connect()
  for (const [name, constructor, ...args] of [['flipper', 'new', true], ['phat', 'new']]) contracts[name] = await deploy({ api, registry, pair: alice, cert, file: contractFile(name) }, constructor, ...args)
})
after(async () => {
  await disconnect()
  rmSync(base, { recursive: true, force: true })
})

test('a cluster begins with the version of its chain', async () => {
  await versionsBecome('1.1')
  assert.equal((await info(network.workers[0], 'GetInfo')).max_supported_pink_runtime_version, '1.2')
  await (await contracts.flipper.send.incBy({ pair: alice, cert }, 41)).waitFinalized(async () => await counter() === 41)
  assert.deepEqual((await evaluate()).result.toJSON(), { err: { module: { index: 5, error: '0x01000000' } } }, 'JavaScript came with 1.2: Pink::UnknownChainExtensionFunction')
})

test('an upgrade to what is not released is refused, and the log says why', async () => {
  assert.equal((await wouldUpgrade([1, 3])).asOk.asErr.toString(), 'ConditionNotMet')
  assert.ok((await wouldUpgrade([1, 2])).asOk.isOk)
  const { records } = await registry.loggerContract.tail(100, { contract: network.systemContract })
  assert.ok(records.some((r) => r.message === 'contract runtime 1.3 is not released: the chain names none, and this cluster runs 1.1'), JSON.stringify(records))
  await versionsBecome('1.1')
})

test('the owner upgrades the running cluster, and everything is still there', async () => {
  await upgrade([1, 2])
  await versionsBecome('1.2')
  assert.equal(await counter(), 41)
  assert.deepEqual((await evaluate()).output.toJSON(), { ok: [5, 'No js runtime'] })
  await (await contracts.flipper.send.incBy({ pair: alice, cert }, 1)).waitFinalized(async () => await counter() === 42)
  await rootsAgree()
})

test('and so it is after a restart of all programs', async () => {
  const roots = new Set((await clusters()).map((c) => c.state_root))
  await disconnect()
  network = await startNetwork({ base, args: ['--block-ms', '500'] })
  await connect()
  await versionsBecome('1.2')
  assert.deepEqual(new Set((await clusters()).map((c) => c.state_root)), roots)
  assert.equal(await counter(), 42)
})

test('a release that the build lacks is announced, and stops the workers once the cluster takes it up', async () => {
  await inBlock(api.tx.sudo.sudo(api.tx.phalaPhatContracts.setPinkRuntimeVersion([1, 3])), alice)
  await until('the warning', async () => /the chain names contract runtime 1\.3, which this build does not have/.test(logOf('worker-1')))
  assert.ok((await wouldUpgrade([1, 3])).asOk.isOk)
  await upgrade([1, 3])
  const reason = /upgrade of cluster 0x[0-9a-f]{64}: the cluster needs contract runtime 1\.3; this build has 1\.0, 1\.1, 1\.2 \(install a worker that has it/
  await until('the reason', async () => ['worker-1', 'worker-2', 'relay'].some((name) => reason.test(logOf(name))))
  const stands = (await info(network.workers[0], 'GetInfo')).blocknum
  await sleep(2000)
  assert.equal((await info(network.workers[0], 'GetInfo')).blocknum, stands)
  await versionsBecome('1.2')
  await rootsAgree()
})
