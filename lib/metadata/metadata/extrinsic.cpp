#include "metadata/extrinsic.hpp"

#include <nlohmann/json.hpp>

#include "crypto/hash.hpp"

namespace phala::metadata {

Result<Bytes> sign_call(const Metadata& metadata, ByteView call, const crypto::KeyPair& signer, const SigningContext& context) {
  Bytes extra, additional;
  for (const auto& extension : metadata.extrinsic.signed_extensions) {
    const std::string& id = extension.identifier;
    if (id == "CheckMortality" || id == "CheckEra") {
      scale::encode_to(extra, context.era);
      append(additional, context.birth_hash);
    } else if (id == "CheckNonce") {
      scale::encode_compact(extra, context.nonce);
    } else if (id == "ChargeTransactionPayment") {
      scale::encode_compact(extra, context.tip);
    } else if (id == "CheckSpecVersion") {
      scale::encode_to(additional, context.spec_version);
    } else if (id == "CheckTxVersion") {
      scale::encode_to(additional, context.transaction_version);
    } else if (id == "CheckGenesis") {
      append(additional, context.genesis_hash);
    } else if (id != "CheckNonZeroSender" && id != "CheckWeight" && id != "CheckMqSequence") {
      return fail(ErrorCode::invalid_input, "this chain wants the signed extension " + id + ", which this program does not know", "use a newer version");
    }
  }
  Bytes payload = concat(call, extra, additional);
  if (payload.size() > 256) payload = to_bytes(crypto::blake2_256(payload));
  Bytes body{0x84, 0x00};
  append(body, signer.account());
  body.push_back(static_cast<u8>(signer.scheme()));
  append(body, signer.sign(payload));
  append(body, extra);
  append(body, call);
  return scale::encode(body);
}

Result<Bytes> call_with(const Metadata& metadata, const Types& types, std::string_view pallet_name, std::string_view call, ByteView arguments) {
  const Pallet* pallet = find_pallet(metadata, pallet_name);
  if (!pallet) return fail(ErrorCode::not_found, "this chain has no pallet '" + std::string(pallet_name) + "'");
  const auto* calls = pallet->calls && *pallet->calls < types.size() ? types[*pallet->calls].def.get_if<Variant>() : nullptr;
  const VariantItem* item = nullptr;
  if (calls)
    for (const auto& one : calls->variants)
      if (same_name(one.name, call)) item = &one;
  if (!item) return fail(ErrorCode::not_found, "pallet " + pallet->name + " has no call '" + std::string(call) + "'");
  scale::Reader rest(arguments);
  for (const auto& field : item->fields) TRY(decode(types, field.type, rest).context(item->name + "." + field.name.value_or("0")));
  if (rest.left() != 0) return fail(ErrorCode::invalid_input, pallet->name + "." + item->name + ": " + std::to_string(rest.left()) + " bytes too many");
  return concat(Bytes{pallet->index, item->index}, arguments);
}

}  // namespace phala::metadata
