// A network whose every connection is recorded: made by `phala dev`, stopped, and started again program by program, with the same command lines
// save that each talks to the others through a proxy which keeps every byte.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { phala, sleep, startNetwork } from './network.mjs'

/** What a WebSocket client sent, with its masks taken off: a mask hides nothing from a listener, but it hides it from a search. */
function unmasked(bytes) {
  const head = bytes.indexOf('\r\n\r\n')
  if (head < 0 || !/^upgrade: websocket/im.test(bytes.subarray(0, head).toString('latin1'))) return bytes
  const parts = [bytes.subarray(0, head + 4)]
  for (let at = head + 4; at + 2 <= bytes.length;) {
    let length = bytes[at + 1] & 0x7f
    let body = at + 2
    if (length === 126) { length = bytes.readUInt16BE(body); body += 2 } else if (length === 127) { length = Number(bytes.readBigUInt64BE(body)); body += 8 }
    if (!(bytes[at + 1] & 0x80)) throw new Error('a client frame without a mask')
    const mask = bytes.subarray(body, body + 4)
    body += 4
    parts.push(Buffer.from(bytes.subarray(body, body + length).map((byte, i) => byte ^ mask[i & 3])))
    at = body + length
  }
  return Buffer.concat(parts)
}

/** A proxy in front of a port of this machine. `bytes(direction)`: all that went 'in' (to the port) or 'out', connection by connection. */
async function recorder(port) {
  const connections = []
  const sockets = new Set()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    const kept = { in: [], out: [] }
    connections.push(kept)
    for (const [from, to, direction] of [[client, upstream, 'in'], [upstream, client, 'out']]) {
      sockets.add(from)
      from.on('data', (d) => {
        kept[direction].push(d)
        to.write(d)
      })
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    bytes: (direction) => Buffer.concat(connections.flatMap((kept) => {
      const whole = Buffer.concat(kept[direction])
      return [direction === 'in' ? unmasked(whole) : whole, Buffer.from([0])]
    })),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

/** The command lines of the programs that a network runs: { name: [path, …] }. */
function commandLines(pid) {
  const out = {}
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!new RegExp(`^PPid:\\s${pid}$`, 'm').test(readFileSync(`/proc/${entry}/status`, 'utf8'))) continue
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').slice(0, -1)
      const name = words[0].split('/').at(-1).replace('phala-', '')
      out[name === 'worker' ? words[words.indexOf('--base-path') + 1].split('/').at(-1) : name] = words
    } catch { /* it ended meanwhile */ }
  }
  return out
}

/**
 * { rpc, workers: [{url, publicKey}], clusterId, base, links, pid(name), restart(name), output(), stop() }. `rpc` and the workers' urls are those of
 * recorders, as the chain itself names them. `links`: { 'client-node', 'relay-node', 'client-worker-1', 'relay-worker-1', … }, each a recorder.
 */
export async function startRecordedNetwork({ args = [] } = {}) {
  const base = mkdtempSync(join(tmpdir(), 'phala-recorded-'))
  const made = await startNetwork({ base, args })
  const commands = commandLines(made.pid)
  await made.stop()
  const after = (words, option) => words[words.indexOf(option) + 1]
  const links = {}
  const nodePort = after(commands.node, '--rpc-port')
  links['client-node'] = await recorder(nodePort)
  links['relay-node'] = await recorder(nodePort)
  const replace = (name, from, to) => { commands[name] = commands[name].map((word) => word === from ? to : word) }
  const local = (port) => `http://127.0.0.1:${port}`
  replace('relay', made.rpc, `ws://127.0.0.1:${links['relay-node'].port}`)
  const workers = []
  for (const [i, worker] of made.workers.entries()) {
    const name = `worker-${i + 1}`
    const client = links[`client-${name}`] = await recorder(after(commands[name], '--public-port'))
    const relay = links[`relay-${name}`] = await recorder(after(commands[name], '--port'))
    replace(name, after(commands[name], '--endpoint'), local(client.port))
    replace('relay', local(after(commands[name], '--port')), local(relay.port))
    workers.push({ ...worker, url: local(client.port) })
  }

  let output = ''
  const running = {}
  const start = (name) => {
    const child = spawn(commands[name][0], commands[name].slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => { output += d })
    running[name] = { child, ended: new Promise((resolve) => child.once('exit', resolve)) }
  }
  const names = ['node', ...workers.map((_, i) => `worker-${i + 1}`), 'relay']
  for (const name of names) start(name)
  const direct = { PHALA_RPC: made.rpc }
  for (const worker of workers)
    for (let tries = 0; ; tries++, await sleep(200)) {
      const { stdout } = await phala(['query', 'PhalaRegistry.Endpoints', worker.publicKey, '--json'], { env: direct })
      if (stdout.includes(worker.url)) break
      if (tries > 300) throw new Error(`the chain does not get the address of ${worker.url}: ${stdout}\n${output}`)
    }
  return {
    ...made,
    base,
    rpc: `ws://127.0.0.1:${links['client-node'].port}`,
    workers,
    links,
    commands,
    pid: (name) => running[name].child.pid,
    ended: (name) => running[name].ended,
    start,
    output: () => output,
    async stop() {
      for (const name of [...names].reverse()) {
        running[name].child.kill('SIGTERM')
        await running[name].ended
      }
      for (const link of Object.values(links)) link.close()
      rmSync(base, { recursive: true, force: true })
    }
  }
}
