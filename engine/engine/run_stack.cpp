#include "engine/run_stack.hpp"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PHALA_ASAN 1
#include <sanitizer/common_interface_defs.h>
#endif
#endif

namespace phala::engine {

namespace {

/// Lives on the caller's stack; the new stack finds it through two words, which is all that makecontext hands over portably.
struct Crossing {
  ucontext_t from, to;
  void (*call)(void*);
  void* it;
#ifdef PHALA_ASAN
  void* caller_fake = nullptr;
  const void* caller_stack = nullptr;
  size_t caller_size = 0;
#endif
};

void enter(unsigned high, unsigned low) {
  auto* crossing = reinterpret_cast<Crossing*>((static_cast<uintptr_t>(high) << 32) | low);
#ifdef PHALA_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &crossing->caller_stack, &crossing->caller_size);
#endif
  crossing->call(crossing->it);
#ifdef PHALA_ASAN
  __sanitizer_start_switch_fiber(nullptr, crossing->caller_stack, crossing->caller_size);
#endif
  swapcontext(&crossing->to, &crossing->from);   // never resumed
}

}  // namespace

Result<std::unique_ptr<RunStack>> RunStack::create(size_t bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* base = mmap(nullptr, bytes + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (base == MAP_FAILED) return fail(ErrorCode::unavailable, "no address space for the stack of a contract run", "lower engine concurrent_runs");
  if (mprotect(static_cast<u8*>(base) + page, bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(base, bytes + page);
    return fail(ErrorCode::unavailable, "no memory for the stack of a contract run", "lower engine concurrent_runs");
  }
  return std::unique_ptr<RunStack>(new RunStack(static_cast<u8*>(base), bytes + page));
}

RunStack::~RunStack() { munmap(base_, bytes_); }

void RunStack::run_erased(void (*call)(void*), void* it) {
  Crossing crossing;
  crossing.call = call;
  crossing.it = it;
  getcontext(&crossing.to);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  crossing.to.uc_stack.ss_sp = base_ + page;
  crossing.to.uc_stack.ss_size = bytes_ - page;
  crossing.to.uc_link = nullptr;
  const auto address = reinterpret_cast<uintptr_t>(&crossing);
  makecontext(&crossing.to, reinterpret_cast<void (*)()>(enter), 2, static_cast<unsigned>(address >> 32), static_cast<unsigned>(address));
#ifdef PHALA_ASAN
  __sanitizer_start_switch_fiber(&crossing.caller_fake, base_ + page, bytes_ - page);
#endif
  swapcontext(&crossing.from, &crossing.to);
#ifdef PHALA_ASAN
  __sanitizer_finish_switch_fiber(crossing.caller_fake, nullptr, nullptr);
#endif
}

}  // namespace phala::engine
