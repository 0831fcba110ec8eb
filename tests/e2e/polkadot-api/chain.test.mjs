// What a wallet or script does with the published @polkadot/api, against a real node.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { ApiPromise, HttpProvider, Keyring, WsProvider } from '@polkadot/api'

import { startNode } from '../lib/network.mjs'

const PHA = 10n ** 12n
let node, api, alice, bob, charlie

before(async () => {
  node = await startNode()
  api = await ApiPromise.create({ provider: new WsProvider(node.rpc), noInitWarn: true })
  const keyring = new Keyring({ type: 'sr25519', ss58Format: 30 })
  ;[alice, bob, charlie] = ['//Alice', '//Bob', '//Charlie'].map((uri) => keyring.addFromUri(uri))
})

after(async () => {
  await api?.disconnect()
  if (node) assert.deepEqual(await node.stop(), { code: 0, signal: null })
})

/** Sends and resolves at `until` ('inBlock' or 'finalized') with what the client saw on the way. */
const send = (tx, signer, until = 'finalized', options = {}) => new Promise((resolve, reject) => {
  const statuses = []
  tx.signAndSend(signer, { nonce: -1, ...options }, (result) => {
    statuses.push(result.status.type)
    if (result.isError) reject(new Error(statuses.join()))
    if ((until === 'inBlock' && result.status.isInBlock) || result.status.isFinalized) resolve(Object.assign(result, { statuses }))
  }).catch(reject)
})
const failure = (result) => {
  const error = result.dispatchError
  assert.ok(error?.isModule, `expected a module error, got ${error}`)
  const meta = api.registry.findMetaError(error.asModule)
  return `${meta.section}.${meta.name}`
}
const free = async (who) => (await api.query.system.account(who.address)).data.free.toBigInt()

test('the chain introduces itself', async () => {
  assert.equal(api.registry.chainSS58, 30)
  assert.deepEqual(api.registry.chainTokens, ['PHA'])
  assert.deepEqual(api.registry.chainDecimals, [12])
  assert.equal((await api.rpc.system.name()).toString().length > 0, true)
  assert.equal(api.runtimeVersion.specName.toString(), 'phala-node')
  const { methods } = await api.rpc.rpc.methods()
  for (const method of ['state_getMetadata', 'chain_subscribeNewHead', 'author_submitAndWatchExtrinsic', 'pha_getMqNextSequence']) assert.ok(methods.map(String).includes(method), method)
  for (const method of methods.map(String)) assert.ok(!method.startsWith('grandpa_') && !method.startsWith('pha_getStorageChanges'), method)
})

test('constants are those of the declared runtime', () => {
  assert.equal(api.consts.balances.existentialDeposit.toBigInt(), 10n ** 10n)
  assert.equal(api.consts.system.ss58Prefix.toNumber(), 30)
  assert.equal(api.consts.system.blockHashCount.toNumber(), 2400)
  assert.ok(api.consts.timestamp.minimumPeriod)
})

test('a transfer is included, finalized, and its events decode', async () => {
  const before = await free(bob)
  const result = await send(api.tx.balances.transferKeepAlive(bob.address, 3n * PHA), alice)
  assert.ok(result.statuses.includes('InBlock') && result.statuses.includes('Finalized'), result.statuses.join())
  const names = result.events.map(({ event }) => `${event.section}.${event.method}`)
  assert.ok(names.includes('balances.Transfer') && names.includes('system.ExtrinsicSuccess') && names.includes('transactionPayment.TransactionFeePaid'), names.join())
  const transfer = result.events.find(({ event }) => event.method === 'Transfer').event
  assert.equal(transfer.data.amount.toBigInt(), 3n * PHA)
  assert.equal(await free(bob), before + 3n * PHA)
})

test('the fee that was estimated is the fee that is paid', async () => {
  const tx = api.tx.balances.transferKeepAlive(bob.address, PHA)
  const { partialFee, weight } = await tx.paymentInfo(alice)
  assert.ok(partialFee.toBigInt() > 0n && weight.refTime.toBigInt() > 0n)
  const before = await free(alice)
  const result = await send(tx, alice)
  const paid = result.events.find(({ event }) => event.method === 'TransactionFeePaid').event.data
  assert.equal(before - (await free(alice)), PHA + paid.actualFee.toBigInt())
  assert.ok(paid.actualFee.toBigInt() <= partialFee.toBigInt())
})

test('ed25519 and ecdsa accounts sign too', async () => {
  for (const type of ['ed25519', 'ecdsa']) {
    const pair = new Keyring({ type, ss58Format: 30 }).addFromUri('//Someone')
    await send(api.tx.balances.transferKeepAlive(pair.address, 5n * PHA), alice)
    const result = await send(api.tx.balances.transferKeepAlive(charlie.address, PHA), pair)
    assert.equal(result.dispatchError, undefined, type)
  }
})

test('batch stops at the first failure, batchAll undoes everything', async () => {
  const good = api.tx.balances.transferKeepAlive(charlie.address, PHA)
  const bad = api.tx.balances.transferKeepAlive(charlie.address, 10n ** 30n)
  const before = await free(charlie)
  const batch = await send(api.tx.utility.batch([good, bad, good]), alice)
  assert.ok(batch.events.some(({ event }) => event.method === 'BatchInterrupted'))
  assert.equal(await free(charlie), before + PHA)
  const all = await send(api.tx.utility.batchAll([good, bad]), alice)
  assert.ok(all.dispatchError)
  assert.equal(await free(charlie), before + PHA)
})

test('a failing call decodes to its pallet error', async () => {
  const result = await send(api.tx.sudo.sudo(api.tx.system.remark('0x')), bob)
  assert.equal(failure(result), 'sudo.RequireSudo')
})

test('sudo acts as root', async () => {
  const result = await send(api.tx.sudo.sudo(api.tx.balances.forceSetBalance(charlie.address, 77n * PHA)), alice)
  const sudid = result.events.find(({ event }) => event.method === 'Sudid')
  assert.ok(sudid.event.data[0].isOk)
  assert.equal(await free(charlie), 77n * PHA)
})

test('new and final heads arrive in order, storage changes as they happen', async () => {
  const heads = []
  await new Promise((resolve, reject) => {
    let stop
    api.rpc.chain.subscribeNewHeads((head) => {
      heads.push(head)
      if (heads.length === 4) { stop?.(); resolve() }
    }).then((unsubscribe) => { stop = unsubscribe }, reject)
  })
  for (let i = 1; i < heads.length; i++) {
    assert.equal(heads[i].number.toNumber(), heads[i - 1].number.toNumber() + 1)
    assert.equal(heads[i].parentHash.toHex(), heads[i - 1].hash.toHex(), 'the client computes the same header hash as the node')
  }
  const finalized = await new Promise((resolve) => api.rpc.chain.subscribeFinalizedHeads(resolve))
  assert.ok(finalized)
  const seen = []
  const stop = await api.query.system.account(bob.address, ({ data }) => seen.push(data.free.toBigInt()))
  await send(api.tx.balances.transferKeepAlive(bob.address, PHA), alice)
  await new Promise((r) => setTimeout(r, 500))
  stop()
  assert.equal(seen.length, 2)
  assert.equal(seen[1] - seen[0], PHA)
})

test('api.at reads the past', async () => {
  const hash = await api.rpc.chain.getFinalizedHead()
  const before = await free(bob)
  await send(api.tx.balances.transferKeepAlive(bob.address, PHA), alice)
  const past = await api.at(hash)
  assert.equal((await past.query.system.account(bob.address)).data.free.toBigInt(), before)
  assert.equal(await free(bob), before + PHA)
  const block = await api.rpc.chain.getBlock(hash)
  assert.equal(block.block.header.hash.toHex(), hash.toHex())
})

test('entries() pages through more than a thousand keys', async () => {
  const people = Array.from({ length: 1100 }, (_, i) => '0x' + (i + 1).toString(16).padStart(64, '0'))
  for (let i = 0; i < people.length; i += 275)
    await send(api.tx.utility.batchAll(people.slice(i, i + 275).map((who) => api.tx.balances.transferKeepAlive(who, PHA / 10n))), alice, 'inBlock')
  const entries = await api.query.system.account.entries()
  assert.ok(entries.length >= 1100 + 6, String(entries.length))
  const known = new Set(entries.map(([key]) => key.args[0].toHex()))
  assert.ok(people.every((who) => known.has(who)))
})

test('multi reads, raw storage and proofs', async () => {
  const accounts = await api.query.system.account.multi([alice.address, bob.address])
  assert.equal(accounts.length, 2)
  const key = api.query.system.account.key(alice.address)
  const hash = await api.rpc.chain.getFinalizedHead()
  const proof = await api.rpc.state.getReadProof([key], hash)
  assert.ok(proof.proof.length > 0)
  assert.equal(proof.at.toHex(), hash.toHex())
})

test('runtime calls answer', async () => {
  assert.equal((await api.call.core.version()).specName.toString(), 'phala-node')
  assert.ok((await api.call.accountNonceApi.accountNonce(alice.address)).toNumber() > 0)
})

test('nonces: gaps wait, replays are refused with the usual codes', async () => {
  const nonce = (await api.rpc.system.accountNextIndex(charlie.address)).toNumber()
  const tx = (n) => api.tx.system.remark('0x01').sign(charlie, { nonce: n, era: 0, blockHash: api.genesisHash, genesisHash: api.genesisHash, runtimeVersion: api.runtimeVersion })
  const later = tx(nonce + 1).toHex()
  await api.rpc.author.submitExtrinsic(later)
  assert.equal((await api.rpc.system.accountNextIndex(charlie.address)).toNumber(), nonce, 'a gap does not count')
  await api.rpc.author.submitExtrinsic(tx(nonce).toHex())
  for (let i = 0; i < 50 && (await api.query.system.account(charlie.address)).nonce.toNumber() < nonce + 2; i++) await new Promise((r) => setTimeout(r, 100))
  assert.equal((await api.query.system.account(charlie.address)).nonce.toNumber(), nonce + 2)
  await assert.rejects(api.rpc.author.submitExtrinsic(later), /1010|1012|outdated/i)
})

test('2 MiB of contract code are uploaded in one transaction, and not a byte more', async () => {
  const worker = '0x' + '07'.repeat(32)
  const asRoot = async (call) => {
    const result = await send(api.tx.sudo.sudo(call), alice)
    assert.ok(result.events.find(({ event }) => event.method === 'Sudid').event.data[0].isOk)
    return result
  }
  await asRoot(api.tx.phalaRegistry.forceRegisterWorker(worker, worker, null))
  await asRoot(api.tx.phalaPhatContracts.setPinkSystemCode('0x' + '01'.repeat(100)))
  const made = await asRoot(api.tx.phalaPhatContracts.addCluster(alice.address, 'Public', [worker], PHA, 1, 1, 1, alice.address))
  const { cluster } = made.events.find(({ event }) => event.method === 'ClusterCreated').event.data
  const code = '0x' + '5a'.repeat(2 * 1024 * 1024)
  const result = await send(api.tx.phalaPhatContracts.clusterUploadResource(cluster, 'InkCode', code), alice)
  assert.equal(result.dispatchError, undefined)
  assert.ok(result.events.some(({ event }) => event.method === 'ExtrinsicSuccess'))
  // workers get it
  const number = (await api.rpc.chain.getHeader(result.status.asFinalized)).number.toNumber()
  const log = await api._rpcCore.provider.send('phala_messages', [number, 1])
  assert.ok(log.includes(code.slice(2)), 'the code is in the message log of its block')
  const more = api.tx.phalaPhatContracts.clusterUploadResource(cluster, 'InkCode', code + '5a')
  assert.equal(failure(await send(more, alice)), 'phalaPhatContracts.PayloadTooLarge')
})

test('development methods make blocks, move time and write storage; the chain stays valid', async () => {
  const rpc = (method, ...params) => api._rpcCore.provider.send(method, params)
  await rpc('dev_setBlockBuildMode', 'Manual')
  const height = (await api.rpc.chain.getHeader()).number.toNumber()
  await new Promise((r) => setTimeout(r, 1000))
  assert.equal((await api.rpc.chain.getHeader()).number.toNumber(), height, 'nothing is built by itself')
  await rpc('dev_newBlock', { count: 3 })
  assert.equal((await api.rpc.chain.getHeader()).number.toNumber(), height + 3)
  const now = (await api.query.timestamp.now()).toNumber()
  await rpc('dev_timeTravel', now + 7 * 86_400_000)
  await rpc('dev_newBlock')
  assert.ok((await api.query.timestamp.now()).toNumber() >= now + 7 * 86_400_000)
  const key = api.query.system.account.key(bob.address)
  const account = await api.query.system.account(bob.address)
  const changed = api.createType('AccountInfo', { ...account.toJSON(), data: { ...account.data.toJSON(), free: 123n * PHA } })
  await rpc('dev_setStorage', [[key, changed.toHex()]])
  await rpc('dev_newBlock')
  assert.equal(await free(bob), 123n * PHA)
  // the object form of chopsticks, and its second parameter
  const head = (await api.rpc.chain.getHeader()).hash.toHex()
  await rpc('dev_setStorage', { System: { Account: [[[bob.address], { nonce: account.nonce.toNumber(), providers: 1, data: { free: (77n * PHA).toString() } }]] } }, head)
  assert.equal(await free(bob), 77n * PHA)
  await assert.rejects(rpc('dev_setStorage', { System: { Nothing: 1 } }), /no storage item 'Nothing'/)
  await assert.rejects(rpc('dev_setStorage', [[key, null]], head), /cannot change any more/)
  await rpc('dev_setBlockBuildMode', 'Interval').catch(() => rpc('dev_setBlockBuildMode', 'Instant'))
})

test('HTTP serves the same methods, batches included', async () => {
  const http = await ApiPromise.create({ provider: new HttpProvider(node.http), noInitWarn: true })
  assert.equal((await http.rpc.system.chain()).toString(), (await api.rpc.system.chain()).toString())
  await http.disconnect()
  const batch = await (await fetch(node.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'system_name', params: [] }, { jsonrpc: '2.0', id: 2, method: 'no_such', params: [] }]) })).json()
  assert.equal(batch.length, 2)
  assert.equal(batch.find((r) => r.id === 2).error.code, -32601)
})

test('a connection survives nonsense', async () => {
  const { WebSocket } = await import('@polkadot/x-ws')
  const socket = new WebSocket(node.rpc)
  await new Promise((resolve) => { socket.onopen = resolve })
  const answer = () => new Promise((resolve) => { socket.onmessage = (m) => resolve(JSON.parse(m.data)) })
  for (const [text, code] of [['{', -32700], ['{"jsonrpc":"2.0","id":1}', -32600], ['{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":["x"]}', -32602]]) {
    socket.send(text)
    assert.equal((await answer()).error.code, code, text)
  }
  socket.send('{"jsonrpc":"2.0","id":9,"method":"system_chain","params":[]}')
  assert.ok((await answer()).result)
  socket.close()
})
