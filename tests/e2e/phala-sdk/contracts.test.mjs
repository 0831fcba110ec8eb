// What a dapp developer does with the published SDK, in order, against a real network: connect, upload, instantiate, query, send, read logs.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { OnChainRegistry, getContract, options, signCertificate } from '@phala/sdk'

import { contractFile, startNetwork } from '../lib/network.mjs'
import { deploy } from './deploy.mjs'

let network, api, registry, alice, bob, cert, server, serverUrl
const contracts = {}
const served = []

before(async () => {
  server = createServer((request, response) => {
    served.push(request.url)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ price: '4321.5' }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  serverUrl = `http://127.0.0.1:${server.address().port}`
  network = await startNetwork({ args: ['--block-ms', '500', '--allow-egress', '127.0.0.0/8'] })
  api = await ApiPromise.create(options({ provider: new WsProvider(network.rpc), noInitWarn: true }))
  const keyring = new Keyring({ type: 'sr25519' })
  alice = keyring.addFromUri('//Alice')
  bob = keyring.addFromUri('//Bob')
})

after(async () => {
  await api?.disconnect()
  server?.close()
  if (network) assert.deepEqual(await network.stop(), { code: 0, signal: null }, 'Ctrl-C ends the network cleanly')
})

test('the registry finds cluster, worker, system contract and log server', async () => {
  registry = await OnChainRegistry.create(api)
  assert.equal(registry.clusterId, network.clusterId)
  assert.ok(network.workers.some((w) => w.url === registry.pruntimeURL))
  assert.equal(registry.systemContract.address.toHex(), network.systemContract)
  assert.ok(registry.loggerContract, 'the built-in log server answers as the PinkLogger driver')
  assert.ok(registry.gasPrice.gtn(0), 'gas costs something')
  cert = await signCertificate({ pair: alice })
})

const deployed = async (name, constructor, ...args) => (contracts[name] = await deploy({ api, registry, pair: alice, cert, file: contractFile(name) }, constructor, ...args))

test('an ink! contract is uploaded and instantiated, with estimate and deposit', async () => {
  const flipper = await deployed('flipper', 'new', true)
  assert.match(flipper.address.toHex(), /^0x[0-9a-f]{64}$/)
})

test('an encrypted query answers the certificate holder', async () => {
  const { output, gasRequired } = await contracts.flipper.query.get(alice.address, { cert })
  assert.equal(output.asOk.toPrimitive(), true)
  assert.ok(gasRequired.refTime.toBigInt() > 0n)
})

test('a transaction changes the state; waitFinalized returns after the worker ran it', async () => {
  const sent = await contracts.flipper.send.flip({ pair: alice, cert })
  await sent.waitFinalized()
  const { output } = await contracts.flipper.query.get(alice.address, { cert })
  assert.equal(output.asOk.toPrimitive(), false)
  const flips = await contracts.flipper.query.flipsOf(alice.address, { cert }, alice.publicKey)
  assert.equal(flips.output.asOk.toNumber(), 1, 'the contract saw the real sender')
})

test('a plain transaction by another account, with a result in the logs', async () => {
  const theirs = await signCertificate({ pair: bob })
  const sent = await contracts.flipper.send.incBy({ pair: bob, cert: theirs, plain: true }, 41)
  await sent.waitFinalized(async () => (await contracts.flipper.query.counter(bob.address, { cert: theirs })).output.asOk.toNumber() === 41)
})

test('a message that reverts makes waitFinalized throw its error', async () => {
  // the estimate of a reverting message is sent anyway by giving the gas limit oneself; the contract refuses to overflow
  const sent = await contracts.flipper.send.incBy({ pair: alice, cert, gasLimit: 10_000_000_000n }, 0xffffffff)
  await assert.rejects(sent.waitFinalized(async () => false, { timeout: 20_000 }), /Overflow/)
})

test('logs, events and outputs of a contract can be read', async () => {
  const { records } = await registry.loggerContract.tail(50, { contract: contracts.flipper.address.toHex() })
  const types = new Set(records.map((r) => r.type))
  assert.ok(types.has('MessageOutput') && types.has('Event'), [...types].join())
  const info = await registry.loggerContract.getInfo()
  assert.ok(info.nextSequence >= records.length)
})

test('one contract calls another', async () => {
  const caller = await deployed('caller', 'new', contracts.flipper.address)
  const sent = await caller.send.increase({ pair: alice, cert }, 1)
  await sent.waitFinalized()
  const { output } = await contracts.flipper.query.counter(alice.address, { cert })
  assert.equal(output.asOk.toNumber(), 42)
})

test('a query fetches JSON over HTTP', async () => {
  const fetcher = await deployed('fetcher', 'default')
  const { output } = await fetcher.query.price(alice.address, { cert }, `${serverUrl}/price`)
  assert.equal(output.asOk.asOk.toNumber(), 4321)
  assert.ok(served.includes('/price'))
})

test('both workers of the cluster give the same answer', async () => {
  const answers = []
  for (const worker of network.workers) {
    const other = await OnChainRegistry.create(api, { clusterId: network.clusterId, workerId: worker.publicKey, pruntimeURL: worker.url })
    const contract = await getContract({ client: other, contractId: contracts.flipper.address.toHex(), abi: contractFile('flipper') })
    const { output } = await contract.query.counter(alice.address, { cert })
    answers.push(output.asOk.toNumber())
  }
  assert.deepEqual(answers, network.workers.map(() => 42))
})

test('whoever holds no certificate learns nothing', async () => {
  const mallory = await signCertificate({ pair: bob })
  await assert.rejects(contracts.flipper.query.get(alice.address, { cert: mallory }), /not.*match|address/i)
})
