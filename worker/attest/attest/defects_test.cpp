// One defect at a time in otherwise good and freshly signed evidence: each is refused by its own name.
#include <gtest/gtest.h>

#include "attest/world.hpp"

namespace phala::attest {

void PrintTo(const AttestError& e, std::ostream* os) { *os << e.text(); }

namespace {

using testing_world::build;
using testing_world::day;
using testing_world::now;
using testing_world::World;

struct Case {
  const char* name;
  void (*change)(World&);
  AttestError expected;
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

class Defects : public ::testing::TestWithParam<Case> {};

TEST_P(Defects, is_refused_by_name) {
  World world;
  GetParam().change(world);
  const auto built = build(world);
  const auto result = verify(built.quote, built.collateral, built.anchors, now);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), GetParam().expected) << result.error().text();
  VerifiedCache cache;   // and never becomes good by being seen before
  for (int i = 0; i < 2; ++i) EXPECT_EQ(verify(built.quote, built.collateral, built.anchors, now, cache).error(), GetParam().expected);
}

using enum Defect;

// One line is one rule.
// clang-format off
const Case pck_chain[] = {
    {"pck_expired", [](World& w) { w.pck_certificate.not_after = now - 1; }, {expired, Layer::pck_chain}},
    {"pck_not_yet_valid", [](World& w) { w.pck_certificate.not_before = now + 1; }, {not_yet_valid, Layer::pck_chain}},
    {"pck_authority_expired", [](World& w) { w.authority_certificate.not_after = now - 1; }, {expired, Layer::pck_chain}},
    {"root_expired", [](World& w) { w.root_certificate.not_after = now - 1; }, {expired, Layer::pck_chain}},
    {"pck_revoked", [](World& w) { w.pck_list.serials = {{1}, w.pck_certificate.serial, {0x7f}}; }, {revoked, Layer::pck_crl}},
    {"pck_authority_revoked", [](World& w) { w.root_list.serials = {w.authority_certificate.serial}; }, {revoked, Layer::root_crl}},
    {"root_revoked", [](World& w) { w.root_list.serials = {w.root_certificate.serial}; }, {revoked, Layer::root_crl}},
    {"tcb_signer_revoked", [](World& w) { w.root_list.serials = {w.tcb_certificate.serial}; }, {revoked, Layer::tcb_info_chain}},
    {"pck_of_another_purpose", [](World& w) { w.pck_certificate.common_name = "Intel SGX TCB Signing"; }, {wrong_role, Layer::pck_chain}},
    {"pck_without_sgx_extension", [](World& w) { w.pck_certificate.sgx.reset(); }, {wrong_role, Layer::pck_chain}},
    {"pck_that_is_an_authority", [](World& w) { w.pck_certificate.is_ca = true; }, {wrong_role, Layer::pck_chain}},
    {"pck_that_may_not_sign", [](World& w) { w.pck_certificate.usage.digital_signature = false; }, {wrong_role, Layer::pck_chain}},
    {"authority_that_is_none", [](World& w) { w.authority_certificate.is_ca = false; w.authority_certificate.path_length.reset(); }, {wrong_role, Layer::pck_chain}},
    {"authority_that_may_not_certify", [](World& w) { w.authority_certificate.usage.certificate_sign = false; }, {wrong_role, Layer::pck_chain}},
    {"authority_that_may_not_revoke", [](World& w) { w.authority_certificate.usage.crl_sign = false; }, {wrong_role, Layer::pck_chain}},
    {"authority_with_another_name", [](World& w) { w.authority_certificate.common_name = "Intel SGX PCK Other CA"; }, {wrong_issuer, Layer::pck_chain}},
    {"chain_backwards", [](World& w) { w.change_pck_chain = [](auto& c) { std::swap(c[0], c[2]); }; }, {untrusted_root, Layer::pck_chain}},
    {"chain_with_leaf_and_authority_swapped", [](World& w) { w.change_pck_chain = [](auto& c) { std::swap(c[0], c[1]); }; }, {wrong_issuer, Layer::pck_chain}},
    {"chain_without_authority", [](World& w) { w.change_pck_chain = [](auto& c) { c.erase(c.begin() + 1); }; }, {wrong_chain_length, Layer::pck_chain}},
    {"chain_without_root", [](World& w) { w.change_pck_chain = [](auto& c) { c.pop_back(); }; }, {wrong_chain_length, Layer::pck_chain}},
    {"chain_with_an_authority_twice", [](World& w) { w.change_pck_chain = [](auto& c) { c.insert(c.begin() + 1, c[1]); }; }, {wrong_chain_length, Layer::pck_chain}},
    {"pck_whose_signature_is_changed", [](World& w) { w.change_pck_chain = [](auto& c) { c[0].back() ^= 1; }; }, {bad_signature, Layer::pck_chain}},
    {"authority_whose_signature_is_changed", [](World& w) { w.change_pck_chain = [](auto& c) { c[1].back() ^= 1; }; }, {bad_signature, Layer::pck_chain}},
    {"root_that_allows_no_authority", [](World& w) { w.root_certificate.path_length = 0; }, {wrong_role, Layer::pck_chain}},
};
INSTANTIATE_TEST_SUITE_P(PckChain, Defects, ::testing::ValuesIn(pck_chain), [](const auto& p) { return p.param.name; });

const Case lists[] = {
    {"root_crl_expired", [](World& w) { w.root_list.to = now - 1; }, {expired, Layer::root_crl}},
    {"root_crl_not_yet_valid", [](World& w) { w.root_list.from = now + 1; }, {not_yet_valid, Layer::root_crl}},
    {"pck_crl_expired", [](World& w) { w.pck_list.to = now - 1; }, {expired, Layer::pck_crl}},
    {"pck_crl_not_yet_valid", [](World& w) { w.pck_list.from = now + 1; }, {not_yet_valid, Layer::pck_crl}},
    {"root_crl_of_another_issuer", [](World& w) { w.root_list.issuer = "Somebody Else"; }, {wrong_issuer, Layer::root_crl}},
    {"root_crl_of_another_key", [](World& w) { w.root_list.signer = &w.stranger; }, {wrong_issuer, Layer::root_crl}},
    {"pck_crl_of_another_issuer", [](World& w) { w.pck_list.issuer = "Intel SGX PCK Processor CA"; }, {wrong_issuer, Layer::pck_crl}},
    {"pck_crl_of_another_key", [](World& w) { w.pck_list.signer = &w.stranger; }, {wrong_issuer, Layer::pck_crl}},
};
INSTANTIATE_TEST_SUITE_P(Lists, Defects, ::testing::ValuesIn(lists), [](const auto& p) { return p.param.name; });

void replace(std::string& text, std::string_view from, std::string_view to) { text.replace(text.find(from), from.size(), to); }

const Case tcb_info[] = {
    {"tcb_info_expired", [](World& w) { w.tcb_info.next_update = now - 1; }, {expired, Layer::tcb_info}},
    {"tcb_info_not_yet_valid", [](World& w) { w.tcb_info.issue_date = now + 1; }, {not_yet_valid, Layer::tcb_info}},
    {"tcb_info_signed_by_a_stranger", [](World& w) { w.tcb_info_signer = &w.stranger; }, {bad_signature, Layer::tcb_info}},
    {"tcb_signer_expired", [](World& w) { w.tcb_certificate.not_after = now - 1; }, {expired, Layer::tcb_info_chain}},
    {"tcb_signer_of_another_purpose", [](World& w) { w.tcb_certificate.common_name = "Intel SGX PCK Certificate"; }, {wrong_role, Layer::tcb_info_chain}},
    {"tcb_info_of_another_fmspc", [](World& w) { w.tcb_info.fmspc[0] ^= 1; }, {wrong_fmspc, Layer::tcb_info}},
    {"tcb_info_of_another_pce", [](World& w) { w.tcb_info.pce_id[0] ^= 1; }, {wrong_pce_id, Layer::tcb_info}},
    {"tcb_info_of_version_4", [](World& w) { w.change_tcb_info = [](auto& t) { replace(t, "\"version\":3", "\"version\":4"); }; }, {unsupported_version, Layer::tcb_info}},
    {"tcb_info_of_another_type", [](World& w) { w.change_tcb_info = [](auto& t) { replace(t, "\"tcbType\":0", "\"tcbType\":1"); }; }, {unsupported_version, Layer::tcb_info}},
    {"tcb_info_of_an_unknown_tee", [](World& w) { w.change_tcb_info = [](auto& t) { replace(t, "\"SGX\"", "\"SEV\""); }; }, {wrong_tee, Layer::tcb_info}},
    {"tcb_info_that_is_no_json", [](World& w) { w.change_tcb_info = [](auto& t) { t.pop_back(); }; }, {malformed, Layer::tcb_info}},
    {"tcb_info_with_an_unknown_status", [](World& w) { w.change_tcb_info = [](auto& t) { replace(t, "ConfigurationAndSWHardeningNeeded", "Splendid"); }; }, {malformed, Layer::tcb_info}},
    {"tcb_info_with_a_bad_date", [](World& w) { w.change_tcb_info = [](auto& t) { replace(t, "-01-", "-13-"); }; }, {malformed, Layer::tcb_info}},
    {"component_below_every_level", [](World& w) { w.pck_certificate.sgx->components[15] = 1; }, {no_matching_level, Layer::tcb_level}},
    {"pce_below_every_level", [](World& w) { w.pck_certificate.sgx->pce_svn = 10; }, {no_matching_level, Layer::tcb_level}},
    {"platform_out_of_date", [](World& w) { w.tcb_info.levels[0].verdict.status = TcbStatus::out_of_date; }, {status_not_allowed, Layer::policy}},
    {"platform_revoked", [](World& w) { w.tcb_info.levels[0].verdict.status = TcbStatus::revoked; w.policy.allowed_statuses = {TcbStatus::revoked}; }, {status_not_allowed, Layer::policy}},
    {"tcb_info_older_than_policy", [](World& w) { w.policy.minimum_tcb_evaluation_number = 5; w.qe_identity.evaluation_number = 5; w.tcb_info.evaluation_number = 4; }, {evaluation_too_old, Layer::policy}},
};
INSTANTIATE_TEST_SUITE_P(TcbInfo, Defects, ::testing::ValuesIn(tcb_info), [](const auto& p) { return p.param.name; });

const Case quoting_enclave[] = {
    {"identity_expired", [](World& w) { w.qe_identity.next_update = now - 1; }, {expired, Layer::qe_identity}},
    {"identity_not_yet_valid", [](World& w) { w.qe_identity.issue_date = now + 1; }, {not_yet_valid, Layer::qe_identity}},
    {"identity_signed_by_a_stranger", [](World& w) { w.qe_identity_signer = &w.stranger; }, {bad_signature, Layer::qe_identity}},
    {"identity_of_version_3", [](World& w) { w.change_qe_identity = [](auto& t) { replace(t, "\"version\":2", "\"version\":3"); }; }, {unsupported_version, Layer::qe_identity}},
    {"identity_of_tdx", [](World& w) { w.qe_identity.tdx = true; }, {wrong_tee, Layer::qe_identity}},
    {"identity_of_the_verifying_enclave", [](World& w) { w.change_qe_identity = [](auto& t) { replace(t, "\"QE\"", "\"QVE\""); }; }, {wrong_tee, Layer::qe_identity}},
    {"identity_older_than_policy", [](World& w) { w.policy.minimum_tcb_evaluation_number = 5; w.qe_identity.evaluation_number = 4; w.tcb_info.evaluation_number = 5; }, {evaluation_too_old, Layer::policy}},
    {"wrong_mr_signer", [](World& w) { w.quoting_enclave.mr_signer[31] ^= 1; }, {wrong_mr_signer, Layer::qe_identity}},
    {"wrong_product", [](World& w) { w.quoting_enclave.isv_prod_id = 2; }, {wrong_product, Layer::qe_identity}},
    {"wrong_misc_select", [](World& w) { w.quoting_enclave.misc_select[0] = 1; }, {wrong_misc_select, Layer::qe_identity}},
    {"debug_quoting_enclave", [](World& w) { w.quoting_enclave.attributes[0] |= 2; }, {wrong_attributes, Layer::qe_identity}},
    {"below_every_level", [](World& w) { w.quoting_enclave.isv_svn = 0; }, {no_matching_level, Layer::qe_identity}},
    {"out_of_date", [](World& w) { w.qe_identity.levels[0].verdict.status = TcbStatus::out_of_date; }, {status_not_allowed, Layer::policy}},
    {"report_signed_by_a_stranger", [](World& w) { w.platform_signer = &w.stranger; }, {bad_signature, Layer::qe_report}},
    {"report_signed_by_the_attestation_key", [](World& w) { w.platform_signer = &w.attestation; }, {bad_signature, Layer::qe_report}},
    {"binding_of_another_key", [](World& w) { w.change_binding = [](SgxReport& r) { r.report_data[0] ^= 1; }; }, {bad_binding, Layer::attestation_key}},
    {"binding_with_a_tail", [](World& w) { w.change_binding = [](SgxReport& r) { r.report_data[63] = 1; }; }, {bad_binding, Layer::attestation_key}},
};
INSTANTIATE_TEST_SUITE_P(QuotingEnclave, Defects, ::testing::ValuesIn(quoting_enclave), [](const auto& p) { return p.param.name; });

const Case quotes[] = {
    {"signed_by_a_stranger", [](World& w) { w.quote_signer = &w.stranger; }, {bad_signature, Layer::quote_signature}},
    {"signed_by_the_platform", [](World& w) { w.quote_signer = &w.platform; }, {bad_signature, Layer::quote_signature}},
    {"version_2", [](World& w) { w.quote.version = 2; }, {unsupported_version, Layer::quote_format}},
    {"version_5", [](World& w) { w.quote.version = 5; }, {unsupported_version, Layer::quote_format}},
    {"p384_key", [](World& w) { w.quote.key_type = 3; }, {unsupported_key_type, Layer::quote_format}},
    {"tdx_in_version_3", [](World& w) { w.quote.tee_type = 0x81; }, {unsupported_tee, Layer::quote_format}},
    {"unknown_tee", [](World& w) { w.quote.version = 4; w.quote.tee_type = 0x82; }, {unsupported_tee, Layer::quote_format}},
    {"certified_by_ppid", [](World& w) { w.quote.certification_type = 3; }, {unsupported_certification, Layer::quote_format}},
    {"certified_by_platform_manifest", [](World& w) { w.quote.certification_type = 7; }, {unsupported_certification, Layer::quote_format}},
    {"debug_enclave", [](World& w) { w.enclave.attributes[0] |= 2; }, {debug_enabled, Layer::policy}},
    {"denied_fmspc", [](World& w) { w.policy.denied_fmspc = {w.machine.fmspc}; }, {fmspc_denied, Layer::policy}},
    {"unlisted_fmspc", [](World& w) { w.policy.allowed_fmspc = {Fmspc{}}; }, {fmspc_denied, Layer::policy}},
    {"denied_platform", [](World& w) { w.policy.denied_platforms = {w.machine.ppid}; }, {platform_denied, Layer::policy}},
};
INSTANTIATE_TEST_SUITE_P(Quote, Defects, ::testing::ValuesIn(quotes), [](const auto& p) { return p.param.name; });

const Case trust_domains[] = {
    {"debug", [](World& w) { w.become_tdx(); w.td->td_attributes[0] = 1; }, {debug_enabled, Layer::policy}},
    {"profiling", [](World& w) { w.become_tdx(); w.td->td_attributes[0] = 0x20; }, {debug_enabled, Layer::policy}},
    {"migratable", [](World& w) { w.become_tdx(); w.td->td_attributes[3] |= 0x20; }, {reserved_attributes, Layer::policy}},
    {"reserved_bit", [](World& w) { w.become_tdx(); w.td->td_attributes[5] = 1; }, {reserved_attributes, Layer::policy}},
    {"sept_ve_enabled", [](World& w) { w.become_tdx(); w.td->td_attributes[3] = 0; }, {sept_ve_enabled, Layer::policy}},
    {"tcb_info_of_sgx", [](World& w) { w.become_tdx(); w.tcb_info = development_tcb_info(now); }, {wrong_tee, Layer::tcb_info}},
    {"identity_of_sgx", [](World& w) { w.become_tdx(); w.qe_identity.tdx = false; }, {wrong_tee, Layer::qe_identity}},
    {"unknown_module", [](World& w) { w.become_tdx(); w.td->tee_tcb_svn[1] = 4; }, {unknown_module, Layer::tdx_module}},
    {"module_of_another_signer", [](World& w) { w.become_tdx(); w.td->mr_signer_seam[0] = 1; }, {wrong_mr_signer, Layer::tdx_module}},
    {"module_with_attributes", [](World& w) { w.become_tdx(); w.td->seam_attributes[0] = 1; }, {wrong_attributes, Layer::tdx_module}},
    {"module_below_every_level", [](World& w) { w.become_tdx(); w.td->tee_tcb_svn[0] = 2; }, {no_matching_level, Layer::tdx_module}},
    {"module_out_of_date", [](World& w) { w.become_tdx(); w.td->tee_tcb_svn[0] = 4; }, {status_not_allowed, Layer::policy}},
    {"component_below_every_level", [](World& w) { w.become_tdx(); w.td->tee_tcb_svn[2] = 1; }, {no_matching_level, Layer::tcb_level}},
    {"early_module_below_the_level", [](World& w) { w.become_tdx(); w.td->tee_tcb_svn = FixedBytes<16>({3, 0, 2}); w.tcb_info.levels[0].tdx = Components{4, 0, 2}; }, {no_matching_level, Layer::tcb_level}},
    {"early_module_of_another_signer", [](World& w) { w.become_tdx(); w.td->tee_tcb_svn[1] = 0; w.tcb_info.module->mr_signer[0] = 1; }, {wrong_mr_signer, Layer::tdx_module}},
};
INSTANTIATE_TEST_SUITE_P(TrustDomain, Defects, ::testing::ValuesIn(trust_domains), [](const auto& p) { return p.param.name; });
// clang-format on

// ---- defects of the assembled evidence --------------------------------------------------------------------------------

AttestError refusal(const testing_world::Built& b) {
  const auto result = verify(b.quote, b.collateral, b.anchors, now);
  EXPECT_FALSE(result);
  return result ? AttestError{} : result.error();
}

TEST(Assembled, another_root) {
  const World world;
  auto b = build(world);
  const World other;   // same keys and names, other signatures: still another certificate
  b.anchors = build(other).anchors;
  EXPECT_EQ(refusal(b), (AttestError{Defect::untrusted_root, Layer::pck_chain}));
  b.anchors.root_certificates.clear();
  EXPECT_EQ(refusal(b), (AttestError{Defect::untrusted_root, Layer::pck_chain}));
}

TEST(Assembled, every_chain_ends_in_the_same_root) {
  const World world, other;
  const auto a = build(world), b = build(other);
  const auto with = [&](auto Collateral::* member) {
    auto mixed = a;
    mixed.anchors.root_certificates.push_back(b.anchors.root_certificates[0]);   // both trusted
    mixed.collateral.*member = b.collateral.*member;
    return refusal(mixed);
  };
  EXPECT_EQ(with(&Collateral::pck_crl_issuer_chain), (AttestError{Defect::untrusted_root, Layer::crl_chain}));
  EXPECT_EQ(with(&Collateral::tcb_info_issuer_chain), (AttestError{Defect::untrusted_root, Layer::tcb_info_chain}));
  EXPECT_EQ(with(&Collateral::qe_identity_issuer_chain), (AttestError{Defect::untrusted_root, Layer::qe_identity_chain}));
}

TEST(Assembled, swapped_chains) {
  const World world;
  auto b = build(world);
  std::swap(b.collateral.pck_crl_issuer_chain, b.collateral.tcb_info_issuer_chain);
  EXPECT_EQ(refusal(b), (AttestError{Defect::wrong_role, Layer::crl_chain}));
  b = build(world);
  b.collateral.qe_identity_issuer_chain = b.collateral.pck_crl_issuer_chain;
  EXPECT_EQ(refusal(b), (AttestError{Defect::wrong_role, Layer::qe_identity_chain}));
  b = build(world);
  std::swap(b.collateral.root_ca_crl, b.collateral.pck_crl);
  EXPECT_EQ(refusal(b), (AttestError{Defect::wrong_issuer, Layer::root_crl}));
  b = build(world);
  std::swap(b.collateral.tcb_info_signature, b.collateral.qe_identity_signature);
  EXPECT_EQ(refusal(b), (AttestError{Defect::bad_signature, Layer::tcb_info}));
}

/// The same signer's and authority's keys under certificates of their own, so that each chain's own dates and revocation are what is found.
TEST(Assembled, every_chain_is_asked_for_its_own_dates_and_revocation) {
  World w;
  const Issuer root{std::string(root_name), w.root};
  auto second_signer = w.tcb_certificate, second_authority = w.authority_certificate;
  second_signer.serial[5] ^= 1;
  second_authority.serial[5] ^= 1;
  const auto with = [&](CertificateRequest request, auto Collateral::* chain) {
    auto b = build(w);
    b.collateral.*chain = to_pem_chain({issue_certificate(request, root).value(), b.anchors.root_certificates[0]});
    return b;
  };
  const auto chain_of_identity = &Collateral::qe_identity_issuer_chain, chain_of_list = &Collateral::pck_crl_issuer_chain;
  for (const auto& good : {with(second_signer, chain_of_identity), with(second_authority, chain_of_list)}) EXPECT_TRUE(verify(good.quote, good.collateral, good.anchors, now));
  w.root_list.serials = {second_signer.serial};
  EXPECT_EQ(refusal(with(second_signer, chain_of_identity)), (AttestError{Defect::revoked, Layer::qe_identity_chain}));
  w.root_list.serials = {second_authority.serial};
  EXPECT_EQ(refusal(with(second_authority, chain_of_list)), (AttestError{Defect::revoked, Layer::root_crl}));
  w.root_list.serials.clear();
  second_signer.not_after = second_authority.not_after = now - 1;
  EXPECT_EQ(refusal(with(second_signer, chain_of_identity)), (AttestError{Defect::expired, Layer::qe_identity_chain}));
  EXPECT_EQ(refusal(with(second_authority, chain_of_list)), (AttestError{Defect::expired, Layer::crl_chain}));
  second_authority = w.authority_certificate;
  second_authority.key = w.stranger.public_key();
  EXPECT_EQ(refusal(with(second_authority, chain_of_list)), (AttestError{Defect::wrong_issuer, Layer::crl_chain}));
}

TEST(Assembled, a_list_with_a_changed_signature) {
  const World world;
  for (const bool of_root : {true, false}) {
    auto b = build(world);
    auto& list = of_root ? b.collateral.root_ca_crl : b.collateral.pck_crl;
    auto der = *from_hex(list);
    der.back() ^= 1;
    list = to_hex(der);
    EXPECT_EQ(refusal(b), (AttestError{Defect::bad_signature, of_root ? Layer::root_crl : Layer::pck_crl}));
  }
}

TEST(Assembled, chains_of_another_length_or_order) {
  const World world;
  auto b = build(world);
  auto& chain = b.parts.tcb_info_issuer_chain;
  b.collateral.tcb_info_issuer_chain = to_pem_chain({chain[0]});
  EXPECT_EQ(refusal(b), (AttestError{Defect::wrong_chain_length, Layer::tcb_info_chain}));
  b.collateral.tcb_info_issuer_chain = to_pem_chain({chain[0], chain[1], chain[1]});
  EXPECT_EQ(refusal(b), (AttestError{Defect::wrong_chain_length, Layer::tcb_info_chain}));
  b.collateral.tcb_info_issuer_chain = to_pem_chain({chain[1], chain[0]});
  EXPECT_EQ(refusal(b), (AttestError{Defect::untrusted_root, Layer::tcb_info_chain}));
  b.collateral.tcb_info_issuer_chain = "Certificate:\n" + to_pem_chain(chain);
  EXPECT_EQ(refusal(b), (AttestError{Defect::malformed, Layer::tcb_info_chain}));
  b.collateral.tcb_info_issuer_chain = to_pem_chain(chain) + "\n";
  EXPECT_EQ(refusal(b), (AttestError{Defect::not_canonical, Layer::tcb_info_chain}));
}

TEST(Assembled, each_document_must_be_there) {
  const World world;
  const auto without = [&](auto Collateral::* member) {
    auto b = build(world);
    (b.collateral.*member).clear();
    return refusal(b);
  };
  EXPECT_EQ(without(&Collateral::pck_crl_issuer_chain), (AttestError{Defect::missing, Layer::crl_chain}));
  EXPECT_EQ(without(&Collateral::root_ca_crl), (AttestError{Defect::missing, Layer::root_crl}));
  EXPECT_EQ(without(&Collateral::pck_crl), (AttestError{Defect::missing, Layer::pck_crl}));
  EXPECT_EQ(without(&Collateral::tcb_info_issuer_chain), (AttestError{Defect::missing, Layer::tcb_info_chain}));
  EXPECT_EQ(without(&Collateral::tcb_info), (AttestError{Defect::missing, Layer::tcb_info}));
  EXPECT_EQ(without(&Collateral::tcb_info_signature), (AttestError{Defect::missing, Layer::tcb_info}));
  EXPECT_EQ(without(&Collateral::qe_identity_issuer_chain), (AttestError{Defect::missing, Layer::qe_identity_chain}));
  EXPECT_EQ(without(&Collateral::qe_identity), (AttestError{Defect::missing, Layer::qe_identity}));
  EXPECT_EQ(without(&Collateral::qe_identity_signature), (AttestError{Defect::missing, Layer::qe_identity}));
}

TEST(Assembled, a_quote_that_is_cut_or_continued) {
  const World world;
  auto b = build(world);
  b.quote.pop_back();
  EXPECT_EQ(refusal(b), (AttestError{Defect::truncated, Layer::quote_format}));
  b = build(world);
  b.quote.push_back(0);
  EXPECT_EQ(refusal(b), (AttestError{Defect::trailing_bytes, Layer::quote_format}));
}

// ---- what is good, with its shades ------------------------------------------------------------------------------------

TEST(Good, every_kind_of_quote) {
  World sgx;
  for (const u16 version : {3, 4}) {
    sgx.quote.version = version;
    const auto b = build(sgx);
    const auto claims = verify(b.quote, b.collateral, b.anchors, now);
    ASSERT_TRUE(claims) << claims.error().text();
    EXPECT_FALSE(claims->is_tdx());
    EXPECT_EQ(claims->report_data, sgx.report_data);
    EXPECT_EQ(to_hex(claims->measurement), std::string(64, '0').replace(0, 64, to_hex(sgx.enclave.mr_enclave)) + "01020304" + to_hex(sgx.enclave.mr_signer));
    EXPECT_EQ(claims->platform, sgx.machine.ppid);
    EXPECT_EQ(claims->smt_enabled, true);
    EXPECT_EQ(claims->dynamic_platform, false);
    EXPECT_EQ(claims->earliest_expiration, now + day);   // the lists'
  }
  World tdx;
  tdx.become_tdx();
  const auto b = build(tdx);
  const auto claims = verify(b.quote, b.collateral, b.anchors, now);
  ASSERT_TRUE(claims) << claims.error().text();
  EXPECT_EQ(*claims->body.get_if<TdxClaims>(), *tdx.td);
  EXPECT_EQ(claims->tcb_status, TcbStatus::up_to_date);
}

TEST(Good, worst_of_platform_enclave_and_module) {
  World w;
  w.become_tdx();
  w.policy.allowed_statuses.push_back(TcbStatus::out_of_date_configuration_needed);
  w.td->tee_tcb_svn[0] = 4;   // module out of date
  w.tcb_info.levels[0].verdict = {TcbStatus::configuration_needed, now - 20 * day, {"INTEL-SA-00615"}};
  const auto b = build(w);
  const auto claims = verify(b.quote, b.collateral, b.anchors, now);
  ASSERT_TRUE(claims) << claims.error().text();
  EXPECT_EQ(claims->tcb_status, TcbStatus::out_of_date_configuration_needed);
  EXPECT_EQ(claims->confidence_level, 5);
  EXPECT_EQ(claims->advisory_ids, (std::vector<std::string>{"INTEL-SA-00615", "INTEL-SA-1"}));
  EXPECT_EQ(claims->tcb_date, now - 400 * day);
}

TEST(Good, debug_where_policy_allows_it) {
  World w;
  w.enclave.attributes[0] |= 2;
  w.policy.allow_debug = true;
  const auto b = build(w);
  EXPECT_TRUE(verify(b.quote, b.collateral, b.anchors, now));
}

TEST(Good, an_early_module_is_judged_by_components) {
  World w;
  w.become_tdx();
  w.td->tee_tcb_svn = FixedBytes<16>({4, 0, 2});
  w.tcb_info.levels[0].tdx = Components{4, 0, 2};
  const auto b = build(w);
  EXPECT_TRUE(verify(b.quote, b.collateral, b.anchors, now));
}

TEST(Good, tcb_info_of_version_2) {
  World w;
  w.change_tcb_info = [](std::string& t) {
    replace(t, "\"id\":\"SGX\",\"version\":3", "\"version\":2");
    const size_t from = t.find("\"sgxtcbcomponents\""), to = t.find(']', from) + 1;
    std::string named;
    for (int i = 1; i <= 16; ++i) named += (i > 1 ? ",\"sgxtcbcomp" : "\"sgxtcbcomp") + std::string(i < 10 ? "0" : "") + std::to_string(i) + "svn\":2";
    t.replace(from, to - from, named);
  };
  const auto b = build(w);
  const auto claims = verify(b.quote, b.collateral, b.anchors, now);
  ASSERT_TRUE(claims) << claims.error().text();
  EXPECT_EQ(claims->confidence_level, 4);
}

}  // namespace
}  // namespace phala::attest
