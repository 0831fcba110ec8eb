// A bucket on this machine that lets nobody in without a right signature: every request is signed again by the AWS SDK's own signer, from what arrived, and
// refused when that gives another signature. Objects can be read, written (on a condition too) and removed; they live in memory.
//
//     node s3.mjs [--port 4568] [--bucket my-notes] [--region us-east-1]
//
// takes the key pair of Amazon's documentation.
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export const example = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const most_skewed_ms = 15 * 60_000

class Refused extends Error {
  constructor(status, code) {
    super(code)
    Object.assign(this, { status, code })
  }
}

/** Throws what S3 answers to a request that may not pass. `request`: { method, url, headers, body }. */
export async function check({ method, url, headers, body }, { credentials, region }, now = Date.now()) {
  if (!headers.authorization) throw new Refused(403, 'AccessDenied')
  const given = /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(headers.authorization)
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headers['x-amz-date'] ?? '')
  if (!given || !date) throw new Refused(400, 'AuthorizationHeaderMalformed')
  const [, scope, names, signature] = given
  const signingDate = new Date(Date.UTC(date[1], date[2] - 1, date[3], date[4], date[5], date[6]))
  if (Math.abs(signingDate - now) > most_skewed_ms) throw new Refused(403, 'RequestTimeTooSkewed')
  const [key, day, ofRegion, service, end] = scope.split('/')
  if (key !== credentials.accessKeyId) throw new Refused(403, 'InvalidAccessKeyId')
  if (day !== headers['x-amz-date'].slice(0, 8) || ofRegion !== region || service !== 's3' || end !== 'aws4_request') throw new Refused(400, 'AuthorizationHeaderMalformed')
  const signed = new Set(names.split(';'))
  const mustBeSigned = Object.keys(headers).filter((name) => name === 'host' || name.startsWith('x-amz-'))
  if (!headers['x-amz-content-sha256'] || !mustBeSigned.every((name) => signed.has(name))) throw new Refused(403, 'AccessDenied')
  if (headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex')) throw new Refused(400, 'XAmzContentSHA256Mismatch')
  // The signer hashes the body and writes the date itself; everything else that was signed it gets as it arrived.
  const { pathname, searchParams } = new URL(url, 'http://bucket')
  const rest = Object.fromEntries([...signed].filter((name) => name !== 'x-amz-date' && name !== 'x-amz-content-sha256').map((name) => [name, headers[name] ?? '']))
  const signer = new SignatureV4({ credentials, region, service: 's3', sha256: Sha256, uriEscapePath: false, applyChecksum: true })
  const again = await signer.sign({ method, protocol: 'http:', hostname: headers.host, path: pathname, query: Object.fromEntries(searchParams), headers: rest, body }, { signingDate, signableHeaders: signed })
  if (/Signature=([0-9a-f]{64})$/.exec(again.headers.authorization)[1] !== signature) throw new Refused(403, 'SignatureDoesNotMatch')
}

/**
 * Serves `bucket` on 127.0.0.1: { port, url, objects, requests, refusals, before, stop() }. `objects` are { body, etag } by name; of each request, `requests` has
 * what arrived; `refusals` the codes of those that did not pass. `before(request)`, when it is set, is called ahead of each one that did.
 */
export async function startS3({ port = 0, bucket = 'my-notes', region = 'us-east-1', credentials = example } = {}) {
  const self = { objects: new Map(), requests: [], refusals: [], before: undefined }
  const act = ({ method, url, headers, body }) => {
    const { pathname } = new URL(url, 'http://bucket')
    if (!pathname.startsWith(`/${bucket}/`)) throw new Refused(404, 'NoSuchBucket')
    const name = pathname.slice(bucket.length + 2)
    const found = self.objects.get(name)
    if (method === 'DELETE') return self.objects.delete(name), [204]
    if (method === 'PUT') {
      if (headers['if-none-match'] === '*' && found) throw new Refused(412, 'PreconditionFailed')
      if (headers['if-match'] && headers['if-match'] !== found?.etag) throw new Refused(412, 'PreconditionFailed')
      const etag = `"${createHash('md5').update(body).digest('hex')}"`
      self.objects.set(name, { body, etag })
      return [200, { etag }]
    }
    if (method !== 'GET') throw new Refused(405, 'MethodNotAllowed')
    if (!found) throw new Refused(404, 'NoSuchKey')
    return [200, { etag: found.etag }, found.body]
  }
  const server = createServer(async (incoming, answer) => {
    const parts = []
    for await (const part of incoming) parts.push(part)
    const request = { method: incoming.method, url: incoming.url, headers: incoming.headers, body: Buffer.concat(parts) }
    self.requests.push(request)
    try {
      await check(request, { credentials, region })
      self.before?.(request)
      const [status, headers = {}, body = ''] = act(request)
      answer.writeHead(status, headers).end(body)
    } catch (error) {
      if (error.code !== 'NoSuchKey') self.refusals.push(error.code ?? String(error))
      answer.writeHead(error.status ?? 500, { 'content-type': 'application/xml' }).end(`<Error><Code>${error.code ?? 'InternalError'}</Code></Error>`)
    }
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return Object.assign(self, {
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections() })
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '4568' }, bucket: { type: 'string', default: 'my-notes' }, region: { type: 'string', default: 'us-east-1' } } })
  const { url } = await startS3({ ...values, port: Number(values.port) })
  console.log(`bucket ${values.bucket} at ${url}, region ${values.region}`)
}
