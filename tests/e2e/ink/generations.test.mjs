// A token and a contract that is made of calls, in ink! 3, 4 and 5, and a Phat contract: descriptions read, calls encoded and answers decoded by the published
// @polkadot/api-contract, carried by the published SDK. Each generation has an account of its own and they run side by side.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'

import * as sdk from '@phala/sdk'
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { hexToU8a, stringToU8a, u8aToHex } from '@polkadot/util'
import { signatureVerify } from '@polkadot/util-crypto'

import { deployer, inBlock, uploader } from '../lib/deploy.mjs'
import { contractFile, sleep, startNetwork } from '../lib/network.mjs'

const deploy = deployer(sdk)
const upload = uploader(sdk)
const keyring = new Keyring({ type: 'sr25519' })
const bob = '0x' + '0b'.repeat(32)
let network, api, registry, server, url

before(async () => {
  server = createServer((request, response) => {
    response.statusCode = request.url === '/missing' ? 404 : 200
    response.end(`${request.method} ${request.headers['x-key'] ?? ''}`)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${server.address().port}`
  network = await startNetwork({ args: ['--block-ms', '500', '--allow-egress', '127.0.0.0/8'] })
  api = await ApiPromise.create(sdk.options({ provider: new WsProvider(network.rpc), noInitWarn: true }))
  registry = await sdk.OnChainRegistry.create(api)
})
after(async () => {
  await api?.disconnect()
  server?.close()
  if (network) assert.deepEqual(await network.stop(), { code: 0, signal: null }, 'Ctrl-C ends the network cleanly')
})

/** What one developer has in hand: `ask` and `send` take a contract, the name of a message as api-contract has it, and arguments. */
async function developer(uri, layered) {
  const pair = keyring.addFromUri(uri)
  const cert = await sdk.signCertificate({ pair })
  const me = { api, registry, pair, cert }
  // uploads and calls are paid from what the account has in the cluster
  await inBlock(api.tx.phalaPhatContracts.transferToCluster(100n * 10n ** 12n, registry.clusterId, pair.address), pair)
  const run = (contract, message, ...args) => contract.query[message](pair.address, { cert }, ...args)
  /** The answer without the layer that ink! has around it from 4 on. */
  const answer = (output) => layered ? output.asOk : output
  const ask = async (contract, message, ...args) => {
    const { output, result } = await run(contract, message, ...args)
    assert.ok(result.isOk, `${message}: ${JSON.stringify(result.toHuman())}`)
    return answer(output)
  }
  const send = async (contract, message, ...args) => (await contract.send[message]({ pair, cert }, ...args)).waitFinalized()
  return { ...me, run, ask, send, answer, deploy: (name, ...args) => deploy({ ...me, file: contractFile(name) }, ...args), upload: (name) => upload({ ...me, file: contractFile(name) }) }
}

/** Selector and arguments of a message, as `hub.call` takes them. */
function call(contract, message, ...args) {
  const meta = contract.abi.findMessage(message)
  const encoded = meta.toU8a(args)
  // api-contract puts the length of the whole before it
  const bytes = encoded.subarray(encoded.length - args.reduce((sum, arg, i) => sum + contract.abi.registry.createTypeUnsafe(meta.args[i].type.lookupName || meta.args[i].type.type, [arg]).encodedLength, 4))
  return [u8aToHex(bytes.subarray(0, 4)), u8aToHex(bytes.subarray(4))]
}

/** The newest event of a contract that the log server has, decoded. */
async function lastEvent(contract) {
  for (let tries = 0; tries < 40; tries++) {
    const { records } = await registry.loggerContract.tail(50, { contract: contract.address.toHex(), type: 'Event' })
    const record = records.filter((one) => one.type === 'Event').at(-1)
    if (record) {
      const topics = record.topics.map((topic) => api.registry.createType('Hash', topic))
      return contract.abi.decodeEvent({ event: { data: [contract.address, hexToU8a(record.payload)] }, topics })
    }
    await sleep(100)
  }
  throw new Error('no event in the log')
}

/** A token does what the standard says, and tells the log. */
async function tokens({ pair, run, ask, send, answer, deploy }, suffix) {
  const token = await deploy(`psp22${suffix}`, 'new', 1000, 'Coin', 'CN', 12)
  assert.equal((await ask(token, 'psp22Metadata::tokenSymbol')).unwrap().toString(), 'CN')
  await send(token, 'psp22::transfer', bob, 7, '0x')
  assert.equal((await ask(token, 'psp22::balanceOf', bob)).toNumber(), 7)
  assert.equal((await ask(token, 'psp22::balanceOf', pair.publicKey)).toNumber(), 993)
  const { event, args } = await lastEvent(token)
  assert.equal(event.identifier.split('::').at(-1), 'Transfer')
  assert.deepEqual([args[0].unwrap().toHex(), args[1].unwrap().toHex(), args[2].toNumber()], [u8aToHex(pair.publicKey), bob, 7])

  // what the standard refuses reads as the standard's error
  const refused = await run(token, 'psp22::transfer', bob, 994, '0x')
  assert.ok(refused.result.asOk.flags.isRevert)
  assert.ok(answer(refused.output).asErr.isInsufficientBalance, refused.output.toString())
  // more tokens than there can be: the contract itself fails
  const failed = await run(token, 'mint', bob, 2n ** 128n - 1n)
  assert.ok(failed.result.isErr)
  return token
}

/** Calls by type and by bare bytes, code of others on one's own storage, creation, upgrade, end. */
async function calls({ pair, run, ask, send, answer, deploy, upload }, number, suffix, token) {
  const me = u8aToHex(pair.publicKey)
  const hub = await deploy(`hub${suffix}`, 'new')
  await send(token, 'psp22::approve', hub.address, 100)
  await send(hub, 'payFrom', token.address, me, [[bob, 30], [hub.address, 20]])
  assert.equal((await ask(token, 'psp22::balanceOf', hub.address)).toNumber(), 20)
  // all or none
  const over = await run(hub, 'payFrom', token.address, me, [[bob, 30], [bob, 21]])
  assert.ok(answer(over.output).asErr.asToken.isInsufficientAllowance, over.output.toString())

  const any = (contract, message, args, flags = 0) => ask(hub, 'call', contract.address, ...call(contract, message, ...args), 0, 0, ...(number === 5 ? [null] : []), flags)
  const balance = await any(token, 'psp22::balanceOf', [bob])
  assert.equal(api.createType('u128', hexToU8a(balance.asOk.toHex())).toNumber(), 37)
  // it may not be called back while it waits, except where it allows that
  const back = await run(hub, 'call', hub.address, ...call(hub, 'bump'), 0, 0, ...(number === 5 ? [null] : []), 0)
  assert.ok(back.result.isErr)
  assert.deepEqual(back.result.asErr.asModule.toJSON(), { index: 4, error: '0x16000000' }, 'Contracts::ReentranceDenied')
  assert.equal((await any(hub, 'bump', [], 8)).asOk.toHex(), '0x01000000')

  const next = await upload(`hub_next${suffix}`)
  assert.equal((await ask(hub, 'delegate', next, call(hub, 'bump')[0])).asOk.toHex(), '0x0a000000')
  assert.equal((await ask(hub, 'launch', await upload(`psp22${suffix}`), 5, 'NEW', '0x01', ...(number === 5 ? [false] : []))).asOk.toHex().length, 66)
  await send(hub, 'upgrade', next)
  const upgraded = await sdk.getContract({ client: registry, contractId: hub.address.toHex(), abi: contractFile(`hub_next${suffix}`) })
  assert.equal((await ask(upgraded, 'version')).toNumber(), 2)

  const short = await deploy(`hub${suffix}`, 'new')
  await send(short, 'close', bob)
  await assert.rejects(run(short, 'version'), /ContractNotFound/)
}

/** A Phat contract asks the worker for everything it has. */
async function phat() {
  const { pair, run, ask, send, deploy } = await developer('//Dave', true)
  const contract = await deploy('phat', 'new')
  const [status, , , body] = await ask(contract, 'request', `${url}/`, 'POST', [['x-key', 'v']], '0x01')
  assert.deepEqual([status.toNumber(), body.toUtf8()], [200, 'POST v'])
  const both = (await ask(contract, 'requestAll', [`${url}/missing`, 'nonsense'], 5000)).asOk
  assert.equal(both[0].asOk[0].toNumber(), 404)
  assert.ok(both[1].isErr)
  const message = stringToU8a('hello')
  for (const kind of [0, 1, 2]) {
    const { public: key, signature, good } = await ask(contract, 'sign', kind, '0x01', u8aToHex(message))
    assert.ok(good.isTrue)
    assert.ok(signatureVerify(message, signature.toU8a(true), key.toU8a(true)).isValid, `kind ${kind}`)
  }
  assert.ok((await ask(contract, 'signPrehashed', '0x01', '0x' + '07'.repeat(32))).good.isTrue)
  assert.ok((await ask(contract, 'recall', '0x01')).isNone)
  await ask(contract, 'forget', '0x01')
  await ask(contract, 'remember', '0x01', '0x02', 60)
  await ask(contract, 'log', 3, 'said')
  const facts = await ask(contract, 'facts', 16)
  assert.ok(facts.inTransaction.isFalse)
  assert.equal(facts.systemContract.toHex(), network.systemContract)
  assert.ok(network.workers.some((worker) => worker.publicKey === facts.worker.toHex()))
  assert.ok(Math.abs(facts.clockMs.toNumber() - Date.now()) < 60_000)
  assert.equal(facts.random.toU8a(true).length, 16)
  assert.ok((await ask(contract, 'funds', pair.publicKey))[0].toBigInt() > 0n)
  assert.ok((await ask(contract, 'hasCode', contractFile('phat').source.hash, false)).isTrue)
  assert.equal((await ask(contract, 'evaluate', '1', []))[1].toString(), 'No js runtime')
  assert.ok((await run(contract, 'importSystemCode')).result.isErr)
  // in a transaction the worker is like every other
  await send(contract, 'record', 16)
  const recorded = (await ask(contract, 'recorded')).unwrap()
  assert.ok(recorded.inTransaction.isTrue)
  assert.deepEqual([recorded.clockMs.toNumber(), recorded.random.toHex(), recorded.worker.toHex()], [0, '0x', '0x' + '00'.repeat(32)])
}

describe('contracts', { concurrency: 4 }, () => {
  for (const { number, suffix, uri } of [{ number: 3, suffix: '_ink3', uri: '//Alice' }, { number: 4, suffix: '', uri: '//Bob' }, { number: 5, suffix: '_ink5', uri: '//Charlie' }]) {
    test(`of ink! ${number}`, async () => {
      const it = await developer(uri, number >= 4)
      const token = await tokens(it, suffix)
      await calls(it, number, suffix, token)
    })
  }
  test('of Phala', phat)
})
