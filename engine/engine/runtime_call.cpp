#include "engine/runtime_call.hpp"

#include "engine/bounded.hpp"
#include "engine/cluster_state.hpp"

namespace phala::engine {

namespace {

namespace system {
struct Remark { Bytes remark;  FIELDS(remark) };
struct SetHeapPages { u64 pages{};  FIELDS(pages) };
struct SetCode { Bytes code;  FIELDS(code) };
struct SetStorage { Checked<std::pair<Bytes, Bytes>> items;  FIELDS(items) };
struct KillStorage { Checked<Bytes> keys;  FIELDS(keys) };
struct KillPrefix { Bytes prefix; u32 subkeys{};  FIELDS(prefix, subkeys) };
struct Call : scale::Enum<At<0, Remark>, At<1, SetHeapPages>, At<2, SetCode>, At<3, SetCode>, At<4, SetStorage>, At<5, KillStorage>, At<6, KillPrefix>, At<7, Remark>> {};
}  // namespace system

namespace timestamp {
struct Set { Compact<u64> now;  FIELDS(now) };
struct Call : scale::Enum<At<0, Set>> {};
}  // namespace timestamp

namespace balances {
struct Transfer { AccountId dest; Compact<Balance> value;  FIELDS(dest, value) };
struct ForceTransfer { AccountId source, dest; Compact<Balance> value;  FIELDS(source, dest, value) };
struct TransferAll { AccountId dest; bool keep_alive{};  FIELDS(dest, keep_alive) };
struct ForceUnreserve { AccountId who; Balance amount{};  FIELDS(who, amount) };
struct UpgradeAccounts { Checked<AccountId> who;  FIELDS(who) };
struct Call : scale::Enum<At<0, Transfer>, At<2, ForceTransfer>, At<3, Transfer>, At<4, TransferAll>, At<5, ForceUnreserve>, At<6, UpgradeAccounts>, At<8, Transfer>> {};
}  // namespace balances

namespace contracts {
using Limit = std::optional<Compact<Balance>>;
template <class Gas>
struct CallContract { AccountId dest; Compact<Balance> value; Gas gas; Limit limit; Bytes data;  FIELDS(dest, value, gas, limit, data) };
template <class Gas>
struct InstantiateWithCode { Compact<Balance> value; Gas gas; Limit limit; Bytes code, data, salt;  FIELDS(value, gas, limit, code, data, salt) };
template <class Gas>
struct Instantiate { Compact<Balance> value; Gas gas; Limit limit; Hash code_hash; Bytes data, salt;  FIELDS(value, gas, limit, code_hash, data, salt) };
struct UploadCode { Bytes code; Limit limit; Determinism determinism{};  FIELDS(code, limit, determinism) };
struct RemoveCode { Hash code_hash;  FIELDS(code_hash) };
struct SetCode { AccountId dest; Hash code_hash;  FIELDS(dest, code_hash) };
struct Migrate { Weight limit;  FIELDS(limit) };
struct Call
    : scale::Enum<At<0, CallContract<Compact<u64>>>, At<1, InstantiateWithCode<Compact<u64>>>, At<2, Instantiate<Compact<u64>>>, At<3, UploadCode>, At<4, RemoveCode>,
                  At<5, SetCode>, At<6, CallContract<Weight>>, At<7, InstantiateWithCode<Weight>>, At<8, Instantiate<Weight>>, At<9, Migrate>> {};
}  // namespace contracts

constexpr u8 timestamp_index = 1;
struct RuntimeCall : scale::Enum<At<pallet_index::system, system::Call>, At<timestamp_index, timestamp::Call>, At<pallet_index::balances, balances::Call>,
                                 At<pallet_index::contracts, contracts::Call>> {};

}  // namespace

bool is_runtime_call(ByteView bytes) { return scale::decode<RuntimeCall>(bytes).has_value(); }

}  // namespace phala::engine
