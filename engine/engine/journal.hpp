#pragma once
// Why: a run changes the state of many frames, each of which may be undone. All writes go through one journal over an
// immutable state: reading sees the newest write, a checkpoint costs nothing, undoing costs what was done since.

#include <unordered_map>

#include "engine/cluster_state.hpp"

namespace phala::engine {

/// Bytes that the writes of one run may add up to, undone ones included.
constexpr u64 journal_limit_bytes = 64u << 20;

class Journal {
 public:
  /// `base` must outlive the journal.
  explicit Journal(const ClusterState& base) : base_(base) {}

  /// The view is good until the next write of the same key.
  std::optional<ByteView> get(const Bytes& key) const;
  void put(const Bytes& key, Bytes value) { write(key, std::move(value)); }
  void remove(const Bytes& key) { write(key, std::nullopt); }
  /// True once `journal_limit_bytes` were written: the run must end.
  bool overfull() const { return written_bytes_ > journal_limit_bytes; }

  /// Whether the state with these writes would take over `room` bytes more memory than without (`ClusterState::memory_bytes`).
  bool grows_beyond(u64 room) const;

  template <class T>
  std::optional<T> read(const Bytes& key) const {
    const auto raw = get(key);
    if (!raw) return {};
    auto value = scale::decode<T>(*raw);
    if (!value) return {};
    return std::move(*value);
  }

  using Checkpoint = size_t;
  Checkpoint checkpoint() const { return undo_.size(); }
  void rollback(Checkpoint to);

  /// What differs from the base; values that were written back to what they were are left out.
  StateDiff diff() const;
  const ClusterState& base() const { return base_; }

 private:
  struct Hasher {
    size_t operator()(const Bytes& key) const { return std::hash<std::string_view>{}(as_text(key)); }
  };
  using Written = std::optional<Bytes>;   ///< nothing: removed
  void write(const Bytes& key, Written value);

  const ClusterState& base_;
  std::unordered_map<Bytes, Written, Hasher> changed_;
  struct Undo { const Bytes* key; std::optional<Written> before; };   ///< keys of unordered_map nodes do not move
  std::vector<Undo> undo_;
  u64 written_bytes_ = 0;
};

// ---- accounts -------------------------------------------------------------------------------------------------------
/// The least an account must keep (docs/protocol.md §11).
constexpr Balance existential_deposit = 1;

Account account_of(const Journal& journal, const AccountId& who);
/// Writes it, or removes an account that has nothing.
void put_account(Journal& journal, const AccountId& who, const Account& account);
/// What `who` can spend and still exist.
Balance spendable(const Journal& journal, const AccountId& who);
/// Moves free balance; the sender keeps at least the existential deposit. Zero moves nothing and never fails. Nothing moves on error.
Result<void, DispatchError> transfer(Journal& journal, const AccountId& from, const AccountId& to, Balance amount);
/// `transfer` as contracts do it: what goes to oneself does not move, and so is never too much. False: it cannot move.
bool send_value(Journal& journal, const AccountId& from, const AccountId& to, Balance amount);
/// Free balance becomes deposit; at least the existential deposit stays free. False: not enough.
bool hold(Journal& journal, const AccountId& who, Balance amount);
/// Error: overflow.
Result<void, DispatchError> mint(Journal& journal, const AccountId& who, Balance amount);

// ---- code -----------------------------------------------------------------------------------------------------------
/// per_byte·(len + 63) + 2·per_item, saturating (docs/protocol.md §13.4)
Balance code_deposit(const ClusterConfig& config, size_t code_bytes);
/// Stores checked code under its hash.
void put_code(Journal& journal, const CodeInfo& info, ByteView wasm);

Balance saturating_multiply(Balance a, Balance b);
Balance saturating_add(Balance a, Balance b);

}  // namespace phala::engine
