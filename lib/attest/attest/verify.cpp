#include "attest/verify.hpp"

#include "attest/chain.hpp"
#include "attest/quote.hpp"
#include "attest/tcb.hpp"
#include "crypto/hash.hpp"

namespace phala::attest {
namespace {

constexpr size_t max_chain_text = 16 * 1024, max_list_text = 2 * 1024 * 1024, max_tcb_info_text = 512 * 1024, max_qe_identity_text = 64 * 1024;

auto at(Layer layer) {
  return [layer](Defect defect) { return AttestError{defect, layer}; };
}
auto refuse(Defect defect, Layer layer) { return fail(AttestError{defect, layer}); }

/// What one verification works with; lives as long as the call.
struct Evidence {
  const Quote& quote;
  const Collateral& collateral;
  const TrustAnchors& anchors;
  UnixSeconds now;
  VerifiedCache& cache;
};

/// The authenticated parts, each already checked for dates and revocation.
struct Trusted {
  std::shared_ptr<const Chain> pck, crl_issuer, tcb_signer, qe_signer;   // PCK: leaf, authority, root
  std::shared_ptr<const TrustedList> root_crl, pck_crl;
  std::shared_ptr<const TcbInfo> tcb_info;
  std::shared_ptr<const QeIdentity> qe_identity;
};

Result<void, AttestError> check_sizes(const Collateral& c) {
  struct Limit { ByteView text; size_t max; Layer layer; };
  const Limit limits[] = {
      {as_bytes(c.pck_crl_issuer_chain), max_chain_text, Layer::crl_chain},
      {as_bytes(c.root_ca_crl), max_list_text, Layer::root_crl},
      {as_bytes(c.pck_crl), max_list_text, Layer::pck_crl},
      {as_bytes(c.tcb_info_issuer_chain), max_chain_text, Layer::tcb_info_chain},
      {as_bytes(c.tcb_info), max_tcb_info_text, Layer::tcb_info},
      {c.tcb_info_signature, P256Signature::bytes, Layer::tcb_info},
      {as_bytes(c.qe_identity_issuer_chain), max_chain_text, Layer::qe_identity_chain},
      {as_bytes(c.qe_identity), max_qe_identity_text, Layer::qe_identity},
      {c.qe_identity_signature, P256Signature::bytes, Layer::qe_identity},
  };
  for (const auto& [text, max, layer] : limits) {
    if (text.empty()) return refuse(Defect::missing, layer);
    if (text.size() > max) return refuse(Defect::too_large, layer);
  }
  return {};
}

Result<std::shared_ptr<const Chain>, AttestError> trusted_chain(const Evidence& e, ByteView pem, std::span<const Role> roles, Layer layer) {
  auto chain = TRY(load_chain(pem, roles, e.anchors, e.cache).map_error(at(layer)));
  TRY(check_dates(*chain, e.now).map_error(at(layer)));
  return chain;
}

/// The list that `authority` publishes, current at `now`.
Result<std::shared_ptr<const TrustedList>, AttestError> trusted_list(const Evidence& e, std::string_view hex, const Certificate& authority, Layer layer) {
  auto list = TRY(load_revocation_list(hex, authority, e.cache).map_error(at(layer)));
  TRY(check_period(list->this_update, list->next_update, e.now).map_error(at(layer)));
  return list;
}

/// A signed JSON document: the signature is checked over the text as given, before anything decodes it.
template <class Document, size_t Capacity>
Result<std::shared_ptr<const Document>, AttestError> trusted_document(const Evidence& e, std::string_view text, ByteView raw_signature, const Certificate& signer,
                                                                      Memo<Document, Capacity>& memo, Result<Document, Defect> (*parse)(std::string_view), Layer layer) {
  if (raw_signature.size() != P256Signature::bytes) return refuse(Defect::malformed, layer);
  const P256Signature signature(raw_signature);
  auto document = memo.find(as_bytes(text), signer.key, signature);
  if (!document) {
    if (!p256_verify(signer.key, as_bytes(text), signature)) return refuse(Defect::bad_signature, layer);
    document = memo.put(as_bytes(text), signer.key, signature, TRY(parse(text).map_error(at(layer))));
  }
  TRY(check_period(document->issue_date, document->next_update, e.now).map_error(at(layer)));
  return document;
}

Result<void, AttestError> trust_platform(const Evidence& e, Trusted& t) {
  static constexpr Role pck_roles[] = {Role::pck, Role::pck_authority, Role::root};
  static constexpr Role crl_roles[] = {Role::pck_authority, Role::root};
  t.pck = TRY(trusted_chain(e, e.quote.pck_chain, pck_roles, Layer::pck_chain));
  t.crl_issuer = TRY(trusted_chain(e, as_bytes(e.collateral.pck_crl_issuer_chain), crl_roles, Layer::crl_chain));
  const Certificate &leaf = *(*t.pck)[0], &authority = *(*t.pck)[1], &root = *(*t.pck)[2];
  const Certificate& crl_authority = *(*t.crl_issuer)[0];
  if (crl_authority.subject != authority.subject || crl_authority.key != authority.key) return refuse(Defect::wrong_issuer, Layer::crl_chain);
  if ((*t.crl_issuer)[1]->der != root.der) return refuse(Defect::untrusted_root, Layer::crl_chain);

  t.root_crl = TRY(trusted_list(e, e.collateral.root_ca_crl, root, Layer::root_crl));
  t.pck_crl = TRY(trusted_list(e, e.collateral.pck_crl, authority, Layer::pck_crl));
  for (const Certificate* c : {&root, &authority, &crl_authority})
    if (is_revoked(*t.root_crl, *c)) return refuse(Defect::revoked, Layer::root_crl);
  if (is_revoked(*t.pck_crl, leaf)) return refuse(Defect::revoked, Layer::pck_crl);
  return {};
}

Result<void, AttestError> trust_documents(const Evidence& e, Trusted& t) {
  static constexpr Role signer_roles[] = {Role::tcb_signer, Role::root};
  const Certificate& root = *t.pck->back();
  const auto signer = [&](const std::string& pem, Layer layer) -> Result<std::shared_ptr<const Chain>, AttestError> {
    auto chain = TRY(trusted_chain(e, as_bytes(pem), signer_roles, layer));
    if (chain->back()->der != root.der) return refuse(Defect::untrusted_root, layer);
    if (is_revoked(*t.root_crl, *chain->front())) return refuse(Defect::revoked, layer);
    return chain;
  };
  const Collateral& c = e.collateral;
  t.tcb_signer = TRY(signer(c.tcb_info_issuer_chain, Layer::tcb_info_chain));
  t.tcb_info = TRY(trusted_document(e, c.tcb_info, c.tcb_info_signature, *t.tcb_signer->front(), e.cache.tcb_infos, parse_tcb_info, Layer::tcb_info));
  t.qe_signer = TRY(signer(c.qe_identity_issuer_chain, Layer::qe_identity_chain));
  t.qe_identity = TRY(trusted_document(e, c.qe_identity, c.qe_identity_signature, *t.qe_signer->front(), e.cache.qe_identities, parse_qe_identity, Layer::qe_identity));
  return {};
}

/// Platform key → quoting enclave's report → attestation key → header and report.
Result<void, AttestError> check_quote_signatures(const Quote& q, const Certificate& pck) {
  if (!p256_verify(pck.key, q.qe_report_bytes, q.qe_report_signature)) return refuse(Defect::bad_signature, Layer::qe_report);
  const Hash bound = crypto::sha2_256(concat(q.attestation_key, q.qe_authentication_data));
  const ByteView data = q.qe_report.report_data.view();
  const bool zero_tail = std::ranges::all_of(data.subspan(32), [](u8 b) { return b == 0; });
  if (!same_bytes(data.first(32), bound) || !zero_tail) return refuse(Defect::bad_binding, Layer::attestation_key);
  if (!p256_verify(q.attestation_key, q.signed_part, q.signature)) return refuse(Defect::bad_signature, Layer::quote_signature);
  return {};
}

Result<TcbVerdict, AttestError> evaluate_tcb(const Quote& q, const Trusted& t) {
  const SgxExtension& platform = *t.pck->front()->sgx;
  const TcbInfo& info = *t.tcb_info;
  if (info.tdx != q.is_tdx()) return refuse(Defect::wrong_tee, Layer::tcb_info);
  if (t.qe_identity->tdx != q.is_tdx()) return refuse(Defect::wrong_tee, Layer::qe_identity);
  if (info.fmspc != platform.fmspc) return refuse(Defect::wrong_fmspc, Layer::tcb_info);
  if (info.pce_id != platform.pce_id) return refuse(Defect::wrong_pce_id, Layer::tcb_info);
  const TcbVerdict enclave = TRY(match_quoting_enclave(*t.qe_identity, q.qe_report).map_error(at(Layer::qe_identity)));
  const auto* td = q.body.get_if<TdxClaims>();
  std::optional<TcbVerdict> module;
  if (td != nullptr) module = TRY(match_module(info, *td).map_error(at(Layer::tdx_module)));
  const TcbVerdict base = TRY(match_platform(info, platform, td).map_error(at(Layer::tcb_level)));
  const TcbVerdict both = merge(base, enclave);
  return module ? merge(both, *module) : both;
}

Result<void, AttestError> check_attributes(const Quote& q, const Policy& policy) {
  constexpr u8 sgx_debug = 0x02;
  if (const auto* sgx = q.body.get_if<SgxReport>()) {
    if ((sgx->attributes[0] & sgx_debug) != 0 && !policy.allow_debug) return refuse(Defect::debug_enabled, Layer::policy);
    return {};
  }
  // TD attributes, little-endian: bits 0-7 make the TD untrusted (debug and profiling); 27 LASS, 28 SEPT_VE_DISABLE, 30 PKS, 31 KL, 63 PERFMON are
  // features of the guest; the rest is reserved or, as 29 MIGRATABLE, lets the TD move to a platform this quote says nothing about.
  constexpr u64 untrusted = 0xff, sept_ve_disable = u64{1} << 28;
  constexpr u64 permitted = u64{1} << 27 | sept_ve_disable | u64{1} << 30 | u64{1} << 31 | u64{1} << 63;
  const u64 attributes = load_le<u64>(q.body.get_if<TdxClaims>()->td_attributes.data());
  if ((attributes & untrusted) != 0 && !policy.allow_debug) return refuse(Defect::debug_enabled, Layer::policy);
  if ((attributes & ~(permitted | untrusted)) != 0) return refuse(Defect::reserved_attributes, Layer::policy);
  if ((attributes & sept_ve_disable) == 0 && policy.require_sept_ve_disable) return refuse(Defect::sept_ve_enabled, Layer::policy);
  return {};
}

Result<void, AttestError> check_policy(const Quote& q, const Policy& policy, const Claims& claims) {
  const auto listed = [](const auto& list, const auto& item) { return std::ranges::find(list, item) != list.end(); };
  TRY(check_attributes(q, policy));
  if (listed(policy.denied_fmspc, claims.fmspc) || (!policy.allowed_fmspc.empty() && !listed(policy.allowed_fmspc, claims.fmspc)))
    return refuse(Defect::fmspc_denied, Layer::policy);
  if (listed(policy.denied_platforms, claims.platform)) return refuse(Defect::platform_denied, Layer::policy);
  if (claims.tcb_evaluation_number < policy.minimum_tcb_evaluation_number) return refuse(Defect::evaluation_too_old, Layer::policy);
  if (claims.tcb_status == TcbStatus::revoked || !listed(policy.allowed_statuses, claims.tcb_status)) return refuse(Defect::status_not_allowed, Layer::policy);
  return {};
}

Measurement measurement_of(const SgxReport& r) {
  return Measurement(concat(r.mr_enclave, be_bytes(r.isv_prod_id), be_bytes(r.isv_svn), r.mr_signer));
}
Measurement measurement_of(const TdxClaims& t) {
  const Hash code = crypto::sha2_256(concat(t.mr_td, t.rtmr[0], t.rtmr[1], t.rtmr[2], t.rtmr[3]));
  const Hash owner = crypto::sha2_256(concat(t.mr_config_id, t.mr_owner, t.mr_owner_config));
  return Measurement(concat(code, std::array<u8, 4>{}, owner));
}

UnixSeconds earliest_expiration(const Trusted& t) {
  UnixSeconds at = std::min({t.root_crl->next_update, t.pck_crl->next_update, t.tcb_info->next_update, t.qe_identity->next_update});
  for (const auto& chain : {t.pck, t.crl_issuer, t.tcb_signer, t.qe_signer})
    for (const auto& c : *chain) at = std::min(at, c->not_after);
  return at;
}

Claims make_claims(const Quote& q, const Trusted& t, TcbVerdict verdict) {
  const SgxExtension& platform = *t.pck->front()->sgx;
  Claims claims;
  if (const auto* td = q.body.get_if<TdxClaims>()) {
    claims.body = *td;
    claims.measurement = measurement_of(*td);
  } else {
    const auto& r = *q.body.get_if<SgxReport>();
    claims.body = SgxClaims{r.mr_enclave, r.mr_signer, r.isv_prod_id, r.isv_svn, load_le<u32>(r.misc_select.data()), r.attributes, r.cpu_svn};
    claims.measurement = measurement_of(r);
  }
  claims.report_data = q.report_data;
  // not s: whoever has (r, s) also has (r, -s)
  claims.quote_id = crypto::sha2_256(concat(q.signed_part, q.signature.view().first(32)));
  claims.fmspc = platform.fmspc;
  claims.platform = platform.ppid;
  claims.tcb_status = verdict.status;
  claims.confidence_level = confidence_level(verdict).value_or(0);
  claims.tcb_date = verdict.date;
  claims.advisory_ids = std::move(verdict.advisory_ids);
  claims.tcb_evaluation_number = std::min(t.tcb_info->evaluation_number, t.qe_identity->evaluation_number);
  claims.earliest_expiration = earliest_expiration(t);
  claims.dynamic_platform = platform.dynamic_platform;
  claims.cached_keys = platform.cached_keys;
  claims.smt_enabled = platform.smt_enabled;
  return claims;
}

}  // namespace

Result<Claims, AttestError> verify(ByteView bytes, const Collateral& collateral, const TrustAnchors& anchors, UnixSeconds now, VerifiedCache& cache) {
  const Quote quote = TRY(parse_quote(bytes));
  TRY(check_sizes(collateral));
  const Evidence evidence{quote, collateral, anchors, now, cache};
  Trusted trusted;
  TRY(trust_platform(evidence, trusted));
  TRY(trust_documents(evidence, trusted));
  TRY(check_quote_signatures(quote, *trusted.pck->front()));
  Claims claims = make_claims(quote, trusted, TRY(evaluate_tcb(quote, trusted)));
  TRY(check_policy(quote, anchors.policy, claims));
  return claims;
}

Result<Claims, AttestError> verify(ByteView quote, const Collateral& collateral, const TrustAnchors& anchors, UnixSeconds now) {
  VerifiedCache empty;
  return verify(quote, collateral, anchors, now, empty);
}

Result<PlatformHint, AttestError> peek_platform(ByteView bytes) {
  const Quote quote = TRY(parse_quote(bytes));
  const auto ders = TRY(decode_pem_chain(quote.pck_chain).map_error(at(Layer::pck_chain)));
  const auto leaf = TRY(parse_certificate(ders.front()).map_error(at(Layer::pck_chain)));
  if (ders.size() < 2) return refuse(Defect::wrong_chain_length, Layer::pck_chain);
  const auto authority = TRY(parse_certificate(ders[1]).map_error(at(Layer::pck_chain)));
  if (!leaf.sgx) return refuse(Defect::wrong_role, Layer::pck_chain);
  return PlatformHint{leaf.sgx->fmspc, authority.common_name == "Intel SGX PCK Platform CA", quote.is_tdx()};
}

}  // namespace phala::attest
