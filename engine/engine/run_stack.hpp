#pragma once
// Why: nested contract calls nest on the native stack too: six instances, each with the most that wasm may use of it. That is
// more than a thread usually has, so a run gets a stack of its own, and what a contract can reach does not depend on the
// thread that happens to serve it.

#include <memory>
#include <type_traits>

#include "base/bytes.hpp"

namespace phala::engine {

/// A reserved stretch of memory that grows as it is touched, with a guard page below. Used by one run at a time.
class RunStack {
 public:
  /// Error `unavailable`: the address space is exhausted.
  static Result<std::unique_ptr<RunStack>> create(size_t bytes);
  ~RunStack();
  RunStack(const RunStack&) = delete;
  RunStack& operator=(const RunStack&) = delete;

  /// Runs `f` to its end on this stack, on the calling thread. `f` must not throw.
  template <class F>
  void run(F&& f) {
    run_erased([](void* it) { (*static_cast<std::remove_reference_t<F>*>(it))(); }, &f);
  }

 private:
  RunStack(u8* base, size_t bytes) : base_(base), bytes_(bytes) {}
  void run_erased(void (*call)(void*), void* it);
  u8* base_;
  size_t bytes_;
};

}  // namespace phala::engine
