// On a development chain a week passes in a moment, and the workers follow: the time is part of the next block, so what they check stays valid.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { OnChainRegistry, getContract, options, signCertificate } from '@phala/sdk'

import { contractFile, sleep, startNetwork } from '../lib/network.mjs'
import { deploy } from './deploy.mjs'

const week = 7 * 24 * 3600 * 1000
let network, api, registry, alice, cert, contract

const info = (worker, method = 'GetInfo') => fetch(`${worker.url}/prpc/PhactoryAPI.${method}?json=true`).then((r) => r.json())
const send = (method, ...params) => api._rpcCore.provider.send(method, params)
const height = async () => (await api.rpc.chain.getHeader()).number.toNumber()
/** Waits until each worker has processed the block and they agree on the cluster's state. */
async function caughtUp(block) {
  for (let tries = 0; ; tries++, await sleep(100)) {
    const states = await Promise.all(network.workers.map((w) => info(w)))
    const roots = await Promise.all(network.workers.map((w) => info(w, 'GetClusterInfo')))
    if (states.every((s) => s.blocknum > block) && new Set(states.map((s) => s.blocknum)).size === 1 && new Set(roots.map((r) => r.info.state_root)).size === 1) return states
    assert.ok(tries < 300, JSON.stringify(states.map((s) => s.blocknum)))
  }
}

before(async () => {
  network = await startNetwork({ args: ['--block-ms', '500'] })
  api = await ApiPromise.create(options({ provider: new WsProvider(network.rpc), noInitWarn: true }))
  alice = new Keyring({ type: 'sr25519' }).addFromUri('//Alice')
  registry = await OnChainRegistry.create(api)
  cert = await signCertificate({ pair: alice })
  contract = await deploy({ api, registry, pair: alice, cert, file: contractFile('flipper') }, 'new', true)
})
after(async () => {
  await api?.disconnect()
  await network?.stop()
})

test('a week passes, and the workers are a week later', async () => {
  const [before] = await caughtUp(await height())
  const start = (await api.query.timestamp.now()).toNumber()
  const there = await send('dev_timeTravel', start + week)
  assert.ok(there >= start + week)
  await send('dev_newBlock')
  const block = await height()
  const states = await caughtUp(block)
  for (const state of states) {
    assert.ok(state.current_block_time >= before.current_block_time + week - 1000, `${state.current_block_time - before.current_block_time} ms later`)
    assert.equal(state.registered, true)
    assert.equal(state.gatekeeper.role, 2)
  }
})

test('afterwards blocks, messages and queries go on as before', async () => {
  const sent = await contract.send.incBy({ pair: alice, cert }, 5)
  await sent.waitFinalized()
  await caughtUp(await height())
  for (const worker of network.workers) {
    const there = await OnChainRegistry.create(api, { clusterId: network.clusterId, workerId: worker.publicKey, pruntimeURL: worker.url })
    const { output } = await (await getContract({ client: there, contractId: contract.address.toHex(), abi: contractFile('flipper') })).query.counter(alice.address, { cert })
    assert.equal(output.asOk.toNumber(), 5)
  }
  const now = (await api.query.timestamp.now()).toNumber()
  const at = await height()
  while (await height() < at + 2) await sleep(100)
  const passed = (await api.query.timestamp.now()).toNumber() - now
  assert.ok(passed > 0 && passed < 60_000, `time goes on from there, by ${passed} ms`)
})

test('several weeks, one after the other, by their dates', async () => {
  for (let i = 0; i < 3; i++) {
    const now = (await api.query.timestamp.now()).toNumber()
    await send('dev_timeTravel', new Date(now + week).toISOString())
    await send('dev_newBlock', { count: 3 })
    const [state] = await caughtUp(await height())
    assert.ok(state.current_block_time >= now + week)
  }
})
