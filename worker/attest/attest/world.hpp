#pragma once
// Why: tests state only what differs from good evidence. A world holds every choice that evidence is made of, all good; a test changes one and
// has everything signed again, so that the one defect is all there is to find.

#include <functional>

#include "attest/software.hpp"

namespace phala::attest::testing_world {

inline constexpr UnixSeconds now = 1800000000, day = 86400;

struct World {
  SigningKey root = key("root"), authority = key("authority"), tcb = key("tcb"), platform = key("platform"), attestation = key("attestation"), stranger = key("stranger");
  SgxExtension machine = development_platform(PlatformId(as_bytes("machine number 1")));
  CertificateRequest root_certificate = root_request(root.public_key(), now), authority_certificate = pck_authority_request(authority.public_key(), now),
                     tcb_certificate = tcb_signer_request(tcb.public_key(), now), pck_certificate = platform_request(platform.public_key(), machine, now);
  struct List {
    UnixSeconds from = now - day, to = now + day;
    std::vector<Bytes> serials{};
    std::string issuer{};
    const SigningKey* signer = nullptr;
  };
  List root_list{.issuer = std::string(root_name), .signer = &root}, pck_list{.issuer = std::string(pck_authority_name), .signer = &authority};
  TcbInfo tcb_info = development_tcb_info(now);
  QeIdentity qe_identity = development_qe_identity(now);
  const SigningKey *tcb_info_signer = &tcb, *qe_identity_signer = &tcb, *platform_signer = &platform, *quote_signer = &attestation;
  SgxReport enclave = good_enclave();
  std::optional<TdxClaims> td;
  ReportData report_data = ReportData(Bytes(64, 7));
  SgxReport quoting_enclave = development_quoting_enclave();
  QuoteParts quote;                                   ///< version, types and authentication data; the rest is filled in
  std::function<void(SgxReport&)> change_binding;     ///< after the report data is made, before it is signed
  std::function<void(std::vector<Bytes>&)> change_pck_chain;   ///< leaf, authority, root
  std::function<void(std::string&)> change_tcb_info, change_qe_identity;   ///< before they are signed
  Policy policy;

  World() = default;
  World(const World&) = delete;                       // points into itself

  static SigningKey key(const char* label) { return SigningKey::derive(crypto::Seed(Bytes(32, 42)), label); }
  static SgxReport good_enclave() {
    SgxReport r;
    r.attributes = FixedBytes<16>({0x05, 0, 0, 0, 0, 0, 0, 0, 0xe7});
    r.mr_enclave.fill(1);
    r.mr_signer.fill(2);
    r.isv_prod_id = 0x0102;
    r.isv_svn = 0x0304;
    return r;
  }

  /// Turns it into a world of trust domains: module version 3, all good.
  void become_tdx() {
    quote.version = 4;
    quote.tee_type = 0x81;
    td.emplace();
    td->tee_tcb_svn = FixedBytes<16>({5, 3, 2});
    td->td_attributes = FixedBytes<8>({0, 0, 0, 0x10});
    td->mr_td.fill(9);
    tcb_info.tdx = qe_identity.tdx = true;
    tcb_info.module.emplace().attributes_mask.fill(0xff);
    TdxModuleIdentity module{.major = 3, .module = *tcb_info.module, .levels = {}};
    module.levels = {{.isv_svn = 5, .verdict = {TcbStatus::up_to_date, now - 10 * day, {}}}, {.isv_svn = 3, .verdict = {TcbStatus::out_of_date, now - 400 * day, {"INTEL-SA-1"}}}};
    tcb_info.module_identities = {module};
    tcb_info.levels[0].tdx = Components{4, 9, 2};   // the first two are the module's business from version 1 on
    tcb_info.levels[0].verdict = {TcbStatus::up_to_date, now - 20 * day, {}};
  }
};

struct Built {
  Bytes quote;
  CollateralParts parts;
  Collateral collateral;
  TrustAnchors anchors;
};

inline Built build(const World& w) {
  Built out;
  const Issuer root_issuer{std::string(root_name), w.root}, pck_issuer{std::string(pck_authority_name), w.authority};
  const Bytes root = issue_certificate(w.root_certificate, root_issuer).value(), authority = issue_certificate(w.authority_certificate, root_issuer).value(),
              tcb = issue_certificate(w.tcb_certificate, root_issuer).value(), pck = issue_certificate(w.pck_certificate, pck_issuer).value();
  const auto list = [](const World::List& l) { return issue_revocation_list({l.issuer, *l.signer}, l.from, l.to, l.serials).value(); };
  out.parts = {.pck_crl_issuer_chain = {authority, root}, .tcb_info_issuer_chain = {tcb, root}, .qe_identity_issuer_chain = {tcb, root}, .root_ca_crl = list(w.root_list),
               .pck_crl = list(w.pck_list), .tcb_info = tcb_info_json(w.tcb_info), .qe_identity = qe_identity_json(w.qe_identity)};
  if (w.change_tcb_info) w.change_tcb_info(out.parts.tcb_info);
  if (w.change_qe_identity) w.change_qe_identity(out.parts.qe_identity);
  out.collateral = sign_collateral(out.parts, w.tcb);
  out.collateral.tcb_info_signature = to_bytes(w.tcb_info_signer->sign(as_bytes(out.parts.tcb_info)));
  out.collateral.qe_identity_signature = to_bytes(w.qe_identity_signer->sign(as_bytes(out.parts.qe_identity)));

  QuoteParts quote = w.quote;
  SgxReport enclave = w.enclave;
  enclave.report_data = w.report_data;
  quote.body = w.td ? encode_report(*w.td, w.report_data) : encode_report(enclave);
  std::vector<Bytes> chain{pck, authority, root};
  if (w.change_pck_chain) w.change_pck_chain(chain);
  quote.certification = to_bytes(to_pem_chain(chain));
  sign_quote(quote, w.quoting_enclave, w.platform, w.attestation);
  if (w.change_binding) {
    SgxReport report = w.quoting_enclave;
    report.report_data = ReportData(ByteView(quote.qe_report).last(64));
    w.change_binding(report);
    quote.qe_report = encode_report(report);
  }
  quote.qe_report_signature = w.platform_signer->sign(quote.qe_report);
  quote.signature = w.quote_signer->sign(quote.signed_part());
  out.quote = quote.encode();
  out.anchors = {.root_certificates = {root}, .policy = w.policy};
  return out;
}

}  // namespace phala::attest::testing_world
