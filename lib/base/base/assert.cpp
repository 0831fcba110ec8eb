#include "base/assert.hpp"

#if defined(__wasm__)
namespace phala {
void assertion_failed(const char*, const char*, int) noexcept { __builtin_trap(); }
}  // namespace phala
#else
#include <cstdio>
#include <cstdlib>
namespace phala {
void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "bug: '%s' does not hold at %s:%d. Please report this with the log.\n", condition, file, line);
  std::abort();
}
}  // namespace phala
#endif
