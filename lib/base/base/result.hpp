#pragma once
// Why: every expected failure of this code base is a value, never an exception, so that a malformed message,
// quote or query can be refused with a name and nothing unwinds past half-written state. libstdc++ 12 ships
// std::expected without its monadic members; Result adds the few we use and makes ignoring a failure a warning.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace phala {

/// Broad class of a failure, for exit codes, HTTP statuses and metrics. The text tells the rest.
enum class ErrorCode : uint8_t {
  invalid_input,     ///< what we were given is malformed; the same call will fail again
  not_found,         ///< the named thing does not exist (or is pruned)
  refused,           ///< understood, but a rule forbids it (permission, signature, limit)
  unavailable,       ///< may succeed later or elsewhere (peer down, port in use, syncing)
  corrupted,         ///< what we stored ourselves does not read back
  internal,          ///< a bug or an exhausted resource on our side
};

/// An error at a module's border: what happened, to which thing, and what to do next.
/// `context` grows outwards ("load head" ← "open store"); `hint` is a sentence for the operator, may be empty.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string hint{};

  /// The same error as seen one layer further out.
  Error in(std::string_view context) && {
    message.insert(0, ": ");
    message.insert(0, context);
    return std::move(*this);
  }
  /// One line for logs and terminals: message, then the hint.
  std::string text() const { return hint.empty() ? message : message + " (" + hint + ")"; }
  bool operator==(const Error&) const = default;
};

/// A value, or the reason there is none. `E` is a small enum within a module and `Error` at its border.
template <class T = void, class E = Error>
class [[nodiscard]] Result : public std::expected<T, E> {
 public:
  using Base = std::expected<T, E>;
  using Base::Base;
  Result(Base&& base) : Base(std::move(base)) {}

  /// Adds where it happened. Only for `Error`.
  Result context(std::string_view where) && {
    if (!this->has_value()) this->error() = std::move(this->error()).in(where);
    return std::move(*this);
  }
  /// Maps the error to another type: the step from a module's enum to `Error`.
  template <class F>
  auto map_error(F&& f) && -> Result<T, std::invoke_result_t<F, E&&>> {
    if (this->has_value()) {
      if constexpr (std::is_void_v<T>) return {};
      else return std::move(**this);
    }
    return std::unexpected(std::forward<F>(f)(std::move(this->error())));
  }
};

/// `return fail(x)` reads better than `return std::unexpected(x)`.
template <class E>
constexpr auto fail(E&& error) {
  return std::unexpected<std::decay_t<E>>(std::forward<E>(error));
}
inline auto fail(ErrorCode code, std::string message, std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(hint)});
}

namespace detail {
template <class R>
constexpr auto take_value(R&& result) {
  if constexpr (std::is_void_v<typename std::remove_cvref_t<R>::value_type>) return;
  else return std::move(*result);
}
}  // namespace detail

}  // namespace phala

#define PHALA_CAT2_(a, b) a##b
#define PHALA_CAT_(a, b) PHALA_CAT2_(a, b)

/// `auto x = TRY(f());` in plain functions: the value, or return the error from here.
#define TRY_(tmp, ...)                                            \
  __extension__({                                                 \
    auto tmp = (__VA_ARGS__);                                     \
    if (!tmp) return std::unexpected(std::move(tmp).error());     \
    ::phala::detail::take_value(std::move(tmp));                  \
  })
#define TRY(...) TRY_(PHALA_CAT_(try_result_, __COUNTER__), __VA_ARGS__)

/// The same for coroutines, in two forms because g++ 12 crashes on a statement expression around `co_await`.
#define CO_TRY_(tmp, decl, ...)                                   \
  auto tmp = (__VA_ARGS__);                                       \
  if (!tmp) co_return std::unexpected(std::move(tmp).error());    \
  decl = std::move(*tmp)
#define CO_TRY(decl, ...) CO_TRY_(PHALA_CAT_(co_try_, __COUNTER__), decl, __VA_ARGS__)
#define CO_CHECK(...) \
  if (auto co_check_ = (__VA_ARGS__); !co_check_) co_return std::unexpected(std::move(co_check_).error())
