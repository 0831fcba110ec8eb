// What the runtime says of itself: version and metadata.
#include "runtime/pallets.hpp"

namespace phala::frame {
template <> inline constexpr std::string_view type_path<runtime::RuntimeVersion> = "sp_version::RuntimeVersion";
}  // namespace phala::frame

namespace phala::runtime {

const RuntimeVersion& version() {
  static const RuntimeVersion version = [] {
    RuntimeVersion v{"phala-node", "phala-node", 1, 101, 0, {}, 1, 0};
    const std::pair<std::string_view, u32> apis[] = {{"Core", 4}, {"Metadata", 2}, {"AccountNonceApi", 1}, {"TransactionPaymentApi", 4},
                                                     {"TransactionPaymentCallApi", 3}, {"TaggedTransactionQueue", 3}, {"MqApi", 1}};
    for (const auto& [name, n] : apis) v.apis.emplace_back(crypto::blake2_64(as_bytes(name)), n);
    return v;
  }();
  return version;
}

namespace {

struct Extension {
  std::string_view identifier, path;
  u32 (*payload)(TypeRegistry&);      ///< null: nothing travels
  u32 (*additional)(TypeRegistry&);   ///< null: nothing more is signed
};
template <class T>
u32 id_of(TypeRegistry& types) { return types.id<T>(); }

constexpr Extension extensions[] = {
    {"CheckNonZeroSender", "frame_system::extensions::check_non_zero_sender::CheckNonZeroSender", nullptr, nullptr},
    {"CheckSpecVersion", "frame_system::extensions::check_spec_version::CheckSpecVersion", nullptr, id_of<u32>},
    {"CheckTxVersion", "frame_system::extensions::check_tx_version::CheckTxVersion", nullptr, id_of<u32>},
    {"CheckGenesis", "frame_system::extensions::check_genesis::CheckGenesis", nullptr, id_of<Hash>},
    {"CheckMortality", "frame_system::extensions::check_mortality::CheckMortality", id_of<Era>, id_of<Hash>},
    {"CheckNonce", "frame_system::extensions::check_nonce::CheckNonce", id_of<Compact<u32>>, nullptr},
    {"CheckWeight", "frame_system::extensions::check_weight::CheckWeight", nullptr, nullptr},
    {"CheckMqSequence", "phala_pallets::mq::check_seq::CheckMqSequence", nullptr, nullptr},
    {"ChargeTransactionPayment", "pallet_transaction_payment::ChargeTransactionPayment", id_of<Compact<u128>>, nullptr},
};

metadata::ExtrinsicFormat extrinsic_format(TypeRegistry& types) {
  metadata::ExtrinsicFormat out{{}, 4, {}};
  const u32 nothing = types.id<std::tuple<>>();
  metadata::Tuple extra;
  for (const auto& e : extensions) {
    metadata::Composite composite;
    if (e.payload) composite.fields.push_back({{}, {e.payload(types)}, {}, {}});
    const u32 type = types.add(frame::detail::plain(e.path, std::move(composite)));
    extra.types.push_back({type});
    out.signed_extensions.push_back({std::string(e.identifier), {type}, {e.additional ? e.additional(types) : nothing}});
  }
  metadata::Type unchecked = frame::detail::plain("sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic", metadata::Composite{{{{}, {types.id<Bytes>()}, {}, {}}}});
  unchecked.params = {{"Address", metadata::TypeId{types.id<MultiAddress>()}},
                      {"Call", metadata::TypeId{types.id<RuntimeCall>()}},
                      {"Signature", metadata::TypeId{types.id<MultiSignature>()}},
                      {"Extra", metadata::TypeId{types.add(frame::detail::plain("", std::move(extra)))}}};
  out.type = types.add(std::move(unchecked));
  return out;
}

Bytes build_metadata() {
  TypeRegistry types;
  metadata::Metadata out{};
  out.magic = {'m', 'e', 't', 'a'};
  out.version = 14;
  for (const PalletOps* ops : frame::all_pallets()) out.pallets.push_back(ops->describe(types));
  for (auto& pallet : out.pallets)
    if (pallet.name == System::name) pallet.constants.push_back({"Version", {types.id<RuntimeVersion>()}, scale::encode(version()), {}});
  out.extrinsic = extrinsic_format(types);
  out.type = types.add(frame::detail::plain("phala_runtime::Runtime", metadata::Composite{}));
  out.types = types.types();
  return scale::encode(out);
}

}  // namespace

const Bytes& metadata() {
  static const Bytes bytes = build_metadata();
  return bytes;
}

}  // namespace phala::runtime
