// phala attest: check attestation evidence offline, with the code that the chain runs.

#include <chrono>
#include <nlohmann/json.hpp>

#include "attest/intel_root.hpp"
#include "attest/verify.hpp"
#include "attest/x509.hpp"
#include "cli/command.hpp"
#include "cli/files.hpp"

namespace phala::cli {
namespace {

using json = nlohmann::ordered_json;

/// A quote as a file holds it: raw, or as hex text, which may be broken into lines.
Bytes raw_quote(Bytes file) {
  std::string text(as_text(file));
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  auto hex = from_hex(text);
  return hex && !hex->empty() ? std::move(*hex) : std::move(file);
}

/// The certificate of --root-ca, DER or PEM. Read here, so that a wrong file is not called an untrusted quote.
Result<Bytes> root_certificate(const Args& args) {
  if (!args.has("--root-ca")) return to_bytes(attest::intel_sgx_root_ca);
  const std::string path = args.text("--root-ca");
  Bytes file = TRY(read_file(path).context(args.where("--root-ca")));
  if (as_text(file).starts_with("-----BEGIN"))
    if (auto chain = attest::decode_pem_chain(file); chain && chain->size() == 1) file = chain->front();
  const auto certificate = attest::parse_certificate(file);
  if (certificate) return file;
  return fail(ErrorCode::invalid_input, args.where("--root-ca") + ": " + path + " is not a certificate that can be a root: " + std::string(attest::to_string(certificate.error())), "it must be one X.509 certificate with an ECDSA P-256 key, as DER or PEM");
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
  anchors.root_certificates = {TRY(root_certificate(args))};
  const u64 now = args.has("--now") ? TRY(args.number("--now")) : static_cast<u64>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  print(args, show(TRY(attest::verify(quote, collateral, anchors, now).map_error([](auto e) { return attest::to_error(e); }))));
  return 0;
}

}  // namespace

std::span<const Command> attest_commands() {
  static const Command commands[] = {
      {"attest", "Check attestation evidence"},
      {"attest verify", "Check a DCAP quote against its collateral; exit 0 and the claims, or one named error",
       "phala attest verify tests/golden/dcap/sgx_quote tests/golden/dcap/sgx_quote_collateral.json --now 1750377600",
       {{"QUOTE", "file with the quote, raw or hex"}, {"COLLATERAL", "file with the collateral, JSON"}},
       {{"--root-ca", "FILE", "trust this root certificate instead of Intel's (DER or PEM)"}, {"--now", "UNIX", "verify as of this time (seconds) instead of now"}}, verify},
  };
  return commands;
}

}  // namespace phala::cli
