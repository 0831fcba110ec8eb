// Upload and instantiate with the published SDK. Its result classes of these two steps (InkCodeSubmittableResult, PinkBlueprintSubmittableResult in
// 0.5.10, node and browser builds alike) set a private field before calling super(), which no JavaScript engine accepts; so the transactions are
// sent as plain ones, and their waits are done here with the SDK's own queries, as those classes would.
import { PinkBlueprintPromise, PinkContractPromise } from '@phala/sdk'
import { u8aToHex } from '@polkadot/util'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Resolves once in a block, with the client's result. */
export const inBlock = (tx, by) => new Promise((resolve, reject) => {
  tx.signAndSend(by, (result) => {
    if (result.dispatchError) reject(new Error(result.dispatchError.toString()))
    else if (result.isError) reject(new Error(result.status.type))
    else if (result.isInBlock) resolve(result)
  }).catch(reject)
})

async function until(what, condition, timeoutMs = 60_000) {
  const end = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await sleep(300)
  }
}

/** A contract that answers: uploaded unless it is there, instantiated with the SDK's estimate and the deposit that covers it. */
export async function deploy({ api, registry, pair, cert, file }, constructor, ...args) {
  const hash = file.source.hash
  const exists = async () => (await registry.systemContract.query['system::codeExists'](pair.address, { cert }, hash, 'Ink')).output.asOk.toPrimitive()
  if (!(await exists())) {
    await inBlock(api.tx.phalaPhatContracts.clusterUploadResource(registry.clusterId, 'InkCode', file.source.wasm), pair)
    await until('the code', exists, 10_000)
  }
  const blueprint = new PinkBlueprintPromise(api, registry, file, hash)
  const estimate = await blueprint.query[constructor](pair.address, { cert, deposit: 10n ** 18n }, ...args)
  if (!estimate.result.isOk) throw new Error(`instantiating would fail: ${estimate.result.asErr}`)
  const gas = estimate.gasRequired.refTime.toBn()
  const charge = estimate.storageDeposit.isCharge ? estimate.storageDeposit.asCharge.toBn() : registry.gasPrice.muln(0)
  const sent = await inBlock(api.tx.phalaPhatContracts.instantiateContract(
    { WasmCode: hash }, u8aToHex(blueprint.abi.findConstructor(constructor).toU8a(args).slice(compactLength(blueprint.abi.findConstructor(constructor).toU8a(args)))), estimate.salt,
    registry.clusterId, 0, gas, null, gas.mul(registry.gasPrice).add(charge)), pair)
  const id = sent.events.find(({ event }) => event.method === 'Instantiating').event.data.contract.toHex()
  await until('the contract', async () => (await api.query.phalaPhatContracts.clusterContracts(registry.clusterId)).some((c) => c.toHex() === id) && (await api.query.phalaRegistry.contractKeys(id)).isSome)
  return new PinkContractPromise(api, registry, file, id, await registry.getContractKeyOrFail(id))
}

/** Bytes of the compact length that @polkadot/api-contract puts before an encoded call. */
const compactLength = (u8a) => ((u8a[0] & 3) === 0 ? 1 : (u8a[0] & 3) === 1 ? 2 : 4)
