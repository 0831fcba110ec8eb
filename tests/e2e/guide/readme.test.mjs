// The README's five minutes, typed as they stand.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before } from 'node:test'

import { boxesOf, environment, Reader, testEach } from '../lib/guide.mjs'
import { root, startNetwork } from '../lib/network.mjs'

const [before_it, tour] = readFileSync(join(root, 'README.md'), 'utf8').split(/(?<=\n## Five minutes.*\n)/)
// that part alone, under the line numbers it has
const text = '\n'.repeat(before_it.split('\n').length - 1) + tour.split('\n## ')[0]
let network, reader

before(async () => {
  network = await startNetwork({ args: ['--block-ms', '500'] })
  reader = new Reader({ cwd: root, env: environment({ PHALA_RPC: network.rpc, PHALA_URL: network.workers[0].url }) })
})
after(async () => {
  await reader?.end()
  await network?.stop()
})

testEach(boxesOf(text), () => reader)
