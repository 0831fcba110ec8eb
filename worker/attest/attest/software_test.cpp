#include "attest/software.hpp"

#include <gtest/gtest.h>

#include "attest/intel_root.hpp"

namespace phala::attest {
namespace {

constexpr UnixSeconds now = 1800000000, day = 86400;

crypto::Seed seed(u8 n) { return crypto::Seed(Bytes(32, n)); }
DevelopmentAuthority authority(u8 n = 1) { return DevelopmentAuthority::create(seed(n), now).value(); }
const ReportData data(Bytes(64, 5));

TEST(SoftwareEvidence, verifies_under_its_root_and_no_other) {
  const auto a = authority();
  const auto evidence = collect_software_evidence(a, software_enclave(), data, now).value();
  const auto claims = verify(evidence.quote, evidence.collateral, {.root_certificates = {a.root_certificate()}}, now);
  ASSERT_TRUE(claims) << claims.error().text();
  EXPECT_EQ(claims->report_data, data);
  EXPECT_EQ(claims->measurement, software_measurement());
  EXPECT_EQ(claims->confidence_level, 4);
  EXPECT_EQ(claims->advisory_ids, (std::vector<std::string>{"PHALA-SOFTWARE-TEE"}));
  EXPECT_EQ(claims->earliest_expiration, now + 30 * day);

  const Bytes intel(intel_sgx_root_ca.begin(), intel_sgx_root_ca.end());
  for (const auto& root : {intel, authority(2).root_certificate()}) {
    const auto refused = verify(evidence.quote, evidence.collateral, {.root_certificates = {root}}, now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), (AttestError{Defect::untrusted_root, Layer::pck_chain}));
  }
}

TEST(SoftwareEvidence, tolerates_clocks_an_hour_apart_and_lasts_a_month) {
  const auto a = authority();
  const auto evidence = collect_software_evidence(a, software_enclave(), data, now).value();
  const TrustAnchors anchors{.root_certificates = {a.root_certificate()}};
  EXPECT_TRUE(verify(evidence.quote, evidence.collateral, anchors, now - 3600));
  EXPECT_FALSE(verify(evidence.quote, evidence.collateral, anchors, now - 3601));
  EXPECT_TRUE(verify(evidence.quote, evidence.collateral, anchors, now + 30 * day));
  EXPECT_FALSE(verify(evidence.quote, evidence.collateral, anchors, now + 30 * day + 1));
  const UnixSeconds later = now + 5 * 365 * day;   // and the authority renews it for years
  const auto renewed = collect_software_evidence(a, software_enclave(), data, later).value();
  EXPECT_TRUE(verify(renewed.quote, renewed.collateral, anchors, later));
}

TEST(SoftwareEvidence, measures_a_program_where_asked) {
  const auto one = software_enclave(as_bytes("program one")), two = software_enclave(as_bytes("program two"));
  EXPECT_NE(software_measurement(one), software_measurement(two));
  EXPECT_EQ(software_measurement(one), software_measurement(software_enclave(as_bytes("program one"))));
  const auto a = authority();
  const auto evidence = collect_software_evidence(a, one, data, now).value();
  EXPECT_EQ(verify(evidence.quote, evidence.collateral, {.root_certificates = {a.root_certificate()}}, now)->measurement, software_measurement(one));
}

TEST(SoftwareEvidence, tells_which_collateral_belongs_to_it) {
  const auto evidence = collect_software_evidence(authority(), software_enclave(), data, now).value();
  const auto hint = peek_platform(evidence.quote).value();
  EXPECT_EQ(as_text(hint.fmspc.view().first(5)), "PHALA");
  EXPECT_TRUE(hint.platform_ca);
}

TEST(Authority, keys_follow_from_the_seed) {
  EXPECT_EQ(authority(1).platform().key.public_key(), authority(1).platform().key.public_key());
  EXPECT_NE(authority(1).platform().key.public_key(), authority(2).platform().key.public_key());
  EXPECT_NE(authority(1).platform().key.public_key(), authority(1).root().key.public_key());
}

TEST(Authority, survives_its_file) {
  const auto a = authority();
  const auto b = DevelopmentAuthority::from_json(a.to_json());
  ASSERT_TRUE(b) << b.error().text();
  EXPECT_EQ(b->to_json(), a.to_json());
  const auto evidence = collect_software_evidence(*b, software_enclave(), data, now).value();
  EXPECT_TRUE(verify(evidence.quote, evidence.collateral, {.root_certificates = {a.root_certificate()}}, now));
}

TEST(Authority, refuses_a_file_that_is_not_its_own) {
  const std::string good = authority().to_json();
  const auto error = [](std::string text) { return DevelopmentAuthority::from_json(text).error().message; };
  EXPECT_EQ(error("{"), "attestation authority: not a JSON object");
  EXPECT_EQ(error("{}"), "attestation authority: \"format\" is missing or not a string");
  std::string other = good;
  other.replace(other.find("\"version\": 1"), 12, "\"version\": 9");
  EXPECT_EQ(error(other), "attestation authority: unknown \"version\"");
  other = good;
  other.replace(other.find("\"tcb_signer\""), 12, "\"tcb_sugner\"");
  EXPECT_EQ(error(other), "attestation authority: \"tcb_signer\": missing");
  const auto stranger = SigningKey::derive(seed(9), "stranger");
  other = good;
  const size_t from = other.find("-----BEGIN PRIVATE"), to = other.find('"', from);
  std::string pem = stranger.to_pem();
  for (size_t at = 0; (at = pem.find('\n', at)) != pem.npos; at += 2) pem.replace(at, 1, "\\n");
  other.replace(from, to - from, pem);
  EXPECT_EQ(error(other), "attestation authority: \"root\": key and certificate do not belong together");
}

TEST(SigningKey, signs_what_the_verifier_accepts) {
  const auto key = SigningKey::derive(seed(3), "test");
  const auto signature = key.sign(as_bytes("message"));
  EXPECT_TRUE(p256_verify(key.public_key(), as_bytes("message"), signature));
  EXPECT_FALSE(p256_verify(key.public_key(), as_bytes("massage"), signature));
  EXPECT_FALSE(p256_verify(key.public_key(), as_bytes("message"), {}));
  EXPECT_FALSE(p256_verify({}, as_bytes("message"), signature));
  EXPECT_EQ(SigningKey::from_pem(key.to_pem())->public_key(), key.public_key());
  EXPECT_FALSE(SigningKey::from_pem("nothing"));
  EXPECT_FALSE(SigningKey::from_secret({}));
  EXPECT_FALSE(SigningKey::from_secret(SecretBytes<32>(Bytes(32, 0xff))));
}

TEST(Issue, documents_read_back) {
  const auto info = parse_tcb_info(tcb_info_json(development_tcb_info(now))).value();
  EXPECT_EQ(info.fmspc, development_platform({}).fmspc);
  EXPECT_EQ(info.next_update, now + 30 * day);
  const auto identity = parse_qe_identity(qe_identity_json(development_qe_identity(now))).value();
  EXPECT_EQ(identity.mr_signer, development_quoting_enclave().mr_signer);
  EXPECT_EQ(identity.issue_date, now - 3600);
}

TEST(Issue, certificates_read_back) {
  const auto key = SigningKey::derive(seed(4), "test");
  auto request = platform_request(key.public_key(), development_platform(PlatformId(as_bytes("0123456789abcdef"))), now);
  const auto c = parse_certificate(issue_certificate(request, {"Somebody", key}).value()).value();
  EXPECT_EQ(c.common_name, "Intel SGX PCK Certificate");
  EXPECT_EQ(c.serial, Serial(request.serial));
  EXPECT_EQ(c.not_before, now - day);
  EXPECT_EQ(c.sgx->ppid, request.sgx->ppid);
  EXPECT_EQ(c.sgx->components, request.sgx->components);
  EXPECT_EQ(c.sgx->pce_svn, request.sgx->pce_svn);
  EXPECT_EQ(c.sgx->smt_enabled, true);
  EXPECT_EQ(c.sgx->cached_keys, false);
  EXPECT_FALSE(c.is_ca);
  request.common_name = std::string(65, 'x');
  EXPECT_FALSE(issue_certificate(request, {"Somebody", key}));
  request.common_name = "x";
  request.serial.clear();
  EXPECT_FALSE(issue_certificate(request, {"Somebody", key}));
}

}  // namespace
}  // namespace phala::attest
