// The example s3_notes against a bucket that checks each signature with the AWS SDK's own signer.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'

import { freePorts, phala, root, startNetwork } from '../lib/network.mjs'
import { check, example, startS3 } from './s3.mjs'

const region = 'eu-central-1'
let network, s3, folder, env, notes

const run = async (...args) => {
  const done = await phala(['contract', ...args, '--json'], { env })
  assert.ok(done.stdout, `${args.join(' ')}: ${done.stderr}`)
  return JSON.parse(done.stdout)
}
/** What a query answered: { Ok } or { Err }. */
const ask = async (message, ...args) => (await run('query', notes, message, ...args)).value
const asBob = ['--key', '//Bob']
const bucket = (more = {}) => ({ endpoint: s3.url, region, name: 'my-notes', access_key: example.accessKeyId, secret_key: example.secretAccessKey, ...more })
const use = async (more) => assert.deepEqual((await run('call', notes, 'set_bucket', JSON.stringify(bucket(more)))).value, { Ok: null })

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'phala-s3-'))
  s3 = await startS3({ region })
  network = await startNetwork({ args: ['--block-ms', '500', '--workers', '1', '--allow-egress', '127.0.0.1/32'] })
  env = { PHALA_RPC: network.rpc, PHALA_ABI: join(folder, 's3_notes.contract') }
  const built = await phala(['contract', 'build', join(root, 'contracts/examples/s3_notes'), '--out', folder], { timeoutMs: 600_000 })
  assert.equal(built.code, 0, built.stderr)
  notes = (await run('deploy', env.PHALA_ABI)).contract
})
after(async () => {
  await network?.stop()
  await s3?.stop()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => Object.assign(s3, { requests: [], refusals: [], before: undefined }))

test('without a bucket nothing is sent', async () => {
  assert.deepEqual(await ask('list'), { Err: 'NoBucket' })
  assert.equal(s3.requests.length, 0)
})

test('what is written comes back, under signatures that AWS would have made', async () => {
  await use()
  assert.deepEqual(await ask('list'), { Ok: [] })
  assert.deepEqual(await ask('get', 'shopping'), { Ok: null })
  assert.deepEqual(await ask('put', 'shopping', 'bread, milk'), { Ok: null })
  assert.deepEqual(await ask('put', 'ärger / größe?', 'ü'.repeat(32_768)), { Ok: null })
  assert.deepEqual(await ask('put', 'shopping', 'bread, milk, tea'), { Ok: null })
  assert.deepEqual(await ask('list'), { Ok: ['shopping', 'ärger / größe?'] })
  assert.deepEqual(await ask('get', 'shopping'), { Ok: 'bread, milk, tea' })
  assert.deepEqual(await ask('get', 'ärger / größe?'), { Ok: 'ü'.repeat(32_768) })
  assert.deepEqual(await ask('put', 'large', 'x'.repeat(65_537)), { Err: 'TooLong' })
  assert.deepEqual(s3.refusals, [])
  for (const method of ['GET', 'PUT']) assert.ok(s3.requests.filter((request) => request.method === method).length >= 3)
})

test('the bucket learns neither names nor texts, and another account sees none', async () => {
  assert.equal(s3.objects.size, 3, 'two notes and the list of them')
  for (const [name, { body }] of s3.objects) {
    assert.match(name, /^[0-9a-f]{64}\/[0-9a-f]{64}$/)
    for (const text of ['shopping', 'bread', 'milk', 'üü']) assert.equal(body.includes(text), false)
  }
  assert.deepEqual(await ask('list', ...asBob), { Ok: [] })
  assert.deepEqual(await ask('get', 'shopping', ...asBob), { Ok: null })
})

test('a request that differs in anything from what was signed does not pass', async () => {
  await ask('put', 'shopping', 'bread')
  const [request] = s3.requests.filter((r) => r.method === 'PUT')
  const keys = { credentials: example, region }
  await check(request, keys)
  const differs = (more) => ({ ...request, ...more, headers: { ...request.headers, ...more.headers } })
  const flipped = request.headers.authorization.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
  for (const [what, changed, code] of [
    ['method', { method: 'DELETE' }, 'SignatureDoesNotMatch'],
    ['object', { url: request.url.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) }, 'SignatureDoesNotMatch'],
    ['query', { url: `${request.url}?acl` }, 'SignatureDoesNotMatch'],
    ['host', { headers: { host: 'elsewhere.example' } }, 'SignatureDoesNotMatch'],
    ['body', { body: Buffer.from('other') }, 'XAmzContentSHA256Mismatch'],
    ['unsigned header', { headers: { 'x-amz-acl': 'public-read' } }, 'AccessDenied'],
    ['signature', { headers: { authorization: flipped } }, 'SignatureDoesNotMatch'],
    ['no signature', { headers: { authorization: undefined } }, 'AccessDenied']
  ]) await assert.rejects(check(differs(changed), keys), { code }, what)
  await assert.rejects(check(request, { ...keys, credentials: { ...example, secretAccessKey: 'another' } }), { code: 'SignatureDoesNotMatch' })
  await assert.rejects(check(request, keys, Date.now() + 3_600_000), { code: 'RequestTimeTooSkewed' })
})

test('a list that changed meanwhile is a conflict, and nothing of it is lost', async () => {
  // another query adds a note between this one's reading and writing of the list
  await ask('list')
  const list = s3.requests[0].url.replace('/my-notes/', '')
  s3.before = ({ method, url }) => {
    if (method !== 'PUT' || !url.endsWith(list)) return
    s3.objects.set(list, { ...s3.objects.get(list), etag: '"of somebody else"' })
  }
  assert.deepEqual(await ask('put', 'third', 'note'), { Err: 'Conflict' })
  s3.before = undefined
  assert.deepEqual(await ask('list'), { Ok: ['shopping', 'ärger / größe?'] })
  assert.deepEqual(await ask('put', 'third', 'note'), { Ok: null })
  // two begin a list at once
  s3.before = ({ method, url }) => { if (method === 'PUT' && s3.requests.filter((r) => r.url === url).length > 1) s3.objects.set(url.replace('/my-notes/', ''), { body: Buffer.from('x'), etag: '"x"' }) }
  assert.deepEqual(await ask('put', 'first', 'note', '--key', '//Charlie'), { Err: 'Conflict' })
  assert.deepEqual(s3.refusals, ['PreconditionFailed', 'PreconditionFailed'])
})

test('what was altered in the bucket is damaged, also when it is another note of the same account', async () => {
  await ask('get', 'shopping')
  await ask('get', 'third')
  const [shopping, third] = s3.requests.map(({ url }) => url.replace('/my-notes/', ''))
  const kept = s3.objects.get(shopping)
  for (const body of [s3.objects.get(third).body, Buffer.from(kept.body).fill(0, 20, 21), kept.body.subarray(0, 5)]) {
    s3.objects.set(shopping, { ...kept, body })
    assert.deepEqual(await ask('get', 'shopping'), { Err: 'Damaged' })
  }
  s3.objects.set(shopping, kept)
  assert.deepEqual(await ask('get', 'shopping'), { Ok: 'bread' })
})

test('a note is removed, and removing it again is no error', async () => {
  const objects = s3.objects.size
  assert.deepEqual(await ask('remove', 'third'), { Ok: null })
  assert.deepEqual(await ask('remove', 'third'), { Ok: null })
  assert.equal(s3.objects.size, objects - 1)
  assert.deepEqual(await ask('get', 'third'), { Ok: null })
  assert.deepEqual(await ask('list'), { Ok: ['shopping', 'ärger / größe?'] })
  assert.deepEqual(s3.refusals, [])
})

test('a service that refuses or does not answer has its own error', async () => {
  for (const [more, code] of [
    [{ secret_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYWRONGKEY' }, 'SignatureDoesNotMatch'],
    [{ access_key: 'AKIAI44QH8DHBEXAMPLE' }, 'InvalidAccessKeyId'],
    [{ region: 'us-east-1' }, 'AuthorizationHeaderMalformed']
  ]) {
    s3.refusals = []
    await use(more)
    for (const question of [['list'], ['get', 'shopping'], ['put', 'shopping', 'x'], ['remove', 'shopping']]) assert.deepEqual(await ask(...question), { Err: 'Refused' }, code)
    assert.deepEqual(s3.refusals, Array(4).fill(code))
  }
  const { value } = await run('query', notes, 'set_bucket', JSON.stringify(bucket()), ...asBob)
  assert.deepEqual(value, { Err: 'NotTheOwner' })
  await use({ endpoint: `http://127.0.0.1:${await freePorts(1)}` })
  assert.deepEqual(await ask('list'), { Err: 'Unreachable' })
  await use()
  assert.deepEqual(await ask('get', 'shopping'), { Ok: 'bread' }, 'and it is there again with the right ones')
})
