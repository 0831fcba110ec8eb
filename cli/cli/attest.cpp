// phala attest: check attestation evidence offline, with the code that the chain runs.

#include <chrono>
#include <nlohmann/json.hpp>

#include "attest/intel_root.hpp"
#include "attest/verify.hpp"
#include "cli/command.hpp"

namespace phala::cli {
namespace {

using json = nlohmann::ordered_json;

/// A quote as a file holds it: raw, or as hex text.
Bytes raw_quote(Bytes file) {
  std::string text(as_text(file));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  auto hex = from_hex(text);
  return hex && !text.empty() ? std::move(*hex) : std::move(file);
}

json show(const attest::Claims& claims) {
  json out{{"kind", claims.is_tdx() ? "tdx" : "sgx"}, {"tcbStatus", attest::to_string(claims.tcb_status)}, {"confidenceLevel", claims.confidence_level},
           {"advisories", claims.advisory_ids}, {"reportData", to_hex0x(claims.report_data)}, {"measurement", to_hex0x(claims.measurement)},
           {"fmspc", to_hex(claims.fmspc)}, {"validUntil", claims.earliest_expiration}};
  if (const auto* sgx = claims.body.get_if<attest::SgxClaims>()) {
    out["mrEnclave"] = to_hex0x(sgx->mr_enclave);
    out["mrSigner"] = to_hex0x(sgx->mr_signer);
    out["isvProdId"] = sgx->isv_prod_id;
    out["isvSvn"] = sgx->isv_svn;
  } else if (const auto* tdx = claims.body.get_if<attest::TdxClaims>()) {
    out["mrTd"] = to_hex0x(tdx->mr_td);
    for (size_t i = 0; i < tdx->rtmr.size(); ++i) out["rtmr" + std::to_string(i)] = to_hex0x(tdx->rtmr[i]);
    out["mrSeam"] = to_hex0x(tdx->mr_seam);
  }
  return out;
}

Result<int> verify(const Args& args) {
  const Bytes quote = raw_quote(TRY(read_file(args.text("QUOTE"))));
  const Bytes text = TRY(read_file(args.text("COLLATERAL")));
  const auto collateral = TRY(attest::collateral_from_json(as_text(text)).context(args.text("COLLATERAL")));
  attest::TrustAnchors anchors;
  anchors.root_certificates = {args.has("--root-ca") ? TRY(read_file(args.text("--root-ca"))) : to_bytes(attest::intel_sgx_root_ca)};
  const u64 now = args.has("--now") ? TRY(args.number("--now")) : static_cast<u64>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  print(args, show(TRY(attest::verify(quote, collateral, anchors, now).map_error([](auto e) { return attest::to_error(e); }))));
  return 0;
}

}  // namespace

std::span<const Command> attest_commands() {
  static const Command commands[] = {
      {"attest verify", "Check a DCAP quote against its collateral; exit 0 and the claims, or one named error", "phala attest verify quote.bin collateral.json --now 1750000000",
       {{"QUOTE", "file with the quote, raw or hex"}, {"COLLATERAL", "file with the collateral, JSON"}},
       {{"--root-ca", "DER", "trust this root certificate instead of Intel's"}, {"--now", "UNIX", "verify as of this time (seconds) instead of now"}}, verify},
  };
  return commands;
}

}  // namespace phala::cli
