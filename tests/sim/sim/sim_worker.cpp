#include "sim/sim_worker.hpp"

namespace phala::sim {

using namespace worker;

SimWorker::SimWorker(const World& world, const MachineConfig& config, Chance& chance)
    : world_(&world), config_(&config), chance_(&chance), identity_(crypto::Sr25519Pair::from_seed(crypto::Seed(chance.bytes(32)))) {}

Result<> SimWorker::start() {
  disk_.crash([this](u64 n) { return chance_->below(n); });
  auto [store, recovered] = TRY(StateStore::open(disk_, storage_key(identity_), [this](u8* to, size_t n) { chance_->fill(to, n); }));
  Machine machine = recovered.image ? TRY(machine_from(*recovered.image)) : genesis(*config_);
  if (recovered.image) {   // what is as at genesis need not be on disk
    Image expected = image_of(genesis(*config_));
    for (const auto& [key, value] : *recovered.image) expected[key] = value;
    if (image_of(machine) != expected) return fail(ErrorCode::corrupted, "a machine read from its image has another image");
  }
  live_.emplace(Live{std::move(machine), std::move(store)});
  return {};
}

Result<> SimWorker::keep(const Machine& next, const StateDiff& cluster_diff) {
  const StateFrame frame{next.tip.number, next.tip.total, difference(live_->machine, next, cluster_diff), {}};
  auto kept = live_->store.append(frame);
  if (kept && live_->store.frame_bytes() > 200'000)
    kept = live_->store.snapshot(
        [&](const StateStore::Visit& visit) {
          for (const auto& [key, value] : image_of(next)) visit(key, value);
        },
        next.tip.number);
  if (!kept) {   // the disk failed: the program ends here, and nobody heard of what it did not keep
    stop();
    return fail(ErrorCode::unavailable, "lost power");
  }
  live_->machine = next;
  return {};
}

Result<BlockNumber> SimWorker::sync(const light::Batch& batch) {
  const SecretBytes<32> entropy(chance_->bytes(32));
  const Turn turn{*config_, identity_, *world_->engine, entropy, 0};
  auto done = TRY(dispatch(live_->machine, turn, batch));
  TRY(keep(done.machine, done.cluster_diff));
  for (auto& note : done.report.notes) notes_.push_back(std::move(note));
  return live_->machine.tip.number + 1;
}

Result<> SimWorker::settle(std::span<const Bytes> proof) {
  const Machine next = TRY(settle_at_tip(live_->machine, *config_, identity_.public_key(), proof));
  if (difference(live_->machine, next, {}).empty()) return {};
  return keep(next, {});
}

Result<Bytes> SimWorker::query(ByteView encrypted, const SignatureChain& chain) {
  const QuerySnapshot snapshot = snapshot_of(live_->machine);
  const OpenQuery open = TRY(open_query(identity_, encrypted, chain, snapshot.block, known_certificates_));
  const auto no_logs = [](std::string_view, const AccountId&) { return std::string("{}"); };
  const auto run = TRY(run_query(*world_->engine, snapshot, identity_.public_key(), open, nullptr, no_logs));
  return seal_answer(identity_, open, run.answer, crypto::Iv(chance_->bytes(12)));
}

relay::WorkerReport SimWorker::report() const {
  relay::WorkerReport out;
  out.key = identity_.public_key();
  out.next_block = machine().tip.number + 1;
  out.version = registration().version;
  out.can_register = machine().tip.number > 0;
  if (!check_service(machine().requirements, config_->build, machine().tip.number)) return out;   // it keeps its messages until it is settled
  for (const auto& [sender, messages] : first_messages(machine().egress).streams)
    for (const auto& message : messages) out.egress[scale::encode(sender)].push_back(message.sequence);
  return out;
}

protocol::WorkerRegistrationInfoV2 SimWorker::registration() const {
  return {1u << 16, {}, identity_.public_key(), identity_.public_key(), config_->trust.genesis_hash, {1, 1}, std::nullopt, 0, 0};
}

}  // namespace phala::sim
