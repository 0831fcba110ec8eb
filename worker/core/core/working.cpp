#include "core/working.hpp"

#include "crypto/hash.hpp"

namespace phala::worker {

namespace {

template <class Event>
void report(WorkingTurn& turn, std::string_view topic, const Event& event) {
  push(turn.egress, origin::Worker{turn.identity.public_key()}, turn.identity, topic, scale::encode(event));
}
/// A restarted benchmark counts from zero again.
u64 since(u64 now, u64 start) { return now >= start ? now - start : now; }

Result<> on_own_event(WorkingTurn& turn, const protocol::WorkerEvent& event) {
  Working& s = turn.state;
  if (const auto* e = event.get_if<protocol::Registered>()) {
    s.registered = true;
    s.confidence_level = e->confidence_level;
  } else if (const auto* start = event.get_if<protocol::BenchStart>()) {
    s.bench = BenchState{turn.block, turn.now_ms, turn.iterations, start->duration};
  } else if (const auto* score = event.get_if<protocol::BenchScore>()) {
    s.score = score->score;
  } else if (const auto* started = event.get_if<protocol::Started>()) {
    s.working = WorkingState{started->session_id, false, turn.now_ms, turn.iterations};
  } else if (event.is<protocol::Stopped>()) {
    s.working.reset();
  } else {
    const bool enter = event.is<protocol::EnterUnresponsive>();
    if (!s.working || s.working->paused == enter)
      return fail(ErrorCode::refused, enter ? "called unresponsive while not computing" : "called responsive while not paused");
    s.working->paused = enter;
  }
  return {};
}

}  // namespace

bool is_challenged(const PublicKey& key, const protocol::HeartbeatChallenge& challenge) {
  const Hash id = crypto::blake2_256(key);
  for (size_t i = 0; i < 32; ++i) {   // from the most significant byte
    const u8 distance = id[i] ^ challenge.seed[31 - i], target = challenge.online_target[31 - i];
    if (distance != target) return distance < target;
  }
  return true;
}

Result<> on_system_event(WorkingTurn& turn, const MessageOrigin& sender, const protocol::SystemEvent& event) {
  if (!sender.is<origin::Pallet>()) return fail(ErrorCode::refused, "sent by " + to_string(sender) + ", which is no pallet");
  if (const auto* own = event.get_if<protocol::WorkerEventWithKey>()) {
    if (own->pubkey != turn.identity.public_key()) return {};
    return on_own_event(turn, own->event);
  }
  const Working& s = turn.state;
  if (!s.registered || !s.working || s.working->paused) return {};
  if (!is_challenged(turn.identity.public_key(), *event.get_if<protocol::HeartbeatChallenge>())) return {};
  report(turn, protocol::topic::working_report,
         WorkingReportEvent(HeartbeatV2{s.working->session_id, turn.block, turn.now_ms, since(turn.iterations, s.working->start_iterations), turn.clusters, turn.contracts}));
  return {};
}

void on_block_end(WorkingTurn& turn) {
  auto& bench = turn.state.bench;
  if (!bench || turn.block - bench->start_block < bench->duration) return;
  report(turn, protocol::topic::registry_event, protocol::RegistryEvent(protocol::BenchReport{bench->start_time_ms, since(turn.iterations, bench->start_iterations)}));
  bench.reset();
}

}  // namespace phala::worker
