#include "engine/effects.hpp"

namespace phala::engine {

std::string_view to_string(HttpError error) {
  switch (error) {
    case HttpError::invalid_url: return "Invalid URL";
    case HttpError::invalid_method: return "Invalid method";
    case HttpError::invalid_header_name: return "Invalid header name";
    case HttpError::invalid_header_value: return "Invalid header value";
    case HttpError::failed_to_create_client: return "Failed to create client";
    case HttpError::timeout: return "Timeout";
    case HttpError::not_allowed: return "Not allowed";
    case HttpError::too_many_requests: return "Too many requests";
    case HttpError::network_error: return "Network error";
    case HttpError::response_too_large: return "Response too large";
    case HttpError::too_many_headers: return "Too many headers";
  }
  return "Unknown HTTP error";
}

// docs/protocol.md §16
namespace {
struct Rule { bool system_only, in_query, is_private; };
constexpr Rule rule(const SetHook&) { return {true, false, false}; }
constexpr Rule rule(const DeploySidevmTo&) { return {true, true, false}; }
constexpr Rule rule(const SidevmMessage&) { return {false, true, true}; }
constexpr Rule rule(const CacheOpEvent&) { return {false, true, true}; }
constexpr Rule rule(const StopSidevm&) { return {false, true, false}; }
constexpr Rule rule(const ForceStopSidevm&) { return {true, true, false}; }
constexpr Rule rule(const SetLogHandler&) { return {true, false, false}; }
constexpr Rule rule(const SetContractWeight&) { return {true, false, false}; }
constexpr Rule rule(const UpgradeRuntimeTo&) { return {true, false, false}; }
constexpr Rule rule(const SidevmOperationEvent&) { return {true, true, false}; }
constexpr Rule rule(const SetJsRuntime&) { return {true, false, false}; }
Rule rule_of(const PinkEvent& event) {
  return event.visit([](const auto& e) { return rule(e); });
}
}  // namespace

bool PinkEvent::system_only() const { return rule_of(*this).system_only; }
bool PinkEvent::allowed_in_query() const { return rule_of(*this).in_query; }
bool PinkEvent::is_private() const { return rule_of(*this).is_private; }

}  // namespace phala::engine
