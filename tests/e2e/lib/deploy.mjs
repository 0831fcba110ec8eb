// Upload and instantiate as a dapp does with the published SDK: PinkCodePromise and PinkBlueprintPromise make the queries and the transactions.
// Only the SDK's two result classes of these steps are not used: InkCodeSubmittableResult and PinkBlueprintSubmittableResult of 0.5.10, in all its
// builds, set a private field before they call super(), which no JavaScript engine accepts (contracts.test.mjs shows it). So the transactions are
// sent without their result transform, and what those classes would wait for is asked here with the SDK's own queries.
import { sleep } from './network.mjs'

/** Resolves once in a block, with the client's result. */
export const inBlock = (tx, by) => new Promise((resolve, reject) => {
  tx.signAndSend(by, (result) => {
    if (result.dispatchError) reject(new Error(result.dispatchError.toString()))
    else if (result.isError) reject(new Error(result.status.type))
    else if (result.isInBlock) resolve(result)
  }).catch(reject)
})
/** The transaction of the SDK, with the client's own result. */
const untransformed = (api, tx) => api.tx(tx.method)

async function until(what, condition, timeoutMs = 60_000) {
  const end = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await sleep(300)
  }
}

/** Uploads the code unless it is there; its hash. */
async function upload(PinkCodePromise, { api, registry, pair, cert, file }) {
  const hash = file.source.hash
  const exists = async () => (await registry.systemContract.query['system::codeExists'](pair.address, { cert }, hash, 'Ink')).output.asOk.toPrimitive()
  if (!(await exists())) {
    const code = new PinkCodePromise(api, registry, file, file.source.wasm)
    await inBlock(untransformed(api, code.upload()), pair)
    await until('the code', exists, 10_000)
  }
  return hash
}
export const uploader = ({ PinkCodePromise }) => (what) => upload(PinkCodePromise, what)

/** `deploy` with the SDK of the caller's folder: a contract that answers, uploaded unless it is there, instantiated with the SDK's estimate and the deposit that covers it. */
export const deployer = ({ PinkCodePromise, PinkBlueprintPromise, getContract }) => async function deploy({ api, registry, pair, cert, file }, constructor, ...args) {
  const hash = await upload(PinkCodePromise, { api, registry, pair, cert, file })
  const blueprint = new PinkBlueprintPromise(api, registry, file, hash)
  const estimate = await blueprint.query[constructor](pair.address, { cert, deposit: 10n ** 18n }, ...args)
  if (!estimate.result.isOk) throw new Error(`instantiating would fail: ${estimate.result.asErr}`)
  const gasLimit = estimate.gasRequired.refTime.toBn()
  const storage = estimate.storageDeposit.isCharge ? estimate.storageDeposit.asCharge.toBn() : registry.gasPrice.muln(0)
  const deposit = gasLimit.mul(registry.gasPrice).add(storage)
  const sent = await inBlock(untransformed(api, blueprint.tx[constructor]({ gasLimit, deposit, salt: estimate.salt }, ...args)), pair)
  const contractId = sent.events.find(({ event }) => event.method === 'Instantiating').event.data.contract.toHex()
  await until('the contract', async () => (await api.query.phalaPhatContracts.clusterContracts(registry.clusterId)).some((c) => c.toHex() === contractId) && (await api.query.phalaRegistry.contractKeys(contractId)).isSome)
  return getContract({ client: registry, contractId, abi: file })
}
