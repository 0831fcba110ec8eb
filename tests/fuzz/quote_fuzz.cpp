// Quotes and their collateral: whatever arrives, the verifier answers with claims or a named defect. Inputs start from the real evidence: the
// first byte says which part is replaced by the rest, so that each decoder is reached with everything around it good.

#include <fstream>
#include <iterator>

#include "attest/intel_root.hpp"
#include "attest/quote.hpp"
#include "attest/verify.hpp"
#include "base/assert.hpp"

using namespace phala;
using namespace phala::attest;

namespace {

constexpr UnixSeconds now = 1750377600;   // within the validity of both samples

struct Sample {
  Bytes quote;
  Collateral collateral;
};

Bytes read(const std::string& name) {
  std::ifstream file(std::string(PHALA_SOURCE_DIR "/tests/golden/dcap/") + name, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}
Sample load(const std::string& kind) {
  auto collateral = collateral_from_json(as_text(read(kind + "_quote_collateral.json")));
  PHALA_ASSERT(collateral.has_value());
  return {read(kind + "_quote"), std::move(*collateral)};
}

const TrustAnchors& anchors() {
  static const TrustAnchors intel{.root_certificates = {Bytes(intel_sgx_root_ca.begin(), intel_sgx_root_ca.end())}};
  return intel;
}

/// Replaces one part of the sample; false when the input names none.
bool replace_part(Sample& s, u8 part, ByteView with) {
  const std::string text(as_text(with));
  switch (part) {
    case 0: s.quote = to_bytes(with); return true;
    case 1: s.collateral.pck_crl_issuer_chain = text; return true;
    case 2: s.collateral.root_ca_crl = to_hex(with); return true;
    case 3: s.collateral.pck_crl = to_hex(with); return true;
    case 4: s.collateral.tcb_info_issuer_chain = text; return true;
    case 5: s.collateral.tcb_info = text; return true;
    case 6: s.collateral.qe_identity_issuer_chain = text; return true;
    case 7: s.collateral.qe_identity = text; return true;
    default: return false;
  }
}

/// Patches of the real quote: pairs of a 16-bit offset and a byte. An accepted quote must be the original one.
void patched_quote(Sample& s, ByteView patches, VerifiedCache& cache) {
  const Bytes original = s.quote;
  for (; patches.size() >= 3; patches = patches.subspan(3)) s.quote[load_le<u16>(patches.data()) % s.quote.size()] ^= patches[2];
  if (verify(s.quote, s.collateral, anchors(), now, cache)) PHALA_ASSERT(s.quote == original);
}

/// The decoders behind a signature, which a mutated text would not reach.
void decoders(ByteView input) {
  static_cast<void>(parse_quote(input).has_value());
  static_cast<void>(peek_platform(input).has_value());
  static_cast<void>(decode_pem_chain(input).has_value());
  if (const auto certificate = parse_certificate(input)) PHALA_ASSERT(same_bytes(certificate->der, input));
  if (const auto list = parse_revocation_list(input)) static_cast<void>(revoked_serials(list->entries).has_value());
  static_cast<void>(parse_tcb_info(as_text(input)).has_value());
  static_cast<void>(parse_qe_identity(as_text(input)).has_value());
  static_cast<void>(collateral_from_json(as_text(input)).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Sample samples[2] = {load("sgx"), load("tdx")};
  static VerifiedCache cache;   // as in a registry that has seen the family before
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  Sample sample = samples[data[0] >> 7];
  const u8 part = data[0] & 0x0f;
  if (part == 9) {
    patched_quote(sample, input, cache);
  } else if (replace_part(sample, part, input)) {
    const auto claims = verify(sample.quote, sample.collateral, anchors(), now, cache);
    if (!claims) PHALA_ASSERT(claims.error().text().starts_with(to_string(claims.error().layer)));
  } else {
    decoders(input);
  }
  return 0;
}
