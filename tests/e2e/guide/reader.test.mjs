// The reader of guides notices what a person would: other output, a failure, a box that nobody runs.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { boxesOf, isAs, Reader } from '../lib/guide.mjs'
import { run, sleep } from '../lib/network.mjs'

const folder = mkdtempSync(join(tmpdir(), 'phala-guide-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const box = (...lines) => ['```console', ...lines, '```', ''].join('\n')
async function follow(markdown) {
  const reader = new Reader({ cwd: folder, env: process.env, timeoutMs: 10_000 })
  try {
    for (const each of boxesOf(markdown)) await reader.take(each)
  } finally {
    await reader.end()
  }
}

test('a terminal keeps folder and variables from box to box; files appear where it is', async () => {
  await follow([
    box('$ mkdir -p deep && cd deep', '$ export NAME="it\'s me"'), 'Into `a/b.txt` goes', '```text a/b.txt', 'what it says', '```', '',
    box('$ cat a/b.txt', 'what it says', '$ echo "$NAME"; echo to stderr >&2', "it's me", 'to stderr', '$ for i in 1 2', '> do echo $i; done', '1', '2')
  ].join('\n'))
  assert.equal(readFileSync(join(folder, 'deep/a/b.txt'), 'utf8'), 'what it says\n')
})

test('a terminal of its own begins with the first box and goes on running', async () => {
  await follow(box('$ GREETING=hello', '$ cd /') + box('# in a terminal of its own', '$ pwd', '/', '$ echo "$GREETING"; sleep 1000', 'hello') + box('$ ls > /dev/null'))
  await assert.rejects(follow(box('$ true') + box('# in a terminal of its own', '$ echo bye', 'hello')), /goes on running, says the guide, but it ended/)
  await assert.rejects(follow(box('$ true') + box('# in a terminal of its own', '$ echo bye; exit 3', 'hello')), /the terminal closed/)
})

test('what ends although it should go on running is noticed later, too', async () => {
  const reader = new Reader({ cwd: folder, env: process.env, timeoutMs: 10_000 })
  const boxes = boxesOf(box('$ true') + box('# in a terminal of its own', '$ echo hello; cat gate', 'hello') + box('$ echo go > gate'))
  try {
    await run('mkfifo', ['gate'], { cwd: folder })
    for (const each of boxes) await reader.take(each)
    await assert.rejects(async () => {
      for (let i = 0; i < 1000; i++, await sleep(10)) reader.check()
    }, /line 6: .*goes on running, says the guide, but it ended/s)
  } finally {
    await reader.end()
  }
})

test('what differs from the guide is an error that says where', async () => {
  await assert.rejects(follow(box('$ echo one', 'two')), /line 2: \$ echo one\n.*exit code 0, and it printed\none\n.*promises\ntwo/s)
  await assert.rejects(follow(box('$ echo one')), /line 2/, 'output that the guide does not mention')
  await assert.rejects(follow(box('$ true', 'something')), /line 2/)
  await assert.rejects(follow(box('$ true', '$ (exit 4)')), /line 3: .*exit code 4/s)
  await assert.rejects(follow(box('$ false | cat')), /exit code 1/)
  await follow(box('$ (exit 4)', '$ echo $?', '4'))
  await assert.rejects(follow(box('$ (exit 3)', '$ echo $?', '4')), /line 3/)
})

test('… stands for anything in a line, alone for any lines', () => {
  assert.ok(isAs('id: 0x…', 'id: 0x12\n') && isAs('a\n…\nz', 'a\nb\nc\nz\n') && isAs('a\n…\nz', 'a\nz\n') && isAs('', ''))
  for (const [expected, output] of [['id: 0x…', 'id: 0x\n'], ['id: 0x…', 'id: 0x12\nmore\n'], ['a\n…\nz', 'a\nb\n'], ['a.c', 'abc\n'], ['a', ''], ['', 'a\n']]) assert.equal(isAs(expected, output), false, `${expected} is not ${output}`)
})

test('no box escapes', () => {
  assert.throws(() => boxesOf('```bash\nls\n```\n'), /line 1: this box is neither/)
  assert.throws(() => boxesOf('Text.\n\n    phala dev\n'), /line 3: an indented box/)
  assert.throws(() => boxesOf('Put it there:\n```cpp a.cpp\nint a;\n```\n'), /does not tell the reader that it is `a.cpp`/)
  assert.throws(() => boxesOf('```console\n$ ls\n'), /does not end/)
  assert.throws(() => boxesOf('```console\nls\n```\n'), /line 2: a box of commands begins with one/)
  const [skipped] = boxesOf('_Not run by the tests: it installs packages._\n\n```console\n$ apt-get install x\n```\n')
  assert.equal(skipped.kind, 'not run')
})
