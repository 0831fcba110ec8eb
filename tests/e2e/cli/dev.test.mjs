// `phala dev`: how soon it is ready, what it writes, how it resumes, and how it refuses what cannot work.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { freePorts, phala, programs, root, sleep, startNetwork } from '../lib/network.mjs'

let folder
before(() => { folder = mkdtempSync(join(tmpdir(), 'phala-dev-test-')) })
after(() => rmSync(folder, { recursive: true, force: true }))

/** One command with --json, as its result. */
async function json(args, network, code = 0) {
  const done = await phala([...args, '--json'], { env: { PHALA_RPC: network.rpc } })
  assert.equal(done.code, code, `${args.join(' ')}: ${done.stdout}${done.stderr}`)
  return JSON.parse(done.stdout)
}
const height = (network) => json(['query', 'System.Number'], network)
const endpoint = async (network, worker) => (await json(['query', 'PhalaRegistry.Endpoints', worker.publicKey], network)).V1[0]
const fetcher = join(root, 'tests', 'golden', 'contracts', 'fetcher.contract')

describe('a network with the usual settings', () => {
  let network, base, first
  before(async () => {
    base = join(folder, 'usual')
    network = first = await startNetwork({ base })
  })
  after(() => network?.stop())

  test('is ready within ten seconds', () => assert.ok(network.readyMs <= 10_000, `${network.readyMs} ms`))

  test('makes a block every three seconds', async () => {
    const at = await height(network)
    const started = Date.now()
    let now = at
    for (; now < at + 3; await sleep(100)) now = await height(network)
    const each = (Date.now() - started) / (now - at)
    assert.ok(each > 2000 && each < 4000, `${each} ms`)
  })

  test('says everything in dev.json', async () => {
    assert.equal(network.rpc, `ws://127.0.0.1:${network.port}`)
    assert.equal(network.workers.length, 2)
    for (const worker of network.workers) {
      const status = JSON.parse((await phala(['worker', 'status', '--url', worker.url, '--json'])).stdout)
      assert.equal('0x' + status.public_key, worker.publicKey)
      assert.equal(status.registered, true)
      assert.equal(status.gatekeeper.role, 2, 'both are gatekeepers')
      assert.equal(await endpoint(network, worker), worker.url)
    }
    const cluster = await json(['query', 'PhalaPhatContracts.Clusters', network.clusterId], network)
    assert.equal(cluster.system_contract, network.systemContract)
    assert.ok(BigInt(cluster.gas_price) > 0n)
    assert.deepEqual(Object.keys(network.accounts), ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie'])
    for (const { uri, address } of Object.values(network.accounts)) {
      assert.equal(JSON.parse((await phala(['key', 'inspect', uri, '--json'])).stdout).ss58Address, address)
      assert.ok(BigInt((await json(['query', 'System.Account', address], network)).data.free) > 10n ** 12n, `${uri} is funded`)
    }
    assert.equal(await json(['query', 'Sudo.Key'], network), network.accounts.Alice.address)
    assert.ok((await json(['query', 'System.Account', network.treasury], network)).data)
    const text = network.output()
    for (const part of [network.rpc, network.clusterId, network.systemContract, ...network.workers.map((w) => w.url), ...Object.values(network.accounts).map((a) => a.address)]) assert.ok(text.includes(part), part)
  })

  test('contracts reach no address of this machine unless they may', async () => {
    const asked = []
    const server = createHttpServer((request, response) => {
      asked.push(request.url)
      response.end('{"price":"4321.5"}')
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${server.address().port}`
    try {
      const { contract } = await json(['contract', 'deploy', fetcher, 'default'], network)
      const denied = await phala(['contract', 'query', contract, 'price', `${url}/denied`, '--abi', fetcher], { env: { PHALA_RPC: network.rpc } })
      assert.equal(denied.code, 4, denied.stdout + denied.stderr)
      assert.deepEqual(asked, [])
      const open = await startNetwork({ args: ['--block-ms', '500', '--allow-egress', '10.0.0.0/8,127.0.0.0/8'] })
      try {
        const there = await json(['contract', 'deploy', fetcher, 'default'], open)
        assert.deepEqual((await json(['contract', 'query', there.contract, 'price', `${url}/allowed`, '--abi', fetcher], open)).value, { Ok: 4321 })
      } finally {
        await open.stop()
      }
      assert.deepEqual(asked, ['/allowed'])
    } finally {
      server.close()
    }
  })

  test('a second one on the same folder, and on the same ports, is refused', async () => {
    const free = await freePorts(10)
    const same = await phala(['dev', '--base-path', base, '--rpc-port', String(free), '--worker-port', String(free + 1)])
    assert.equal(same.code, 5)
    assert.match(same.stderr, /usual is in use by another phala dev/)
    const other = join(folder, 'other')
    for (const [ports, taken] of [[[network.port, free], network.port], [[free, network.port + 2], network.port + 2]]) {
      const { code, stderr } = await phala(['dev', '--base-path', other, '--rpc-port', String(ports[0]), '--worker-port', String(ports[1])])
      assert.equal(code, 5)
      assert.match(stderr, new RegExp(`port ${taken} is in use\n.*(--rpc-port|--worker-port)`))
    }
    assert.ok(!existsSync(other), 'nothing was made')
  })

  test('stops on Ctrl-C, and resumes with all of it', async () => {
    const { contract } = await json(['contract', 'deploy', fetcher, 'default'], network)
    const before = await height(network)
    assert.deepEqual(await network.stop(), { code: 0, signal: null })
    network = await startNetwork({ base })
    assert.ok(await height(network) >= before)
    assert.ok(network.readyMs <= 10_000, `${network.readyMs} ms`)
    assert.deepEqual([network.clusterId, network.systemContract, network.workers.map((w) => w.publicKey)], [first.clusterId, first.systemContract, first.workers.map((w) => w.publicKey)])
    assert.ok((await json(['contract', 'info', contract], network)).codeHash)
  })

  test('is ready on other ports only when the chain says so', async () => {
    // startNetwork takes other ports each time: the addresses that the chain held before are wrong now
    assert.notEqual(network.workers[0].url, first.workers[0].url)
    for (const worker of network.workers) assert.equal(await endpoint(network, worker), worker.url)
    const file = join(root, 'tests', 'golden', 'contracts', 'flipper.contract')
    const { contract } = await json(['contract', 'deploy', file, 'new', 'true'], network)
    assert.equal((await json(['contract', 'query', contract, 'get', '--abi', file], network)).value, true)
  })

  test('cannot get more workers than it was made with, and says so at once', async () => {
    await network.stop()
    const started = Date.now()
    const { code, stderr } = await phala(['dev', '--base-path', base, '--workers', '3', '--rpc-port', String(network.port), '--worker-port', String(network.port + 1)])
    assert.equal(code, 4)
    assert.ok(Date.now() - started < 5000)
    assert.match(stderr, /was made with 2 workers and cannot get more.*\n.*--workers 2/)
    network = await startNetwork({ base, args: ['--workers', '1'] })
    assert.equal(network.workers.length, 1, 'fewer may run')
  })

  test('takes its programs with it when it is killed', async () => {
    const pids = execFileSync('ps', ['--ppid', String(network.pid), '-o', 'pid='], { encoding: 'utf8' }).trim().split(/\s+/).map(Number)
    assert.ok(pids.length >= 3)
    process.kill(network.pid, 'SIGKILL')
    const alive = (pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1][0] !== 'Z'
      } catch {
        return false
      }
    }
    for (let i = 0; pids.some(alive); i++, await sleep(100)) assert.ok(i < 150, 'they still run')
    network = undefined
  })
})

test('three workers, and as many when it resumes', async () => {
  const base = join(folder, 'three')
  let network = await startNetwork({ base, args: ['--workers', '3', '--block-ms', '500'] })
  const keys = network.workers.map((w) => w.publicKey)
  assert.equal(new Set(keys).size, 3)
  assert.deepEqual(new Set(await json(['query', 'PhalaPhatContracts.ClusterWorkers', network.clusterId], network)), new Set(keys))
  await network.stop()
  network = await startNetwork({ base, args: ['--block-ms', '500'] })
  assert.deepEqual(network.workers.map((w) => w.publicKey), keys)
  await network.stop()
})

describe('--tmp', () => {
  const inside = () => {
    const own = mkdtempSync(join(folder, 'tmp-'))
    return { own, env: { ...process.env, TMPDIR: own } }
  }
  test('lives in a folder that goes with it', async () => {
    const { own, env } = inside()
    const port = await freePorts(10)
    const child = spawn(join(programs, 'phala'), ['dev', '--tmp', '--workers', '1', '--rpc-port', String(port), '--worker-port', String(port + 1)], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (d) => { out += d })
    const exited = new Promise((resolve) => child.once('exit', resolve))
    for (let i = 0; !/^ready/m.test(out); i++, await sleep(100)) assert.ok(i < 600 && child.exitCode === null, out)
    const [made] = readdirSync(own)
    assert.match(made, /^phala-dev-/)
    assert.ok(existsSync(join(own, made, 'dev.json')))
    child.kill('SIGINT')
    assert.equal(await exited, 0)
    assert.deepEqual(readdirSync(own), [])
  })

  test('leaves nothing when it cannot start', async () => {
    const { own, env } = inside()
    const server = createServer()
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const port = server.address().port
    const taken = await phala(['dev', '--tmp', '--rpc-port', String(port), '--worker-port', String(port > 40000 ? port - 100 : port + 100)], { env: { TMPDIR: own } })
    server.close()
    assert.equal(taken.code, 5)
    assert.match(taken.stderr, new RegExp(`port ${port} is in use`))
    // and when the programs are not there, long after the folder was made
    mkdirSync(join(own, 'bin'))
    mkdirSync(join(own, 'contracts'))
    for (const [from, to] of [[join(programs, 'phala'), 'bin/phala'], ...['system.wasm', 'tokenomic.wasm'].map((name) => [join(programs, '..', 'contracts', name), `contracts/${name}`])]) writeFileSync(join(own, to), readFileSync(from), { mode: 0o755 })
    const free = await freePorts(10)
    const alone = await new Promise((resolve) => {
      const child = spawn(join(own, 'bin/phala'), ['dev', '--tmp', '--rpc-port', String(free), '--worker-port', String(free + 1)], { env, stdio: ['ignore', 'ignore', 'pipe'] })
      let stderr = ''
      child.stderr.on('data', (d) => { stderr += d })
      child.once('close', (code) => resolve({ code, stderr }))
    })
    assert.equal(alone.code, 5)
    assert.match(alone.stderr, /cannot start .*phala-(node|worker|relay)/)
    assert.deepEqual(readdirSync(own).sort(), ['bin', 'contracts'])
  })

  test('goes with no base path', async () => {
    const { code, stderr } = await phala(['dev', '--tmp', '--base-path', join(folder, 'x')])
    assert.equal(code, 2)
    assert.match(stderr, /--tmp and --base-path exclude each other/)
    assert.equal((await phala(['dev', '--tmp'], { env: { PHALA_BASE_PATH: join(folder, 'x') } })).code, 2)
  })
})

test('options that cannot work are named before anything is made', async () => {
  const base = join(folder, 'refused')
  for (const [args, expected] of [
    [['--rpc-port', '8003', '--worker-port', '8000'], /port 8003 cannot be the node's: the workers take 8000 to 8003/],
    [['--worker-port', '65534'], /none above 65535/],
    [['--rpc-port', '0'], /--rpc-port must be between/],
    [['--workers', '0'], /--workers must be between/],
    [['--workers', '17'], /--workers must be between/],
    [['--block-ms', '5'], /--block-ms must be between/],
    [['--allow-egress', '127.0.0.0/99'], /--allow-egress: /],
    [['--allow-egress', 'localhost'], /--allow-egress: /]
  ]) {
    const { code, stderr } = await phala(['dev', '--base-path', base, ...args])
    assert.equal(code, 2, stderr)
    assert.match(stderr, expected)
    assert.ok(!existsSync(base))
  }
  const nowhere = await phala(['dev', '--base-path', '/proc/nowhere'])
  assert.equal(nowhere.code, 5)
  assert.match(nowhere.stderr, /cannot use \/proc\/nowhere/)
})

/** A disk of its own, of so many KiB. Needs root. */
const isRoot = process.getuid() === 0
describe('a full disk', { skip: isRoot ? false : 'needs root, to mount a small disk' }, () => {
  let disk
  before(() => {
    disk = join(folder, 'disk')
    mkdirSync(disk)
  })
  after(() => { try { execFileSync('umount', ['-l', disk]) } catch { /* it was not mounted */ } })
  const mount = (kib) => {
    try { execFileSync('umount', [disk], { stdio: 'ignore' }) } catch { /* the first time */ }
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', disk])
  }
  const resize = (kib) => execFileSync('mount', ['-o', `remount,size=${kib}k`, disk])

  test('at the first start leaves no half-made chain', async () => {
    mount(48)
    const port = await freePorts(10)
    const { code, stderr } = await phala(['dev', '--base-path', join(disk, 'base'), '--rpc-port', String(port), '--worker-port', String(port + 1)])
    assert.equal(code, 5)
    assert.match(stderr, /cannot write .*chain\.json.*No space left on device\n.*free some disk space/)
    assert.deepEqual(readdirSync(join(disk, 'base')).filter((name) => name.startsWith('chain')), [])
    resize(200 * 1024)
    const network = await startNetwork({ base: join(disk, 'base'), args: ['--workers', '1', '--block-ms', '500'] })
    await network.stop()
  })

  test('while it runs is said on the terminal, and it goes on when there is room', { timeout: 300_000 }, async () => {
    mount(200 * 1024)
    const network = await startNetwork({ base: join(disk, 'base'), args: ['--workers', '1', '--block-ms', '200'] })
    const ballast = join(disk, 'ballast')
    try { execFileSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'], { stdio: 'ignore' }) } catch { /* it ends when the disk is full */ }
    const large = join(folder, 'large')
    writeFileSync(large, randomBytes(3_000_000))
    try {
      // the store keeps some room of its own, which blocks must use up first
      const end = Date.now() + 120_000
      while (!/(node|worker-1|relay) ended with code/.test(network.output())) {
        assert.ok(Date.now() < end, network.output())
        if ((await phala(['tx', 'System.remark', `@${large}`], { env: { PHALA_RPC: network.rpc } })).code !== 0) await sleep(200)
      }
      assert.match(network.output(), /ended with code 5: .*the disk is full \(free some space/)
      rmSync(ballast)
      const before = Date.now()
      let grown = false
      for (let first; !grown && Date.now() - before < 60_000; await sleep(300)) {
        const now = await phala(['query', 'System.Number', '--json'], { env: { PHALA_RPC: network.rpc } })
        if (now.code !== 0) continue
        first ??= Number(now.stdout)
        grown = Number(now.stdout) > first
      }
      assert.ok(grown, `blocks come again\n${network.output()}`)
    } finally {
      await network.stop()
    }
  })
})
