// Why: the little that compiled C++ expects of an operating system, for a module that has none: memory, and a way to stop.
// Memory is handed out upwards and not taken back except for the newest block, because a call lives for milliseconds in an
// instance of its own. Only part of the wasm build.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>

#include "phala/host.hpp"

extern "C" unsigned char __heap_base;

namespace {
constexpr size_t page = 65536;
constexpr size_t align = 16;
uintptr_t top = 0;
uintptr_t newest = 0;

void* allocate(size_t size) {
  if (top == 0) top = (reinterpret_cast<uintptr_t>(&__heap_base) + align - 1) & ~(align - 1);
  const uintptr_t at = top;
  if (size > SIZE_MAX - at - align) __builtin_trap();
  const uintptr_t end = (at + (size == 0 ? 1 : size) + align - 1) & ~(align - 1);
  const size_t have = __builtin_wasm_memory_size(0) * page;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + page - 1) / page) == SIZE_MAX) __builtin_trap();
  newest = at;
  top = end;
  return reinterpret_cast<void*>(at);
}

void release(void* block) {
  if (block != nullptr && reinterpret_cast<uintptr_t>(block) == newest) top = newest;
}
}  // namespace

void* operator new(size_t size) { return allocate(size); }
void* operator new[](size_t size) { return allocate(size); }
void* operator new(size_t size, std::align_val_t alignment) {
  if (static_cast<size_t>(alignment) > align) __builtin_trap();
  return allocate(size);
}
void operator delete(void* block, std::align_val_t) noexcept { release(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { release(block); }
void operator delete(void* block) noexcept { release(block); }
void operator delete[](void* block) noexcept { release(block); }
void operator delete(void* block, size_t) noexcept { release(block); }
void operator delete[](void* block, size_t) noexcept { release(block); }

extern "C" {
__attribute__((used)) void* memcpy(void* to, const void* from, size_t n) {
  auto* a = static_cast<unsigned char*>(to);
  const auto* b = static_cast<const unsigned char*>(from);
  for (size_t i = 0; i < n; ++i) a[i] = b[i];
  return to;
}
__attribute__((used)) void* memmove(void* to, const void* from, size_t n) {
  auto* a = static_cast<unsigned char*>(to);
  const auto* b = static_cast<const unsigned char*>(from);
  if (a < b) {
    for (size_t i = 0; i < n; ++i) a[i] = b[i];
  } else {
    for (size_t i = n; i-- > 0;) a[i] = b[i];
  }
  return to;
}
__attribute__((used)) void* memset(void* to, int value, size_t n) {
  auto* a = static_cast<unsigned char*>(to);
  for (size_t i = 0; i < n; ++i) a[i] = static_cast<unsigned char>(value);
  return to;
}
__attribute__((used)) int memcmp(const void* left, const void* right, size_t n) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (size_t i = 0; i < n; ++i)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}
__attribute__((used)) void* memchr(const void* in, int value, size_t n) {
  const auto* a = static_cast<const unsigned char*>(in);
  for (size_t i = 0; i < n; ++i)
    if (a[i] == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(a + i);
  return nullptr;
}
__attribute__((used)) size_t strlen(const char* text) {
  size_t n = 0;
  while (text[n] != 0) ++n;
  return n;
}
void abort() { __builtin_trap(); }
}

// The C++ library keeps these in its own archive, which expects a whole system beneath it: strings, compiled once, what is called where it
// would throw, and whole numbers as text.
template class std::basic_string<char>;
template std::string& std::string::__assign_no_alias<true>(const char*, size_t);
template std::string& std::string::__assign_no_alias<false>(const char*, size_t);
template std::string std::operator+(const char*, const std::string&);
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }
template <class T>
static string whole_to_string(T value) {
  char text[24];
  return string(text, to_chars(text, text + sizeof text, value).ptr);
}
string to_string(int value) { return whole_to_string(value); }
string to_string(unsigned value) { return whole_to_string(value); }
string to_string(long value) { return whole_to_string(value); }
string to_string(unsigned long value) { return whole_to_string(value); }
string to_string(long long value) { return whole_to_string(value); }
string to_string(unsigned long long value) { return whole_to_string(value); }
_LIBCPP_END_NAMESPACE_STD

namespace phala::sdk::host {
void trap() { __builtin_trap(); }
}  // namespace phala::sdk::host
