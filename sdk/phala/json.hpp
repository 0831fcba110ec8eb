#pragma once
// Why: most of what a contract fetches from the web is JSON. This reads it without floating point, which contracts may not contain: numbers stay the
// text they were. The scanning is libjsmn's (strict mode); here is only the way into what it found.
//
//   const auto document = json::Document::parse(response.body);
//   if (!document) return fail(Error::BadBody);
//   const auto price = document->root()["data"]["price"].number();      // "61234.5", or nothing when anything on the way is missing

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace phala::sdk::json {

enum class Error : u8 { malformed, too_many_values };

class Document;

/// One value of a document, or nothing: looking into what is not there gives nothing again, so that a path needs one check at its end.
/// Refers into its document, which must outlive it.
class Value {
 public:
  Value() = default;
  explicit operator bool() const { return document_ != nullptr; }

  /// Member of an object; the first one when a name stands twice.
  Value operator[](std::string_view name) const;
  /// Element of an array.
  Value operator[](size_t index) const;
  /// Members of an object or elements of an array; 0 for anything else.
  size_t size() const;

  /// A string, with its escapes undone. Nothing: not a string, or a broken escape.
  std::optional<std::string> text() const;
  /// A number as it was written: "1e3", "-0.50".
  std::optional<std::string_view> number() const;
  /// A whole number without sign, fraction or exponent. Nothing also when it does not fit.
  std::optional<u64> whole() const;
  std::optional<bool> boolean() const;
  bool is_null() const;

 private:
  friend class Document;
  Value(const Document* document, u32 token) : document_(document), token_(token) {}
  const Document* document_ = nullptr;
  u32 token_ = 0;
};

class Document {
 public:
  /// Keeps a copy of the text. `most_values` bounds memory: 20 bytes each; names count.
  static Result<Document, Error> parse(std::string_view text, u32 most_values = 1024);
  static Result<Document, Error> parse(ByteView text, u32 most_values = 1024) { return parse(as_text(text), most_values); }
  Document(Document&&) noexcept;
  ~Document();
  Value root() const { return Value(this, 0); }

 private:
  friend class Value;
  struct Tokens;
  Document();
  std::string_view raw(u32 token) const;
  /// The token after this one and all that is inside it.
  u32 after(u32 token) const;
  std::string text_;
  std::unique_ptr<Tokens> tokens_;
};

/// A decimal number as an integer with `decimals` digits after the point: ("61234.5", 6) → 61234500000. Further digits are cut off.
/// Nothing: a sign, an exponent, no digits, or too large.
std::optional<u128> fixed_point(std::string_view number, u32 decimals);

}  // namespace phala::sdk::json
