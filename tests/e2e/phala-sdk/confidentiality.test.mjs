// Canary texts go through a query, its reply, an encrypted transaction and a contract's state. They must appear nowhere outside: on no connection of
// the network, not in the chain, not in logs, not on disk, not in what a core dump would leave. Others are sent in clear the same ways, and must be
// found in each of these places: so the search itself is known to work.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { OnChainRegistry, getContract, options, signCertificate } from '@phala/sdk'

import { builtContract, freePorts, phala, programs, sleep } from '../lib/network.mjs'
import { startRecordedNetwork } from '../lib/recorded.mjs'
import { deploy, inBlock } from './deploy.mjs'

const canary = (name) => `${name}-${randomBytes(12).toString('hex')}`
const secrets = { query: canary('asked'), other: canary('asked-again'), written: canary('written'), lower: canary('reply') }
const open = { remark: canary('open'), message: canary('plain') }

let network, api, registry, alice, bob, cert, contract

/** Every file under a folder: names and bytes. */
function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* files(path)
    else if (entry.isFile()) yield [path, readFileSync(path)]
  }
}

/** The characters of a base64 text that depend on nothing but `raw`, when it begins `skipped` bytes into a group of three. */
function base64At(raw, skipped) {
  const whole = Buffer.concat([Buffer.alloc(skipped), raw]).toString('base64').replaceAll('=', '')
  return whole.slice(Math.ceil((skipped * 8) / 6), Math.floor(((skipped + raw.length) * 8) / 6))
}
/** All ways in which a text may lie in bytes: as it is, as hex, as base64 (both alphabets, wherever it begins), as a JSON list of numbers, as UTF-16. */
const shapes = (text) => {
  const raw = Buffer.from(text)
  const base64 = [0, 1, 2].map((skipped) => base64At(raw, skipped))
  return [raw, raw.toString('hex'), raw.toString('hex').toUpperCase(), ...base64, ...base64.map((t) => t.replaceAll('+', '-').replaceAll('/', '_')), [...raw].join(','), [...raw].join(', '), Buffer.from(text, 'utf16le')].map((shape) => Buffer.from(shape))
}
const holds = (bytes, text) => shapes(text).some((shape) => bytes.includes(shape))
const holdsNoSecret = (bytes, where) => {
  for (const [name, text] of Object.entries(secrets)) assert.ok(!holds(bytes, text), `${name} is in ${where}`)
}

before(async () => {
  network = await startRecordedNetwork({ args: ['--block-ms', '500'] })
  api = await ApiPromise.create(options({ provider: new WsProvider(network.rpc), noInitWarn: true }))
  const keyring = new Keyring({ type: 'sr25519' })
  alice = keyring.addFromUri('//Alice')
  bob = keyring.addFromUri('//Bob')
  registry = await connectTo(0)
  cert = await signCertificate({ pair: alice })
  contract = await deploy({ api, registry, pair: alice, cert, file: builtContract('notes') }, 'new')
})
after(async () => {
  await api?.disconnect()
  await network?.stop()
})
const connectTo = (i) => OnChainRegistry.create(api, { clusterId: network.clusterId, workerId: network.workers[i].publicKey, pruntimeURL: network.workers[i].url })
const contractAt = async (i) => getContract({ client: await connectTo(i), contractId: contract.address.toHex(), abi: builtContract('notes') })

test('the search finds a text in every shape it may take', () => {
  const text = canary('shape')
  const around = (inner) => Buffer.concat([Buffer.from('some'), Buffer.from(inner), Buffer.from('thing')])
  for (const shape of [text, Buffer.from(text).toString('hex'), JSON.stringify([...Buffer.from(text)]), Buffer.from(text, 'utf16le')]) assert.ok(holds(around(shape), text))
  for (const before of ['', 'a', 'ab', 'abc', 'abcd']) for (const behind of ['', 'x', 'xy']) assert.ok(holds(around(Buffer.from(before + text + behind).toString('base64')), text), `${before.length} before, ${behind.length} behind`)
  assert.ok(!holds(around(text.slice(1)), text))
})

test('the secrets do their work, on both workers', async () => {
  const sent = await contract.send.write({ pair: alice, cert }, secrets.written)
  await sent.waitFinalized()
  const second = await contractAt(1)
  for (const [i, at] of [contract, second].entries()) {
    for (let tries = 0; ; tries++, await sleep(200)) {
      const { output } = await at.query.read(alice.address, { cert })
      if (output.asOk.isSome && output.asOk.unwrap().toString() === secrets.written) break
      assert.ok(tries < 100, `worker ${i + 1} has the note`)
    }
    const echo = await at.query.echo(alice.address, { cert }, i === 0 ? secrets.query : secrets.other)
    assert.equal(echo.output.asOk.toString(), (i === 0 ? secrets.query : secrets.other).toUpperCase())
  }
  const reply = await contract.query.echo(alice.address, { cert }, secrets.lower)
  secrets.reply = reply.output.asOk.toString()
  // the controls: in clear through node and relay to both workers
  await inBlock(api.tx.system.remark(open.remark), alice)
  const theirs = await signCertificate({ pair: bob })
  const plain = await contract.send.write({ pair: bob, cert: theirs, plain: true }, open.message)
  await plain.waitFinalized()
  for (let tries = 0; ; tries++, await sleep(200)) {
    if ((await second.query.read(bob.address, { cert: theirs })).output.asOk.unwrapOr('').toString() === open.message) break
    assert.ok(tries < 100, 'worker 2 has the open note')
  }
})

test('another account reads nothing, and nobody reads as somebody else', async () => {
  const carol = new Keyring({ type: 'sr25519' }).addFromUri('//Carol')
  const theirs = await signCertificate({ pair: carol })
  const { output } = await contract.query.read(carol.address, { cert: theirs })
  assert.ok(output.asOk.isNone)
  // a certificate of Alice for Carol's key, which Alice never signed: refused before anything runs
  const forged = { ...theirs, certificate: { ...theirs.certificate, signature: { ...theirs.certificate.signature, signedBy: cert.certificate.signature.signedBy } }, address: alice.address }
  await assert.rejects(contract.query.read(alice.address, { cert: forged }), /Verifying signature failed: InvalidSignature/)
})

test('no canary crossed the network in clear, on any connection', () => {
  assert.deepEqual(Object.keys(network.links).sort(), ['client-node', 'client-worker-1', 'client-worker-2', 'relay-node', 'relay-worker-1', 'relay-worker-2'])
  for (const [name, link] of Object.entries(network.links))
    for (const direction of ['in', 'out']) {
      const bytes = link.bytes(direction)
      assert.ok(bytes.length > 1000, `${name} ${direction} was recorded`)
      if (direction === 'out') assert.doesNotMatch(bytes.toString('latin1'), /^(content-encoding|sec-websocket-extensions):/im, 'compressed bytes cannot be searched')
      holdsNoSecret(bytes, `${name} ${direction}`)
    }
  // what is in clear was seen on its whole way: from the client to the node, to the relay, to each worker
  for (const text of Object.values(open)) assert.ok(holds(network.links['client-node'].bytes('in'), text), `${text} on its way to the node`)
  assert.ok(holds(network.links['relay-node'].bytes('out'), open.message))
  for (const i of [1, 2]) assert.ok(holds(network.links[`relay-worker-${i}`].bytes('in'), open.message), `worker ${i} got the open message`)
})

test('no canary is in the chain: state and blocks', async () => {
  const state = JSON.stringify(await api._rpcCore.provider.send('state_getPairs', ['0x']))
  const blocks = []
  const height = (await api.rpc.chain.getHeader()).number.toNumber()
  for (let n = 1; n <= height; n++) blocks.push((await api.rpc.chain.getBlock(await api.rpc.chain.getBlockHash(n))).toHex())
  const chain = Buffer.from(state + blocks.join())
  for (const text of Object.values(open)) assert.ok(holds(chain, text), 'the search finds what is there')
  holdsNoSecret(chain, 'the chain')
})

test('no canary is on disk or in what the programs say: databases, sealed state, logs', () => {
  const found = { node: [], worker: [] }
  let bytes = 0
  for (const [path, content] of files(network.base)) {
    bytes += content.length
    holdsNoSecret(content, path)
    for (const text of Object.values(open)) if (holds(content, text)) found[path.includes('/worker-') ? 'worker' : 'node'].push(text)
    if (/\/worker-\d+\//.test(path)) assert.equal(statSync(path).mode & 0o077, 0, `${path} is readable by others`)
  }
  assert.ok(bytes > 100_000)
  for (const text of Object.values(open)) assert.ok(found.node.includes(text), "the search finds what is there: in the node's database")
  assert.deepEqual(found.worker, [], 'what a worker keeps is sealed, whatever it is')
  const said = Buffer.from(network.output())
  assert.ok(holds(said, network.workers[0].publicKey), 'the search finds what is said')
  holdsNoSecret(said, 'the output of the programs')
})

test('a worker leaves no core dump, and comes back', async () => {
  const pid = network.pid('worker-1')
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8').split('\n').find((l) => l.startsWith('Max core file size'))
  assert.match(limits, /\s0\s+0\s/, 'core files are limited to nothing')
  process.kill(pid, 'SIGQUIT') // asks for a core dump
  await network.ended('worker-1')
  for (const [path, content] of files(network.base)) holdsNoSecret(content, path)
  network.start('worker-1')
  for (let i = 0; ; i++, await sleep(500)) {
    try {
      const { output } = await (await contractAt(0)).query.read(alice.address, { cert })
      assert.equal(output.asOk.unwrap().toString(), secrets.written)
      break
    } catch (e) {
      if (i > 60) throw e
    }
  }
})

test("a worker's memory is closed to other programs of its user", async () => {
  // as root everything is open, so worker and onlooker run as an ordinary user
  const user = process.getuid() === 0 ? 65534 : process.getuid()
  const folder = mkdtempSync(join(tmpdir(), 'phala-onlooker-'))
  const spec = JSON.parse(readFileSync(join(network.base, 'chain.json'), 'utf8'))
  const own = { chain: join(folder, 'chain.json'), worker: join(folder, 'phala-worker'), state: join(folder, 'state') }
  writeFileSync(own.chain, JSON.stringify(spec))
  copyFileSync(join(programs, 'phala-worker'), own.worker)
  mkdirSync(own.state)
  chmodSync(folder, 0o755)
  for (const path of [own.worker, own.state]) chownSync(path, user, user)
  const port = await freePorts(2)
  const as = process.getuid() === 0 ? { uid: user, gid: user } : {}
  const worker = spawn(own.worker, ['--chain', own.chain, '--base-path', own.state, '--port', String(port), '--public-port', String(port + 1)], { ...as, stdio: 'ignore' })
  const plain = spawn('sleep', ['60'], { ...as, stdio: 'ignore' })
  /** What a program of the same user may open of a process. */
  const opens = (pid) => new Promise((resolve) => {
    const script = `for (const name of ['mem', 'environ', 'maps']) { try { require('fs').openSync('/proc/${pid}/' + name, 'r'); console.log(name) } catch (e) { if (!['EACCES', 'EPERM'].includes(e.code)) throw e } }`
    const onlooker = spawn(process.execPath, ['-e', script], { ...as, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    onlooker.stdout.on('data', (d) => { out += d })
    onlooker.once('close', () => resolve(out.split('\n').filter(Boolean)))
  })
  try {
    for (let i = 0; (await phala(['worker', 'status', '--url', `http://127.0.0.1:${port + 1}`])).code !== 0; i++, await sleep(100)) assert.ok(i < 200 && worker.exitCode === null, 'the worker starts')
    assert.deepEqual(await opens(plain.pid), ['mem', 'environ', 'maps'], 'an ordinary process is open: the onlooker can look')
    assert.deepEqual(await opens(worker.pid), [], 'PR_SET_DUMPABLE is 0')
    assert.equal(statSync(`/proc/${worker.pid}/mem`).uid, 0, 'the system took its files away from its user')
  } finally {
    worker.kill('SIGKILL')
    plain.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})
