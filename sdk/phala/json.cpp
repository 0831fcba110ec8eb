#include "phala/json.hpp"

#define JSMN_STRICT
#define JSMN_STATIC
#include <jsmn.h>

#include <vector>

namespace phala::sdk::json {

struct Document::Tokens { std::vector<jsmntok_t> all; };

Document::Document() : tokens_(std::make_unique<Tokens>()) {}
Document::Document(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document, Error> Document::parse(std::string_view text, u32 most_values) {
  Document out;
  out.text_ = std::string(text) + '\n';   // libjsmn wants something behind a number that stands alone
  jsmn_parser parser;
  // first how many, then what: nothing is reserved for values that are not there
  jsmn_init(&parser);
  const int count = jsmn_parse(&parser, out.text_.data(), out.text_.size(), nullptr, 0);
  if (count <= 0) return fail(Error::malformed);
  if (static_cast<u32>(count) > most_values) return fail(Error::too_many_values);
  out.tokens_->all.resize(static_cast<size_t>(count));
  jsmn_init(&parser);
  if (jsmn_parse(&parser, out.text_.data(), out.text_.size(), out.tokens_->all.data(), static_cast<unsigned>(count)) != count) return fail(Error::malformed);
  if (out.after(0) != static_cast<u32>(count)) return fail(Error::malformed);   // more than one value at the top
  return out;
}

std::string_view Document::raw(u32 token) const {
  const auto& t = tokens_->all[token];
  return std::string_view(text_).substr(static_cast<size_t>(t.start), static_cast<size_t>(t.end - t.start));
}

u32 Document::after(u32 token) const {
  const auto& all = tokens_->all;
  const int end = all[token].end;
  u32 next = token + 1;
  while (next < all.size() && all[next].start < end) ++next;
  return next;
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// The code unit of a \uXXXX at the start of `at`; -1 when there is none.
int code_unit(std::string_view at) {
  if (at.size() < 6 || at[0] != '\\' || at[1] != 'u') return -1;
  int unit = 0;
  for (size_t i = 2; i < 6; ++i) {
    const int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

void append_utf8(std::string& out, u32 point) {
  const auto tail = [&](u32 shift) { out.push_back(static_cast<char>(0x80 | ((point >> shift) & 0x3f))); };
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (point >> 6)));
    tail(0);
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (point >> 12)));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xf0 | (point >> 18)));
    tail(12), tail(6), tail(0);
  }
}

std::optional<std::string> unescape(std::string_view raw) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  std::string out;
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out.push_back(raw[i]);
      continue;
    }
    if (i + 1 >= raw.size()) return std::nullopt;
    if (const size_t which = letters.find(raw[i + 1]); which != letters.npos) {
      out.push_back(meanings[which]);
      ++i;
      continue;
    }
    const int unit = code_unit(raw.substr(i));
    if (unit < 0) return std::nullopt;
    i += 5;
    if (unit < 0xd800 || unit > 0xdfff) {
      append_utf8(out, static_cast<u32>(unit));
      continue;
    }
    // beyond the first plane a character is written as a pair of them
    const int low = code_unit(raw.substr(i + 1));
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) return std::nullopt;
    append_utf8(out, 0x10000u + ((static_cast<u32>(unit) - 0xd800u) << 10) + (static_cast<u32>(low) - 0xdc00u));
    i += 6;
  }
  return out;
}

}  // namespace

Value Value::operator[](std::string_view name) const {
  if (!document_ || document_->tokens_->all[token_].type != JSMN_OBJECT) return {};
  u32 at = token_ + 1;
  for (int i = 0; i < document_->tokens_->all[token_].size; ++i) {
    const u32 value = at + 1;
    if (unescape(document_->raw(at)) == name) return Value(document_, value);
    at = document_->after(value);
  }
  return {};
}

Value Value::operator[](size_t index) const {
  if (!document_ || document_->tokens_->all[token_].type != JSMN_ARRAY || index >= size()) return {};
  u32 at = token_ + 1;
  while (index-- > 0) at = document_->after(at);
  return Value(document_, at);
}

size_t Value::size() const {
  if (!document_) return 0;
  const auto& t = document_->tokens_->all[token_];
  return t.type == JSMN_OBJECT || t.type == JSMN_ARRAY ? static_cast<size_t>(t.size) : 0;
}

std::optional<std::string> Value::text() const {
  if (!document_ || document_->tokens_->all[token_].type != JSMN_STRING) return std::nullopt;
  return unescape(document_->raw(token_));
}

std::optional<std::string_view> Value::number() const {
  if (!document_ || document_->tokens_->all[token_].type != JSMN_PRIMITIVE) return std::nullopt;
  const auto raw = document_->raw(token_);
  if (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) return std::nullopt;
  return raw;
}

std::optional<u64> Value::whole() const {
  const auto raw = number();
  if (!raw) return std::nullopt;
  u64 out = 0;
  for (const char c : *raw) {
    if (c < '0' || c > '9' || __builtin_mul_overflow(out, u64{10}, &out) || __builtin_add_overflow(out, static_cast<u64>(c - '0'), &out)) return std::nullopt;
  }
  return out;
}

std::optional<bool> Value::boolean() const {
  if (!document_ || document_->tokens_->all[token_].type != JSMN_PRIMITIVE) return std::nullopt;
  const auto raw = document_->raw(token_);
  if (raw == "true") return true;
  if (raw == "false") return false;
  return std::nullopt;
}

bool Value::is_null() const { return document_ && document_->tokens_->all[token_].type == JSMN_PRIMITIVE && document_->raw(token_) == "null"; }

std::optional<u128> fixed_point(std::string_view number, u32 decimals) {
  u128 out = 0;
  bool digits = false, fraction = false;
  u32 missing = decimals;
  for (const char c : number) {
    if (c == '.' && !fraction && digits) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    digits = true;
    if (fraction && missing == 0) continue;
    if (fraction) --missing;
    if (out > (~u128{0} - static_cast<u128>(c - '0')) / 10) return std::nullopt;
    out = out * 10 + static_cast<u128>(c - '0');
  }
  for (; missing > 0; --missing) {
    if (out > ~u128{0} / 10) return std::nullopt;
    out *= 10;
  }
  if (!digits) return std::nullopt;
  return out;
}

}  // namespace phala::sdk::json
