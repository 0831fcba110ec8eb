// What an operator meets: health, metrics, restarts, crashes, and errors that say what to do.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { cryptoWaitReady } from '@polkadot/util-crypto'

import { programs, startNode } from '../lib/network.mjs'

const PHA = 10n ** 12n
const base = mkdtempSync(join(tmpdir(), 'phala-operations-'))
await cryptoWaitReady()
const keyring = new Keyring({ type: 'sr25519', ss58Format: 30 })
const alice = keyring.addFromUri('//Alice')
let node

before(async () => { node = await startNode({ base, blockMs: 100 }) })
after(async () => {
  await node?.stop()
  rmSync(base, { recursive: true, force: true })
})

const connect = (to = node) => ApiPromise.create({ provider: new WsProvider(to.rpc), noInitWarn: true })
const port = () => Number(new URL(node.http).port)
/** Runs phala-node to its end. */
const run = (args, env = {}) => new Promise((resolve) => {
  const child = spawn(join(programs, 'phala-node'), args, { env: { ...process.env, ...env } })
  let output = ''
  child.stdout.on('data', (d) => { output += d })
  child.stderr.on('data', (d) => { output += d })
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  child.once('exit', (code) => { clearTimeout(timer); resolve({ code, output }) })
})
const rpc = async (method, params = []) => {
  const answer = await (await fetch(node.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })).json()
  if (answer.error) throw new Error(JSON.stringify(answer.error))
  return answer.result
}
const height = async () => Number((await rpc('chain_getHeader')).number)

test('health and metrics are where tools look for them', async () => {
  assert.deepEqual(await (await fetch(`${node.http}/health`)).json(), { peers: 0, isSyncing: false, shouldHavePeers: false })
  const ready = await fetch(`${node.http}/health/readiness`)
  assert.equal(ready.status, 200)
  assert.equal(await ready.text(), '')
  while (await height() < 2) await new Promise((r) => setTimeout(r, 50))
  const metrics = await (await fetch(`${node.http}/metrics`)).text()
  const value = (name) => Number(metrics.split('\n').find((line) => line.startsWith(name))?.split(' ').at(-1))
  assert.ok(value('substrate_block_height{chain="dev",status="best"}') >= 2, metrics)
  assert.equal(value('substrate_block_height{chain="dev",status="best"}'), value('substrate_block_height{chain="dev",status="finalized"}'))
  // the names that dashboards for Substrate nodes read, each with the chain's label
  for (const name of ['block_height{chain="dev",status="best"}', 'block_height{chain="dev",status="finalized"}', 'block_height{chain="dev",status="sync_target"}', 'number_leaves',
    'ready_transactions_number', 'build_info', 'node_roles', 'process_start_time_seconds', 'database_cache_bytes', 'state_cache_bytes', 'proposer_block_constructed_count',
    'proposer_number_of_transactions', 'proposer_end_proposal_reason', 'sub_libp2p_peers_count', 'sub_libp2p_is_major_syncing', 'rpc_sessions_opened']) {
    const line = metrics.split('\n').find((one) => one.startsWith(`substrate_${name}`))
    assert.ok(line, name)
    assert.match(line, /chain="dev"/, name)
    assert.ok(Number.isFinite(Number(line.split(' ').at(-1))), line)
  }
  assert.match(metrics, /substrate_build_info\{.*name="[^"]+".*version="\d+\.\d+\.\d+-[0-9a-f]+"/)
  assert.match(metrics, /substrate_proposer_end_proposal_reason\{.*reason="no_more_transactions"/)
  assert.ok(value('substrate_state_cache_bytes') > 0 && value('substrate_state_cache_bytes') < 128 << 20, 'what is in use, not what is allowed')
})

test('kill -9 at any moment loses no final block, and what was included stays included', async () => {
  for (let round = 0; round < 3; round++) {
    const api = await connect()
    const to = keyring.addFromUri(`//killed//${round}`)
    const block = await new Promise((resolve, reject) => api.tx.balances.transferKeepAlive(to.address, PHA).signAndSend(alice, { nonce: -1 }, ({ status }) => {
      if (status.isInBlock) resolve(status.asInBlock.toHex())
    }).catch(reject))
    const number = (await api.rpc.chain.getHeader(block)).number.toNumber()
    await new Promise((r) => setTimeout(r, Math.random() * 200))
    process.kill(node.pid, 'SIGKILL')
    await api.disconnect()
    await node.stop()
    node = await startNode({ base, blockMs: 100 })
    assert.equal(await rpc('chain_getBlockHash', [number]), block)
    const again = await connect()
    assert.equal((await again.query.system.account(to.address)).data.free.toBigInt(), PHA)
    await again.disconnect()
  }
})

test('SIGTERM stops cleanly, and the chain goes on from there', async () => {
  const before = await height()
  assert.deepEqual(await node.stop('SIGTERM'), { code: 0, signal: null })
  node = await startNode({ base, blockMs: 100 })
  assert.ok(await height() >= before)
  const hash = await rpc('chain_getBlockHash', [before])
  assert.match(hash, /^0x[0-9a-f]{64}$/)
})

test('time that was moved goes on after a restart', async () => {
  const now = async () => {
    const head = await rpc('chain_getHeader')
    return Number(Buffer.from(head.digest.logs[0].slice(2), 'hex').readBigUInt64LE(1 + 4 + 1 + 32))   // Consensus, "pmsg", length, root, time
  }
  const week = 7 * 86_400_000
  await rpc('dev_timeTravel', [Date.now() + week])
  await rpc('dev_newBlock')
  assert.ok(await now() >= Date.now() + week - 5000)
  await node.stop()
  node = await startNode({ base, blockMs: 100 })
  await rpc('dev_newBlock')
  const [chain, clock] = [await now(), Date.now()]
  await new Promise((r) => setTimeout(r, 1500))
  await rpc('dev_newBlock')
  const passed = await now() - chain
  assert.ok(Math.abs(passed - (Date.now() - clock)) < 500, `${passed} ms passed on the chain`)
})

test('errors say what happened, to what, and what to do', async () => {
  const taken = await run(['--dev', '--tmp', '--rpc-port', String(port())])
  assert.equal(taken.code, 5)
  assert.match(taken.output, new RegExp(`port ${port()} on 127.0.0.1 is in use .*another port`))

  const locked = await run(['--chain', 'dev', '--base-path', base, '--rpc-port', '0'])
  assert.equal(locked.code, 5, locked.output)
  assert.match(locked.output, /another process is using it .*stop that process/)

  const nowhere = await run(['--chain', 'dev', '--base-path', '/proc/nowhere'])
  assert.equal(nowhere.code, 5)
  assert.match(nowhere.output, /cannot make \/proc\/nowhere/)

  const missing = await run(['--chain', '/no/such.json'])
  assert.notEqual(missing.code, 0)
  assert.match(missing.output, /sealer key/)

  const key = join(base, 'other.key')
  writeFileSync(key, '0x' + '07'.repeat(32))
  const spec = await run(['--build-spec'])
  assert.equal(spec.code, 0)
  const file = join(base, 'spec.json')
  writeFileSync(file, spec.output)
  const wrong = await run(['--chain', file, '--tmp', '--sealer-key-file', key])
  assert.notEqual(wrong.code, 0)
  assert.match(wrong.output, /is sealed by 0x/)
  writeFileSync(file, '{"name": 7}')
  const malformed = await run(['--chain', file, '--tmp', '--sealer-key-file', key])
  assert.equal(malformed.code, 2, malformed.output)
})

test('options: help, version, environment, file, and what is effective', async () => {
  const help = await run(['--help'])
  assert.equal(help.code, 0)
  for (const option of ['--rpc-port', '--base-path', '--rpc-max-connections', '--state-pruning', '--sealer-key-file']) assert.ok(help.output.includes(option), option)
  for (const limit of ['1024 transactions of 4 MiB', '30 minutes', '32 requests of 16 MiB', '64 MiB not yet read', 'nested 32 deep', '512 MiB of requests and answers']) assert.ok(help.output.includes(limit), limit)
  assert.match((await run(['--version'])).output, /^phala-node \d+\.\d+\.\d+-[0-9a-f]+/)
  assert.equal((await run(['--rpc-port', 'x'])).code, 2)
  const file = join(base, 'node.toml')
  writeFileSync(file, 'rpc-port = 1\nblock-ms = 50\n')
  const shown = await run(['--config', file, '--print-config', '--name', 'n'], { PHALA_NODE_RPC_PORT: '2' })
  assert.match(shown.output, /rpc-port = 2 +# environment PHALA_NODE_RPC_PORT/)
  assert.match(shown.output, /block-ms = 50 +# file .*node.toml:2/)
  assert.match(shown.output, /name = "n" +# command line/)
  assert.match((await run(['--rpc-help'])).output, /`chain_getBlockHash`/)
})

test('limits: requests, batches, bodies', async () => {
  const post = (body, headers = { 'content-type': 'application/json' }) => fetch(node.http, { method: 'POST', headers, body })
  assert.equal((await post('x'.repeat(16 << 20))).status, 413)
  assert.equal((await post('{}', { 'content-type': 'text/plain' })).status, 415)
  const many = Array.from({ length: 101 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'system_name', params: [] }))
  assert.equal((await (await post(JSON.stringify(many))).json()).error.code, -32010)
  assert.equal((await (await post('['.repeat(100_000))).json()).error.code, -32600)
})

test('web pages: whose may call, and under which names', async () => {
  const preflight = async (to, origin) => (await fetch(to.http, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } })).headers.get('access-control-allow-origin')
  const post = (to, headers) => new Promise((resolve, reject) => {
    const sent = request(to.http, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }, (answer) => { answer.resume(); resolve(answer.statusCode) })
    sent.once('error', reject)
    sent.end('{"jsonrpc":"2.0","id":1,"method":"system_name"}')
  })
  for (const origin of ['http://localhost:3000', 'https://polkadot.js.org']) {
    assert.equal(await preflight(node, origin), origin)
    assert.equal(await post(node, { origin }), 200)
  }
  assert.equal(await preflight(node, 'https://example.org'), null)
  assert.equal(await post(node, { origin: 'https://example.org' }), 403)
  // a name of somebody else's that points here
  assert.equal(await post(node, { host: `evil.example:${port()}` }), 403)
  assert.equal(await post(node, { host: `localhost:${port()}` }), 200)
  // --dev is for everybody's pages
  const open = await startNode({ args: ['--dev'], blockMs: 1000 })
  try {
    assert.equal(await preflight(open, 'https://example.org'), '*')
    assert.equal(await post(open, { origin: 'https://example.org', host: 'my.machine' }), 200)
  } finally {
    await open.stop()
  }
})

test('what orchestration tools say to any node is understood', async () => {
  const key = '00'.repeat(31) + '01'
  const tool = await startNode({ args: ['--bob', '--port', '30333', '--listen-addr', '/ip4/0.0.0.0/tcp/30333', '--public-addr', '/dns/x/tcp/1', '--bootnodes', '/ip4/127.0.0.1/tcp/1/p2p/x', '--no-mdns',
    '--no-telemetry', '--telemetry-url', 'wss://x 0', '--sync', 'warp', '--blocks-pruning', 'archive', '--keystore-path', '/x', '--validator', '--node-key', key, '--no-prometheus', '--prometheus-external'],
  blockMs: 200 })
  try {
    const call = async (method) => (await (await fetch(tool.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method }) })).json()).result
    assert.equal(await call('system_localPeerId'), '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', 'the peer id of a known key')
    for (const option of ['--port', '--listen-addr', '--public-addr', '--bootnodes', '--no-mdns', '--no-telemetry', '--telemetry-url', '--sync', '--blocks-pruning', '--keystore-path'])
      assert.match(tool.output(), new RegExp(`${option} has no effect`), option)
    assert.match(tool.output(), /Local node identity is: 12D3KooW/)
    assert.match(await (await fetch(`${tool.http}/metrics`)).text(), /substrate_build_info\{.*name="Bob"/)
    for (let i = 0; i < 50 && Number((await call('chain_getHeader')).number) < 1; i++) await new Promise((r) => setTimeout(r, 100))
    assert.ok(Number((await call('chain_getHeader')).number) >= 1, 'Bob seals the chain that starts with his key')
  } finally {
    assert.deepEqual(await tool.stop(), { code: 0, signal: null })
  }
})

test('unsafe methods are not for everybody who can reach an external port', async () => {
  for (const option of ['--rpc-external', '--unsafe-rpc-external']) {
    const external = await startNode({ args: [option, '--rpc-methods', 'auto'], blockMs: 1000 })
    try {
      const answer = await (await fetch(external.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"jsonrpc":"2.0","id":1,"method":"dev_newBlock"}' })).json()
      assert.equal(answer.error.code, -32601, option)
    } finally {
      await external.stop()
    }
  }
})

test('the real reason is told when no block can be made', async () => {
  // a key that no state can hold is refused in the call; the chain goes on
  const before = await height()
  await assert.rejects(rpc('dev_setStorage', [[['0x' + '11'.repeat(5000), '0x01']]]), /5000 bytes/)
  const api = await connect()
  const failed = await new Promise((resolve, reject) => api.tx.sudo.sudo(api.tx.system.setStorage([['0x' + '11'.repeat(5000), '0x01']])).signAndSend(alice, { nonce: -1 }, (result) => {
    if (result.status.isInBlock) resolve(result.events.find(({ event }) => event.method === 'Sudid').event.data[0].asErr)
  }).catch(reject))
  assert.equal(api.registry.findMetaError(failed.asModule).name, 'KeyTooLong')
  await api.disconnect()
  await rpc('dev_newBlock')
  assert.ok(await height() > before)
})

test('safe methods only, when told so', async () => {
  const safe = await startNode({ args: ['--rpc-methods', 'safe'], blockMs: 100 }).catch((error) => error)
  if (safe instanceof Error) throw safe
  try {
    const answer = await (await fetch(safe.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"jsonrpc":"2.0","id":1,"method":"dev_newBlock"}' })).json()
    assert.equal(answer.error.code, -32601)
    assert.match(answer.error.message, /unsafe/)
  } finally {
    assert.deepEqual(await safe.stop(), { code: 0, signal: null })
  }
})

test('a hundred transfers from ten accounts in one go all arrive, in order', async () => {
  const api = await connect()
  const senders = Array.from({ length: 10 }, (_, i) => keyring.addFromUri(`//sender//${i}`))
  const nonce = (await api.rpc.system.accountNextIndex(alice.address)).toNumber()
  await Promise.all(senders.map((who, i) => api.tx.balances.transferKeepAlive(who.address, 100n * PHA).signAndSend(alice, { nonce: nonce + i })))
  while ((await api.query.system.account(senders[9].address)).data.free.toBigInt() === 0n) await new Promise((r) => setTimeout(r, 50))
  const receiver = keyring.addFromUri('//receiver')
  const jobs = senders.flatMap((who) => Array.from({ length: 10 }, (_, n) => [who, 9 - n]))   // highest nonce first
  await Promise.all(jobs.map(([who, n]) => api.tx.balances.transferKeepAlive(receiver.address, PHA).signAndSend(who, { nonce: n })))
  for (let i = 0; i < 100 && (await api.query.system.account(receiver.address)).data.free.toBigInt() < 100n * PHA; i++) await new Promise((r) => setTimeout(r, 100))
  assert.equal((await api.query.system.account(receiver.address)).data.free.toBigInt(), 100n * PHA)
  for (const who of senders) assert.equal((await api.query.system.account(who.address)).nonce.toNumber(), 10)
  await api.disconnect()
})
