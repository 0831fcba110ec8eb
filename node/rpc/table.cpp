#include "rpc/table.hpp"

#include "rpc/author.hpp"
#include "rpc/dev.hpp"
#include "rpc/entry.hpp"
#include "rpc/param.hpp"
#include "rpc/phala.hpp"
#include "rpc/state.hpp"
#include "rpc/system.hpp"

namespace phala::rpc {
namespace {

struct RpcMethods {
  static constexpr auto name = "rpc_methods", doc = "The names of all methods.", returns = "{methods: list of text}";
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
using ResultOf = typename decltype(M::call(std::declval<const Call&>(), std::declval<const typename M::Params&>()))::value_type;

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
    out.info.result = "subscription id";
    out.info.notification = "`" + std::string(Hub::notification_name(M::stream)) + "` with " + M::notifies;
  } else if constexpr (std::is_same_v<ResultOf<M>, Raw>) {
    out.info.result = M::returns;
  } else {
    out.info.result = Shape<ResultOf<M>>::what();
  }
  if constexpr (requires { M::answer_bytes; }) out.answer_bytes = M::answer_bytes;
  out.run = run_method<M>;
  return out;
}

template <class... M>
std::vector<Entry> entries() { return {entry<M>()...}; }

}  // namespace

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
    if (table()[found.index].served_by(call.node)) names.push_back(method);
  }
  return Raw{R"({"methods":)" + json(names) + "}"};
}

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
      "Made by `phala-node --rpc-help` from the table of methods. What Substrate has under the same name is the same. Bytes are hex in lower case with 0x; \"hex number\" is 0x "
      "and digits. Limits of sizes, counts and time: `phala-node --help`.\n\n| method | parameters | result | |\n|---|---|---|---|\n";
  for (const auto& method : methods()) {
    out += "| `" + method.name + "`";
    for (const auto& alias : method.aliases) out += ", `" + alias + "`";
    out += " | ";
    for (size_t i = 0; i < method.params.size(); ++i) out += (i ? "; " : "") + method.params[i];
    out += " | " + method.result + " | " + method.doc;
    if (method.subscription) out += " Notifications: " + method.notification + ". Ended by `" + method.unsubscribe.front() + "`.";
    if (method.unsafe) out += " *Unsafe.*";
    if (method.development) out += " *Development chains only.*";
    out += " |\n";
  }
  out += "\nA notification is `{\"jsonrpc\": \"2.0\", \"method\": NAME, \"params\": {\"subscription\": ID, \"result\": …}}`. The statuses of a transaction, in order: `\"future\"`, "
         "`\"ready\"`, `{\"inBlock\": hash}`, `{\"finalized\": hash}`; or one of `{\"usurped\": hash}`, `\"dropped\"`, `\"invalid\"`, which like `finalized` end the subscription. A "
         "request that is too long is refused with HTTP status 413 or WebSocket status 1009; a client that does not read what it is sent, or when the node has no memory for more, with 1013.\n\n"
         "| error code | meaning |\n|---|---|\n";
  for (const auto& [number, meaning] : code::meanings) out += "| " + std::to_string(number) + " | " + meaning + " |\n";
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

}  // namespace phala::rpc
