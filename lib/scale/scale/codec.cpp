#include "scale/codec.hpp"

namespace phala::scale {

std::string_view to_string(CodecError error) {
  switch (error) {
    case CodecError::not_enough_bytes: return "the input ended inside a value";
    case CodecError::trailing_bytes: return "bytes are left over after the value";
    case CodecError::length_too_large: return "a length exceeds the rest of the input, or what is taken at once";
    case CodecError::bad_compact: return "a compact integer is not in its shortest form or too large";
    case CodecError::bad_bool: return "a bool is neither 0 nor 1";
    case CodecError::unknown_variant: return "an enum has an unknown variant index";
    case CodecError::bad_utf8: return "a string is not UTF-8";
    case CodecError::too_deep: return "values are nested deeper than 64 levels";
    case CodecError::not_sorted: return "map keys are not in ascending order";
  }
  return "unknown codec error";
}

Error to_error(CodecError error) { return Error{ErrorCode::invalid_input, "SCALE: " + std::string(to_string(error))}; }

Result<u128, CodecError> Reader::compact() {
  const u8 first = TRY(take(1))[0];
  switch (first & 3) {
    case 0: return u128{first} >> 2;
    case 1: {
      const u128 value = (u128{first} | u128{TRY(take(1))[0]} << 8) >> 2;
      if (value < 64) return fail(CodecError::bad_compact);
      return value;
    }
    case 2: {
      const auto more = TRY(take(3));
      const u128 value = (u128{first} | u128{more[0]} << 8 | u128{more[1]} << 16 | u128{more[2]} << 24) >> 2;
      if (value < 1u << 14) return fail(CodecError::bad_compact);
      return value;
    }
    default: {
      const size_t size = (first >> 2) + 4u;
      if (size > 16) return fail(CodecError::bad_compact);
      const auto raw = TRY(take(size));
      u128 value = 0;
      for (size_t i = 0; i < size; ++i) value |= u128{raw[i]} << (8 * i);
      if (raw[size - 1] == 0 || value < u128{1} << 30) return fail(CodecError::bad_compact);
      return value;
    }
  }
}

Result<size_t, CodecError> Reader::length(size_t min_item_size) {
  const u128 n = TRY(compact());
  if (n > left() / std::max<size_t>(min_item_size, 1)) return fail(CodecError::length_too_large);
  return static_cast<size_t>(n);
}

void encode_compact(Bytes& out, u128 value) {
  if (value < 64) {
    out.push_back(static_cast<u8>(value << 2));
  } else if (value < 1u << 14) {
    const u16 v = static_cast<u16>(value << 2 | 1);
    out.push_back(static_cast<u8>(v));
    out.push_back(static_cast<u8>(v >> 8));
  } else if (value < 1u << 30) {
    const u32 v = static_cast<u32>(value << 2 | 2);
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<u8>(v >> (8 * i)));
  } else {
    int size = 0;
    for (u128 v = value; v != 0; v >>= 8) ++size;
    out.push_back(static_cast<u8>((size - 4) << 2 | 3));
    for (int i = 0; i < size; ++i) out.push_back(static_cast<u8>(value >> (8 * i)));
  }
}

bool is_utf8(ByteView text) {
  for (size_t i = 0; i < text.size();) {
    const u8 lead = text[i];
    const int more = lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : -1;
    if (more < 0 || i + static_cast<size_t>(more) >= text.size()) return false;
    u32 point = more == 0 ? lead : lead & (0x3f >> more);
    for (int k = 1; k <= more; ++k) {
      if ((text[i + static_cast<size_t>(k)] & 0xc0) != 0x80) return false;
      point = point << 6 | (text[i + static_cast<size_t>(k)] & 0x3f);
    }
    if ((more == 2 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) || (more == 3 && (point < 0x10000 || point > 0x10ffff))) return false;
    i += static_cast<size_t>(more) + 1;
  }
  return true;
}

Result<bool, CodecError> Codec<bool>::decode(Reader& in) {
  const u8 raw = TRY(in.take(1))[0];
  if (raw > 1) return fail(CodecError::bad_bool);
  return raw == 1;
}

void Codec<Bytes>::encode(Bytes& out, const Bytes& value) {
  encode_compact(out, value.size());
  append(out, value);
}
Result<Bytes, CodecError> Codec<Bytes>::decode(Reader& in) {
  const size_t n = TRY(in.length(1));
  return to_bytes(TRY(in.take(n)));
}

void Codec<std::string>::encode(Bytes& out, const std::string& value) {
  encode_compact(out, value.size());
  append(out, as_bytes(value));
}
Result<std::string, CodecError> Codec<std::string>::decode(Reader& in) {
  const size_t n = TRY(in.length(1));
  const auto raw = TRY(in.take(n));
  if (!is_utf8(raw)) return fail(CodecError::bad_utf8);
  return std::string(as_text(raw));
}

}  // namespace phala::scale
