// Chain specs as people keep them: JSON in the shape of Substrate's, and the development chain. Not part of a wasm build.
#include <nlohmann/json.hpp>

#include "crypto/account.hpp"
#include "runtime/chain_spec.hpp"

namespace phala::runtime {

namespace {

using Json = nlohmann::json;

/// Reads fields of one object and remembers where it is, so that errors name the field.
class Fields {
 public:
  Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  Result<const Json*> at(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) return wrong(name, "is missing");
    return &*found;
  }
  Result<Fields> object(const char* name) const {
    const Json* value = TRY(at(name));
    if (!value->is_object()) return wrong(name, "must be an object");
    return Fields(*value, where(name) + ".");
  }
  Result<std::string> text(const char* name) const {
    const Json* value = TRY(at(name));
    if (!value->is_string()) return wrong(name, "must be a text");
    return value->get<std::string>();
  }
  Result<u32> number(const char* name) const {
    const Json* value = TRY(at(name));
    if (!value->is_number_unsigned() || value->get<u64>() > ~u32{0}) return wrong(name, "must be an integer from 0 to 4294967295");
    return static_cast<u32>(value->get<u64>());
  }
  Result<bool> flag(const char* name) const {
    const Json* value = TRY(at(name));
    if (!value->is_boolean()) return wrong(name, "must be true or false");
    return value->get<bool>();
  }
  Result<Bytes> hex(const char* name) const { return from_hex(TRY(text(name))).context("chain spec: " + where(name)); }
  Result<AccountId> account(const char* name) const { return to_account(TRY(text(name)), where(name)); }
  Result<const Json*> list(const char* name) const {
    const Json* value = TRY(at(name));
    if (!value->is_array()) return wrong(name, "must be a list");
    return value;
  }
  Result<std::vector<Bytes>> hex_list(const char* name) const {
    std::vector<Bytes> out;
    for (const auto& item : *TRY(list(name))) {
      if (!item.is_string()) return wrong(name, "must be a list of hex texts");
      out.push_back(TRY(from_hex(item.get<std::string>()).context("chain spec: " + where(name))));
    }
    return out;
  }
  static Result<AccountId> to_account(const std::string& text, const std::string& where) {
    return crypto::account_from_ss58(text).context("chain spec: " + where);
  }
  std::unexpected<Error> wrong(const char* name, std::string_view what) const {
    return fail(ErrorCode::invalid_input, "chain spec: " + where(name) + " " + std::string(what));
  }
  std::string where(const char* name) const { return path_ + name; }

 private:
  const Json& object_;
  std::string path_;
};

Json hex_list(const std::vector<Bytes>& items) {
  Json out = Json::array();
  for (const auto& item : items) out.push_back(to_hex0x(item));
  return out;
}

}  // namespace

std::string to_json(const ChainSpec& spec) {
  Json endowed = Json::array();
  for (const auto& [who, amount] : spec.endowed) endowed.push_back({crypto::to_ss58(who), to_decimal(amount)});
  const Json out = {
      {"name", spec.name},
      {"id", spec.id},
      {"chainType", spec.development ? "Development" : "Live"},
      {"bootNodes", Json::array()},
      {"telemetryEndpoints", nullptr},
      {"protocolId", nullptr},
      {"properties", {{"ss58Format", crypto::phala_ss58_prefix}, {"tokenDecimals", 12}, {"tokenSymbol", "PHA"}}},
      {"consensus", {{"blockMs", spec.block_ms}, {"sealer", to_hex0x(spec.sealer)}}},
      {"genesis",
       {{"sudo", crypto::to_ss58(spec.sudo)},
        {"treasury", crypto::to_ss58(spec.treasury)},
        {"endowed", endowed},
        {"attestation",
         {{"rootCertificates", hex_list(spec.attestation.root_certificates)},
          {"allowedMeasurements", hex_list(spec.attestation.allowed_measurements)},
          {"verifyMeasurement", spec.attestation.verify_measurement}}},
        {"pinkSystemCode", to_hex0x(spec.pink_system_code)},
        {"pinkRuntimeVersion", {spec.pink_runtime_version.first, spec.pink_runtime_version.second}},
        {"benchmarkDurationBlocks", spec.benchmark_duration_blocks}}},
  };
  return out.dump(2);
}

Result<ChainSpec> chain_spec_from_json(std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (!parsed.is_object()) return fail(ErrorCode::invalid_input, "chain spec: not a JSON object", "make one with `phala-node --build-spec`");
  const Fields top(parsed, "");
  ChainSpec spec;
  spec.name = TRY(top.text("name"));
  spec.id = TRY(top.text("id"));
  spec.development = TRY(top.text("chainType")) == "Development";
  const Fields consensus = TRY(top.object("consensus"));
  spec.block_ms = TRY(consensus.number("blockMs"));
  if (spec.block_ms == 0) return consensus.wrong("blockMs", "must not be 0");
  spec.sealer = TRY(PublicKey::from(TRY(consensus.hex("sealer"))).context("chain spec: consensus.sealer"));

  const Fields genesis = TRY(top.object("genesis"));
  spec.sudo = TRY(genesis.account("sudo"));
  spec.treasury = TRY(genesis.account("treasury"));
  u128 total = 0;
  for (const auto& item : *TRY(genesis.list("endowed"))) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_string() || !item[1].is_string())
      return genesis.wrong("endowed", "must be a list of [address, \"amount in pico-PHA\"]");
    const u128 amount = TRY(parse_u128(item[1].get<std::string>()).context("chain spec: genesis.endowed"));
    if (amount > ~u128{0} - total) return genesis.wrong("endowed", "adds up to more than 128 bits hold");
    if (amount < 10'000'000'000) return genesis.wrong("endowed", "has an amount below the existential deposit of 10000000000");
    total += amount;
    spec.endowed.emplace_back(TRY(Fields::to_account(item[0].get<std::string>(), "genesis.endowed")), amount);
  }
  const Fields attestation = TRY(genesis.object("attestation"));
  spec.attestation.root_certificates = TRY(attestation.hex_list("rootCertificates"));
  spec.attestation.allowed_measurements = TRY(attestation.hex_list("allowedMeasurements"));
  for (const auto& measurement : spec.attestation.allowed_measurements)
    if (measurement.size() != 68) return attestation.wrong("allowedMeasurements", "must have 68 bytes each");
  spec.attestation.verify_measurement = TRY(attestation.flag("verifyMeasurement"));
  spec.pink_system_code = TRY(genesis.hex("pinkSystemCode"));
  const Json* pink = TRY(genesis.list("pinkRuntimeVersion"));
  if (pink->size() != 2 || !(*pink)[0].is_number_unsigned() || !(*pink)[1].is_number_unsigned()) return genesis.wrong("pinkRuntimeVersion", "must be [major, minor]");
  spec.pink_runtime_version = {(*pink)[0].get<u32>(), (*pink)[1].get<u32>()};
  spec.benchmark_duration_blocks = TRY(genesis.number("benchmarkDurationBlocks"));
  return spec;
}

Result<ChainSpec> development_spec(const PublicKey& sealer, AttestationPolicy attestation, Bytes pink_system_code) {
  constexpr u128 pha = 1'000'000'000'000;
  ChainSpec spec;
  spec.name = "Phala Development";
  spec.id = "dev";
  spec.development = true;
  spec.sealer = sealer;
  for (const std::string name : {"//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie"})
    for (const std::string suffix : {"", "//stash"}) {
      const auto account = TRY(crypto::KeyPair::from_uri(name + suffix)).account();
      if (spec.endowed.empty()) spec.sudo = account;
      spec.endowed.emplace_back(account, 10'000'000 * pha);
    }
  spec.treasury = treasury_account();
  spec.attestation = std::move(attestation);
  spec.pink_system_code = std::move(pink_system_code);
  return spec;
}

}  // namespace phala::runtime
