// How fast a new worker follows a chain that is long already: batches as the relay brings them (its default size), through the service that the program
// runs: decoded, checked by the light client, dispatched, written to disk as sealed frames and synced before the next is taken.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>

#include "api/service.hpp"
#include "plan/view.hpp"
#include "primitives/protocol.hpp"

namespace phala::worker {
namespace {

namespace fs = std::filesystem;
namespace topic = protocol::topic;

/// A chain that exists only as headers and messages.
class LongChain {
 public:
  explicit LongChain(size_t messages) : messages_(messages) {}
  MachineConfig config() const { return {{genesis_, light::TrustedSealer{sealer_.public_key}}, true}; }

  /// The next blocks, encoded as they come over the wire.
  Bytes batch(u32 blocks) {
    light::Batch out;
    for (u32 i = 0; i < blocks; ++i) {
      const BlockNumber number = head_.number + 1;
      BlockMessages messages{number, 1'700'000'000'000 + u64{number} * 3000, {}, {}};
      for (size_t m = 0; m < messages_; ++m) say(messages, number, m);
      total_ += messages.leaves.size();
      log_root_ = next_message_root(log_root_, number, messages.now_ms, messages.leaves);
      head_ = {head_hash_, number, log_root_, log_root_, {}};   // the two roots of state and extrinsics: any hashes
      head_.digest.logs.push_back(digest::Consensus{message_log_engine, scale::encode(MessageLogDigest{log_root_, messages.now_ms, total_})});
      head_hash_ = head_.hash();
      out.headers.push_back(head_);
      out.messages.push_back(std::move(messages));
    }
    out.finality = light::seal(sealer_, head_hash_);
    return scale::encode(out);
  }

 private:
  /// What a busy chain tells its workers: of each ten, a heartbeat challenge, two events of other workers, four encrypted commands to contracts
  /// of other clusters, and three reports to gatekeepers, whose payloads workers do not follow and are not sent.
  void say(BlockMessages& block, BlockNumber number, size_t index) const {
    Message message{MessageOrigin::pallet("phala/computation"), to_bytes(topic::system_event), {}};
    const size_t kind = index % 10;
    if (kind == 0) {
      message.payload = scale::encode(protocol::SystemEvent(protocol::HeartbeatChallenge{{}, {}}));
    } else if (kind < 3) {
      PublicKey other;
      store_le(other.data(), number);
      message.payload = scale::encode(protocol::SystemEvent(protocol::WorkerEventWithKey{other, protocol::Started{number, 0, 0}}));
    } else if (kind < 7) {
      message.sender = MessageOrigin::account(AccountId(Bytes(32, static_cast<u8>(index))));
      message.destination = protocol::contract_command_topic(Hash(Bytes(32, static_cast<u8>(number))));
      message.payload = scale::encode(protocol::CommandPayload(protocol::EncryptedCommand{{{}, {}, Bytes(120, static_cast<u8>(index))}}));
    } else {
      message.sender = origin::Worker{};
      message.destination = to_bytes(topic::working_report);
      message.payload = Bytes(60, static_cast<u8>(number));
    }
    block.leaves.push_back(Leaf::of(message));
    block.payloads.push_back(follows(message.destination) ? std::optional(std::move(message.payload)) : std::nullopt);
  }

  crypto::Ed25519Pair sealer_ = crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 50)));
  Hash genesis_{Bytes(32, 9)};
  Header head_{};
  Hash head_hash_ = genesis_, log_root_;
  u64 total_ = 0;
  size_t messages_;
};

/// Memory of this process in MiB: the generator keeps one batch, all else is the worker's.
double resident_mib() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

/// Time of one iteration = one batch.
void sync(benchmark::State& state) {
  const u32 blocks = relay::Limits{}.batch_blocks;
  LongChain chain(static_cast<size_t>(state.range(0)));
  std::string folder = (fs::temp_directory_path() / "phala-sync-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return state.SkipWithError("no temporary folder");
  {
    const auto files = open_folder(folder);
    egress::HttpEgress http{{}};
    Metrics metrics;
    ServiceConfig config;
    config.machine = chain.config();
    const auto service = files ? Service::start(std::move(config), Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 1))), no_evidence(), **files, http, metrics) : fail(files.error());
    if (!service) state.SkipWithError(service.error().text().c_str());
    for (auto _ : state) {
      const Bytes batch = chain.batch(blocks);
      const auto begin = std::chrono::steady_clock::now();
      const auto synced = (*service)->sync(batch);
      state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      if (!synced || (*service)->notes() != 0) {
        state.SkipWithError(synced ? "a message was refused" : synced.error().text().c_str());
        break;
      }
    }
    state.counters["rss_mib"] = resident_mib();
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * blocks));
}
BENCHMARK(sync)->ArgName("messages")->Arg(0)->Arg(10)->Unit(benchmark::kMillisecond)->UseManualTime()->Iterations(200);

}  // namespace
}  // namespace phala::worker
