#pragma once
// Why: an event is a struct. Fields named in TOPICS can be searched for; they and the event's name are its topics.
// Format (ink! 4): data = index of the event in the contract's list ‖ fields. First topic = H(0 ‖ "Contract::Event"), then for each
// topic field H(SCALE string "Contract::Event::field" ‖ value); H pads to 32 bytes, and hashes what is longer with BLAKE2b-256.

#include "phala/env.hpp"

/// Inside an event, after FIELDS: the fields that can be searched for, at most three.
#define TOPICS(...) static constexpr std::string_view phala_topics = #__VA_ARGS__;

namespace phala::sdk {

namespace detail {
/// H of the above.
Hash topic(ByteView data);
/// Is `name` in the comma-separated `list`?
constexpr bool lists(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '_')) one.remove_suffix(1);
    if (one == name) return true;
  }
  return false;
}
template <class E>
constexpr bool is_topic(std::string_view field) {
  if constexpr (requires { E::phala_topics; }) return lists(E::phala_topics, field);
  else return false;
}
template <class E, class... All>
constexpr u8 index_in(List<All...>) {
  u8 index = 0;
  static_cast<void>(((std::is_same_v<E, All> || (++index, false)) || ...));
  return index;
}
}  // namespace detail

/// Emits an event of contract C: `emit(*this, Flipped{…})`.
template <class C, class E>
void emit(const C&, const E& event) {
  constexpr u8 index = detail::index_in<E>(typename C::Events{});
  const std::string name = std::string(scale::type_name<C>()) + "::" + std::string(scale::type_name<E>());
  std::vector<Hash> topics{detail::topic(concat(Bytes{0}, as_bytes(name)))};
  scale::visit_fields(event, [&](const auto&... field) {
    size_t i = 0;
    const auto add = [&](const auto& value) {
      const std::string_view field_name = scale::field_names<E>()[i++];
      if (detail::is_topic<E>(field_name)) topics.push_back(detail::topic(scale::encode(name + "::" + std::string(field_name), value)));
    };
    (add(field), ...);
  });
  deposit_event(topics, scale::encode(index, event));
}

}  // namespace phala::sdk
