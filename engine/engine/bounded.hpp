#pragma once
// Why: SCALE lets two bytes claim a list item that takes a hundred in memory. What contracts send is read into types that say how much
// there may be, so that four mebibytes of guest memory never become two hundred of ours.

#include "scale/codec.hpp"

namespace phala::engine {

/// At most `Max` items; a longer list does not decode.
template <class T, size_t Max>
struct Bounded { std::vector<T> items; };

/// A list of any length that is only checked: its items are decoded one after the other and dropped.
template <class T>
struct Checked {};

}  // namespace phala::engine

template <class T, size_t Max>
struct phala::scale::Codec<phala::engine::Bounded<T, Max>> {
  static Result<engine::Bounded<T, Max>, CodecError> decode(Reader& in) {
    Reader ahead = in;
    const auto n = ahead.length(1);
    if (!n) return fail(n.error());
    if (*n > Max) return fail(CodecError::length_too_large);
    auto items = decode_from<std::vector<T>>(in);
    if (!items) return fail(items.error());
    return engine::Bounded<T, Max>{std::move(*items)};
  }
};

template <class T>
struct phala::scale::Codec<phala::engine::Checked<T>> {
  static Result<engine::Checked<T>, CodecError> decode(Reader& in) {
    const auto n = in.length(1);
    if (!n) return fail(n.error());
    for (size_t i = 0; i < *n; ++i)
      if (auto one = decode_from<T>(in); !one) return fail(one.error());
    return engine::Checked<T>{};
  }
};
