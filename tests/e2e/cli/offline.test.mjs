// Commands that need no network: keys, settings, help, evidence, and what happens when a service answers nonsense.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { phala, programs, root, run } from '../lib/network.mjs'

const alice = '45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2'
let folder
before(() => { folder = mkdtempSync(join(tmpdir(), 'phala-cli-')) })
after(() => rmSync(folder, { recursive: true, force: true }))
const file = (name, content) => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

describe('key', () => {
  test('a phrase that was made gives the key that was shown', async () => {
    const { code, stdout } = await phala(['key', 'generate', '--words', '24', '--json'])
    assert.equal(code, 0)
    const made = JSON.parse(stdout)
    assert.equal(made.secretPhrase.split(' ').length, 24)
    const again = JSON.parse((await phala(['key', 'inspect', made.secretPhrase, '--json'])).stdout)
    assert.equal(again.ss58Address, made.ss58Address)
  })

  test('a key file is new, whole and for its owner', async () => {
    const path = join(folder, 'new.key')
    const { code, stdout } = await phala(['key', 'generate', '--out', path, '--json'])
    assert.equal(code, 0)
    assert.ok(!('secretPhrase' in JSON.parse(stdout)), 'what is in the file is not on the screen')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const phrase = readFileSync(path, 'utf8')
    const inspected = JSON.parse((await phala(['key', 'inspect', `@${path}`, '--json'])).stdout)
    assert.equal(inspected.ss58Address, JSON.parse(stdout).ss58Address)

    const again = await phala(['key', 'generate', '--out', path])
    assert.equal(again.code, 4)
    assert.match(again.stderr, /exists already/)
    assert.equal(readFileSync(path, 'utf8'), phrase, 'an existing key is left alone')
  })

  test('an existing file that others may read does not take a key', async () => {
    const path = file('open.key', '')
    chmodSync(path, 0o644)
    assert.equal((await phala(['key', 'generate', '--out', path])).code, 4)
    assert.equal(readFileSync(path, 'utf8'), '')
  })

  test('addresses: any prefix that exists, and a typing error by its name', async () => {
    assert.equal(JSON.parse((await phala(['key', 'inspect', alice, '--ss58-format', '42', '--json'])).stdout).ss58Address, '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY')
    assert.equal((await phala(['key', 'inspect', alice, '--ss58-format', '16383'])).code, 0)
    const beyond = await phala(['key', 'inspect', alice, '--ss58-format', '16384'])
    assert.equal(beyond.code, 2)
    assert.match(beyond.stderr, /must be below 16384/)
    const typo = await phala(['key', 'inspect', alice.replace(/2$/, '3')])
    assert.equal(typo.code, 2)
    assert.match(typo.stderr, /checksum does not match/)
  })
})

describe('settings', () => {
  // what `query` would ask is told by --print-config, and by the error when nobody listens
  const asked = async (args, env = {}) => (await phala(['query', 'System.Number', ...args], { env })).stderr.match(/http:\/\/127\.0\.0\.1:(\d+)/)?.[1]

  test('flag beats environment beats file', async () => {
    const config = file('phala.toml', 'rpc = "ws://127.0.0.1:1"\nlimit = 5\n')
    assert.equal(await asked(['--config', config]), '1')
    assert.equal(await asked([], { PHALA_CONFIG: config }), '1')
    assert.equal(await asked(['--config', config], { PHALA_RPC: 'ws://127.0.0.1:2' }), '2')
    assert.equal(await asked(['--config', config, '--rpc', 'ws://127.0.0.1:3'], { PHALA_RPC: 'ws://127.0.0.1:2' }), '3')
    const { code, stdout } = await phala(['query', 'System.Number', '--config', config, '--print-config'], { env: { PHALA_RPC: 'ws://127.0.0.1:2' } })
    assert.equal(code, 0)
    assert.match(stdout, /^rpc = "ws:\/\/127\.0\.0\.1:2" +# environment PHALA_RPC$/m)
    assert.match(stdout, /^limit = "5" +# file .*phala\.toml:2$/m)
  })

  test('a key that no command has is an error with its place; one of another command is not', async () => {
    const wrong = await phala(['query', 'System.Number', '--config', file('wrong.toml', 'rpc = "x"\nrpcs = "y"\n')])
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /wrong\.toml:2: unknown option 'rpcs'/)
    assert.equal(await asked(['--config', file('other.toml', 'rpc = "ws://127.0.0.1:1"\nblock-ms = 500\n')]), '1')
    const missing = await phala(['query', 'System.Number', '--config', join(folder, 'nowhere.toml')])
    assert.equal(missing.code, 2)
  })

  test('an error about a setting says where it stands', async () => {
    const { code, stderr } = await phala(['key', 'generate'], { env: { PHALA_WORDS: '13' } })
    assert.equal(code, 2)
    assert.match(stderr, /--words \(environment PHALA_WORDS\) must be/)
  })

  test('flags without a value', async () => {
    assert.ok(JSON.parse((await phala(['key', 'inspect', alice], { env: { PHALA_JSON: 'true' } })).stdout).accountId)
    assert.match((await phala(['key', 'inspect', alice], { env: { PHALA_JSON: 'false' } })).stdout, /^accountId: /m)
    const odd = await phala(['key', 'inspect', alice], { env: { PHALA_JSON: 'perhaps' } })
    assert.equal(odd.code, 2)
    assert.match(odd.stderr, /PHALA_JSON: json must be true or false/)
  })
})

describe('help', () => {
  test('a command that is not there: what there is instead', async () => {
    for (const [words, expected] of [[['nope'], /there is no command 'nope'\n.*contract, dev, doctor/], [['contract', 'nope'], /no command 'contract nope'\n.*deploy, query/], [['contract'], /a command is missing/], [[], /a command is missing/]]) {
      const { code, stderr } = await phala(words)
      assert.equal(code, 2)
      assert.match(stderr, expected)
    }
    assert.match(JSON.parse((await phala(['nope', '--json'])).stderr).error, /no command 'nope'/)
    assert.match(JSON.parse((await phala(['key', 'inspect', '--json'])).stderr).error, /URI/)
  })

  test('every group and command is described, and has an example', async () => {
    const { stdout, code } = await phala(['--help'])
    assert.equal(code, 0)
    const names = stdout.split('Subcommands:\n')[1].trim().split('\n').map((line) => line.trim().split(/\s{2,}/))
    assert.ok(names.length >= 8)
    for (const [name, about] of names) {
      assert.ok(about?.length > 5, `${name} is not described`)
      assert.equal((await phala([name, '--help'])).code, 0)
    }
  })

  test('version, with the commit', async () => {
    assert.match((await phala(['--version'])).stdout, /^phala \d+\.\d+\.\d+-[0-9a-f]{12}(-dirty)?\n$/)
  })

  test('a result that cannot be written is no success', async () => {
    const { code, stderr } = await run('sh', ['-c', `"$0" key inspect ${alice} > /dev/full`, join(programs, 'phala')])
    assert.equal(code, 5)
    assert.match(stderr, /standard output/)
  })
})

describe('attest verify', () => {
  const golden = join(root, 'tests', 'golden', 'dcap')
  const collateral = join(golden, 'sgx_quote_collateral.json')
  const verify = (...args) => phala(['attest', 'verify', ...args, '--now', '1750377600'])

  test('a quote raw, as hex, and as hex in lines', async () => {
    const quote = readFileSync(join(golden, 'sgx_quote'))
    const hex = quote.toString('hex')
    for (const path of [join(golden, 'sgx_quote'), file('quote.hex', hex), file('quote.0x', `0x${hex}\n`), file('quote.lines', hex.match(/.{1,64}/g).join('\r\n'))]) {
      const { code, stdout, stderr } = await verify(path, collateral, '--json')
      assert.equal(code, 0, path + stderr)
      assert.equal(JSON.parse(stdout).kind, 'sgx')
    }
  })

  test('what is wrong with the files is said of the file', async () => {
    const folderAsQuote = await verify(golden, collateral)
    assert.equal(folderAsQuote.code, 2)
    assert.match(folderAsQuote.stderr, /dcap is a folder/)
    const noRoot = await verify(join(golden, 'sgx_quote'), collateral, '--root-ca', join(folder, 'missing.der'))
    assert.equal(noRoot.code, 3)
    assert.match(noRoot.stderr, /--root-ca: cannot read .*missing\.der/)
    const junkRoot = await verify(join(golden, 'sgx_quote'), collateral, '--root-ca', file('junk.der', 'junk'))
    assert.equal(junkRoot.code, 2)
    assert.match(junkRoot.stderr, /--root-ca: .*junk\.der is not a certificate/)
    assert.match((await verify(join(golden, 'sgx_quote'), file('junk.json', '{}'))).stderr, /junk\.json/)
  })

  test('a wrong root of its own is refused, the right one as PEM and DER accepted', async () => {
    const pems = JSON.parse(readFileSync(collateral, 'utf8')).tcb_info_issuer_chain.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/g)
    const pem = pems.at(-1)
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    assert.equal((await verify(join(golden, 'sgx_quote'), collateral, '--root-ca', file('root.pem', pem))).code, 0)
    assert.equal((await verify(join(golden, 'sgx_quote'), collateral, '--root-ca', file('root.der', der))).code, 0)
    const other = await verify(join(golden, 'sgx_quote'), collateral, '--root-ca', file('signer.pem', pems[0]))
    assert.equal(other.code, 4)
    assert.match(other.stderr, /trusted root/)
  })
})

describe('doctor', () => {
  test('says what is needed for what, with versions; the exit code tells whether all of it is here', async () => {
    const { code, stdout } = await phala(['doctor', '--for', 'test', '--json'])
    const rows = JSON.parse(stdout)
    const row = (name) => rows.find((r) => r.what.startsWith(name))
    assert.match(row('cmake').state, /^3\.\d+/)
    assert.match(row('node ').state, /^\d+\.\d+/)
    assert.equal(row('phala-worker').good, true)
    assert.equal(code, rows.every((r) => r.good || r.for === 'nice to have') ? 0 : 5)
  })

  test('a compiler that is missing matters for building, not for running', async () => {
    const empty = { PATH: folder }
    assert.equal((await phala(['doctor', '--for', 'run'], { env: empty })).code, 0)
    const { code, stdout } = await phala(['doctor', '--for', 'build', '--json'], { env: empty })
    assert.equal(code, 5)
    const clang = JSON.parse(stdout).find((r) => r.what.startsWith('clang++-19'))
    assert.deepEqual([clang.good, clang.state, clang.for], [false, 'missing', 'build'])
    assert.match(clang.remedy, /clang-19/)
  })

  test('one that is too old is named with what is needed', async () => {
    writeFileSync(join(folder, 'cmake'), '#!/bin/sh\necho cmake version 3.10.2\n', { mode: 0o755 })
    const { stdout } = await phala(['doctor', '--for', 'build', '--json'], { env: { PATH: `${folder}:${process.env.PATH}` } })
    const cmake = JSON.parse(stdout).find((r) => r.what.startsWith('cmake'))
    assert.deepEqual([cmake.good, cmake.state], [false, '3.10.2, needs 3.25'])
    assert.equal((await phala(['doctor', '--for', 'nothing'])).code, 2)
  })
})

describe('services that are not what they should be', () => {
  let server, url, answer
  before(async () => {
    server = createServer((_, response) => response.writeHead(answer.status ?? 200).end(answer.body))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${server.address().port}`
  })
  after(() => server.close())

  const answers = ['{}', '{"error":"x"}', '{"result":5}', '{"result":null}', '{"result":"0x"}', '{"result":"zz"}', '{"error":{"code":1}}', '[]', '5', '"x"', 'null', 'not JSON', '', '{"jsonrpc":"2.0","id":1,"result":{"a":[]}}']
  const abi = join(root, 'tests', 'golden', 'contracts', 'flipper.contract')
  const id = '0x' + '11'.repeat(32)
  const commands = [['query', 'System.Number'], ['tx', 'System.remark', '0x'], ['contract', 'deploy', abi], ['contract', 'query', id, 'get', '--abi', abi], ['contract', 'call', id, 'flip', '--abi', abi], ['contract', 'info', id], ['contract', 'logs', id]]

  for (const body of answers)
    test(`a node that answers ${body || 'nothing'}`, async () => {
      answer = { body }
      for (const command of commands) {
        const { code, signal, stderr } = await phala([...command, '--rpc', url, '--json'])
        assert.equal(signal, null, `${command[0]} ${command[1]} was aborted: ${stderr}`)
        assert.ok([2, 4, 5].includes(code), `${command.join(' ')} ended with ${code}: ${stderr}`)
        const { error } = JSON.parse(stderr)
        assert.ok(error.length > 10 && !/unexpected|json\.exception/.test(error), error)
      }
    })

  test('a worker that answers other JSON is none', async () => {
    for (const body of [...answers, '{"public_key":"00","version":"1"}', '{"registered":"yes","blocknum":1,"pending_messages":0,"version":"1"}']) {
      answer = { body }
      const { code, stdout, stderr } = await phala(['worker', 'status', '--url', url])
      assert.equal(code, 5, `${body}: ${stdout}${stderr}`)
      assert.equal(stdout, '')
    }
    answer = { body: '{}', status: 500 }
    assert.match((await phala(['worker', 'status', '--url', url])).stderr, /HTTP 500/)
  })

  test('nobody there', async () => {
    const { code, stderr } = await phala(['query', 'System.Number', '--rpc', 'ws://127.0.0.1:1'])
    assert.equal(code, 5)
    assert.match(stderr, /is it running/)
  })

  test('a file that is not there comes before the network', async () => {
    assert.equal((await phala(['contract', 'query', id, 'get', '--abi', join(folder, 'missing'), '--rpc', 'ws://127.0.0.1:1'])).code, 3)
    assert.ok(!existsSync(join(folder, 'missing')))
  })
})
