#include "seal/chain.hpp"

#include "crypto/hash.hpp"

namespace phala::node {

Hash Chain::genesis_hash(const runtime::ChainSpec& spec) { return runtime::build_genesis(spec).header.hash(); }

Result<std::unique_ptr<Chain>> Chain::open(const std::string& path, store::Options options, const runtime::ChainSpec& spec) {
  auto genesis = runtime::build_genesis(spec);
  const Hash hash = genesis.header.hash();
  options.genesis = hash;
  auto store = TRY(store::ChainStore::open(path, options));
  if (store.empty()) TRY(store.commit_genesis(std::move(genesis.state), genesis.header));
  std::unique_ptr<Chain> chain(new Chain(std::move(store), hash));
  TRY(chain->publish());
  return chain;
}

ViewRef Chain::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

Result<> Chain::publish() {
  auto view = std::make_shared<View>();
  view->snapshot = store_.snapshot();
  const auto& head = view->snapshot->head();
  view->state = TRY(view->snapshot->state_at(head.number));
  const auto header = TRY(view->snapshot->header(head.number));
  if (!header) return fail(ErrorCode::corrupted, "the header of the head, block " + std::to_string(head.number) + ", is missing", "restore the base path from a copy, or start anew");
  view->header = *header;
  view->hash = head.hash;
  view->genesis = genesis_;
  const std::lock_guard lock(mutex_);
  view_ = std::move(view);
  return {};
}

Result<Candidate> Chain::finish(runtime::ExecutedBlock executed) {
  if (auto failure = view()->state->failure()) return fail(std::move(*failure).in("read state"));
  auto prepared = TRY(store_.prepare(executed.diff));
  Header header = executed.header;
  header.state_root = prepared.state_root();
  return Candidate{std::move(header), std::move(executed), std::move(prepared)};
}

Result<Candidate> Chain::build(u64 now_ms, const std::function<void(runtime::BlockBuilder&)>& fill) {
  const auto parent = view();
  runtime::BlockBuilder builder(*parent->state, parent->header, now_ms);
  fill(builder);
  return finish(std::move(builder).finish());
}

Result<Candidate> Chain::replay(const Header& header, const std::vector<Bytes>& extrinsics, const runtime::ForEach& for_each) {
  const auto parent = view();
  auto candidate = TRY(finish(TRY(runtime::execute_block(*parent->state, parent->header, header, extrinsics, for_each))));
  if (candidate.header.state_root != header.state_root)
    return fail(ErrorCode::invalid_input, "block " + std::to_string(header.number) + ": state root is " + to_hex0x(header.state_root) + ", executed " + to_hex0x(candidate.header.state_root));
  return candidate;
}

Result<> Chain::commit(Candidate candidate, const light::FinalityProof& proof) {
  Imported imported;
  imported.runtime_changed = candidate.executed.runtime_changed;
  ChangedKeys changed;
  for (const auto& [key, value] : candidate.executed.diff) changed.emplace_hint(changed.end(), key);
  imported.changed = std::make_shared<const ChangedKeys>(std::move(changed));
  for (const auto& extrinsic : candidate.executed.extrinsics) imported.extrinsics.push_back(crypto::blake2_256(extrinsic));
  store::Block block;
  block.messages.number = candidate.header.number;
  block.messages.now_ms = TRY(message_log_of(candidate.header)).now_ms;
  for (auto& message : candidate.executed.messages) {
    block.messages.leaves.push_back(Leaf::of(message));
    block.messages.payloads.emplace_back(std::move(message.payload));
  }
  block.header = std::move(candidate.header);
  block.body = std::move(candidate.executed.extrinsics);
  block.justification = scale::encode(proof);
  TRY(store_.commit(block, std::move(candidate.state)).context("block " + std::to_string(block.header.number)));
  TRY(publish());
  imported.view = view();
  for (const auto& observer : observers_) observer(imported);
  return {};
}

}  // namespace phala::node
