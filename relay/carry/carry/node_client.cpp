#include "carry/node_client.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "log/log.hpp"

namespace phala::relay {

using nlohmann::json;

struct NodeClient::State {
  struct Waiting { u64 deadline_ms; Done done; };

  State(Loop& l, Handlers h, Address address)
      : loop(l), handlers(std::move(h)), sweep(l, [this] { drop_late(); }),
        socket(l, std::move(address), message_limit, {[this] { handlers.connected(); }, [this](std::string text) { received(text); }, [this](const Error& why) { lost(why); }}) {
    sweep.set(1000);
  }

  /// A node that leaves one call unanswered has lost it; what else was asked on this connection is not to be waited for either.
  void drop_late() {
    sweep.set(1000);
    const u64 now = loop.now_ms();
    for (const auto& [id, call] : waiting)
      if (now >= call.deadline_ms) return socket.reconnect();
  }

  void received(const std::string& text) {
    const json message = json::parse(text, nullptr, false);
    if (!message.is_object()) return log::warn("node", "the node sent something that is not JSON-RPC");
    if (message.contains("method")) return pushed(message);
    const auto id = message.find("id");
    const auto call = id != message.end() && id->is_number_unsigned() ? waiting.find(id->get<u64>()) : waiting.end();
    if (call == waiting.end()) return;
    const Done done = std::move(call->second.done);
    waiting.erase(call);
    if (const auto error = message.find("error"); error != message.end() && error->is_object()) {
      CallError why{true, 0, "unknown error"};
      if (const auto c = error->find("code"); c != error->end() && c->is_number_integer()) why.code = c->get<int>();
      if (const auto m = error->find("message"); m != error->end() && m->is_string()) why.text = m->get<std::string>();
      if (const auto d = error->find("data"); d != error->end() && !d->is_null()) why.text += ": " + (d->is_string() ? d->get<std::string>() : d->dump());
      return done(fail(std::move(why)));
    }
    const auto result = message.find("result");
    done(result == message.end() ? json(nullptr) : *result);
  }

  void pushed(const json& message) {
    const auto params = message.find("params");
    if (params == message.end() || !params->is_object() || !params->contains("result")) return;
    const json& result = (*params)["result"];
    if (!result.is_object() || !message["method"].is_string()) return;
    const auto method = message["method"].get<std::string>();
    if (method == "chain_finalizedHead") {
      if (const auto number = height_of(result)) handlers.finalized(*number);
    } else if (method == "state_runtimeVersion") {
      if (const auto spec = result.find("specVersion"); spec != result.end() && spec->is_number_unsigned()) handlers.runtime_version(spec->get<u32>());
    }
  }

  static std::optional<BlockNumber> height_of(const json& header) {
    const auto number = header.find("number");
    if (number == header.end() || !number->is_string()) return std::nullopt;
    const std::string text = number->get<std::string>();
    if (!text.starts_with("0x") || text.size() < 3 || text.size() > 10) return std::nullopt;
    BlockNumber out = 0;
    for (const char c : text.substr(2)) {
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
      if (digit < 0) return std::nullopt;
      out = out * 16 + static_cast<BlockNumber>(digit);
    }
    return out;
  }

  void lost(const Error& why) {
    auto calls = std::move(waiting);
    waiting.clear();
    for (auto& [id, call] : calls) call.done(fail(CallError{false, 0, why.text()}));
    handlers.lost(why);
  }

  Loop& loop;
  Handlers handlers;
  std::map<u64, Waiting> waiting;
  u64 next_id = 1;
  Alarm sweep;
  WebSocketClient socket;
};

NodeClient::NodeClient(Loop& loop, Address address, Handlers handlers) : state_(std::make_unique<State>(loop, std::move(handlers), std::move(address))) {}
NodeClient::~NodeClient() = default;

void NodeClient::call(std::string_view method, const std::string& params, Done done) {
  const u64 id = state_->next_id++;
  if (!state_->socket.send(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + std::string(method) + R"(","params":)" + params + "}")) {
    state_->loop.post([done = std::move(done)] { done(fail(CallError{false, 0, "no connection to the node"})); });
    return;
  }
  state_->waiting.emplace(id, State::Waiting{state_->loop.now_ms() + call_timeout_ms, std::move(done)});
}

void NodeClient::follow() {
  for (const char* method : {"state_subscribeRuntimeVersion", "chain_subscribeFinalizedHeads"})
    call(method, "[]", [this, method](Result<json, CallError> answer) {
      if (answer || !answer.error().answered) return;
      log::error("node", "{}: {}", method, answer.error().text);
      state_->socket.reconnect();
    });
}

}  // namespace phala::relay
