// kill -9 of node, workers and relay at random points under load: everything resumes by itself, no message is lost or applied twice. A kill counts only
// when its victim has been at work since its last start; half of a worker's kills come while it writes a snapshot.
// KILLS: how often each program is killed (100). SEED: for the order and the moments.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { compactAddLength } from '@polkadot/util'
import { OnChainRegistry, getContract, options, signCertificate } from '@phala/sdk'

import { contractFile, sleep, startNetwork } from '../lib/network.mjs'
import { deploy } from './deploy.mjs'

const kills = Number(process.env.KILLS ?? 100)
let seed = Number(process.env.SEED ?? 7)
const random = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648)

let network, base, api, registry, alice, bob, contract

/** JSON-RPC by HTTP; null while the node is away. */
async function rpc(method, ...params) {
  try {
    const response = await fetch(network.rpc.replace('ws', 'http'), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), signal: AbortSignal.timeout(5000) })
    return (await response.json()).result ?? null
  } catch {
    return null
  }
}
const info = (worker, method) => fetch(`${worker.url}/prpc/PhactoryAPI.${method}?json=true`, { signal: AbortSignal.timeout(5000) }).then((r) => r.json()).catch(() => null)
/** The programs that run now: { pid, name: 'node' | 'relay' | 'worker', worker: its place among the workers }. */
function children() {
  const found = spawnSync('ps', ['--ppid', String(network.pid), '-o', 'pid=,args='], { encoding: 'utf8' })
  assert.doesNotThrow(() => process.kill(network.pid, 0), undefined, `phala dev is gone:\n${network.output()}`)
  if (found.status === 1) return [] // all of them are dead and wait for their restart
  const out = found.stdout.trim().split('\n')
  return out.map((line) => line.trim().match(/^(\d+)\s+\S*?phala-(node|worker|relay)\s(.*)$/)).filter(Boolean)
    .map(([, pid, name, args]) => ({ pid: Number(pid), name, worker: name === 'worker' ? Number(args.match(/--base-path \S*worker-(\d+)/)[1]) - 1 : undefined }))
}

before(async () => {
  base = mkdtempSync(join(tmpdir(), 'phala-kill-'))
  network = await startNetwork({ base, args: ['--block-ms', '250'], env: { PHALA_WORKER_CHECKPOINT_INTERVAL: '1' } })
  api = await ApiPromise.create(options({ provider: new WsProvider(network.rpc), noInitWarn: true }))
  const keyring = new Keyring({ type: 'sr25519' })
  alice = keyring.addFromUri('//Alice')
  bob = keyring.addFromUri('//Bob')
  registry = await OnChainRegistry.create(api)
  const cert = await signCertificate({ pair: alice })
  contract = await deploy({ api, registry, pair: alice, cert, file: contractFile('flipper') }, 'new', true)
})
after(async () => {
  await api?.disconnect()
  await network?.stop()
  rmSync(base, { recursive: true, force: true })
})

/** Adds one to the counter, again and again, until `stop`; each nonce is used for exactly one message, however often it must be sent. */
function startLoad(start) {
  const genesisHash = api.genesisHash
  const message = contract.abi.findMessage('incBy').toU8a([1]).slice(1) // without its compact length
  const load = { sent: start, stop: false }
  load.done = (async () => {
    while (!load.stop) {
      const payload = '0x0000' + '00' + Buffer.from(compactAddLength(message)).toString('hex') + '00'.repeat(16) + '00e8764817000000' + '00'
      const tx = api.tx.phalaPhatContracts.pushContractMessage(contract.address.toHex(), payload, 200_000_000_000n)
      tx.sign(bob, { nonce: load.sent, era: 0, blockHash: genesisHash, genesisHash, runtimeVersion: api.runtimeVersion })
      const hex = tx.toHex()
      for (let waited = 0; ; waited++) {
        if (waited % 15 === 0) await rpc('author_submitExtrinsic', hex)
        const raw = await rpc('state_getStorage', api.query.system.account.key(bob.address))
        if (raw && api.createType('AccountInfo', raw).nonce.toNumber() > load.sent) break
        await sleep(50)
      }
      load.sent++
    }
  })()
  return load
}

/** Knows of each process how far the network was when it was first seen, and so whether it has been at work since. */
class Witness {
  #marks = new Map()
  #heights
  async look(load) {
    this.#heights = await Promise.all(network.workers.map(async (w) => (await info(w, 'GetInfo'))?.blocknum ?? -1))
    this.alive = children()
    for (const { pid } of this.alive) if (!this.#marks.has(pid)) this.#marks.set(pid, { sent: load.sent, heights: this.#heights.slice() })
    this.load = load
  }
  /** The node took a message; a worker processed blocks; the relay brought some to a worker. */
  atWork({ pid, name, worker }) {
    const mark = this.#marks.get(pid)
    if (this.load.sent <= mark.sent) return false
    const advanced = this.#heights.map((height, i) => mark.heights[i] < 0 ? (mark.heights[i] = height, false) : height > mark.heights[i])
    return name === 'node' || (name === 'worker' ? advanced[worker] : advanced.some(Boolean))
  }
}

/** Kills a worker in the middle of its next snapshot: true when one was cut off, false when none came in time. */
function killInSnapshot({ pid, worker }) {
  const folder = join(base, `worker-${worker + 1}`)
  return new Promise((resolve) => {
    const end = (hit) => {
      clearTimeout(timer)
      watcher.close()
      resolve(hit)
    }
    const watcher = watch(folder, (_, name) => {
      if (!/snapshot/.test(name)) return
      try { process.kill(pid, 'SIGKILL') } catch { return end(false) }
      end(true)
    })
    const timer = setTimeout(() => end(false), 2500)
  })
}

test(`${kills} kills of each program lose nothing`, { timeout: 800_000 }, async () => {
  const start = (await api.query.system.account(bob.address)).nonce.toNumber()
  const load = startLoad(start)
  const left = { node: kills, worker: kills, relay: kills }
  const witness = new Witness()
  let snapshots = 0, cut = 0
  const pending = new Set() // kills that wait for a snapshot
  while (Object.values(left).some((n) => n > 0) || pending.size > 0) {
    await witness.look(load)
    for (const victim of witness.alive) {
      if (left[victim.name] <= 0 || [...pending].some((p) => p.pid === victim.pid) || !witness.atWork(victim) || random() < 0.4) continue
      if (victim.name === 'worker' && left.worker % 2 === 0) {
        const waiting = { pid: victim.pid }
        pending.add(waiting)
        left.worker--
        killInSnapshot(victim).then((hit) => {
          pending.delete(waiting)
          if (!hit) return left.worker++
          snapshots++
          if (readdirSync(join(base, `worker-${victim.worker + 1}`)).some((name) => /new|tmp/.test(name))) cut++
        })
        continue
      }
      try {
        process.kill(victim.pid, 'SIGKILL')
        left[victim.name]--
      } catch (e) {
        if (e.code !== 'ESRCH') throw e
      }
    }
    await sleep(random() * 200)
  }
  load.stop = true
  await load.done
  const total = load.sent - start
  console.log(`${total} messages, ${snapshots} kills at a snapshot, ${cut} of them before it had its name`)
  assert.ok(total >= kills, `the load made progress (${total} messages)`)
  assert.ok(snapshots >= kills / 4, `${snapshots} kills came at a snapshot`)
  assert.ok(kills < 20 || cut > 0, 'some came in the middle of one')

  // everything comes back by itself, agrees, and has every message exactly once
  let roots
  for (let tries = 0; tries < 600; tries++, await sleep(200)) {
    const answers = await Promise.all(network.workers.map((w) => info(w, 'GetClusterInfo')))
    const heights = await Promise.all(network.workers.map((w) => info(w, 'GetInfo')))
    roots = answers.map((a) => a?.info?.state_root)
    if (new Set(roots).size === 1 && roots[0] && heights.every((h) => h) && new Set(heights.map((h) => h.blocknum)).size === 1) {
      const fresh = await ApiPromise.create(options({ provider: new WsProvider(network.rpc), noInitWarn: true }))
      const counters = []
      for (const worker of network.workers) {
        const other = await OnChainRegistry.create(fresh, { clusterId: network.clusterId, workerId: worker.publicKey, pruntimeURL: worker.url })
        const there = await getContract({ client: other, contractId: contract.address.toHex(), abi: contractFile('flipper') })
        const { output } = await there.query.counter(alice.address, { cert: await signCertificate({ pair: alice }) })
        counters.push(output.asOk.toNumber())
      }
      await fresh.disconnect()
      if (counters.every((c) => c === total)) return
      roots = counters
    }
  }
  assert.fail(`workers did not come to agree on ${total} messages: ${JSON.stringify(roots)}\n${network.output()}`)
})
