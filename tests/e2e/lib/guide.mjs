// Follows a guide as a reader does who types what it says. In a guide
//   * a box ```console holds commands, each after `$ ` (`> ` goes on with it), and below each what it prints; in that `…` stands for anything, alone on a line for
//     any lines. A command succeeds, unless the next one is `echo $?`. All are typed into one terminal;
//   * but a box that begins with `# in a terminal of its own` into a new one, after the commands of the first box; its last command goes on running;
//   * a box with a file's name behind its language, which also stands in the paragraph above, is that file, in the folder where the terminal is;
//   * a box below a paragraph that begins with `_Not run by the tests:` and a reason is for people alone. There are no other boxes.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { programs } from './network.mjs'

const own_terminal = '# in a terminal of its own'
const not_run = '_Not run by the tests:'

function stepsOf(lines, firstLine) {
  const own = lines[0] === own_terminal
  const steps = []
  lines.slice(own ? 1 : 0).forEach((line, i) => {
    const last = steps.at(-1)
    if (line.startsWith('$ ')) steps.push({ line: firstLine + i + (own ? 1 : 0), command: line.slice(2), expected: [] })
    else if (!last) throw new Error(`line ${firstLine + i}: a box of commands begins with one ('$ …')`)
    else if (line.startsWith('> ') && last.expected.length === 0) last.command += `\n${line.slice(2)}`
    else last.expected.push(line)
  })
  return { kind: 'console', own, steps: steps.map((step) => ({ ...step, expected: step.expected.join('\n') })) }
}

/** The boxes of a guide in order, each with its `line`: { kind: 'console', own, steps }, { kind: 'file', name, text } or { kind: 'not run', reason }. */
export function boxesOf(markdown) {
  const boxes = []
  let above = '', paragraph = [], open
  markdown.split('\n').forEach((line, i) => {
    const at = i + 1
    if (open) {
      if (line !== '```') return open.lines.push(line)
      const [language, name] = open.info.split(' ')
      if (above.startsWith(not_run)) boxes.push({ line: open.line, kind: 'not run', reason: above })
      else if (language === 'console') boxes.push({ line: open.line, ...stepsOf(open.lines, open.line + 1) })
      else if (!name) throw new Error(`line ${open.line}: this box is neither commands (console) nor a file (its name behind the language), nor said to be '${not_run} …'`)
      else if (!above.includes(`\`${name}\``)) throw new Error(`line ${open.line}: the paragraph above the box does not tell the reader that it is \`${name}\``)
      else boxes.push({ line: open.line, kind: 'file', name, text: `${open.lines.join('\n')}\n` })
      open = undefined
      above = ''
    } else if (line.startsWith('```')) {
      if (paragraph.length) above = paragraph.join('\n')
      paragraph = []
      open = { line: at, info: line.slice(3), lines: [] }
    } else if (line.startsWith('    ') && paragraph.length === 0) {
      throw new Error(`line ${at}: an indented box, which the tests do not read`)
    } else if (line === '') {
      if (paragraph.length) above = paragraph.join('\n')
      paragraph = []
    } else {
      paragraph.push(line)
    }
  })
  if (open) throw new Error(`line ${open.line}: this box does not end`)
  return boxes
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const pattern = (expected) => expected.split('\n').map((line) => (line === '…' ? '(?:.*\\n)*?' : `${escaped(line).replaceAll('…', '.+')}[ \\t]*\\n`)).join('')
/** Is `output` what the guide promises? */
export const isAs = (expected, output) => new RegExp(`^${expected === '' ? '' : pattern(expected)}$`).test(output)
/** Does it begin with that? For what goes on running. */
const beginsAs = (expected, output) => new RegExp(`^${pattern(expected)}`).test(output)

const end_of_command = /\x1e(\d+)\x1e\n$/

/** A shell, in a process group of its own, of which standard output and errors come as on a screen. */
class Terminal {
  constructor({ cwd, env }) {
    this.output = ''
    this.child = spawn('bash', ['--noprofile', '--norc'], { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.output += text
      this.changed?.()
    })
    this.closed = new Promise((resolve) => this.child.once('close', resolve))
    this.child.once('close', () => {
      this.over = true
      this.changed?.()
    })
    this.child.stdin.on('error', () => {})   // it ended: `over` says so
    this.child.stdin.write('exec 2>&1; set -o pipefail\n')
  }
  async until(done, what, timeoutMs) {
    const end = Date.now() + timeoutMs
    while (!done()) {
      if (this.over) throw new Error(`the terminal closed while ${what}; it shows:\n${this.output}`)
      if (Date.now() > end) throw new Error(`not done after ${timeoutMs} ms: ${what}; the terminal shows:\n${this.output}`)
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, end - Date.now() + 1)
        this.changed = () => { clearTimeout(timer); resolve() }
      })
    }
  }
  /** Types it; `$?` of the command before is there. */
  begin(command) {
    this.output = ''
    this.child.stdin.write(`eval '${command.replaceAll("'", "'\\''")}' </dev/null; status_=$?; printf '\\036%d\\036\\n' $status_; (exit $status_)\n`)
  }
  /** Types it and waits for its end. */
  async run(command, timeoutMs) {
    this.begin(command)
    await this.until(() => end_of_command.test(this.output), command, timeoutMs)
    return { code: Number(end_of_command.exec(this.output)[1]), output: this.output.replace(end_of_command, '') }
  }
  /** Ctrl-C, and the end of the shell. */
  async close() {
    this.child.stdin.end()
    const signal = (name) => { try { process.kill(-this.child.pid, name) } catch { /* all of them have ended */ } }
    signal('SIGINT')
    const timer = setTimeout(signal, 20_000, 'SIGKILL')
    await this.closed
    clearTimeout(timer)
  }
}

const shown = ({ line, command, expected }, code, output) => `line ${line}: $ ${command}\n-- exit code ${code}, and it printed\n${output}-- where the guide promises\n${expected}`

/** The reader: `take(box)` does what the box says and throws where the outcome is another; `check()` throws when what should go on running does not; `end()` closes all terminals. */
export class Reader {
  constructor({ cwd, env, timeoutMs = 120_000 }) {
    Object.assign(this, { cwd, env, timeoutMs, terminals: [new Terminal({ cwd, env })], running: [] })
  }
  check() {
    for (const { last, terminal } of this.running)
      if (terminal.over || end_of_command.test(terminal.output)) throw new Error(`line ${last.line}: $ ${last.command}\n-- goes on running, says the guide, but it ended:\n${terminal.output}`)
  }
  async take(box) {
    this.check()
    const [terminal] = this.terminals
    if (box.kind === 'file') {
      const folder = (await terminal.run('pwd', this.timeoutMs)).output.trim()
      mkdirSync(dirname(join(folder, box.name)), { recursive: true })
      writeFileSync(join(folder, box.name), box.text)
    } else if (box.kind === 'console') {
      this.first ??= box
      await (box.own ? this.leaveRunning(box) : this.type(terminal, box.steps))
    }
  }
  async type(terminal, steps) {
    for (const [i, step] of steps.entries()) {
      const { code, output } = await terminal.run(step.command, this.timeoutMs)
      const may_fail = steps[i + 1]?.command === 'echo $?'
      if ((code !== 0 && !may_fail) || !isAs(step.expected, output)) throw new Error(shown(step, code, output))
    }
  }
  async leaveRunning({ steps }) {
    const terminal = new Terminal({ cwd: this.cwd, env: this.env })
    this.terminals.push(terminal)
    await this.type(terminal, [...this.first.steps, ...steps.slice(0, -1)])
    const last = steps.at(-1)
    terminal.begin(last.command)
    await terminal.until(() => beginsAs(last.expected, terminal.output) || end_of_command.test(terminal.output), `waiting for what line ${last.line} promises:\n${last.expected}\n$ ${last.command}`, this.timeoutMs)
    this.running.push({ last, terminal })
    this.check()
  }
  async end() {
    await Promise.all(this.terminals.reverse().map((terminal) => terminal.close()))
  }
}

/** A test for each box, in order. `readerOf` gives the reader when they run. */
export function testEach(boxes, readerOf) {
  let stuck = false
  for (const box of boxes) {
    const title = box.kind === 'console' ? `$ ${box.steps[0].command}` : box.name ?? box.reason
    test(`line ${box.line}: ${title}`, { timeout: 600_000, skip: box.kind === 'not run' }, async (t) => {
      if (stuck) return t.skip('a box above failed')
      stuck = true
      // the programs that are tested, wherever they were built
      for (const step of box.steps ?? []) step.command = step.command.replace('$PWD/build/release/bin', programs)
      await readerOf().take(box)
      stuck = false
    })
  }
  test('what was left running still does', () => readerOf().check())
}

/** This process's environment without its settings of our programs, and with `more`. */
export const environment = (more) => ({ ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PHALA_') || name === 'PHALA_CACHE')), ...more })
