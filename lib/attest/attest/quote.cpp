#include "attest/quote.hpp"

#include "attest/verify.hpp"

namespace phala::attest {
namespace {

constexpr size_t header_size = 48, sgx_body_size = 384, td_body_size = 584;
constexpr u16 ecdsa_p256 = 2;
constexpr u32 tee_sgx = 0, tee_tdx = 0x81;
constexpr u16 certification_pck_chain = 5, certification_qe_report = 6;
constexpr FixedBytes<16> intel_qe_vendor{{0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07}};

auto bad(Defect defect) { return fail(AttestError{defect, Layer::quote_format}); }

/// A cursor that remembers running past its end instead of failing at every step; `ok` is asked before values are used.
class Cursor {
 public:
  explicit Cursor(ByteView input) : rest_(input) {}
  ByteView take(size_t n) {
    if (n > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const ByteView out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return out;
  }
  template <class Int>
  Int integer() {
    const ByteView raw = take(sizeof(Int));
    return raw.empty() ? Int{0} : load_le<Int>(raw.data());
  }
  template <class Fixed>
  Fixed fixed() {
    const ByteView raw = take(Fixed::bytes);
    return raw.empty() ? Fixed{} : Fixed(raw);
  }
  bool ok() const { return ok_; }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
  bool ok_ = true;
};

SgxReport read_sgx_report(ByteView bytes) {
  Cursor in(bytes);
  SgxReport r;
  r.cpu_svn = in.fixed<FixedBytes<16>>();
  r.misc_select = in.fixed<FixedBytes<4>>();
  in.take(28);                               // reserved, ISVEXTPRODID
  r.attributes = in.fixed<FixedBytes<16>>();
  r.mr_enclave = in.fixed<Hash>();
  in.take(32);
  r.mr_signer = in.fixed<Hash>();
  in.take(96);                               // reserved, CONFIGID
  r.isv_prod_id = in.integer<u16>();
  r.isv_svn = in.integer<u16>();
  in.take(60);                               // CONFIGSVN, reserved, ISVFAMILYID
  r.report_data = in.fixed<ReportData>();
  return r;
}

TdxClaims read_td_report(ByteView bytes, ReportData& report_data) {
  Cursor in(bytes);
  TdxClaims t;
  t.tee_tcb_svn = in.fixed<FixedBytes<16>>();
  t.mr_seam = in.fixed<TdHash>();
  t.mr_signer_seam = in.fixed<TdHash>();
  t.seam_attributes = in.fixed<FixedBytes<8>>();
  t.td_attributes = in.fixed<FixedBytes<8>>();
  t.xfam = in.fixed<FixedBytes<8>>();
  t.mr_td = in.fixed<TdHash>();
  t.mr_config_id = in.fixed<TdHash>();
  t.mr_owner = in.fixed<TdHash>();
  t.mr_owner_config = in.fixed<TdHash>();
  for (auto& rtmr : t.rtmr) rtmr = in.fixed<TdHash>();
  report_data = in.fixed<ReportData>();
  return t;
}

/// QE report, its signature, authentication data and the PCK chain: the part that v3 and v4 share. `in` must end with it.
Result<void, AttestError> read_certification(Cursor& in, Quote& quote) {
  quote.qe_report_bytes = in.take(sgx_body_size);
  quote.qe_report_signature = in.fixed<P256Signature>();
  quote.qe_authentication_data = in.take(in.integer<u16>());
  const u16 type = in.integer<u16>();
  const u32 size = in.integer<u32>();
  if (!in.ok()) return bad(Defect::truncated);
  if (type != certification_pck_chain) return bad(Defect::unsupported_certification);
  quote.pck_chain = in.take(size);
  if (!in.ok()) return bad(Defect::truncated);
  if (!in.rest().empty()) return bad(Defect::trailing_bytes);
  quote.qe_report = read_sgx_report(quote.qe_report_bytes);
  return {};
}

}  // namespace

Result<Quote, AttestError> parse_quote(ByteView bytes) {
  if (bytes.size() > max_quote_size) return bad(Defect::too_large);
  if (bytes.size() < header_size) return bad(Defect::truncated);
  Cursor in(bytes);
  Quote quote;
  quote.version = in.integer<u16>();
  if (quote.version != 3 && quote.version != 4) return bad(Defect::unsupported_version);
  if (in.integer<u16>() != ecdsa_p256) return bad(Defect::unsupported_key_type);
  const u32 tee = in.integer<u32>();         // reserved and zero in v3
  in.take(4);                                // QE SVN, PCE SVN: hints, superseded by QE report and PCK certificate
  if (in.fixed<FixedBytes<16>>() != intel_qe_vendor) return bad(Defect::unknown_qe_vendor);
  in.take(20);                               // user data
  if (tee != tee_sgx && !(quote.version == 4 && tee == tee_tdx)) return bad(Defect::unsupported_tee);

  const size_t body_size = tee == tee_tdx ? td_body_size : sgx_body_size;
  const ByteView body = in.take(body_size);
  const ByteView authentication = in.take(in.integer<u32>());
  if (!in.ok()) return bad(Defect::truncated);
  const bool only_zeros = std::ranges::all_of(in.rest(), [](u8 b) { return b == 0; });
  if (!in.rest().empty() && (quote.version == 3 || !only_zeros)) return bad(Defect::trailing_bytes);
  quote.signed_part = bytes.first(header_size + body_size);
  if (tee == tee_tdx) {
    quote.body = read_td_report(body, quote.report_data);
  } else {
    const SgxReport report = read_sgx_report(body);
    quote.report_data = report.report_data;
    quote.body = report;
  }

  Cursor auth(authentication);
  quote.signature = auth.fixed<P256Signature>();
  quote.attestation_key = auth.fixed<P256Key>();
  if (quote.version == 3) {
    TRY(read_certification(auth, quote));
    return quote;
  }
  const u16 type = auth.integer<u16>();
  const u32 size = auth.integer<u32>();
  if (!auth.ok()) return bad(Defect::truncated);
  if (type != certification_qe_report) return bad(Defect::unsupported_certification);
  Cursor certification(auth.take(size));
  if (!auth.ok()) return bad(Defect::truncated);
  if (!auth.rest().empty()) return bad(Defect::trailing_bytes);
  TRY(read_certification(certification, quote));
  return quote;
}

}  // namespace phala::attest
