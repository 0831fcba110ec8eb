// Runtime APIs by name, as `state_call` asks for them.
#include "runtime/check.hpp"

namespace phala::runtime {

namespace {

using Kind = TransactionError::Kind;
using Api = Result<Bytes, scale::CodecError> (*)(const StateView& state, const Header& head, scale::Reader& in);

/// An extrinsic argument: a vector of bytes, which is what the extrinsic is on the wire.
Result<ByteView, scale::CodecError> take_extrinsic(scale::Reader& in) {
  const ByteView from = in.rest();
  const size_t n = TRY(in.length(1));
  TRY(in.take(n));
  return from.first(from.size() - in.left());
}

struct RuntimeDispatchInfo { Weight weight; DispatchClass class_{}; Balance partial_fee{};  FIELDS(weight, class_, partial_fee) };

struct Priced { DispatchInfo info; FeeDetails fee; };
Priced price(const StateView& state, const DispatchInfo& info, u32 bytes, bool is_signed) {
  Pallets p(state);
  return {info, is_signed ? p.payment.fee_details(bytes, info, 0) : FeeDetails{}};
}
Result<Priced, scale::CodecError> price_extrinsic(const StateView& state, scale::Reader& in) {
  const auto parts = TRY(split_extrinsic(TRY(take_extrinsic(in))));
  const auto call = TRY(scale::decode<RuntimeCall>(parts.call));
  return price(state, call.info(), TRY(scale::decode_from<u32>(in)), parts.signature.has_value());
}
Result<Priced, scale::CodecError> price_call(const StateView& state, scale::Reader& in) {
  const auto call = TRY(scale::decode_from<RuntimeCall>(in));
  return price(state, call.info(), TRY(scale::decode_from<u32>(in)), true);
}
Bytes encode_info(const Priced& priced) { return scale::encode(RuntimeDispatchInfo{priced.info.weight, priced.info.class_, priced.fee.total()}); }

Result<Bytes, scale::CodecError> weight_to_fee(const StateView&, const Header&, scale::Reader& in) {
  return scale::encode(TransactionPayment::weight_to_fee(TRY(scale::decode_from<Weight>(in))));
}
Result<Bytes, scale::CodecError> length_to_fee(const StateView&, const Header&, scale::Reader& in) {
  return scale::encode(TransactionPayment::length_to_fee(TRY(scale::decode_from<u32>(in))));
}

/// SCALE of TransactionValidityError: 0 Invalid(kind), 1 Unknown(kind). A transaction that does not decode is an unexpected call.
Bytes encode_error(const TransactionError& error) {
  switch (error.kind) {
    case Kind::malformed: return {0, 0};
    case Kind::custom: return {0, 7, error.custom};
    case Kind::cannot_lookup: return {1, 0};
    case Kind::no_unsigned_validator: return {1, 1};
    case Kind::unknown_custom: return {1, 2, error.custom};
    default: return {0, static_cast<u8>(error.kind)};
  }
}

Result<Bytes, scale::CodecError> validate_transaction(const StateView& state, const Header& head, scale::Reader& in) {
  if (TRY(in.take(1))[0] > 2) return fail(scale::CodecError::unknown_variant);   // source: in block, local, external
  const auto extrinsic = TRY(take_extrinsic(in));
  TRY(in.take(32));                                                             // block hash: the state is already that block's
  const auto valid = validate(state, head, extrinsic);
  if (!valid) return concat(Bytes{1}, encode_error(valid.error()));
  return concat(Bytes{0}, scale::encode(valid->priority, valid->requires_, valid->provides, valid->longevity, valid->propagate));
}

constexpr std::pair<std::string_view, Api> apis[] = {
    {"Core_version", [](const StateView&, const Header&, scale::Reader&) -> Result<Bytes, scale::CodecError> { return scale::encode(version()); }},
    {"Metadata_metadata", [](const StateView&, const Header&, scale::Reader&) -> Result<Bytes, scale::CodecError> { return scale::encode(metadata()); }},
    {"Metadata_metadata_at_version", [](const StateView&, const Header&, scale::Reader& in) -> Result<Bytes, scale::CodecError> {
       const u32 n = TRY(scale::decode_from<u32>(in));
       return scale::encode(n == 14 ? std::optional(metadata()) : std::nullopt);
     }},
    {"Metadata_metadata_versions", [](const StateView&, const Header&, scale::Reader&) -> Result<Bytes, scale::CodecError> { return scale::encode(std::vector<u32>{14}); }},
    {"AccountNonceApi_account_nonce", [](const StateView& state, const Header&, scale::Reader& in) -> Result<Bytes, scale::CodecError> {
       return scale::encode(account_nonce(state, TRY(scale::decode_from<AccountId>(in))));
     }},
    {"TransactionPaymentApi_query_info", [](const StateView& state, const Header&, scale::Reader& in) -> Result<Bytes, scale::CodecError> {
       return encode_info(TRY(price_extrinsic(state, in)));
     }},
    {"TransactionPaymentApi_query_fee_details", [](const StateView& state, const Header&, scale::Reader& in) -> Result<Bytes, scale::CodecError> {
       return scale::encode(TRY(price_extrinsic(state, in)).fee);
     }},
    {"TransactionPaymentApi_query_weight_to_fee", weight_to_fee},
    {"TransactionPaymentApi_query_length_to_fee", length_to_fee},
    {"TransactionPaymentCallApi_query_call_info", [](const StateView& state, const Header&, scale::Reader& in) -> Result<Bytes, scale::CodecError> {
       return encode_info(TRY(price_call(state, in)));
     }},
    {"TransactionPaymentCallApi_query_call_fee_details", [](const StateView& state, const Header&, scale::Reader& in) -> Result<Bytes, scale::CodecError> {
       return scale::encode(TRY(price_call(state, in)).fee);
     }},
    {"TransactionPaymentCallApi_query_weight_to_fee", weight_to_fee},
    {"TransactionPaymentCallApi_query_length_to_fee", length_to_fee},
    {"TaggedTransactionQueue_validate_transaction", validate_transaction},
    {"MqApi_sender_sequence", [](const StateView& state, const Header&, scale::Reader& in) -> Result<Bytes, scale::CodecError> {
       const auto sender = TRY(scale::decode_from<MessageOrigin>(in));
       return scale::encode(Pallets(state).mq.offchain_ingress.get(sender));
     }},
};

// ---- blocks, which may be refused for more than their encoding
using BlockApi = Result<Bytes> (*)(const StateView& state, const Header& head, scale::Reader& in);

/// Replays a block on the state of its parent. Everything is compared but the state root, which only a store can compute.
Result<Bytes> execute(const StateView& state, const Header& head, scale::Reader& in) {
  const auto header = TRY(scale::decode_from<Header>(in).map_error(scale::to_error));
  const size_t count = TRY(in.length(1).map_error(scale::to_error));
  if (in.left() > max_block_bytes) return fail(ErrorCode::invalid_input, "a block of " + std::to_string(in.left()) + " bytes, the limit is " + std::to_string(max_block_bytes));
  std::vector<Bytes> extrinsics;
  for (size_t i = 0; i < count; ++i) extrinsics.push_back(to_bytes(TRY(take_extrinsic(in).map_error(scale::to_error))));
  TRY(execute_block(state, head, header, extrinsics));
  return Bytes{};
}
/// Could a block with this header begin here?
Result<Bytes> initialize(const StateView& state, const Header& head, scale::Reader& in) {
  const auto header = TRY(scale::decode_from<Header>(in).map_error(scale::to_error));
  if (header.number.value != head.number.value + 1 || header.parent_hash != head.hash())
    return fail(ErrorCode::invalid_input, "block " + std::to_string(header.number) + " does not follow block " + std::to_string(head.number) + ", " + to_hex0x(head.hash()));
  static_cast<void>(BlockBuilder(state, head, 0));
  return Bytes{};
}
constexpr std::pair<std::string_view, BlockApi> block_apis[] = {{"Core_execute_block", execute}, {"Core_initialize_block", initialize}};

}  // namespace

Result<Bytes> call_api(const StateView& state, const Header& head, std::string_view method, ByteView arguments) {
  for (const auto& [name, api] : block_apis) {
    if (name != method) continue;
    scale::Reader in(arguments);
    return api(state, head, in).context(name);
  }
  for (const auto& [name, api] : apis) {
    if (name != method) continue;
    scale::Reader in(arguments);
    auto out = api(state, head, in);
    if (out && in.left() != 0) out = fail(scale::CodecError::trailing_bytes);
    return std::move(out).map_error(scale::to_error).context("arguments of " + std::string(method));
  }
  return fail(ErrorCode::not_found, "runtime API method " + std::string(method) + " does not exist", "see `apis` of the runtime version");
}

}  // namespace phala::runtime
