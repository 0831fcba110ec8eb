// Real evidence under Intel's root: it verifies, and no byte of it may differ.
#include "attest/verify.hpp"

#include <gtest/gtest.h>

#include "attest/golden.hpp"
#include "crypto/hash.hpp"

namespace phala::attest {

void PrintTo(const AttestError& e, std::ostream* os) { *os << e.text(); }

namespace {

using golden::intel;
using golden::now;
using golden::Sample;

AttestError refusal(const Result<Claims, AttestError>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? AttestError{} : result.error();
}

TEST(IntelRoot, is_the_published_certificate) {
  EXPECT_EQ(to_hex(crypto::sha2_256(intel_sgx_root_ca)), "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");
  const auto root = parse_certificate(intel_sgx_root_ca).value();
  EXPECT_EQ(root.common_name, "Intel SGX Root CA");
  EXPECT_EQ(root.subject, root.issuer);
  EXPECT_TRUE(root.is_ca);
  EXPECT_TRUE(p256_verify(root.key, root.to_be_signed, root.signature));
}

TEST(Verify, real_sgx_quote) {
  const Sample s = golden::sgx();
  const auto result = verify(s.quote, s.collateral, intel(), now);
  ASSERT_TRUE(result) << result.error().text();
  const Claims& c = *result;
  ASSERT_FALSE(c.is_tdx());
  const auto& sgx = *c.body.get_if<SgxClaims>();
  EXPECT_EQ(to_hex(sgx.mr_enclave), "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb");
  EXPECT_EQ(to_hex(sgx.mr_signer), "815f42f11cf64430c30bab7816ba596a1da0130c3b028b673133a66cf9a3e0e6");
  EXPECT_EQ(to_hex(sgx.attributes), "0500000000000000e700000000000000");
  EXPECT_EQ(to_hex(sgx.cpu_svn), "0b0b1a18ffff04000000000000000000");
  EXPECT_EQ(sgx.isv_prod_id, 0);
  EXPECT_EQ(sgx.isv_svn, 0);
  EXPECT_EQ(to_hex(c.measurement), to_hex(sgx.mr_enclave) + "00000000" + to_hex(sgx.mr_signer));
  EXPECT_EQ(as_text(c.report_data.view().first(13)), "Hello, world!");
  EXPECT_EQ(to_hex(c.fmspc), "00a067110000");
  EXPECT_EQ(c.tcb_status, TcbStatus::configuration_and_sw_hardening_needed);
  EXPECT_EQ(c.advisory_ids, (std::vector<std::string>{"INTEL-SA-00289", "INTEL-SA-00615"}));
  EXPECT_EQ(c.confidence_level, 4);
  EXPECT_EQ(c.tcb_evaluation_number, 17u);
  EXPECT_EQ(c.tcb_date, 1710288000u);               // 2024-03-13
  EXPECT_EQ(c.earliest_expiration, 1752919278u);    // 2025-07-19T10:01:18Z, the QE identity's
  EXPECT_FALSE(c.smt_enabled.has_value());          // a Processor CA says nothing of the machine
}

TEST(Verify, real_tdx_quote) {
  const Sample s = golden::tdx();
  const auto result = verify(s.quote, s.collateral, intel(), now);
  ASSERT_TRUE(result) << result.error().text();
  const Claims& c = *result;
  ASSERT_TRUE(c.is_tdx());
  const auto& td = *c.body.get_if<TdxClaims>();
  EXPECT_EQ(to_hex(td.tee_tcb_svn), "06010300000000000000000000000000");
  EXPECT_EQ(to_hex(td.mr_seam), "5b38e33a6487958b72c3c12a938eaa5e3fd4510c51aeeab58c7d5ecee41d7c436489d6c8e4f92f160b7cad34207b00c1");
  EXPECT_EQ(to_hex(td.td_attributes), "0000001000000000");
  EXPECT_EQ(to_hex(td.xfam), "e702060000000000");
  EXPECT_TRUE(to_hex(td.mr_td).starts_with("91eb2b44d141d4ece09f0c75c2c53d247a3c68edd7fafe8a"));
  EXPECT_EQ(td.rtmr[0], TdHash(ByteView(s.quote).subspan(48 + 328, 48)));
  EXPECT_EQ(td.rtmr[3], TdHash(ByteView(s.quote).subspan(48 + 472, 48)));
  EXPECT_EQ(to_hex(c.report_data).substr(0, 16), "9a9d48e7f6799642");
  EXPECT_EQ(to_hex(c.fmspc), "b0c06f000000");
  EXPECT_EQ(c.tcb_status, TcbStatus::up_to_date);
  EXPECT_TRUE(c.advisory_ids.empty());
  EXPECT_EQ(c.confidence_level, 1);
  EXPECT_TRUE(c.smt_enabled.has_value());
  const Hash code = crypto::sha2_256(concat(td.mr_td, td.rtmr[0], td.rtmr[1], td.rtmr[2], td.rtmr[3]));
  EXPECT_EQ(Hash(c.measurement.view().first(32)), code);
}

TEST(Verify, quotes_are_told_apart_by_what_is_signed) {
  const Sample tdx = golden::tdx();
  const Hash id = verify(tdx.quote, tdx.collateral, intel(), now)->quote_id;
  EXPECT_NE(id, Hash{});
  EXPECT_EQ(verify(concat(tdx.quote, Bytes(3)), tdx.collateral, intel(), now)->quote_id, id);   // padding
  EXPECT_NE(verify(golden::sgx().quote, golden::sgx().collateral, intel(), now)->quote_id, id);
}

TEST(Verify, peek_tells_which_collateral_to_fetch) {
  const auto sgx = peek_platform(golden::sgx().quote).value();
  EXPECT_EQ(to_hex(sgx.fmspc), "00a067110000");
  EXPECT_FALSE(sgx.platform_ca);
  EXPECT_FALSE(sgx.tdx);
  const auto tdx = peek_platform(golden::tdx().quote).value();
  EXPECT_EQ(to_hex(tdx.fmspc), "b0c06f000000");
  EXPECT_TRUE(tdx.platform_ca);
  EXPECT_TRUE(tdx.tdx);
}

TEST(Verify, a_cache_changes_no_answer) {
  VerifiedCache cache;
  for (const auto& s : {golden::sgx(), golden::tdx(), golden::sgx(), golden::tdx()}) {
    EXPECT_EQ(verify(s.quote, s.collateral, intel(), now, cache).value(), verify(s.quote, s.collateral, intel(), now).value());
  }
  const Sample s = golden::sgx();
  EXPECT_EQ(refusal(verify(s.quote, s.collateral, {}, now, cache)), (AttestError{Defect::untrusted_root, Layer::pck_chain}));
  EXPECT_EQ(refusal(verify(s.quote, s.collateral, intel(), now + 30 * 86400, cache)), refusal(verify(s.quote, s.collateral, intel(), now + 30 * 86400)));
}

// ---- every byte counts ------------------------------------------------------------------------------------------------

/// Where a flipped byte of a quote must be found; `v4` has the certification of type 6 between key and QE report.
Layer layer_of_quote_byte(size_t i, size_t body_size, bool v4, size_t quote_end) {
  const size_t authentication = 48 + body_size, key = authentication + 4 + 64, qe = key + 64 + (v4 ? 6 : 0), auth_data = qe + 384 + 64 + 2;
  if (i >= quote_end) return Layer::quote_format;
  if (i < 8 || (i >= 12 && i < 28)) return Layer::quote_format;     // version, key type, TEE type; vendor
  if (i < authentication) return Layer::quote_signature;
  if (i < authentication + 4) return Layer::quote_format;
  if (i < key) return Layer::quote_signature;
  if (i < key + 64) return Layer::attestation_key;
  if (i < qe) return Layer::quote_format;
  if (i < auth_data - 2) return Layer::qe_report;
  if (i < auth_data) return Layer::quote_format;
  if (i < auth_data + 32) return Layer::attestation_key;
  if (i < auth_data + 38) return Layer::quote_format;
  return Layer::pck_chain;
}

void refuse_every_flip_of_quote(const Sample& s, size_t body_size, bool v4, size_t quote_end) {
  VerifiedCache cache;
  ASSERT_TRUE(verify(s.quote, s.collateral, intel(), now, cache));
  Bytes quote = s.quote;
  for (size_t i = 0; i < quote.size(); ++i) {
    for (const u8 mask : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80}) {
      quote[i] ^= mask;
      const auto result = verify(quote, s.collateral, intel(), now, cache);
      ASSERT_FALSE(result) << "byte " << i << " ^ " << int{mask};
      ASSERT_EQ(to_string(result.error().layer), to_string(layer_of_quote_byte(i, body_size, v4, quote_end))) << "byte " << i << ": " << result.error().text();
      quote[i] ^= mask;
    }
  }
}

TEST(EveryByte, of_the_sgx_quote) { refuse_every_flip_of_quote(golden::sgx(), 384, false, 4600); }
TEST(EveryByte, of_the_tdx_quote_and_its_padding) { refuse_every_flip_of_quote(golden::tdx(), 584, true, 4936); }

void refuse_every_flip_of_collateral(const Sample& s) {
  struct Field { const char* name; std::span<u8> bytes; Layer layer; };
  Collateral c = s.collateral;
  const auto text = [](std::string& t) { return std::span<u8>(reinterpret_cast<u8*>(t.data()), t.size()); };
  const Field fields[] = {
      {"pck_crl_issuer_chain", text(c.pck_crl_issuer_chain), Layer::crl_chain},
      {"root_ca_crl", text(c.root_ca_crl), Layer::root_crl},
      {"pck_crl", text(c.pck_crl), Layer::pck_crl},
      {"tcb_info_issuer_chain", text(c.tcb_info_issuer_chain), Layer::tcb_info_chain},
      {"tcb_info", text(c.tcb_info), Layer::tcb_info},
      {"tcb_info_signature", c.tcb_info_signature, Layer::tcb_info},
      {"qe_identity_issuer_chain", text(c.qe_identity_issuer_chain), Layer::qe_identity_chain},
      {"qe_identity", text(c.qe_identity), Layer::qe_identity},
      {"qe_identity_signature", c.qe_identity_signature, Layer::qe_identity},
  };
  VerifiedCache cache;
  ASSERT_TRUE(verify(s.quote, c, intel(), now, cache));
  for (const auto& field : fields) {
    for (size_t i = 0; i < field.bytes.size(); ++i) {
      for (const u8 mask : {0x01, 0x20}) {   // 0x20 turns a letter of hex into its other case
        field.bytes[i] ^= mask;
        const auto result = verify(s.quote, c, intel(), now, cache);
        ASSERT_FALSE(result) << field.name << " byte " << i;
        ASSERT_EQ(to_string(result.error().layer), to_string(field.layer)) << field.name << " byte " << i << ": " << result.error().text();
        ASSERT_TRUE(result.error().text().starts_with(to_string(field.layer)));
        field.bytes[i] ^= mask;
      }
    }
  }
}

TEST(EveryByte, of_the_sgx_collateral) { refuse_every_flip_of_collateral(golden::sgx()); }
TEST(EveryByte, of_the_tdx_collateral) { refuse_every_flip_of_collateral(golden::tdx()); }

TEST(EveryByte, missing_at_the_end_is_noticed) {
  VerifiedCache cache;
  const Sample sgx = golden::sgx(), tdx = golden::tdx();
  for (size_t n = 0; n < sgx.quote.size(); ++n)
    ASSERT_EQ(refusal(verify(ByteView(sgx.quote).first(n), sgx.collateral, intel(), now, cache)), (AttestError{Defect::truncated, Layer::quote_format})) << n;
  for (size_t n = 0; n < tdx.quote.size(); ++n)   // 4936 bytes of quote, then zeros
    ASSERT_EQ(verify(ByteView(tdx.quote).first(n), tdx.collateral, intel(), now, cache).has_value(), n >= 4936) << n;
}

TEST(EveryByte, more_at_the_end_is_noticed) {
  const Sample sgx = golden::sgx(), tdx = golden::tdx();
  for (const u8 extra : {0, 1}) {
    EXPECT_EQ(refusal(verify(concat(sgx.quote, std::array<u8, 1>{extra}), sgx.collateral, intel(), now)), (AttestError{Defect::trailing_bytes, Layer::quote_format}));
    EXPECT_EQ(verify(concat(tdx.quote, std::array<u8, 1>{extra}), tdx.collateral, intel(), now).has_value(), extra == 0);
  }
  EXPECT_EQ(refusal(verify(concat(tdx.quote, Bytes(max_quote_size)), tdx.collateral, intel(), now)), (AttestError{Defect::too_large, Layer::quote_format}));
}

TEST(EveryByte, of_a_list_is_looked_into_only_when_its_signature_is_good) {
  const Sample s = golden::tdx();
  Bytes der = from_hex(s.collateral.pck_crl).value();
  Bytes entries = parse_revocation_list(der)->entries;
  EXPECT_EQ(revoked_serials(entries)->size(), 44u);
  const auto at = std::ranges::search(der, entries).begin();
  *std::ranges::find(entries, 0x02) = 0x04;   // the first serial is no INTEGER any more
  EXPECT_EQ(revoked_serials(entries).error(), Defect::malformed);
  std::ranges::copy(entries, at);
  EXPECT_TRUE(parse_revocation_list(der));
  Collateral c = s.collateral;
  c.pck_crl = to_hex(der);
  EXPECT_EQ(refusal(verify(s.quote, c, intel(), now)), (AttestError{Defect::bad_signature, Layer::pck_crl}));
}

// ---- time -------------------------------------------------------------------------------------------------------------

TEST(RevokedEntries, of_another_issuer_are_refused_wherever_they_stand) {
  const auto entry = [](std::string_view serial, std::string_view extensions) { return "302002" + std::string(serial) + "170d3235303130313030303030305a" + std::string(extensions); };
  const std::string reason = "300c300a0603551d1504030a0101", critical = "300f300d0603551d1d0101ff0403020101";
  const auto list = [](const std::string& entries) { return from_hex("30" + to_hex(std::array<u8, 1>{static_cast<u8>(entries.size() / 2)}) + entries).value(); };
  const auto serials = revoked_serials(list(entry("0105", reason) + entry("0103", reason)));
  ASSERT_TRUE(serials);
  EXPECT_EQ(serials->size(), 2u);
  EXPECT_LT(serials->front(), serials->back());
  const std::string indirect = "302302" "0107" "170d3235303130313030303030305a" + critical;
  EXPECT_EQ(revoked_serials(list(indirect)).error(), Defect::unknown_critical_extension);
  EXPECT_EQ(revoked_serials(list(entry("0105", reason) + indirect)).error(), Defect::unknown_critical_extension);
  EXPECT_EQ(revoked_serials(list(entry("0105", reason) + entry("0103", "300c300a0603551d15040e0a0101"))).error(), Defect::malformed);
}

TEST(Time, both_ends_of_validity_count) {
  const Sample s = golden::sgx();
  const auto end = verify(s.quote, s.collateral, intel(), now)->earliest_expiration;
  EXPECT_TRUE(verify(s.quote, s.collateral, intel(), end));
  EXPECT_EQ(refusal(verify(s.quote, s.collateral, intel(), end + 1)), (AttestError{Defect::expired, Layer::qe_identity}));
  const UnixSeconds issued = 1750330571;   // TCB info, the youngest: 2025-06-19T10:56:11Z
  EXPECT_TRUE(verify(s.quote, s.collateral, intel(), issued));
  EXPECT_EQ(refusal(verify(s.quote, s.collateral, intel(), issued - 1)), (AttestError{Defect::not_yet_valid, Layer::tcb_info}));
  EXPECT_EQ(refusal(verify(s.quote, s.collateral, intel(), 0)), (AttestError{Defect::not_yet_valid, Layer::pck_chain}));
  EXPECT_EQ(refusal(verify(s.quote, s.collateral, intel(), ~UnixSeconds{0})), (AttestError{Defect::expired, Layer::pck_chain}));
}

// ---- what does not belong together ------------------------------------------------------------------------------------

TEST(Mixed, collateral_of_another_platform) {
  const Sample sgx = golden::sgx(), tdx = golden::tdx();
  EXPECT_EQ(refusal(verify(sgx.quote, tdx.collateral, intel(), now)), (AttestError{Defect::wrong_issuer, Layer::crl_chain}));
  Collateral c = sgx.collateral;
  c.tcb_info = tdx.collateral.tcb_info;
  c.tcb_info_signature = tdx.collateral.tcb_info_signature;
  EXPECT_EQ(refusal(verify(sgx.quote, c, intel(), now)), (AttestError{Defect::wrong_tee, Layer::tcb_info}));
  c = sgx.collateral;
  c.qe_identity = tdx.collateral.qe_identity;
  c.qe_identity_signature = tdx.collateral.qe_identity_signature;
  EXPECT_EQ(refusal(verify(sgx.quote, c, intel(), now)), (AttestError{Defect::wrong_tee, Layer::qe_identity}));
  c = sgx.collateral;
  c.tcb_info_issuer_chain = c.pck_crl_issuer_chain;
  EXPECT_EQ(refusal(verify(sgx.quote, c, intel(), now)), (AttestError{Defect::wrong_role, Layer::tcb_info_chain}));
  c = sgx.collateral;
  c.pck_crl_issuer_chain = c.tcb_info_issuer_chain;
  EXPECT_EQ(refusal(verify(sgx.quote, c, intel(), now)), (AttestError{Defect::wrong_role, Layer::crl_chain}));
  c = sgx.collateral;
  std::swap(c.root_ca_crl, c.pck_crl);
  EXPECT_EQ(refusal(verify(sgx.quote, c, intel(), now)), (AttestError{Defect::wrong_issuer, Layer::root_crl}));
  c = sgx.collateral;
  c.pck_crl = tdx.collateral.pck_crl;
  EXPECT_EQ(refusal(verify(sgx.quote, c, intel(), now)), (AttestError{Defect::wrong_issuer, Layer::pck_crl}));
}

TEST(Mixed, policy_of_the_verifier) {
  const Sample s = golden::sgx();
  const auto with = [&](auto change) {
    TrustAnchors anchors = intel();
    change(anchors.policy);
    return verify(s.quote, s.collateral, anchors, now);
  };
  EXPECT_EQ(refusal(with([](Policy& p) { p.allowed_statuses = {TcbStatus::up_to_date}; })), (AttestError{Defect::status_not_allowed, Layer::policy}));
  EXPECT_EQ(refusal(with([](Policy& p) { p.minimum_tcb_evaluation_number = 18; })), (AttestError{Defect::evaluation_too_old, Layer::policy}));
  EXPECT_TRUE(with([](Policy& p) { p.minimum_tcb_evaluation_number = 17; }));
  const Claims claims = verify(s.quote, s.collateral, intel(), now).value();
  EXPECT_EQ(refusal(with([&](Policy& p) { p.denied_fmspc = {claims.fmspc}; })), (AttestError{Defect::fmspc_denied, Layer::policy}));
  EXPECT_EQ(refusal(with([](Policy& p) { p.allowed_fmspc = {Fmspc{}}; })), (AttestError{Defect::fmspc_denied, Layer::policy}));
  EXPECT_TRUE(with([&](Policy& p) { p.allowed_fmspc = {claims.fmspc}; }));
  EXPECT_EQ(refusal(with([&](Policy& p) { p.denied_platforms = {claims.platform}; })), (AttestError{Defect::platform_denied, Layer::policy}));
}

// ---- encodings --------------------------------------------------------------------------------------------------------

TEST(Encoding, collateral_survives_json_and_scale) {
  const Collateral c = golden::tdx().collateral;
  EXPECT_EQ(collateral_from_json(to_json(c)).value(), c);
  EXPECT_EQ(scale::decode<Collateral>(scale::encode(c)).value(), c);
  EXPECT_FALSE(collateral_from_json("{}"));
  EXPECT_EQ(collateral_from_json("{\"pck_crl_issuer_chain\":7}").error().message, "collateral field \"pck_crl_issuer_chain\" is not a string");
  EXPECT_FALSE(collateral_from_json("[]"));
  EXPECT_FALSE(collateral_from_json("{"));
}

TEST(Encoding, claims_and_anchors_survive_scale) {
  for (const auto& s : {golden::sgx(), golden::tdx()}) {
    const Claims claims = verify(s.quote, s.collateral, intel(), now).value();
    EXPECT_EQ(scale::decode<Claims>(scale::encode(claims)).value(), claims);
  }
  EXPECT_EQ(scale::decode<TrustAnchors>(scale::encode(intel())).value(), intel());
}

TEST(Encoding, absent_collateral_is_named) {
  const Sample s = golden::sgx();
  Collateral c = s.collateral;
  c.root_ca_crl.clear();
  EXPECT_EQ(refusal(verify(s.quote, c, intel(), now)), (AttestError{Defect::missing, Layer::root_crl}));
  c = s.collateral;
  c.tcb_info_signature.pop_back();
  EXPECT_EQ(refusal(verify(s.quote, c, intel(), now)), (AttestError{Defect::malformed, Layer::tcb_info}));
  c = s.collateral;
  c.tcb_info += std::string(512 * 1024, ' ');
  EXPECT_EQ(refusal(verify(s.quote, c, intel(), now)), (AttestError{Defect::too_large, Layer::tcb_info}));
}

}  // namespace
}  // namespace phala::attest
