// Starts a network exactly as a user does (`phala dev --tmp`), and reads what it says of itself.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
export const programs = process.env.PHALA_BIN ?? join(root, 'build', 'release', 'bin')

/** A port that is free now, with `span` free ones from it on; below those that the system gives to outgoing connections (32768 and more). */
export async function freePorts(span) {
  const free = (port) => new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false)).once('listening', () => server.close(() => resolve(true))).listen(port, '127.0.0.1')
  })
  for (let base = 20000 + Math.floor(Math.random() * 12000); base < 60000; base += span) {
    const all = await Promise.all(Array.from({ length: span }, (_, i) => free(base + i)))
    if (all.every(Boolean)) return base
  }
  throw new Error('no free ports')
}

/**
 * A running network: { rpc, workers, clusterId, systemContract, treasury, accounts, base, stop(), output() }.
 * `args` are added to the command line, `env` to the environment of all its programs. The base path outlives `stop()` when the caller gives one.
 */
export async function startNetwork({ args = [], env = {}, base, port, readyWithinMs = 60_000 } = {}) {
  const own = base === undefined
  base ??= mkdtempSync(join(tmpdir(), 'phala-e2e-'))
  port ??= await freePorts(40)
  const child = spawn(join(programs, 'phala'), ['dev', '--base-path', base, '--rpc-port', String(port), '--worker-port', String(port + 1), ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let output = ''
  child.stdout.on('data', (d) => { output += d })
  child.stderr.on('data', (d) => { output += d })
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const started = Date.now()
  while (!/^ready/m.test(output)) {
    const over = await Promise.race([exited, new Promise((r) => setTimeout(r, 50))])
    if (over) throw new Error(`phala dev ended (${JSON.stringify(over)}):\n${output}`)
    if (Date.now() - started > readyWithinMs) {
      child.kill('SIGTERM')
      await exited
      throw new Error(`phala dev was not ready within ${readyWithinMs} ms:\n${output}`)
    }
  }
  const summary = JSON.parse(readFileSync(join(base, 'dev.json'), 'utf8'))
  return {
    ...summary,
    base,
    port,
    pid: child.pid,
    readyMs: Date.now() - started,
    output: () => output,
    async stop() {
      child.kill('SIGINT')
      const end = await exited
      if (own) rmSync(base, { recursive: true, force: true })
      return end
    }
  }
}

/** A contract of tests/golden/contracts: the bytes of the .contract file as JSON. */
export const contractFile = (name) => JSON.parse(readFileSync(join(root, 'tests', 'golden', 'contracts', `${name}.contract`), 'utf8'))

/** A development node alone, with a block every `blockMs`: { rpc, base, stop(), output() }. */
export async function startNode({ args = [], blockMs = 300, base } = {}) {
  const own = base === undefined
  base ??= mkdtempSync(join(tmpdir(), 'phala-e2e-'))
  const port = await freePorts(2)
  const child = spawn(join(programs, 'phala-node'), ['--chain', 'dev', '--base-path', base, '--rpc-port', String(port), '--rpc-methods', 'unsafe', '--block-ms', String(blockMs), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (d) => { output += d })
  child.stderr.on('data', (d) => { output += d })
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  for (let tries = 0; ; tries++) {
    const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)
    if (health?.ok) break
    const over = await Promise.race([exited, new Promise((r) => setTimeout(r, 50))])
    if (over || tries > 400) throw new Error(`phala-node did not start (${JSON.stringify(over)}):\n${output}`)
  }
  return {
    rpc: `ws://127.0.0.1:${port}`,
    http: `http://127.0.0.1:${port}`,
    base,
    pid: child.pid,
    output: () => output,
    async stop(signal = 'SIGINT') {
      child.kill(signal)
      const end = await exited
      if (own) rmSync(base, { recursive: true, force: true })
      return end
    }
  }
}

/** A contract built with the tree: contracts/NAME.contract of the build folder. */
export const builtContract = (name) => JSON.parse(readFileSync(join(programs, '..', 'contracts', `${name}.contract`), 'utf8'))

/** Runs `phala` to its end: { code, signal, stdout, stderr }. It sees none of the PHALA_ variables of this process but those in `env`. */
export function phala(args, { env = {}, cwd, timeoutMs = 120_000 } = {}) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PHALA_') || name === 'PHALA_CACHE'))
  return run(join(programs, 'phala'), args, { env: { ...clean, ...env }, cwd, timeoutMs })
}

/** Runs any program to its end. */
export function run(program, args, { env = process.env, cwd, timeoutMs = 120_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    const out = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) child[name].on('data', (d) => { out[name] += d })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, ...out })
    })
  })
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
