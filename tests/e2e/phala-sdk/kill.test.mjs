// kill -9 of node, workers and relay at random points under load: everything resumes by itself, no message is lost or applied twice.
// KILLS: how often each program is killed (100). SEED: for the order and the moments.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { compactAddLength } from '@polkadot/util'
import { OnChainRegistry, getContract, options, signCertificate } from '@phala/sdk'

import { contractFile, startNetwork } from '../lib/network.mjs'
import { deploy } from './deploy.mjs'

const kills = Number(process.env.KILLS ?? 100)
let seed = Number(process.env.SEED ?? 7)
const random = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648)
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

let network, api, registry, alice, bob, contract

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
/** Process ids of the programs, by the name of their binary. */
function children() {
  const out = execFileSync('ps', ['--ppid', String(network.pid), '-o', 'pid=,args='], { encoding: 'utf8' }).trim().split('\n')
  return out.map((line) => line.trim().match(/^(\d+)\s+\S*?(phala-(?:node|worker|relay))\s(.*)$/)).filter(Boolean).map(([, pid, name, args]) => ({ pid: Number(pid), name, args }))
}

before(async () => {
  network = await startNetwork({ args: ['--block-ms', '250'] })
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
})

test(`${kills} kills of each program lose nothing`, { timeout: 1_800_000 }, async () => {
  const start = (await api.query.system.account(bob.address)).nonce.toNumber()
  const genesisHash = api.genesisHash
  const message = contract.abi.findMessage('incBy').toU8a([1]).slice(1) // without its compact length
  let sent = start
  let stop = false
  /** Adds one to the counter, again and again; each nonce is used for exactly one message, however often it must be sent. */
  const load = (async () => {
    while (!stop) {
      const payload = '0x0000' + '00' + Buffer.from(compactAddLength(message)).toString('hex') + '00'.repeat(16) + '00e8764817000000' + '00'
      const tx = api.tx.phalaPhatContracts.pushContractMessage(contract.address.toHex(), payload, 200_000_000_000n)
      tx.sign(bob, { nonce: sent, era: 0, blockHash: genesisHash, genesisHash, runtimeVersion: api.runtimeVersion })
      const hex = tx.toHex()
      for (let waited = 0; ; waited++) {
        if (waited % 15 === 0) await rpc('author_submitExtrinsic', hex)
        const raw = await rpc('state_getStorage', api.query.system.account.key(bob.address))
        if (raw && api.createType('AccountInfo', raw).nonce.toNumber() > sent) break
        await sleep(100)
      }
      sent++
    }
  })()

  const left = { 'phala-node': kills, 'phala-worker': kills, 'phala-relay': kills }
  while (Object.values(left).some((n) => n > 0)) {
    const names = Object.keys(left).filter((name) => left[name] > 0)
    const name = names[Math.floor(random() * names.length)]
    const victims = children().filter((c) => c.name === name)
    if (victims.length > 0) {
      try {
        process.kill(victims[Math.floor(random() * victims.length)].pid, 'SIGKILL')
        left[name]--
      } catch (e) {
        if (e.code !== 'ESRCH') throw e
      }
    }
    await sleep(50 + random() * 500)
  }
  stop = true
  await load
  const total = sent - start
  assert.ok(total > kills / 10, `the load made progress (${total} messages)`)

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
