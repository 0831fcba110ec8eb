#pragma once
// Why: what every chain has: accounts and who depends on them, the number and parent of the block in progress, recent block
// hashes, what the block has used, and the events that clients read.

#include "frame/limits.hpp"
#include "frame/pallet.hpp"
#include "light/finality.hpp"

namespace phala::pallets {

using namespace frame;

/// Balances of an account. `frozen` applies to free and reserved together; `flags` marks the present rules of the account.
struct AccountData {
  Balance free{}, reserved{}, frozen{}, flags{u128{1} << 127};
  FIELDS(free, reserved, frozen, flags)
};
/// `providers` and `sufficients` keep an account alive; `consumers` (at most 16) keep its last provider from leaving.
struct AccountInfo {
  u32 nonce{}, consumers{}, providers{}, sufficients{};
  AccountData data;
  FIELDS(nonce, consumers, providers, sufficients, data)
  bool lives() const { return providers > 0 || sufficients > 0; }
  bool can_lose_provider() const { return consumers == 0 || providers > 1; }
};
/// The events of a block, encoded as a vector of records.
struct EventRecords { Bytes encoded{0}; };

class System : public Pallet<System, "System", 1> {
 public:
  static constexpr std::string_view crate = "frame_system";
  explicit System(State& s) : Pallet(s) {}

  Map<"Account", Blake2_128Concat, AccountId, AccountInfo> account{state()};
  Value<"ExtrinsicCount", Opt<u32>> extrinsic_count{state()};
  Value<"BlockWeight", PerDispatchClass<Weight>> block_weight{state()};
  Value<"AllExtrinsicsLen", Opt<u32>> all_extrinsics_len{state()};
  Map<"BlockHash", Twox64Concat, BlockNumber, Hash> block_hash{state()};
  Value<"Number", BlockNumber> number{state()};
  Value<"ParentHash", Hash> parent_hash{state()};
  Value<"Digest", phala::Digest> digest{state()};
  Value<"Events", EventRecords> events{state()};
  Value<"EventCount", u32> event_count{state()};
  Value<"Development", bool> development{state()};   ///< ours: the chain spec allows overriding storage between blocks
  /// Ours: who finalizes this chain's blocks from genesis on. In state, so that the genesis hash commits to it.
  Value<"Finalizer", Opt<light::Finalizer>> finalizer{state()};
  PALLET_STORAGE(account, extrinsic_count, block_weight, all_extrinsics_len, block_hash, number, parent_hash, digest, events, event_count, development, finalizer)

  struct Remark { Bytes remark;  FIELDS(remark) };
  struct SetStorage { std::vector<std::pair<Bytes, Bytes>> items;  FIELDS(items) };
  struct KillStorage { std::vector<Bytes> keys;  FIELDS(keys) };
  struct KillPrefix { Bytes prefix; u32 subkeys{};  FIELDS(prefix, subkeys) };
  struct RemarkWithEvent { Bytes remark;  FIELDS(remark) };
  using Call = Enum<At<0, Remark>, At<4, SetStorage>, At<5, KillStorage>, At<6, KillPrefix>, At<7, RemarkWithEvent>>;
  DispatchResult operator()(const Origin&, const Remark&);
  /// Error: KeyTooLong, beyond `max_state_key_bytes`.
  DispatchResult operator()(const Origin&, const SetStorage&);
  DispatchResult operator()(const Origin&, const KillStorage&);
  /// Kills at most `subkeys` keys.
  DispatchResult operator()(const Origin&, const KillPrefix&);
  DispatchResult operator()(const Origin&, const RemarkWithEvent&);
  static Weight weight(const Remark&);
  static Weight weight(const SetStorage&);
  static Weight weight(const KillStorage&);
  static Weight weight(const KillPrefix&);
  static Weight weight(const RemarkWithEvent&);
  static DispatchClass class_of(const SetStorage&) { return DispatchClass::operational; }
  static DispatchClass class_of(const KillStorage&) { return DispatchClass::operational; }
  static DispatchClass class_of(const KillPrefix&) { return DispatchClass::operational; }

  struct ExtrinsicSuccess { DispatchInfo dispatch_info;  FIELDS(dispatch_info) };
  struct ExtrinsicFailed { DispatchError dispatch_error; DispatchInfo dispatch_info;  FIELDS(dispatch_error, dispatch_info) };
  struct NewAccount { AccountId account;  FIELDS(account) };
  struct KilledAccount { AccountId account;  FIELDS(account) };
  struct Remarked { AccountId sender; Hash hash;  FIELDS(sender, hash) };
  using Event = Enum<At<0, ExtrinsicSuccess>, At<1, ExtrinsicFailed>, At<3, NewAccount>, At<4, KilledAccount>, At<5, Remarked>>;
  PALLET_ERRORS(InvalidSpecName, SpecVersionNeedsToIncrease, FailedToExtractRuntimeVersion, NonDefaultComposite, NonZeroRefCount, CallFiltered, KeyTooLong)
  static constexpr BlockNumber block_hash_count = 2400;
  static void constants(Constants&);
  PALLET_DECLARE_OPS

  // ---- life of a block
  /// Start of block `n` whose parent has this hash: forgets the events of the last block and hashes older than `block_hash_count`.
  void begin_block(BlockNumber n, const Hash& parent);
  /// Records the outcome of extrinsic number `extrinsic` and moves to the next.
  void extrinsic_done(u32 extrinsic, const DispatchResult& result, DispatchInfo info);
  /// Keeps what clients read of a finished block. Call last.
  void end_block(u32 extrinsics, const phala::Digest& of_header);

  // ---- accounts. These work on a copy in memory; the caller stores it.
  void inc_providers(const AccountId& who, AccountInfo& info) const;
  /// Error: the last provider of an account that others depend on. An account without providers is not stored any more.
  Try<> dec_providers(const AccountId& who, AccountInfo& info) const;
  static Try<> inc_consumers(AccountInfo& info);
  static void dec_consumers(AccountInfo& info) { info.consumers -= info.consumers > 0; }
  /// Writes the account, or removes it when nothing keeps it alive.
  void store(const AccountId& who, const AccountInfo& info) const;
};

}  // namespace phala::pallets

namespace phala::scale {
template <>
struct Codec<pallets::EventRecords> {
  static void encode(Bytes& out, const pallets::EventRecords& value) { append(out, value.encoded); }
  static Result<pallets::EventRecords, CodecError> decode(Reader& in) { return pallets::EventRecords{to_bytes(*in.take(in.left()))}; }
};
}  // namespace phala::scale
namespace phala::frame {
template <> struct TypeInfo<pallets::EventRecords> { static metadata::Type describe(TypeRegistry&); };
template <> inline constexpr std::string_view type_path<pallets::AccountData> = "pallet_balances::types::AccountData";
template <> inline constexpr std::string_view type_path<pallets::AccountInfo> = "frame_system::AccountInfo";
}  // namespace phala::frame
