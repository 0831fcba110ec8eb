// JSON-RPC 2.0: a message becomes calls, and their results an answer.
#include <nlohmann/json.hpp>

#include "rpc/entry.hpp"
#include "rpc/json.hpp"

namespace phala::rpc {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

/// Counts what a parser would build, without building it.
bool within_bounds(std::string_view text) {
  size_t depth = 0, values = 0;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      else if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_json_depth || ++values > max_json_values) return false;
    } else if (c == ']' || c == '}') {
      if (depth != 0) --depth;
    } else if (c == ',' && ++values > max_json_values) {
      return false;
    }
  }
  return true;
}

std::string error_text(const std::string& id, const RpcError& error) {
  std::string out = R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":)" + std::to_string(error.code) + R"(,"message":)";
  write_text(out, error.message);
  if (error.data) {
    out += R"(,"data":)";
    write_text(out, *error.data);
  }
  return out + "}}";
}

struct Request {
  std::string id;                      ///< JSON; empty: a notification, which gets no answer
  Json params;
  std::optional<Found> method;
  std::optional<RpcError> wrong;
};

Request take_apart(Json in) {
  Request out;
  out.id = "null";
  if (!in.is_object()) {
    out.wrong = {code::invalid_request, "Invalid request", "a request is an object"};
    return out;
  }
  const auto id = in.find("id");
  const bool good_id = id == in.end() || id->is_number() || id->is_string() || id->is_null();
  const auto version = in.find("jsonrpc"), method = in.find("method"), params = in.find("params");
  if (id == in.end()) out.id.clear();
  else if (good_id) out.id = id->dump();
  if (!good_id || version == in.end() || *version != "2.0" || method == in.end() || !method->is_string()) {
    out.wrong = {code::invalid_request, "Invalid request", "a request is {\"jsonrpc\": \"2.0\", \"id\", \"method\", \"params\"}"};
    if (out.id.empty()) out.id = "null";   // it cannot have been meant as a notification
    return out;
  }
  const auto found = by_name().find(method->get_ref<const std::string&>());
  if (found == by_name().end()) out.wrong = {code::method_not_found, "Method not found"};
  else out.method = found->second;
  out.params = Json::array();
  if (params != in.end() && !params->is_null()) {
    if (params->is_structured()) out.params = std::move(*params);
    else if (!out.wrong) out.wrong = {code::invalid_request, "Invalid request", "params is a list or an object"};
  }
  return out;
}

}  // namespace

struct Message::State {
  Clock::time_point arrived = Clock::now();
  std::vector<Request> requests;
  bool is_batch = false;
};

Message::Message(std::unique_ptr<State> state) : state_(std::move(state)) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

Message Message::parse(std::string_view text, const Policy& policy) {
  auto state = std::make_unique<State>();
  const auto refuse = [&](int code, const char* message, std::string data) {
    state->requests.push_back({"null", {}, std::nullopt, RpcError{code, message, std::move(data)}});
    return Message(std::move(state));
  };
  if (!within_bounds(text)) return refuse(code::invalid_request, "Invalid request", "nested deeper than " + std::to_string(max_json_depth) + ", or more than " + std::to_string(max_json_values) + " values");
  Json in = Json::parse(text, nullptr, false);
  if (in.is_discarded()) return refuse(code::parse_error, "Parse error", "the message is not JSON");
  if (!in.is_array()) {
    state->requests.push_back(take_apart(std::move(in)));
    return Message(std::move(state));
  }
  if (in.empty()) return refuse(code::invalid_request, "Invalid request", "the batch is empty");
  if (in.size() > policy.max_batch)
    return refuse(code::batch_too_long, "The batch request was too large", "at most " + std::to_string(policy.max_batch) + " calls in one message");
  state->is_batch = true;
  for (auto& one : in) state->requests.push_back(take_apart(std::move(one)));
  return Message(std::move(state));
}

bool Message::heavy() const {
  if (state_->requests.size() > 4) return true;
  for (const auto& request : state_->requests) {
    if (request.method && !request.method->unsubscribe && table()[request.method->index].cost == Cost::heavy) return true;
  }
  return false;
}

namespace {

Answer<Done> run_request(const Call& call, const Request& request, CallMetrics& metrics) {
  if (request.wrong) return fail(*request.wrong);
  const auto& entry = table()[request.method->index];
  if (!entry.served_by(call.node)) return fail(RpcError{code::method_not_found, "Method not found"});
  if (entry.info.unsafe && !call.unsafe_allowed)
    return fail(RpcError{code::method_not_found, "RPC call is unsafe to be called externally", "the operator can allow it with --rpc-methods unsafe"});
  if (request.method->unsubscribe) {
    const bool closed = call.socket && request.params.is_array() && request.params.size() == 1 && request.params[0].is_string() &&
                        call.node.hub.close(call.socket->id(), request.params[0].get<std::string>());
    return Done{closed ? "true" : "false", {}};
  }
  if (call.deadline.over()) return fail(RpcError{code::busy, "Server is busy", "the call waited too long; try again later"});
  // without an id nobody would learn the subscription's, nor could end it
  if (entry.info.subscription && request.id.empty()) return fail(RpcError{code::invalid_request, "Invalid request", "a subscription needs an id"});
  const auto began = Clock::now();
  auto answer = entry.run(call, request.params);
  metrics.finished(request.method->index, answer.has_value(), std::chrono::duration<double>(Clock::now() - began).count());
  return answer;
}

}  // namespace

Message::Outcome Message::run(const Node& node, const std::shared_ptr<http::WebSocket>& socket, const Policy& policy, CallMetrics& metrics) && {
  Outcome out;
  for (auto& request : state_->requests) {
    size_t limit = policy.max_response_bytes;
    if (request.method && table()[request.method->index].answer_bytes) limit = std::max(limit, table()[request.method->index].answer_bytes(node));
    const size_t left = limit - std::min(limit, out.text.size());
    const Call call{node, node.chain.view(), {state_->arrived + std::chrono::milliseconds(policy.deadline_ms)}, socket, left, policy.unsafe_allowed};
    auto answer = run_request(call, request, metrics);
    if (request.id.empty()) continue;
    std::string text;
    if (!answer) {
      text = error_text(request.id, answer.error());
    } else if (answer->result.size() > left) {
      text = error_text(request.id, {code::response_too_big, "Response is too big", "more than " + std::to_string(limit) + " bytes; ask for less at once"});
    } else {
      text = R"({"jsonrpc":"2.0","id":)" + request.id + R"(,"result":)" + answer->result + "}";
      if (answer->after) out.after.push_back(std::move(answer->after));
    }
    if (!state_->is_batch) out.text = std::move(text);
    else out.text += (out.text.empty() ? "[" : ",") + text;
  }
  if (state_->is_batch && !out.text.empty()) out.text += "]";
  return out;
}

std::string Message::too_busy() && {
  std::string out;
  for (const auto& request : state_->requests) {
    if (request.id.empty()) continue;
    const auto text = error_text(request.id, {code::busy, "Server is busy", "try again later"});
    if (!state_->is_batch) return text;
    out += (out.empty() ? "[" : ",") + text;
  }
  return out.empty() ? out : out + "]";
}

}  // namespace phala::rpc
