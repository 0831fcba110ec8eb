// Stake-to-compute as users meet it: PHA put behind contracts by a plain transaction becomes their weight on every worker, and goes when it is taken back.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { OnChainRegistry, options, signCertificate } from '@phala/sdk'

import { contractFile, phala, sleep, startNetwork } from '../lib/network.mjs'
import { deploy, inBlock } from './deploy.mjs'

const PHA = 10n ** 12n
const perWeight = 10n ** 10n // 0.01 PHA
let network, api, alice, bob, contracts

before(async () => {
  network = await startNetwork({ args: ['--block-ms', '500'] })
  api = await ApiPromise.create(options({ provider: new WsProvider(network.rpc), noInitWarn: true }))
  const keyring = new Keyring({ type: 'sr25519' })
  alice = keyring.addFromUri('//Alice')
  bob = keyring.addFromUri('//Bob')
  const registry = await OnChainRegistry.create(api)
  const cert = await signCertificate({ pair: alice })
  contracts = []
  for (let i = 0; i < 2; i++) contracts.push((await deploy({ api, registry, pair: alice, cert, file: contractFile('flipper') }, 'new', true)).address.toHex())
})
after(async () => {
  await api?.disconnect()
  await network?.stop()
})

/** What each worker says that the contracts weigh: [[weight, weight], …]. */
const weights = () => Promise.all(network.workers.map(async ({ url }) => {
  const answer = await (await fetch(`${url}/prpc/PhactoryAPI.GetContractInfo?json=true`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ contracts }) })).json()
  return contracts.map((id) => Number(answer.contracts.find((c) => BigInt(c.id.startsWith('0x') ? c.id : `0x${c.id}`) === BigInt(id)).weight))
}))
async function weightsBecome(...expected) {
  const all = network.workers.map(() => expected)
  let now
  for (let i = 0; i < 100; i++, await sleep(100)) {
    now = await weights()
    if (JSON.stringify(now) === JSON.stringify(all)) return
  }
  assert.deepEqual(now, all)
}
const free = async (who) => (await api.query.system.account(who.address)).data.free.toBigInt()
const stake = (who, contract, amount) => inBlock(api.tx.phalaPhatTokenomic.adjustStake(contract, amount), who)

test('nothing staked, no weight', () => weightsBecome(0, 0))

test('stakes of 1:3 become weights of 1:3 on every worker', async () => {
  const before = await free(alice)
  await stake(alice, contracts[0], 10n * PHA)
  await stake(alice, contracts[1], 30n * PHA)
  await weightsBecome(Number(10n * PHA / perWeight), Number(30n * PHA / perWeight))
  assert.ok(before - await free(alice) >= 40n * PHA, 'the money has moved')
  assert.equal((await api.query.phalaPhatTokenomic.contractTotalStakes(contracts[1])).toBigInt(), 30n * PHA)
})

test('stakes of several users add up', async () => {
  await stake(bob, contracts[0], 5n * PHA)
  await weightsBecome(1500, 3000)
  assert.equal((await api.query.phalaPhatTokenomic.contractUserStakes(bob.address, contracts[0])).toBigInt(), 5n * PHA)
})

test('stake taken back takes the weight with it, and returns', async () => {
  const before = await free(alice)
  await stake(alice, contracts[1], PHA)
  await weightsBecome(1500, 100)
  await stake(alice, contracts[0], 0)
  await weightsBecome(500, 100)
  assert.ok(await free(alice) - before > 38n * PHA, 'less fees')
})

test('the command line does and shows the same', async () => {
  const run = async (args, code = 0) => {
    const done = await phala(['contract', 'stake', ...args, '--json'], { env: { PHALA_RPC: network.rpc, PHALA_KEY: '//Bob' } })
    assert.equal(done.code, code, done.stdout + done.stderr)
    return JSON.parse(code === 0 ? done.stdout : done.stderr)
  }
  const { block, ...set } = await run([contracts[1], String(2n * PHA)])
  assert.deepEqual(set, { contract: contracts[1], stake: String(2n * PHA), total: String(3n * PHA), weight: 300 })
  assert.ok(block > 0)
  assert.deepEqual(await run([contracts[1]]), set, 'without an amount it only shows')
  await weightsBecome(500, 300)
  assert.deepEqual((await run([contracts[1], '0'])).weight, 100)
  assert.match((await run(['0x' + '77'.repeat(32), '1'], 3)).error, /the chain knows no contract/)
  assert.match((await run([contracts[0], '1' + '0'.repeat(30)], 4)).error, /the stake was not changed/)
})
