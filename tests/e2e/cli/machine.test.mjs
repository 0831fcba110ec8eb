// What prepares a machine: scripts/setup.sh in front of a package manager that behaves in every way it may, the rule for the cache in all its
// languages, the mark of a build with uncommitted changes, and the contract build tool.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'

import { phala, root, run } from '../lib/network.mjs'

let folder
before(() => { folder = mkdtempSync(join(tmpdir(), 'phala-machine-')) })
after(() => rmSync(folder, { recursive: true, force: true }))

const setup = join(root, 'scripts', 'setup.sh')

/**
 * A machine of its own for setup.sh: a PATH with the real shell tools, and stand-ins for dpkg, apt and their friends that follow `machine`:
 *   installed   packages that are there
 *   removes     { package: what installing it would remove }
 *   refuses     { package: the E: line of apt }
 *   offered     version of rustc-web in the archives; os: lines of /etc/os-release; root: whether we are
 */
async function onMachine(machine, args, env = {}) {
  const home = mkdtempSync(join(folder, 'home-'))
  const bin = join(home, 'bin')
  mkdirSync(bin)
  for (const tool of ['bash', 'sh', 'env', 'sed', 'grep', 'dirname', 'df', 'tail', 'head', 'tr', 'cut', 'mktemp', 'mkdir', 'rm', 'mv', 'cat', 'sort', 'chmod', 'readlink', 'printf', 'touch', 'ls', 'echo'])
    symlinkSync((await run('sh', ['-c', `command -v ${tool}`])).stdout.trim().replace(/^(printf|echo)$/, '/usr/bin/$1'), join(bin, tool))
  const log = join(home, 'log')
  writeFileSync(log, '')
  const fake = (name, body) => writeFileSync(join(bin, name), `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 })
  const list = (object) => Object.entries(object ?? {}).map(([k, v]) => `[${k}]=${JSON.stringify(v)}`).join(' ')
  fake('id', `echo ${machine.root === false ? 1000 : 0}`)
  fake('dpkg-query', `case " ${(machine.installed ?? []).join(' ')} " in *" \${@: -1} "*) printf installed ;; *) exit 1 ;; esac`)
  fake('dpkg', 'mkdir -p "$3/usr/bin" "$3/usr/include/boost" "$3/usr/lib/x86_64-linux-gnu"; touch "$3/usr/include/boost/version.hpp"; for p in cargo rustc rustdoc; do printf "#!/bin/sh\\necho \\$LD_LIBRARY_PATH: $p \\$@\\n" >"$3/usr/bin/$p"; chmod 755 "$3/usr/bin/$p"; done')
  fake('apt-cache', `case $1 in show) echo "Version: ${machine.offered ?? '1.96.0'}" ;; depends) printf '  Depends: %s\\n' libstd-rust-web-1.96 libllvm22 libgit2-1.5; echo ' |Depends: gcc' ;; esac`)
  fake('apt-get', `echo "frontend=$DEBIAN_FRONTEND apt-get $*" >>${log}
declare -A removes=(${list(machine.removes)}) refuses=(${list(machine.refuses)})
case "$*" in
  update*) exit ${machine.updateCode ?? 0} ;;
  download*) shift; for p; do [ "$p" = "${machine.lost ?? '-'}" ] && { echo "E: Failed to fetch $p"; exit 100; }; touch "$p.deb"; done; exit 0 ;;
esac
code=0
for p; do
  [ -n "\${removes[$p]:-}" ] && printf 'Remv %s [1.0]\\n' \${removes[$p]}
  [ -n "\${refuses[$p]:-}" ] && { echo "\${refuses[$p]}"; code=100; }
done
[ $code = 0 ] || exit $code
case "$*" in *" -s "*) exit 0 ;; esac
for p in "\${@: -2}"; do echo "Get:1 http://mirror stable/main amd64 $p amd64 1.0 [1 kB]"; done
for p in "\${@: -2}"; do echo "Setting up $p (1.0) ..."; done
exit ${machine.installCode ?? 0}`)
  if (machine.sudo !== false) fake('sudo', 'exec env -u DEBIAN_FRONTEND "$@"')
  for (const [program, says] of Object.entries(machine.programs ?? {})) fake(program, `echo ${says}`)
  const release = join(home, 'os-release')
  writeFileSync(release, machine.os ?? 'ID=debian\nVERSION_ID="12"\n')
  // a mount name space of its own, in which /etc/os-release is ours
  const done = await run('unshare', ['--map-root-user', '--mount', 'bash', '-c', `mount --bind ${release} "$(readlink -f /etc/os-release)" && exec env -i HOME=${home} PATH=${bin} ${Object.entries(env).map(([k, v]) => `${k}=${v}`).join(' ')} bash ${setup} ${args}`])
  return { ...done, out: done.stdout + done.stderr, home, calls: readFileSync(log, 'utf8').split('\n').filter(Boolean) }
}

const canIsolate = (await run('unshare', ['--map-root-user', '--mount', 'true']).catch(() => ({ code: 1 }))).code === 0
describe('setup', { skip: canIsolate ? false : 'needs name spaces for users and mounts' }, () => {
  let build
  before(async () => { build = (await onMachine({}, 'build --check')).stdout.match(/missing: (.*)/)[1].split(' ') })
  const installed = (...missing) => build.filter((p) => !missing.includes(p))
  const installCall = (done) => done.calls.find((c) => / install -y /.test(c))

  test('installs what is missing and nothing else, without questions, without removing', async () => {
    const done = await onMachine({ installed: installed('cmake', 'wabt') }, 'build')
    assert.equal(done.code, 0, done.out)
    assert.match(installCall(done), /^frontend=noninteractive .*--no-remove.* cmake wabt$/)
    assert.match(done.stdout, /fetched 1: cmake/)
    assert.match(done.stdout, /2 set up: wabt/)
    const again = await onMachine({ installed: build }, 'build')
    assert.equal(again.stdout, 'setup: everything is here\n')
    assert.deepEqual(again.calls, [])
  })

  test('asks no questions behind sudo either, and names the way without it', async () => {
    const done = await onMachine({ installed: installed('cmake'), root: false }, 'build')
    assert.equal(done.code, 0, done.out)
    assert.ok(done.calls.length >= 3 && done.calls.every((c) => c.startsWith('frontend=noninteractive')), done.calls.join('\n'))
    const helpless = await onMachine({ installed: installed('cmake'), root: false, sudo: false }, 'build')
    assert.equal(helpless.code, 1)
    assert.match(helpless.stderr, /su -c 'scripts\/setup\.sh build'/)
  })

  test('sanitizers, formatter and tests need more', async () => {
    const missing = async (purpose) => (await onMachine({ installed: build }, `${purpose} --check`)).stdout
    assert.match(await missing('sanitize'), /missing: libclang-rt-19-dev$/m)
    assert.match(await missing('all'), /procps/)
    assert.match(await missing('all'), /rust-web-src/)
    const format = await onMachine({}, 'format --check')
    assert.match(format.stdout, /missing: clang-format-19 git$/m)
    assert.equal((await onMachine({}, 'nonsense')).code, 1)
    const make = async (...args) => (await run('make', ['-n', ...args], { cwd: root })).stdout
    assert.match(await make('build', 'PRESET=asan'), /setup\.sh sanitize/)
    assert.match(await make('build', 'PRESET=tsan'), /setup\.sh sanitize/)
    assert.match(await make('build'), /setup\.sh build/)
    assert.match(await make('format'), /setup\.sh format/)
  })

  test('Boost goes to the cache where it would displace something', async () => {
    const done = await onMachine({ installed: installed('cmake', 'libboost1.81-dev'), removes: { 'libboost1.81-dev': 'libboost-dev' } }, 'build')
    assert.equal(done.code, 0, done.out)
    assert.match(done.stdout, /Boost 1\.81 would displace/)
    assert.match(installCall(done), / cmake$/)
    assert.ok(readdirSync(join(done.home, '.cache/phala/boost-1.81/include/boost')).includes('version.hpp'))
  })

  test("Rust goes to the cache where Debian's old one is, with what it needs", async () => {
    const done = await onMachine({ installed: installed('rustc-web', 'cargo-web'), removes: { 'rustc-web': 'rustc', 'cargo-web': 'cargo' }, programs: { cargo: 'cargo 0.66.0' } }, 'build')
    assert.equal(done.code, 0, done.out)
    assert.match(done.stdout, /the installed Rust stands in the way/)
    assert.match(installCall(done), / libgit2-1\.5 libllvm22$/)
    const cargo = await run(join(done.home, '.cache/phala/rust-web/bin/cargo'), ['--version'], { env: { PATH: process.env.PATH } })
    assert.match(cargo.stdout, /rust-web\/bin\/\.\.\/lib\/x86_64-linux-gnu: cargo --version/)
    const both = await onMachine({ installed: installed('rustc-web', 'cargo-web', 'libboost1.81-dev'), removes: { 'rustc-web': 'rustc', 'libboost1.81-dev': 'libboost-dev' } }, 'build')
    assert.equal(both.code, 0, both.out)
    assert.deepEqual(readdirSync(join(both.home, '.cache/phala')).sort(), ['boost-1.81', 'rust-web'])
  })

  test('any other failure is told in the words of apt, with a remedy', async () => {
    const lacking = { installed: installed('cmake', 'libboost1.81-dev') }
    const failed = async (more, pattern) => {
      const done = await onMachine({ ...lacking, ...more }, 'build')
      assert.equal(done.code, 1, done.out)
      assert.match(done.stderr, pattern)
      assert.doesNotMatch(done.out, /Boost 1\.81 would displace/)
      assert.equal(installCall(done), undefined)
    }
    await failed({ refuses: { cmake: 'E: Unable to locate package cmake' } }, /Unable to locate package cmake.*sources\.list/)
    await failed({ refuses: { cmake: 'E: Unable to correct problems, you have held broken packages.' } }, /held broken packages[^]*--fix-broken/)
    await failed({ refuses: { cmake: 'E: Could not open lock file' } }, /cannot install these packages: E: Could not open lock file/)
    await failed({ removes: { cmake: 'precious' } }, /would remove precious - and this script removes nothing/)
    await failed({ updateCode: 100 }, /update failed; check the network/)
  })

  test('an archive without a current Rust, a lost download, a failed installation', async () => {
    const old = await onMachine({ installed: installed('rustc-web', 'cargo-web'), offered: '1.85.0' }, 'build')
    assert.equal(old.code, 1)
    assert.match(old.stderr, /rustc-web 1\.85, and 1\.95 is needed.*bookworm-security/)
    const lost = await onMachine({ installed: installed('libboost1.81-dev'), removes: { 'libboost1.81-dev': 'x' }, lost: 'libboost1.81-dev' }, 'build')
    assert.equal(lost.code, 1)
    assert.match(lost.stderr, /Failed to fetch libboost1\.81-dev\n.*fetching libboost1\.81-dev failed/)
    assert.deepEqual(readdirSync(join(lost.home, '.cache/phala')), [], 'nothing half-done stays')
    const failed = await onMachine({ installed: installed('cmake', 'wabt'), installCode: 100 }, 'build')
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /Setting up wabt[^]*installing failed/)
  })

  test('another system is told so before anything is done', async () => {
    for (const os of ['ID=debian\nVERSION_ID="13"\n', 'ID=ubuntu\nVERSION_ID="12"\n', '']) {
      const done = await onMachine({ installed: installed('cmake'), os }, 'build')
      assert.equal(done.code, 1)
      assert.match(done.stderr, /knows Debian 12 only/)
      assert.deepEqual(done.calls, [])
    }
  })

  test('a cache that does not exist yet is asked for space where it will be', async () => {
    const done = await onMachine({ installed: installed('cmake') }, 'build', { PHALA_CACHE: '/proc/1/none/deeper' })
    assert.equal(done.code, 1)
    assert.match(done.stderr, /only 0 MB are free where \/proc\/1\/none\/deeper lives.*PHALA_CACHE/)
  })
})

describe('the cache', () => {
  const inCmake = async (env) => {
    const script = join(folder, 'show.cmake')
    writeFileSync(script, `include(${join(root, 'cmake', 'PhalaCache.cmake')})\nmessage("\${PHALA_CACHE}")\n`)
    return (await run('cmake', ['-P', script], { env: { PATH: process.env.PATH, HOME: '/home/me', ...env } })).stderr.trim()
  }
  const inPython = async (env) => (await run('python3', ['-c', 'import cache; print(cache.path())'], { cwd: join(root, 'sdk', 'tool'), env: { PATH: process.env.PATH, HOME: '/home/me', PYTHONDONTWRITEBYTECODE: '1', ...env } })).stdout.trim().replace(/\/$/, '')
  const inShell = async (env) => {
    const line = readFileSync(setup, 'utf8').split('\n').find((l) => l.startsWith('cache='))
    return (await run('bash', ['-c', `${line}; echo $cache`], { env: { PATH: process.env.PATH, HOME: '/home/me', ...env } })).stdout.trim()
  }
  for (const [env, expected] of [[{}, '/home/me/.cache/phala'], [{ XDG_CACHE_HOME: '/xdg' }, '/xdg/phala'], [{ XDG_CACHE_HOME: '' }, '/home/me/.cache/phala'], [{ PHALA_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }, '/own'], [{ PHALA_CACHE: '', XDG_CACHE_HOME: '/xdg' }, '/xdg/phala']])
    test(`with ${JSON.stringify(env)} is ${expected}, whoever asks`, async () => {
      assert.deepEqual([await inCmake(env), await inPython(env), await inShell(env)], [expected, expected, expected])
    })
})

test('a build with uncommitted changes says so in its version', async () => {
  const repository = join(folder, 'repository')
  mkdirSync(repository)
  const git = (...args) => run('git', ['-c', 'user.name=x', '-c', 'user.email=x@x', ...args], { cwd: repository })
  const version = async () => {
    await run('cmake', [`-DOUT=${join(folder, 'version.cpp')}`, '-DVERSION=1.2.3', '-P', join(root, 'infra', 'config', 'version.cmake')], { cwd: repository })
    return readFileSync(join(folder, 'version.cpp'), 'utf8').match(/commit\(\) \{ return "(.*?)"/)[1]
  }
  await git('init', '-q')
  assert.equal(await version(), 'unknown')
  writeFileSync(join(repository, 'file'), 'one')
  await git('add', '.')
  await git('commit', '-qm', 'first')
  await git('tag', '-a', '-m', 'a release', 'v9')
  const clean = await version()
  assert.match(clean, /^[0-9a-f]{12}$/)
  writeFileSync(join(repository, 'file'), 'two')
  assert.equal(await version(), `${clean}-dirty`)
})

test('what comments and pages cite is there', async () => {
  const { stdout } = await run('git', ['grep', '-nIoE', "(docs|spec)/[A-Za-z0-9/_-]+(\\.md)?( §[0-9.]+)*", '--', ':!*.lock', ':!*package-lock.json'], { cwd: root })
  const headings = new Map()
  const sections = (file) => {
    if (!headings.has(file)) headings.set(file, new Set(readFileSync(join(root, file), 'utf8').split('\n').map((line) => line.match(/^#+ ([0-9.]+?)\.? /)?.[1]).filter(Boolean)))
    return headings.get(file)
  }
  const missing = []
  let checked = 0
  for (const line of stdout.split('\n')) {
    const found = line.match(/^([^:]+:\d+):((?:docs|spec)\/[A-Za-z0-9/_-]+\.md)((?: §[0-9.]+)*)$/)
    if (!found) continue
    const [, where, file, cited] = found
    checked++
    if (!existsSync(join(root, file))) missing.push(`${where} ${file}`)
    else for (const section of cited.match(/[0-9]+(?:\.[0-9]+)?/g) ?? []) if (!sections(file).has(section)) missing.push(`${where} ${file} §${section}`)
  }
  assert.ok(checked > 50)
  assert.deepEqual(missing, [])
})

describe('contract build', () => {
  let out
  beforeEach(() => { out = mkdtempSync(join(folder, 'built-')) })
  const counter = join(root, 'contracts', 'examples', 'counter')

  test('says what it made as JSON', async () => {
    const { code, stdout, stderr } = await phala(['contract', 'build', counter, '--out', out, '--json'], { timeoutMs: 300_000 })
    assert.equal(code, 0, stderr)
    const said = JSON.parse(stdout)
    const file = JSON.parse(readFileSync(said.contract, 'utf8'))
    assert.equal(said.codeHash, file.source.hash)
    assert.equal(said.bytes, (file.source.wasm.length - 2) / 2)
    assert.equal(readFileSync(said.wasm).length, said.bytes)
    assert.deepEqual(readdirSync(out).sort(), ['counter.contract', 'counter.json', 'counter.wasm'])
  })

  test('says what is wrong as JSON, and for people', async () => {
    const broken = join(out, 'broken')
    mkdirSync(broken)
    writeFileSync(join(broken, 'contract.toml'), 'name = "broken"\nversion = "1"\n')
    writeFileSync(join(broken, 'broken.cpp'), 'this is no C++\n')
    const failed = await phala(['contract', 'build', broken, '--out', out, '--json'])
    assert.equal(failed.code, 4)
    assert.equal(failed.stdout, '')
    assert.match(JSON.parse(failed.stderr).error, /building .*broken failed: error: [^]*broken\.cpp/)
    const people = await phala(['contract', 'build', join(out, 'nowhere')])
    assert.equal(people.code, 4)
    assert.match(people.stderr, /neither Cargo\.toml \(ink!\) nor contract\.toml/)
    const unwritable = await phala(['contract', 'build', counter, '--out', '/proc/nowhere', '--json'], { timeoutMs: 300_000 })
    assert.equal(unwritable.code, 4)
    assert.match(JSON.parse(unwritable.stderr).error, /\/proc\/nowhere: No such file/)
  })
})
