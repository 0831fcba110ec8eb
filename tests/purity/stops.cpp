// Where the C++ library would print and end the program, a pure program just stops.
#include <__verbose_abort>
#include <cstddef>

_LIBCPP_BEGIN_NAMESPACE_STD
void __libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }
_LIBCPP_END_NAMESPACE_STD

extern "C" {
void abort_message(const char*, ...) { __builtin_trap(); }
void __assert_fail(const char*, const char*, int, const char*) { __builtin_trap(); }
void __cxa_pure_virtual() { __builtin_trap(); }
// one thread: what would be destroyed at its end is not
int __cxa_thread_atexit(void (*)(void*), void*, void*) noexcept { return 0; }
// only an adapter's library throws, see CONTRIBUTING
void* __cxa_allocate_exception(size_t) noexcept { __builtin_trap(); }
void __cxa_throw(void*, void*, void (*)(void*)) { __builtin_trap(); }
}
