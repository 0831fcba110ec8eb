// PEM chains, in the one spelling their issuers use: what decodes must encode to the same text.
#include <openssl/evp.h>

#include "attest/openssl.hpp"

namespace phala::attest {

Result<std::vector<Bytes>, Defect> decode_pem_chain(ByteView bytes) {
  const openssl::ErrorQueueGuard guard;
  constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----\n", end = "-----END CERTIFICATE-----";
  std::string_view text = as_text(bytes);
  if (text.empty()) return fail(Defect::missing);
  std::vector<Bytes> ders;
  while (true) {
    if (!text.starts_with(begin)) return fail(ders.empty() ? Defect::malformed : Defect::not_canonical);
    const size_t stop = text.find(end, begin.size());
    if (stop == text.npos) return fail(Defect::malformed);
    if (ders.size() == 8) return fail(Defect::wrong_chain_length);
    const std::string_view block = text.substr(begin.size(), stop - begin.size());
    std::string base64;
    base64.reserve(block.size());
    for (size_t at = 0; at < block.size(); at += 65) base64 += block.substr(at, 64);
    if (!base64.empty() && base64.back() == '\n') base64.pop_back();
    Bytes der(base64.size() / 4 * 3 + 3);
    const int n = EVP_DecodeBlock(der.data(), reinterpret_cast<const u8*>(base64.data()), static_cast<int>(base64.size()));
    if (n <= 0 || base64.size() % 4 != 0) return fail(Defect::malformed);
    der.resize(static_cast<size_t>(n) - (base64.ends_with("==") ? 2 : base64.ends_with('=') ? 1 : 0));
    std::string again(base64.size() + 1, '\0');
    again.resize(static_cast<size_t>(EVP_EncodeBlock(reinterpret_cast<u8*>(again.data()), der.data(), static_cast<int>(der.size()))));
    std::string lines;
    lines.reserve(block.size());
    for (size_t at = 0; at < again.size(); at += 64) (lines += std::string_view(again).substr(at, 64)) += '\n';
    if (lines != block) return fail(Defect::not_canonical);
    ders.push_back(std::move(der));
    text.remove_prefix(stop + end.size());
    if (text.empty() || text == "\n" || text == std::string_view("\n\0", 2)) return ders;
    if (text.front() != '\n') return fail(Defect::not_canonical);
    text.remove_prefix(1);
  }
}

}  // namespace phala::attest
