#include "primitives/message.hpp"

#include "crypto/hash.hpp"

namespace phala {

std::string to_string(const MessageOrigin& origin) {
  if (const auto* o = origin.get_if<origin::Pallet>()) return "pallet " + std::string(as_text(o->name));
  if (const auto* o = origin.get_if<origin::Contract>()) return "contract " + to_hex0x(o->id);
  if (const auto* o = origin.get_if<origin::Worker>()) return "worker " + to_hex0x(o->key);
  if (const auto* o = origin.get_if<origin::Account>()) return "account " + to_hex0x(o->id);
  if (const auto* o = origin.get_if<origin::Cluster>()) return "cluster " + to_hex0x(o->id);
  if (origin.is<origin::Gatekeeper>()) return "gatekeeper";
  if (origin.is<origin::MultiLocation>()) return "location";
  return "reserved";
}

bool is_valid_topic(ByteView topic) {
  static constexpr std::string_view forbidden = "~!@#$%&*_+-=|<>?,./;:'";
  return !topic.empty() && forbidden.find(static_cast<char>(topic[0])) == forbidden.npos;
}

Bytes signed_bytes(const Message& message, u64 sequence) { return scale::encode(message, sequence); }

Leaf Leaf::of(const Message& message) {
  return {message.sender, message.destination, static_cast<u32>(message.payload.size()), crypto::blake2_256(message.payload)};
}

Hash next_message_root(const Hash& previous, BlockNumber number, u64 now_ms, const std::vector<Leaf>& leaves) {
  return crypto::blake2_256(scale::encode(previous, number, now_ms, crypto::blake2_256(scale::encode(leaves))));
}

Bytes wrap_content(ByteView data, SignedContent type) {
  Bytes out{0xff, static_cast<u8>(type)};
  append(out, data);
  return out;
}

}  // namespace phala
