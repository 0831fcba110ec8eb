// Why: in a wasm32 build of the runtime, certificates and JSON are the host's: these imports stand in for x509.hpp and documents.hpp.

#include "attest/host.hpp"

#define HOST(name) __attribute__((import_module("phala_attest"), import_name(#name))) extern "C"

namespace phala::attest {
namespace {

/// Writes the answer (host.hpp) to `out` if it fits; returns its size either way.
HOST(answer) size_t host_answer(u32 question, const u8* input, size_t len, u8* out, size_t capacity);
/// 1 for a good signature. Key and signature have 64 bytes each.
HOST(p256_verify) u32 host_p256_verify(const u8* key, const u8* message, size_t len, const u8* signature);

template <class T>
Result<T, Defect> ask(host::Question question, ByteView input) {
  Bytes answer(4096 + 2 * input.size());
  const auto put = [&] { return host_answer(static_cast<u32>(question), input.data(), input.size(), answer.data(), answer.size()); };
  size_t size = put();
  if (size > answer.size()) {
    answer.resize(size);
    size = put();
  }
  if (size > answer.size()) return fail(Defect::malformed);
  return host::decode_answer<T>(ByteView(answer).first(size));
}

}  // namespace

Result<std::vector<Bytes>, Defect> decode_pem_chain(ByteView text) { return ask<std::vector<Bytes>>(host::Question::decode_pem_chain, text); }
Result<Certificate, Defect> parse_certificate(ByteView der) { return ask<Certificate>(host::Question::parse_certificate, der); }
Result<RevocationList, Defect> parse_revocation_list(ByteView der) { return ask<RevocationList>(host::Question::parse_revocation_list, der); }
Result<std::vector<Serial>, Defect> revoked_serials(ByteView entries) { return ask<std::vector<Serial>>(host::Question::revoked_serials, entries); }
Result<TcbInfo, Defect> parse_tcb_info(std::string_view json) { return ask<TcbInfo>(host::Question::parse_tcb_info, as_bytes(json)); }
Result<QeIdentity, Defect> parse_qe_identity(std::string_view json) { return ask<QeIdentity>(host::Question::parse_qe_identity, as_bytes(json)); }

bool p256_verify(const P256Key& key, ByteView message, const P256Signature& signature) {
  return host_p256_verify(key.data(), message.data(), message.size(), signature.data()) == 1;
}

}  // namespace phala::attest
