#include "rpc/hub.hpp"

#include "rpc/json.hpp"

namespace phala::rpc {

namespace {
struct DigestJson { std::vector<Bytes> logs;  FIELDS(logs) };
struct HeaderJson { Hash parent_hash; NumberOrHex number; Hash state_root, extrinsics_root; DigestJson digest;  FIELDS(parent_hash, number, state_root, extrinsics_root, digest) };
}  // namespace

std::string header_json(const Header& header) {
  HeaderJson out{header.parent_hash, {header.number}, header.state_root, header.extrinsics_root, {}};
  for (const auto& item : header.digest.logs) out.digest.logs.push_back(scale::encode(item));
  return json(out);
}

std::string runtime_version_json() { return json(runtime::version()); }

Hub::Hub(node::Chain& chain, const Options& options, Metrics& metrics)
    : chain_(chain), options_(options), opened_(metrics.counter("phala_rpc_subscriptions_opened_total", "Subscriptions made")),
      open_gauge_(metrics.gauge("phala_rpc_subscriptions", "Subscriptions open now")) {
  chain_.on_import([this](const node::Imported& block) { block_imported(block); });
  late_thread_ = std::thread([this] { deliver_late(); });
}

Hub::~Hub() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    late_wake_.notify_one();
  }
  late_thread_.join();
}

const char* Hub::notification_name(Stream stream) {
  switch (stream) {
    case Stream::new_heads: return "chain_newHead";
    case Stream::all_heads: return "chain_allHead";
    case Stream::finalized_heads: return "chain_finalizedHead";
    case Stream::runtime_version: return "state_runtimeVersion";
    case Stream::storage: return "state_storage";
    case Stream::extrinsic: return "author_extrinsicUpdate";
  }
  return "";
}

std::optional<std::string> Hub::open(const Socket& socket, Stream stream, std::set<Bytes, BytesLess> keys, const Hash& transaction) {
  const std::lock_guard lock(mutex_);
  auto& mine = by_socket_[socket->id()];
  if (mine.size() >= options_.per_connection) return std::nullopt;
  const std::string id = "s" + std::to_string(++last_id_);
  mine.insert(id);
  if (stream == Stream::extrinsic) by_transaction_[transaction].insert(id);
  all_[id] = {socket, socket->id(), stream, std::move(keys), transaction, false, std::nullopt, {}};
  opened_.add();
  open_gauge_.set(static_cast<double>(all_.size()));
  return id;
}

void Hub::erase(std::map<std::string, Subscription>::iterator at) {
  const auto& [id, subscription] = *at;
  if (const auto mine = by_socket_.find(subscription.socket_id); mine != by_socket_.end()) {
    mine->second.erase(id);
    if (mine->second.empty()) by_socket_.erase(mine);
  }
  if (const auto watchers = by_transaction_.find(subscription.transaction); subscription.stream == Stream::extrinsic && watchers != by_transaction_.end()) {
    watchers->second.erase(id);
    if (watchers->second.empty()) by_transaction_.erase(watchers);
  }
  all_.erase(at);
  open_gauge_.set(static_cast<double>(all_.size()));
}

bool Hub::close(u64 socket, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto at = all_.find(id);
  if (at == all_.end() || at->second.socket_id != socket) return false;
  erase(at);
  return true;
}

void Hub::close_all(u64 socket) {
  const std::lock_guard lock(mutex_);
  const auto at = by_socket_.find(socket);
  if (at == by_socket_.end()) return;
  const auto ids = at->second;
  for (const auto& id : ids) erase(all_.find(id));
}

size_t Hub::size() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

bool Hub::tell(const std::string& id, Subscription& subscription, const std::string& result) {
  if (!subscription.active) {
    subscription.pending.push_back(result);
    return true;
  }
  const auto socket = subscription.socket.lock();
  if (!socket) return false;
  std::string text;
  text.reserve(result.size() + 128);
  text.append(R"({"jsonrpc":"2.0","method":")").append(notification_name(subscription.stream)).append(R"(","params":{"subscription":")").append(id);
  text.append(R"(","result":)").append(result).append("}}");
  return socket->send(std::move(text));
}

std::string Hub::storage_changes(const node::View& view, const std::set<Bytes, BytesLess>& keys) const {
  std::vector<std::pair<Bytes, std::optional<Bytes>>> changes;
  for (const auto& key : keys) changes.emplace_back(key, view.state->get(key));
  return R"({"block":)" + json(view.hash) + R"(,"changes":)" + json(changes) + "}";
}

void Hub::activate(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto at = all_.find(id);
  if (at == all_.end()) return;
  auto& subscription = at->second;
  subscription.active = true;
  const auto view = chain_.view();
  bool heard = true;
  switch (subscription.stream) {
    case Stream::new_heads: case Stream::all_heads: case Stream::finalized_heads: heard = tell(id, subscription, header_json(view->header)); break;
    case Stream::runtime_version: heard = tell(id, subscription, runtime_version_json()); break;
    case Stream::storage:
      if (!subscription.keys.empty()) heard = tell(id, subscription, storage_changes(*view, subscription.keys));
      break;
    case Stream::extrinsic: break;
  }
  subscription.told = view->number();
  // blocks that came meanwhile are in the present state; only a transaction's story is told from its beginning
  const auto pending = std::exchange(subscription.pending, {});
  bool ended = !heard;
  if (subscription.stream == Stream::extrinsic) {
    for (const auto& result : pending) {
      ended = !tell(id, subscription, result) || ended || result.starts_with(R"({"finalized")") || result.starts_with(R"({"usurped")") || result == R"("dropped")" || result == R"("invalid")";
    }
  }
  if (ended) erase(at);
}

void Hub::block_imported(const node::Imported& block) {
  const std::lock_guard lock(mutex_);
  const auto& view = *block.view;
  const std::string header = header_json(view.header);
  for (auto at = all_.begin(); at != all_.end();) {
    const auto here = at++;
    auto& [id, subscription] = *here;
    if (!subscription.active || subscription.told >= view.number()) continue;
    bool heard = true;   // a connection that ended while its request ran is found here
    switch (subscription.stream) {
      case Stream::new_heads: case Stream::all_heads: case Stream::finalized_heads: heard = tell(id, subscription, header); break;
      case Stream::runtime_version:
        if (block.runtime_changed) heard = tell(id, subscription, runtime_version_json());
        break;
      case Stream::storage: {
        std::set<Bytes, BytesLess> touched;
        if (subscription.keys.empty()) touched = block.changed;
        for (const auto& key : subscription.keys) {
          if (block.changed.contains(key)) touched.insert(key);
        }
        if (!touched.empty()) heard = tell(id, subscription, storage_changes(view, touched));
        break;
      }
      case Stream::extrinsic: continue;
    }
    subscription.told = view.number();
    if (!heard) erase(here);
  }
}

void Hub::transaction_event(const node::PoolEvent& event) {
  const std::lock_guard lock(mutex_);
  if (event.kind != node::PoolEvent::Kind::finalized) return deliver(event);
  if (!by_transaction_.contains(event.transaction)) return;
  late_.push_back({std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.finalized_after_ms), event});
  late_wake_.notify_one();
}

void Hub::deliver_late() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (late_.empty()) late_wake_.wait(lock);
    else if (late_.front().due > std::chrono::steady_clock::now()) late_wake_.wait_until(lock, late_.front().due);
    else {
      deliver(late_.front().event);
      late_.pop_front();
    }
  }
}

void Hub::deliver(const node::PoolEvent& event) {
  using Kind = node::PoolEvent::Kind;
  std::string result;
  bool last = false;
  switch (event.kind) {
    case Kind::future: result = R"("future")"; break;
    case Kind::ready: result = R"("ready")"; break;
    case Kind::in_block: result = R"({"inBlock":)" + json(event.other) + "}"; break;
    case Kind::finalized: result = R"({"finalized":)" + json(event.other) + "}"; last = true; break;
    case Kind::usurped: result = R"({"usurped":)" + json(event.other) + "}"; last = true; break;
    case Kind::dropped: result = R"("dropped")"; last = true; break;
    case Kind::invalid: result = R"("invalid")"; last = true; break;
  }
  const auto watchers = by_transaction_.find(event.transaction);
  if (watchers == by_transaction_.end()) return;
  const auto ids = watchers->second;
  for (const auto& id : ids) {
    const auto at = all_.find(id);
    const bool heard = tell(id, at->second, result);
    if ((last && at->second.active) || !heard) erase(at);
  }
}

}  // namespace phala::rpc
