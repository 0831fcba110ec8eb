#include "rpc/hub.hpp"

#include <charconv>

#include "rpc/json.hpp"

namespace phala::rpc {

namespace {
struct DigestJson { std::vector<Bytes> logs;  FIELDS(logs) };
struct HeaderJson { Hash parent_hash; NumberOrHex number; Hash state_root, extrinsics_root; DigestJson digest;  FIELDS(parent_hash, number, state_root, extrinsics_root, digest) };

/// So many blocks wait to be told; what comes then joins the last of them.
constexpr size_t max_waiting_blocks = 64;

std::string name_of(u64 id) { return "s" + std::to_string(id); }
/// 0, which nobody has, for what is no name.
u64 id_of(std::string_view name) {
  u64 id = 0;
  if (!name.starts_with('s')) return 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), id);
  return error == std::errc() && end == name.data() + name.size() ? id : 0;
}

/// What happened to storage, as subscribers are told. One for each block: a value is read and written down once, whoever asks for it.
class StorageTexts {
 public:
  StorageTexts(const node::View& view, size_t max_bytes) : view_(view), max_bytes_(max_bytes) {}
  /// Nothing when it would be too long.
  template <class Keys>
  std::optional<std::string> of(const Keys& keys) {
    std::string out = R"({"block":)" + json(view_.hash) + R"(,"changes":[)";
    bool first = true;
    for (const auto& key : keys) {
      if (!std::exchange(first, false)) out += ',';
      out += change(key);
      if (out.size() > max_bytes_) return std::nullopt;
    }
    return out + "]}";
  }

 private:
  const std::string& change(const Bytes& key) {
    auto& text = texts_[key];
    if (text.empty()) write(text, std::pair(key, view_.state->get(key)));
    return text;
  }
  const std::string& change(const Bytes* key) { return change(*key); }
  const node::View& view_;
  const size_t max_bytes_;
  std::map<Bytes, std::string, BytesLess> texts_;
};

struct EventText { std::string result; bool last; };
EventText text_of(const node::PoolEvent& event) {
  using Kind = node::PoolEvent::Kind;
  switch (event.kind) {
    case Kind::future: return {R"("future")", false};
    case Kind::ready: return {R"("ready")", false};
    case Kind::in_block: return {R"({"inBlock":)" + json(event.other) + "}", false};
    case Kind::finalized: return {R"({"finalized":)" + json(event.other) + "}", true};
    case Kind::usurped: return {R"({"usurped":)" + json(event.other) + "}", true};
    case Kind::dropped: return {R"("dropped")", true};
    case Kind::invalid: return {R"("invalid")", true};
  }
  return {"null", true};
}
}  // namespace

std::string header_json(const Header& header) {
  HeaderJson out{header.parent_hash, {header.number}, header.state_root, header.extrinsics_root, {}};
  for (const auto& item : header.digest.logs) out.digest.logs.push_back(scale::encode(item));
  return json(out);
}

std::string runtime_version_json() { return json(runtime::version()); }

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

Hub::Hub(node::Chain& chain, const Options& options, Metrics& metrics)
    : chain_(chain), options_(options), opened_(metrics.counter("phala_rpc_subscriptions_opened_total", "Subscriptions made")),
      open_gauge_(metrics.gauge("phala_rpc_subscriptions", "Subscriptions open now")) {
  chain_.on_import([this](const node::Imported& block) { block_imported(block); });
  thread_ = std::thread([this] { run(); });
}

Hub::~Hub() {
  {
    const std::lock_guard lock(notes_mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

// ---- who is there ---------------------------------------------------------------------------------------------------
Result<std::string, Hub::Refusal> Hub::open(const Socket& socket, Stream stream, const std::set<Bytes, BytesLess>& keys, const Hash& transaction) {
  const std::lock_guard lock(mutex_);
  auto& mine = by_socket_[socket->id()];
  Subscription made{socket, socket->id(), stream, {}, 0, transaction, false, 0, {}};
  for (const auto& key : keys) made.key_bytes += key.size() + key_overhead;
  if (mine.subscriptions.size() >= options_.per_connection) return fail(Refusal::too_many_subscriptions);
  if (mine.key_bytes + made.key_bytes > options_.key_bytes_per_connection) {
    if (mine.subscriptions.empty()) by_socket_.erase(socket->id());
    return fail(Refusal::too_many_keys);
  }
  const Id id = ++last_id_;
  for (const auto& key : keys) {
    made.keys.push_back(by_key_.try_emplace(key).first);
    made.keys.back()->second.insert(id);
  }
  if (stream == Stream::storage && keys.empty()) of_everything_.insert(id);
  if (stream == Stream::extrinsic) by_transaction_[transaction].insert(id);
  mine.subscriptions.insert(id);
  mine.key_bytes += made.key_bytes;
  all_.emplace(id, std::move(made));
  opened_.add();
  open_gauge_.set(static_cast<double>(all_.size()));
  return name_of(id);
}

void Hub::erase(Subscriptions::iterator at) {
  const auto& [id, subscription] = *at;
  for (const auto& key : subscription.keys) {
    key->second.erase(id);
    if (key->second.empty()) by_key_.erase(key);
  }
  of_everything_.erase(id);
  if (const auto mine = by_socket_.find(subscription.socket_id); mine != by_socket_.end()) {
    mine->second.subscriptions.erase(id);
    mine->second.key_bytes -= subscription.key_bytes;
    if (mine->second.subscriptions.empty()) by_socket_.erase(mine);
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
  const auto at = all_.find(id_of(id));
  if (at == all_.end() || at->second.socket_id != socket) return false;
  erase(at);
  return true;
}

void Hub::close_all(u64 socket) {
  const std::lock_guard lock(mutex_);
  const auto at = by_socket_.find(socket);
  if (at == by_socket_.end()) return;
  const auto ids = at->second.subscriptions;
  for (const Id id : ids) erase(all_.find(id));
}

size_t Hub::size() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

std::vector<Hub::Id> Hub::of_stream(Stream stream) const {
  std::vector<Id> out;
  for (const auto& [id, subscription] : all_)
    if (subscription.stream == stream) out.push_back(id);
  return out;
}

// ---- what a new one hears -------------------------------------------------------------------------------------------
void Hub::activate(const std::string& name) {
  const Id id = id_of(name);
  Stream stream;
  std::vector<Bytes> keys;
  {
    const std::lock_guard lock(mutex_);
    const auto at = all_.find(id);
    if (at == all_.end()) return;
    stream = at->second.stream;
    for (const auto& key : at->second.keys) keys.push_back(key->first);
  }
  // what blocks after this view bring is kept for the subscription while the present state is written down
  const auto view = chain_.view();
  std::optional<std::string> first;
  bool too_long = false;
  if (stream == Stream::runtime_version) {
    first = runtime_version_json();
  } else if (stream == Stream::storage) {
    if (!keys.empty()) first = StorageTexts(*view, options_.notification_bytes).of(keys);
    too_long = !keys.empty() && !first;
  } else if (stream != Stream::extrinsic) {
    first = header_json(view->header);
  }

  const std::lock_guard lock(mutex_);
  const auto at = all_.find(id);
  if (at == all_.end()) return;
  auto& subscription = at->second;
  if (too_long) return refuse_long(at);
  subscription.active = true;
  subscription.told = view->number();
  if (first && !send(id, subscription, *first)) return erase(at);
  for (const auto& one : std::exchange(subscription.pending, {})) deliver(id, one.number, one.result, one.last);
}

bool Hub::send(Id id, const Subscription& subscription, const std::string& result) const {
  const auto socket = subscription.socket.lock();
  if (!socket) return false;
  std::string text;
  text.reserve(result.size() + 128);
  text.append(R"({"jsonrpc":"2.0","method":")").append(notification_name(subscription.stream)).append(R"(","params":{"subscription":")").append(name_of(id));
  text.append(R"(","result":)").append(result).append("}}");
  return socket->send(std::move(text));
}

void Hub::deliver(Id id, BlockNumber number, const std::string& result, bool last) {
  const auto at = all_.find(id);
  if (at == all_.end()) return;
  auto& subscription = at->second;
  if (!subscription.active) {
    subscription.pending.push_back({number, result, last});
    return;
  }
  if (subscription.stream != Stream::extrinsic && number <= subscription.told) return;
  subscription.told = number;
  if (!send(id, subscription, result) || last) erase(at);
}

void Hub::refuse_long(Subscriptions::iterator at) {
  if (const auto socket = at->second.socket.lock())
    socket->close(1009, "a notification of more than " + std::to_string(options_.notification_bytes) + " bytes: subscribe to less");
  erase(at);
}

// ---- what happened --------------------------------------------------------------------------------------------------
void Hub::block_imported(const node::Imported& block) {
  const std::lock_guard lock(notes_mutex_);
  if (waiting_blocks_ < max_waiting_blocks) {
    notes_.push_back({Blocks{{block.view->header}, block.view, block.changed, block.runtime_changed}});
    ++waiting_blocks_;
    wake_.notify_one();
    return;
  }
  auto& last = *std::find_if(notes_.rbegin(), notes_.rend(), [](const Note& note) { return note.blocks.has_value(); })->blocks;
  auto changed = std::make_shared<node::ChangedKeys>(*last.changed);
  changed->insert(block.changed->begin(), block.changed->end());
  last.headers.push_back(block.view->header);
  last.view = block.view;
  last.changed = std::move(changed);
  last.runtime_changed |= block.runtime_changed;
}

void Hub::transaction_event(const node::PoolEvent& event) {
  const std::lock_guard lock(notes_mutex_);
  notes_.push_back({std::nullopt, event});
  wake_.notify_one();
}

void Hub::settle() {
  std::unique_lock lock(notes_mutex_);
  settled_.wait(lock, [&] { return (notes_.empty() && !busy_) || stopping_; });
}

void Hub::run() {
  std::unique_lock lock(notes_mutex_);
  const auto due = [&] { return stopping_ || !notes_.empty(); };
  while (!stopping_) {
    if (!late_.empty() && late_.front().due <= Steady::now()) {
      const auto event = late_.front().event;
      late_.pop_front();
      lock.unlock();
      tell(event);
      lock.lock();
    } else if (!notes_.empty()) {
      const Note note = std::move(notes_.front());
      notes_.pop_front();
      waiting_blocks_ -= note.blocks.has_value();
      busy_ = true;
      lock.unlock();
      if (note.blocks) tell(*note.blocks);
      else if (note.event.kind == node::PoolEvent::Kind::finalized) late_.push_back({Steady::now() + std::chrono::milliseconds(options_.finalized_after_ms), note.event});
      else tell(note.event);
      lock.lock();
      busy_ = false;
    } else {
      settled_.notify_all();
      if (late_.empty()) wake_.wait(lock, due);
      else wake_.wait_until(lock, late_.front().due, due);
    }
  }
  settled_.notify_all();
}

void Hub::tell(const Blocks& blocks) {
  for (const auto& header : blocks.headers) {
    const std::string text = header_json(header);
    const std::lock_guard lock(mutex_);
    for (const auto stream : {Stream::new_heads, Stream::all_heads, Stream::finalized_heads})
      for (const Id id : of_stream(stream)) deliver(id, header.number, text);
  }
  if (blocks.runtime_changed) {
    const std::string text = runtime_version_json();
    const std::lock_guard lock(mutex_);
    for (const Id id : of_stream(Stream::runtime_version)) deliver(id, blocks.view->number(), text);
  }
  tell_storage(blocks);
}

void Hub::tell_storage(const Blocks& blocks) {
  std::map<Id, std::vector<const Bytes*>> touched;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& key : *blocks.changed) {
      if (const auto at = by_key_.find(key); at != by_key_.end())
        for (const Id id : at->second) touched[id].push_back(&key);
      for (const Id id : of_everything_) touched[id].push_back(&key);
    }
  }
  StorageTexts texts(*blocks.view, options_.notification_bytes);
  for (const auto& [id, keys] : touched) {
    const auto text = texts.of(keys);
    const std::lock_guard lock(mutex_);
    if (text) deliver(id, blocks.view->number(), *text);
    else if (const auto at = all_.find(id); at != all_.end()) refuse_long(at);
  }
}

void Hub::tell(const node::PoolEvent& event) {
  const auto [result, last] = text_of(event);
  const std::lock_guard lock(mutex_);
  const auto watchers = by_transaction_.find(event.transaction);
  if (watchers == by_transaction_.end()) return;
  const auto ids = watchers->second;
  for (const Id id : ids) deliver(id, 0, result, last);
}

}  // namespace phala::rpc
