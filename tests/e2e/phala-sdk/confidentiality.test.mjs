// Canary texts go through a query, its reply, an encrypted transaction and a contract's state. They must appear nowhere outside: not in what crosses
// the network, not in the chain, not in logs, not on disk, not in what a core dump would leave. A canary that is sent in clear is found,
// so the search itself is known to work.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, mkdtempSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { OnChainRegistry, getContract, options, signCertificate } from '@phala/sdk'

import { builtContract, startNetwork } from '../lib/network.mjs'
import { deploy, inBlock } from './deploy.mjs'

const canary = (name) => `${name}-${randomBytes(12).toString('hex')}`
const secrets = { query: canary('asked'), written: canary('written'), lower: canary('reply') }
const open = canary('open')

let base, network, api, registry, alice, bob, cert, contract
const wire = []
const proxies = []

/** A TCP proxy that keeps every byte. */
async function recorded(port) {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      from.on('data', (d) => { wire.push(d); to.write(d) })
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxies.push(server)
  return server.address().port
}
const portOf = (url) => Number(new URL(url).port)
/** Every file under a folder, biggest first come as they are: names and bytes. */
function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* files(path)
    else if (entry.isFile()) yield [path, readFileSync(path)]
  }
}
/** All ways in which a text may lie in bytes: as it is, as hex, as base64, as a JSON list of numbers. */
const shapes = (text) => {
  const raw = Buffer.from(text)
  return [raw, Buffer.from(raw.toString('hex')), Buffer.from(raw.toString('base64').slice(0, -4)), Buffer.from([...raw].join(','))]
}
const holds = (bytes, text) => shapes(text).some((shape) => bytes.includes(shape))

before(async () => {
  base = mkdtempSync(join(tmpdir(), 'phala-canary-'))
  network = await startNetwork({ args: ['--block-ms', '500'], base })
  const node = await recorded(portOf(network.rpc))
  const worker = await recorded(portOf(network.workers[0].url))
  api = await ApiPromise.create(options({ provider: new WsProvider(`ws://127.0.0.1:${node}`), noInitWarn: true }))
  const keyring = new Keyring({ type: 'sr25519' })
  alice = keyring.addFromUri('//Alice')
  bob = keyring.addFromUri('//Bob')
  registry = await OnChainRegistry.create(api, { clusterId: network.clusterId, workerId: network.workers[0].publicKey, pruntimeURL: `http://127.0.0.1:${worker}` })
  cert = await signCertificate({ pair: alice })
  contract = await deploy({ api, registry, pair: alice, cert, file: builtContract('notes') }, 'new')
})
after(async () => {
  await api?.disconnect()
  for (const proxy of proxies) proxy.close()
  await network?.stop()
  rmSync(base, { recursive: true, force: true })
})

test('the secrets do their work', async () => {
  const sent = await contract.send.write({ pair: alice, cert }, secrets.written)
  await sent.waitFinalized()
  const read = await contract.query.read(alice.address, { cert })
  assert.equal(read.output.asOk.unwrap().toString(), secrets.written, 'the writer reads the note back')
  const echo = await contract.query.echo(alice.address, { cert }, secrets.query)
  assert.equal(echo.output.asOk.toString(), secrets.query.toUpperCase())
  const reply = await contract.query.echo(alice.address, { cert }, secrets.lower)
  secrets.reply = reply.output.asOk.toString()
  await inBlock(api.tx.system.remark(open), alice) // the control: sent in clear
})

test('another account reads nothing, and nobody reads as somebody else', async () => {
  const theirs = await signCertificate({ pair: bob })
  const { output } = await contract.query.read(bob.address, { cert: theirs })
  assert.ok(output.asOk.isNone)
  // a certificate of Alice with a signature by Bob: refused before anything runs
  const forged = { ...theirs, certificate: { ...theirs.certificate, signature: { ...theirs.certificate.signature, signedBy: cert.certificate.signature.signedBy } }, address: alice.address }
  await assert.rejects(contract.query.read(alice.address, { cert: forged }))
})

test('no canary crossed the network in clear', () => {
  const all = Buffer.concat(wire)
  assert.ok(all.length > 10_000)
  assert.ok(holds(all, open), 'the search finds what is there')
  for (const [name, text] of Object.entries(secrets)) assert.ok(!holds(all, text), `${name} was seen on the wire`)
})

test('no canary is in the chain: state and blocks', async () => {
  const state = JSON.stringify(await api._rpcCore.provider.send('state_getPairs', ['0x']))
  const blocks = []
  const height = (await api.rpc.chain.getHeader()).number.toNumber()
  for (let n = 1; n <= height; n++) blocks.push((await api.rpc.chain.getBlock(await api.rpc.chain.getBlockHash(n))).toHex())
  const chain = Buffer.from(state + blocks.join())
  assert.ok(holds(chain, open), 'the search finds what is there')
  for (const [name, text] of Object.entries(secrets)) assert.ok(!holds(chain, text), `${name} is in the chain`)
})

test('no canary is on disk: databases, sealed state, logs', () => {
  let bytes = 0
  for (const [path, content] of files(base)) {
    bytes += content.length
    for (const [name, text] of Object.entries(secrets)) assert.ok(!holds(content, text), `${name} is in ${path}`)
  }
  assert.ok(bytes > 100_000)
  for (const [path] of files(base)) if (/worker-\d+.*(seal|token|state|frame|snapshot)/.test(path)) assert.equal(statSync(path).mode & 0o077, 0, `${path} is readable by others`)
})

test('a worker leaves no core dump, and comes back', async () => {
  const line = execFileSync('ps', ['--ppid', String(network.pid), '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n').find((l) => l.includes('phala-worker'))
  const pid = Number(line.trim().split(/\s+/)[0])
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8').split('\n').find((l) => l.startsWith('Max core file size'))
  assert.match(limits, /\s0\s+0\s/, 'core files are limited to nothing')
  process.kill(pid, 'SIGQUIT') // asks for a core dump
  for (let i = 0; i < 100; i++) {
    await new Promise((r) => setTimeout(r, 100))
    try { process.kill(pid, 0) } catch { break }
  }
  for (const [path, content] of files(base)) for (const [name, text] of Object.entries(secrets)) assert.ok(!holds(content, text), `${name} is in ${path}`)
  // the network mends itself, and the note is still there
  for (let i = 0; ; i++) {
    try {
      const other = await OnChainRegistry.create(api, { clusterId: network.clusterId, workerId: network.workers[0].publicKey, pruntimeURL: registry.pruntimeURL })
      const again = await getContract({ client: other, contractId: contract.address.toHex(), abi: builtContract('notes') })
      const { output } = await again.query.read(alice.address, { cert })
      assert.equal(output.asOk.unwrap().toString(), secrets.written)
      break
    } catch (e) {
      if (i > 60) throw e
      await new Promise((r) => setTimeout(r, 500))
    }
  }
})
