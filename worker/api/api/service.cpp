#include "api/service.hpp"

#include "log/log.hpp"
#include "seal/sealing.hpp"

namespace phala::worker {

namespace {

constexpr size_t max_endpoint_bytes = 2048;

/// More at once, and queries that come would take the processor from those that run.
constexpr unsigned threads_that_open = 2;
constexpr size_t queries_unopened = 256;

const std::vector<double> latency_bounds{0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60};

std::optional<BlockNumber> block_of(const LogRecord& record) {
  if (const auto* log = record.get_if<record::Log>()) return log->block;
  if (const auto* event = record.get_if<record::Event>()) return event->block;
  if (const auto* output = record.get_if<record::MessageOutput>()) return output->block;
  return std::nullopt;
}

struct Logs { LogRing ring; LogStore store; };

/// Where the state went back, or was removed, the relay brings its blocks again, and what they log would be there twice: records above `height` go, on
/// disk too. What is left is written anew.
Result<Logs> open_logs(Files& files, const crypto::Key32& key, u64 capacity, BlockNumber height, std::vector<std::string>& warnings) {
  LogRing ring(capacity);
  auto store = TRY(LogStore::open(files, key, random_fill, capacity, ring, warnings));
  std::vector<NumberedRecord> kept;
  size_t ahead = 0;
  ring.view().for_each(0, [&](const NumberedRecord& record) {
    if (block_of(record.record).value_or(0) > height) ++ahead;
    else kept.push_back(record);
    return true;
  });
  if (ahead == 0) return Logs{std::move(ring), std::move(store)};

  warnings.push_back(std::to_string(ahead) + " log records of blocks after " + std::to_string(height) + " are dropped: those blocks will come again");
  for (const auto& name : TRY(files.list()))
    if (name.starts_with("log-")) TRY(files.remove(name));
  LogRing cut(capacity);
  cut.skip_to(ring.next_sequence());
  auto fresh = TRY(LogStore::open(files, key, random_fill, capacity, cut, warnings));
  constexpr size_t records_per_frame = 1000;
  for (size_t at = 0; at < kept.size(); at += records_per_frame) {
    const std::vector<NumberedRecord> group(kept.begin() + static_cast<long>(at), kept.begin() + static_cast<long>(std::min(kept.size(), at + records_per_frame)));
    TRY(fresh.append(group));
    for (const auto& record : group) cut.restore(record);
  }
  TRY(fresh.sync());
  return Logs{std::move(cut), std::move(fresh)};
}

}  // namespace

Result<std::unique_ptr<Service>> Service::start(ServiceConfig config, Sr25519Pair identity, EvidenceCollector evidence, Files& files, egress::HttpEgress& http, Metrics& metrics) {
  const auto key = storage_key(identity);
  auto [store, found] = TRY(StateStore::open(files, key, random_fill).context("the worker's state"));
  auto [ring, logs] = TRY(open_logs(files, key, config.log_bytes, found.height, found.warnings).context("log records"));
  for (const auto& warning : found.warnings) log::warn("state", "{}", warning);
  // records of transactions that a crash kept from the log's own files
  std::vector<NumberedRecord> missed;
  for (auto& record : found.records)
    if (ring.restore(record)) missed.push_back(std::move(record));
  if (auto kept = logs.append(missed); !kept) log::warn("logs", "{}", kept.error().text());

  Machine machine = genesis(config.machine);
  if (found.image) {
    machine = TRY(machine_from(*found.image));
    wipe_keys(*found.image);
  } else {
    StateFrame first;
    for (auto& [k, v] : image_of(machine)) first.diff[k] = v;
    TRY(store.append(first));
  }
  // a run for every query thread, and one that is kept for transactions: a block never waits for queries
  auto engine = TRY(engine::Engine::create({.concurrent_runs = config.query_threads + 1, .images = config.images}).context("--cores"));
  log::info("state", "block {} ({})", machine.tip.number, to_hex0x(machine.tip.hash));
  return std::unique_ptr<Service>(new Service(std::move(config), std::move(identity), std::move(evidence), files, http, metrics, std::move(engine), std::move(store), std::move(ring),
                                              std::move(logs), std::move(machine)));
}

Service::Service(ServiceConfig config, Sr25519Pair identity, EvidenceCollector evidence, Files&, egress::HttpEgress& http, Metrics& metrics,
                 std::unique_ptr<engine::Engine> engine, StateStore store, LogRing ring, LogStore logs, Machine machine)
    : config_(std::move(config)), identity_(std::move(identity)), http_(http), engine_(std::move(engine)),
      registration_({config_.version, {}, identity_.public_key(), identity_.public_key(), config_.machine.trust.genesis_hash, cpu_features(config_.cores), {}, 0, max_consensus_version}, std::move(evidence)),
      benchmark_(config_.cores), store_(std::move(store)), last_snapshot_s_(unix_time_ms() / 1000), ring_(std::move(ring)), logs_(std::move(logs)),
      notes_(metrics.counter("phala_worker_notes_total", "Messages that were refused or failed")),
      blocks_(metrics.counter("phala_worker_blocks_total", "Blocks processed")),
      hooks_(metrics.counter("phala_worker_hooks_total", "Hooks of contracts that ran at the end of a block")),
      hooks_deferred_(metrics.counter("phala_worker_hooks_deferred_total", "Hooks that had to wait for a later block, once for each block they waited")),
      hook_gas_(metrics.counter("phala_worker_hook_gas_total", "Gas that hooks used")),
      queries_(metrics.counter("phala_worker_queries_total", "Contract queries that ran")),
      queries_dropped_(metrics.counter("phala_worker_queries_dropped_total", "Contract queries refused for want of room")),
      query_seconds_(metrics.histogram("phala_worker_query_seconds", "Duration of contract queries", latency_bounds)),
      dispatch_seconds_(metrics.histogram("phala_worker_dispatch_seconds", "Duration of dispatched batches, written to disk", latency_bounds)),
      height_(metrics.gauge("phala_worker_block_height", "Last processed block")),
      pending_(metrics.gauge("phala_worker_pending_messages", "Messages the chain is not proven to have")),
      frame_bytes_(metrics.gauge("phala_worker_frame_bytes", "Bytes of frames since the last snapshot")),
      running_(metrics.gauge("phala_worker_queries_running", "Contract queries that run now")),
      pool_({config_.query_threads, config_.query_backlog, threads_that_open, queries_unopened}),
      clock_([this](const std::stop_token& stop) { tick(stop); }) {
  publish(std::move(machine));
}

Service::~Service() {
  stopping_ = true;
  pool_.stop();
  const std::lock_guard lock(log_mutex_);
  if (auto synced = logs_.sync(); !synced) log::warn("logs", "{}", synced.error().text());
}

void Service::tick(const std::stop_token& stop) const {
  constexpr auto period = std::chrono::milliseconds(100);
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  while (!stopped.wait_for(lock, stop, period, [&] { return stop.stop_requested(); })) engine_->tick();
}

std::shared_ptr<const Service::Published> Service::published() const {
  const std::lock_guard lock(machine_mutex_);
  return published_;
}

std::shared_ptr<const Machine> Service::machine() const {
  const auto now = published();
  return {now, &now->machine};
}

Hash Service::cluster_root() const {
  const auto now = published();
  std::call_once(now->rooted, [&] {
    if (now->machine.cluster) now->root = now->machine.cluster->state.root();
  });
  return now->root;
}

void Service::publish(Machine machine) {
  const auto next = std::make_shared<const Published>(std::move(machine));
  const Machine& now = next->machine;
  benchmark_.run(now.working.wants_benchmark() && !now.cluster);
  height_.set(now.tip.number);
  pending_.set(static_cast<double>(pending(now.egress)));
  frame_bytes_.set(static_cast<double>(store_.frame_bytes()));
  {
    const std::lock_guard lock(cache_.mutex);
    std::map<Hash, u32> weights;
    if (now.cluster)
      for (const auto& [id, entry] : now.cluster->contracts) weights[id] = entry.weight;
    cache_.cache.set_weights(weights);
  }
  const std::lock_guard lock(machine_mutex_);
  published_ = next;
}

Result<> Service::commit(Dispatched dispatched) {
  const auto before = machine();
  StateFrame frame{dispatched.machine.tip.number, dispatched.machine.tip.total, difference(*before, dispatched.machine, dispatched.cluster_diff), {}};
  {
    // numbers are given and written under one lock, so that queries that log meanwhile get later ones
    const std::lock_guard lock(log_mutex_);
    frame.records = ring_.numbered(std::move(dispatched.report.records));
    auto written = store_.append(frame);
    wipe_keys(frame.diff);
    disk_works_ = written.has_value();
    TRY(std::move(written));
    for (auto& record : frame.records) ring_.restore(record);
    if (auto kept = logs_.append(frame.records); !kept) log::warn("logs", "log records are kept in memory only: {}", kept.error().text());
  }
  publish(std::move(dispatched.machine));
  keep_report(dispatched.report);
  return {};
}

void Service::keep_report(const Report& report) {
  for (const Note& note : report.notes) log::info("messages", "block {}: {}: {}", note.block, note.topic, note.error.text());
  notes_.add(report.notes.size());
  hooks_.add(report.hooks.ran);
  hooks_deferred_.add(report.hooks.deferred);
  hook_gas_.add(report.hooks.gas);
  for (const auto& block : report.event_blocks) log::debug("event_chain", "block {} signature {}", to_hex0x(block.block), to_hex0x(block.signature));
  change_cache(report.cache);
}

void Service::change_cache(const std::vector<CacheChange>& changes) {
  if (changes.empty()) return;
  const std::lock_guard lock(cache_.mutex);
  const u64 now = unix_time_ms() / 1000;
  for (const auto& change : changes) {
    if (change.value) static_cast<void>(cache_.cache.set(change.contract, change.key, *change.value, now));
    else if (change.expire_seconds) cache_.cache.expire(change.contract, change.key, *change.expire_seconds, now);
    else cache_.cache.remove(change.contract, change.key, now);
  }
}

Result<BlockNumber> Service::sync(ByteView encoded) {
  const auto batch = TRY(scale::decode<light::Batch>(encoded).map_error(scale::to_error).context("batch"));
  const std::lock_guard lock(dispatch_mutex_);
  const auto begin = std::chrono::steady_clock::now();
  SecretBytes<32> entropy;
  random_fill(entropy.data(), entropy.size());
  const Turn turn{config_.machine, identity_, *engine_, entropy, benchmark_.iterations()};
  auto dispatched = TRY(dispatch(*machine(), turn, batch));
  TRY(commit(std::move(dispatched)));
  blocks_.add(batch.headers.size());
  dispatch_seconds_.observe(seconds_since(begin));
  snapshot_if_due();
  return machine()->tip.number + 1;
}

Result<u64> Service::settle(std::span<const Bytes> proof) {
  const std::lock_guard lock(dispatch_mutex_);
  const auto now = machine();
  Dispatched settled{TRY(settle_at_tip(*now, config_.machine, public_key(), proof)), {}, {}};
  if (!difference(*now, settled.machine, {}).empty()) TRY(commit(std::move(settled)));
  return pending(machine()->egress);
}

void Service::snapshot_if_due() {
  const u64 now = unix_time_ms() / 1000;
  if (store_.frame_bytes() < config_.snapshot_frame_bytes && now < last_snapshot_s_ + config_.snapshot_interval_s) return;
  last_snapshot_s_ = now;
  {
    // frames hold the only safe copy of new log records, and the oldest frames go with a snapshot
    const std::lock_guard lock(log_mutex_);
    if (auto synced = logs_.sync(); !synced) return log::warn("state", "no snapshot: {}", synced.error().text());
  }
  const auto value = machine();
  const auto written = store_.snapshot([&](const StateStore::Visit& visit) { visit_image(*value, visit); }, value->tip.number);
  if (!written) log::warn("state", "{}", written.error().text());
  else log::info("state", "snapshot at block {}", value->tip.number);
}

// ---- registration and endpoints -----------------------------------------------------------------------------------------

Result<RegistrationResponse> Service::registration(const std::optional<AccountId>& operator_, bool refresh) {
  TRY(check_build(machine()->requirements, config_.machine.build));
  // evidence for a state that never met the chain would vouch for nothing
  if (machine()->tip.number == 0) return fail(ErrorCode::unavailable, "no block of the chain was seen yet", "let the relay bring some first");
  return registration_.get(operator_, refresh, unix_time_ms() / 1000);
}

Result<Service::SignedEndpoints> Service::sign_endpoints(std::vector<std::string> endpoints) const {
  if (endpoints.empty()) return fail(ErrorCode::not_found, "no endpoint is set", "start the worker with --endpoint URL");
  const auto tip = machine()->tip;
  if (tip.number == 0) return fail(ErrorCode::unavailable, "no block of the chain was seen yet", "let the relay bring some first");
  SignedEndpoints out{scale::encode(protocol::WorkerEndpointPayload{public_key(), protocol::VersionedWorkerEndpointsV1{std::move(endpoints)}, tip.now_ms}), {}};
  if (out.payload.size() > max_endpoint_bytes) return fail(ErrorCode::invalid_input, "the endpoints take more than " + std::to_string(max_endpoint_bytes) + " bytes");
  out.signature = identity_.sign(wrap_content(out.payload, SignedContent::endpoint_info));
  return out;
}

void Service::set_endpoints(std::vector<std::string> endpoints) {
  http_.set_own_endpoints(endpoints);
  const std::lock_guard lock(machine_mutex_);
  endpoints_ = std::move(endpoints);
}
std::vector<std::string> Service::endpoints() const {
  const std::lock_guard lock(machine_mutex_);
  return endpoints_;
}

crypto::Signature Service::sign_response(ByteView body) const { return identity_.sign(wrap_content(body, SignedContent::rpc_response)); }

std::optional<std::string> Service::not_ready() const {
  const auto value = machine();
  if (!disk_works_) return "the disk refuses writes";
  if (value->tip.number == 0) return "no block yet";
  if (!value->working.registered) return "not registered";
  if (!caught_up(*value)) return "behind the chain";
  if (const auto accepted = check_service(value->requirements, config_.machine.build, value->tip.number); !accepted) return accepted.error().text();
  return std::nullopt;
}

u64 Service::uptime_s() const { return static_cast<u64>(seconds_since(started_)); }

}  // namespace phala::worker
