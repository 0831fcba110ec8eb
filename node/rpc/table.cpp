#include "rpc/table.hpp"

#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "crypto/account.hpp"
#include "rpc/author.hpp"
#include "rpc/dev.hpp"
#include "rpc/phala.hpp"
#include "rpc/state.hpp"
#include "rpc/system.hpp"

namespace phala::rpc {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

// ---- JSON to parameters ---------------------------------------------------------------------------------------------
/// `what` for documentation, `read` for parsing; an error says what was expected.
template <class T>
struct Param;
using Bad = Result<void, std::string>;

template <>
struct Param<bool> {
  static std::string what() { return "true or false"; }
  static Bad read(const Json& in, bool& out) {
    if (!in.is_boolean()) return fail(std::string("expected true or false"));
    out = in.get<bool>();
    return {};
  }
};
template <>
struct Param<u64> {
  static std::string what() { return "number"; }
  static Bad read(const Json& in, u64& out) {
    if (!in.is_number_unsigned()) return fail(std::string("expected a whole number"));
    out = in.get<u64>();
    return {};
  }
};
template <>
struct Param<u32> {
  static std::string what() { return "number"; }
  static Bad read(const Json& in, u32& out) {
    u64 wide = 0;
    TRY(Param<u64>::read(in, wide));
    if (wide > UINT32_MAX) return fail(std::string("the number is larger than 4294967295"));
    out = static_cast<u32>(wide);
    return {};
  }
};
template <>
struct Param<std::string> {
  static std::string what() { return "text"; }
  static Bad read(const Json& in, std::string& out) {
    if (!in.is_string()) return fail(std::string("expected a text"));
    out = in.get<std::string>();
    return {};
  }
};
template <>
struct Param<Bytes> {
  static std::string what() { return "hex"; }
  static Bad read(const Json& in, Bytes& out) {
    if (!in.is_string()) return fail(std::string("expected hex with 0x"));
    const auto& text = in.get_ref<const std::string&>();
    if (!text.starts_with("0x")) return fail(std::string("expected hex with 0x"));
    auto bytes = from_hex(text);
    if (!bytes) return fail(bytes.error().message);
    out = std::move(*bytes);
    return {};
  }
};
template <>
struct Param<AnyHex> {
  static std::string what() { return "hex, with or without 0x"; }
  static Bad read(const Json& in, AnyHex& out) {
    if (!in.is_string()) return fail(std::string("expected hex"));
    auto bytes = from_hex(in.get_ref<const std::string&>());
    if (!bytes) return fail(bytes.error().message);
    out.bytes = std::move(*bytes);
    return {};
  }
};
template <>
struct Param<Hash> {
  static std::string what() { return "hash"; }
  static Bad read(const Json& in, Hash& out) {
    Bytes bytes;
    TRY(Param<Bytes>::read(in, bytes));
    if (bytes.size() != 32) return fail("expected 32 bytes, got " + std::to_string(bytes.size()));
    out = Hash(bytes);
    return {};
  }
};
template <>
struct Param<NumberOrHex> {
  static std::string what() { return "number or hex number"; }
  static Bad read(const Json& in, NumberOrHex& out) {
    if (in.is_number_unsigned()) {
      out.value = in.get<u64>();
      return {};
    }
    const std::string text = in.is_string() ? in.get<std::string>() : "";
    if (text.size() < 3 || text.size() > 18 || !text.starts_with("0x") || text.find_first_not_of("0123456789abcdefABCDEF", 2) != text.npos)
      return fail(std::string("expected a number or a hex number of up to 64 bits"));
    out.value = std::strtoull(text.c_str() + 2, nullptr, 16);
    return {};
  }
};
template <>
struct Param<Address> {
  static std::string what() { return "SS58 address"; }
  static Bad read(const Json& in, Address& out) {
    if (!in.is_string()) return fail(std::string("expected an SS58 address"));
    const auto id = crypto::account_from_ss58(in.get_ref<const std::string&>());
    if (!id) return fail(id.error().message);
    out.id = *id;
    return {};
  }
};
template <>
struct Param<Moment> {
  static std::string what() { return "milliseconds since 1970 or ISO 8601 date"; }
  static Bad read(const Json& in, Moment& out) {
    if (in.is_number_unsigned()) {
      out.ms = in.get<u64>();
      return {};
    }
    std::tm time{};
    const std::string text = in.is_string() ? in.get<std::string>() : "";
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%d", &time);
    if (rest && *rest == 'T') rest = ::strptime(rest, "T%H:%M:%S", &time);
    u64 ms = 0;
    if (rest && rest[0] == '.' && std::isdigit(rest[1]) && std::isdigit(rest[2]) && std::isdigit(rest[3])) {
      ms = static_cast<u64>((rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0'));
      rest += 4;
    }
    if (rest && *rest == 'Z') ++rest;
    const time_t seconds = rest && *rest == 0 ? ::timegm(&time) : -1;
    if (seconds < 0) return fail(std::string("expected milliseconds since 1970 or a date like 2030-01-01T00:00:00.000Z"));
    out.ms = static_cast<u64>(seconds) * 1000 + ms;
    return {};
  }
};
template <class T>
struct Param<std::optional<T>> {
  static std::string what() { return Param<T>::what(); }
  static Bad read(const Json& in, std::optional<T>& out) {
    if (in.is_null()) return {};
    return Param<T>::read(in, out.emplace());
  }
};
template <class T>
struct Param<std::vector<T>> {
  static std::string what() { return "list of " + Param<T>::what(); }
  static Bad read(const Json& in, std::vector<T>& out) {
    if (!in.is_array()) return fail(std::string("expected a list"));
    for (const auto& item : in) {
      if (auto one = Param<T>::read(item, out.emplace_back()); !one) return fail("item " + std::to_string(out.size() - 1) + ": " + one.error());
    }
    return {};
  }
};
template <class A, class B>
struct Param<std::pair<A, B>> {
  static std::string what() { return "[" + Param<A>::what() + ", " + Param<B>::what() + "]"; }
  static Bad read(const Json& in, std::pair<A, B>& out) {
    if (!in.is_array() || in.size() != 2) return fail(std::string("expected a list of two"));
    TRY(Param<A>::read(in[0], out.first));
    return Param<B>::read(in[1], out.second);
  }
};
template <class T>
struct Param<OneOrMany<T>> {
  static std::string what() { return Param<T>::what() + ", or a list of them"; }
  static Bad read(const Json& in, OneOrMany<T>& out) {
    out.many = in.is_array();
    if (out.many) return Param<std::vector<T>>::read(in, out.items);
    return Param<T>::read(in, out.items.emplace_back());
  }
};

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

/// A described struct from a list (by position) or an object (by name). Members that are optional may be missing.
template <scale::Described T>
Bad read_fields(const Json& in, T& out) {
  const auto names = scale::field_names<T>();
  if (in.is_array() && in.size() > names.size()) return fail("expected at most " + std::to_string(names.size()) + " parameters, got " + std::to_string(in.size()));
  size_t i = 0;
  Bad result;
  const auto one = [&]<class Field>(Field& field) {
    const std::string name = camel_case(names[i]);
    const Json* value = nullptr;
    if (in.is_array() && i < in.size()) value = &in[i];
    if (in.is_object()) {
      if (const auto at = in.find(name); at != in.end()) value = &*at;
    }
    ++i;
    if (!result) return;
    if (!value) {
      if (!is_optional<Field>) result = fail("parameter '" + name + "' is missing");
    } else if (auto read = Param<Field>::read(*value, field); !read) {
      result = fail("parameter '" + name + "': " + read.error());
    }
  };
  scale::visit_fields(out, [&](auto&... field) { (one(field), ...); });
  return result;
}
template <scale::Described T>
struct Param<T> {
  static std::string what() {
    std::string out;
    for (const auto name : scale::field_names<T>()) out += (out.empty() ? "{" : ", ") + camel_case(name);
    return out + "}";
  }
  static Bad read(const Json& in, T& out) {
    if (!in.is_object()) return fail(std::string("expected an object"));
    return read_fields(in, out);
  }
};

// ---- the table ------------------------------------------------------------------------------------------------------
struct Done { std::string result; std::function<void()> after; };
struct Entry {
  MethodInfo info;
  Cost cost = Cost::light;
  Answer<Done> (*run)(const Call& call, const Json& params) = nullptr;
};

struct RpcMethods {
  static constexpr auto name = "rpc_methods", doc = "The names of all methods.";
  using Params = EmptyParams;
  static Answer<Raw> call(const Call& call, const Params&);
};

template <class M>
Answer<Done> run_method(const Call& call, const Json& params) {
  typename M::Params p{};
  if (auto read = read_fields(params, p); !read) return invalid(read.error());
  if constexpr (requires { M::unsubscribe; }) {
    if (!call.socket) return fail(RpcError{code::method_not_found, "Subscriptions need a WebSocket connection"});
    auto subscribed = M::call(call, p);
    if (!subscribed) return fail(std::move(subscribed.error()));
    return Done{json(subscribed->id), std::move(subscribed->activate)};
  } else {
    auto result = M::call(call, p);
    if (!result) return fail(std::move(result.error()));
    return Done{json(*result), {}};
  }
}

template <class M>
Entry entry() {
  Entry out;
  out.info.name = M::name;
  out.info.doc = M::doc;
  typename M::Params p{};
  [[maybe_unused]] const auto names = scale::field_names<typename M::Params>();
  [[maybe_unused]] size_t i = 0;
  scale::visit_fields(p, [&](auto&... field) {
    (out.info.params.push_back(camel_case(names[i++]) + (is_optional<std::remove_cvref_t<decltype(field)>> ? "?: " : ": ") + Param<std::remove_cvref_t<decltype(field)>>::what()), ...);
  });
  if constexpr (requires { M::aliases; }) out.info.aliases.assign(M::aliases.begin(), M::aliases.end());
  if constexpr (requires { M::unsafe; }) out.info.unsafe = M::unsafe;
  if constexpr (requires { M::development; }) out.info.development = M::development;
  if constexpr (requires { M::cost; }) out.cost = M::cost;
  if constexpr (requires { M::unsubscribe; }) {
    out.info.unsubscribe.assign(M::unsubscribe.begin(), M::unsubscribe.end());
    out.info.subscription = true;
  }
  out.run = run_method<M>;
  return out;
}

template <class... M>
std::vector<Entry> entries() { return {entry<M>()...}; }

const std::vector<Entry>& table() {
  static const std::vector<Entry> all = entries<
      RpcMethods,
      SystemName, SystemVersion, SystemChain, SystemChainType, SystemProperties, SystemHealth, SystemPeers, SystemNodeRoles, SystemLocalPeerId, SystemLocalListenAddresses,
      SystemSyncState, SystemAccountNextIndex,
      ChainGetHeader, ChainGetBlock, ChainGetBlockHash, ChainGetFinalizedHead, ChainSubscribeNewHeads, ChainSubscribeAllHeads, ChainSubscribeFinalizedHeads,
      StateGetMetadata, StateGetRuntimeVersion, StateGetStorage, StateGetStorageHash, StateGetStorageSize, StateGetKeys, StateGetKeysPaged, StateGetPairs, StateQueryStorage,
      StateQueryStorageAt, StateGetReadProof, StateCall, StateSubscribeStorage, StateSubscribeRuntimeVersion,
      AuthorSubmitExtrinsic, AuthorSubmitAndWatchExtrinsic, AuthorPendingExtrinsics, AuthorRemoveExtrinsic, PaymentQueryInfo, PaymentQueryFeeDetails,
      PhalaHeaders, PhalaMessages, PhalaFinalityProof, PhaGetMqNextSequence,
      DevNewBlock, DevSetBlockBuildMode, DevTimeTravel, DevSetStorage>();
  return all;
}

struct Found { size_t index; bool unsubscribe; };
/// Names, aliases and unsubscriptions to their place in the table.
const std::map<std::string, Found, std::less<>>& by_name() {
  static const auto names = [] {
    std::map<std::string, Found, std::less<>> out;
    for (size_t i = 0; i < table().size(); ++i) {
      const auto& info = table()[i].info;
      out[info.name] = {i, false};
      for (const auto& alias : info.aliases) out[alias] = {i, false};
      for (const auto& ending : info.unsubscribe) out[ending] = {i, true};
    }
    return out;
  }();
  return names;
}

Answer<Raw> RpcMethods::call(const Call& call, const Params&) {
  std::vector<std::string> names;
  for (const auto& [method, found] : by_name()) {
    if (!table()[found.index].info.development || call.node.info.spec.development) names.push_back(method);
  }
  return Raw{R"({"methods":)" + json(names) + "}"};
}

// ---- messages -------------------------------------------------------------------------------------------------------
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

const std::vector<MethodInfo>& methods() {
  static const auto all = [] {
    std::vector<MethodInfo> out;
    for (const auto& entry : table()) out.push_back(entry.info);
    return out;
  }();
  return all;
}

std::string help() {
  std::string out =
      "# JSON-RPC of phala-node\n\nJSON-RPC 2.0 over WebSocket and HTTP POST on one port, batches included; parameters by position or by name (`?`: may be omitted).\n"
      "Made by `phala-node --rpc-help` from the table of methods. What Substrate has under the same name is the same.\n\n| method | parameters | |\n|---|---|---|\n";
  for (const auto& method : methods()) {
    out += "| `" + method.name + "`";
    for (const auto& alias : method.aliases) out += ", `" + alias + "`";
    out += " | ";
    for (size_t i = 0; i < method.params.size(); ++i) out += (i ? "; " : "") + method.params[i];
    out += " | " + method.doc;
    if (method.subscription) out += " Ended by `" + method.unsubscribe.front() + "`.";
    if (method.unsafe) out += " *Unsafe.*";
    if (method.development) out += " *Development chains only.*";
    out += " |\n";
  }
  return out;
}

CallMetrics::CallMetrics(Metrics& metrics)
    : time_(metrics.histogram("substrate_rpc_calls_time", "Time of RPC calls, in microseconds", {25, 100, 250, 1000, 2500, 10'000, 50'000, 250'000, 1'000'000})) {
  for (const auto& method : methods()) {
    good_.push_back(&metrics.counter("substrate_rpc_calls_finished", "RPC calls answered", {{"method", method.name}, {"is_error", "false"}}));
    bad_.push_back(&metrics.counter("substrate_rpc_calls_finished", "RPC calls answered", {{"method", method.name}, {"is_error", "true"}}));
  }
}

void CallMetrics::finished(size_t method, bool ok, double seconds) {
  (ok ? good_ : bad_)[method]->add();
  time_.observe(seconds * 1e6);
}

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
  if (entry.info.development && !call.node.info.spec.development) return fail(RpcError{code::method_not_found, "Method not found"});
  if (entry.info.unsafe && !call.unsafe_allowed)
    return fail(RpcError{code::method_not_found, "RPC call is unsafe to be called externally", "the operator can allow it with --rpc-methods unsafe"});
  if (request.method->unsubscribe) {
    const bool closed = call.socket && request.params.is_array() && request.params.size() == 1 && request.params[0].is_string() &&
                        call.node.hub.close(call.socket->id(), request.params[0].get<std::string>());
    return Done{closed ? "true" : "false", {}};
  }
  if (call.deadline.over()) return fail(RpcError{code::busy, "Server is busy", "the call waited too long; try again later"});
  const auto began = Clock::now();
  auto answer = entry.run(call, request.params);
  metrics.finished(request.method->index, answer.has_value(), std::chrono::duration<double>(Clock::now() - began).count());
  return answer;
}

}  // namespace

Message::Outcome Message::run(const Node& node, const std::shared_ptr<http::WebSocket>& socket, const Policy& policy, CallMetrics& metrics) && {
  Outcome out;
  for (auto& request : state_->requests) {
    const size_t left = policy.max_response_bytes - std::min(policy.max_response_bytes, out.text.size());
    const Call call{node, node.chain.view(), {state_->arrived + std::chrono::milliseconds(policy.deadline_ms)}, socket, left, policy.unsafe_allowed};
    auto answer = run_request(call, request, metrics);
    if (request.id.empty()) continue;
    std::string text;
    if (!answer) {
      text = error_text(request.id, answer.error());
    } else if (answer->result.size() > left) {
      text = error_text(request.id, {code::response_too_big, "Response is too big", "more than " + std::to_string(policy.max_response_bytes) + " bytes; ask for less at once"});
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
