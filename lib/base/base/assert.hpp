#pragma once
// Why: a broken invariant must stop the program where it broke, in release builds too. Only for bugs of ours;
// input from outside is never asserted on (see result.hpp).

namespace phala {
/// Prints the broken condition and its place to stderr and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace phala

#define PHALA_ASSERT(condition) \
  (__builtin_expect(static_cast<bool>(condition), 1) ? (void)0 : ::phala::assertion_failed(#condition, __FILE_NAME__, __LINE__))
#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif
