#include "attest/host.hpp"

#include <gtest/gtest.h>

#include "attest/golden.hpp"
#include "attest/quote.hpp"

namespace phala::attest {
namespace {

using host::answer;
using host::decode_answer;
using host::Question;

TEST(Host, answers_cross_unchanged) {
  for (const auto& s : {golden::sgx(), golden::tdx()}) {
    const auto quote = parse_quote(s.quote).value();
    const auto ders = decode_answer<std::vector<Bytes>>(answer(Question::decode_pem_chain, quote.pck_chain)).value();
    EXPECT_EQ(ders, decode_pem_chain(quote.pck_chain).value());
    for (const auto& der : ders) EXPECT_EQ(decode_answer<Certificate>(answer(Question::parse_certificate, der)).value(), parse_certificate(der).value());
    const Bytes list = from_hex(s.collateral.pck_crl).value();
    EXPECT_EQ(decode_answer<RevocationList>(answer(Question::parse_revocation_list, list)).value(), parse_revocation_list(list).value());
    const Bytes entries = parse_revocation_list(list)->entries;
    EXPECT_EQ(entries.empty(), !quote.is_tdx());   // nothing is revoked on the other list
    EXPECT_EQ(decode_answer<std::vector<Serial>>(answer(Question::revoked_serials, entries)).value(), revoked_serials(entries).value());
    EXPECT_EQ(decode_answer<std::vector<Serial>>(answer(Question::revoked_serials, {})).value(), std::vector<Serial>());
    EXPECT_EQ(decode_answer<TcbInfo>(answer(Question::parse_tcb_info, as_bytes(s.collateral.tcb_info))).value(), parse_tcb_info(s.collateral.tcb_info).value());
    EXPECT_EQ(decode_answer<QeIdentity>(answer(Question::parse_qe_identity, as_bytes(s.collateral.qe_identity))).value(), parse_qe_identity(s.collateral.qe_identity).value());
  }
}

TEST(Host, defects_cross_and_nonsense_is_refused) {
  EXPECT_EQ(decode_answer<Certificate>(answer(Question::parse_certificate, {})).error(), Defect::malformed);
  EXPECT_EQ(decode_answer<std::vector<Bytes>>(answer(Question::decode_pem_chain, {})).error(), Defect::missing);
  EXPECT_EQ(decode_answer<TcbInfo>({}).error(), Defect::malformed);
  EXPECT_EQ(decode_answer<TcbInfo>(Bytes{0}).error(), Defect::malformed);
  EXPECT_EQ(decode_answer<TcbInfo>(Bytes{1, 255}).error(), Defect::malformed);
  EXPECT_EQ(decode_answer<TcbInfo>(Bytes{2}).error(), Defect::malformed);
}

}  // namespace
}  // namespace phala::attest
