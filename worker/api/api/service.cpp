#include "api/service.hpp"

#include "log/log.hpp"
#include "seal/sealing.hpp"

namespace phala::worker {

namespace {

constexpr size_t max_counted_contracts = 10'000;
constexpr size_t max_endpoint_bytes = 2048;

double seconds_since(std::chrono::steady_clock::time_point begin) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); }

const std::vector<double> latency_bounds{0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60};

}  // namespace

Result<std::unique_ptr<Service>> Service::start(ServiceConfig config, Sr25519Pair identity, EvidenceCollector evidence, Files& files, const egress::HttpEgress& http, Metrics& metrics) {
  const auto key = storage_key(identity);
  auto [store, found] = TRY(StateStore::open(files, key, random_fill).context("the worker's state"));
  LogRing ring(config.log_bytes);
  auto logs = TRY(LogStore::open(files, key, random_fill, config.log_bytes, ring, found.warnings).context("log records"));
  for (const auto& warning : found.warnings) log::warn("state", "{}", warning);
  // records of transactions that a crash kept from the log's own files
  std::vector<NumberedRecord> missed;
  for (auto& record : found.records)
    if (ring.restore(record)) missed.push_back(std::move(record));
  if (auto kept = logs.append(missed); !kept) log::warn("logs", "{}", kept.error().text());

  Machine machine = found.image ? TRY(machine_from(*found.image)) : genesis(config.machine);
  if (!found.image) {
    StateFrame first;
    for (auto& [k, v] : image_of(machine)) first.diff[k] = v;
    TRY(store.append(first));
  }
  auto engine = TRY(engine::Engine::create());
  log::info("state", "block {} ({})", machine.tip.number, to_hex0x(machine.tip.hash));
  return std::unique_ptr<Service>(new Service(std::move(config), std::move(identity), std::move(evidence), files, http, metrics, std::move(engine), std::move(store), std::move(ring),
                                              std::move(logs), std::move(machine)));
}

Service::Service(ServiceConfig config, Sr25519Pair identity, EvidenceCollector evidence, Files&, const egress::HttpEgress& http, Metrics& metrics,
                 std::unique_ptr<engine::Engine> engine, StateStore store, LogRing ring, LogStore logs, Machine machine)
    : config_(std::move(config)), identity_(std::move(identity)), http_(http), engine_(std::move(engine)),
      registration_({config_.version, {}, identity_.public_key(), identity_.public_key(), config_.machine.trust.genesis_hash, cpu_features(config_.cores), {}, 0, 0}, std::move(evidence)),
      benchmark_(config_.cores), store_(std::move(store)), last_snapshot_s_(unix_time_ms() / 1000), ring_(std::move(ring)), logs_(std::move(logs)),
      notes_(metrics.counter("phala_worker_notes_total", "Messages that were refused or failed")),
      blocks_(metrics.counter("phala_worker_blocks_total", "Blocks processed")),
      queries_(metrics.counter("phala_worker_queries_total", "Contract queries that ran")),
      queries_dropped_(metrics.counter("phala_worker_queries_dropped_total", "Contract queries refused for want of room")),
      query_seconds_(metrics.histogram("phala_worker_query_seconds", "Duration of contract queries", latency_bounds)),
      dispatch_seconds_(metrics.histogram("phala_worker_dispatch_seconds", "Duration of dispatched batches, written to disk", latency_bounds)),
      height_(metrics.gauge("phala_worker_block_height", "Last processed block")),
      pending_(metrics.gauge("phala_worker_pending_messages", "Messages the chain is not proven to have")),
      frame_bytes_(metrics.gauge("phala_worker_frame_bytes", "Bytes of frames since the last snapshot")), openers_(2, 256),
      pool_(config_.query_threads, config_.query_backlog) {
  publish(std::make_shared<const Machine>(std::move(machine)));
}

Service::~Service() {
  openers_.stop();
  pool_.stop();
  const std::lock_guard lock(log_mutex_);
  if (auto synced = logs_.sync(); !synced) log::warn("logs", "{}", synced.error().text());
}

std::shared_ptr<const Machine> Service::machine() const {
  const std::lock_guard lock(machine_mutex_);
  return machine_;
}

void Service::publish(std::shared_ptr<const Machine> machine) {
  auto snapshot = std::make_shared<const QuerySnapshot>(snapshot_of(*machine));
  benchmark_.run(machine->working.wants_benchmark() && !machine->cluster);
  height_.set(machine->tip.number);
  pending_.set(static_cast<double>(pending(machine->egress)));
  frame_bytes_.set(static_cast<double>(store_.frame_bytes()));
  {
    const std::lock_guard lock(cache_.mutex);
    std::map<Hash, u32> weights;
    if (machine->cluster)
      for (const auto& [id, entry] : machine->cluster->contracts) weights[id] = entry.weight;
    cache_.cache.set_weights(weights);
  }
  const std::lock_guard lock(machine_mutex_);
  machine_ = std::move(machine);
  snapshot_ = std::move(snapshot);
}

Result<> Service::commit(Dispatched dispatched) {
  const auto before = machine();
  StateFrame frame{dispatched.machine.tip.number, dispatched.machine.tip.total, difference(*before, dispatched.machine, dispatched.cluster_diff), {}};
  {
    // numbers are given and written under one lock, so that queries that log meanwhile get others
    const std::lock_guard lock(log_mutex_);
    LogRing numbers(~size_t{0});
    numbers.skip_to(ring_.next_sequence());
    frame.records = numbers.append(std::move(dispatched.report.records));
    auto written = store_.append(frame);
    disk_works_ = written.has_value();
    TRY(std::move(written));
    for (auto& record : frame.records) ring_.restore(record);
    if (auto kept = logs_.append(frame.records); !kept) log::warn("logs", "log records are kept in memory only: {}", kept.error().text());
  }
  publish(std::make_shared<const Machine>(std::move(dispatched.machine)));
  keep_report(dispatched.report);
  return {};
}

void Service::keep_report(const Report& report) {
  for (const Note& note : report.notes) log::info("messages", "block {}: {}: {}", note.block, note.topic, note.error.text());
  notes_.add(report.notes.size());
  for (const auto& block : report.event_blocks) log::debug("event_chain", "block {} signature {}", to_hex0x(block.block), to_hex0x(block.signature));
  if (report.cache.empty()) return;
  const std::lock_guard lock(cache_.mutex);
  const u64 now = unix_time_ms() / 1000;
  for (const auto& change : report.cache) {
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
  Dispatched settled{TRY(settle_egress(*now, public_key(), proof)), {}, {}};
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

// ---- queries ------------------------------------------------------------------------------------------------------------

bool Service::caught_up(const Machine& machine) const {
  return config_.machine.development || machine.tip.now_ms + config_.serving_lag_s * 1000 >= unix_time_ms();
}

void Service::query(Bytes encrypted, SignatureChain chain, Done done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(config_.query_timeout_s);
  // shared, because either the opener or its refusal uses it
  auto answer = std::make_shared<Done>(std::move(done));
  const bool taken = openers_.submit([this, encrypted = std::move(encrypted), chain = std::move(chain), answer, deadline]() mutable {
    std::shared_ptr<const QuerySnapshot> snapshot;
    {
      const std::lock_guard lock(machine_mutex_);
      snapshot = snapshot_;
    }
    if (!caught_up(*machine()))
      return (*answer)(fail(ErrorCode::unavailable, "the worker is still catching up with the chain, please try the request again later"));
    auto open = open_query(identity_, encrypted, chain, snapshot->block);
    if (!open) return (*answer)(fail(std::move(open).error()));
    const auto shared = std::make_shared<OpenQuery>(std::move(*open));
    const Hash contract = shared->content.contract;
    u32 weight = 0;
    if (snapshot->cluster)
      if (const auto at = snapshot->cluster->contracts.find(contract); at != snapshot->cluster->contracts.end()) weight = at->second.weight;
    // contracts that are not here share one place in line, so that made-up ids cannot crowd out the others
    const bool known = snapshot->cluster && snapshot->cluster->contracts.contains(contract);
    pool_.submit(known ? contract : Hash{}, weight, [this, snapshot, shared, answer, deadline] { run_one(*snapshot, *shared, deadline, *answer); },
                 [this, snapshot, shared, answer] {
                   queries_dropped_.add();
                   {
                     const std::lock_guard lock(counts_mutex_);
                     if (counts_.contains(shared->content.contract)) ++counts_[shared->content.contract].dropped;
                   }
                   crypto::Iv iv;
                   random_fill(iv.data(), iv.size());
                   (*answer)(Answer{seal_answer(identity_, *shared, fail(query::Failure(query::ServiceUnavailable{})), iv), snapshot->block + 1});
                 });
  });
  if (!taken) {
    queries_dropped_.add();
    (*answer)(fail(ErrorCode::unavailable, "too many queries at once, please try the request again later"));
  }
}

void Service::run_one(const QuerySnapshot& snapshot, const OpenQuery& open, std::chrono::steady_clock::time_point deadline, Done& done) {
  const auto begin = std::chrono::steady_clock::now();
  crypto::Iv iv;
  random_fill(iv.data(), iv.size());
  if (begin >= deadline) {
    queries_dropped_.add();
    return done(Answer{seal_answer(identity_, open, fail(query::Failure(query::Timeout{})), iv), snapshot.block + 1});
  }
  WorldEffects effects(http_, cache_, deadline);
  auto run = run_query(*engine_, snapshot, public_key(), open, &effects, [this](std::string_view request) {
    const std::lock_guard lock(log_mutex_);
    return answer_log_query(ring_, request);
  });
  const double took = seconds_since(begin);
  queries_.add();
  query_seconds_.observe(took);
  if (!run) {
    if (run.error().code != ErrorCode::not_found) log::error("queries", "{}", run.error().text());
    return done(fail(std::move(run).error()));
  }
  {
    const std::lock_guard lock(counts_mutex_);
    if (counts_.size() < max_counted_contracts || counts_.contains(open.content.contract)) {
      auto& count = counts_[open.content.contract];
      ++count.total;
      count.time_ms += static_cast<u64>(took * 1000);
    }
  }
  record_query_logs(std::move(run->records));
  done(Answer{seal_answer(identity_, open, run->answer, iv), snapshot.block + 1});
}

void Service::record_query_logs(std::vector<LogRecord> records) {
  if (records.empty()) return;
  const std::lock_guard lock(log_mutex_);
  if (auto kept = logs_.append(ring_.append(std::move(records))); !kept) log::warn("logs", "{}", kept.error().text());
}

// ---- registration and endpoints -----------------------------------------------------------------------------------------

Result<RegistrationResponse> Service::registration(const std::optional<AccountId>& operator_, bool refresh) {
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
  return std::nullopt;
}

std::map<Hash, QueryCount> Service::query_counts() const {
  const std::lock_guard lock(counts_mutex_);
  return counts_;
}

u64 Service::uptime_s() const { return static_cast<u64>(seconds_since(started_)); }

}  // namespace phala::worker
