#include "rpc/json.hpp"

namespace phala::rpc {

void write_text(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  // what is not UTF-8 cannot be in JSON: it is shown as hex rather than altered
  if (!scale::is_utf8(as_bytes(text))) {
    out += to_hex0x(as_bytes(text));
  } else {
    for (const char c : text) {
      const auto code = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') out += {'\\', c};
      else if (c == '\n') out += "\\n";
      else if (code < 0x20) out += {'\\', 'u', '0', '0', digits[code >> 4], digits[code & 15]};
      else out += c;
    }
  }
  out += '"';
}

void write_hex(std::string& out, ByteView bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  const size_t at = out.size();
  out.resize(at + 4 + 2 * bytes.size());
  char* to = out.data() + at;
  *to++ = '"';
  *to++ = '0';
  *to++ = 'x';
  for (const u8 byte : bytes) {
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
  }
  *to = '"';
}

void write_number(std::string& out, u64 value) { out += std::to_string(value); }

void write(std::string& out, const NumberOrHex& value) {
  const auto bytes = be_bytes(value.value);
  std::string digits = to_hex(bytes);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  out += "\"0x" + digits + "\"";
}

void write(std::string& out, const Decimal& value) { out += '"' + to_decimal(value.value) + '"'; }

std::string camel_case(std::string_view snake) {
  std::string out;
  bool upper = false;
  for (const char c : snake) {
    if (c == '_') upper = true;
    else out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (c != '_') upper = false;
  }
  return out;
}

}  // namespace phala::rpc
