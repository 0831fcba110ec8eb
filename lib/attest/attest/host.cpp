#include "attest/host.hpp"

namespace phala::attest::host {

Bytes answer(Question question, ByteView input) {
  switch (question) {
    case Question::decode_pem_chain: return encode_answer(decode_pem_chain(input));
    case Question::parse_certificate: return encode_answer(parse_certificate(input));
    case Question::parse_revocation_list: return encode_answer(parse_revocation_list(input));
    case Question::parse_tcb_info: return encode_answer(parse_tcb_info(as_text(input)));
    case Question::parse_qe_identity: return encode_answer(parse_qe_identity(as_text(input)));
    case Question::revoked_serials: return encode_answer(revoked_serials(input));
  }
  return {1, static_cast<u8>(Defect::malformed)};
}

}  // namespace phala::attest::host
