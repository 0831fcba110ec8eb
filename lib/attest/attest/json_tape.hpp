#pragma once
// Why: Intel's documents are small objects with very many tiny members. As a tree of nodes they cost more to build than two signatures to
// verify; as one row of tokens with one store of text, nothing is allocated per member. The library parses, this only keeps what it reports.
// Included by documents_json.cpp alone.

#include <nlohmann/json.hpp>

#include "attest/error.hpp"

namespace phala::attest {

/// The values of one JSON text, in their order.
class JsonTape final : public nlohmann::json_sax<nlohmann::json> {
 public:
  enum class Kind : u8 { object, array, string, number, other };   ///< number: unsigned integer; other: everything else
  struct Token {
    Kind kind;
    u32 key_at = 0, key_size = 0;     ///< in `text_`; empty outside objects
    u32 text_at = 0, text_size = 0;   ///< of a string
    u64 number = 0;
    u32 next = 0;                     ///< index behind the last value inside
  };

  /// Nothing when the text is not JSON, deeper than 16 or longer than 4 GiB.
  static std::optional<JsonTape> parse(std::string_view json) {
    JsonTape tape;
    if (json.size() > 0xffffffffu) return std::nullopt;
    tape.tokens_.reserve(json.size() / 8);
    tape.text_.reserve(json.size());
    if (!nlohmann::json::sax_parse(json.begin(), json.end(), &tape)) return std::nullopt;
    return tape;
  }
  const Token& token(u32 index) const { return tokens_[index]; }
  std::string_view text(u32 at, u32 size) const { return std::string_view(text_).substr(at, size); }

  bool null() override { return add({Kind::other}); }
  bool boolean(bool) override { return add({Kind::other}); }
  bool number_integer(number_integer_t) override { return add({Kind::other}); }
  bool number_unsigned(number_unsigned_t value) override { return add({.kind = Kind::number, .number = value}); }
  bool number_float(number_float_t, const string_t&) override { return add({Kind::other}); }
  bool string(string_t& value) override {
    const u32 at = keep(value);
    return add({.kind = Kind::string, .text_at = at, .text_size = static_cast<u32>(value.size())});
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Kind::object); }
  bool key(string_t& name) override {
    key_size_ = static_cast<u32>(name.size());
    key_at_ = keep(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Kind::array); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  u32 keep(const std::string& value) {
    const u32 at = static_cast<u32>(text_.size());
    text_ += value;
    return at;
  }
  bool add(Token token) {
    token.key_at = std::exchange(key_at_, 0);
    token.key_size = std::exchange(key_size_, 0);
    token.next = static_cast<u32>(tokens_.size()) + 1;
    tokens_.push_back(token);
    return true;
  }
  bool open(Kind kind) {
    if (open_.size() == 16) return false;
    open_.push_back(static_cast<u32>(tokens_.size()));
    return add({kind});
  }
  bool close() {
    tokens_[open_.back()].next = static_cast<u32>(tokens_.size());
    open_.pop_back();
    return true;
  }
  std::vector<Token> tokens_;
  std::string text_;
  std::vector<u32> open_;
  u32 key_at_ = 0, key_size_ = 0;
};

/// One value on a tape, which must outlive it.
class JsonValue {
 public:
  using Kind = JsonTape::Kind;
  explicit JsonValue(const JsonTape& tape, u32 index = 0) : tape_(&tape), index_(index) {}
  bool is(Kind kind) const { return token().kind == kind; }
  std::string_view text() const { return tape_->text(token().text_at, token().text_size); }
  u64 number() const { return token().number; }
  /// Calls `visit(name, value)` for the values directly inside an object or array, until it returns false.
  template <class Visit>
  void each(Visit&& visit) const {
    for (u32 i = index_ + 1; i < token().next; i = tape_->token(i).next) {
      const auto& t = tape_->token(i);
      if (!visit(tape_->text(t.key_at, t.key_size), JsonValue(*tape_, i))) return;
    }
  }
  /// The first member of that name.
  std::optional<JsonValue> find(std::string_view name) const {
    std::optional<JsonValue> found;
    if (is(Kind::object)) each([&](std::string_view key, const JsonValue& value) { return key == name ? (found = value, false) : true; });
    return found;
  }

 private:
  const JsonTape::Token& token() const { return tape_->token(index_); }
  const JsonTape* tape_;
  u32 index_;
};

}  // namespace phala::attest
