#pragma once
// Why: what differs between the generations of ink! on the wire: the layer around answers, and the topics of events.

#include <gtest/gtest.h>

#include <iterator>

#include "crypto/hash.hpp"
#include "world.hpp"

namespace phala::contracts_test {

/// The errors of the token and of the hub, by their index.
enum class TokenError : u8 { Custom, InsufficientBalance, InsufficientAllowance, ZeroRecipientAddress };
enum class HubError : u8 { NotOwner, Trapped, Reverted, NotCallable, TransferFailed, CodeNotFound, Unreadable, Other, Token, NotUnderstood };

/// Selector and arguments of a message or constructor.
template <class... A>
Bytes input(std::string_view label, const A&... arguments) {
  return concat(ByteView(crypto::blake2_256(as_bytes(label))).first(4), scale::encode(arguments...));
}

struct Generation {
  std::string name;
  int number;          ///< 3, 4 or 5
  std::string suffix;  ///< of the golden files
  bool v1 = false;     ///< ink! 5: calls through the host interface of ink! 4

  /// From ink! 4 on an answer is a Result that tells whether the call was understood.
  bool layered() const { return number >= 4; }
  Bytes answer(const Bytes& value) const { return layered() ? concat(Bytes{0}, value) : value; }

  /// Up to 32 bytes as they are, more as their hash.
  static Hash topic(Bytes value) {
    if (value.size() > 32) return crypto::blake2_256(value);
    value.resize(32);
    return Hash(ByteView(value));
  }
  /// `name` is what generations 3 and 4 hash, `signature` what generation 5 does.
  Hash event_topic(std::string_view event_name, std::string_view signature) const {
    return number == 5 ? crypto::blake2_256(as_bytes(signature)) : topic(concat(Bytes{0}, as_bytes(event_name)));
  }
  /// Generation 5 leaves the field's name out, and of an optional value that it is one.
  template <class T>
  Hash field_topic(const std::string& field, const T& value) const {
    return topic(number == 5 ? scale::encode(value) : scale::encode(field, value));
  }
  template <class T>
  Hash field_topic(const std::string& field, const std::optional<T>& value) const {
    if (number != 5) return topic(scale::encode(field, value));
    return topic(value ? scale::encode(*value) : Bytes{0});
  }
};

inline const Generation generations[] = {{"3", 3, "_ink3"}, {"4", 4, ""}, {"5", 5, "_ink5"}, {"5_v1", 5, "_ink5", true}};
inline void PrintTo(const Generation& each, std::ostream* out) { *out << "ink! " << each.name; }

}  // namespace phala::contracts_test
