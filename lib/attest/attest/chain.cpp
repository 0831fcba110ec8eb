#include "attest/chain.hpp"

#include "attest/verify.hpp"

namespace phala::attest {
namespace {

bool has_role(const Certificate& c, Role role) {
  switch (role) {
    case Role::pck:
      return c.common_name == "Intel SGX PCK Certificate" && !c.is_ca && c.usage.digital_signature && !c.usage.certificate_sign && c.sgx;
    case Role::pck_authority:
      return (c.common_name == "Intel SGX PCK Platform CA" || c.common_name == "Intel SGX PCK Processor CA") && c.is_ca &&
             c.usage.certificate_sign && c.usage.crl_sign && !c.sgx;
    case Role::tcb_signer:
      return c.common_name == "Intel SGX TCB Signing" && !c.is_ca && c.usage.digital_signature && !c.usage.certificate_sign && !c.sgx;
    case Role::root:
      return c.is_ca && c.usage.certificate_sign && c.usage.crl_sign && c.subject == c.issuer && !c.sgx;
  }
  return false;
}

bool is_anchor(ByteView der, const TrustAnchors& anchors) {
  return std::ranges::any_of(anchors.root_certificates, [&](const Bytes& root) { return same_bytes(root, der); });
}

/// Names and key identifiers connect. The signature is checked apart, because it is what costs.
bool names_connect(ByteView issuer, ByteView authority_key_id, const Certificate& authority) {
  return same_bytes(issuer, authority.subject) && (authority_key_id.empty() || same_bytes(authority_key_id, authority.subject_key_id));
}

/// The certificate `der`, vouched for by `issuer`, which has `authorities_below` CA certificates between itself and the signer.
Result<std::shared_ptr<const Certificate>, Defect> load_certificate(ByteView der, const Certificate& issuer, u32 authorities_below, VerifiedCache& cache) {
  if (!issuer.is_ca || !issuer.usage.certificate_sign) return fail(Defect::wrong_role);
  if (issuer.path_length && *issuer.path_length < authorities_below) return fail(Defect::wrong_role);
  if (auto known = cache.certificates.find(der, issuer.key, {}); known && names_connect(known->issuer, known->authority_key_id, issuer)) return known;
  auto certificate = TRY(parse_certificate(der));
  if (!names_connect(certificate.issuer, certificate.authority_key_id, issuer)) return fail(Defect::wrong_issuer);
  if (!p256_verify(issuer.key, certificate.to_be_signed, certificate.signature)) return fail(Defect::bad_signature);
  return cache.certificates.put(der, issuer.key, {}, std::move(certificate));
}

/// A trust anchor needs no signature: it is trusted for being exactly these bytes.
Result<std::shared_ptr<const Certificate>, Defect> load_anchor(ByteView der, VerifiedCache& cache) {
  if (auto known = cache.certificates.find(der, {}, {})) return known;
  return cache.certificates.put(der, {}, {}, TRY(parse_certificate(der)));
}

Result<std::shared_ptr<const Chain>, Defect> build_chain(ByteView pem, size_t length, const TrustAnchors& anchors, VerifiedCache& cache) {
  const auto ders = TRY(decode_pem_chain(pem));
  if (ders.size() != length) return fail(Defect::wrong_chain_length);
  if (!is_anchor(ders.back(), anchors)) return fail(Defect::untrusted_root);
  Chain chain(length);
  chain.back() = TRY(load_anchor(ders.back(), cache));
  for (size_t i = length - 1; i-- > 0;) chain[i] = TRY(load_certificate(ders[i], *chain[i + 1], static_cast<u32>(i), cache));
  return cache.chains.put(pem, {}, {}, std::move(chain));
}

}  // namespace

Result<std::shared_ptr<const Chain>, Defect> load_chain(ByteView pem, std::span<const Role> roles, const TrustAnchors& anchors, VerifiedCache& cache) {
  auto chain = cache.chains.find(pem, {}, {});
  if (!chain) chain = TRY(build_chain(pem, roles.size(), anchors, cache));
  if (chain->size() != roles.size()) return fail(Defect::wrong_chain_length);
  if (!is_anchor(chain->back()->der, anchors)) return fail(Defect::untrusted_root);
  for (size_t i = 0; i < roles.size(); ++i)
    if (!has_role(*(*chain)[i], roles[i])) return fail(Defect::wrong_role);
  return chain;
}

Result<std::shared_ptr<const TrustedList>, Defect> load_revocation_list(std::string_view hex, const Certificate& authority, VerifiedCache& cache) {
  if (!authority.usage.crl_sign) return fail(Defect::wrong_role);
  auto list = cache.revocation_lists.find(as_bytes(hex), authority.key, {});
  if (!list) {
    const auto der = from_hex(hex);
    if (!der) return fail(Defect::malformed);
    if (std::ranges::any_of(hex, [](char c) { return c >= 'A' && c <= 'Z'; }) || hex.starts_with("0x")) return fail(Defect::not_canonical);
    auto parsed = TRY(parse_revocation_list(*der));
    if (!names_connect(parsed.issuer, parsed.authority_key_id, authority)) return fail(Defect::wrong_issuer);
    if (!p256_verify(authority.key, parsed.to_be_signed, parsed.signature)) return fail(Defect::bad_signature);
    auto serials = TRY(revoked_serials(parsed.entries));
    list = cache.revocation_lists.put(as_bytes(hex), authority.key, {}, {std::move(parsed.issuer), std::move(parsed.authority_key_id), parsed.this_update, parsed.next_update, std::move(serials)});
  }
  if (!names_connect(list->issuer, list->authority_key_id, authority)) return fail(Defect::wrong_issuer);
  return list;
}

Result<void, Defect> check_period(UnixSeconds from, UnixSeconds to, UnixSeconds now) {
  if (now < from) return fail(Defect::not_yet_valid);
  if (now > to) return fail(Defect::expired);
  return {};
}

Result<void, Defect> check_dates(const Chain& chain, UnixSeconds now) {
  for (const auto& c : chain) TRY(check_period(c->not_before, c->not_after, now));
  return {};
}

bool is_revoked(const TrustedList& list, const Certificate& certificate) {
  return std::ranges::binary_search(list.serials, certificate.serial);
}

}  // namespace phala::attest
