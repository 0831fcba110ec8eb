// docs/guides/contracts.md, box by box as a reader types it: what it promises is what happens. lib/guide.mjs says how a guide is written.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { boxesOf, environment, Reader, testEach } from '../lib/guide.mjs'
import { freePorts, root } from '../lib/network.mjs'

/** Servers that the guide starts listen where it says on a reader's machine, and on free ports here. */
const ports = ['8400', '4568', '9955']
/** What CI cannot do; more than these few would be a guide on trust. */
const most_not_run = 1
const folder = mkdtempSync(join(tmpdir(), 'phala-guide-'))
const base = await freePorts(60)   // the network's; from 40 on, the other servers'
const guide = readFileSync(join(root, 'docs/guides/contracts.md'), 'utf8')
const places = Object.fromEntries([['9944', base], ...ports.map((port, i) => [port, base + 40 + i])])
const boxes = boxesOf(guide.replace(new RegExp(`\\b(${Object.keys(places).join('|')})\\b`, 'g'), (port) => places[port]))
let reader

before(() => {
  reader = new Reader({
    cwd: root,
    // The tests' own ports instead of those that are built in, blocks quicker than a person needs them; Python says where it listens although this is no screen.
    env: environment({ TMPDIR: folder, PHALA_RPC: `ws://127.0.0.1:${base}`, PHALA_RPC_PORT: base, PHALA_WORKER_PORT: base + 1, PHALA_BLOCK_MS: '1000', PYTHONUNBUFFERED: '1' }),
    timeoutMs: 300_000
  })
})
after(async () => {
  await reader?.end()
  rmSync(folder, { recursive: true, force: true })
})

test('nearly all of it is run', () => {
  const skipped = boxes.filter((box) => box.kind === 'not run')
  assert.ok(skipped.length <= most_not_run, skipped.map((box) => `line ${box.line}: ${box.reason}`).join('\n'))
  const commands = boxes.flatMap((box) => box.steps ?? []).map((step) => step.command).join('\n')
  for (const command of ['new', 'test', 'build', 'deploy', 'query', 'call', 'info', 'logs', 'stake']) assert.match(commands, new RegExp(`\\bphala contract ${command} `))
  for (const example of ['oracle', 'token', 'game', 's3_notes', 'bot']) for (const command of ['test', 'build']) assert.match(commands, new RegExp(`^phala contract ${command} ${example}$`, 'm'))
})

testEach(boxes, () => reader)
