#include "primitives/extrinsic.hpp"

#include <bit>

#include "crypto/hash.hpp"

namespace phala {

namespace {
constexpr u8 version = 4, signed_bit = 0x80;
constexpr u32 min_period = 4, max_period = 1u << 16;

u32 quantum(u32 period) { return std::max(period >> 12, 1u); }
}  // namespace

bool MultiSignature::verify(ByteView message, const AccountId& signer) const {
  if (const auto* s = get_if<signature::Ed25519>()) return crypto::ed25519_verify(s->bytes, message, signer.as<PublicKey>());
  if (const auto* s = get_if<signature::Sr25519>()) return crypto::sr25519_verify(s->bytes, message, signer.as<PublicKey>());
  const auto key = crypto::ecdsa_recover(get_if<signature::Ecdsa>()->bytes, crypto::blake2_256(message));
  return key && crypto::blake2_256(*key).as<AccountId>() == signer;
}

Era Era::mortal(u32 period, BlockNumber current) {
  const u32 rounded = std::bit_ceil(std::clamp(period, min_period, max_period));
  return {rounded, current % rounded / quantum(rounded) * quantum(rounded)};
}

BlockNumber Era::birth(BlockNumber current) const {
  if (is_immortal()) return 0;
  return (std::max(current, phase) - phase) / period * period + phase;
}

BlockNumber Era::death(BlockNumber current) const {
  if (is_immortal()) return ~BlockNumber{0};
  const u64 last = u64{birth(current)} + period;
  return static_cast<BlockNumber>(std::min<u64>(last, ~BlockNumber{0}));
}

Bytes signing_payload(ByteView call, const SignedExtra& extra, const SignedContext& context) {
  Bytes out = to_bytes(call);
  scale::encode_to(out, extra);
  scale::encode_to(out, context);
  return out.size() > 256 ? to_bytes(crypto::blake2_256(out)) : out;
}

Bytes encode_extrinsic(const std::optional<ExtrinsicSignature>& signature, ByteView call) {
  Bytes body{static_cast<u8>(signature ? version | signed_bit : version)};
  if (signature) scale::encode_to(body, *signature);
  append(body, call);
  return scale::encode(body);
}

Result<ExtrinsicParts, scale::CodecError> split_extrinsic(ByteView extrinsic) {
  scale::Reader in(extrinsic);
  if (TRY(in.length(1)) != in.left()) return fail(scale::CodecError::trailing_bytes);
  const u8 head = TRY(in.take(1))[0];
  if ((head & ~signed_bit) != version) return fail(scale::CodecError::unknown_variant);
  ExtrinsicParts parts;
  if (head & signed_bit) parts.signature = TRY(scale::decode_from<ExtrinsicSignature>(in));
  parts.call = in.rest();
  return parts;
}

}  // namespace phala

namespace phala::scale {

void Codec<Era>::encode(Bytes& out, const Era& era) {
  if (era.is_immortal()) return out.push_back(0);
  const u32 exponent = std::clamp(static_cast<u32>(std::countr_zero(era.period)) - 1, 1u, 15u);
  encode_to(out, static_cast<u16>(exponent | (era.phase / quantum(era.period)) << 4));
}

Result<Era, CodecError> Codec<Era>::decode(Reader& in) {
  const u8 first = TRY(in.take(1))[0];
  if (first == 0) return Era{};
  const u32 raw = first | u32{TRY(in.take(1))[0]} << 8;
  const u32 period = 2u << (raw & 15);
  const u32 phase = (raw >> 4) * quantum(period);
  if (period < min_period || phase >= period) return fail(CodecError::unknown_variant);
  return Era{period, phase};
}

}  // namespace phala::scale
