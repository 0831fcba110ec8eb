// The life of a block: beginning, timestamp, extrinsics, end; and the same again for a block of somebody else's.
#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "runtime/check.hpp"
#include "trie/root.hpp"

namespace phala::runtime {

static_assert(max_state_key_bytes == trie::max_key_bytes);

struct BlockBuilder::State {
  State(const StateView& parent_state, const Header& parent) : pallets(parent_state), parent_log(message_log_of(parent).value_or(MessageLogDigest{})) {}

  Pallets pallets;
  MessageLogDigest parent_log;
  Hash parent_hash;
  BlockNumber number = 0;
  u64 now_ms = 0;
  std::vector<Bytes> extrinsics;
  u64 length = 0;

  u32 next_index() const { return static_cast<u32>(extrinsics.size()); }
  void include(ByteView extrinsic) {
    extrinsics.push_back(to_bytes(extrinsic));
    length += extrinsic.size();
  }
  /// One of our own making. It decodes, and its place is before any extrinsic that could fill the block.
  Checked include_bare(const RuntimeCall& call, const Origin& origin) {
    const Bytes extrinsic = encode_extrinsic({}, scale::encode(call));
    const auto x = TRY(check_extrinsic(pallets, extrinsic));
    TRY(apply_bare(pallets, next_index(), x, origin));
    include(extrinsic);
    return {};
  }
};

BlockBuilder::BlockBuilder(const StateView& parent_state, const Header& parent, u64 now_ms) : state_(std::make_unique<State>(parent_state, parent)) {
  auto& p = state_->pallets;
  state_->number = parent.number + 1;
  state_->parent_hash = parent.hash();
  p.system.begin_block(state_->number, state_->parent_hash);
  auto used = p.system.block_weight.get();
  used.mandatory += p.on_initialize(state_->number);
  p.system.block_weight.put(used);
  p.timestamp.reset();
  state_->now_ms = p.timestamp.next(now_ms);
  const auto set = state_->include_bare(RuntimeCall::of<Timestamp>(Timestamp::Set{state_->now_ms}), Origin::none());
  PHALA_ASSERT(set.has_value());   // whatever is in the state: `reset` and `next` see to it
}

BlockBuilder::~BlockBuilder() = default;
BlockBuilder::BlockBuilder(BlockBuilder&&) noexcept = default;

Result<void, TransactionError> BlockBuilder::apply(ByteView extrinsic, const SignedContext* good_under) {
  const auto x = TRY(check_extrinsic(state_->pallets, extrinsic, good_under));
  if (!x.signer) return refuse(x.info.class_ == DispatchClass::mandatory ? TransactionError::Kind::mandatory_validation : TransactionError::Kind::no_unsigned_validator);
  TRY(apply_signed(state_->pallets, state_->next_index(), x));
  state_->include(extrinsic);
  return {};
}

Result<> BlockBuilder::set_storage(const StateDiff& values) {
  auto& p = state_->pallets;
  if (!p.system.development.get())
    return fail(ErrorCode::refused, "this chain is not a development chain: its storage cannot be overridden", "start one with `phala dev`");
  System::SetStorage set;
  System::KillStorage kill;
  for (const auto& [key, value] : values) {
    if (key.size() > max_state_key_bytes)
      return fail(ErrorCode::invalid_input, "override of storage: a key has " + std::to_string(key.size()) + " bytes, the limit is " + std::to_string(max_state_key_bytes));
    if (value) set.items.emplace_back(key, *value);
    else kill.keys.push_back(key);
  }
  const Utility::BatchAll both{{RuntimeCall::of<System>(set), RuntimeCall::of<System>(kill)}};
  const auto done = state_->include_bare(RuntimeCall::of<Utility>(both), Origin::root());
  if (!done) return fail(ErrorCode::refused, "override of storage: " + to_string(done.error()), "override less at once");
  return {};
}

bool BlockBuilder::is_empty() const { return state_->extrinsics.size() == 1; }
u64 BlockBuilder::used_length() const { return state_->length; }
u64 BlockBuilder::used_ref_time() const {
  const auto used = state_->pallets.system.block_weight.get();
  return (used.normal + used.operational + used.mandatory).ref_time;
}

ExecutedBlock BlockBuilder::finish() && {
  auto& p = state_->pallets;
  p.state().phase = {Phase::Kind::finalization, 0};
  p.timestamp.reset();
  p.payment.end_block();

  ExecutedBlock out;
  out.messages = p.outbox.outbound.get();
  std::vector<Leaf> leaves;
  for (const auto& message : out.messages) leaves.push_back(Leaf::of(message));
  const u64 now = state_->now_ms;
  const MessageLogDigest log{next_message_root(state_->parent_log.root, state_->number, now, leaves), now, state_->parent_log.total + leaves.size()};
  // the header commits to what was said, never to what the state says of itself
  out.header.digest.logs.push_back(phala::digest::Consensus{message_log_engine, scale::encode(log)});

  out.header.parent_hash = state_->parent_hash;
  out.header.number = state_->number;
  out.header.extrinsics_root = trie::ordered_root(state_->extrinsics);
  p.system.end_block(state_->next_index(), out.header.digest);
  out.extrinsics = std::move(state_->extrinsics);
  out.diff = p.state().diff();
  return out;
}

namespace {
auto wrong(const Header& header, std::string what) { return fail(ErrorCode::invalid_input, "block " + std::to_string(header.number) + ": " + std::move(what)); }

/// The bare call of an extrinsic, or null.
std::optional<RuntimeCall> bare_call(ByteView extrinsic) {
  const auto parts = split_extrinsic(extrinsic);
  if (!parts || parts->signature) return std::nullopt;
  auto call = scale::decode<RuntimeCall>(parts->call);
  if (!call) return std::nullopt;
  return std::move(*call);
}
}  // namespace

Result<ExecutedBlock> execute_block(const StateView& parent_state, const Header& parent, const Header& header, const std::vector<Bytes>& extrinsics,
                                    const ForEach& for_each) {
  if (header.number.value != parent.number.value + 1) return wrong(header, "does not follow block " + std::to_string(parent.number));
  if (header.parent_hash != parent.hash()) return wrong(header, "has the parent " + to_hex0x(header.parent_hash) + ", not " + to_hex0x(parent.hash()));
  if (extrinsics.empty()) return wrong(header, "has no extrinsics, not even its timestamp");
  const auto first = bare_call(extrinsics[0]);
  const auto* call = first ? first->get_if<Timestamp>() : nullptr;
  if (!call) return wrong(header, "its first extrinsic is not the timestamp");

  const auto good = check_signatures(parent_state, parent, extrinsics, for_each);
  BlockBuilder builder(parent_state, parent, call->get_if<Timestamp::Set>()->now);
  for (size_t i = 1; i < extrinsics.size(); ++i) {
    if (const auto bare = bare_call(extrinsics[i])) {
      // only a development override is bare, and it is what `set_storage` would have made
      const auto* utility = bare->get_if<Utility>();
      const auto* batch = utility ? utility->get_if<Utility::BatchAll>() : nullptr;
      if (!batch) return wrong(header, "extrinsic " + std::to_string(i) + " is not signed");
      StateDiff values;
      for (const auto& item : batch->calls) {
        const auto* system = item.get_if<System>();
        if (const auto* set = system ? system->get_if<System::SetStorage>() : nullptr)
          for (const auto& [key, value] : set->items) values[key] = value;
        if (const auto* kill = system ? system->get_if<System::KillStorage>() : nullptr)
          for (const auto& key : kill->keys) values[key] = std::nullopt;
      }
      TRY(builder.set_storage(values).context("block " + std::to_string(header.number)));
    } else if (const auto applied = builder.apply(extrinsics[i], good[i] ? &*good[i] : nullptr); !applied) {
      return wrong(header, "extrinsic " + std::to_string(i) + ": " + to_string(applied.error()));
    }
  }
  auto out = std::move(builder).finish();
  for (size_t i = 0; i < extrinsics.size(); ++i)
    if (out.extrinsics[i] != extrinsics[i]) return wrong(header, "extrinsic " + std::to_string(i) + " is not what this chain would have included");
  if (out.header.extrinsics_root != header.extrinsics_root)
    return wrong(header, "extrinsics root is " + to_hex0x(header.extrinsics_root) + ", executed " + to_hex0x(out.header.extrinsics_root));
  if (!(out.header.digest == header.digest))
    return wrong(header, "digest is " + to_hex0x(scale::encode(header.digest)) + ", executed " + to_hex0x(scale::encode(out.header.digest)));
  return out;
}

u32 account_nonce(const StateView& state, const AccountId& account) { return Pallets(state).system.account.get(account).nonce; }

}  // namespace phala::runtime
