// Collateral as PCCS-shaped tools write it: one JSON object, signatures and lists in hex.
#include <nlohmann/json.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "attest/collateral.hpp"

namespace phala::attest {
namespace {

using Json = nlohmann::json;

Result<std::string> text(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return fail(ErrorCode::invalid_input, std::string("collateral has no field \"") + name + "\"");
  if (!found->is_string()) return fail(ErrorCode::invalid_input, std::string("collateral field \"") + name + "\" is not a string");
  return found->get<std::string>();
}

Result<Bytes> hex(const Json& json, const char* name) {
  auto raw = from_hex(TRY(text(json, name)));
  if (!raw) return fail(ErrorCode::invalid_input, std::string("collateral field \"") + name + "\" is not hex");
  return std::move(*raw);
}

/// DER of a PEM list, or nothing.
std::optional<Bytes> der_of_pem(const std::string& pem) {
  ERR_set_mark();
  std::optional<Bytes> der;
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(bio ? PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr) : nullptr, X509_CRL_free);
  if (list) {
    der.emplace(static_cast<size_t>(std::max(0, i2d_X509_CRL(list.get(), nullptr))));
    u8* at = der->data();
    i2d_X509_CRL(list.get(), &at);
  }
  ERR_pop_to_mark();
  return der;
}

/// Lower-case hex of DER, from hex in either case or from PEM.
Result<std::string> revocation_list(const Json& json, const char* name) {
  const std::string given = TRY(text(json, name));
  if (const auto raw = from_hex(given)) return to_hex(*raw);
  if (const auto der = der_of_pem(given)) return to_hex(*der);
  return fail(ErrorCode::invalid_input, std::string("collateral field \"") + name + "\" is neither hex nor PEM");
}

}  // namespace

Result<Collateral> collateral_from_json(std::string_view json_text) {
  const Json json = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(ErrorCode::invalid_input, "collateral is not a JSON object");
  Collateral out;
  out.pck_crl_issuer_chain = TRY(text(json, "pck_crl_issuer_chain"));
  out.root_ca_crl = TRY(revocation_list(json, "root_ca_crl"));
  out.pck_crl = TRY(revocation_list(json, "pck_crl"));
  out.tcb_info_issuer_chain = TRY(text(json, "tcb_info_issuer_chain"));
  out.tcb_info = TRY(text(json, "tcb_info"));
  out.tcb_info_signature = TRY(hex(json, "tcb_info_signature"));
  out.qe_identity_issuer_chain = TRY(text(json, "qe_identity_issuer_chain"));
  out.qe_identity = TRY(text(json, "qe_identity"));
  out.qe_identity_signature = TRY(hex(json, "qe_identity_signature"));
  return out;
}

std::string to_json(const Collateral& c) {
  nlohmann::ordered_json json;
  json["pck_crl_issuer_chain"] = c.pck_crl_issuer_chain;
  json["root_ca_crl"] = c.root_ca_crl;
  json["pck_crl"] = c.pck_crl;
  json["tcb_info_issuer_chain"] = c.tcb_info_issuer_chain;
  json["tcb_info"] = c.tcb_info;
  json["tcb_info_signature"] = to_hex(c.tcb_info_signature);
  json["qe_identity_issuer_chain"] = c.qe_identity_issuer_chain;
  json["qe_identity"] = c.qe_identity;
  json["qe_identity_signature"] = to_hex(c.qe_identity_signature);
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace phala::attest
