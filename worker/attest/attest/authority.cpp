#include "attest/authority.hpp"

#include <nlohmann/json.hpp>

#include "crypto/cipher.hpp"
#include "crypto/hash.hpp"

namespace phala::attest {
namespace {

constexpr UnixSeconds hour = 3600, day = 24 * hour, year = 365 * day;
constexpr std::string_view file_format = "phala-development-attestation-authority";
constexpr int file_version = 1;

UnixSeconds before(UnixSeconds now, UnixSeconds margin) { return now > margin ? now - margin : 0; }

CertificateRequest request(std::string_view name, const P256Key& key, UnixSeconds now) {
  const Hash digest = crypto::sha2_256(concat(as_bytes(name), key));
  Bytes serial(digest.begin(), digest.begin() + 20);
  serial[0] = static_cast<u8>((serial[0] & 0x3f) | 0x40);   // positive, and no leading zeros
  return {.common_name = std::string(name), .serial = std::move(serial), .not_before = before(now, day), .not_after = now + 20 * year, .key = key};
}

CertificateRequest authority_request(std::string_view name, const P256Key& key, UnixSeconds now, u32 path_length) {
  auto out = request(name, key, now);
  out.is_ca = true;
  out.path_length = path_length;
  out.usage = {.certificate_sign = true, .crl_sign = true};
  return out;
}

template <size_t N>
FixedBytes<N> text_id(std::string_view text) {
  return FixedBytes<N>(crypto::sha2_256(as_bytes(text)).view().first(N));
}

nlohmann::ordered_json to_json_member(const Certified& c) { return {{"certificate", to_pem_chain({c.certificate})}, {"key", c.key.to_pem()}}; }

Result<std::string> text(const nlohmann::json& json, const char* name) {
  if (!json.is_object() || !json.contains(name) || !json[name].is_string())
    return fail(ErrorCode::invalid_input, std::string("attestation authority: \"") + name + "\" is missing or not a string");
  return json[name].get<std::string>();
}

Result<Certified> certified(const nlohmann::json& json, const char* name) {
  const auto wrong = [&](std::string_view what) { return fail(ErrorCode::invalid_input, std::string("attestation authority: \"") + name + "\": " + std::string(what)); };
  if (!json.contains(name)) return wrong("missing");
  const auto ders = decode_pem_chain(as_bytes(TRY(text(json[name], "certificate").context(name))));
  if (!ders || ders->size() != 1) return wrong("the certificate is not one PEM block");
  const auto certificate = parse_certificate(ders->front());
  if (!certificate) return wrong("the certificate does not decode");
  auto key = TRY(SigningKey::from_pem(TRY(text(json[name], "key").context(name))).context(name));
  if (certificate->key != key.public_key()) return wrong("key and certificate do not belong together");
  return Certified{std::move(key), ders->front()};
}

}  // namespace

CertificateRequest root_request(const P256Key& key, UnixSeconds now) { return authority_request(root_name, key, now, 1); }
CertificateRequest pck_authority_request(const P256Key& key, UnixSeconds now) { return authority_request(pck_authority_name, key, now, 0); }
CertificateRequest tcb_signer_request(const P256Key& key, UnixSeconds now) {
  auto out = request(tcb_signer_name, key, now);
  out.usage.digital_signature = true;
  return out;
}
CertificateRequest platform_request(const P256Key& key, const SgxExtension& platform, UnixSeconds now) {
  auto out = request(pck_name, key, now);
  out.usage.digital_signature = true;
  out.sgx = platform;
  return out;
}

SgxExtension development_platform(const PlatformId& ppid) {
  SgxExtension out;
  out.ppid = ppid;
  out.components.fill(2);
  out.pce_svn = 11;
  out.cpu_svn = FixedBytes<16>(out.components);
  out.fmspc = Fmspc(as_bytes(std::string_view("PHALA\0", 6)));
  out.sgx_type = 1;
  out.platform_instance_id = ppid;
  out.dynamic_platform = false;
  out.cached_keys = false;
  out.smt_enabled = true;
  return out;
}

TcbInfo development_tcb_info(UnixSeconds now) {
  const SgxExtension platform = development_platform({});
  TcbInfo out;
  out.version = 3;
  out.issue_date = before(now, hour);
  out.next_update = now + 30 * day;
  out.fmspc = platform.fmspc;
  out.pce_id = platform.pce_id;
  out.evaluation_number = 1;
  const TcbVerdict verdict{TcbStatus::configuration_and_sw_hardening_needed, before(now, hour) / day * day, {"PHALA-SOFTWARE-TEE"}};
  out.levels = {{.sgx = platform.components, .pce_svn = platform.pce_svn, .verdict = verdict}};
  return out;
}

SgxReport development_quoting_enclave() {
  SgxReport out;
  out.attributes = FixedBytes<16>({0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7, 0, 0, 0, 0, 0, 0, 0});   // INIT, MODE64BIT, PROVISIONKEY; XFRM
  out.mr_enclave = text_id<32>("phala development quoting enclave");
  out.mr_signer = text_id<32>("phala development quoting enclave signer");
  out.isv_prod_id = 1;
  out.isv_svn = 1;
  return out;
}

QeIdentity development_qe_identity(UnixSeconds now) {
  const SgxReport enclave = development_quoting_enclave();
  QeIdentity out;
  out.issue_date = before(now, hour);
  out.next_update = now + 30 * day;
  out.evaluation_number = 1;
  out.misc_select_mask.fill(0xff);
  out.attributes = FixedBytes<16>({0x11});
  out.attributes_mask = FixedBytes<16>({0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});   // all flags but MODE64BIT; no XFRM
  out.mr_signer = enclave.mr_signer;
  out.isv_prod_id = enclave.isv_prod_id;
  out.levels = {{.isv_svn = enclave.isv_svn, .verdict = {TcbStatus::up_to_date, before(now, hour) / day * day, {}}}};
  return out;
}

Collateral sign_collateral(const CollateralParts& parts, const SigningKey& tcb_signer) {
  Collateral out;
  out.pck_crl_issuer_chain = to_pem_chain(parts.pck_crl_issuer_chain);
  out.root_ca_crl = to_hex(parts.root_ca_crl);
  out.pck_crl = to_hex(parts.pck_crl);
  out.tcb_info_issuer_chain = to_pem_chain(parts.tcb_info_issuer_chain);
  out.tcb_info = parts.tcb_info;
  out.tcb_info_signature = to_bytes(tcb_signer.sign(as_bytes(parts.tcb_info)));
  out.qe_identity_issuer_chain = to_pem_chain(parts.qe_identity_issuer_chain);
  out.qe_identity = parts.qe_identity;
  out.qe_identity_signature = to_bytes(tcb_signer.sign(as_bytes(parts.qe_identity)));
  return out;
}

Result<DevelopmentAuthority> DevelopmentAuthority::create(const crypto::Seed& seed, UnixSeconds now) {
  auto root = SigningKey::derive(seed, "root"), pck_authority = SigningKey::derive(seed, "pck authority"), tcb_signer = SigningKey::derive(seed, "tcb signer"),
       platform = SigningKey::derive(seed, "platform"), attestation = SigningKey::derive(seed, "attestation key");
  const PlatformId ppid(crypto::sha2_256(platform.public_key()).view().first(16));
  const Issuer root_issuer{std::string(root_name), root}, pck_issuer{std::string(pck_authority_name), pck_authority};
  Bytes root_certificate = TRY(issue_certificate(root_request(root.public_key(), now), root_issuer));
  Bytes pck_authority_certificate = TRY(issue_certificate(pck_authority_request(pck_authority.public_key(), now), root_issuer));
  Bytes tcb_signer_certificate = TRY(issue_certificate(tcb_signer_request(tcb_signer.public_key(), now), root_issuer));
  Bytes platform_certificate = TRY(issue_certificate(platform_request(platform.public_key(), development_platform(ppid), now), pck_issuer));
  return DevelopmentAuthority({std::move(root), std::move(root_certificate)}, {std::move(pck_authority), std::move(pck_authority_certificate)},
                              {std::move(tcb_signer), std::move(tcb_signer_certificate)}, {std::move(platform), std::move(platform_certificate)}, std::move(attestation));
}

Result<DevelopmentAuthority> DevelopmentAuthority::from_json(std::string_view json_text) {
  const auto json = nlohmann::json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(ErrorCode::invalid_input, "attestation authority: not a JSON object");
  if (TRY(text(json, "format")) != file_format) return fail(ErrorCode::invalid_input, "attestation authority: \"format\" is not \"" + std::string(file_format) + "\"");
  if (!json.contains("version") || json["version"] != file_version) return fail(ErrorCode::invalid_input, "attestation authority: unknown \"version\"", "make a new one");
  auto root = TRY(certified(json, "root")), pck_authority = TRY(certified(json, "pck_authority")), tcb_signer = TRY(certified(json, "tcb_signer")),
       platform = TRY(certified(json, "platform"));
  auto attestation = TRY(SigningKey::from_pem(TRY(text(json, "attestation_key"))).context("attestation_key"));
  return DevelopmentAuthority(std::move(root), std::move(pck_authority), std::move(tcb_signer), std::move(platform), std::move(attestation));
}

std::string DevelopmentAuthority::to_json() const {
  const nlohmann::ordered_json json{{"format", file_format},
                                    {"version", file_version},
                                    {"warning", "holds secret keys; whoever has this file can attest anything to a chain that trusts its root"},
                                    {"root", to_json_member(root_)},
                                    {"pck_authority", to_json_member(pck_authority_)},
                                    {"tcb_signer", to_json_member(tcb_signer_)},
                                    {"platform", to_json_member(platform_)},
                                    {"attestation_key", attestation_key_.to_pem()}};
  return json.dump(1, ' ') + "\n";
}

std::string DevelopmentAuthority::pck_chain() const { return to_pem_chain({platform_.certificate, pck_authority_.certificate, root_.certificate}); }

Result<Collateral> DevelopmentAuthority::collateral(UnixSeconds now) const {
  const Issuer root_issuer{std::string(root_name), root_.key}, pck_issuer{std::string(pck_authority_name), pck_authority_.key};
  const UnixSeconds from = before(now, hour), to = now + 30 * day;
  CollateralParts parts;
  parts.pck_crl_issuer_chain = {pck_authority_.certificate, root_.certificate};
  parts.tcb_info_issuer_chain = parts.qe_identity_issuer_chain = {tcb_signer_.certificate, root_.certificate};
  parts.root_ca_crl = TRY(issue_revocation_list(root_issuer, from, to, {}));
  parts.pck_crl = TRY(issue_revocation_list(pck_issuer, from, to, {}));
  parts.tcb_info = tcb_info_json(development_tcb_info(now));
  parts.qe_identity = qe_identity_json(development_qe_identity(now));
  return sign_collateral(parts, tcb_signer_.key);
}

}  // namespace phala::attest
