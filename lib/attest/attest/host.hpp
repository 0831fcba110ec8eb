#pragma once
// Why: a runtime compiled to wasm32 has no certificate library; it asks its host. These are the questions, as the host answers them, and the
// form in which an answer crosses: one byte 0 and SCALE of the value, or one byte 1 and the defect.

#include "attest/documents.hpp"
#include "attest/x509.hpp"

namespace phala::attest::host {

template <class T>
Bytes encode_answer(const Result<T, Defect>& answer) {
  return answer ? concat(std::array<u8, 1>{0}, scale::encode(*answer)) : Bytes{1, static_cast<u8>(answer.error())};
}
/// An answer that does not decode counts as `malformed`: a host cannot make the runtime accept what it did not understand.
template <class T>
Result<T, Defect> decode_answer(ByteView bytes) {
  if (bytes.size() == 2 && bytes[0] == 1 && is_valid(static_cast<Defect>(bytes[1]))) return fail(static_cast<Defect>(bytes[1]));
  if (bytes.empty() || bytes[0] != 0) return fail(Defect::malformed);
  auto value = scale::decode<T>(bytes.subspan(1));
  if (!value) return fail(Defect::malformed);
  return std::move(*value);
}

/// For the executor: the imports of module "phala_attest" other than `p256_verify`.
enum class Question : u8 { decode_pem_chain, parse_certificate, parse_revocation_list, parse_tcb_info, parse_qe_identity, revoked_serials };
Bytes answer(Question question, ByteView input);

}  // namespace phala::attest::host
