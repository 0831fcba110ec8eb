#include "sim/asker.hpp"

namespace phala::sim {

using namespace worker;

namespace {
Error wrong(std::string what) { return Error{ErrorCode::internal, std::move(what)}; }
}  // namespace

Asker::Sealed Asker::seal(const SimWorker& worker, const Hash& contract, const Bytes& selector) {
  auto key = crypto::Sr25519Pair::from_seed(crypto::Seed(chance_->bytes(32)));
  auto agreed = *key.agree(worker.identity().public_key());
  const Hash nonce(chance_->bytes(32));
  const crypto::Iv iv(chance_->bytes(12));
  const Bytes plain = scale::encode(ContractQuery{contract, nonce, query::InkMessage{selector, 0, 0, false}});
  Bytes data = scale::encode(protocol::EncryptedData{iv.as<FixedBytes<12>>(), key.public_key(), crypto::aes256gcm_seal(agreed, iv, plain)});
  return {std::move(key), std::move(agreed), nonce, std::move(data)};
}

SignatureChain Asker::sign(const Sealed& query, BlockNumber ttl) const {
  const Bytes body = scale::encode(CertificateBody{to_bytes(query.key.public_key()), ttl, 0});
  return {{body, SignatureType::sr25519, to_bytes(query.key.sign(query.data))},
          {scale::encode(CertificateBody{user_->public_key(), ttl, 0}), SignatureType::sr25519_wrapped, user_->sign(concat(as_bytes("<Bytes>"), body, as_bytes("</Bytes>")))}};
}

Result<Bytes> Asker::open(const SimWorker& worker, const Sealed& query, ByteView answer) const {
  const auto sealed = TRY(scale::decode<protocol::EncryptedData>(answer).map_error(scale::to_error).context("a worker's answer"));
  if (sealed.pubkey != worker.identity().public_key()) return fail(wrong("an answer is not the worker's"));
  const Bytes plain = TRY(crypto::aes256gcm_open(query.agreed, sealed.iv.as<crypto::Iv>(), sealed.data).context("a worker's answer"));
  if (!starts_with(plain, query.nonce)) return fail(wrong("an answer is to another question"));
  return to_bytes(ByteView(plain).subspan(query.nonce.size()));
}

Result<Bytes> Asker::ask(SimWorker& worker, const Hash& contract, const Bytes& selector) {
  const Sealed query = seal(worker, contract, selector);
  const auto chain = sign(query, worker.machine().tip.number + static_cast<BlockNumber>(chance_->below(100)));
  const Bytes answer = TRY(open(worker, query, TRY(worker.query(query.data, chain))));
  if (!starts_with(answer, Bytes{0, 0})) return fail(wrong("a query failed: " + to_hex(answer)));
  const Bytes encoded = TRY(scale::decode<Bytes>(ByteView(answer).subspan(2)).map_error(scale::to_error).context("a worker's answer"));
  const auto result = TRY(engine::decode_call_result(encoded));
  if (!result.result) return fail(wrong("a contract does not answer: " + engine::to_string(result.result.error())));
  return result.result->data;
}

Result<> Asker::ask_wrongly(SimWorker& worker, const Hash& contract, const Bytes& selector) {
  const BlockNumber now = worker.machine().tip.number;
  const Sealed query = seal(worker, contract, selector), other = seal(worker, contract, selector);
  // a stranger's question is answered, but not by the contract
  const Bytes to_nobody = TRY(open(worker, query, TRY(worker.query(query.data, {}))));
  if (to_nobody != Bytes{1, 0}) return fail(wrong("a query without certificate was answered with " + to_hex(to_nobody)));
  if (worker.query(query.data, sign(query, now - 1))) return fail(wrong("a certificate that ran out was taken"));
  if (worker.query(query.data, sign(other, now + 1))) return fail(wrong("a signature of another query was taken"));
  auto mixed = sign(query, now + 1);
  mixed[1] = sign(other, now + 1)[1];
  if (worker.query(query.data, mixed)) return fail(wrong("a certificate for another key was taken"));
  Bytes altered = query.data;
  altered[chance_->below(altered.size())] ^= 1;
  if (worker.query(altered, sign(query, now + 1))) return fail(wrong("an altered query was taken"));
  if (open(worker, other, TRY(worker.query(query.data, sign(query, now + 1))))) return fail(wrong("an answer opens for another's key"));
  return {};
}

}  // namespace phala::sim
