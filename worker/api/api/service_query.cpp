#include "api/service.hpp"
#include "core/log_server.hpp"
#include "log/log.hpp"

namespace phala::worker {

namespace {

constexpr size_t max_counted_contracts = 10'000;

}  // namespace

bool Service::caught_up(const Machine& machine) const {
  return config_.machine.development || machine.tip.now_ms + config_.serving_lag_s * 1000 >= unix_time_ms();
}

Result<> Service::may_serve(const Machine& machine) const {
  if (!caught_up(machine)) return fail(ErrorCode::unavailable, "the worker is still catching up with the chain, please try the request again later");
  return check_service(machine.requirements, config_.machine.build, machine.tip.number);
}

void Service::query(Bytes encrypted, SignatureChain chain, Done done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(config_.query_timeout_s);
  // shared, because either the opener or its refusal uses it
  auto answer = std::make_shared<Done>(std::move(done));
  const bool taken = pool_.open([this, encrypted = std::move(encrypted), chain = std::move(chain), answer, deadline]() mutable {
    const auto now = published();
    if (auto ready = may_serve(now->machine); !ready) return (*answer)(fail(std::move(ready).error()));
    const std::shared_ptr<const QuerySnapshot> snapshot(now, &now->snapshot);
    auto open = open_query(identity_, encrypted, chain, snapshot->block, known_certificates_);
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
                   (*answer)(Answer{seal_answer(identity_, *shared, fail(query::Failure(query::ServiceUnavailable{})), iv), snapshot->block, snapshot->block_hash});
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
    return done(Answer{seal_answer(identity_, open, fail(query::Failure(query::Timeout{})), iv), snapshot.block, snapshot.block_hash});
  }
  WorldEffects effects(http_, cache_, registration_, deadline, stopping_);
  running_.set(++running_count_);
  auto run = run_query(*engine_, snapshot, public_key(), open, &effects, [this](std::string_view request, const AccountId& asker) {
    const LogView log = [&] {
      const std::lock_guard lock(log_mutex_);
      return ring_.view();
    }();
    return answer_log_query(log, request, asker);
  });
  running_.set(--running_count_);
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
  change_cache(run->cache);
  done(Answer{seal_answer(identity_, open, run->answer, iv), snapshot.block, snapshot.block_hash});
}

void Service::record_query_logs(std::vector<LogRecord> records) {
  if (records.empty()) return;
  const std::lock_guard lock(log_mutex_);
  if (auto kept = logs_.append(ring_.append(std::move(records))); !kept) log::warn("logs", "{}", kept.error().text());
}

std::map<Hash, QueryCount> Service::query_counts() const {
  const std::lock_guard lock(counts_mutex_);
  return counts_;
}

}  // namespace phala::worker
