#include "base/bytes.hpp"

namespace phala {

std::string to_hex(ByteView bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const u8 b : bytes) {
    out.push_back(digits[b >> 4]);
    out.push_back(digits[b & 15]);
  }
  return out;
}

std::string to_hex0x(ByteView bytes) { return "0x" + to_hex(bytes); }

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  if (text.size() % 2 != 0) return fail(ErrorCode::invalid_input, "hex text has an odd number of digits");
  Bytes out(text.size() / 2);
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return fail(ErrorCode::invalid_input, "not a hex digit at position " + std::to_string(2 * i + (high < 0 ? 0 : 1)));
    out[i] = static_cast<u8>(high << 4 | low);
  }
  return out;
}

Bytes end_of_prefix(ByteView prefix) {
  Bytes end = to_bytes(prefix);
  while (!end.empty() && end.back() == 0xff) end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

std::string to_decimal(u128 value) {
  if (value == 0) return "0";
  std::string out;
  for (; value != 0; value /= 10) out.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
  std::reverse(out.begin(), out.end());
  return out;
}

Result<u128> parse_u128(std::string_view digits) {
  if (digits.empty()) return fail(ErrorCode::invalid_input, "expected a number, got nothing");
  u128 value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return fail(ErrorCode::invalid_input, "'" + std::string(digits) + "' is not a whole number");
    u128 next;
    if (__builtin_mul_overflow(value, static_cast<u128>(10), &next) || __builtin_add_overflow(next, static_cast<u128>(c - '0'), &value))
      return fail(ErrorCode::invalid_input, "'" + std::string(digits) + "' does not fit in 128 bits");
  }
  return value;
}

}  // namespace phala
