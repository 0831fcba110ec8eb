// The command against a running network: the examples of every --help, contracts, arguments of every kind.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { freePorts, phala, programs, root, run, startNetwork } from '../lib/network.mjs'

const flipper = join(root, 'tests', 'golden', 'contracts', 'flipper.contract')
const alice = '45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2'
let network, folder, env

const json = async (args, code = 0) => {
  const done = await phala([...args, '--json'], { env })
  assert.equal(done.code, code, `${args.join(' ')}: ${done.stdout}${done.stderr}`)
  return JSON.parse(code === 0 || done.stdout ? done.stdout : done.stderr)
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'phala-cli-'))
  // examples name files of the repository, and write beside them
  for (const name of ['tests', 'contracts']) symlinkSync(join(root, name), join(folder, name))
  network = await startNetwork({ args: ['--block-ms', '500'] })
  // what a user on the default ports need not say
  env = { PHALA_RPC: network.rpc, PHALA_URL: network.workers[0].url }
})
after(async () => {
  await network?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A shell line as a user types it, in a folder like the repository's. */
const shell = (line, more = {}) => run('bash', ['-c', line], { cwd: folder, env: { PATH: `${programs}:${process.env.PATH}`, HOME: folder, ...(process.env.PHALA_CACHE ? { PHALA_CACHE: process.env.PHALA_CACHE } : {}), ...env, ...more } })

test('the example of every command works', async () => {
  const names = (text) => text.split('Subcommands:\n')[1]?.trim().split('\n').map((line) => line.trim().split(/\s/)[0]) ?? []
  const { contract } = await json(['contract', 'deploy', flipper, 'new', 'true'])
  let tried = 0
  const visit = async (words) => {
    const { stdout } = await phala([...words, '--help'])
    for (const name of names(stdout)) await visit([...words, name])
    if (!stdout.includes('\nExample:\n')) return
    const example = stdout.split('\nExample:\n')[1].trim()
    assert.ok(example.startsWith(`phala ${words.join(' ')}`), example)
    if (words[0] === 'dev') return // has tests of its own
    const { code, stdout: out, stderr } = await shell(example.replace('http://127.0.0.1:8000', network.workers[0].url), { CONTRACT: contract })
    assert.ok(code === 0 || (words[0] === 'doctor' && code === 5), `${example}\n${out}${stderr}`)
    tried++
  }
  await visit([])
  assert.ok(tried >= 12, `${tried} examples`)
})

describe('a contract', () => {
  let id
  before(async () => { id = (await json(['contract', 'deploy', flipper, 'new', 'true'])).contract })
  const contract = (command, ...args) => [...['contract', command, id], ...args, ...(command === 'info' ? [] : ['--abi', flipper])]

  test('a call shows what the message returned', async () => {
    const added = await json(contract('call', 'inc_by', '5'))
    assert.deepEqual(added.value, { Ok: 5 })
    assert.equal(added.reverted, false)
    assert.ok(added.gasConsumed > 0 && added.gasRequired >= added.gasConsumed)
    const plain = await phala(contract('call', 'inc_by', '1', '--plain'), { env })
    assert.equal(plain.code, 0)
    assert.equal(plain.stdout, 'Ok: 6\n')
    assert.match(plain.stderr, /^inc_by ran, sent in block \d+\n$/)
  })

  test('what would be undone is not sent; what was undone or failed is no success', async () => {
    const refused = await phala(contract('call', 'inc_by', '4294967295'), { env })
    assert.equal(refused.code, 4)
    assert.match(refused.stderr, /inc_by would revert with \{"Err":"Overflow"\}/)
    const undone = await json(contract('call', 'inc_by', '4294967295', '--gas', '20000000000'), 4)
    assert.deepEqual([undone.value, undone.reverted], [{ Err: 'Overflow' }, true])
    const failed = await json(contract('call', 'inc_by', '1', '--gas', '1000'), 4)
    assert.match(failed.error, /inc_by failed: Contracts\.OutOfGas/)
    assert.equal(await json(contract('query', 'counter')).then((r) => r.value), 6, 'neither changed anything')
  })

  test('the log tells how each message ended', async () => {
    const { records } = await json(contract('logs'))
    const ended = records.filter((r) => r.type === 'MessageOutput').map((r) => [r.message, r.outcome, r.reason ?? r.value])
    assert.deepEqual(ended, [['inc_by', 'done', { Ok: 5 }], ['inc_by', 'done', { Ok: 6 }], ['inc_by', 'reverted', { Err: 'Overflow' }], ['inc_by', 'failed', 'Contracts.OutOfGas']])
    const { stdout } = await phala(contract('logs', '--count', '2'), { env })
    assert.match(stdout, /inc_by reverted \{"Err":"Overflow"\}\n.*inc_by failed: Contracts\.OutOfGas\n$/)
    assert.equal(stdout.trim().split('\n').length, 2)
    // without the description, the outcome is known but not what it means
    const { records: bare } = await json(['contract', 'logs', id, '--count', '1'])
    assert.deepEqual([bare[0].outcome, bare[0].reason], ['failed', 'Contracts.OutOfGas'])
  })

  for (const scheme of ['sr25519', 'ed25519', 'ecdsa'])
    test(`an ${scheme} key asks and pays`, async () => {
      const { ss58Address } = JSON.parse((await phala(['key', 'inspect', '//Scheme', '--scheme', scheme, '--json'])).stdout)
      await json(['tx', 'Balances.transfer_keep_alive', ss58Address, '100000000000000'])
      const key = ['--key', '//Scheme', '--scheme', scheme]
      assert.equal((await json(contract('query', 'counter', ...key))).value, 6)
      const sent = await json(['tx', 'System.remark_with_event', 'hello', ...key])
      const remarked = sent.events.find((e) => e.name === 'Remarked')
      assert.equal(remarked.data.sender, ss58Address)
      await json(contract('call', 'flip', ...key))
      assert.equal((await json(contract('query', 'flips_of', ss58Address))).value, 1, 'the contract saw who sent it')
    })

  test('what is not there', async () => {
    const nobody = '0x' + '77'.repeat(32)
    assert.match((await json(['contract', 'call', nobody, 'flip', '--abi', flipper], 3)).error, /the chain knows no contract/)
    assert.match((await json(['contract', 'info', nobody], 3)).error, /the chain knows no contract/)
    assert.match((await json(contract('call', 'flop'), 3)).hint, /flip/)
    assert.match((await json(contract('call', 'inc_by'), 2)).error, /takes 1 arguments/)
    assert.equal((await phala(['contract', 'query', '0x12', 'get', '--abi', flipper], { env })).code, 2)
  })
})

describe('arguments', () => {
  const remarks = (sent) => sent.events.filter((e) => e.name === 'Remarked').map((e) => e.data.hash)
  const hashOf = async (...args) => remarks(await json(['tx', 'System.remark_with_event', ...args]))[0]

  test('an amount of more than 64 bits', async () => {
    const huge = '100000000000000000000000'
    for (const args of [[alice, huge], [JSON.stringify({ dest: alice }).replace('}', `,"value":${huge}}`)]]) {
      const refused = await json(['tx', 'Balances.transfer_keep_alive', ...args, '--key', '//Bob'], 4)
      assert.match(JSON.stringify(refused), /Balances\.InsufficientBalance|FundsUnavailable|Token/)
    }
    const { call } = await json(['tx', 'Balances.transfer_keep_alive', alice, '18446744073709551616', '--dry-run'])
    assert.ok(call.endsWith('17000000000000000001'), `compact(2^64) in ${call}`)
  })

  test('a text that looks like a number, and one that is longer than an argument may be', async () => {
    assert.equal(await hashOf('42'), await hashOf('0x3432'))
    assert.equal(await hashOf('true'), await hashOf('0x74727565'))
    const path = join(folder, 'long')
    writeFileSync(path, 'x'.repeat(300_000))
    assert.equal((await run('sh', ['-c', `"${join(programs, 'phala')}" tx System.remark "$(cat ${path})" --dry-run`], { env: { ...process.env, ...env } })).code, 126, 'the system refuses it as an argument')
    assert.match(await hashOf(`@${path}`), /^0x[0-9a-f]{64}$/)
    const short = join(folder, 'short')
    writeFileSync(short, '42')
    assert.equal(await hashOf(`@${short}`), await hashOf('42'))
  })

  test('storage with and without keys, constants, and what is not there', async () => {
    assert.ok((await json(['query', 'System.Account', alice])).nonce > 0)
    assert.ok((await json(['query', 'System.Account'])).some((e) => e.key === alice))
    assert.equal(await json(['query', 'Balances.ExistentialDeposit']), '10000000000')
    assert.match((await json(['query', 'System.Nothing'], 3)).hint, /Account/)
    assert.match((await json(['query', 'Nothing.Account'], 3)).error, /no pallet/)
    assert.match((await json(['tx', 'System.nothing'], 3)).hint, /remark/)
    assert.match((await json(['query', 'System.Account', alice.replace(/2$/, '3')], 2)).error, /key 1: .*checksum/)
    assert.match((await json(['tx', 'Balances.transfer_keep_alive', '{"dest": 1'], 2)).error, /not a JSON object/)
  })

  test('sudo: the inner failure is the outcome', async () => {
    const refused = await json(['tx', 'PhalaRegistry.register_gatekeeper', '0x' + '12'.repeat(32), '--sudo'], 4)
    assert.ok(refused.error)
  })
})

test('the status of a worker, for people and machines', async () => {
  const status = await json(['worker', 'status'])
  assert.equal(status.registered, true)
  const { stdout } = await phala(['worker', 'status'], { env })
  assert.match(stdout, /registered: +yes\n/)
  assert.match(stdout, /gatekeeper: +active\n/)
})

test('phala dev --json says what it made on one line, and goes on until it is told to stop', async () => {
  const port = await freePorts(10)
  const child = spawn(join(programs, 'phala'), ['dev', '--tmp', '--workers', '1', '--json', '--rpc-port', String(port), '--worker-port', String(port + 1)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  const line = await new Promise((resolve, reject) => {
    child.stdout.on('data', (d) => {
      out += d
      if (out.includes('\n')) resolve(out.split('\n')[0])
    })
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
  })
  const summary = JSON.parse(line)
  assert.equal(summary.rpc, `ws://127.0.0.1:${port}`)
  assert.equal(summary.workers.length, 1)
  assert.ok(summary.readyAfterSeconds < 60 && summary.basePath.includes('phala-dev-'))
  child.removeAllListeners('exit')
  child.kill('SIGINT')
  const code = await new Promise((resolve) => child.once('exit', resolve))
  assert.equal(code, 0)
  assert.equal(out, line + '\n', 'nothing else on standard output')
})
