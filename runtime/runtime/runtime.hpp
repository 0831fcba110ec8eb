#pragma once
// Why: this is the whole chain as the node sees it: pure functions from (state, block) to (difference, events, messages).
// The node decides when and with which extrinsics; it never looks inside. Everything here is deterministic and free of
// effects, so that the same code can run as wasm.

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "primitives/extrinsic.hpp"
#include "primitives/message.hpp"
#include "primitives/state.hpp"

namespace phala::runtime {

struct RuntimeVersion {
  std::string spec_name, impl_name;
  u32 authoring_version{}, spec_version{}, impl_version{};
  std::vector<std::pair<FixedBytes<8>, u32>> apis;
  u32 transaction_version{};
  u8 state_version{};
  FIELDS(spec_name, impl_name, authoring_version, spec_version, impl_version, apis, transaction_version, state_version)
};
const RuntimeVersion& version();
/// SCALE of RuntimeMetadataPrefixed (V14), generated once from the pallets' declarations.
const Bytes& metadata();

/// Why an extrinsic cannot be in a block now. SCALE layout is Substrate's TransactionValidityError.
struct TransactionError {
  enum class Kind : u8 {
    call, payment, future, stale, bad_proof, ancient_birth_block, exhausts_resources, custom, bad_mandatory, mandatory_validation, bad_signer,
    cannot_lookup, no_unsigned_validator, unknown_custom, malformed
  };
  Kind kind{};
  u8 custom = 0;
  bool operator==(const TransactionError&) const = default;
};
/// The words that wallets show: "Inability to pay some fees", "Transaction is outdated" …
std::string to_string(const TransactionError& error);

/// What the pool must know of a transaction.
struct ValidTransaction {
  u64 priority{};
  std::vector<Bytes> requires_, provides;   ///< opaque tags; ordering is a graph over them
  u64 longevity{};                          ///< blocks for which the verdict holds if its requirements do
  bool propagate = true;
  AccountId sender{};                       ///< for per-sender limits; zero when unsigned
  SignedContext context{};                  ///< under which its signature is good
};

/// Checks an extrinsic (with its compact length prefix) against a state, as if it were next in the block after `head`. A signature that was found good
/// before is not checked again where `good_under`, the context of that verdict, is still what the extrinsic is signed for: the same runtime, the same birth block.
Result<ValidTransaction, TransactionError> validate(const StateView& state, const Header& head, ByteView extrinsic, const SignedContext* good_under = nullptr);
/// What an extrinsic of that era signs besides its call, in the block after `head`. Error: ancient birth block.
Result<SignedContext, TransactionError> signing_context(const StateView& state, const Header& head, const Era& era);
/// Runs `body(0) … body(n - 1)`, in any order and perhaps on several threads, and returns when all are done.
using ForEach = std::function<void(size_t n, const std::function<void(size_t)>& body)>;
/// One after the other, on this thread.
void in_order(size_t n, const std::function<void(size_t)>& body);

/// The signatures of extrinsics that are to follow `head`, many at once, which costs half of what one after the other does. For each the context
/// under which it is good; nothing where that was not shown, because it or another one of its batch is bad, or there is none: checking it alone tells.
std::vector<std::optional<SignedContext>> check_signatures(const StateView& state, const Header& head, std::span<const Bytes> extrinsics,
                                                           const ForEach& for_each = in_order);

struct ExecutedBlock {
  Header header;                       ///< complete but for `state_root`, which the store computes from `diff`
  std::vector<Bytes> extrinsics;       ///< with their length prefixes
  StateDiff diff;                      ///< against the parent state
  std::vector<Message> messages;       ///< off-chain messages of this block, in log order
  bool runtime_changed = false;
};

/// Executes one block on top of `parent_state`, which must outlive it. Starts with the hooks of the block's beginning and the
/// timestamp inherent; ends with `finish`.
class BlockBuilder {
 public:
  BlockBuilder(const StateView& parent_state, const Header& parent, u64 now_ms);
  ~BlockBuilder();
  BlockBuilder(BlockBuilder&&) noexcept;
  /// Applies one extrinsic. A value (also for a call that failed: that is an event) means it is in the block; an error means it is
  /// not, and nothing changed. `exhausts_resources`: the block is full for its class or for messages, try a smaller one or close the block; in a
  /// block that holds nothing else yet: it will never fit. `good_under`: as of `validate`.
  Result<void, TransactionError> apply(ByteView extrinsic, const SignedContext* good_under = nullptr);
  /// A development chain's override (dev_setStorage, dev_timeTravel): becomes an item of this block's body, so that replay agrees.
  /// Refused unless the chain spec says development. Error: invalid_input for a key that no state can hold.
  Result<> set_storage(const StateDiff& values);
  /// True while there is nothing in it but what every block has.
  bool is_empty() const;
  /// Bytes and reference time used so far, for proposer metrics.
  u64 used_length() const;
  u64 used_ref_time() const;
  ExecutedBlock finish() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Re-executes a whole block (its first extrinsic is the timestamp inherent) and checks everything but the state root against `header`.
/// Errors name the first difference. `for_each` spreads the signature checks; the extrinsics themselves run in their order.
Result<ExecutedBlock> execute_block(const StateView& parent_state, const Header& parent, const Header& header, const std::vector<Bytes>& extrinsics,
                                    const ForEach& for_each = in_order);

/// `state_call`: runtime APIs by name with SCALE arguments, SCALE result. Errors: unknown method, arguments that do not decode.
Result<Bytes> call_api(const StateView& state, const Header& head, std::string_view method, ByteView arguments);

/// Nonce the account's next transaction must have, by the state alone.
u32 account_nonce(const StateView& state, const AccountId& account);

}  // namespace phala::runtime
